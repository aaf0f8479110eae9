"""The models of kept steps that a view holds, and what they write.

A run makes the model of a step when it is asked for one. Scrubbing back and forth asks for the same few again, so the last ones
stay, as many as have room.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from gptviz.gpt import GPT
from gptviz.training.run import Run
from gptviz.widgets.shared.chips import describe

MOST_MODELS = 8
MOST_BYTES = 1 << 28  # of all models that a view holds, apart from the one that is shown
MOST_TOKENS = 24  # that a sample has


class Models:
    """The last models that were asked for."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[int, int], GPT] = OrderedDict()

    def at(self, run: Run, step: int) -> GPT:
        """Returns the model of a run at a kept step."""
        key = id(run), step
        gpt = self._held.pop(key, None) or run.at(step)
        self._held[key] = gpt
        room = MOST_BYTES // max(1, sum(parameter.nbytes for parameter in gpt.model.parameters()))
        while len(self._held) > max(1, min(MOST_MODELS, room)):
            self._held.popitem(last=False)
        return gpt


def sample(gpt: GPT, prompt: Any) -> dict[str, Any]:
    """Returns what a model writes after a prompt, always its likeliest token: {"prompt", "written", "text"}.

    prompt: a text, or the tokens of a trace. The first two are tokens for chips, the last is the text that was written.
    """
    tokens = gpt.tokens(gpt.encode(prompt)) if isinstance(prompt, str) else prompt
    steps = list(gpt.stream(prompt, max_tokens=MOST_TOKENS, temperature=0, seed=0))
    return {
        "prompt": [describe(token) for token in tokens],
        "written": [describe(step.token) for step in steps],
        "text": "".join(step.text for step in steps),
    }


def samples(gpt: GPT, prompts: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns what a model writes after each prompt."""
    return [sample(gpt, prompt) for prompt in prompts]
