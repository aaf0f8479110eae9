"""BertViz's head, model and neuron view of a Trace, made to run offline: the views that people know from papers.

BertViz writes pages that fetch jQuery, d3 and require.js from the network. Its scripts run here in a sandboxed frame,
with the vendored libraries in it and four lines in require.js's place, so that nothing is fetched and several views
stand in one notebook. The sole importer of bertviz. Source: Vig 2019, "A Multiscale Visualization of Attention in the
Transformer Model".
"""

import html
import json
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from gptviz._paths import assets_dir
from gptviz.checks import check_index
from gptviz.display.palette import DARK, LIGHT
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.trace.trace import Trace

MOST_CELLS = 700_000  # weights in one page: more makes a browser slow
MOST_LINES = 60_000  # in a model view, which draws a line for every weight at once
MOST_HEIGHT = 2400  # of a frame, in pixels: more is scrolled in it
_DIGITS = 4
_REQUIRE = "window.require={config(){}};window.requirejs=(names,use)=>use(window.jQuery,window.d3);"
# BertViz writes its axes and the tokens of a head view in black, whatever the page.
_STYLES = {
    "light": f"body{{background:{LIGHT.paper};color:{LIGHT.ink}}}",
    "dark": f"html{{color-scheme:dark}}body{{background:{DARK.paper};color:{DARK.ink}}}text{{fill:{DARK.ink}}}"
    "rect.background{fill:#3a3f48}",
}
_MARKS = str.maketrans(
    {" ": "␣", "\n": "⏎", "\t": "⇥", "<": "\ue000"}
)  # "<" could end a script: it is put back escaped


def head_view(
    trace: Trace,
    layers: Sequence[int] | None = None,
    *,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
    theme: str = "light",
) -> Any:
    """Lines between tokens, as thick as their weights, for the heads of one layer at a time.

    layers: which to put into the page, None for all. layer, heads: what is open first, None for the first layer, all heads.
    """
    import bertviz

    kept = _layers(trace, layers)
    opened = {"layer": _opened(layer, kept, trace)}
    if heads is not None:
        opened["heads"] = _indices(heads, trace.n_heads, "head")  # type: ignore[assignment]
    page = bertviz.head_view(
        _weights(trace, kept),
        _labels(trace),
        prettify_tokens=False,
        include_layers=kept,
        html_action="return",
        **opened,
    )
    return _framed("BertViz head view", page.data, 23 * len(trace.tokens) + 110, theme)


def model_view(trace: Trace, layers: Sequence[int] | None = None, *, theme: str = "light") -> Any:
    """All heads of all layers, small, beside each other; a click opens one. layers: which, None for all.

    Every weight is a line, drawn at once: at most 60,000 of them.
    """
    import bertviz

    kept = _layers(trace, layers, MOST_LINES)
    page = bertviz.model_view(
        _weights(trace, kept), _labels(trace), prettify_tokens=False, include_layers=kept, display_mode=_theme(theme),
        html_action="return",
    )  # fmt: skip
    row = 84 / trace.n_heads * len(trace.tokens) + 10  # as model_view.js has it
    height = round(max(len(kept) * row, 18 * len(trace.tokens) + 80)) + 90
    return _framed("BertViz model view", page.data, height, theme)


def neuron_view(
    trace: Trace, layers: Sequence[int] | None = None, *, layer: int | None = None, head: int = 0, theme: str = "light"
) -> Any:
    """One head with its queries and keys, number by number: click the plus beside a token to open it.

    layers: which to put into the page, None for all. layer, head: what is open first, None for the first of the layers.
    The view computes softmax(q·k / √d_head) from them, so that a family that does otherwise is refused.
    """
    kept = _layers(trace, layers)
    opened = _opened(layer, kept, trace), check_index(head, trace.n_heads, "head")
    for one in kept:
        _check_scores(trace, one)
    labels = _labels(trace)
    attention = {
        "left_text": labels,
        "right_text": labels,
        "attn": [_rounded(trace.attention(one)) for one in kept],
        "queries": [_rounded(trace.q(one)) for one in kept],
        "keys": [_rounded(_for_each_head(trace.k(one), trace.n_heads)) for one in kept],
    }
    settings = {
        "attention": {"all": attention}, "default_filter": "all", "root_div_id": "bertviz", "bidirectional": False,
        "display_mode": _theme(theme), "layer": kept.index(opened[0]), "head": opened[1],
    }  # fmt: skip
    # The view counts the layers that it was handed: what they are called is said here.
    names = f"const names = {kept}; for (const one of document.querySelectorAll('#layer option')) one.text = names[one.value];"
    body = (
        '<div id="bertviz" style="padding:8px;font-family:sans-serif">'
        '<span class="dropdown-label">Layer: </span><select id="layer"></select> '
        '<span class="dropdown-label">Head: </span><select id="att_head"></select><div id="vis"></div></div>'
        f"<script>window.bertviz_params = {json.dumps(settings)}</script>"
        f"<script>{files('bertviz').joinpath('neuron_view.js').read_text(encoding='utf-8')}</script>"
        f"<script>{names}</script>"
    )
    return _framed("BertViz neuron view", body, 27 * len(labels) + 240, theme)


def _layers(trace: Trace, layers: Sequence[int] | None, most: int = MOST_CELLS) -> list[int]:
    if not isinstance(trace, Trace):
        raise fail("a Trace", type(trace).__name__, "Write gpt.trace(prompt) to make one.", WrongType)
    kept = list(range(trace.n_layers)) if layers is None else sorted(set(_indices(layers, trace.n_layers, "layer")))
    each = trace.n_heads * len(trace.tokens) ** 2
    if not kept:
        raise fail("at least one layer", "none", "Leave layers out to see all.")
    if len(kept) * each > most:
        fitting = most // each
        remedy = f"Write layers=range({fitting})" if fitting else "Trace a shorter text"
        got = f"{len(kept) * each:,}: {len(kept)} layers of {trace.n_heads} heads over {len(trace.tokens)} tokens"
        raise fail(f"at most {most:,} weights in this BertViz page", got, f"{remedy}, or look with AttentionView.")
    return kept


def _indices(some: Sequence[int], count: int, what: str) -> list[int]:
    if isinstance(some, str) or not isinstance(some, Iterable):
        raise fail(f"a list of {what}s", f"{some!r}", f"For example {what}s=[0, {count - 1}].", WrongType)
    return [check_index(one, count, what) for one in some]


def _opened(layer: int | None, kept: list[int], trace: Trace) -> int:
    opened = kept[0] if layer is None else check_index(layer, trace.n_layers, "layer")
    if opened not in kept:
        raise fail("a layer among those of the view", f"{layer}", f"layers has {kept}.")
    return opened


def _weights(trace: Trace, kept: list[int]) -> list[Any]:
    """What bertviz takes: for every layer of the model (1, H, T, T); those that are not kept are not read."""
    import torch

    nothing = torch.zeros(1, trace.n_heads, len(trace.tokens), len(trace.tokens), dtype=torch.float64)
    return [
        torch.tensor(np.round(trace.attention(layer)[None].astype(np.float64), _DIGITS)) if layer in kept else nothing
        for layer in range(trace.n_layers)
    ]


def _rounded(array: np.ndarray) -> list[Any]:
    rounded: list[Any] = np.round(array.astype(np.float64), _DIGITS).tolist()
    return rounded


def _for_each_head(keys: np.ndarray, heads: int) -> np.ndarray:
    return np.repeat(keys, heads // len(keys), axis=0)


def _check_scores(trace: Trace, layer: int) -> None:
    stages = trace.score_stages(layer, 0)
    plain = set(stages) <= {"raw", "scaled", "masked"} and trace.sink(layer, 0) is None
    if not plain or not np.allclose(stages["scaled"] * np.sqrt(trace.d_head), stages["raw"], rtol=1e-4, atol=1e-4):
        raise fail(
            "scores that are q·k divided by the root of d_head, which is what BertViz's neuron view draws",
            f"layer {layer} of {trace.model_name}, whose scores come about otherwise",
            "AttentionView shows this family's own steps.",
            NotAvailable,
        )


def _labels(trace: Trace) -> list[str]:
    """Tokens as text; white space to be seen. Only ever written as JSON, in which no token can end the script."""
    return [token.text.translate(_MARKS) for token in trace.tokens]


def _theme(theme: str) -> str:
    if theme not in _STYLES:
        raise fail("a theme, light or dark", f"{theme!r}", 'Write theme="dark" for a dark page.')
    return theme


def _framed(title: str, body: str, height: int, theme: str) -> Any:
    """The page in a frame that may run scripts and nothing else: it cannot reach the notebook or the network."""
    from IPython.display import HTML

    body = re.sub(r'<script src="https://cdnjs[^>]*></script>', "", body)
    body = body.replace("https://cdnjs.cloudflare.com/", "")  # arguments that nobody reads any more
    body = body.replace("\\ue000", "\\u003c")
    libraries = [
        (assets_dir() / "vendor" / path).read_text(encoding="utf-8")
        for path in ("jquery/jquery.min.js", "d3/d3.min.js")
    ]
    scripts = "".join(f"<script>{_seal(source)}</script>" for source in (*libraries, _REQUIRE))
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    page = (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<style>body{{margin:4px 4px 4px 8px}}svg{{overflow:visible}}{_STYLES[_theme(theme)]}</style>"
        f"<body>{scripts}{body}</body>"
    )
    tall = min(height, MOST_HEIGHT)
    frame = (
        f'<div><iframe class="gptviz-bertviz" title="{title}" sandbox="allow-scripts" '
        f'style="width:100%;height:{tall}px;border:0" srcdoc="{html.escape(page, quote=True)}"></iframe></div>'
    )
    return HTML(frame)


def _seal(source: str) -> str:
    """A script that no text in it can end early."""
    return source.replace("</", "<\\/").replace("<!--", "<\\!--")
