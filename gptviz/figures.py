"""Charts of arrays, as plotly figures: probabilities, the logit lens, effects of edits, an embedding's map, entropy.

Each function takes arrays and texts and returns a `plotly.graph_objects.Figure`. A figure does not know its page's theme:
unless one is named it has no ground of its own, and colours that are read on white and on black. Type is as large as
`set_scale` wants it at the time. Texts are escaped, since plotly reads some markup in labels. Not about models: what
computes the arrays is `trace.py` and `lens.py`.
"""

import html
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.display.preferences import chosen_scale
from gptviz.display.still import NAME_GAP, apart
from gptviz.errors import OutOfRange, fail
from gptviz.sampling.probabilities import softmax
from gptviz.text.visible import columns

_LOOKS = {  # by theme: what is written with, on what, and the colour of bars
    "light": ("#1c1f24", "#ffffff", "#123570"),
    "dark": ("#e7e9ec", "#111317", "#e6cf5c"),
    None: (
        "#797979",
        "rgba(0,0,0,0)",
        "#5b79ab",
    ),  # grey: 4.3 to 1 on white and on #111, and no colour has more on both
}
_LINE, _MARK, _CLOUD = "#8c8c8c", "#d55e00", "#65779c"  # on every ground at least 3 to 1
_SHARES = {  # as `colours` in widgets/static/common.js
    "light": [[0, "#ffffff"], [0.25, "#c6d2e4"], [0.5, "#7890ba"], [0.75, "#34548c"], [1, "#0a2252"]],
    "dark": [[0, "#14161b"], [0.25, "#263456"], [0.5, "#62656e"], [0.75, "#b0a064"], [1, "#ffe945"]],
}
_SIGNED = {  # as `diverging` in widgets/static/common.js
    "light": [[0, "#063e74"], [0.25, "#609ccd"], [0.5, "#ffffff"], [0.75, "#e29254"], [1, "#8a3a00"]],
    "dark": [[0, "#8ccdff"], [0.25, "#346ea0"], [0.5, "#14161b"], [0.75, "#a05c28"], [1, "#ffbe82"]],
}
_MOST_POINTS = 4000  # of an embedding map; a larger table is thinned evenly, and the title says so
_MOST_NUMBERS = 18  # columns of a heat map whose numbers have room to be read
_MOST_UPRIGHT = 48  # letters of all columns' labels that have room beside each other in a narrow page
_MARKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


def readable_label(text: str) -> str:
    """A token's text as a label: white space visible, and nothing that plotly would take for markup."""
    return html.escape(_readable(text), quote=False)


def _readable(text: str) -> str:
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text.translate(_MARKS))


def chart(*traces: Any, title: str = "", height: float = 320, theme: str | None = None) -> go.Figure:
    """Traces of your own, in the type and the colours of these charts. height: pixels on a screen, more on a projector."""
    return _figure(title, theme, height, *traces).update_layout(colorway=[_look(theme)[2], _MARK, _LINE])


def probabilities(
    labels: Sequence[str], values: Any, *, title: str = "Next token", theme: str | None = None
) -> go.Figure:
    """Bars, the largest on top. labels: n texts; values: (n,) shares of 1. The axis always goes from 0 to 100 %."""
    values = _array(values, (len(labels),), "one probability a label")
    places = list(range(len(labels)))
    bars = go.Bar(
        x=100 * values, y=places, orientation="h", marker_color=_look(theme)[2],
        text=[_percent(v) for v in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{x} %<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 90 + 26 * len(labels), bars)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    figure.update_yaxes(tickvals=places, ticktext=_labels(labels), autorange="reversed", showgrid=False)
    return figure.update_layout(margin_r=70 * _larger())  # room for the number of a bar that is full


def logit_lens(
    lens: Any, labels: Sequence[str], *, ids: Sequence[int], title: str = "Logit lens", theme: str | None = None
) -> go.Figure:
    """How probable each of some tokens would be if the model ended at each depth.

    lens: (depths, vocab) logits, as `trace.logit_lens` gives them. ids, labels: the tokens that are drawn.
    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
    """
    lens = np.asarray(lens, dtype=np.float64)
    if lens.ndim != 2:
        raise fail("logits (depths, vocab)", f"shape {lens.shape}", "trace.logit_lens(position) has them.")
    if len(labels) != len(ids):
        raise fail("a label for each of the ids", f"{len(labels)} for {len(ids)}", "Give the tokens' texts.")
    _check_ids(ids, lens.shape[1], "lens")
    shares = softmax(lens)[:, list(ids)]
    stops = _SHARES[_ground(theme)]
    depths = [*(f"before block {depth}" for depth in range(len(lens) - 1)), "after the last"]
    heat = go.Heatmap(
        z=100 * shares, x=list(range(len(ids))), y=list(range(len(lens))), zmin=0, zmax=100, colorscale=stops,
        colorbar={"ticksuffix": " %", "thickness": 12},
        text=[[_written(_tenths(v), v, stops) for v in row] for row in shares], texttemplate="%{text}",
        textfont_size=11 * _larger(),
        hovertemplate="%{z} %<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 120 + 30 * len(lens), heat)
    figure.update_xaxes(tickvals=list(range(len(ids))), ticktext=_labels(labels), showgrid=False)
    return figure.update_yaxes(tickvals=list(range(len(lens))), ticktext=depths, showgrid=False)


def effects(
    values: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str = "Effects",
    axes: tuple[str, str] = ("", ""),
    scale: str = "",
    theme: str | None = None,
) -> go.Figure:
    """Signed numbers by row and column, with one scale about 0: blue below, orange above.

    values: (rows, columns), such as `lens.patch_sweep(...).effects`. rows, columns: a text for each. axes: what rows and
    columns are; where columns are positions, each label has its number. scale: what the colours measure.
    """
    values = _array(values, (len(rows), len(columns)), "one value for each row and column")
    most, stops = float(np.abs(values).max(initial=0)) or 1.0, _SIGNED[_ground(theme)]
    across, down, named = list(range(len(columns))), list(range(len(rows))), _labels(columns)
    if axes[1] == "position":
        named = [f"{label}<sub>{i}</sub>" for i, label in enumerate(named)]
    narrow = [piece for line in scale.split("\n") for piece in textwrap.wrap(line, 18)]  # as wide as the bar's numbers
    measured = {"text": "<br>".join(html.escape(piece, quote=False) for piece in narrow), "side": "top"}
    heat = go.Heatmap(
        z=values, x=across, y=down, zmin=-most, zmax=most, colorscale=stops,
        colorbar={"thickness": 12, "title": measured},
        text=[[_written(_signed(v, most), 0.5 + v / most / 2, stops) for v in row] for row in values],
        texttemplate="%{text}" if len(columns) * _larger() <= _MOST_NUMBERS else None, textfont_size=11 * _larger(),
        customdata=[[f"{row}, {readable_label(column)}" for column in columns] for row in _labels(rows)],
        hovertemplate="%{customdata}: %{z:.4g}<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 180 + 34 * len(rows), heat)
    # Plotly hides a slanted label that reaches past the figure: the first column's, for one.
    figure.update_xaxes(
        title=axes[1], tickvals=across, ticktext=named, showgrid=False, ticklabeloverflow="allow",
        tickangle=0 if sum(map(len, columns)) * _larger() <= _MOST_UPRIGHT else -50,
    )  # fmt: skip
    figure.update_yaxes(title=axes[0], tickvals=down, ticktext=_labels(rows), autorange="reversed", showgrid=False)
    return figure.update_layout(margin_l=70 * _larger())


def _signed(value: float, most: float) -> str:
    """A signed number in as many digits as tell the largest apart."""
    digits = max(0, 1 - math.floor(math.log10(most)))
    said = f"{value:+.{digits}f}" if digits <= 4 else f"{value:+.0e}"
    return said.replace("-", "−") if float(said) else "0"


def _percent(share: float) -> str:
    """As `percent` in widgets/static/common.js: never rounded to nothing nor to all."""
    if 0 < share < 1e-5:
        return "<0.001 %"
    return ">99.99 %" if 0.99995 <= share < 1 else f"{100 * share:.{4 if share >= 0.9995 else 3}g} %"


def _tenths(share: float) -> str:
    """A share in per cent with one decimal, so that a column of them is compared at a glance."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def _written(text: str, share: float, stops: list[list[Any]]) -> str:
    """Text on a square whose colour lies at this share of the scale: black or white, whichever is read better there."""
    places, colours = zip(*stops, strict=True)
    channels = [[int(colour[at : at + 2], 16) / 255 for colour in colours] for at in (1, 3, 5)]
    light = np.array([np.interp(share, places, channel) for channel in channels])
    luminance = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    ink = "#000000" if luminance > 0.179 else "#ffffff"  # WCAG 2
    return f'<span style="color: {ink}">{html.escape(text, quote=False)}</span>'


def embedding_map(
    points: Any,
    labels: Sequence[str],
    *,
    marked: Sequence[int] = (),
    shares: Any = None,
    theme: str | None = None,
    scale: str | None = None,
) -> go.Figure:
    """Rows of a token table in a plane, some of them marked by name.

    points: (vocab, 2), as `lens.principal_plane` gives them. labels: a text for each. marked: ids; a name for which there
    is no place is read by pointing at it. shares: (2,) of the variance along each axis. scale: "screen" or "projector",
    else what `set_scale` chose.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape != (len(labels), 2):
        raise fail(f"points ({len(labels)}, 2), one a label", f"shape {points.shape}", "lens.principal_plane has them.")
    _check_ids(marked, len(points), "table")
    kept = np.arange(len(points))[:: -(-len(points) // _MOST_POINTS)]
    shown, marked, larger = _labels(labels), list(dict.fromkeys(marked)), _larger(scale)
    cloud = go.Scatter(
        x=points[kept, 0], y=points[kept, 1], mode="markers", marker={"size": 4 * larger, "color": _CLOUD, "opacity": 0.8},
        text=[shown[i] for i in kept], hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    named = go.Scatter(
        x=points[marked, 0], y=points[marked, 1], mode="markers", marker={"size": 9 * larger, "color": _MARK},
        text=[shown[i] for i in marked], hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    thinned = "" if len(kept) == len(points) else f", {len(kept):,} of {len(points):,} tokens"
    figure = _figure(f"Token table{thinned}", theme, 460, cloud, named, scale=scale).update_layout(margin_b=50 * larger)
    _name_points(figure, points, {i: labels[i] for i in marked}, theme, larger)
    for axis, share in zip(("xaxis", "yaxis"), (None, None) if shares is None else shares, strict=True):
        name = "first direction" if axis == "xaxis" else "second direction"
        of_variance = "" if share is None else f": {100 * share:.1f} % of the variance"
        figure.update_layout({axis: {"title": f"{name}{of_variance}", "zeroline": False}})
    return figure


def _name_points(
    figure: go.Figure, points: np.ndarray, names: dict[int, str], theme: str | None, larger: float
) -> None:
    """Names beside their points. In a narrow page none is over another, nor then in a wider one: they are moved by pixels."""
    margin = figure.layout.margin
    width, height, size = 380, figure.layout.height - margin.t - margin.b, 13 * larger
    low, span = points.min(0), np.where(np.ptp(points, axis=0) == 0, 1, np.ptp(points, axis=0))
    ends = low + np.outer([-0.08, 1.08], span)
    at = (points - ends[0]) / (ends[1] - ends[0]) * [width, height]
    boxes = [(at[i, 0], height - at[i, 1], 0.62 * size * columns(_readable(name)) + 5) for i, name in names.items()]
    ink, paper, _ = _LOOKS[_ground(theme)]
    for i, box, place in zip(names, boxes, apart(boxes, (width, height), 1.3 * size + 5), strict=True):
        if place is not None:
            side, middle = place
            figure.add_annotation(
                x=points[i, 0], y=points[i, 1], text=readable_label(names[i]), ax=side * NAME_GAP, ay=middle - box[1],
                xanchor="left" if side > 0 else "right", arrowhead=0, arrowwidth=1, arrowcolor=_MARK,
                bgcolor=paper, opacity=0.9, font={"color": ink, "family": "monospace"},
            )  # fmt: skip
    figure.update_xaxes(range=ends[:, 0], automargin=False)
    figure.update_yaxes(range=ends[:, 1])


def entropy(labels: Sequence[str], bits: Any, *, title: str = "Entropy", theme: str | None = None) -> go.Figure:
    """How uncertain the next token is along a text. labels: n tokens; bits: (n,), the entropy after each."""
    bits = _array(bits, (len(labels),), "one entropy a label")
    places = list(range(len(labels)))
    line = go.Scatter(
        x=places, y=bits, mode="lines+markers", line={"color": _look(theme)[2], "shape": "hvh"},
        hovertemplate="%{y} bits<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 320, line)
    figure.update_xaxes(tickvals=places, ticktext=_labels(labels), tickangle=-50)
    return figure.update_yaxes(title="bits", rangemode="tozero")


def _figure(title: str, theme: str | None, height: float, *traces: Any, scale: str | None = None) -> go.Figure:
    """Traces in the house's type and colours. height: pixels on a screen; a projector wants as much more as for its type."""
    (ink, paper, _), larger = _look(theme), _larger(scale)
    figure, lines = go.Figure(list(traces)), textwrap.wrap(title, int(60 / larger))
    figure.update_layout(
        title={"text": "<br>".join(html.escape(line, quote=False) for line in lines), "font": {"size": 16 * larger}},
        font={"color": ink, "size": 13 * larger}, height=height * larger, paper_bgcolor=paper, plot_bgcolor=paper,
        margin={"l": 10, "r": 40, "t": (30 + 20 * len(lines)) * larger, "b": 10}, showlegend=False, template="none",
        modebar={"color": _LINE, "activecolor": ink, "bgcolor": paper},
    )  # fmt: skip
    rules = {"gridcolor": _LINE, "griddash": "1px,3px", "zerolinecolor": _LINE, "linecolor": _LINE, "tickcolor": _LINE}
    figure.update_xaxes(automargin=True, **rules)
    return figure.update_yaxes(automargin=True, **rules)


def _larger(scale: str | None = None) -> float:
    return 1.5 if (scale or chosen_scale()) == "projector" else 1


def _labels(labels: Sequence[str]) -> list[str]:
    return [readable_label(label) for label in labels]


def _check_ids(ids: Sequence[int], size: int, what: str) -> None:
    outside = [id for id in ids if not 0 <= id < size]
    if outside:
        raise fail(f"ids of the {what}'s {size:,} tokens", f"{outside[0]}", "token.id has a token's.", OutOfRange)


def _array(values: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise fail(f"{what}: shape {shape}", f"shape {array.shape}", "Give one value for each.")
    if not np.isfinite(array).all():
        raise fail("finite numbers", "NaN or infinity among them", "Leave out what has no value.")
    return array


def _look(theme: str | None) -> tuple[str, str, str]:
    if theme not in _LOOKS:
        raise fail("a theme, light or dark", f"{theme!r}", "Leave it out where the page can be either.")
    return _LOOKS[theme]


def _ground(theme: str | None) -> str:
    """What has a ground of its own, squares and names, is dark on pages that are known to be dark."""
    return "dark" if theme == "dark" else "light"
