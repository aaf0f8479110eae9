"""What writes the text of a timeline: a model here, or one on a server. Both give their steps in the same way."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from gptviz.errors import NotAvailable, fail
from gptviz.generation.completion import Completion, Step
from gptviz.generation.request import check_request
from gptviz.served.reading import is_served
from gptviz.text.tokens import Token
from gptviz.trace.runnable import rerunning_model
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.prompt.served import ServedPromptBox
from gptviz.widgets.timeline.branches import Branch, Generation, Run


def generation_of(gpt: Any, prompt: Any, settings: dict[str, Any]) -> "LocalGeneration | ServedGeneration":
    """Returns a checked generation of a model. prompt: tokens; for a served model, what it is to read."""
    if is_served(gpt):
        return ServedGeneration(gpt, prompt, settings)
    return LocalGeneration(gpt, prompt, settings)


def check_settings_of_box(box: PromptBox, settings: dict[str, Any]) -> None:
    """Raises GPTVizError unless the prompt of a box can be continued with these settings."""
    if isinstance(box, ServedPromptBox):
        generation_of(box.gpt, box._require_reading().prompt, settings)
    else:
        trace = box._require_trace()
        generation_of(rerunning_model(trace), box.given_tokens(trace), settings)


class LocalGeneration(Generation):
    """A generation of a model here."""

    def __init__(self, gpt: Any, prompt: Sequence[Token], settings: dict[str, Any]):
        self._request = check_request(gpt, prompt, **settings)

    def steps(self) -> Iterator[Step]:
        """Generates."""
        from gptviz.generation.loop import steps  # here since it imports torch; a Completion is shown without

        return steps(self._request)

    def completion(self) -> Completion:
        """Returns what was generated."""
        return self._request.completion()

    def new_run(self, text: str) -> Run:
        """Returns a run with a branch for each choice. text: of the prompt."""
        request = self._request
        limits = {"max_tokens": request.max_tokens, "stop": request.stop or None, "edits": request.editing.edits}
        branches = [Branch([]) for _ in request.rows]
        sampling = request.settings._asdict()
        run = Run(request.seed, sampling, limits, text, request.tokens, branches, request.weights)
        run.source, run.source_tokens = request.gpt.source_text, request.gpt.source_tokens
        return run


class ServedGeneration(Generation):
    """A generation of a model on a server."""

    def __init__(self, gpt: Any, prompt: Any, settings: dict[str, Any]):
        self._generating = gpt.generating(prompt, **settings)

    def steps(self) -> Iterator[Step]:
        """Yields the steps as they arrive."""
        steps: Iterator[Step] = self._generating.steps()
        return steps

    def completion(self) -> Completion:
        """Returns what has arrived."""
        completion: Completion = self._generating.completion()
        return completion

    def new_run(self, text: str) -> Run:
        """Returns a run with a branch for each choice. text: of the prompt."""
        call, prompt = self._generating.call, self._generating.prompt
        limits = {"max_tokens": call.max_tokens, "stop": call.stop or None, "edits": ()}
        branches = [Branch([]) for _ in range(call.n)]
        return Run(call.seed, call.settings._asdict(), limits, text, prompt.tokens, branches, None)


def check_not_served(gpt: Any) -> None:
    """Raises NotAvailable for a served model, whose attention cannot be looked at."""
    if is_served(gpt):
        got = f"{gpt.name}, whose server reveals tokens and probabilities only"
        remedy = "Load it here, with gptviz.load(name)."
        raise fail("a model whose inside can be read", got, remedy, NotAvailable, "served_inside")


def to_continue(gpt: Any, tokens: Sequence[Token]) -> Any:
    """Returns what a model is to read to continue after these tokens: of a served one, their ids, or else their text."""
    if not is_served(gpt) or all(token.id >= 0 for token in tokens):
        return list(tokens)
    if any(token.role for token in tokens):
        got = f"a chat with {gpt.name}, whose server does not report token ids"
        raise fail(
            "a text to force a token in", got, "Ask it for a completion of a text.", NotAvailable, "served_force_chat"
        )
    try:
        return b"".join(token.bytes for token in tokens).decode()
    except UnicodeDecodeError:
        got = "tokens that end inside a character, from a server that does not report token ids"
        raise fail("tokens of whole characters", got, "Force another token.", NotAvailable, "served_part") from None


def cancel_with(branches: Sequence[Branch]) -> threading.Event:
    """Lets one event end all branches; returns it."""
    cancel = branches[0].cancel
    for branch in branches:
        branch.cancel = cancel
    return cancel
