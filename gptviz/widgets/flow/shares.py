"""The shares that the page draws: those of each block, or of several blocks pooled by multiplying their matrices.

A share matrix sends the credit of each token at one depth to the tokens at the depth before. Its rows sum to 1, and so do
those of a product. T tokens, C columns, L layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptviz.lens import Flow
from gptviz.trace.available import available
from gptviz.trace.trace import Trace

MOST_COLUMNS = 8
MOST_TOKENS = 256  # that are drawn; earlier ones are one token, in which credit stays


@dataclass(frozen=True)
class ColumnShares:
    """The shares of each column: all but attention stays with the token.

    attention: (C, T, T), what attention carries to each token (row) from each (column). stream, bias: (C, T), what stays
    with the token; for every token they sum to 1 with its row of `attention`. mlp: (C, T), the share of what has passed
    an MLP of the column after attention.
    """

    attention: np.ndarray
    stream: np.ndarray
    bias: np.ndarray
    mlp: np.ndarray

    def packed(self) -> tuple[bytes, bytes]:
        """Returns float32 bytes: attention without the future (C, T (T + 1) / 2), and stream, bias, mlp: (C, 3, T)."""
        return without_future(self.attention).tobytes(), self._kept().tobytes()

    def rows(self) -> np.ndarray:
        """Returns the numbers of `packed` with a row for each column: (C, T (T + 1) / 2 + 3 T), float32."""
        return np.concatenate([without_future(self.attention), self._kept().reshape(len(self.stream), -1)], axis=1)

    def _kept(self) -> np.ndarray:
        return np.stack([self.stream, self.bias, self.mlp], axis=1).astype("<f4")


def without_future(matrices: np.ndarray) -> np.ndarray:
    """Returns the rows of matrices (N, T, T) up to the diagonal, one after another: (N, T (T + 1) / 2), float32."""
    return matrices[:, np.tri(matrices.shape[-1], dtype=bool)].astype("<f4")


def head_shares(heads: np.ndarray) -> np.ndarray:
    """Returns the matrices of heads (H, T, T) as the page draws them, without the future; see `without_future`."""
    return without_future(np.stack([_drawn_matrix(head) for head in heads]))


def layer_ranges(n_layers: int) -> list[tuple[int, int]]:
    """Returns the first and the last layer of each column."""
    parts = np.array_split(np.arange(n_layers), min(n_layers, MOST_COLUMNS))
    return [(int(part[0]), int(part[-1])) for part in parts]


def column_shares(flow: Flow, ranges: Sequence[tuple[int, int]]) -> ColumnShares:
    """Returns the shares of the columns, of the last MOST_TOKENS tokens. ranges: the first and last layer of each."""
    columns = [_column(flow, first, last) for first, last in ranges]
    return ColumnShares(*(np.stack(part) for part in zip(*columns, strict=True)))


def _column(flow: Flow, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns attention (T, T), stream, bias and mlp, (T,) each, of layers that are pooled; in float64."""
    whole = without_mlp = np.eye(drawn_count(len(flow.trace.tokens)))
    stream = stays = np.ones(len(whole))
    for layer in range(first, last + 1):
        attention, is_parallel = _drawn_matrix(flow.attention(layer)), flow.parallel[layer]
        straight, bias, mlp = _drawn(flow.residual[layer], 1), _drawn(flow.bias[layer], 0), _drawn(flow.mlp[layer], 0)
        beside_mlp = attention + np.diag(straight + bias)  # in a parallel block the MLP is a part of the same node
        straight = straight + mlp if is_parallel else straight
        matrix = attention + np.diag(straight + bias)
        whole = matrix @ whole
        without_mlp = (beside_mlp if is_parallel else (1 - mlp)[:, None] * matrix) @ without_mlp
        stream, stays = stream * straight, stays * (straight + bias)
    of_mlp = np.clip(1 - without_mlp.sum(1), 0, 1)  # rows sum to 1 within rounding
    return whole - np.diag(stays), stream, stays - stream, _drawn(flow.mlp[first], 0) if first == last else of_mlp


def attention_weights(trace: Trace, ranges: Sequence[tuple[int, int]]) -> np.ndarray:
    """Returns attention weights averaged over the heads, and over the layers of a column: (C, T, T).

    Layers without a map have no part in the average; a column of such layers is 0. Raises NotAvailable if none has one.
    """
    maps = dict(available(lambda layer: _drawn_matrix(trace.attention(layer).mean(0)), range(trace.n_layers)))
    nothing = np.zeros((drawn_count(len(trace.tokens)),) * 2)
    columns = [[maps[layer] for layer in range(first, last + 1) if layer in maps] for first, last in ranges]
    return np.stack([np.mean(column or [nothing], axis=0) for column in columns])


def kinds_of_attention(trace: Trace) -> list[str]:
    """Returns for each block "held" if its map is here, "missing" if this file lacks it, "none" for one without attention.

    Raises NotAvailable if no block has a map.
    """
    held = {layer for layer, _ in available(trace.attention, range(trace.n_layers))}
    layers = range(trace.n_layers)
    return ["held" if layer in held else "missing" if trace.heads_in(layer) else "none" for layer in layers]


def first_drawn(count: int) -> int:
    """Returns the position of the first token that is drawn as itself, of a text of `count` tokens."""
    return max(0, count - MOST_TOKENS)


def drawn_count(count: int) -> int:
    """Returns how many tokens the page draws, among them the one that stands for the earlier tokens if there is one."""
    return min(count, MOST_TOKENS + 1)


def _drawn_matrix(matrix: np.ndarray) -> np.ndarray:
    """Returns the rows and columns of the tokens that are drawn, in float64; nothing leaves the earlier tokens again."""
    first = first_drawn(len(matrix))
    if not first:
        return matrix.astype(np.float64)
    drawn = np.zeros((drawn_count(len(matrix)),) * 2)
    drawn[1:, 1:], drawn[1:, 0] = matrix[first:, first:], matrix[first:, :first].sum(1)
    return drawn


def _drawn(values: np.ndarray, earlier: float) -> np.ndarray:
    """Returns the values of the tokens that are drawn, in float64. earlier: of the one that stands for the earlier tokens."""
    first = first_drawn(len(values))
    return np.r_[[earlier] if first else [], values[first:].astype(np.float64)]
