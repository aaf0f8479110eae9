"""Chat messages: what a list of them must be.

A message is a dictionary with two entries, {"role": "user", "content": "…"}. Which roles there are is the template's to say;
most have "system", "user" and "assistant".
"""

from collections.abc import Mapping
from typing import Any

from gptviz.errors import GPTVizError, WrongType, fail

Message = dict[str, str]

ASSISTANT = "assistant"  # the role that a model writes
_KEYS = ("role", "content")
_EXAMPLE = 'For example [{"role": "user", "content": "Hello"}].'


def is_chat(prompt: Any) -> bool:
    """Returns whether a prompt is meant as messages: a list or tuple that holds a dictionary, or a dictionary alone."""
    if isinstance(prompt, (list, tuple)):
        return any(isinstance(item, Mapping) for item in prompt)
    return isinstance(prompt, Mapping)


def check_messages(messages: Any) -> list[Message]:
    """Returns the messages as a list of new dictionaries.

    Raises WrongType for what is no list of messages, GPTVizError for an empty list.
    """
    expected = "a list of messages"
    if isinstance(messages, Mapping):
        raise fail(expected, "a message alone", "Put it into a list: [message].", WrongType)
    if not isinstance(messages, (list, tuple)):
        raise fail(expected, f"{messages!r:.60} ({type(messages).__name__})", _EXAMPLE, WrongType)
    if not messages:
        raise fail("a list of at least one message", "an empty list", _EXAMPLE)
    return [_checked(index, message) for index, message in enumerate(messages)]


def _checked(index: int, message: Any) -> Message:
    if not isinstance(message, Mapping):
        raise _wrong(index, f"{message!r:.60} ({type(message).__name__})", _EXAMPLE)
    unknown = [key for key in message if key not in _KEYS]
    if unknown:
        raise _wrong(index, f"the key {unknown[0]!r:.60}", "Leave it out: only text messages can be shown.")
    for key in _KEYS:
        if key not in message:
            raise _wrong(index, f"none as {key}", _EXAMPLE)
        if not isinstance(message[key], str):
            got = f"{message[key]!r:.60} ({type(message[key]).__name__}) as {key}"
            raise _wrong(index, got, f"Write the {key} as a text.")
    if not message["role"]:
        raise _wrong(index, "an empty role", 'Most templates know "system", "user" and "assistant".')
    return {key: message[key] for key in _KEYS}


def _wrong(index: int, got: str, remedy: str) -> GPTVizError:
    expected = f"a dictionary with the texts role and content as message {index}"
    return fail(expected, got, f"{remedy} Messages are counted from 0.", WrongType)
