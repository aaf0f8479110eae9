"""What role each head plays, measured on random repeated sequences: numbers a picture can be compared with.

A sequence of random tokens is written twice. A previous-token head looks one back; an induction head looks at the token
that followed this token's first occurrence (Olsson et al. 2022). Scores are mean attention weights, 0 to 1.
"""

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

PERIOD, SEQUENCES = 50, 8


def repeated(entries: int, seed: int = 0) -> Tensor:
    """Random tokens twice over, after the start token: (SEQUENCES, 1 + 2 * PERIOD)."""
    words = torch.randint(1, entries, (SEQUENCES, PERIOD), generator=torch.Generator().manual_seed(seed))
    return torch.cat([torch.zeros(SEQUENCES, 1, dtype=torch.long), words, words], dim=1)


@torch.no_grad()
def role_scores(model: GPT2LMHeadModel, seed: int = 0) -> dict[str, Tensor]:
    """For every head, (layers, heads): "previous" token, "induction", "first" token and "same" token scores."""
    ids = repeated(model.config.vocab_size, seed).to(model.device)
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        maps = torch.stack(model(ids, output_attentions=True, use_cache=False).attentions).mean(1)  # (L, H, T, T)
    finally:
        model.set_attn_implementation(before)

    def along(back: int, start: int) -> Tensor:
        return maps.diagonal(-back, 2, 3)[..., start - back :].mean(-1)

    second = PERIOD + 1  # where the second copy begins
    return {
        "previous": along(1, 1),
        "induction": along(PERIOD - 1, second),
        "first": maps[..., 1:, 0].mean(-1),
        "same": along(PERIOD, second),
    }
