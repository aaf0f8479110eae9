"""The shares of the parts of a sum, by how near each part is to the sum.

Source: Ferrando & Voita 2024, "Information Flow Routes". With |.| the sum of the magnitudes of all dimensions, a part p of
the sum y has the proximity max(0, |y| - |y - p|). It is computed without that difference, in which a small part would be
lost: with q = p times the signs of y, |y| - |y - p| is the sum of q - 2 max(0, q - |y|) over the dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gptviz.trace.sources import Array, Contributions

_NUMBERS = 1 << 16  # in the vectors that are looked at together: they fit into a processor's cache


@dataclass(frozen=True)
class NodeShares:
    """The shares of one node's parts at each token; together they sum to 1.

    beside: of the parts that have one vector a token, by name: (T,) each. heads: of each head's contribution from each key:
    (H, T, T). by_length: the positions where all proximities are 0, so that the shares are those of the parts' lengths.
    """

    beside: dict[str, Array]
    heads: Array
    by_length: list[int]


def node_shares(whole: Array, beside: Mapping[str, Array], heads: Contributions | None = None) -> NodeShares:
    """Returns the shares of a node's parts, which sum to `whole`, (T, d_model).

    beside: the parts that have one vector a token, (T, d_model) each. heads: the parts from heads and keys, if the node has
    any. Where neither proximities nor lengths tell anything, since all parts are 0, the first of `beside` has all.
    """
    near = {name: _proximities(part, whole) for name, part in beside.items()}
    of_heads = np.zeros((0, len(whole), len(whole)), np.float32) if heads is None else _head_proximities(heads, whole)
    far = np.flatnonzero(_total(near, of_heads) == 0)
    if len(far):
        for name, part in beside.items():
            near[name][far] = np.abs(part[far]).sum(-1)
        if heads is not None:
            of_heads[:, far] = _head_lengths(heads, far)
        near[next(iter(beside))][_total(near, of_heads) == 0] = 1
    total = _total(near, of_heads)
    of_heads /= total[:, None]
    return NodeShares(
        {name: (values / total).astype(np.float32) for name, values in near.items()}, of_heads, far.tolist()
    )


def _total(near: Mapping[str, Array], of_heads: Array) -> Array:
    """Returns the sum of all parts at each token, (T,), in float64."""
    total: Array = sum(near.values()) + of_heads.sum((0, 2), dtype=np.float64)
    return total


def _proximities(parts: Array, wholes: Array) -> Array:
    """Returns the proximity of each part, (T, d), to its own whole, (T, d): (T,), in float64."""
    along = parts.astype(np.float64) * np.copysign(1.0, wholes)
    near: Array = (along - 2 * np.maximum(along - np.abs(wholes), 0)).sum(-1)
    return np.maximum(near, 0)


def _head_proximities(heads: Contributions, wholes: Array) -> Array:
    """Returns the proximity of what each head takes from each key to the query's whole, (T, d): (H, T, T), in float32."""
    signs = np.copysign(np.float32(1), wholes) * heads.gain
    near = np.stack([signs @ of_head.T for of_head in heads.values]) * heads.weights  # the sum of q
    by_dimension = np.ascontiguousarray(heads.values.transpose(2, 0, 1))
    magnitudes, search = np.abs(wholes), _search(heads, wholes)
    for query in range(len(wholes)):
        weights = heads.weights[:, query, : query + 1]
        beyond = np.zeros_like(weights)
        some = search.order[query, : search.widths[query]]
        step = max(1, _NUMBERS // weights.size)
        for dimensions in (some[first : first + step] for first in range(0, len(some), step)):
            q = by_dimension[dimensions, :, : query + 1] * weights
            q *= signs[query, dimensions, None, None]
            q -= magnitudes[query, dimensions, None, None]
            beyond += np.maximum(q, 0, out=q).sum(0)
        heads_at, keys = np.nonzero(search.reach[:, query, : query + 1] > search.limits[query])
        step = max(1, _NUMBERS // wholes.shape[-1])
        for first in range(0, len(keys), step):
            pairs = heads_at[first : first + step], keys[first : first + step]
            q = heads.values[pairs] * weights[pairs][:, None]
            q *= signs[query]
            q -= magnitudes[query]
            beyond[pairs] = np.maximum(q, 0, out=q).sum(-1)
        near[:, query, : query + 1] -= 2 * beyond
    return np.maximum(near, 0, out=near)


@dataclass(frozen=True)
class _Search:
    """Where a part may be larger than the whole.

    reach: the largest magnitude of each part before the gain: (H, T, T). order: the dimensions of each query, those first in
    which a small reach is enough: (T, d). widths: in how many of these all parts are looked at: (T,). limits: the reach
    above which a part is looked at in every dimension: (T,).
    """

    reach: Array
    order: np.ndarray
    widths: np.ndarray
    limits: Array


def _search(heads: Contributions, wholes: Array) -> _Search:
    """Returns where to look, so that little is looked at and nothing is missed.

    Most weights are small, and a part with a small weight is larger than the whole in few dimensions or none. So all parts
    of a query are looked at in those dimensions that most of them can exceed, and the few others in all.
    """
    reach = np.abs(heads.weights) * np.abs(heads.values).max(-1)[:, None]
    gain = np.abs(heads.gain)
    enough = np.divide(np.abs(wholes), gain, out=np.full_like(wholes, np.inf), where=gain > 0)
    order = enough.argsort(-1)
    queries, size = np.arange(len(wholes)), wholes.shape[-1]
    widths = np.array([0, *(1 << np.arange(size.bit_length() - 1)), size])
    last = np.full((len(wholes), 1), np.inf, np.float32)
    limits = np.append(np.take_along_axis(enough, order, 1), last, 1)[:, widths]  # (T, candidates)
    above = np.stack([(reach > limit[:, None]).sum((0, 2)) for limit in limits.T], 1)
    looked_at = above * size + widths * len(heads.values) * (queries[:, None] + 1)
    best = looked_at.argmin(1)
    return _Search(reach, order, widths[best], limits[queries, best])


def _head_lengths(heads: Contributions, queries: np.ndarray) -> Array:
    """Returns the length, the sum of magnitudes, of what each head takes from each key: (H, queries, T)."""
    gain = np.abs(heads.gain[queries])
    return np.stack([gain @ np.abs(of_head).T for of_head in heads.values]) * np.abs(heads.weights[:, queries])
