"""What a server reveals of a prompt: its tokens, how probable each was after those before it, and the next token."""

from dataclasses import dataclass
from typing import Any, Literal

from gptviz.generation.completion import Step
from gptviz.served.next_token import RevealedNextToken
from gptviz.text.tokens import Token

# Why a prompt's tokens have no probabilities: "" if they have. "hidden": the server reveals none. "echo": it does not echo
# prompts. "chat": the protocol has no echo of messages.
WithoutSteps = Literal["", "hidden", "echo", "chat"]


def is_served(gpt: Any) -> bool:
    """Returns whether a model runs on a server."""
    return getattr(gpt, "is_served", False)


@dataclass(frozen=True)
class ServedReading:
    """A prompt as a server read it.

    prompt: as it was given: a text or messages. text: what the model reads, as far as the server reports it. tokens: those of
    the text; without a tokenizer to ask, the whole text is one token. steps: for each token its probability and
    alternatives, or none; without_steps: why there are none. next_token: None if the server reveals no probabilities.
    """

    prompt: Any
    text: str
    tokens: tuple[Token, ...]
    steps: tuple[Step, ...]
    without_steps: WithoutSteps
    next_token: RevealedNextToken | None
