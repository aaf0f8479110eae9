"""Information flow routes: how much of each stream comes from which token, and the credit of a position, depth by depth.

Source: Ferrando & Voita 2024, "Information Flow Routes" (arXiv 2403.00824); Tufanov et al. 2024 describe their tool. Not
about effects: credit is computed backward from the numbers of one pass, and `cutting.py` asks the model itself.

This module works on saved traces too, so it computes with NumPy.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import fail
from gptviz.lens.proximity import NodeShares, node_shares
from gptviz.trace.runnable import check_decoder_only
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace


@dataclass(frozen=True, eq=False)
class Flow:
    """The shares of every node of a trace, and the credit of one position, depth by depth.

    A node is the stream of one token where a block has added something: after attention, and after the MLP; after both in
    a parallel block. What went into the sum y are its parts p, and the share of each is

        proximity(p) / (sum of the proximities of the node's parts),  proximity(p) = max(0, |y| - |y - p|)

    where |.| sums the magnitudes of all dimensions. The parts after attention are the stream before it, what each head
    takes from each key (its weight times the value, through the output projection and a post-norm whose scale is frozen),
    and the projection's bias. The parts after the MLP are the stream before it and the MLP, its own bias included. So the
    shares of a node sum to 1. Where the proximities of all parts are 0, the shares are those of the parts' lengths |p|
    instead, and `by_length` names the node; where these are 0 too, the stream has all.

    Credit begins with 1 at `position` after the last block, and runs back through the shares. What attention has goes to
    the keys; what the stream, the bias and the MLP have goes to the same token. So the credit at each depth sums to 1.

    position: counted from 0. importance: the credit of each token's stream where it enters each block, and last after the
    last block: (L + 1, T). residual, bias: the shares of the stream and of the bias in each attention node: (L, T). mlp: the
    share of the MLP in its own node: (L, T). parallel: for each block whether it has one node, with all of these. by_length:
    the nodes whose shares are by length, as (layer, "attention", "mlp" or "block", position). trace: the trace it is of.
    Arrays are float32 and read-only. Shares do not depend on the position.

    Limits. These are shares of length, not of cause: attention copies, and takes nothing away from the key's token. A part
    with a large share need not matter, and one with a share near 0 can decide the answer; see `lens.cuts`. Later tokens get no
    credit. What edits added to the stream counts as that token's.
    """

    position: int
    importance: Array
    residual: Array
    bias: Array
    mlp: Array
    parallel: tuple[bool, ...]
    by_length: tuple[tuple[int, str, int], ...]
    trace: Trace
    _attention: tuple[Array, ...] = field(repr=False)

    def attention(self, layer: int) -> Array:
        """Returns the share of each key in each attention node of a block, all heads together: (T, T), rows are queries.

        With `residual` and `bias` of the block, and `mlp` in a parallel one, a row sums to 1.
        """
        return self._attention[check_index(layer, len(self.parallel), "layer")]

    def heads(self, layer: int) -> Array:
        """Returns the share of each key through each head: (H, T, T). The sum over heads is `attention(layer)`.

        Computed when asked; raises ModelChanged if the weights have changed since the trace.
        """
        return _read_only(_nodes(self.trace, check_index(layer, len(self.parallel), "layer"))[0].heads)

    def matrix(self, first: int, last: int | None = None) -> Array:
        """Returns where the credit after block `last` goes before block `first`: (T, T), whose rows sum to 1.

        last: None for `first`, one block. The matrix of several blocks is the product of theirs, so that the credit is the
        same whether blocks are pooled or not.
        """
        last = first if last is None else last
        first, last = (check_index(layer, len(self.parallel), "layer") for layer in (first, last))
        if first > last:
            raise fail("the first block, then the last", f"{first}, then {last}", "Write matrix(first, last).")
        product: Array = np.eye(len(self.trace.tokens), dtype=np.float32)
        for layer in range(last, first - 1, -1):
            product = self._before(layer, product)
        return _read_only(product)

    def at(self, position: int) -> "Flow":
        """Returns the credit of another position, from the same shares."""
        position = check_index(position, len(self.trace.tokens), "position", negative=True)
        credit: list[Array] = [np.eye(len(self.trace.tokens), dtype=np.float32)[position]]
        for layer in reversed(range(len(self.parallel))):
            credit.insert(0, self._before(layer, credit[0]))
        return replace(self, position=position, importance=_read_only(np.stack(credit)))

    def _before(self, layer: int, credit: Array) -> Array:
        """Returns the credit of each token before a block from that after it, (..., T)."""
        own = self.residual[layer] + self.bias[layer] + (self.mlp[layer] if self.parallel[layer] else 0)
        before = credit @ self._attention[layer].astype(np.float64) + credit * own
        return before / before.sum(
            -1, keepdims=True
        )  # which is 1 within rounding; over many blocks rounding would add up

    def __repr__(self) -> str:
        token = self.trace.tokens[self.position]
        shape = f"{len(self.parallel)} layers × {len(self.trace.tokens)} tokens"
        return f"Flow(to {token.text!r} at {self.position}: {shape}, {self.trace.model_name})"


def flow(trace: Trace, position: int = -1) -> Flow:
    """Returns how the credit of one position runs back through a pass, depth by depth; see `Flow`.

    Takes the trace's own numbers; the model does not run again. Raises NotAvailable if a block of the model has no attention
    or gives no values (the eager route), if its heads pass a gate, if an edit has put other numbers in place of heads or
    attention, and for a file that does not hold every layer or was saved by an earlier gptviz. Raises OutOfRange for the
    position. Time and memory: one block at a time, it multiplies vectors of d_model numbers for every head, query and key, and
    looks at single dimensions of them where a part may be larger than the sum; see `proximity.py`.
    """
    check_decoder_only(trace.gpt)
    position = check_index(position, len(trace.tokens), "position", negative=True)
    trace.check_finite()
    residual, bias, mlp, attention, parallel, by_length = [], [], [], [], [], []
    for layer in range(trace.n_layers):
        nodes = _nodes(trace, layer)
        first, last = nodes[0], nodes[-1]
        residual.append(first.beside["residual"])
        bias.append(first.beside["bias"])
        mlp.append(last.beside["mlp"])
        attention.append(_read_only(first.heads.sum(0)))
        parallel.append(len(nodes) == 1)
        names = ("block",) if parallel[-1] else ("attention", "mlp")
        by_length += [(layer, name, at) for name, node in zip(names, nodes, strict=True) for at in node.by_length]
    no_credit = np.empty((0, len(trace.tokens)), np.float32)
    of_parts = {"residual": residual, "bias": bias, "mlp": mlp}
    stacked: dict[str, Any] = {name: _read_only(np.stack(shares)) for name, shares in of_parts.items()}
    known: dict[str, Any] = {
        "parallel": tuple(parallel),
        "by_length": tuple(by_length),
        "trace": trace,
        "_attention": tuple(attention),
    }
    return Flow(position, no_credit, **stacked, **known).at(position)


def _nodes(trace: Trace, layer: int) -> list[NodeShares]:
    """Returns the shares of the nodes of a block: after attention and after the MLP, or one in a parallel block."""
    heads, stream = trace.contributions(layer), trace.residual(layer)
    mlp = trace.mlp_out(layer)  # first, because it is needed to confirm what attention adds
    after_attention = stream + trace.attn_out(layer)
    beside = {"residual": stream, "bias": trace.head_bias(layer)}
    after_both = after_attention + mlp
    if trace.is_parallel(layer):
        return [node_shares(after_both, beside | {"mlp": mlp}, heads)]
    of_mlp = node_shares(after_both, {"residual": after_attention, "mlp": mlp})
    return [node_shares(after_attention, beside, heads), of_mlp]


def _read_only(values: Array) -> Array:
    array = values.astype(np.float32)
    array.flags.writeable = False
    return array
