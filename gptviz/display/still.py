"""Still pictures of views, as SVG: what a notebook shows where no kernel runs and no script may.

A few shapes that know their own height, put below each other. Text is escaped. White paper, unless a theme is named: a
picture cannot know the page's. Not about what the numbers mean, nor about words: views say what they show.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptviz.text.tokens import Token
from gptviz.text.visible import columns, drawable, visible

WIDTH = 900
_INK, _MUTED, _LINE, _BAR, _SOFT = "#1c1f24", "#5a616c", "#c3c8d0", "#123570", "#f0f2f5"
_ABOVE, _BELOW, _MARK = "#b4622a", "#2f6fa8", "#d55e00"
_PAPER = {"light": ("#ffffff", _INK, _LINE), "dark": ("#111317", "#e7e9ec", "#4a505b")}  # ground, ink, rules
_STOPS = np.array([[255, 255, 255], [198, 210, 228], [120, 144, 186], [52, 84, 140], [10, 34, 82]], float)
_MOST_TOKENS = 60
NAME_GAP = 11  # pixels from a point to its name
MOST_CELLS = 48  # a side of a heat map: a longer text is pooled


@dataclass(frozen=True)
class Shape:
    """A piece of SVG with its origin at its upper left corner, and its height in pixels."""

    svg: str
    height: float


def picture(title: str, *shapes: Shape, theme: str = "light") -> str:
    """The shapes below each other, with a title, on the theme's ground: a whole SVG document."""
    body, y = ([_text(16, 30, title, size=16, weight=650)], 46.0) if title else ([], 8.0)
    for shape in shapes:
        body.append(f'<g transform="translate(16 {y:g})">{shape.svg}</g>')
        y += shape.height + 12
    height = round(y + 4)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="{html.escape(title)}"><rect width="100%" height="100%" fill="{_PAPER[theme][0]}"/>'
        f"{''.join(body)}</svg>"
    )


def words(text: str, size: int = 13) -> Shape:
    """Lines of text, broken where they must be."""
    lines, room = [""], (WIDTH - 40) / (0.56 * size)
    for word in text.split():
        if len(lines[-1]) + len(word) > room:
            lines.append("")
        lines[-1] += f"{word} "
    step = 1.45 * size
    return Shape(
        "".join(_text(0, step * (i + 0.75), line, size=size, fill=_MUTED) for i, line in enumerate(lines)),
        step * len(lines),
    )


def chips(tokens: Sequence[Token], below: Sequence[str] = (), shares: Sequence[float] = ()) -> Shape:
    """Tokens in their order. below: a small text under each; shares: a bar under each, from 0 to 1."""
    parts, x, y = [], 0.0, 0.0
    for i, token in enumerate(tokens[:_MOST_TOKENS]):
        text = visible(token)
        width = max(9.7 * columns(text) + 12, 7 * len(below[i]) if below else 0)
        if x + width > WIDTH - 40:
            x, y = 0.0, y + 46
        dash = ' stroke-dasharray="3 2"' if token.special else ""
        parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="25" rx="4" fill="#fff" stroke="{_LINE}"{dash}/>'
        )
        if shares:
            parts.append(
                _rect(x + 1, y + 21, width - 2, 3, "#cdd6e4") + _rect(x + 1, y + 21, (width - 2) * shares[i], 3, _BAR)
            )
        parts.append(_text(x + width / 2, y + 17, text, size=15, mono=True, anchor="middle"))
        if below:
            parts.append(_text(x + width / 2, y + 38, below[i], size=11, fill=_MUTED, mono=True, anchor="middle"))
        x += width + 5
    if len(tokens) > _MOST_TOKENS:
        parts.append(_text(x, y + 17, f"… +{len(tokens) - _MOST_TOKENS}", fill=_MUTED))
    return Shape("".join(parts), y + 44)


def bars(rows: Sequence[tuple[str, float, str]], signed: bool = False) -> Shape:
    """Horizontal bars. rows: (name, length, number as text). Lengths are shares of 1; signed ones go both ways from 0."""
    parts, left, room = [], 230, WIDTH - 40 - 230 - 90
    most = max((abs(value) for _, value, _ in rows), default=0) or 1
    for i, (name, value, number) in enumerate(rows):
        y = 22 * i
        parts.append(_text(left - 10, y + 14, name, mono=True, anchor="end") + _rect(left, y + 4, room, 12, _SOFT))
        if signed:
            length = room / 2 * abs(value) / most
            at = left + room / 2 - (length if value < 0 else 0)
            parts.append(_rect(at, y + 4, length, 12, _ABOVE if value > 0 else _BELOW))
        else:
            parts.append(_rect(left, y + 4, room * min(1.0, value), 12, _BAR))
        parts.append(_text(left + room + 84, y + 14, number, mono=True, anchor="end"))
    return Shape("".join(parts), 22 * len(rows))


def heat(values: np.ndarray, tokens: Sequence[Token]) -> Shape:
    """A map of weights from 0 to 1, (T, T), its queries before the rows; the future is hatched.

    A text of more than MOST_CELLS tokens is pooled: each cell is the largest weight of its block.
    """
    values = _pooled(values)
    count, left = len(values), 130
    side = min(24.0, 420 / count)
    parts = [
        '<defs><pattern id="future" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="1.5" height="6" fill="#dfe2e6"/></pattern></defs>',
        f'<rect x="{left}" y="0" width="{side * count:g}" height="{side * count:g}" fill="url(#future)"/>',
    ]
    for query in range(count):
        if count == len(tokens) and side >= 9:
            parts.append(
                _text(left - 8, side * (query + 0.7), visible(tokens[query])[:14], size=11, mono=True, anchor="end")
            )
        for key in range(query + 1):
            if not np.isnan(values[query, key]):
                parts.append(_rect(left + side * key, side * query, side, side, _colour(values[query, key])))
    return Shape("".join(parts), side * count)


def scatter(points: np.ndarray, marked: dict[int, str], theme: str = "light", size: int = 13) -> Shape:
    """Points (n, 2) in a plane, those in `marked` with their names, `size` pixels high, which stand clear of each other.

    A name that finds no place is told by pointing at its point; how many are left out is said below.
    """
    height, low, span = 380, points.min(0), np.ptp(points, axis=0)
    paper, ink, rule = _PAPER[theme]
    at = 14 + (points - low) / np.where(span == 0, 1, span) * [WIDTH - 40 - 9 * size, height - 28]
    at[:, 1] = height - at[:, 1]
    kept = range(0, len(points), -(-len(points) // 1500))
    parts = [f'<rect width="{WIDTH - 40}" height="{height}" fill="{paper}" stroke="{rule}"/>']
    parts += [
        f'<circle cx="{at[i, 0]:.1f}" cy="{at[i, 1]:.1f}" r="1.6" fill="#8496b5" fill-opacity="0.5"/>' for i in kept
    ]
    boxes = [(*at[i], 0.62 * size * columns(name)) for i, name in marked.items()]
    places = apart(boxes, (WIDTH - 40, height), 1.2 * size)
    for (i, name), place in zip(marked.items(), places, strict=True):
        x, y = at[i]
        title = f"<title>{html.escape(drawable(name))}</title>"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_MARK}">{title}</circle>')
        if place is not None:
            side, middle = place
            parts.append(f'<path d="M{x:.1f} {y:.1f}L{x + side * (NAME_GAP - 2):.1f} {middle:.1f}" stroke="{_MARK}"/>')
            end, anchor = x + side * NAME_GAP, "start" if side > 0 else "end"
            parts.append(_text(end, middle + 0.33 * size, name, size=size, mono=True, anchor=anchor, fill=ink))
    if left_out := places.count(None):
        parts.append(_text(WIDTH - 40, height + 1.2 * size, f"… +{left_out}", size=size, fill=ink, anchor="end"))
    return Shape("".join(parts), height + (1.5 * size if left_out else 0))


def apart(
    names: Sequence[tuple[float, float, float]], room: tuple[float, float], step: float
) -> list[tuple[int, float] | None]:
    """Where names stand so that none covers another, nor a point: beside its own, else as little above or below as will do.

    names: the point (x, y) and the width of each. room: (width, height) in which they stay. step: how high a name is. Of
    each its side, 1 for right and -1 for left of its point, and the height of its middle; None where there is no place.
    """
    shifts = np.arange(0, room[1], step / 4)
    tries = [(side, shift) for shift in (*shifts, *-shifts[1:]) for side in (1, -1)]
    sides, shifts = np.array(sorted(tries, key=lambda one: abs(one[1]) + step * (one[0] < 0))).T  # rather to the right
    taken = np.array([(x - 5, x + 5, y - 5, y + 5) for x, y, _ in names])  # left, right, top, bottom: the points
    places: list[tuple[int, float] | None] = []
    for i, (x, y, width) in enumerate(names):
        ends, top = x + sides * (NAME_GAP + width), y + shifts - step / 2
        boxes = np.stack([np.minimum(x, ends), np.maximum(x, ends), top, top + step])[:, :, None]
        left, right, above, below = np.delete(taken, i, axis=0).T
        covers = (boxes[0] < right) & (boxes[1] > left) & (boxes[2] < below) & (boxes[3] > above)
        inside = (ends >= 0) & (ends <= room[0]) & (top >= 0) & (top + step <= room[1])
        free = np.flatnonzero(inside & ~covers.any(1))
        places.append((int(sides[free[0]]), float(y + shifts[free[0]])) if len(free) else None)
        if len(free):
            taken = np.vstack([taken, boxes[:, free[0], 0]])
    return places


def _pooled(values: np.ndarray) -> np.ndarray:
    if len(values) <= MOST_CELLS:
        return values
    edges = np.linspace(0, len(values), MOST_CELLS + 1).astype(int)[:-1]
    rows: np.ndarray = np.fmax.reduceat(np.fmax.reduceat(values, edges, axis=0), edges, axis=1)
    return rows


def _text(
    x: float, y: float, text: str, *, size: int = 13, fill: str = _INK, weight: int = 400, mono: bool = False,
    anchor: str = "start",
) -> str:  # fmt: skip
    family = "monospace" if mono else "system-ui, sans-serif"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{family}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}" xml:space="preserve">{html.escape(drawable(text))}</text>'
    )


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.2f}" fill="{fill}"/>'


def _colour(weight: float) -> str:
    at = float(np.clip(weight, 0, 1)) * (len(_STOPS) - 1)
    low = min(len(_STOPS) - 2, int(at))
    return "#" + "".join(f"{round(c):02x}" for c in _STOPS[low] + (at - low) * (_STOPS[low + 1] - _STOPS[low]))
