"""A tokenizer's chat template: the text that it makes of messages, and what of that text is the template's own.

A template is a Jinja program from the model's files. transformers runs it, in Jinja's sandbox. Nothing here knows a model
family: what a template does is found by rendering messages whose contents are marks, and looking where the marks are.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from gptviz.errors import GPTVizError, NotAvailable, fail
from gptviz.text.messages import Message

_MARK = re.compile(
    r"Message(\d+)Content"
)  # stands for a content; letters and digits only, so that no filter changes it


class Frame(NamedTuple):
    """What a template writes around the contents of messages.

    order: the indices of the messages, as their contents follow one another in the text, without those that the template
    drops. literals: what it writes before the first content, between two contents, and after the last one.
    """

    order: list[int]
    literals: list[str]


def has_template(tokenizer: Any) -> bool:
    """Returns whether a tokenizer has a chat template."""
    return bool(getattr(tokenizer, "chat_template", None))


def render(tokenizer: Any, messages: Sequence[Message], prompted: bool) -> str:
    """Returns the text that the tokenizer's template makes of messages.

    prompted: with the generation prompt, which opens the assistant's answer.

    Raises NotAvailable for a tokenizer without a template, and GPTVizError for messages that the template refuses.
    """
    if not has_template(tokenizer):
        raise fail(
            "a model with a chat template",
            "one whose tokenizer has none",
            "Give a text as the prompt, load a model that was tuned for chat, or set tokenizer.chat_template.",
            NotAvailable,
            code="chat_no_template",
        )
    try:
        return str(tokenizer.apply_chat_template(list(messages), add_generation_prompt=prompted, tokenize=False))
    except Exception as error:  # of Jinja, of transformers, or of what the template computes
        why = " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
        raise fail(
            "messages that the model's chat template accepts",
            f"these, for which it says: {why}",
            "Many templates want user and assistant in turn, beginning with user, and some know no system message.",
            code="chat_refused",
            why=why,
        ) from error


def frame(tokenizer: Any, messages: Sequence[Message], prompted: bool = False) -> Frame | None:
    """Returns what the template writes around contents of these roles.

    None if it refuses the messages, writes no content unchanged, or writes one twice.
    """
    marked = [message | {"content": f"Message{index}Content"} for index, message in enumerate(messages)]
    try:
        parts = _MARK.split(render(tokenizer, marked, prompted))
    except GPTVizError:
        return None
    order = [int(index) for index in parts[1::2]]
    return Frame(order, parts[::2]) if order and len(set(order)) == len(order) else None


def frame_of_roles(tokenizer: Any, *roles: str, prompted: bool = False) -> Frame | None:
    """Returns the frame of messages with these roles, in which all contents follow one another as the messages do."""
    result = frame(tokenizer, [{"role": role, "content": ""} for role in roles], prompted)
    return result if result and result.order == list(range(len(roles))) else None
