"""A token table (the input embeddings) seen as points: nearest rows by cosine, and a projection onto a plane."""

from collections.abc import Callable

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, fail
from gptviz.trace.sources import Array


def nearest_rows(table: Array, id: int, k: int = 10) -> list[tuple[int, float]]:
    """Returns the `k` rows of table (vocab, d_model) with the largest cosine to row `id`: (id, cosine), largest first.

    Row `id` itself is left out, and so are rows with NaN or infinity; of equal cosines the lower id comes first. Raises
    NotAvailable if row `id` has NaN or infinity.
    """
    id = check_index(id, len(table), "token id")
    finite = np.asarray(np.isfinite(table).all(1))
    if not finite[id]:
        raise _undefined(id)
    with np.errstate(invalid="ignore"):  # of rows with infinity
        unit_rows = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
        cosines = unit_rows @ unit_rows[id]
    order = np.argsort(-cosines, kind="stable")
    return [(int(other), float(cosines[other])) for other in order if other != id and finite[other]][:k]


def project_onto_plane(table: Array) -> tuple[Array, Array]:
    """Projects table (vocab, d_model) onto its two principal components: points (vocab, 2), shares of variance (2,).

    Each component's sign is such that its largest coordinate is positive. Raises NotAvailable for a table with NaN or
    infinity.
    """
    for id in np.flatnonzero(~np.isfinite(table).all(1))[:1]:
        raise _undefined(id)
    centred = table.astype(np.float64)
    centred = centred - centred.mean(0)
    variances, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    axes = axes[:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    return (centred @ axes).astype(np.float32), (variances[:-3:-1] / variances.sum()).astype(np.float32)


class CachedPlane:
    """The projection of a token table that may change; it is computed again for each new state of the table."""

    def __init__(self) -> None:
        self._state: object = None
        self._result: tuple[Array, Array] | None = None

    def of(self, state: object, table: Callable[[], Array]) -> tuple[Array, Array]:
        """Returns what `project_onto_plane` returns for the table. state: equal to an earlier one if the table is the same."""
        if self._result is None or self._state != state:
            self._state, self._result = state, project_onto_plane(table())
        return self._result


def _undefined(id: int) -> Exception:
    got = f"NaN or infinity in the row of token id {id}"
    remedy = "Load the model again, or save it anew."
    return fail("a token table of finite numbers", got, remedy, NotAvailable, "undefined_table", id=int(id))
