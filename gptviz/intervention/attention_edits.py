"""Edits that cut attention: at one token, or from one key to one query.

They have a file of their own only because `edits.py` would be too long. What it says of edits holds for these too.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gptviz.checks import check_index
from gptviz.errors import fail
from gptviz.intervention.edits import Edit, Reader, Writer, zero_at

_LEAST_SINK = 1e-5  # a row of weights sums to 1 within rounding; what is missing beyond that is an attention sink's


@dataclass(frozen=True, repr=False)
class AblateAttention(Edit):
    """Switches the attention of one block off: it adds nothing to the stream, at one position or at all.

    position: of the token whose attention is switched off, counted from 0; None for all. While a text is generated, it is
    a position of the prompt. What attention adds is set to 0 after any post-norm, the output projection's bias included.
    The maps stay as they are, and other tokens still attend to this one.
    """

    position: int | None = None
    call = "ablate_attention"
    site = "attn_out"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.position is not None:
            self._set("position", check_index(self.position, None, "position"))

    def writer(self, read: Reader) -> Writer:
        return zero_at(self.position)


@dataclass(frozen=True, repr=False)
class AblateKey(Edit):
    """Sets the attention weight that one query gives to one key to 0.

    query, key: positions, counted from 0; in a decoder a query sees the keys up to its own position. head: None for all
    heads of the layer. renormalise: True divides the rest of the row by what is left, as if the key had been masked before
    the softmax (an attention sink keeps its part); where nothing is left, the row is 0. False leaves the rest of the row as
    it is. The weights are those of the edited pass, and a head that was switched off or scaled stays so. While a text is
    generated, query and key are positions of the prompt.
    """

    query: int
    key: int
    head: int | None = None
    renormalise: bool = True
    call = "ablate_key"
    site = "head_output"
    reads_weights = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.is_causal and self.key > self.query:
            remedy = "A query sees the keys up to its own position."
            raise fail(f"a key up to position {self.query}, the query", f"{self.key}", remedy)

    def writer(self, read: Reader) -> Writer:
        def write(x: Tensor, start: int, value: Tensor | None, weights: Tensor | None) -> None:
            assert value is not None and weights is not None
            index = self.query - start
            if 0 <= index < x.shape[1]:
                x[:, index] = (weights[:, index, None].float() @ value.float())[:, 0].to(x.dtype)

        return write

    def reweigh(self, carried: Tensor, map: Tensor, start: int) -> None:
        index = self.query - start
        if not 0 <= index < map.shape[1]:
            return
        row = map[:, index].float()
        sink = 1 - row.sum(-1, keepdim=True)
        row[:, self.key] = 0
        left = row.sum(-1, keepdim=True) + sink.where(sink > _LEAST_SINK, torch.zeros_like(sink))
        for weights in (carried, map):
            weights[:, index, self.key] = 0
            if self.renormalise:
                weights[:, index] /= left.where(left > 0, torch.ones_like(left)).to(weights)


ablate_attention, ablate_key = AblateAttention, AblateKey
