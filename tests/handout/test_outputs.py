"""What a cell shows is in the page: views in containers stay alive, rich outputs are shown, and the rest is named."""

import base64
import html

import pytest
from handouts import write_notebook

from gptviz.handout.handout import export_notebook
from gptviz.handout.markup import clean_html
from gptviz.handout.prose import terminal_text

SETUP = """import gptviz, ipywidgets as w
from IPython.display import HTML, Markdown, Math, SVG, Image, Javascript, IFrame, display
trace = gptviz.load().trace('Once upon a time')
def views(): return [gptviz.AttentionView(trace), gptviz.TokensView(trace)]"""
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
CELLS = {
    "column": "w.VBox(views())",
    "row": "w.HBox([*views(), w.Label('a <b>label')])",
    "tabs": "w.Tab(views(), titles=['Maps <1>', 'Tokens'])",
    "nested": "w.Accordion([w.VBox(views())])",
    "slider": "w.VBox([w.IntSlider(value=3, description='depth'), gptviz.TokensView(trace)])",
    "html": 'HTML(\'<table onclick="hurt()"><tr><td>cell &amp; <b style="color:red">bold</b></table><script>hurt()</script>\')',
    "repr": "class Rich:\n    def _repr_html_(self): return '<em>rich</em>'\nRich()",
    "markdown": "Markdown('**strong** and $x^2$')",
    "math": "Math(r'\\frac{a}{b}')",
    "svg": 'SVG(\'<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>\')',
    "stderr": "import sys\nprint('on stdout'); print('on <stderr>', file=sys.stderr)",
    "progress": "import sys\nfor i in range(3): print(f'\\r{i}0%|##   | {i}/9', end='', file=sys.stderr)\n"
    "print('\\x1b[2K\\rdone')",
    "quiet": "answer = 41 + 1\nanswer;",
    "loud": "answer + 1  # not ;",
    "script": "Javascript('hurt()')",
    "frame": "IFrame('https://example.org', 10, 10)",
    "half": "print('a\\ud800b')",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Returns the part of the page after each cell's code, by name."""
    folder = tmp_path_factory.mktemp("outputs")
    notebook = [("code", SETUP)]
    for name, code in CELLS.items():
        notebook += [("markdown", f"begin-{name}"), ("code", code)]
    page = export_notebook(write_notebook(folder, [*notebook, ("markdown", "begin-end")]), folder / "page.html")
    text = page.read_text(encoding="utf-8").partition("<main>")[2]
    parts = {
        name: text.partition(f"begin-{name}</p>")[2].partition('<div class="prose"><p>begin-')[0] for name in CELLS
    }
    return {name: part.partition("</pre>")[2] for name, part in parts.items()}


@pytest.mark.parametrize("name, count", [("column", 2), ("row", 2), ("tabs", 2), ("nested", 2), ("slider", 1)])
def test_views_in_containers_are_alive(cells, name, count):
    assert cells[name].count('data-gptviz="anywidget:') == count
    assert "Box(" not in cells[name]
    assert cells[name].count("<div") == cells[name].count("</div>")


def test_containers_keep_their_order_and_titles(cells):
    assert '<div class="box row">' in cells["row"] and "a &lt;b&gt;label" in cells["row"]
    assert cells["tabs"].index("Maps &lt;1&gt;") < cells["tabs"].index("data-gptviz") < cells["tabs"].index("Tokens")
    assert cells["nested"].count("<details open>") == 1


@pytest.mark.parametrize("name, what", [("slider", "IntSlider “depth” (3)"), ("script", "JavaScript"),
                                        ("frame", "<iframe>"), ("html", "<script>")])  # fmt: skip
def test_what_a_page_cannot_show_is_named(cells, name, what):
    assert f"{html.escape(what)} is not in this page: it needs the notebook" in cells[name]
    assert "hurt()" not in cells[name]


@pytest.mark.parametrize("name, shown", [
    ("html", "<td>cell &amp; <b>bold</b></td></tr></table>"), ("repr", "<em>rich</em>"),
    ("markdown", "<strong>strong</strong>"), ("markdown", "x²"), ("math", "(a)/(b)"), ("stderr", "on &lt;stderr&gt;"),
    ("stderr", "on stdout"), ("progress", "done"), ("loud", "43"), ("half", "a\ufffdb"),
    ("svg", "data:image/svg+xml;base64,"),
])  # fmt: skip
def test_rich_outputs_are_shown(cells, name, shown):
    assert shown in cells[name]
    assert "object at 0x" not in cells[name]


def test_what_a_notebook_does_not_show_is_not_in_the_page(cells):
    assert "42" not in cells["quiet"], "the last line ends in ;"
    assert "\x1b" not in cells["progress"] and "%|" not in cells["progress"]


@pytest.mark.parametrize("markup, cleaned, left_out", [
    ("a <b>c", "a <b>c</b>", []),
    ("</div></div>x</b>", "x", []),
    ("<p class=gptviz id=data onclick=f() style='x'>1 &lt; 2", "<p>1 &lt; 2</p>", []),
    ("<style>p {}</style><script>alert('</p>')</script>y", "y", ["script"]),
    ("<a href='javascript:f()'>l</a><a href='https://x.org/?a=1&b=2'>m</a>",
     '<a>l</a><a href="https://x.org/?a=1&amp;b=2">m</a>', []),
    (f"<img src='data:image/png;base64,{PIXEL}' alt='\"'><img src='https://x.org/y.png'>",
     f'<img alt="&quot;" src="data:image/png;base64,{PIXEL}">', ["img"]),
    ("<svg><script>f()</script><p>t</p></svg><iframe src=x></iframe><input value=1>z", "z", ["svg", "iframe", "input"]),
    ("<unknown>kept</unknown><!-- gone --><?php gone ?>", "kept", []),
    ("<table><tr><td>1<td>2</table>after", "<table><tr><td>1<td>2</td></td></tr></table>after", []),
])  # fmt: skip
def test_html_is_cleaned(markup, cleaned, left_out):
    assert clean_html(markup) == (f'<div class="output">{cleaned}</div>', left_out)


@pytest.mark.parametrize("text, shown", [
    ("plain\n", "plain\n"), ("\x1b[31mred\x1b[0m", "red"), ("12345\r67", "67345"), ("a\r\nb", "a\nb"),
    ("\x1b[2K\rdone", "done"), ("\x1b]0;title\x07x", "x"), ("a\x00b\x08", "ab"), ("50%|#  | 1/2\nnext", "next"),
])  # fmt: skip
def test_printed_text_is_what_a_terminal_shows_in_the_end(text, shown):
    assert terminal_text(text) == shown
