"""Finds whose message each character of a rendered chat belongs to.

The contents are found in the text by what the template writes around them (`templates.Frame`). What it writes between two
contents ends one message and begins the next; the end of a message is what follows its content when it is the last one.
So templates that trim contents, insert a system message, change the order or merge messages are understood, and where
the text does not show whose a part is, its role is None.
"""

from collections.abc import Sequence
from typing import Any

from gptviz.text.messages import ASSISTANT, Message
from gptviz.text.templates import Frame, frame, frame_of_roles

Role = str | None
Span = tuple[int, int]  # where something begins and ends in a text

_SYSTEM = "system"


def character_roles(tokenizer: Any, messages: Sequence[Message], text: str, prompted: bool) -> list[Role]:
    """Returns the role of each character of `text`, which the template made of these messages; see `templates.render`.

    A message is all that its role's turn has: what opens it, its content, and what closes it. A system message that the
    template inserts has the role "system", and the generation prompt that of the assistant. None: a start token before
    all messages, and what cannot be told.
    """
    whole = frame(tokenizer, messages, prompted)
    contents = _contents(text, whole, messages) if whole else None
    if whole is None or contents is None:
        return [None] * len(text)
    ends = _Ends(tokenizer, messages)
    roles = _opening(tokenizer, messages, whole, prompted)
    following = [messages[index]["role"] for index in whole.order[1:]]
    last = messages[whole.order[-1]]["role"]
    following.append(ASSISTANT if prompted else last)
    for index, (start, end), literal, next_role in zip(
        whole.order, contents, whole.literals[1:], following, strict=True
    ):
        roles += [messages[index]["role"]] * (end - start)
        roles += ends.split(literal, index, next_role)
    return roles


def token_roles(roles: Sequence[Role], offsets: Sequence[Span]) -> list[Role]:
    """Returns the role of each token. roles: of each character. offsets: the characters that each token stands for.

    None for a token that belongs to several messages, or to none.
    """
    of_tokens = (set(roles[start : max(end, start + 1)]) - {None} for start, end in offsets)
    return [next(iter(found)) if len(found) == 1 else None for found in of_tokens]


def _contents(text: str, whole: Frame, messages: Sequence[Message]) -> list[Span] | None:
    """Returns where each content is in the text, in the frame's order; None if that cannot be told."""
    contents = [messages[index]["content"] for index in whole.order]
    return _unchanged(text, whole.literals, contents) or _between(text, whole.literals)


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


def _between(text: str, literals: Sequence[str]) -> list[Span] | None:
    """Returns the parts of the text between the literals, if there is only one way to find these, in order."""
    first, *middle, last = literals
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return None
    begin, end = len(first), len(text) - len(last)
    from_left, at = [], begin
    for literal in middle:
        found = text.find(literal, at, end)
        if found < 0:
            return None
        from_left.append((found, at := found + len(literal)))
    from_right, until = [], end
    for literal in reversed(middle):
        found = text.rfind(literal, begin, until)
        from_right.append((found, found + len(literal)))
        until = found
    if from_left != from_right[::-1]:
        return None
    edges = [begin, *(edge for span in from_left for edge in span), end]
    return list(zip(edges[::2], edges[1::2], strict=True))


class _Ends:
    """What the template writes after the content of a message, to end it."""

    def __init__(self, tokenizer: Any, messages: Sequence[Message]):
        self._tokenizer, self._messages = tokenizer, messages
        self._by_role: dict[str, str] = {}

    def split(self, literal: str, index: int, next_role: str) -> list[Role]:
        """Returns the role of each character of what the template writes after the content of message `index`."""
        role: Role = self._messages[index]["role"]
        if role == next_role:
            return [role] * len(literal)
        own = self._by_role.get(self._messages[index]["role"])
        if own is None or not literal.startswith(own):
            own = self._find(index)
        others = sorted(self._by_role.values(), key=len, reverse=True)
        for end in ([] if own is None else [own]) + [other for other in others if other]:
            if literal.startswith(end):
                return [*[role] * len(end), *[next_role] * (len(literal) - len(end))]
        return [None] * len(literal)

    def _find(self, index: int) -> str | None:
        """Returns what ends message `index` where it is the last one; None if the template refuses it as the last one."""
        until = frame(self._tokenizer, self._messages[: index + 1])
        if until is None or until.order[-1] != index:
            return None
        self._by_role.setdefault(self._messages[index]["role"], until.literals[-1])
        return until.literals[-1]


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
