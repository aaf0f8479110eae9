"""Computes how the last stream becomes a logit, as a sum: the final norm with its scale frozen, then the unembedding.

A norm divides by a number that depends on the whole stream. With that number frozen at its value in this pass, the rest
is linear, so that every part of the stream has its share of every logit (direct logit attribution; Elhage et al. 2021,
"A Mathematical Framework for Transformer Circuits"). `lens/shares.py` takes the sums.
"""

import torch
from torch import Tensor, nn

from gptviz.model.anatomy import Tail, close, run_chain
from gptviz.trace.sources import Readout


def frozen(tail: Tail | None, head: nn.Module | None, stream: Tensor) -> Readout | None:
    """Returns the readout of one token's last stream, (d_model,), or None if the numbers do not confirm one.

    tail: from the last stream to the logits. head: the unembedding. The caller holds the model's lock.
    """
    after_norm = final_norm(tail, head, stream[None])
    if tail is None or after_norm is None:
        return None
    norm, normed = tail.chain[:-1], after_norm[0].float()
    if not norm:
        return Readout(torch.ones_like(stream), torch.zeros_like(stream), False, tail.multiplier, tail.cap)
    offset, gain = offset_and_gain(norm, stream)
    for centred in (False, True):
        x = stream.float() - (stream.float().mean() if centred else 0.0)
        shaped = gain * x
        scale = ((normed - offset) * shaped).sum() / (shaped * shaped).sum().clamp_min(1e-30)
        if close((scale * shaped + offset).to(stream.dtype), normed):
            return Readout(scale * gain, offset, centred, tail.multiplier, tail.cap)
    return None


def final_norm(tail: Tail | None, head: nn.Module | None, stream: Tensor) -> Tensor | None:
    """Returns what the unembedding is given for the last stream, (T, d_model), or None unless one norm at most is between."""
    if tail is None or head is None or tail.chain[-1] is not head or len(tail.chain) > 2:
        return None
    normed = run_chain(tail.chain[:-1], stream[None])[0]
    return normed if normed.shape == stream.shape else None


def offset_and_gain(norm: tuple[nn.Module, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the norm's offset and its weight for each dimension, both (d_model,) in float32.

    norm: modules that are called in turn. If d_model is odd, all weights have one factor too many, root(d / (d - 1)).
    The offset is the norm of zeros. The weights come from a vector of alternating signs: its mean is 0 and its entries
    have one size, so that both kinds of norm (root mean square, and with the mean taken off) only multiply it by the
    weights. It is large, so that the norm's epsilon does not count.
    """
    signs = torch.ones_like(like)
    signs[1::2] = -1
    odd = len(like) % 2
    if odd:
        signs[-1] = 0  # so that the mean is 0; the last weight comes from the signs shifted by one
    offset = run_chain(norm, torch.zeros_like(like)[None, None])[0, 0].float()
    gain = (run_chain(norm, (1000 * signs)[None, None])[0, 0].float() - offset) * signs
    if odd:
        shifted = signs.roll(1)
        gain[-1] = ((run_chain(norm, (1000 * shifted)[None, None])[0, 0].float() - offset) * shifted)[-1]
    return offset, gain
