"""Role scores: how strongly each attention head behaves like a previous-token head, an induction head and so on.

Random tokens that are repeated once have no meaning to help the model, so what a head attends to shows its role.
Sources: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, "In-context
Learning and Induction Heads"; Wang et al. 2022, "Interpretability in the Wild" (name movers).
"""

import numpy as np

from gptviz.errors import GPTVizError, NotAvailable, fail
from gptviz.trace.available import available
from gptviz.trace.runnable import RunnableModel, check_decoder_only
from gptviz.trace.sources import Array

ROLES = ("previous", "induction", "first", "same", "name_mover")
PERIOD = 40  # the number of random tokens that are repeated
SENTENCE = "When {x} and {y} went to the park, {giver} gave a book to"
NAMES = (
    "Mary", "John", "Anna", "Paul", "Kate", "David", "Laura", "Peter", "Alice", "James", "Emma", "Robert", "Jane",
    "Simon",
)  # fmt: skip
PAIRS = 3  # pairs of names, each of which makes two sentences


def role_scores(gpt: RunnableModel, seed: int = 0, period: int = PERIOD) -> dict[str, Array]:
    """Returns for each role the share of attention that each head gives to it: {role: (L, H)}, from 0 to 1.

    H is the largest number of heads of a layer; NaN where a layer has no such head, or no attention.
    The text is some random tokens, `period` of them if they fit twice into the context, then the same tokens again.
    Scores are means over the queries in the second half.
    previous: attention to the token before the query. induction: to the token that followed the query's token in the
    first half. first: to the first token of the text. same: to the query's token in the first half (a duplicate-token
    head). name_mover: in sentences in which one of two people gives something, from the last token to the name of the
    other person; missing if no name is a single token. A score says what a head looks at, not what it does: for that
    see `ablation_sweep`.

    The model of a trace that was opened from a file has the scores of seed 0 and period 40; raises NotAvailable for others.
    """
    check_decoder_only(gpt)
    if not gpt.can_run:
        if (seed, period) != (0, PERIOD):
            remedy = "Leave both out, or load the model."
            got = f"seed {seed} and period {period}"
            raise fail(f"seed 0 and period {PERIOD}, whose role scores a file holds", got, remedy, NotAvailable)
        return gpt.role_scores()
    start_ids, random_ids = _start_and_random_ids(gpt, seed, period)
    trace = gpt.trace([*start_ids, *random_ids, *random_ids])
    queries = len(start_ids) + len(random_ids) + np.arange(len(random_ids))
    keys = {
        "previous": queries - 1,
        "induction": queries - len(random_ids) + 1,
        "first": np.zeros_like(queries),
        "same": queries - len(random_ids),
    }
    scores = {role: np.full((trace.n_layers, trace.n_heads), np.nan, np.float32) for role in keys}
    for layer, maps in available(trace.attention, range(trace.n_layers)):
        for role in keys:
            scores[role][layer, : len(maps)] = maps[:, queries, keys[role]].mean(-1)
    name_mover_scores = _name_mover_scores(gpt)
    return scores if name_mover_scores is None else scores | {"name_mover": name_mover_scores}


def _name_mover_scores(gpt: RunnableModel) -> Array | None:
    """Returns the mean attention from each sentence's last token to the receiver's name, (L, H), or None without names."""
    sentences = _sentences(gpt)
    if not sentences:
        return None
    scores = np.full((len(sentences), gpt.n_layers, gpt.n_heads), np.nan, np.float32)
    for of_sentence, (ids, receiver_position) in zip(scores, sentences, strict=True):
        trace = gpt.trace(ids)
        for layer, maps in available(trace.attention, range(trace.n_layers)):
            of_sentence[layer, : len(maps)] = maps[:, -1, receiver_position]
    mean: Array = scores.mean(0)
    return mean


def _sentences(gpt: RunnableModel) -> list[tuple[list[int], int]]:
    """Returns the ids of each sentence and the position of the receiver's name; each of two people gives once."""
    names = {name: id for name in NAMES if (id := _token_id(gpt, " " + name)) is not None}
    sentences = []
    for x, y in list(zip(list(names)[::2], list(names)[1::2], strict=False))[:PAIRS]:
        for giver, receiver in ((x, y), (y, x)):
            ids = gpt.encode(SENTENCE.format(x=x, y=y, giver=giver), truncate="left")
            if ids.count(names[giver]) == 2 and ids.count(names[receiver]) == 1:
                sentences.append((ids, ids.index(names[receiver])))
    return sentences


def _token_id(gpt: RunnableModel, text: str) -> int | None:
    ids = gpt.encode(text, add_special_tokens=False)
    return ids[0] if len(ids) == 1 else gpt.decoding.token_id(text)


def _start_and_random_ids(gpt: RunnableModel, seed: int, period: int) -> tuple[list[int], list[int]]:
    """Returns the ids of the tokenizer's start tokens, if it has any, and random ids that fit twice after them."""
    try:
        start_ids = gpt.encode("")
    except GPTVizError:
        start_ids = []
    special = gpt.decoding.special_ids()
    plain = [id for id in range(min(gpt.vocab_size, len(gpt.tokenizer))) if id not in special]
    room = period if gpt.context_length is None else (gpt.context_length - len(start_ids)) // 2
    count = min(period, room, len(plain))
    return start_ids, np.random.default_rng(seed).choice(plain, count, replace=False).tolist()
