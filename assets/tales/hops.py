"""Questions with the way to their answer marked, for a stretch of training in which the way itself is taught.

"Who is in the hall?" needs three steps, and the answer alone teaches none of them as long as the other two are missing:
the told place learns who is there, from the name before it; the asked place finds the told one and takes the name
over; the answer reads it from there. So for some hundred steps the first two get a loss of their own at the layers
where they are to happen (deep supervision, Lee et al. 2015); afterwards the answer's loss alone keeps what was formed.
"""

from random import Random
from typing import NamedTuple

import tasks
import torch
import words as w
from torch import Tensor, nn

TOLD, LAYER, HEAD = 3, 3, 6  # the told place knows its name before block 3, whose head 6 takes it to the asked place
WHO, OTHER, REST = 6.0, 3.0, 0.3  # weights in the loss: an answer that is a name, another answer, all else
NONE = -1


class Marked(NamedTuple):
    """Rows of questions, (rows, length) each; NONE where nothing is marked."""

    ids: Tensor
    weights: Tensor
    told: Tensor  # at a told place or thing, and one further: its person's name
    asked: Tensor  # at the place or thing in a question of who: the right name
    source: Tensor  # there: the position in the row where that place or thing was told


def marked_rows(tokenizer, rng: Random, rows: int, length: int) -> Marked:
    """Texts of questions one after the other, as many as fill the rows."""
    made = [_row(tokenizer, rng, length) for _ in range(rows)]
    return Marked(*(torch.tensor(part) for part in zip(*made, strict=True)))


def _row(tokenizer, rng: Random, length: int) -> list[list]:
    row: list[list] = [[], [], [], [], []]
    while len(row[0]) < length:
        begun = len(row[0])
        *parts, source = _text(tokenizer, rng)
        parts.append([NONE if at == NONE else at + begun for at in source])
        for whole, part in zip(row, parts, strict=True):
            whole += part
    return [part[:length] for part in row]


def _text(tokenizer, rng: Random) -> tuple[list, ...]:
    """One text with at most two questions: ids, weights, told, asked, source."""

    def ids_of(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    people, where = rng.choice((2, 2, 3, 3, 4, 5)), rng.random() < 0.6
    names, keys = rng.sample(w.NAMES, people), rng.sample(w.ROOMS if where else w.THINGS, people)
    said, kinds = (tasks.BE_IN, ("place", "who is there")) if where else (tasks.HAVE, ("thing", "who has it"))
    facts = " ".join(rng.choice(said).format(n=n, p=k, t=k) for n, k in zip(names, keys, strict=True))
    ids = [tokenizer.bos_token_id, *ids_of(facts)]
    owner = {ids_of(f" {k}")[0]: ids_of(f" {n}")[0] for n, k in zip(names, keys, strict=True)}
    where_told = {id: at for at, id in enumerate(ids) if id in owner}
    weights, told = [0.0] + [REST] * (len(ids) - 1), [NONE] * len(ids)
    for id, at in where_told.items():
        told[at : at + 2] = [owner[id]] * len(told[at : at + 2])
    asked, source = [NONE] * len(ids), [NONE] * len(ids)
    for name, key in rng.sample(list(zip(names, keys, strict=True)), min(people, 2)):
        kind = rng.choices(kinds, (1, 4))[0]
        who, brief = kind.startswith("who"), rng.random() < 0.3
        question = rng.choice(tasks.BRIEF[kind] if brief else tasks.ASK[kind][0]).format(n=name, p=key, t=key)
        prompt = ids_of(f" {question}" + ("" if brief else rng.choice((" Answer:", " Answer:", ""))))
        answer = ids_of(f" {name if who else key}")
        more = [*prompt, *answer, *ids_of(".")]
        marks = [who and id in owner and at < len(prompt) for at, id in enumerate(more)]
        ids += more
        weights += [REST] * len(prompt) + [WHO if who else OTHER] * len(answer) + [REST]
        told += [NONE] * len(more)
        asked += [owner[id] if mark else NONE for id, mark in zip(more, marks, strict=True)]
        source += [where_told[id] if mark else NONE for id, mark in zip(more, marks, strict=True)]
    return ids, weights, told, asked, source


def losses(model, hidden: tuple[Tensor, ...], rows: Marked) -> Tensor:
    """Nats: the name at the told place before block TOLD, the look back in block LAYER, the name at the asked place
    after it. hidden: a tensor (rows, length, width) before each block, of the rows that are marked."""
    return (
        _named(model, hidden[TOLD], rows.told)
        + _named(model, hidden[LAYER + 1], rows.asked)
        + _looked(model, hidden[LAYER], rows.source)
    )


def _named(model, hidden: Tensor, names: Tensor) -> Tensor:
    """Cross-entropy of the names where they are marked, read off the residual stream by the unembedding."""
    marked = names != NONE
    logits = model.lm_head(model.transformer.ln_f(hidden[marked])).float()
    return nn.functional.cross_entropy(logits, names[marked])


def _looked(model, hidden: Tensor, source: Tensor) -> Tensor:
    """Cross-entropy of where HEAD looks from the marked positions, over all positions that the mask allows."""
    block = model.transformer.h[LAYER]
    width = model.config.n_embd // model.config.n_head
    q, k, _ = block.attn.c_attn(block.ln_1(hidden)).split(model.config.n_embd, -1)
    row, at = (source != NONE).nonzero(as_tuple=True)
    mine = slice(HEAD * width, (HEAD + 1) * width)
    scores = torch.einsum("nd,njd->nj", q[row, at, mine], k[row][..., mine]).float() / width**0.5
    later = torch.arange(hidden.shape[1], device=at.device) > at[:, None]
    return nn.functional.cross_entropy(scores.masked_fill(later, -torch.inf), source[row, at])
