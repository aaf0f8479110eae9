"""A prompt as a model reads it: its token ids, and for a chat whose message each token belongs to."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from gptviz.text.decoding import Decoding
from gptviz.text.encoding import encode
from gptviz.text.messages import ASSISTANT, check_messages
from gptviz.text.roles import Answer, Role, Span, character_roles, token_answers, token_roles
from gptviz.text.templates import render
from gptviz.text.tokens import Token
from gptviz.text.turns import is_open


@dataclass(frozen=True)
class Reading:
    """A prompt as a model reads it.

    ids: its token ids (T,). roles: the role of each token; see `Token`. answers: for each token the index of the
    assistant's message whose answer it belongs to, None elsewhere; see `character_roles`. is_chat: whether it is made
    of messages. speaker: the role that a generated token has, None where the model continues no message.
    """

    ids: list[int]
    roles: list[Role]
    answers: list[Answer]
    is_chat: bool = False
    speaker: Role = None

    def kept(self, indices: Sequence[int]) -> "Reading":
        """Returns the reading with these of its tokens alone."""
        return replace(
            self,
            ids=[self.ids[i] for i in indices],
            roles=[self.roles[i] for i in indices],
            answers=[self.answers[i] for i in indices],
        )


def read_ids(ids: Sequence[int]) -> Reading:
    """Returns token ids as a reading."""
    return Reading(list(ids), [None] * len(ids), [None] * len(ids))


def read_tokens(tokenizer: Any, tokens: Sequence[Token | int]) -> Reading:
    """Returns tokens of another text as a reading, with their roles. Ids among them have none."""
    ids = [token.id if isinstance(token, Token) else token for token in tokens]
    roles = [token.role if isinstance(token, Token) else None for token in tokens]
    is_chat = any(roles)
    return Reading(
        ids, roles, [None] * len(ids), is_chat, ASSISTANT if is_chat and is_open(tokenizer, ids, roles) else None
    )


def read_messages(tokenizer: Any, decoding: Decoding, messages: Any) -> Reading:
    """Returns messages as a reading: the tokenizer's own chat template, and its ids of that text without adding any.

    After an answer of the assistant there is no generation prompt. Raises an error for what are no messages, for a tokenizer
    without a template, and for messages that it refuses. Warns if the text does not show whose the contents are.
    """
    messages = check_messages(messages)
    prompted = messages[-1]["role"] != ASSISTANT
    text = render(tokenizer, messages, prompted)
    ids, encoding = encode(tokenizer, text, add_special_tokens=False)
    offsets = encoding.offsets if encoding else _offsets(decoding, ids, text)
    of_characters = character_roles(tokenizer, messages, text, prompted)
    roles: list[Role] = token_roles(of_characters[0], offsets) if offsets else [None] * len(ids)
    answers: list[Answer] = token_answers(of_characters[1], offsets) if offsets else [None] * len(ids)
    if not any(roles):
        warnings.warn(
            "Which tokens belong to which message cannot be told from the text that this chat template makes. "
            "The tokens are right; their role is None.",
            stacklevel=2,
        )
    return Reading(ids, roles, answers, is_chat=True, speaker=ASSISTANT if prompted else None)


def _offsets(decoding: Decoding, ids: Sequence[int], text: str) -> list[Span]:
    """Returns the characters that each token stands for, by what the tokens say; an empty list if that is not the text.

    For tokenizers that are written in Python, which do not tell it.
    """
    raw = [token.bytes for token in decoding.tokens(ids)]
    if b"".join(raw) != text.encode():
        return []
    ends = list(accumulate(map(_characters_begun, raw), initial=0))
    begins_inside = [not _characters_begun(part[:1]) for part in raw]  # a token that begins inside a character
    return [(start - inside, end) for start, end, inside in zip(ends, ends[1:], begins_inside, strict=False)]


def _characters_begun(raw: bytes) -> int:
    """Returns how many characters begin in these bytes of UTF-8."""
    return sum(byte & 0xC0 != 0x80 for byte in raw)
