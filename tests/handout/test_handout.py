"""A notebook as a page to hand out: what it contains, what it leaves out, and how failures are reported."""

import html
import json
import os
import re
from xml.etree import ElementTree

import nbformat
import pytest
from handouts import write_notebook

from gptviz._paths import notebooks_dir
from gptviz.display.phrases import phrase
from gptviz.errors import GPTVizError
from gptviz.handout.formulas import formula_html, plain_formula
from gptviz.handout.handout import export_notebook
from gptviz.handout.prose import prose_html, text_html
from gptviz.lab import cli
from gptviz.pages.export import MOST_BYTES
from gptviz.pages.stored import question_key

CELLS = [
    ("markdown", "# A lesson <script>hurt()</script>\n\nSo $\\frac{q \\cdot k}{\\sqrt{d_k}}$, **bold**."),
    ("code", "import gptviz\ngpt = gptviz.load()\nbox = gptviz.PromptBox('Once upon a time', gpt=gpt)\nbox"),
    ("code", "view = gptviz.SamplingBench(box)\n"
     "gptviz.lessons.ask('How likely?', answer=lambda t: 100 * t.top(1)[0][1], source=box, covers=[view], explain='SECRET')"),
    ("code", "view"),
    ("code", "print('printed <b>')\n{'a': '</pre><script>hurt()</script>'}"),
    ("code", "gptviz.figures.probabilities(['<b>a'], [1.0])"),
    ("raw", "not for reading"),
    ("code", "run = gptviz.training.finetune(gpt, ['The dragon is called Marzo.'], steps=2).wait()\n"
     "film = gptviz.TrainingView(run, prompt='The dragon', step=1)\nfilm"),
    ("code", "gptviz.SamplingBench(film.box)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def page_text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout")
    return export_notebook(write_notebook(folder, CELLS, folded=[2]), folder / "page.html").read_text(encoding="utf-8")


def test_the_page_has_prose_code_prints_and_views(page_text):
    assert "<h1>A lesson &lt;script&gt;hurt()&lt;/script&gt;</h1>" in page_text
    assert "(q · k)/(√(dₖ))" in page_text
    assert "printed &lt;b&gt;" in page_text
    assert "&lt;/pre&gt;&lt;script&gt;hurt()" in page_text
    assert page_text.count('data-gptviz="anywidget:') == 5
    assert page_text.count("<details>") == 1, "a question's code is folded"
    assert "not for reading" not in page_text
    assert "<title>A lesson &lt;script&gt;" in page_text


def test_the_page_has_the_film_of_a_training(page_text):
    """What each kept step of the run shows in the view that follows it, but for the step that the page begins with."""
    data = json.loads(page_text.partition('id="data">')[2].partition("</script>")[0])
    (answers,) = (
        one["answers"] for one in data["widgets"].values() if question_key("news", {"have": []}) in one["answers"]
    )
    frames = [answers[question_key("show", {"run": 0, "step": step})]["frame"] for step in (0, 1, 2)]
    assert [len(frame) for frame in frames] == [1, 0, 1]
    first, last = (next(iter(frame.values())) for frame in (frames[0], frames[2]))
    assert first["answers"] and last["answers"] and first["state"] != last["state"]


def test_the_page_begins_with_a_note_that_it_is_a_copy(page_text):
    body = page_text.partition("<main>")[2]
    assert body.index(phrase("en", "copy")) < body.index("<h1>")


def test_answers_cannot_be_read_in_the_pages_source(page_text):
    """The explanation is in the folded code of the lesson and nowhere else."""
    assert page_text.count("SECRET") == 1
    assert '"truth"' not in page_text.partition('id="data">')[2].partition("</script>")[0]


def test_the_policy_allows_no_fetch_and_only_scripts_by_hash(page_text):
    policy = page_text.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert len(page_text.encode()) <= MOST_BYTES


@pytest.mark.parametrize(
    "tex, text",
    [
        ("\\text{softmax}\\left(\\frac{QK^\\top}{\\sqrt{d_k}}\\right)V", "softmax((QKᵀ)/(√(dₖ)))V"),
        ("e^{x_i} / \\sum_j e^{x_j}", "e^(xᵢ) / ∑ⱼ e^(xⱼ)"),
        ("p \\leq 0.5 - x^{2}", "p ≤ 0.5 − x²"),
        ("w \\leftarrow w - \\eta \\, \\frac{\\partial\\,\\text{loss}}{\\partial w}", "w ← w − η (∂ loss)/(∂ w)"),
        ("\\sigma\\big(\\beta\\,[p^\\text{ref}_\\text{chosen}]\\big)", "σ(β [p^(ref)_(chosen)])"),
        ("\\Bigl( a\\;b \\Bigr)\\!", "( a b )"),
        ("\\unknown{a}", "unknowna"),
    ],
)
def test_formulas_are_written_as_plain_text(tex, text):
    assert plain_formula(tex) == text
    assert f'<span class="formula">{text}</span>' in prose_html(f"so ${tex}$ follows")


def tree(node):
    """Returns MathML as nested lists: (fraction, above, below), (script, base, script); rows of one are left out."""
    parts = [tree(child) for child in node] or [node.text]
    if node.tag in ("mrow", "math", "mi", "mn", "mo", "mtext"):
        return parts[0] if len(parts) == 1 else parts
    return (node.tag, *parts)


def test_a_formula_that_stands_alone_is_mathml():
    """The softmax with a temperature: a fraction of two powers whose exponents are themselves divided."""
    page = prose_html("so\n\n$$p_i = \\frac{e^{z_i / T}}{\\sum_j e^{z_j / T}}$$\n\nfollows")
    (markup,) = re.findall(r'<div class="formula">(<math .*</math>)</div>', page)
    root = ElementTree.fromstring(markup)
    assert root.get("display") == "block" and root.get("alttext") == "pᵢ = (e^(zᵢ / T))/(∑ⱼ e^(zⱼ / T))"
    power = [("msup", "e", [("msub", "z", index), "/", "T"]) for index in "ij"]
    assert tree(root) == [("msub", "p", "i"), "=", ("mfrac", power[0], [("msub", "∑", "j"), power[1]])]
    assert "xmlns" not in markup and "://" not in markup, "the page names no address"
    assert formula_html("$$a < b$$") == formula_html("a < b") and "<mo>&lt;</mo>" in formula_html("a < b")


@pytest.mark.parametrize(
    "tex",
    ["\\text{<script>hurt()</script>}", "\\href{javascript:hurt()}{x}", "\\style{color:red}{x}", "\\class{a}{x}",
     "\\text{</math><img src=x onerror=hurt()>}", "\\frac{", "\\unknown x"],
)  # fmt: skip
def test_a_formula_with_markup_or_an_unknown_command_is_plain_text(tex):
    page = formula_html(tex)
    assert page == f'<div class="formula">{html.escape(plain_formula(tex))}</div>\n'
    assert "<img" not in formula_html("\\text{&lt;img src=x onerror=hurt()&gt;}"), "what it spells stays text"


def test_a_lessons_formula_has_no_name_of_a_command_in_its_plain_text():
    """Words of it are functions, and what the formula writes as text."""
    texts = [path.read_text("utf-8") for path in notebooks_dir().glob("*.ipynb")]
    cells = [cell.source for text in texts for cell in nbformat.reads(text, 4).cells if cell.cell_type == "markdown"]
    formulas = [tex for source in cells for tex in re.findall(r"\$\$(.+?)\$\$", source, re.DOTALL)]
    assert len(formulas) >= 6
    for tex in formulas:
        texts_in_it = " ".join(re.findall(r"\\text\{([^}]+)\}", tex))
        written = set(texts_in_it.split()) | {"log", "ln", "exp", "max", "min"}
        assert set(re.findall(r"[A-Za-z]{2,}", plain_formula(tex))) <= written, tex
        commas = len(re.findall(r"(?<!\\),", tex))  # without the spaces of TeX
        assert "\\" not in plain_formula(tex) and plain_formula(tex).count(",") == commas, tex


def test_no_lesson_has_an_html_entity_in_its_text():
    """A notebook draws `&emsp;` as a space; the page would show it as it is written."""
    for path in notebooks_dir().glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                assert not re.search(r"&amp;#?\w+;", prose_html(cell.source)), (path.name, cell.id)


def test_prose_cannot_add_scripts_images_or_styles():
    html = prose_html("[a](javascript:hurt()) <img src=x onerror=hurt()> ![p](http://x/y.png)\n\n| a |\n|--:|\n| b |")
    assert "javascript:" not in html
    assert "<img" not in html
    assert "style" not in html, "the policy allows no inline styles"
    assert "http://x" not in html
    assert "\x1b" not in text_html("\x1b[31mred\x1b[0m") and "red" in text_html("\x1b[31mred\x1b[0m")


def test_the_command_writes_the_page_to_the_given_path(tmp_path, capsys, monkeypatch):
    write_notebook(tmp_path, CELLS[:1])
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "lesson.ipynb"]) == 0
    assert (tmp_path / "lesson.html").is_file()
    assert "lesson.html" in capsys.readouterr().out
    assert cli.main(["export", "lesson.ipynb", "-o", str(tmp_path / "other.html")]) == 0
    assert (tmp_path / "other.html").is_file()


def test_the_teachers_copy_has_the_answers(tmp_path):
    cells = [*CELLS[1:3], ("code", "gptviz.lessons.check('Your sum', None, 3, solution='1 + 2')")]
    page = export_notebook(write_notebook(tmp_path, cells), tmp_path / "page.html", answers=True).read_text(
        encoding="utf-8"
    )
    data = page.partition('id="data">')[2].partition("</script>")[0]
    assert '"phase":"revealed"' in data
    assert "SECRET" in data
    assert '"unfolded":true' in data
    assert '"_covered_by":["How likely?"]' not in data


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nowhere.ipynb"], "a notebook that exists"),
        (["lesson.ipynb", "-o", "no/folder/x.html"], "a folder that exists"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, message, tmp_path, capsys, monkeypatch):
    write_notebook(tmp_path, CELLS[:1])
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_failing_cell_stops_the_export_and_restores_the_folder(tmp_path):
    here = os.getcwd()
    with pytest.raises(GPTVizError, match="cell 1: ZeroDivisionError"):
        export_notebook(write_notebook(tmp_path, [CELLS[0], ("code", "1 / 0")]), tmp_path / "page.html")
    assert os.getcwd() == here
    assert not (tmp_path / "page.html").exists()
    (tmp_path / "odd.ipynb").write_text(json.dumps([1, 2]))
    with pytest.raises(GPTVizError, match="a notebook file"):
        export_notebook(tmp_path / "odd.ipynb", tmp_path / "page.html")
