"""The result of a generation: steps, choices, and a completion in the shape of OpenAI's completions reply.

Plain values that do not need the model. Probabilities are shares of 1, entropies are in bits. Numbers that the server of a
model does not reveal are NaN, and None in `to_dict`; a token's id that it does not reveal is -1.
"""

import codecs
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gptviz.text.messages import ASSISTANT
from gptviz.text.tokens import Token
from gptviz.text.visible import quoted
from gptviz.trace.sources import PassEdit

SHOWN = 10  # choices in the text that a completion has in a cell
FinishReason = Literal["stop", "length", "interrupted"]


@dataclass(frozen=True)
class Alternative:
    """A token that could have been drawn, with its probability under the model and after the sampling stages."""

    token: Token
    probability: float
    sampling_probability: float


@dataclass(frozen=True)
class Step:
    """One token of one choice, and how it was drawn.

    token: the token, with its position in prompt and output. choice, index: which choice, and which of its steps.
    probability: under the model: softmax of the logits. sampling_probability: after penalty, temperature and cuts.
    alternatives: the tokens with the highest probability under the model. entropy, model_entropy: bits, of the sampling
    distribution and of the model's distribution. kept: how many tokens the cuts kept, a whole number. kept_mass: the
    probability of these together after the temperature, before renormalising. text: the text that this step released;
    text that may still become a stop string, or is half a character, comes with a later step. finish_reason: None while
    the choice goes on. cached: how many tokens' keys and values the cache held for this choice at this step, and their
    bytes; None for a family without such a cache.
    """

    token: Token
    choice: int
    index: int
    probability: float
    sampling_probability: float
    alternatives: tuple[Alternative, ...]
    entropy: float
    model_entropy: float
    kept: float
    kept_mass: float
    text: str
    finish_reason: FinishReason | None = None
    cached: tuple[int, int] | None = None


@dataclass(frozen=True)
class Choice:
    """One continuation. steps include the token that completed a stop string or ended the text; text leaves it out.

    content: the text as the content of the assistant's message, if it answers a chat: without what the template itself
    writes before a content, such as a space. None otherwise.
    """

    index: int
    text: str
    finish_reason: FinishReason
    steps: tuple[Step, ...]
    content: str | None = None

    @property
    def message(self) -> dict[str, str] | None:
        """The answer to a chat as a message, {"role": "assistant", "content": …}, without end marks; None if it is none."""
        return None if self.content is None else {"role": ASSISTANT, "content": self.content}

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Returns the ids of the generated tokens, one for each step."""
        return tuple(step.token.id for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Returns the choice as in OpenAI's completions reply; log-probabilities are natural ones under the model.

        text_offset: how many characters of `text` come before each token. Of alternatives with the same text, the likeliest
        is named. An answer to a chat has its `message` too, as in OpenAI's chat completions reply.
        """
        logprobs = {
            "tokens": [step.token.text for step in self.steps],
            "token_logprobs": [_log(step.probability) for step in self.steps],
            "top_logprobs": [_top_logprobs(step.alternatives) for step in self.steps],
            "text_offset": [min(offset, len(self.text)) for offset in _offsets([step.token for step in self.steps])],
        }
        message = {} if self.message is None else {"message": self.message}
        return {
            "text": self.text, "index": self.index, "logprobs": logprobs, "finish_reason": self.finish_reason, **message
        }  # fmt: skip


def _log(probability: float) -> float | None:
    if math.isnan(probability):
        return None
    return math.log(probability) if probability else -math.inf


def _top_logprobs(alternatives: Sequence[Alternative]) -> dict[str, float | None]:
    likeliest: dict[str, float | None] = {}
    known = [alternative for alternative in alternatives if not math.isnan(alternative.probability)]
    for alternative in sorted(known, key=lambda alternative: -alternative.probability):
        if alternative.probability:
            likeliest.setdefault(alternative.token.text, _log(alternative.probability))
    return likeliest


def _offsets(tokens: Sequence[Token]) -> Iterator[int]:
    """Returns how many whole characters the tokens before each token have. Special tokens are in no text."""
    decoder, length = codecs.getincrementaldecoder("utf-8")("replace"), 0
    for token in tokens:
        yield length
        length += len(decoder.decode(b"" if token.special else token.bytes))


@dataclass(frozen=True)
class Usage:
    """How many tokens were read (prompt) and generated (all choices)."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """Returns the sum of both."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Completion:
    """The result of `GPT.complete`.

    created: Unix time in seconds. prompt, prompt_tokens: what was continued; of an encoder-decoder, prompt is the text of its
    source, source_tokens are that text's tokens, and prompt_tokens are those that the target began with. seed: the seed that
    was used, also when None was given. settings: temperature, penalty and cuts. max_tokens, stop, edits: those of the call.
    weight_versions: what `gpt.weight_versions()` was; None if unknown, as in a completion that was copied or read from a
    file.
    """

    id: str
    created: int
    model: str
    prompt: str
    prompt_tokens: tuple[Token, ...]
    choices: tuple[Choice, ...]
    usage: Usage
    seed: int
    settings: dict[str, Any]
    max_tokens: int = 150
    stop: tuple[str, ...] = ()
    edits: tuple[PassEdit, ...] = ()
    object: str = "text_completion"
    weight_versions: Any = field(default=None, repr=False, compare=False)
    source_tokens: tuple[Token, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"weight_versions": None}  # it says nothing in another process

    def to_dict(self) -> dict[str, Any]:
        """Returns values that JSON can hold, with the keys of OpenAI's completions reply and the seed."""
        return {
            "id": self.id,
            "object": self.object,
            "created": self.created,
            "model": self.model,
            "choices": [choice.to_dict() for choice in self.choices],
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "completion_tokens": self.usage.completion_tokens,
                "total_tokens": self.usage.total_tokens,
            },
            "seed": self.seed,
        }

    def __repr__(self) -> str:
        head = f"Completion of {quoted(self.prompt)} by {self.model}, seed {self.seed}:"
        lines = [f"  [{c.index}] {quoted(c.text, 200)} ({c.finish_reason})" for c in self.choices[:SHOWN]]
        more = [f"  and {len(self.choices) - SHOWN} more"] if len(self.choices) > SHOWN else []
        return "\n".join([head, *lines, *more])
