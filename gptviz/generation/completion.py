"""What the decode loop gives back: steps, choices and a completion shaped like OpenAI's completions reply.

Plain values that outlive the model. Probabilities are shares of 1, entropies are in bits.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gptviz.text.tokens import Token, readable

if TYPE_CHECKING:
    from gptviz.intervention.edits import Edit

FinishReason = Literal["stop", "length", "interrupted"]


@dataclass(frozen=True)
class Alternative:
    """A token that might have come: its probability under the model and under the sampling distribution."""

    token: Token
    probability: float
    sampling_probability: float


@dataclass(frozen=True)
class Step:
    """One token of one choice, and how it was chosen.

    token: the token, at its position in prompt and output. choice, index: which choice, and which step of it.
    probability: the model's own, softmax of the logits. sampling_probability: after penalty, temperature and cuts.
    alternatives: the leading tokens by the model's own probability. entropy, model_entropy: bits, of the sampling
    distribution and of the model's own. kept: how many tokens the cuts left; kept_mass: what those had after the
    temperature, before the cuts were renormalised. text: what this step released, held back while a stop string or a
    character may still be completed. finish_reason: None while the choice goes on. cached: tokens whose keys and values
    the cache held for this choice when the step was drawn, and their bytes; None for a family without such a cache.
    """

    token: Token
    choice: int
    index: int
    probability: float
    sampling_probability: float
    alternatives: tuple[Alternative, ...]
    entropy: float
    model_entropy: float
    kept: int
    kept_mass: float
    text: str
    finish_reason: FinishReason | None = None
    cached: tuple[int, int] | None = None


@dataclass(frozen=True)
class Choice:
    """One continuation. steps include the token that completed a stop string or ended the text; text does not."""

    index: int
    text: str
    finish_reason: FinishReason
    steps: tuple[Step, ...]

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Ids of the generated tokens, one a step."""
        return tuple(step.token.id for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """The choice as the completions reply has it; log-probabilities (natural) are the model's own."""
        before = [b"".join(step.token.bytes for step in self.steps[:i]) for i in range(len(self.steps))]
        logprobs = {
            "tokens": [step.token.text for step in self.steps],
            "token_logprobs": [math.log(step.probability) if step.probability else -math.inf for step in self.steps],
            "top_logprobs": [
                {a.token.text: math.log(a.probability) for a in step.alternatives if a.probability}
                for step in self.steps
            ],
            "text_offset": [len(readable(b)) for b in before],
        }
        return {"text": self.text, "index": self.index, "logprobs": logprobs, "finish_reason": self.finish_reason}


@dataclass(frozen=True)
class Usage:
    """Tokens read and written, over all choices."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """Both together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Completion:
    """The reply to `GPT.complete`. created: Unix time in seconds; seed: the one used, also when None was given.

    settings: temperature and the cuts. max_tokens, stop, edits: as they were asked for.
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
    edits: tuple["Edit", ...] = ()
    object: str = "text_completion"

    def to_dict(self) -> dict[str, Any]:
        """The reply as JSON-ready values, with the keys of OpenAI's completions reply and the seed."""
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
        head = f"Completion of {self.prompt!r} by {self.model}, seed {self.seed}:"
        return "\n".join([head, *(f"  [{c.index}] {c.text!r} ({c.finish_reason})" for c in self.choices)])
