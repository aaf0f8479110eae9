"""How a chat template ends the assistant's turn, so that a generated answer can end there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gptviz.text.encoding import encode
from gptviz.text.messages import ASSISTANT
from gptviz.text.templates import Frame, frame_of_roles


class TurnEnd(NamedTuple):
    """How the assistant's turn ends.

    ids: special or added tokens that end it. stops: texts that end it, of a template that writes plain text there. closing:
    the tokens after the content of an answer that is the last message. lead: what the template writes before the content of
    an answer and not in the generation prompt, so that a generated answer may begin with it.
    """

    ids: frozenset[int] = frozenset()
    stops: tuple[str, ...] = ()
    closing: tuple[int, ...] = ()
    lead: str = ""


def turn_end(tokenizer: Any) -> TurnEnd:
    """Returns how the template of a tokenizer ends the assistant's turn; all empty where that cannot be told."""
    answered = frame_of_roles(tokenizer, "user", ASSISTANT)
    if answered is None:
        return TurnEnd()
    followed = frame_of_roles(tokenizer, "user", ASSISTANT, "user")
    ends = [answered.literals[2], *([followed.literals[2]] if followed else [])]
    marks = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    ids, stops = set[int](), list[str]()
    for end in ends:
        first = _ids(tokenizer, end.strip())[:1]
        if marks.issuperset(first):
            ids.update(first)
        else:
            stops.append(end.rstrip())
    return TurnEnd(
        frozenset(ids), tuple(dict.fromkeys(stops)), tuple(_ids(tokenizer, ends[0])), _lead(tokenizer, answered)
    )


def is_open(tokenizer: Any, ids: Sequence[int], roles: Sequence[str | None]) -> bool:
    """Returns whether the assistant speaks next in a chat of these tokens: its last answer, if there is one, goes on."""
    closing = turn_end(tokenizer).closing
    is_closed = closing and roles[-1] == ASSISTANT and tuple(ids[-len(closing) :]) == closing
    return not is_closed


def _lead(tokenizer: Any, answered: Frame) -> str:
    opened = frame_of_roles(tokenizer, "user", prompted=True)
    header = answered.literals[1]
    return header.removeprefix(opened.literals[1]) if opened and header.startswith(opened.literals[1]) else ""


def _ids(tokenizer: Any, text: str) -> list[int]:
    return encode(tokenizer, text, add_special_tokens=False)[0] if text else []
