"""A reliability diagram: how often claims are right, by how sure they sound, with counts and 95 % Wilson intervals.

Source: DeGroot & Fienberg 1983, "The Comparison and Evaluation of Forecasters"; for neural networks Guo et al. 2017, "On
Calibration of Modern Neural Networks".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptviz.display.numbers import or_none
from gptviz.drawings.canvas import Canvas, Drawing, checked, wrapped
from gptviz.errors import fail
from gptviz.sampling import wilson

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LEFT, _RIGHT, _GAP, _LARGEST, _BELOW = 58.0, 11.0, 8.0, 320.0, 84.0  # at the right there is room for half a number
_NARROWEST = 240.0  # of a panel with its axis; as many as there is room for stand beside each other
PointOf = Callable[[float, float], tuple[float, float]]  # from a confidence and a share to x and y


def reliability(
    groups: Mapping[str, tuple[Any, Any]], *, title: str, edges: Sequence[float] = EDGES, note: str = ""
) -> "Reliability":
    """Returns a reliability diagram with a panel for each group of claims.

    groups: by name, the confidence of each claim, from 0 to 1, and whether it is right: (claims,) each. edges: where the bins
    of confidence begin and end; a bin has its lower edge, and the last one its upper edge too. note: what stands below; each
    line of it is a paragraph. Raises GPTVizError for no claims, for other shapes, confidences outside of the edges, and
    edges that do not grow.
    """
    ends = checked(edges, (None,), "edges of bins")
    if len(ends) < 2 or not (np.diff(ends) > 0).all():
        raise fail("two or more edges, each above the one before", f"{ends}", "Leave edges out for five bins.")
    if not groups:
        raise fail("groups of claims", "none", 'For example {"facts": ([0.9, 0.6], [True, False])}.')
    panels = tuple(_binned(name, *claims, ends) for name, claims in groups.items())
    return Reliability(panels, ends, title, note)


@dataclass(frozen=True)
class Panel:
    """One group of claims in bins. counts, right, confidence, share: (bins,); NaN where a bin has no claim. ends: (2, bins)."""

    name: str
    counts: np.ndarray
    right: np.ndarray
    confidence: np.ndarray
    share: np.ndarray
    ends: np.ndarray


def _binned(name: str, confidence: Any, right: Any, edges: np.ndarray) -> Panel:
    sure = checked(confidence, (None,), f"the confidence of each claim of {name}")
    is_right = checked(np.asarray(right, dtype=bool), sure.shape, f"right or wrong for each claim of {name}") > 0
    if not len(sure) or sure.min() < edges[0] or sure.max() > edges[-1]:
        raise fail(f"{name}: confidences from {edges[0]:g} to {edges[-1]:g}", f"{sure}", "Give probabilities.")
    bins = np.minimum(np.searchsorted(edges, sure, side="right") - 1, len(edges) - 2)
    counts, known = np.bincount(bins, minlength=len(edges) - 1), np.bincount(bins[is_right], minlength=len(edges) - 1)
    some = counts > 0
    mean, share, ends = np.full(len(counts), np.nan), np.full(len(counts), np.nan), np.full((2, len(counts)), np.nan)
    mean[some] = np.bincount(bins, sure, len(counts))[some] / counts[some]
    share[some] = known[some] / counts[some]
    ends[:, some] = wilson(known[some], counts[some])
    return Panel(name, counts, known, mean, share, ends)


@dataclass(frozen=True)
class Reliability(Drawing):
    """Panels of claims in bins of confidence. edges: (bins + 1,)."""

    panels: tuple[Panel, ...]
    edges: np.ndarray
    name: str
    note: str

    def title(self, canvas: Canvas) -> str:
        return self.name

    def draw(self, canvas: Canvas) -> None:
        beside = max(1, min(len(self.panels), int(canvas.width // _NARROWEST)))
        room_for_one = (canvas.width - _GAP * (beside - 1)) / beside
        size = min(_LARGEST, room_for_one - _LEFT - _RIGHT)
        top = 0.0
        for first in range(0, len(self.panels), beside):
            row = self.panels[first : first + beside]
            heads = [wrapped(panel.name, 13, size) for panel in row]
            top += 18.0 * max(map(len, heads)) + 12
            for i, (panel, lines) in enumerate(zip(row, heads, strict=True)):
                left = i * (room_for_one + _GAP) + _LEFT
                for j, line in enumerate(lines):
                    canvas.text(left, top + 8 - 18.0 * (len(lines) - j), line, bold=True)
                self._draw_panel(canvas, panel, left, top, size)
            top += size + _BELOW
        canvas.height = top
        canvas.words(top, canvas.phrase("reliability_note"))
        for line in filter(None, self.note.split("\n")):
            canvas.words(canvas.height + 4, line, "ink")

    def _draw_panel(self, canvas: Canvas, panel: Panel, left: float, top: float, size: float) -> None:
        low, high = map(float, (self.edges[0], self.edges[-1]))

        def point_of(confidence: float, share: float) -> tuple[float, float]:
            return left + (confidence - low) / (high - low) * size, top + (1 - share) * size

        canvas.box(left, top, size, size, "", "line")
        for share in (0.0, 0.5, 1.0):
            y = point_of(low, share)[1]
            canvas.line(left, y, left + size, y)
            canvas.text(left - 6, y + 11 / 3, f"{100 * share:.0f}", "muted", size=11, anchor="end", code=True)
        canvas.line(*point_of(low, low), *point_of(high, high), "muted", dash="5 4")
        for i in np.flatnonzero(panel.counts):
            (x, y), ends = point_of(panel.confidence[i], panel.share[i]), panel.ends[:, i]
            canvas.line(x, point_of(0, ends[0])[1], x, point_of(0, ends[1])[1], "bar", width=3)
            canvas.box(x - 4, y - 4, 8, 8, "bar")
        self._draw_counts(canvas, panel, point_of, left, top + size)

    def _draw_counts(self, canvas: Canvas, panel: Panel, point_of: PointOf, left: float, bottom: float) -> None:
        """Writes the edges of the bins, and below each bin how many claims it has and how many of them are right."""
        for edge in self.edges:
            x = point_of(edge, 0)[0]
            canvas.line(x, bottom, x, bottom + 4, "muted")
            canvas.text(x, bottom + 12, f"{100 * edge:.0f}", "muted", size=11, anchor="middle", code=True)
        canvas.text(
            point_of(self.edges[-1], 0)[0], bottom + 28, canvas.phrase("confidence_axis"), "muted", anchor="end"
        )
        for y, name, numbers in ((46, "right_claims", panel.right), (62, "claims", panel.counts)):
            canvas.text(left - 6, bottom + y, canvas.phrase(name), "muted", size=11, anchor="end")
            for start, end, number in zip(self.edges, self.edges[1:], numbers, strict=False):
                canvas.text(
                    point_of((start + end) / 2, 0)[0], bottom + y, str(number), size=11, anchor="middle", code=True
                )

    def to_table(self) -> list[dict[str, Any]]:
        return [
            {
                "group": panel.name, "from": float(self.edges[i]), "to": float(self.edges[i + 1]),
                "claims": int(panel.counts[i]), "right_claims": int(panel.right[i]),
                "confidence": or_none(panel.confidence[i]), "share": or_none(panel.share[i]),
                "low": or_none(panel.ends[0, i]), "high": or_none(panel.ends[1, i]),
            }
            for panel in self.panels
            for i in range(len(panel.counts))
        ]  # fmt: skip
