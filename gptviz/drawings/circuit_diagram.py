"""Circuit: heads between the tokens that they look at and the answer, with lines as wide as what was measured.

The rows are tokens and the columns layers, as in the flow view. A head stands in the row of the token at which it acts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gptviz.checks import check_index
from gptviz.display.numbers import percent
from gptviz.drawings.canvas import Canvas, Drawing, checked, short_name
from gptviz.text.tokens import Token

_WIDE = 20.0  # the width of a line for 100 %
_BOX, _SLOT, _ROW, _TOP = 66.0, 50.0, 42.0, 26.0


@dataclass(frozen=True)
class CircuitHead:
    """What was measured of a head.

    at: the position at which it acts. key: the position that it looks at from there, with this attention weight.
    restored: what the head restores of an answer when it alone is patched, 1 for all. turned: the weight that it gives
    the right token before and after the heads of earlier layers are patched, or None.
    """

    layer: int
    head: int
    at: int
    key: int
    weight: float
    restored: float
    turned: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        return f"L{self.layer} · H{self.head}"


def circuit(
    tokens: Sequence[Token], heads: Sequence[CircuitHead], answer: tuple[float, float] | None = None
) -> "Circuit":
    """Returns a drawing of heads. tokens: the whole text. answer: the probability of an answer without and with all patches.

    Raises OutOfRange for a position that the text does not have, GPTVizError for numbers that are not finite.
    """
    for head in heads:
        for position in (head.at, head.key):
            check_index(position, len(tokens), "position")
        checked([head.weight, head.restored, *(head.turned or ())], (None,), "what was measured of a head")
    return Circuit(tuple(tokens), tuple(sorted(heads, key=lambda one: (one.layer, one.head))), answer)


@dataclass(frozen=True)
class Circuit(Drawing):
    """Heads of a text, by layer. answer: see `circuit`."""

    tokens: tuple[Token, ...]
    heads: tuple[CircuitHead, ...]
    answer: tuple[float, float] | None

    def title(self, canvas: Canvas) -> str:
        return canvas.phrase("circuit")

    def draw(self, canvas: Canvas) -> None:
        if not self.heads:
            canvas.words(0, canvas.phrase("no_circuit"))
            return
        layout = _Layout(canvas.width, self.heads)
        for layer, x in layout.columns.items():
            canvas.text(x, 10, canvas.phrase("layer", number=layer), "muted", anchor="middle")
            canvas.line(x, _TOP, x, layout.bottom, "line", dash="2 4")
        for position, y in layout.rows.items():
            canvas.text(0, y + 5, str(position), "muted", size=11, code=True)
            canvas.text(layout.left - 24, y + 5, short_name(self.tokens[position], 9), code=True, anchor="end")
            canvas.line(layout.left - 16, y, layout.right, y, "residual", width=3)
        for head in self.heads:
            self._draw_lines(canvas, layout, head)
        for head in self.heads:
            self._draw_head(canvas, layout, head)
        canvas.line(layout.right, _TOP, layout.right, layout.bottom, "ink", width=2)
        self._write_notes(canvas, layout)

    def _draw_lines(self, canvas: Canvas, layout: "_Layout", head: CircuitHead) -> None:
        x, y = layout.middle(head)
        edge = x - _BOX / 2
        canvas.line(x, y, layout.right, y, "bar", width=_WIDE * max(0.0, head.restored))
        if head.turned:
            rise = max(0.0, head.turned[1] - head.turned[0])
            _elbow(canvas, edge - 10, layout.rows[head.at], edge, y + 5, "query", _WIDE * rise, dash="4 3")
        _elbow(canvas, edge - layout.bend(head), layout.rows[head.key], edge, y, "value", _WIDE * head.weight)

    def _draw_head(self, canvas: Canvas, layout: "_Layout", head: CircuitHead) -> None:
        x, y = layout.middle(head)
        canvas.box(x - _BOX / 2, y - 12, _BOX, 24, "bg", "ink", rx=5, stroke_width=1.5)
        canvas.text(x, y + 4, head.name, code=True, anchor="middle")
        looks = canvas.phrase("looks", token=short_name(self.tokens[head.key], 9), weight=_whole(head.weight))
        canvas.text(x - _BOX / 2, y + 25, looks, "value", size=11)
        if head.turned:
            before, after = (_whole(weight) for weight in head.turned)
            canvas.text(
                x - _BOX / 2,
                y + 38,
                canvas.phrase("turned", before=before.removesuffix(" %"), after=after),
                "query",
                size=11,
            )
        canvas.text(layout.right + 8, y + 4, canvas.phrase("restores", share=_whole(head.restored)))

    def _write_notes(self, canvas: Canvas, layout: "_Layout") -> None:
        y = layout.bottom + 20
        canvas.line(0, y, 0.5 * _WIDE, y, "value", width=0.5 * _WIDE)
        canvas.text(0.5 * _WIDE + 8, y + 4, canvas.phrase("half"), "muted")
        y = canvas.words(y + 12, canvas.phrase("circuit_note"))
        if self.answer:
            before, after = (percent(share) for share in self.answer)
            canvas.words(y + 4, canvas.phrase("answer", before=before, after=after), "ink")

    def to_table(self) -> list[dict[str, Any]]:
        rows = []
        for head in self.heads:
            before, after = head.turned or (None, None)
            rows.append(
                {"head": head.name, "at": self.tokens[head.at].text, "looks_at": self.tokens[head.key].text,
                 "weight": head.weight, "restored": head.restored, "before": before, "after": after}
            )  # fmt: skip
        return rows


class _Layout:
    """Where things are on the canvas. rows: y of each position. columns: x of each layer."""

    def __init__(self, width: float, heads: Sequence[CircuitHead]):
        self.left, self.right = 112.0, width - (150.0 if width > 700 else 128.0)
        layers = sorted({head.layer for head in heads})
        step = (self.right - self.left) / len(layers)
        self._apart = min(16.0, max(0.0, step - _BOX - 40))  # lines into boxes of one column
        self.columns = {layer: self.left + step * (i + 0.6) for i, layer in enumerate(layers)}
        self.rows: dict[int, float] = {}
        self._slots: dict[CircuitHead, float] = {}
        y = _TOP + _ROW / 2
        for position in sorted({head.at for head in heads} | {head.key for head in heads}):
            self.rows[position] = y
            y += _ROW
            for head in (head for head in heads if head.at == position):
                self._slots[head] = y
                y += _SLOT + (13 if head.turned else 0)
        self.bottom = y - _ROW / 2

    def middle(self, head: CircuitHead) -> tuple[float, float]:
        """Returns the middle of a head's box."""
        return self.columns[head.layer], self._slots[head]

    def bend(self, head: CircuitHead) -> float:
        """Returns how far left of a head's box the line into it goes down: the farther, the lower the box."""
        above = sum(one.layer == head.layer and slot < self._slots[head] for one, slot in self._slots.items())
        return 28 + self._apart * above


def _elbow(
    canvas: Canvas, x: float, y: float, to_x: float, to_y: float, colour: str, width: float, dash: str = ""
) -> None:
    """Adds a line that goes down from a stream and then turns right into a box."""
    r = min(14.0, to_x - x)
    d = f"M{x:.1f} {y:.1f}V{to_y - r:.1f}Q{x:.1f} {to_y:.1f} {x + r:.1f} {to_y:.1f}H{to_x:.1f}"
    canvas.path(d, max(y, to_y), stroke=colour, width=width, dash=dash)


def _whole(share: float) -> str:
    """Returns a share as whole per cents, one that is not 0 never as 0 %."""
    if 0 < abs(share) < 0.005:
        return "<1 %" if share > 0 else "−<1 %"
    return f"{100 * share:.0f} %".replace("-", "−")
