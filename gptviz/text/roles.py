"""Finds whose message each character of a rendered chat belongs to, and which characters are the assistant's answers.

The contents are found in the text by what the template writes around them (`templates.Frame`), or by what changes with a
content. What it writes between two contents ends one message and begins the next; the end of a message is what follows its
content when it is the last one. So templates that trim or change contents, insert a system message, change the order or merge
messages are understood, and where the text does not show whose a part is, its role is None.
"""

import re
from collections.abc import Sequence
from itertools import count, takewhile
from typing import Any

from gptviz.errors import GPTVizError
from gptviz.text.messages import ASSISTANT, Message
from gptviz.text.templates import Frame, frame, frame_of_roles, render

Role = str | None
Answer = int | None  # the index of a message of the assistant's
Span = tuple[int, int]  # where something begins and ends in a text

_SYSTEM = "system"


def character_roles(
    tokenizer: Any, messages: Sequence[Message], text: str, prompted: bool
) -> tuple[list[Role], list[Answer]]:
    """Returns two lists about each character of `text`, which the template made of these messages; see `templates.render`.

    The first has its role. A message is all that its role's turn has: what opens it, its content, and what closes it. A
    system message that the template inserts has the role "system", and the generation prompt that of the assistant. None:
    a start token before all messages, and what cannot be told.

    The second has the index of the assistant's message whose answer it belongs to, and None elsewhere. An answer is
    what the assistant has to write itself: the content, what closes it, and what stands before it behind the generation
    prompt.
    """
    roles: list[Role] = [None] * len(text)
    answers: list[Answer] = [None] * len(text)
    whole = frame(tokenizer, messages, prompted)
    contents = _contents(tokenizer, text, whole, messages, prompted) if whole else None
    if whole is None or contents is None:
        return roles, answers
    ends, asks = _Ends(tokenizer, messages), _generation_prompt(tokenizer)
    opening = _opening(tokenizer, messages, whole, prompted)
    roles[: len(opening)] = opening
    following = [(messages[index]["role"], start) for index, (start, _) in zip(whole.order, contents, strict=True)][1:]
    following.append((ASSISTANT if prompted else "", len(text)))
    asked: int | None = None  # where an answer begins, if the generation prompt stands before the present message
    for index, (start, end), (next_role, until) in zip(whole.order, contents, following, strict=True):
        role, after = messages[index]["role"], text[end:until]
        closing = ends.length(after, index) if next_role else len(after)
        own = len(after) if next_role in ("", role) else closing
        roles[start:end] = [role] * (end - start)
        if own is not None:
            roles[end:until] = [role] * own + [next_role] * (len(after) - own)
        if role == ASSISTANT:
            first, last = start if asked is None else asked, end + (closing or 0)
            answers[first:last] = [index] * (last - first)
        asked = None
        if closing is not None and asks is not None and after.startswith(asks, closing):
            asked = end + closing + len(asks)
    return roles, answers


def token_roles(roles: Sequence[Role], offsets: Sequence[Span]) -> list[Role]:
    """Returns the role of each token. roles: of each character. offsets: the characters that each token stands for.

    None for a token that belongs to several messages, or to none.
    """
    of_tokens = (set(roles[start : max(end, start + 1)]) - {None} for start, end in offsets)
    return [next(iter(its_roles)) if len(its_roles) == 1 else None for its_roles in of_tokens]


def token_answers(answers: Sequence[Answer], offsets: Sequence[Span]) -> list[Answer]:
    """Returns the answer that each token belongs to, if only with some of its characters. Arguments: see `token_roles`."""
    of_tokens = (answers[start : max(end, start + 1)] for start, end in offsets)
    return [next((answer for answer in its_answers if answer is not None), None) for its_answers in of_tokens]


def _contents(
    tokenizer: Any, text: str, whole: Frame, messages: Sequence[Message], prompted: bool
) -> list[Span] | None:
    """Returns where each content is in the text, in the frame's order; None if that cannot be told."""
    contents = [messages[index]["content"] for index in whole.order]
    if unchanged := _unchanged(text, whole.literals, contents):
        return unchanged
    spans = [_changing(tokenizer, text, messages, index, prompted) for index in whole.order]
    edges = [edge for span in spans if span for edge in span]
    return [span for span in spans if span] if None not in spans and edges == sorted(edges) else None


def _unchanged(text: str, literals: Sequence[str], contents: Sequence[str]) -> list[Span] | None:
    """Returns where contents are that the template writes as they are, or without white space at their ends."""
    first, *others = literals
    ways: dict[int, list[Span]] = {len(first): []} if text.startswith(first) else {}  # by where the next content begins
    for content, literal in zip(contents, others, strict=True):
        next_ways: dict[int, list[Span]] = {}
        for start, spans in ways.items():
            for form in (content, content.strip(), content.lstrip(), content.rstrip()):
                end = start + len(form)
                if text.startswith(form, start) and text.startswith(literal, end):
                    next_ways.setdefault(end + len(literal), [*spans, (start, end)])
        ways = next_ways
    return ways.get(len(text))


def _changing(tokenizer: Any, text: str, messages: Sequence[Message], index: int, prompted: bool) -> Span | None:
    """Returns the part of the text that becomes another one if message `index` has another content.

    This finds a content that the template changes, and one that changes what the template writes around it.
    """
    mark = next(mark for i in count() if (mark := f"Message{i}Content") not in text)
    try:
        other = render(
            tokenizer, [*messages[:index], messages[index] | {"content": mark}, *messages[index + 1 :]], prompted
        )
    except GPTVizError:
        return None
    before, separator, after = other.partition(mark)
    start, end = _alike(text, before), len(text) - _alike(text[::-1], after[::-1])
    return (start, end) if separator and mark not in after and start <= end else None


def _alike(a: str, b: str) -> int:
    """Returns the number of characters with which both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _generation_prompt(tokenizer: Any) -> str | None:
    """Returns what the template writes after a user's message to ask for an answer; None if that cannot be told."""
    opened = frame_of_roles(tokenizer, "user", prompted=True)
    if opened is None:
        return None
    closing = _Ends(tokenizer, [{"role": "user", "content": ""}]).length(opened.literals[1], 0)
    return None if closing is None else opened.literals[1][closing:]


class _Ends:
    """What the template writes after the content of a message, to end it."""

    def __init__(self, tokenizer: Any, messages: Sequence[Message]):
        self._tokenizer, self._messages = tokenizer, messages
        self._by_role: dict[str, str] = {}

    def length(self, literal: str, index: int) -> int | None:
        """Returns how many of these characters end message `index`; None if that cannot be told.

        literal: what the template writes after its content.
        """
        own = self._by_role.get(self._messages[index]["role"])
        if own is None or not literal.startswith(own):
            own = self._of_last(index)
        if own is not None and literal.startswith(own):
            return len(own)
        user = frame_of_roles(self._tokenizer, "user")
        others = [*self._by_role.values(), user.literals[-1] if user else ""]
        for end in sorted(filter(None, others), key=len, reverse=True):
            if literal.startswith(end):
                return len(end)
        return self._common(own or "", literal) or None  # after the last message some templates end the whole chat, too

    def _of_last(self, index: int) -> str | None:
        """Returns what ends message `index` where it is the last one; None if the template refuses it as the last one."""
        until = frame(self._tokenizer, self._messages[: index + 1])
        if until is None or until.order[-1] != index:
            return None
        self._by_role.setdefault(self._messages[index]["role"], until.literals[-1])
        return until.literals[-1]

    def _common(self, a: str, b: str) -> int:
        """Returns the length of the marks, and of the texts between them, with which both begin."""
        marks = sorted({*self._tokenizer.all_special_tokens, *self._tokenizer.get_added_vocab()} - {""}, key=len)
        if not marks:
            return 0
        parts = re.compile(f"({'|'.join(map(re.escape, reversed(marks)))})").split
        same = takewhile(lambda pair: pair[0] == pair[1], zip(parts(a), parts(b), strict=False))
        return sum(len(part) for part, _ in same)


def _opening(tokenizer: Any, messages: Sequence[Message], whole: Frame, prompted: bool) -> list[Role]:
    """Returns the role of each character before the first content."""
    literal, role = whole.literals[0], messages[whole.order[0]]["role"]
    header = _header(tokenizer, role)
    start = len(_start_mark(tokenizer, whole, header))
    rest = literal[start:]
    roles: list[Role] = [role] * len(rest)
    if role == _SYSTEM:
        user = frame_of_roles(tokenizer, "user")
        if user and len(user.literals[0]) > start and literal.startswith(user.literals[0]):
            roles[:] = [None] * len(rest)  # the user's message begins here, and the system's content is put into it
    elif system := _before_inserted(tokenizer, messages, prompted)[start:]:
        before = rest.removesuffix(header) if header else rest
        if before.startswith(system):
            roles[: len(before)] = [_SYSTEM if before != rest else None] * len(before)
        elif before != rest:
            roles[: len(before)] = [None] * len(before)
    return [*[None] * start, *roles]


def _start_mark(tokenizer: Any, whole: Frame, header: str | None) -> str:
    """Returns the start token if the template writes it before all messages, and not in front of each."""
    start = getattr(tokenizer, "bos_token", None) or ""
    elsewhere = "".join([*whole.literals[1:], header or ""])
    return start if start and whole.literals[0].startswith(start) and start not in elsewhere else ""


def _before_inserted(tokenizer: Any, messages: Sequence[Message], prompted: bool) -> str:
    """Returns what the template writes before the content of a system message that is put first; "" if it refuses one."""
    more = frame(tokenizer, [{"role": _SYSTEM, "content": ""}, *messages], prompted)
    return more.literals[0] if more and more.order[0] == 0 else ""


def _header(tokenizer: Any, role: str) -> str | None:
    """Returns what opens a message of this role that is not the first one; None if it cannot be told."""
    other = ASSISTANT if role != ASSISTANT else "user"
    three = frame_of_roles(tokenizer, role, other, role)
    ends = [frame_of_roles(tokenizer, role, other), frame_of_roles(tokenizer, role)]
    if three is None:
        return None
    known = (end.literals[-1] for end in ends if end)
    return next((three.literals[2].removeprefix(end) for end in known if three.literals[2].startswith(end)), None)
