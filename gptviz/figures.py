"""Charts of arrays, as plotly figures: probabilities, the logit lens, effects of edits, a map of embeddings, entropy.

Each function takes arrays and texts and returns a `plotly.graph_objects.Figure`. A figure does not know the theme of its
page. Unless one is named, its background is transparent and its colours can be read on white and on black. The type size
is that of `set_scale` when the figure is made. Texts are escaped, because plotly interprets some markup in labels. The
arrays come from a trace and from `gptviz.lens`.
"""

import html
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.checks import check_index
from gptviz.display.numbers import percent
from gptviz.display.palette import ANY_THEME, CLOUD, DARK, GRID, LIGHT, MARK, Palette, blend
from gptviz.display.preferences import chosen_scale
from gptviz.display.still import NAME_GAP, arrange_names
from gptviz.errors import fail
from gptviz.sampling.probabilities import softmax
from gptviz.text.visible import columns, visible_text

_PALETTES = {"light": LIGHT, "dark": DARK, None: ANY_THEME}
_MOST_POINTS = 4000  # in an embedding map; of a larger table every n-th row is drawn, and the title says so
_MOST_NUMBERS = 18  # columns of a heat map in which numbers still have room
_MOST_UPRIGHT = 48  # letters of all column labels together that fit side by side in a narrow page


def readable_label(text: str) -> str:
    """Returns a token's text as a label: with visible white space, and without anything that plotly takes for markup."""
    return html.escape(visible_text(text), quote=False)


def chart(*traces: Any, title: str = "", height: float = 320, theme: str | None = None) -> go.Figure:
    """Returns plotly traces of your own in the type and colours of these charts.

    height: pixels on a screen; more on a projector.
    """
    return _figure(title, theme, height, *traces).update_layout(colorway=[_palette(theme).bar, MARK, GRID])


def probabilities(
    labels: Sequence[str], values: Any, *, title: str = "Next token", theme: str | None = None
) -> go.Figure:
    """Returns bars, the first on top. labels: n texts. values: (n,) shares of 1. The axis always goes from 0 to 100 %."""
    values = _array(values, (len(labels),), "one probability for each label")
    rows = list(range(len(labels)))
    bars = go.Bar(
        x=100 * values, y=rows, orientation="h", marker_color=_palette(theme).bar,
        text=[percent(v) for v in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{x} %<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 90 + 26 * len(labels), bars)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    figure.update_yaxes(tickvals=rows, ticktext=_labels(labels), autorange="reversed", showgrid=False)
    return figure.update_layout(margin_r=70 * _magnification())  # room for the number beside a full bar


def logit_lens(
    lens: Any, labels: Sequence[str], *, ids: Sequence[int], title: str = "Logit lens", theme: str | None = None
) -> go.Figure:
    """Returns a heat map of how probable some tokens would be next if the model ended at each depth.

    lens: (depths, vocab) logits, from `trace.logit_lens`. ids, labels: the tokens that are drawn.
    Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
    """
    lens = np.asarray(lens, dtype=np.float64)
    if lens.ndim != 2:
        raise fail("logits (depths, vocab)", f"shape {lens.shape}", "trace.logit_lens(position) returns them.")
    if len(labels) != len(ids):
        raise fail("a label for each of the ids", f"{len(labels)} for {len(ids)}", "Give the tokens' texts.")
    ids = [check_index(id, lens.shape[1], "token id") for id in ids]
    shares = softmax(lens)[:, ids]
    stops = _palette(theme).shares
    depths = [*(f"before block {depth}" for depth in range(len(lens) - 1)), "after the last block"]
    heat = go.Heatmap(
        z=100 * shares, x=list(range(len(ids))), y=list(range(len(lens))), zmin=0, zmax=100, colorscale=_colorscale(stops),
        colorbar={"ticksuffix": " %", "thickness": 12},
        text=[[_contrasting(_tenths(v), v, stops) for v in row] for row in shares], texttemplate="%{text}",
        textfont_size=11 * _magnification(),
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
    """Returns a heat map of signed numbers on one scale that is symmetric about 0: blue below, orange above.

    values: (rows, columns), such as `lens.patch_sweep(...).effects`; NaN leaves a cell empty. rows, columns: a text for
    each. axes: what rows and columns are; if columns are positions, each label ends with its number. scale: what the
    colours measure.
    """
    values = _array(values, (len(rows), len(columns)), "one value for each row and column", may_lack=True)
    most, stops = float(np.nan_to_num(np.abs(values)).max(initial=0)) or 1.0, _palette(theme).signed
    across, down, column_labels = list(range(len(columns))), list(range(len(rows))), _labels(columns)
    if axes[1] == "position":
        column_labels = [f"{label}<sub>{i}</sub>" for i, label in enumerate(column_labels)]
    lines = [piece for line in scale.split("\n") for piece in textwrap.wrap(line, 18)]  # as wide as the bar's numbers
    scale_title = {"text": "<br>".join(html.escape(line, quote=False) for line in lines), "side": "top"}
    heat = go.Heatmap(
        z=values, x=across, y=down, zmin=-most, zmax=most, colorscale=_colorscale(stops),
        colorbar={"thickness": 12, "title": scale_title},
        text=[["" if np.isnan(v) else _contrasting(_signed(v, most), 0.5 + v / most / 2, stops) for v in row]
              for row in values],
        hoverongaps=False, texttemplate="%{text}" if len(columns) * _magnification() <= _MOST_NUMBERS else None,
        textfont_size=11 * _magnification(),
        customdata=[[f"{row}, {readable_label(column)}" for column in columns] for row in _labels(rows)],
        hovertemplate="%{customdata}: %{z:.4g}<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 180 + 34 * len(rows), heat)
    # Without "allow", plotly hides a slanted label that reaches past the figure, such as the first column's.
    figure.update_xaxes(
        title=axes[1], tickvals=across, ticktext=column_labels, showgrid=False, ticklabeloverflow="allow",
        tickangle=0 if sum(map(len, columns)) * _magnification() <= _MOST_UPRIGHT else -50,
    )  # fmt: skip
    figure.update_yaxes(title=axes[0], tickvals=down, ticktext=_labels(rows), autorange="reversed", showgrid=False)
    return figure.update_layout(margin_l=70 * _magnification())


def _signed(value: float, most: float) -> str:
    """Returns a signed number, with two significant digits for the largest one, `most`."""
    digits = max(0, 1 - math.floor(math.log10(most)))
    text = f"{value:+.{digits}f}" if digits <= 4 else f"{value:+.0e}"
    return text.replace("-", "−") if float(text) else "0"


def _tenths(share: float) -> str:
    """Returns a share in per cent with one decimal, so that a column of them is easy to compare."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


def _colorscale(stops: tuple[str, ...]) -> list[list[Any]]:
    """Returns the stops at equal distances from 0 to 1, as plotly wants them."""
    return [[i / (len(stops) - 1), stop] for i, stop in enumerate(stops)]


def _contrasting(text: str, share: float, stops: tuple[str, ...]) -> str:
    """Returns text in black or white, whichever has more contrast with the colour at `share` of the stops."""
    channels = blend(stops, share) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
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
    """Returns the rows of a token table as points in a plane, some of them marked and named.

    points: (vocab, 2), from `lens.principal_plane`. labels: a text for each. marked: ids; a name for which there is no
    room appears when the mouse is over its point. shares: (2,) of the variance along each axis. scale: "screen" or
    "projector"; None for that of `set_scale`.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape != (len(labels), 2):
        raise fail(
            f"points ({len(labels)}, 2), one for each label",
            f"shape {points.shape}",
            "lens.principal_plane returns them.",
        )
    marked = list(dict.fromkeys(check_index(id, len(points), "token id") for id in marked))
    drawn = np.arange(len(points))[:: -(-len(points) // _MOST_POINTS)]
    texts, magnification = _labels(labels), _magnification(scale)
    cloud = go.Scatter(
        x=points[drawn, 0], y=points[drawn, 1], mode="markers",
        marker={"size": 4 * magnification, "color": CLOUD, "opacity": 0.8},
        text=[texts[i] for i in drawn], hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    named = go.Scatter(
        x=points[marked, 0], y=points[marked, 1], mode="markers", marker={"size": 9 * magnification, "color": MARK},
        text=[texts[i] for i in marked], hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    count = "" if len(drawn) == len(points) else f", {len(drawn):,} of {len(points):,} tokens"
    figure = _figure(f"Token table{count}", theme, 460, cloud, named, scale=scale)
    figure.update_layout(margin_b=50 * magnification)
    _name_points(figure, points, {i: labels[i] for i in marked}, theme, magnification)
    for axis, share in zip(("xaxis", "yaxis"), (None, None) if shares is None else shares, strict=True):
        name = "first direction" if axis == "xaxis" else "second direction"
        of_variance = "" if share is None else f": {100 * share:.1f} % of the variance"
        figure.update_layout({axis: {"title": f"{name}{of_variance}", "zeroline": False}})
    return figure


def _name_points(
    figure: go.Figure, points: np.ndarray, names: dict[int, str], theme: str | None, magnification: float
) -> None:
    """Adds names beside their points, moved by pixels so that none covers another in a narrow page, nor in a wider one."""
    margin = figure.layout.margin
    width, height, size = 380, figure.layout.height - margin.t - margin.b, 13 * magnification
    low, span = points.min(0), np.where(np.ptp(points, axis=0) == 0, 1, np.ptp(points, axis=0))
    ends = low + np.outer([-0.08, 1.08], span)
    pixels = (points - ends[0]) / (ends[1] - ends[0]) * [width, height]
    boxes = [
        (pixels[i, 0], height - pixels[i, 1], 0.62 * size * columns(visible_text(name)) + 5)
        for i, name in names.items()
    ]
    colours = LIGHT if theme is None else _palette(theme)  # names have a background of their own
    for i, box, position in zip(names, boxes, arrange_names(boxes, (width, height), 1.3 * size + 5), strict=True):
        if position is not None:
            side, middle = position
            figure.add_annotation(
                x=points[i, 0], y=points[i, 1], text=readable_label(names[i]), ax=side * NAME_GAP, ay=middle - box[1],
                xanchor="left" if side > 0 else "right", arrowhead=0, arrowwidth=1, arrowcolor=MARK,
                bgcolor=colours.paper, opacity=0.9, font={"color": colours.ink, "family": "monospace"},
            )  # fmt: skip
    figure.update_xaxes(range=ends[:, 0], automargin=False)
    figure.update_yaxes(range=ends[:, 1])


def entropy(labels: Sequence[str], bits: Any, *, title: str = "Entropy", theme: str | None = None) -> go.Figure:
    """Returns a line of how uncertain the next token is along a text. labels: n tokens. bits: (n,), the entropy after each."""
    bits = _array(bits, (len(labels),), "one entropy for each label")
    positions = list(range(len(labels)))
    line = go.Scatter(
        x=positions, y=bits, mode="lines+markers", line={"color": _palette(theme).bar, "shape": "hvh"},
        hovertemplate="%{y} bits<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, 320, line)
    figure.update_xaxes(tickvals=positions, ticktext=_labels(labels), tickangle=-50)
    return figure.update_yaxes(title="bits", rangemode="tozero")


def _figure(title: str, theme: str | None, height: float, *traces: Any, scale: str | None = None) -> go.Figure:
    """Returns a figure of plotly traces with a title. height: pixels on a screen; a projector magnifies it as the type."""
    colours, magnification = _palette(theme), _magnification(scale)
    figure, lines = go.Figure(list(traces)), textwrap.wrap(title, int(60 / magnification))
    figure.update_layout(
        title={
            "text": "<br>".join(html.escape(line, quote=False) for line in lines), "font": {"size": 16 * magnification},
        },
        font={"color": colours.ink, "size": 13 * magnification}, height=height * magnification,
        paper_bgcolor=colours.paper, plot_bgcolor=colours.paper,
        margin={"l": 10, "r": 40, "t": (30 + 20 * len(lines)) * magnification, "b": 10}, showlegend=False,
        template="none", modebar={"color": GRID, "activecolor": colours.ink, "bgcolor": colours.paper},
    )  # fmt: skip
    lines_of_axes = {
        "gridcolor": GRID,
        "griddash": "1px,3px",
        "zerolinecolor": GRID,
        "linecolor": GRID,
        "tickcolor": GRID,
    }
    figure.update_xaxes(automargin=True, **lines_of_axes)
    return figure.update_yaxes(automargin=True, **lines_of_axes)


def _magnification(scale: str | None = None) -> float:
    return 1.5 if (scale or chosen_scale()) == "projector" else 1


def _labels(labels: Sequence[str]) -> list[str]:
    return [readable_label(label) for label in labels]


def _array(values: Any, shape: tuple[int, ...], name: str, may_lack: bool = False) -> np.ndarray:
    """Returns finite numbers of this shape. may_lack: whether some may be NaN."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise fail(f"{name}: shape {shape}", f"shape {array.shape}", "Give as many values as labels.")
    if not (np.isfinite(array) | (may_lack & np.isnan(array))).all():
        raise fail("finite numbers", "NaN or infinity among them", "Leave those out.")
    return array


def _palette(theme: str | None) -> Palette:
    if theme not in _PALETTES:
        raise fail("a theme, light or dark", f"{theme!r}", "Leave it out for a figure that can be read in both.")
    return _PALETTES[theme]
