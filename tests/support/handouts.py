"""Notebooks that tests write, to run and export, and what a cell may show that must not run in a page."""

import nbformat

HURT = "window.hurt = 1"
MARKUP = f"""<div onclick="{HURT}"><script>{HURT}</script><style>body {{ color: red }}</style><img src=x onerror="{HURT}">
<iframe class="gptviz-bertviz" srcdoc="<script>{HURT}</script>"></iframe><base href="http://a.example/">
<form action="http://a.example/"></form><object data="http://a.example/"></object></div>"""
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{HURT}'><script>{HURT}</script><circle r='4'/></svg>"
CONTENTS = {
    "printed": "print(MARKUP)",
    "a value": "MARKUP",
    "html": "from IPython.display import HTML; HTML(MARKUP)",
    "an object with html": "type('Table', (), {'_repr_html_': lambda self: MARKUP})()",
    "svg": "from IPython.display import SVG; SVG(DRAWING)",
    "markdown": "from IPython.display import Markdown; Markdown(MARKUP)",
    "a script": "from IPython.display import Javascript; Javascript(SCRIPT)",
    "a warning": "import sys; print(MARKUP, file=sys.stderr)",
    "a view": "import gptviz; gptviz.TokensView(gptviz.load().trace(MARKUP[:60]))",
    "a question": "import gptviz; gptviz.lessons.ask(MARKUP, answer=lambda: 3, explain=MARKUP)",
    "a control": "import ipywidgets; ipywidgets.HTML(MARKUP)",
    "views in a box": "import gptviz, ipywidgets; ipywidgets.VBox([gptviz.TokensView(gptviz.load().trace('a'))])",
    "a chart": "import gptviz; gptviz.figures.probabilities([MARKUP], [1.0])",
    "bertviz": "import gptviz; gptviz.bertviz_views.head_view(gptviz.load().trace('</script>'), layers=[1])",
}
# The first cell of a notebook whose cells are CONTENTS.
SETTING = f"MARKUP, DRAWING, SCRIPT = {MARKUP!r}, {SVG!r}, {HURT!r}"


def write_notebook(folder, cells, folded=()):
    """Writes a notebook of these cells, those at the `folded` indices with their source hidden; returns its path."""
    make = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    notebook = nbformat.v4.new_notebook(cells=[make[kind](text) for kind, text in cells])
    for index in folded:
        notebook.cells[index].metadata = {"jupyter": {"source_hidden": True}}
    nbformat.write(notebook, folder / "lesson.ipynb")
    return folder / "lesson.ipynb"
