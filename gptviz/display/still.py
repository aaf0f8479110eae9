"""Still pictures of views, as SVG: what a notebook shows where no kernel runs and scripts are not allowed.

A picture is a column of shapes, each of which knows its height. Text is escaped. The paper is white unless a theme is
named, since a picture cannot know the theme of its page. The views decide what a picture shows.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptviz.display import palette
from gptviz.display.palette import DARK, LIGHT
from gptviz.display.pooling import pooled
from gptviz.text.tokens import Token
from gptviz.text.visible import columns, drawable, visible

WIDTH = 900
NAME_GAP = 11  # pixels from a point to its name
MOST_CELLS = 48  # cells on one side of a heat map; a longer text is pooled
_MOST_TOKENS = 60
_PALETTES = {"light": LIGHT, "dark": DARK}


@dataclass(frozen=True)
class Shape:
    """A piece of SVG with its origin at its upper left corner, and its height in pixels."""

    svg: str
    height: float


def picture(title: str, *shapes: Shape, theme: str = "light") -> str:
    """Returns an SVG document: the title, then the shapes below each other, on the theme's paper."""
    colours = _PALETTES[theme]
    body, y = ([_text(16, 30, title, size=16, weight=650, fill=colours.ink)], 46.0) if title else ([], 8.0)
    for shape in shapes:
        body.append(f'<g transform="translate(16 {y:g})">{shape.svg}</g>')
        y += shape.height + 12
    height = round(y + 4)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="{html.escape(title)}"><rect width="100%" height="100%" fill="{colours.paper}"/>'
        f"{''.join(body)}</svg>"
    )


def words(text: str, size: int = 13) -> Shape:
    """Returns lines of text, wrapped to the picture's width."""
    lines, room = [""], (WIDTH - 40) / (0.56 * size)
    for word in text.split():
        if len(lines[-1]) + len(word) > room:
            lines.append("")
        lines[-1] += f"{word} "
    step = 1.45 * size
    return Shape(
        "".join(_text(0, step * (i + 0.75), line, size=size, fill=palette.MUTED) for i, line in enumerate(lines)),
        step * len(lines),
    )


def chips(tokens: Sequence[Token], below: Sequence[str] = (), shares: Sequence[float] = ()) -> Shape:
    """Returns tokens as chips, in order. below: a small text under each. shares: a bar under each, from 0 to 1."""
    parts, x, y = [], 0.0, 0.0
    for i, token in enumerate(tokens[:_MOST_TOKENS]):
        text = visible(token)
        width = max(9.7 * columns(text) + 12, 7 * len(below[i]) if below else 0)
        if x + width > WIDTH - 40:
            x, y = 0.0, y + 46
        dash = ' stroke-dasharray="3 2"' if token.special else ""
        parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="25" rx="4" fill="{palette.CHIP}" stroke="{LIGHT.rule}"{dash}/>'
        )
        if shares:
            parts.append(
                _rect(x + 1, y + 21, width - 2, 3, palette.CHIP_TRACK)
                + _rect(x + 1, y + 21, (width - 2) * shares[i], 3, LIGHT.bar)
            )
        parts.append(_text(x + width / 2, y + 17, text, size=15, mono=True, anchor="middle"))
        if below:
            parts.append(
                _text(x + width / 2, y + 38, below[i], size=11, fill=palette.MUTED, mono=True, anchor="middle")
            )
        x += width + 5
    if len(tokens) > _MOST_TOKENS:
        parts.append(_text(x, y + 17, f"… +{len(tokens) - _MOST_TOKENS}", fill=palette.MUTED))
    return Shape("".join(parts), y + 44)


def bars(rows: Sequence[tuple[str, float, str]], signed: bool = False, rest: bool = False) -> Shape:
    """Returns horizontal bars. rows: (name, value, number as text) of each.

    Values are shares of 1; signed ones start in the middle, and the largest fills its half. rest: whether the last row is
    hatched, because it is a sum whose parts are not known.
    """
    parts, left, room = [_hatching("rest", LIGHT.bar)] if rest else [], 230, WIDTH - 40 - 230 - 90
    most = max((abs(value) for _, value, _ in rows), default=0) or 1
    for i, (name, value, number) in enumerate(rows):
        y = 22 * i
        parts.append(
            _text(left - 10, y + 14, name, mono=True, anchor="end") + _rect(left, y + 4, room, 12, palette.TRACK)
        )
        if signed:
            length = room / 2 * abs(value) / most
            at = left + room / 2 - (length if value < 0 else 0)
            parts.append(_rect(at, y + 4, length, 12, palette.ABOVE if value > 0 else palette.BELOW))
        else:
            is_rest = rest and i == len(rows) - 1
            parts.append(_rect(left, y + 4, room * min(1.0, value), 12, "url(#rest)" if is_rest else LIGHT.bar))
        parts.append(_text(left + room + 84, y + 14, number, mono=True, anchor="end"))
    return Shape("".join(parts), 22 * len(rows))


def heat(values: np.ndarray, tokens: Sequence[Token], is_causal: bool = True) -> Shape:
    """Returns a heat map of weights (queries, keys) from 0 to 1, queries at the left.

    tokens: the queries. is_causal: whether keys after the query are hatched. More than MOST_CELLS tokens are pooled: each
    cell shows the largest weight of its block.
    """
    values = pooled(values, MOST_CELLS)
    (count, keys), left = values.shape, 130
    side = min(24.0, 420 / max(count, keys))
    parts = [
        _hatching("future", palette.FUTURE),
        f'<rect x="{left}" y="0" width="{side * keys:g}" height="{side * count:g}" fill="url(#future)"/>',
    ]
    for query in range(count):
        if count == len(tokens) and side >= 9:
            parts.append(
                _text(left - 8, side * (query + 0.7), visible(tokens[query])[:14], size=11, mono=True, anchor="end")
            )
        for key in range(query + 1 if is_causal else keys):
            if not np.isnan(values[query, key]):
                parts.append(_rect(left + side * key, side * query, side, side, _weight_colour(values[query, key])))
    return Shape("".join(parts), side * count)


def scatter(points: np.ndarray, marked: dict[int, str], theme: str = "light", size: int = 13) -> Shape:
    """Returns points (n, 2) in a plane. marked: names of some, by index, `size` pixels high, none over another.

    A name for which there is no room is a tooltip of its point; the number of these stands below the plane.
    """
    height, low, span, colours = 380, points.min(0), np.ptp(points, axis=0), _PALETTES[theme]
    pixels = 14 + (points - low) / np.where(span == 0, 1, span) * [WIDTH - 40 - 9 * size, height - 28]
    pixels[:, 1] = height - pixels[:, 1]
    drawn = range(0, len(points), -(-len(points) // 1500))
    parts = [f'<rect width="{WIDTH - 40}" height="{height}" fill="{colours.paper}" stroke="{colours.rule}"/>']
    parts += [
        f'<circle cx="{pixels[i, 0]:.1f}" cy="{pixels[i, 1]:.1f}" r="1.6" fill="{palette.POINT}" fill-opacity="0.5"/>'
        for i in drawn
    ]
    names = [(*pixels[i], 0.62 * size * columns(name)) for i, name in marked.items()]
    label_positions = arrange_names(names, (WIDTH - 40, height), 1.2 * size)
    for (i, name), label_position in zip(marked.items(), label_positions, strict=True):
        x, y = pixels[i]
        title = f"<title>{html.escape(drawable(name))}</title>"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{palette.MARK}">{title}</circle>')
        if label_position is not None:
            side, middle = label_position
            line_end = f"{x + side * (NAME_GAP - 2):.1f} {middle:.1f}"
            parts.append(f'<path d="M{x:.1f} {y:.1f}L{line_end}" stroke="{palette.MARK}"/>')
            start, anchor = x + side * NAME_GAP, "start" if side > 0 else "end"
            parts.append(
                _text(start, middle + 0.33 * size, name, size=size, mono=True, anchor=anchor, fill=colours.ink)
            )
    if left_out := label_positions.count(None):
        parts.append(
            _text(WIDTH - 40, height + 1.2 * size, f"… +{left_out}", size=size, fill=colours.ink, anchor="end")
        )
    return Shape("".join(parts), height + (1.5 * size if left_out else 0))


def arrange_names(
    names: Sequence[tuple[float, float, float]], room: tuple[float, float], height: float
) -> list[tuple[int, float] | None]:
    """Finds a position for each name beside its point, so that no name covers another name or another's point.

    names: the point (x, y) of each and the name's width. room: the width and height that names must stay in. height: of a
    name. All in pixels. Returns for each name its side, 1 for right and -1 for left of its point, and the y of its
    middle, as near to the point's as possible; None if there is no room.
    """
    shifts = np.arange(0, room[1], height / 4)
    candidates = [(side, shift) for shift in (*shifts, *-shifts[1:]) for side in (1, -1)]
    # The right side comes first: a name on the left counts as if it were shifted by one more height.
    candidates.sort(key=lambda candidate: abs(candidate[1]) + height * (candidate[0] < 0))
    sides, shifts = np.array(candidates).T
    taken = np.array([(x - 5, x + 5, y - 5, y + 5) for x, y, _ in names])  # left, right, top, bottom: the points
    positions: list[tuple[int, float] | None] = []
    for i, (x, y, width) in enumerate(names):
        ends, top = x + sides * (NAME_GAP + width), y + shifts - height / 2
        boxes = np.stack([np.minimum(x, ends), np.maximum(x, ends), top, top + height])[:, :, None]
        left, right, above, below = np.delete(taken, i, axis=0).T
        covers = (boxes[0] < right) & (boxes[1] > left) & (boxes[2] < below) & (boxes[3] > above)
        inside = (ends >= 0) & (ends <= room[0]) & (top >= 0) & (top + height <= room[1])
        free = np.flatnonzero(inside & ~covers.any(1))
        positions.append((int(sides[free[0]]), float(y + shifts[free[0]])) if len(free) else None)
        if len(free):
            taken = np.vstack([taken, boxes[:, free[0], 0]])
    return positions


def _text(
    x: float, y: float, text: str, *, size: int = 13, fill: str = LIGHT.ink, weight: int = 400, mono: bool = False,
    anchor: str = "start",
) -> str:  # fmt: skip
    family = "monospace" if mono else "system-ui, sans-serif"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{family}" font-size="{size}" font-weight="{weight}" fill="{fill}" '
        f'text-anchor="{anchor}" xml:space="preserve">{html.escape(drawable(text))}</text>'
    )


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.2f}" fill="{fill}"/>'


def _hatching(name: str, colour: str) -> str:
    """Returns the definition of a pattern of lines, which `fill="url(#name)"` uses."""
    return (
        f'<defs><pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="1.5" height="6" fill="{colour}"/></pattern></defs>'
    )


def _weight_colour(weight: float) -> str:
    return palette.hex_colour(palette.blend(LIGHT.shares, weight))
