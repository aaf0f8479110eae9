"""Converts a lesson's text and code to HTML that is safe in a page: markdown with mistune, colours with Pygments.

HTML in the text is escaped, and harmful links are removed. Pictures are left out, since a page must need no second file. A
formula becomes plain text with mathematical characters, which every browser, screen reader and printer can show:
`\\frac{a}{b}` is (a)/(b).
"""

import html
import re
from typing import Any

import mistune
from mistune.plugins.math import math
from mistune.plugins.table import table
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_CHARACTERS = {
    "cdot": "·", "times": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠",
    "approx": "≈", "sum": "∑", "prod": "∏", "infty": "∞", "to": "→", "rightarrow": "→", "in": "∈", "dots": "…",
    "ldots": "…", "cdots": "⋯", "top": "ᵀ", "mid": "|", "quad": "  ", "left": "", "right": "", "odot": "⊙", "partial": "∂",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "lambda": "λ", "mu": "μ", "pi": "π",
    "sigma": "σ", "tau": "τ", "theta": "θ",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789+-nT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ")
_SUBSCRIPTS = str.maketrans("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


def plain_formula(tex: str) -> str:
    """Returns a formula in TeX as one line of text."""
    text = tex.strip().replace("^\\top", "ᵀ")
    text = re.sub(r"\\(?:text|mathrm|operatorname|mathbf)\s*\{([^{}]*)\}", r"\1", text)
    for _ in range(4):  # nested groups, the innermost first
        text = re.sub(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)/(\2)", text)
        text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", r"√(\1)", text)
        text = re.sub(r"([\^_])\{([^{}]*)\}", lambda match: _script(match[1], match[2]), text)
    text = re.sub(r"([\^_])([A-Za-z0-9])", lambda match: _script(match[1], match[2]), text)
    text = re.sub(r"\\([A-Za-z]+)", lambda match: _CHARACTERS.get(match[1], match[1]), text)
    return re.sub(r"\\(.)", r"\1", text).replace("{", "").replace("}", "").replace("-", "−")


def _script(sign: str, text: str) -> str:
    """Returns an exponent (sign "^") or an index ("_") in small characters if all of it has them, else in brackets."""
    small = _SUPERSCRIPTS if sign == "^" else _SUBSCRIPTS
    if all(ord(c) in small for c in text):
        return text.translate(small)
    return f"{sign}({text})" if len(text) > 1 else sign + text


class _Renderer(mistune.HTMLRenderer):
    """mistune's renderer, which escapes HTML and removes harmful links, without pictures and inline styles."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return html.escape(f"[{text}]")

    def inline_math(self, text: str) -> str:
        return f'<span class="formula">{html.escape(plain_formula(text))}</span>'

    def block_math(self, text: str) -> str:
        return f'<p class="formula">{html.escape(plain_formula(text))}</p>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        return code_html(code) if info in ("python", "py") else f"<pre>{html.escape(code)}</pre>\n"


def _renderer() -> Any:
    renderer = _Renderer(escape=True)
    markdown = mistune.Markdown(renderer, plugins=[math, table])
    renderer.register("inline_math", lambda _, text: renderer.inline_math(text))
    renderer.register("block_math", lambda _, text: renderer.block_math(text))
    renderer.register("table_cell", _cell)
    return markdown


def _cell(_renderer: Any, text: str, align: str | None = None, head: bool = False) -> str:
    tag = "th" if head else "td"
    return f"<{tag}>{text}</{tag}>"


def prose_html(markdown: str) -> str:
    """Returns a markdown cell as HTML."""
    return f'<div class="prose">{_renderer()(markdown)}</div>'


def code_html(code: str) -> str:
    """Returns Python code as HTML, coloured by CSS classes."""
    coloured = highlight(code.rstrip("\n"), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return f'<pre class="code">{coloured}</pre>\n'


def formula_html(tex: str) -> str:
    """Returns a formula, as an output has it between dollar signs, as HTML."""
    return f'<p class="formula">{html.escape(plain_formula(tex.strip().strip("$")))}</p>\n'


def text_html(text: str) -> str:
    """Returns printed text as HTML, as a terminal would show it in the end, without its colours."""
    return f'<pre class="printed">{html.escape(terminal_text(text))}</pre>\n'


_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")  # of terminals: ECMA-48
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PROGRESS = re.compile(r"\d+%\|.*\| *\d+/")


def terminal_text(text: str) -> str:
    """Returns what a terminal shows in the end: a carriage return goes back to the line's beginning. Drops progress bars."""
    lines = (_last_state(line) for line in _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n"))
    return "\n".join(line for line in lines if not _PROGRESS.search(line))


def _last_state(line: str) -> str:
    shown = ""
    for piece in line.split("\r"):
        shown = piece + shown[len(piece) :]
    return _CONTROLS.sub("", shown)
