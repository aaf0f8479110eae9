"""Charts of arrays, as plotly figures: probabilities, the logit lens, effects of edits, an embedding's map, entropy.

Each function takes arrays and texts and returns a `plotly.graph_objects.Figure`. Texts are escaped, since plotly reads
some markup in labels. Not about models: what computes the arrays is `trace.py` and `lens.py`.
"""

import html
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptviz.errors import OutOfRange, fail

_INK = {"light": ("#1c1f24", "#ffffff", "#e3e6ea"), "dark": ("#e7e9ec", "#111317", "#2c3037")}
_BAR = {"light": "#123570", "dark": "#e6cf5c"}
_MARK = "#d55e00"
_SIGNED = {  # as `diverging` in widgets/static/common.js
    "light": [[0, "#063e74"], [0.25, "#609ccd"], [0.5, "#ffffff"], [0.75, "#e29254"], [1, "#8a3a00"]],
    "dark": [[0, "#8ccdff"], [0.25, "#346ea0"], [0.5, "#14161b"], [0.75, "#a05c28"], [1, "#ffbe82"]],
}
_MOST_POINTS = 4000  # of an embedding map; a larger table is thinned evenly, and the title says so
_MOST_NUMBERS = 18  # columns of a heat map whose numbers have room to be read
_MARKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


def readable_label(text: str) -> str:
    """A token's text as a label: white space visible, and nothing that plotly would take for markup."""
    shown = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text.translate(_MARKS))
    return html.escape(shown, quote=False)


def probabilities(labels: Sequence[str], values: Any, *, title: str = "Next token", theme: str = "light") -> go.Figure:
    """Bars, the largest on top. labels: n texts; values: (n,) shares of 1. The axis always goes from 0 to 100 %."""
    values = _array(values, (len(labels),), "one probability a label")
    places = list(range(len(labels)))
    bars = go.Bar(
        x=100 * values, y=places, orientation="h", marker_color=_BAR[_theme(theme)],
        text=[f"{100 * v:.3g} %" for v in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{x} %<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, bars)
    figure.update_xaxes(range=[0, 100], ticksuffix=" %")
    figure.update_yaxes(tickvals=places, ticktext=_labels(labels), autorange="reversed")
    return figure.update_layout(height=90 + 26 * len(labels))


def logit_lens(
    lens: Any, labels: Sequence[str], *, ids: Sequence[int], title: str = "Logit lens", theme: str = "light"
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
    weights = np.exp(lens - lens.max(1, keepdims=True))
    shares = (weights / weights.sum(1, keepdims=True))[:, list(ids)]
    depths = [*(f"before block {depth}" for depth in range(len(lens) - 1)), "after the last"]
    heat = go.Heatmap(
        z=100 * shares, x=list(range(len(ids))), y=list(range(len(lens))), zmin=0, zmax=100, colorscale="Cividis",
        colorbar={"ticksuffix": " %", "thickness": 12},
        text=[[f"{100 * v:.2g}" for v in row] for row in shares], texttemplate="%{text}",
        hovertemplate="%{z} %<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, heat)
    figure.update_xaxes(tickvals=list(range(len(ids))), ticktext=_labels(labels))
    figure.update_yaxes(tickvals=list(range(len(lens))), ticktext=depths)
    return figure.update_layout(height=120 + 30 * len(lens))


def effects(
    values: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str = "Effects",
    axes: tuple[str, str] = ("", ""),
    scale: str = "",
    theme: str = "light",
) -> go.Figure:
    """Signed numbers by row and column, with one scale about 0: blue below, orange above.

    values: (rows, columns), such as `lens.patch_sweep(...).effects`. rows, columns: a text for each. axes: what rows and
    columns are; where columns are positions, each label has its number. scale: what the colours measure.
    """
    values = _array(values, (len(rows), len(columns)), "one value for each row and column")
    most = float(np.abs(values).max(initial=0)) or 1.0
    across, down, named = list(range(len(columns))), list(range(len(rows))), _labels(columns)
    if axes[1] == "position":
        named = [f"{label}<sub>{i}</sub>" for i, label in enumerate(named)]
    narrow = [piece for line in scale.split("\n") for piece in textwrap.wrap(line, 18)]  # as wide as the bar's numbers
    measured = {"text": "<br>".join(html.escape(piece, quote=False) for piece in narrow), "side": "top"}
    heat = go.Heatmap(
        z=values, x=across, y=down, zmin=-most, zmax=most, colorscale=_SIGNED[_theme(theme)],
        colorbar={"thickness": 12, "title": measured},
        text=[[_on_square(v, most, theme) for v in row] for row in values],
        texttemplate="%{text}" if len(columns) <= _MOST_NUMBERS else None, textfont_size=11,
        customdata=[[f"{row}, {readable_label(column)}" for column in columns] for row in _labels(rows)],
        hovertemplate="%{customdata}: %{z:.4g}<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, heat)
    # Plotly hides a slanted label that reaches past the figure: the first column's, for one.
    figure.update_xaxes(
        title=axes[1], tickvals=across, ticktext=named, tickangle=-50, showgrid=False, ticklabeloverflow="allow"
    )
    figure.update_yaxes(title=axes[0], tickvals=down, ticktext=_labels(rows), autorange="reversed", showgrid=False)
    return figure.update_layout(height=180 + 34 * len(rows), margin_l=70)


def _on_square(value: float, most: float, theme: str) -> str:
    """A signed number in as many digits as tell the largest apart, black or white, whichever is read better on its colour."""
    digits = max(0, 1 - math.floor(math.log10(most)))
    said = f"{value:+.{digits}f}" if digits <= 4 else f"{value:+.0e}"
    said = said.replace("-", "−") if float(said) else "0"
    places, stops = zip(*_SIGNED[theme], strict=True)
    channels = [[int(stop[at : at + 2], 16) / 255 for stop in stops] for at in (1, 3, 5)]
    light = np.array([np.interp(0.5 + value / most / 2, places, channel) for channel in channels])
    luminance = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    return f'<span style="color: {"#000000" if luminance > 0.179 else "#ffffff"}">{said}</span>'  # WCAG 2


def embedding_map(
    points: Any,
    labels: Sequence[str],
    *,
    marked: Sequence[int] = (),
    shares: Any = None,
    theme: str = "light",
    scale: str = "screen",
) -> go.Figure:
    """Rows of a token table in a plane, some of them marked by name.

    points: (vocab, 2), as `lens.principal_plane` gives them. labels: a text for each. marked: ids. shares: (2,) of the
    variance along each axis. scale: "projector" for names and points half as large again.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape != (len(labels), 2):
        raise fail(f"points ({len(labels)}, 2), one a label", f"shape {points.shape}", "lens.principal_plane has them.")
    _check_ids(marked, len(points), "table")
    kept = np.arange(len(points))[:: -(-len(points) // _MOST_POINTS)]
    shown, marked = _labels(labels), list(dict.fromkeys(marked))
    ink, paper, _ = _INK[_theme(theme)]
    larger = 1.5 if scale == "projector" else 1
    cloud = go.Scattergl(
        x=points[kept, 0], y=points[kept, 1], mode="markers", marker={"size": 4 * larger, "color": "#8496b5", "opacity": 0.5},
        text=[shown[i] for i in kept], hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    named = go.Scatter(
        x=points[marked, 0], y=points[marked, 1], mode="markers", marker={"size": 9 * larger, "color": _MARK},
        text=[shown[i] for i in marked], hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    thinned = "" if len(kept) == len(points) else f", {len(kept):,} of {len(points):,} tokens"
    figure = _figure(f"Token table{thinned}", theme, cloud, named)
    for i in marked:
        figure.add_annotation(
            x=points[i, 0], y=points[i, 1], text=shown[i], showarrow=False, yshift=13 * larger, bgcolor=paper, opacity=0.9,
            font={"color": ink, "family": "monospace"},
        )  # fmt: skip
    for axis, share in zip(("xaxis", "yaxis"), (None, None) if shares is None else shares, strict=True):
        name = "first direction" if axis == "xaxis" else "second direction"
        of_variance = "" if share is None else f": {100 * share:.1f} % of the variance"
        figure.update_layout({axis: {"title": f"{name}{of_variance}", "zeroline": False}})
    return figure.update_layout(height=460, font_size=13 * larger)


def entropy(labels: Sequence[str], bits: Any, *, title: str = "Entropy", theme: str = "light") -> go.Figure:
    """How uncertain the next token is along a text. labels: n tokens; bits: (n,), the entropy after each."""
    bits = _array(bits, (len(labels),), "one entropy a label")
    places = list(range(len(labels)))
    line = go.Scatter(
        x=places, y=bits, mode="lines+markers", line={"color": _BAR[_theme(theme)], "shape": "hvh"},
        hovertemplate="%{y} bits<extra></extra>",
    )  # fmt: skip
    figure = _figure(title, theme, line)
    figure.update_xaxes(tickvals=places, ticktext=_labels(labels), tickangle=-50)
    figure.update_yaxes(title="bits", rangemode="tozero")
    return figure.update_layout(height=320)


def _figure(title: str, theme: str, *traces: Any) -> go.Figure:
    ink, paper, line = _INK[_theme(theme)]
    figure = go.Figure(list(traces))
    figure.update_layout(
        title={"text": html.escape(title, quote=False), "font": {"size": 16}}, font={"color": ink, "size": 13},
        paper_bgcolor=paper, plot_bgcolor=paper, margin={"l": 10, "r": 40, "t": 50, "b": 10}, showlegend=False,
        template="none",
    )  # fmt: skip
    figure.update_xaxes(gridcolor=line, automargin=True)
    figure.update_yaxes(gridcolor=line, automargin=True)
    return figure


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


def _theme(theme: str) -> str:
    if theme not in _INK:
        raise fail("a theme, light or dark", f"{theme!r}", 'Write theme="dark" for a dark page.')
    return theme
