"""Direct logit attribution: what each part of a model contributes to the logit of a token.

The last residual stream is the sum of what the parts added to it, and a logit is linear in that stream once the final
norm's scale is frozen. So each part has a share of the logit. Source: Elhage et al. 2021, "A Mathematical Framework for
Transformer Circuits".
"""

from dataclasses import dataclass

import numpy as np

from gptviz.checks import ROUNDINGS, check_index, epsilon_of
from gptviz.errors import NotAvailable, fail
from gptviz.trace.sources import Array, Readout
from gptviz.trace.trace import Trace


@dataclass(frozen=True)
class Share:
    """What one part contributes to a logit.

    part: "token", "position" or "embedding" (both together); "head" and "head_bias", or "attention" for a family whose
    heads cannot be separated, and the same after "cross_" for cross attention; "mlp", or "neuron" and "mlp_bias"; "edit"
    (what edits added to the stream); "norm_bias", "unembedding_bias", "softcap". value: in logits. layer, head, neuron:
    counted from 0; None if it does not apply.
    """

    part: str
    value: float
    layer: int | None = None
    head: int | None = None
    neuron: int | None = None


Part = tuple[str, int | None, int | None, Array]  # kind, layer, head, and what it adds to the stream: (d_model,)


def attribution(
    trace: Trace, id: int, position: int = -1, neurons: bool = False, parts: list[Part] | None = None
) -> tuple[Share, ...]:
    """Returns what each part of the model contributes to the logit of token `id` after `position`; the sum is the logit.

    neurons: split each MLP's share into those of its neurons and its bias, if it has a single down projection. parts:
    the result of `parts_at(trace, position)`, which is the same for every next token, to save computing it again. Only
    direct contributions count: what a part does through a later part is in that part's share. Sums are in float64.
    Raises NotAvailable if the stream is not a sum of its parts, or is read in another way than through one norm.
    """
    position = check_index(position, len(trace.tokens), "position", negative=True)
    id = check_index(id, trace.vocab_size, "token id")
    readout, (row, bias) = trace.readout(position), trace.unembedding(id)
    logit_direction = _back_through_norm(readout, row)
    parts = parts_at(trace, position) if parts is None else parts
    shares = [Share(part, float(vector @ logit_direction), layer, head) for part, layer, head, vector in parts]
    if neurons:
        shares = [piece for share in shares for piece in _split_by_neuron(trace, share, logit_direction, position)]
    shares.append(Share("norm_bias", float(readout.offset.astype(np.float64) @ row) * readout.multiplier))
    shares.append(Share("unembedding_bias", bias * readout.multiplier))
    if readout.cap is not None:
        before = sum(share.value for share in shares)
        shares.append(Share("softcap", float(readout.cap * np.tanh(before / readout.cap) - before)))
    _check_sum(trace, id, position, shares, sum_rounding(trace, logit_direction, position))
    always_listed = ("token", "position", "head", "cross_head", "mlp", "neuron")
    return tuple(share for share in shares if share.value or share.part in always_listed)


def _check_sum(trace: Trace, id: int, position: int, shares: list[Share], rounding: float) -> None:
    """Raises NotAvailable unless the shares sum to the logit. rounding: see `sum_rounding`."""
    logit, values = float(trace.logits[position, id]), np.array([share.value for share in shares])
    # Each part and the logit were rounded too, perhaps to another dtype than the stream, as with autocast.
    rounding += ROUNDINGS * epsilon_of(trace.logits[position]) * float(np.abs(values).sum())
    if abs(values.sum() - logit) > rounding:
        raise fail(
            "parts whose shares sum to the logit",
            f"shares that sum to {values.sum():.6g} for a logit of {logit:.6g}",
            "`trace.logits` is exact; what each part contributed is not shown.",
            NotAvailable,
            code="no_sum_of_shares",
        )


def _split_by_neuron(trace: Trace, share: Share, logit_direction: np.ndarray, position: int) -> list[Share]:
    """Splits an MLP's share into those of its neurons and its bias; any other share stays as it is."""
    if share.part != "mlp" or share.layer is None:
        return [share]
    try:
        values = trace.neurons(share.layer, position) @ logit_direction
    except NotAvailable:
        return [share]
    by_neuron = [Share("neuron", float(value), share.layer, neuron=neuron) for neuron, value in enumerate(values)]
    return [*by_neuron, Share("mlp_bias", float(trace.mlp_bias(share.layer) @ logit_direction), share.layer)]


def direction(trace: Trace, id: int, position: int = -1) -> np.ndarray:
    """Returns the vector whose dot product with a part of the last stream is its share of the logit: (d_model,), float64.

    It is the unembedding's row of token `id`, taken back through the final norm with its scale frozen at `position`.
    """
    row, _ = trace.unembedding(id)
    return _back_through_norm(trace.readout(position), row)


def _back_through_norm(readout: Readout, row: Array) -> np.ndarray:
    scaled_row = readout.gain.astype(np.float64) * row
    return (scaled_row - scaled_row.mean() if readout.centred else scaled_row) * readout.multiplier


def sum_rounding(trace: Trace, along: np.ndarray, position: int) -> float:
    """Returns by how much the sum of a token's shares and its logit may differ because both are rounded, in logits.

    along: the result of `direction` for that token. Both sum the products of the last stream with it, and the stream was
    rounded in the model's dtype.
    """
    stream = trace.residual(trace.n_layers)[position]
    return ROUNDINGS * epsilon_of(stream) * float(np.abs(stream) @ np.abs(along))


def parts_at(trace: Trace, position: int) -> list[Part]:
    """Returns every part that adds to the last stream at one token; they sum to the stream."""
    parts: list[Part] = []
    try:
        parts += [(kind, None, None, trace.embedding(kind)[position]) for kind in ("token", "position")]
    except NotAvailable:
        parts = [("embedding", None, None, trace.embedding()[position])]
    for layer in range(trace.n_layers):
        parts += _attention_parts(trace, layer, position, "")
        if trace.cross_attention is not None:
            parts += _attention_parts(trace.cross_attention, layer, position, "cross_")
        parts.append(("mlp", layer, None, trace.mlp_out(layer)[position]))
    if trace.edits:
        added = np.sum([trace.edit_out(depth)[position] for depth in range(trace.n_layers + 1)], axis=0)
        parts.append(("edit", None, None, added))
    return parts


def _attention_parts(trace: Trace, layer: int, position: int, prefix: str) -> list[Part]:
    """Returns what the heads of a layer and their bias add at one token, or all heads together where they do not separate.

    trace: of the stack whose attention it is. prefix: of the names of the parts.
    """
    try:
        heads: list[Part] = [
            (f"{prefix}head", layer, head, trace.head_output(layer, head)[position])
            for head in range(trace.heads_in(layer))
        ]
        return [*heads, (f"{prefix}head_bias", layer, None, trace.head_bias(layer)[position])]
    except NotAvailable:
        return [(f"{prefix}attention", layer, None, trace.attn_out(layer)[position])]
