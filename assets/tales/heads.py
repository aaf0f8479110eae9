"""Measures the role of each attention head on repeated sequences of random tokens.

Each sequence is written twice. A previous-token head attends to the token just before. An induction head attends to the
token that followed the first occurrence of the current token (Olsson et al. 2022). Scores are mean attention weights,
0 to 1.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from eager import eager_attention

PERIOD, SEQUENCES = 50, 8


def repeated(entries: int, seed: int = 0) -> Tensor:
    """Returns random tokens, written twice after the start token: (SEQUENCES, 1 + 2 * PERIOD)."""
    tokens = torch.randint(1, entries, (SEQUENCES, PERIOD), generator=torch.Generator().manual_seed(seed))
    return torch.cat([torch.zeros(SEQUENCES, 1, dtype=torch.long), tokens, tokens], dim=1)


@torch.no_grad()
def role_scores(model: GPT2LMHeadModel, seed: int = 0) -> dict[str, Tensor]:
    """Returns four scores for every head, (layers, heads) each: "previous" token, "induction", "first" and "same" token."""
    ids = repeated(model.config.vocab_size, seed).to(model.device)
    with eager_attention(model):
        maps = torch.stack(model(ids, output_attentions=True, use_cache=False).attentions).mean(1)  # (L, H, T, T)

    def mean_weight(back: int, start: int) -> Tensor:
        """The mean weight on the token `back` positions before, over the queries from position `start` on: (L, H)."""
        return maps.diagonal(-back, 2, 3)[..., start - back :].mean(-1)

    second_copy = PERIOD + 1  # the position where it begins
    return {
        "previous": mean_weight(1, 1),
        "induction": mean_weight(PERIOD - 1, second_copy),
        "first": maps[..., 1:, 0].mean(-1),
        "same": mean_weight(PERIOD, second_copy),
    }
