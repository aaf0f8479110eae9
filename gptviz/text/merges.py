"""Byte-pair encoding step by step: the merges that made a token's word, as the tokenizer's own table ranks them.

A word is split into single characters; then the neighbouring pair with the lowest rank in the table is joined, again and
again, until no pair is in the table. Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword
Units"; with bytes written as characters: Radford et al. 2019. Merges that do not end in the tokenizer's own tokens raise
NotAvailable.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from gptviz.errors import NotAvailable, fail
from gptviz.text.decoding import Decoding
from gptviz.text.encoding import encode
from gptviz.text.tokens import Token

LONGEST = 64  # characters of a word; some tokenizers treat a whole text as one word


@dataclass(frozen=True)
class Merge:
    """The pieces of a word after one merge, as the table writes them.

    rank: the merge's rank; None before the first. raw: the bytes that each piece stands for.
    """

    pieces: tuple[str, ...]
    rank: int | None
    raw: tuple[bytes, ...]


def merges_of(tokenizer: Any, text: str, tokens: tuple[Token, ...], position: int, target: bool = False) -> list[Merge]:
    """Returns the merges of the word that the token at `position` belongs to, from single characters to its tokens.

    text, tokens: what was encoded, and all its tokens. target: whether they are the target of an encoder-decoder, which has
    the decoder's start token before the tokenizer's tokens, and not those that end a text. Raises NotAvailable if the merges
    cannot be followed.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    kind = type(tokenizer).__name__ if backend is None else type(backend.model).__name__
    if kind != "BPE":
        raise _not_available("a byte-pair encoding, whose merges can be followed", kind, "merges_kind", kind=kind)
    _, encoding = encode(tokenizer, text, target=target)
    ids = [token.id for token in tokens]
    added = 1 if target and encoding is not None and encoding.ids[:1] != ids[:1] else 0
    if encoding is None or not _agree(encoding, ids[added:], target):
        raise _not_available("tokens that the tokenizer makes of this text", "others, given as ids or cut off")
    word = None if position < added else encoding.word_ids[position - added]
    if word is None:
        raise _not_available("a token of the text", "a mark of the tokenizer's own", "merges_mark")
    pieces = tuple(t for t, w in zip(encoding.tokens, encoding.word_ids, strict=True) if w == word)
    written = "".join(pieces)
    if len(written) > LONGEST:
        raise _not_available(f"a word of at most {LONGEST} characters", f"one of {len(written)}")
    stages = _stages(written, *_table(backend.to_str()))
    if stages[-1][0] != pieces:
        raise _not_available("a word whose merges lead to its tokens", f"{written!r}, which is split in another way")
    bytes_of = Decoding(tokenizer).piece_bytes
    return [Merge(stage, rank, tuple(map(bytes_of, stage))) for stage, rank in stages]


def _agree(encoding: Any, ids: list[int], target: bool) -> bool:
    """Returns whether the ids are those of the encoding; those of a target may lack marks at the end."""
    rest = encoding.word_ids[len(ids) :]
    return bool(encoding.ids[: len(ids)] == ids) and (not rest or (target and not any(w is not None for w in rest)))


def _stages(
    word: str, ranks: dict[tuple[str, str], int], unsplit: frozenset[str], end: str
) -> list[tuple[tuple[str, ...], int | None]]:
    """Returns the pieces after each merge, with the merge's rank. end: what is written after a word's last character."""
    if word in unsplit:
        return [((word,), None)]
    letters = tuple(word.removesuffix(end))
    pieces = (*letters[:-1], "".join(letters[-1:]) + end) if word.endswith(end) else letters
    stages: list[tuple[tuple[str, ...], int | None]] = [(pieces, None)]
    while pairs := [(ranks[pair], i) for i, pair in enumerate(pairwise(pieces)) if pair in ranks]:
        rank, i = min(pairs)
        pieces = (*pieces[:i], pieces[i] + pieces[i + 1], *pieces[i + 2 :])
        stages.append((pieces, rank))
    return stages


@lru_cache(maxsize=4)
def _table(state: str) -> tuple[dict[tuple[str, str], int], frozenset[str], str]:
    """Returns the rank of each pair, the words that are not split if the tokenizer has `ignore_merges`, and a word's end."""
    model = json.loads(state)["model"]
    pairs = (tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in model["merges"])
    unsplit = frozenset(model["vocab"]) if model.get("ignore_merges") else frozenset()
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    return ranks, unsplit, model.get("end_of_word_suffix") or ""  # type: ignore[return-value]


def _not_available(expected: str, got: str, code: str = "merges_other", **facts: str) -> Exception:
    remedy = "The tokens are exact; the steps that led to them are not shown."
    return fail(expected, got, remedy, NotAvailable, code, **facts)
