"""Questions with the steps towards their answers marked, so that training can teach these steps for a while.

The answer to "Who is in the hall?" takes three steps. In the statement "Mary is in the hall", the token " hall" learns
who is there, from the name before it. In the question, the token " hall" finds the one in the statement and copies the
name. The last token reads the answer from the token in the question. The loss of the answer alone teaches none of these
steps as long as the other two are missing. So for some hundred training steps, the first two get a loss of their own, at
the layers where they should happen (deep supervision, Lee et al. 2015). Afterwards, the loss of the answer alone
preserves what was learned.
"""

from random import Random
from typing import NamedTuple

import torch
import wordings
import words as w
from torch import Tensor, nn

STATED_BEFORE = 3  # the place in a statement must hold its person's name before this block
LAYER, HEAD = 3, 6  # the head that must copy the name from the place in the statement to the place in the question
WHO, OTHER, REST = 6.0, 3.0, 0.3  # loss weights of an answer that is a name, of another answer, of all other tokens
NONE = -1


class Marked(NamedTuple):
    """Rows of questions, (rows, length) each; NONE where nothing is marked."""

    ids: Tensor
    weights: Tensor
    stated: Tensor  # at the place or thing in a statement, and one position further: the name of its person
    asked: Tensor  # at the place or thing in a question that asks who: the right name
    source: Tensor  # at the same positions as `asked`: where in the row the statement has that place or thing


def marked_rows(tokenizer, rng: Random, rows: int, length: int) -> Marked:
    """Returns rows that are filled with texts of questions, one after the other."""
    drawn = [_row(tokenizer, rng, length) for _ in range(rows)]
    return Marked(*(torch.tensor(part) for part in zip(*drawn, strict=True)))


def _row(tokenizer, rng: Random, length: int) -> list[list]:
    row: list[list] = [[], [], [], [], []]
    while len(row[0]) < length:
        offset = len(row[0])
        *parts, source = _text(tokenizer, rng)
        parts.append([NONE if position == NONE else position + offset for position in source])
        for of_row, of_text in zip(row, parts, strict=True):
            of_row += of_text
    return [part[:length] for part in row]


def _text(tokenizer, rng: Random) -> tuple[list, ...]:
    """Returns one text with at most two questions: its ids, weights, stated, asked and source, as in `Marked`."""

    def ids_of(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    people, is_place = rng.choice((2, 2, 3, 3, 4, 5)), rng.random() < 0.6
    names, keys = rng.sample(w.NAMES, people), rng.sample(w.ROOMS if is_place else w.THINGS, people)
    patterns, kinds = (
        (wordings.BE_IN, ("place", "who is there")) if is_place else (wordings.HAVE, ("thing", "who has it"))
    )
    facts = " ".join(rng.choice(patterns).format(n=name, p=key, t=key) for name, key in zip(names, keys, strict=True))
    ids = [tokenizer.bos_token_id, *ids_of(facts)]
    name_of = {ids_of(f" {key}")[0]: ids_of(f" {name}")[0] for name, key in zip(names, keys, strict=True)}
    stated_at = {id: position for position, id in enumerate(ids) if id in name_of}
    weights, stated = [0.0] + [REST] * (len(ids) - 1), [NONE] * len(ids)
    for id, position in stated_at.items():
        stated[position : position + 2] = [name_of[id]] * len(stated[position : position + 2])
    asked, source = [NONE] * len(ids), [NONE] * len(ids)
    for name, key in rng.sample(list(zip(names, keys, strict=True)), min(people, 2)):
        kind = rng.choices(kinds, (1, 4))[0]
        asks_who, is_brief = kind.startswith("who"), rng.random() < 0.3
        question = rng.choice(wordings.BRIEF[kind] if is_brief else wordings.ASK[kind][0]).format(n=name, p=key, t=key)
        prompt = ids_of(f" {question}" + ("" if is_brief else rng.choice((" Answer:", " Answer:", ""))))
        answer = ids_of(f" {name if asks_who else key}")
        added = [*prompt, *answer, *ids_of(".")]
        is_marked = [asks_who and id in name_of and index < len(prompt) for index, id in enumerate(added)]
        ids += added
        weights += [REST] * len(prompt) + [WHO if asks_who else OTHER] * len(answer) + [REST]
        stated += [NONE] * len(added)
        asked += [name_of[id] if marked else NONE for id, marked in zip(added, is_marked, strict=True)]
        source += [stated_at[id] if marked else NONE for id, marked in zip(added, is_marked, strict=True)]
    return ids, weights, stated, asked, source


def losses(model, hidden: tuple[Tensor, ...], rows: Marked) -> Tensor:
    """Returns the sum of three losses, in nats: of the name at the place in the statement before block STATED_BEFORE,
    of the attention of HEAD in block LAYER, and of the name at the place in the question after that block.

    hidden: for the marked rows, the residual stream before each block, (rows, length, d_model) each."""
    return (
        _name_loss(model, hidden[STATED_BEFORE], rows.stated)
        + _name_loss(model, hidden[LAYER + 1], rows.asked)
        + _attention_loss(model, hidden[LAYER], rows.source)
    )


def _name_loss(model, hidden: Tensor, names: Tensor) -> Tensor:
    """Returns the cross-entropy of the marked names, as the unembedding reads them from the residual stream."""
    is_marked = names != NONE
    logits = model.lm_head(model.transformer.ln_f(hidden[is_marked])).float()
    return nn.functional.cross_entropy(logits, names[is_marked])


def _attention_loss(model, hidden: Tensor, source: Tensor) -> Tensor:
    """Returns the cross-entropy of HEAD's attention from the marked positions, over all positions that the mask allows."""
    block = model.transformer.h[LAYER]
    d_head = model.config.n_embd // model.config.n_head
    q, k, _ = block.attn.c_attn(block.ln_1(hidden)).split(model.config.n_embd, -1)
    row, position = (source != NONE).nonzero(as_tuple=True)
    of_head = slice(HEAD * d_head, (HEAD + 1) * d_head)
    scores = torch.einsum("nd,njd->nj", q[row, position, of_head], k[row][..., of_head]).float() / d_head**0.5
    is_later = torch.arange(hidden.shape[1], device=position.device) > position[:, None]
    return nn.functional.cross_entropy(scores.masked_fill(is_later, -torch.inf), source[row, position])
