"""What the heads of a model do, measured: role scores on random repeated tokens.

A text of random tokens said twice has no meaning to help, so what a head attends to shows its role. Sources: Elhage et
al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, "In-context Learning and Induction
Heads". Not about single prompts: those are traces.
"""

from typing import TYPE_CHECKING

import numpy as np

from gptviz.errors import GPTVizError
from gptviz.trace import Array

if TYPE_CHECKING:
    from gptviz.gpt import GPT

ROLES = ("previous", "induction", "first", "same")
PERIOD = 40  # random tokens that are said twice


def role_scores(gpt: "GPT", seed: int = 0) -> dict[str, Array]:
    """For each role the share of attention that every head gives it: {role: (L, H)}, each from 0 to 1.

    previous: the token before. induction: the token that followed the same token when it came first. first: the first
    token of the text. same: the same token when it came first. Means over the queries of the second time.
    """
    marks, said = _random_tokens(gpt, seed)
    trace = gpt.trace([*marks, *said, *said])
    queries = len(marks) + len(said) + np.arange(len(said))
    keys = {
        "previous": queries - 1,
        "induction": queries - len(said) + 1,
        "first": np.zeros_like(queries),
        "same": queries - len(said),
    }
    scores = {role: np.zeros((trace.n_layers, trace.n_heads), np.float32) for role in ROLES}
    for layer in range(trace.n_layers):
        maps = trace.attention(layer)
        for role in ROLES:
            scores[role][layer] = maps[:, queries, keys[role]].mean(-1)
    return scores


def _random_tokens(gpt: "GPT", seed: int) -> tuple[list[int], list[int]]:
    """Ids of the start marks, if the tokenizer has some, and of random tokens, of which twice as many fit."""
    try:
        marks = gpt.encode("")
    except GPTVizError:
        marks = []
    special = set(gpt.tokenizer.all_special_ids)
    plain = [id for id in range(min(gpt.vocab_size, len(gpt.tokenizer))) if id not in special]
    room = PERIOD if gpt.context_length is None else (gpt.context_length - len(marks)) // 2
    count = min(PERIOD, room, len(plain))
    return marks, np.random.default_rng(seed).choice(plain, count, replace=False).tolist()
