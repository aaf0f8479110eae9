"""How the last stream becomes a logit, as a sum: the final norm with its scale frozen at one token, then the unembedding.

A norm divides by a number that the whole stream decides; with that number kept as it was in this pass, what is left is
linear, so that every part of the stream has its share of every logit (direct logit attribution; Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits"). Confirmed on the whole stream, or refused. Torch; the sums themselves
are in `lens.py`.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.anatomy import close, run_chain
from gptviz.trace.sources import Readout

if TYPE_CHECKING:
    from gptviz.model.forward import ForwardPass


def frozen(forward: "ForwardPass", position: int) -> Readout:
    """The readout at one token of a pass."""
    tail = forward.anatomy.tail
    head: nn.Module | None = forward.model.get_output_embeddings()  # type: ignore[operator, assignment]
    if tail is None or tail.chain[-1] is not head or len(tail.chain) > 2 or head is None:
        raise _refusal(forward)
    stream = forward.residual(len(forward.anatomy.layers))[position]
    if next(head.parameters()).shape[-1] != len(stream):
        raise _refusal(forward)
    norm = tail.chain[:-1]
    if not norm:
        return Readout(torch.ones_like(stream), torch.zeros_like(stream), False, tail.multiplier, tail.cap)
    with forward.guarding_weights():
        offset, gain = _affine(norm, stream)
        whole = run_chain(norm, stream[None, None])[0, 0].float()
    for centred in (False, True):
        x = stream.float() - (stream.float().mean() if centred else 0.0)
        shaped = gain * x
        scale = ((whole - offset) * shaped).sum() / (shaped * shaped).sum().clamp_min(1e-30)
        if close((scale * shaped + offset).to(stream.dtype), whole):
            return Readout(scale * gain, offset, centred, tail.multiplier, tail.cap)
    raise _refusal(forward)


def _affine(norm: tuple[nn.Module, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """The norm's offset and its weight a dimension: what it makes of nothing, and of numbers that are their own norm.

    Alternating signs have mean 0 and one size, so that both kinds of norm (root mean square, and with the mean taken
    off) only multiply them by their weights; they are large so that the norm's epsilon does not count.
    """
    signs = torch.ones_like(like)
    signs[1::2] = -1
    if len(like) % 2:
        signs[-1] = 0  # the mean must be 0; its weight is found with the signs turned by one
    offset = run_chain(norm, torch.zeros_like(like)[None, None])[0, 0].float()
    gain = (run_chain(norm, (1000 * signs)[None, None])[0, 0].float() - offset) * signs
    if len(like) % 2:
        turned = signs.roll(1)
        gain[-1] = ((run_chain(norm, (1000 * turned)[None, None])[0, 0].float() - offset) * turned)[-1]
    return offset, gain


def _refusal(forward: "ForwardPass") -> NotAvailable:
    return fail(
        "a model that reads its last stream through one norm and one unembedding",
        f"{type(forward.model).__name__}, where something else lies between them",
        "`trace.logits` is exact; what each part contributed to them is not shown.",
        NotAvailable,
    )  # type: ignore[return-value]
