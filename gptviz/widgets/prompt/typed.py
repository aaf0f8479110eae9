"""What is typed into a prompt box: a text, the messages of a chat, or a source and a target of an encoder-decoder."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.text.messages import Message, is_chat
from gptviz.trace.runnable import RunnableModel
from gptviz.trace.trace import Trace

# {"source": text, "target": text or token ids}; with an empty target the model writes its own.
Pair: TypeAlias = dict[str, Any]
Typed: TypeAlias = "str | Sequence[Message] | Pair"


def has_target(gpt: RunnableModel) -> bool:
    """Returns whether the model reads a target beside the prompt, which is its source then."""
    return not getattr(gpt, "decoder_only", True)


def check_typed(gpt: RunnableModel, prompt: "str | Sequence[Message]", target: str) -> Typed:
    """Returns a prompt and a target as the box of this model keeps them; raises GPTVizError for what it cannot read."""
    if not isinstance(prompt, str) and not is_chat(prompt):
        remedy = "For token ids use gpt.trace(ids)."
        raise fail("a prompt as text, or a list of messages", type(prompt).__name__, remedy, WrongType)
    if not isinstance(target, str):
        raise fail("a target as text", type(target).__name__, "For token ids use gpt.trace(source, ids).", WrongType)
    if has_target(gpt):
        if not isinstance(prompt, str):
            remedy = "Give the source as one text."
            raise fail(f"a text for {gpt.name}, an encoder-decoder", "messages", remedy, WrongType)
        if getattr(gpt, "reads_sound", False):
            raise fail(
                "a model that reads text, which can be typed here",
                f"{gpt.name}, which reads sound",
                "Write gpt.trace(path), and give the trace to a view.",
                NotAvailable,
                code="prompt_sound",
                model=gpt.name,
            )
        return {"source": prompt, "target": target}
    if target:
        got = f"{target!r:.60} for {gpt.name}, a decoder-only model"
        raise fail("a target only for an encoder-decoder", got, "Leave the target out.", WrongType)
    return prompt


def traced(gpt: RunnableModel, prompt: Any) -> Trace:
    """Returns the trace of what was typed, or of tokens."""
    if isinstance(prompt, dict):
        reader: Any = gpt  # an encoder-decoder, which takes a target too
        trace: Trace = reader.trace(prompt["source"], prompt["target"] or None)
        return trace
    return gpt.trace(prompt)
