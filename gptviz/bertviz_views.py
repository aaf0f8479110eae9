"""BertViz's head, model and neuron views of a Trace, which people know from papers, made to work offline.

BertViz writes pages that fetch jQuery, d3 and require.js from the network. Here its scripts run in a sandboxed frame that
contains jQuery, d3 and a few lines in place of require.js, so that nothing is fetched and a notebook can hold several
views. BertViz takes the same number of heads in all layers: a layer with fewer has heads without lines after its own, and
layers without attention are left out. Of an encoder-decoder, the head view and the model view have a menu of the three
attentions; one that has fewer layers than another has heads without lines for the rest, and a line below says so. The neuron
view shows one attention. Source: Vig 2019, "A Multiscale Visualization of Attention in the Transformer Model".

Imports inside functions are of heavy or optional libraries (bertviz, torch).
"""

import html
import json
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from gptviz._paths import assets_dir
from gptviz.checks import check_index, within_rounding
from gptviz.display.palette import DARK, LIGHT
from gptviz.errors import NotAvailable, OutOfRange, WrongType, fail
from gptviz.lens.opening import opening_head
from gptviz.text.tokens import Token
from gptviz.trace.available import available
from gptviz.trace.trace import Trace

MOST_CELLS = 700_000  # attention weights in one page; more would make a browser slow
MOST_LINES = 60_000  # attention weights in a model view, which draws a line for each at once
MOST_HEIGHT = 2400  # pixels of a frame; what is taller scrolls
FRAME = {
    "gptviz": "bertviz"
}  # metadata of a view's HTML: `gptviz export` allows its scripts, and those of no other HTML
_NAMES = {"encoder": "encoder", "decoder": "decoder", "cross": "cross attention"}
_DIGITS = 4  # decimals of the numbers in a page
_REQUIRE = "window.require={config(){}};window.requirejs=(names,use)=>use(window.jQuery,window.d3);"
# BertViz draws its axes and the tokens of a head view in black, also on a dark page.
_STYLES = {
    "light": f"body{{background:{LIGHT.paper};color:{LIGHT.ink}}}",
    "dark": f"html{{color-scheme:dark}}body{{background:{DARK.paper};color:{DARK.ink}}}text{{fill:{DARK.ink}}}"
    f"rect.background{{fill:{DARK.rule}}}",
}
# "<" could end a script: it is sent as a private-use character, which becomes an escaped "<" in the page.
_MARKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥", "<": "\ue000"})


class Frame:
    """A view of BertViz, which a notebook shows as the last line of a cell. data: its HTML."""

    def __init__(self, title: str, data: str):
        self.title, self.data = title, data

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def _repr_html_(self) -> str:
        return self.data

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self.data, "text/plain": repr(self)}, {"text/html": FRAME}


def head_view(
    trace: Trace,
    layers: Sequence[int] | None = None,
    *,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
    stacks: Sequence[str] | None = None,
    theme: str = "light",
) -> Frame:
    """Draws lines between tokens, as strong as the attention weights, for the heads of one layer at a time.

    layers: which to put into the page; None for all. layer, heads: which to show first; None for the layer of the head at
    which `AttentionView` opens, and all heads. stacks: of an encoder-decoder, which of "encoder", "decoder" and "cross" to
    put into the page, None for all; the first is shown first. theme: "light" or "dark".
    """
    import bertviz

    shown = _shown_stacks(trace, stacks)
    kept = _kept_layers(shown, layers)
    opened = {"layer": _opened(layer, kept, shown)}
    if heads is not None:
        opened["heads"] = _indices(heads, _most_heads(shown), "head")  # type: ignore[assignment]
    page = bertviz.head_view(
        **_attention_of(shown, kept), prettify_tokens=False, include_layers=kept, html_action="return", **opened
    )
    return _framed("BertViz head view", page.data, 23 * _longest(shown) + 110, theme, _what_is_empty(shown, kept))


def model_view(
    trace: Trace, layers: Sequence[int] | None = None, *, stacks: Sequence[str] | None = None, theme: str = "light"
) -> Frame:
    """Draws all heads of all layers side by side, each small; a click enlarges one.

    layers: which to draw; None for all. stacks: see `head_view`. theme: "light" or "dark". Draws a line for every weight of
    an attention, at most 60,000 in the page.
    """
    import bertviz

    shown = _shown_stacks(trace, stacks)
    kept = _kept_layers(shown, layers, MOST_LINES)
    page = bertviz.model_view(
        **_attention_of(shown, kept), prettify_tokens=False, include_layers=kept, display_mode=_theme(theme),
        html_action="return",
    )  # fmt: skip
    row = 84 / _most_heads(shown) * _longest(shown) + 10  # as model_view.js has it
    height = round(max(len(kept) * row, 18 * _longest(shown) + 80)) + 90
    return _framed("BertViz model view", page.data, height, theme, _what_is_empty(shown, kept))


def neuron_view(
    trace: Trace, layers: Sequence[int] | None = None, *, layer: int | None = None, head: int | None = None,
    stack: str = "decoder", theme: str = "light",
) -> Frame:  # fmt: skip
    """Draws the queries and keys of one head, number by number; a click on the plus beside a token opens it.

    layers: which to put into the page; None for all. layer, head: which to show first; None for the head at which
    `AttentionView` opens. stack: whose attention, of an encoder-decoder. theme: "light" or "dark". The view computes
    softmax(q·k / √d_head) itself; a family whose scores are computed in another way raises NotAvailable.
    """
    _check_trace(trace)
    shown = [trace.of_stack(stack)]
    kept = _kept_layers(shown, layers)
    first, trace = _opened(layer, kept, shown), shown[0]
    if head is None:
        head = opening_head(trace, [first]).head
    opened = first, check_index(head, trace.heads_in(first), "head", where=f" in layer {first}")
    for index in kept:
        _check_scores(trace, index)
    _check_widths(trace, kept)
    attention = {
        "left_text": _labels(trace.tokens),
        "right_text": _labels(trace.key_tokens),
        "attn": [_rounded(_padded(trace.attention(index), trace.n_heads)) for index in kept],
        "queries": [_rounded(_padded(trace.q(index), trace.n_heads)) for index in kept],
        "keys": [_rounded(_padded(_for_each_head(trace, index), trace.n_heads)) for index in kept],
    }
    settings = {
        "attention": {"all": attention}, "default_filter": "all", "root_div_id": "bertviz",
        "bidirectional": not trace.is_causal,
        "display_mode": _theme(theme), "layer": kept.index(opened[0]), "head": opened[1],
    }  # fmt: skip
    # The view counts the layers that it was given from 0; this script gives them their own numbers.
    options = "document.querySelectorAll('#layer option')"
    names = f"const names = {kept}; for (const option of {options}) option.text = names[option.value];"
    body = (
        '<div id="bertviz" style="padding:8px;font-family:sans-serif">'
        '<span class="dropdown-label">Layer: </span><select id="layer"></select> '
        '<span class="dropdown-label">Head: </span><select id="att_head"></select><div id="vis"></div></div>'
        f"<script>window.bertviz_params = {json.dumps(settings)}</script>"
        f"<script>{files('bertviz').joinpath('neuron_view.js').read_text(encoding='utf-8')}</script>"
        f"<script>{names}</script>"
    )
    return _framed("BertViz neuron view", body, 27 * _longest(shown) + 240, theme)


def _check_trace(trace: Any) -> None:
    if not isinstance(trace, Trace):
        raise fail("a Trace", type(trace).__name__, "Write gpt.trace(prompt) to make one.", WrongType)
    trace.check_finite()


def _shown_stacks(trace: Trace, stacks: Sequence[str] | None) -> list[Trace]:
    """Returns the traces of the stacks to show, in the order of BertViz's menu."""
    _check_trace(trace)
    if stacks is None:
        return [trace.of_stack(stack) for stack in trace.stacks]
    if isinstance(stacks, str) or not isinstance(stacks, Iterable):
        raise fail("a list of stacks", f"{stacks!r:.60}", 'For example stacks=["cross"].', WrongType)
    chosen = {trace.of_stack(stack).stack for stack in stacks}
    if not chosen:
        raise fail("at least one stack", "none", "Leave stacks out to see all.", OutOfRange)
    return [trace.of_stack(stack) for stack in trace.stacks if stack in chosen]


def _most_heads(shown: list[Trace]) -> int:
    return max(trace.n_heads for trace in shown)


def _longest(shown: list[Trace]) -> int:
    """Returns the number of tokens of the longest text."""
    return max(len(tokens) for trace in shown for tokens in (trace.tokens, trace.key_tokens))


def _kept_layers(shown: list[Trace], layers: Sequence[int] | None, most: int = MOST_CELLS) -> list[int]:
    """Returns the layers to put into the page, in order; raises GPTVizError if they have more than `most` weights."""
    if layers is None:
        kept = sorted({layer for trace in shown for layer in _layers_with_attention(trace)})
    else:
        kept = sorted(set(_indices(layers, max(trace.n_layers for trace in shown), "layer")))
    heads = _most_heads(shown)
    weights_per_layer = sum(heads * len(trace.tokens) * len(trace.key_tokens) for trace in shown)
    if not kept:
        raise fail("at least one layer", "none", "Leave layers out to see all.")
    if len(kept) * weights_per_layer > most:
        fitting = most // weights_per_layer
        remedy = f"Write layers=range({fitting})" if fitting else "Trace a shorter text"
        remedy += ', name fewer stacks, such as stacks=["cross"]' if len(shown) > 1 else ""
        total, tokens = len(kept) * weights_per_layer, _longest(shown)
        got = f"{total:,}: {len(kept)} layers of {heads} heads over {tokens} tokens"
        raise fail(f"at most {most:,} weights in this BertViz page", got, f"{remedy}, or look with AttentionView.")
    return kept


def _layers_with_attention(trace: Trace) -> list[int]:
    return [layer for layer, _ in available(lambda layer: trace.attention(layer, 0), range(trace.n_layers))]


def _what_is_empty(shown: list[Trace], kept: list[int]) -> str:
    """Returns a sentence about the heads without lines that a stack does not have; "" if all stacks have the same."""
    heads, sentences = _most_heads(shown), []
    for trace in shown:
        missing = [layer for layer in kept if layer >= trace.n_layers]
        if missing or trace.n_heads < heads:
            shape = f"{trace.n_layers} layers of {trace.n_heads} heads"
            sentences.append(f"The {_NAMES[trace.stack]} has {shape}: others are empty here.")
    return " ".join(sentences) if len(shown) > 1 else ""


def _indices(indices: Sequence[int], count: int, name: str) -> list[int]:
    if isinstance(indices, str) or not isinstance(indices, Iterable):
        raise fail(f"a list of {name}s", f"{indices!r}", f"For example {name}s=[0, {count - 1}].", WrongType)
    return [check_index(index, count, name) for index in indices]


def _opened(layer: int | None, kept: list[int], shown: list[Trace]) -> int:
    """Returns the layer to show first. That of the head at which `AttentionView` opens is one of the first stack."""
    trace, layers = shown[0], max(trace.n_layers for trace in shown)
    if layer is None:
        own = [index for index in kept if index < trace.n_layers]
        return opening_head(trace, own).layer if own else kept[0]
    opened = check_index(layer, layers, "layer")
    if opened not in kept:
        raise fail("a layer among those of the view", f"{layer}", f"layers has {kept}.")
    return opened


def _attention_of(shown: list[Trace], kept: list[int]) -> dict[str, Any]:
    """Returns the attention and the tokens as BertViz takes them: of one text, or of the stacks of an encoder-decoder."""
    size = max(trace.n_layers for trace in shown), _most_heads(shown)
    if len(shown) == 1 and shown[0].is_causal:
        return {"attention": _weights(shown[0], kept, *size), "tokens": _labels(shown[0].tokens)}
    weights = {f"{trace.stack}_attention": _weights(trace, kept, *size) for trace in shown}
    queries = {trace.stack: trace.tokens for trace in shown}
    source = next((trace.key_tokens for trace in shown if trace.stack != "decoder"), ())
    target = queries.get("cross", queries.get("decoder", ()))
    return weights | {"encoder_tokens": _labels(source), "decoder_tokens": _labels(target)}


def _weights(trace: Trace, kept: list[int], layers: int, heads: int) -> list[Any]:
    """Returns what bertviz takes: (1, H, queries, keys) for every layer; it does not read the layers left out.

    layers, heads: how many it draws; what the stack does not have is 0.
    """
    import torch

    nothing = torch.zeros(1, heads, len(trace.tokens), len(trace.key_tokens), dtype=torch.float64)
    weights = [nothing] * layers
    for layer in kept:
        if layer < trace.n_layers:
            maps = _padded(trace.attention(layer).astype(np.float64), heads)
            weights[layer] = torch.tensor(np.round(maps[None], _DIGITS))
    return weights


def _rounded(array: np.ndarray) -> list[Any]:
    rounded: list[Any] = np.round(array.astype(np.float64), _DIGITS).tolist()
    return rounded


def _padded(of_heads: np.ndarray, heads: int) -> np.ndarray:
    """Returns what a layer has of each head, (H, T, …), with zeros after it for so many heads."""
    return np.pad(of_heads, [(0, heads - len(of_heads)), (0, 0), (0, 0)])


def _for_each_head(trace: Trace, layer: int) -> np.ndarray:
    """Returns the keys that each query head of a layer reads: (H, T, d_head)."""
    keys = trace.k(layer)
    return np.repeat(keys, trace.heads_in(layer) // len(keys), axis=0)


def _check_widths(trace: Trace, kept: list[int]) -> None:
    """Raises NotAvailable unless the heads of all layers are as wide as each other: the view draws them so."""
    widths = [trace.q(layer).shape[-1] for layer in kept]
    if len(set(widths)) > 1:
        remedy = f"Write layers=[{kept[0]}], or name others whose heads have one width."
        raise fail("layers whose heads have one width", f"heads of {widths} numbers", remedy, NotAvailable)


def _check_scores(trace: Trace, layer: int) -> None:
    """Raises NotAvailable unless the scores are q·k / √d_head."""
    stages, width = trace.score_stages(layer, 0), trace.q(layer).shape[-1]
    plain = set(stages) <= {"raw", "scaled", "masked"} and trace.sink(layer, 0) is None
    epsilon = float(np.finfo(np.float32).eps)
    if not plain or not within_rounding(stages["scaled"] * np.sqrt(width), stages["raw"], epsilon):
        raise fail(
            "scores that are q·k divided by the root of d_head, which is what BertViz's neuron view draws",
            f"layer {layer} of {trace.model_name}, whose scores are computed in another way",
            "AttentionView shows this family's own steps.",
            NotAvailable,
        )


def _labels(tokens: Sequence[Token]) -> list[str]:
    """Returns the tokens' texts with visible white space. They are written as JSON, so that none can end the script."""
    return [token.text.translate(_MARKS) for token in tokens]


def _theme(theme: str) -> str:
    if theme not in _STYLES:
        raise fail("a theme, light or dark", f"{theme!r}", 'Write theme="dark" for a dark page.')
    return theme


def _framed(title: str, body: str, height: int, theme: str, note: str = "") -> Frame:
    """Returns the page in a frame that may run scripts only: it cannot reach the notebook or the network.

    note: a sentence below the view.
    """
    if note:
        body, height = f'{body}<p style="font-family:sans-serif">{note}</p>', height + 50
    body = re.sub(r'<script src="https://cdnjs[^>]*></script>', "", body)
    body = body.replace("https://cdnjs.cloudflare.com/", "")  # in arguments that the replaced require ignores
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
    frame = (
        f'<div><iframe class="gptviz-bertviz" title="{title}" sandbox="allow-scripts" '
        f'style="width:100%;height:{min(height, MOST_HEIGHT)}px;border:0" '
        f'srcdoc="{html.escape(page, quote=True)}"></iframe></div>'
    )
    return Frame(title, frame)


def _seal(source: str) -> str:
    """Returns a script in which no text can end it early."""
    return source.replace("</", "<\\/").replace("<!--", "<\\!--")
