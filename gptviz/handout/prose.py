"""Converts a lesson's text and code to HTML that is safe in a page: markdown with mistune, colours with Pygments.

HTML in the text is escaped, and harmful links are removed. Pictures are left out, since a page must need no second file.
Formulas are in `formulas.py`.
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

from gptviz.handout.formulas import formula_html, plain_formula


class _Renderer(mistune.HTMLRenderer):
    """mistune's renderer, which escapes HTML and removes harmful links, without pictures and inline styles."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return html.escape(f"[{text}]")

    def inline_math(self, text: str) -> str:
        return f'<span class="formula">{html.escape(plain_formula(text))}</span>'

    def block_math(self, text: str) -> str:
        return formula_html(text)

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
