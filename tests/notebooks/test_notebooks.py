"""How the notebooks are stored: without outputs, in short cells, with the parts that a lesson has.

Here most also run from top to bottom with a random Llama whose texts begin with a start token. The lesson tests beside this
file play all of them with the embedded model, and those that are not played here with a Llama without a start token;
`tests/browser/test_learning.py` runs them in JupyterLab.
"""

import inspect
import re
import statistics
import subprocess
from pathlib import Path

import nbformat
import pytest
from played import check_models, check_views_are_shown, has_solution, is_question

from gptviz import training
from gptviz._paths import notebooks_dir

NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))
LONGEST, MEDIAN = 15, 6  # lines of a cell
LONGEST_SENTENCE = 30  # words
CORE = 45  # minutes of a school lesson: a whole notebook, or the core that it names
names = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_first_notebook():
    assert [path.name for path in NOTEBOOKS][:1] == ["00_start_here.ipynb"]


def stored(path):
    """Returns the notebook as staged in git, since running it in a checkout leaves outputs in the file."""
    result = subprocess.run(["git", "show", f":./{path.name}"], cwd=path.parent, capture_output=True)
    return nbformat.reads(result.stdout.decode() if result.returncode == 0 else path.read_text("utf-8"), as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def short_runs(monkeypatch):
    """Lets no pre-training take more than 30 steps, and no other run more than 10: a cell must run whatever was learned."""
    for name, most in (("pretrain", 30), ("finetune", 10), ("prefer", 10)):
        monkeypatch.setattr(training, name, shortened(getattr(training, name), most))


def shortened(start, most):
    """Returns a function that starts a run as `start` does, with at most so many steps."""

    def short(*given, **more):
        settings = inspect.signature(start).bind(*given, **more)
        settings.apply_defaults()
        settings.arguments["steps"] = min(settings.arguments["steps"], most)
        return start(*settings.args, **settings.kwargs)

    return short


def lessons_with_both_models():
    """Yields the names of the notebooks whose tests have no model of their own, so that they play them with a Llama too."""
    for file in Path(__file__).parent.glob("test_lesson_*.py"):
        source = file.read_text("utf-8")
        if "def model(" not in source:
            yield from re.findall(r'"(\w+)"', re.search(r"^LESSONS = (.*)", source, re.MULTILINE)[1])


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem not in [*lessons_with_both_models()]], ids=lambda path: path.stem
)
@pytest.mark.usefixtures("short_runs")
def test_runs_with_another_model(path, play, llama_with_start_token):
    """No cell fails and no view is missing for a random model without position table, head roles or stories."""
    played = play(path.stem, llama_with_start_token)
    check_models(played, llama_with_start_token)
    assert list(played.values) == [cell.id for cell in code_of(nbformat.read(path, as_version=4))]
    check_views_are_shown(played)


@names
def test_is_stored_clean(path):
    notebook = stored(path)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor >= 5  # cells have ids, so that a diff shows which cell changed
    assert notebook.metadata.kernelspec.name == "python3"  # without it JupyterLab opens with a question
    for cell in notebook.cells:
        assert not cell.get("outputs"), f"cell {cell.id} is stored with outputs"
        assert cell.get("execution_count") is None, f"cell {cell.id} is stored with a count"
        assert not cell.get("attachments")
        folded = cell.cell_type == "code" and (is_question(cell.source) or has_solution(cell.source))  # would tell
        assert cell.metadata == ({"jupyter": {"source_hidden": True}} if folded else {}), cell.id


@names
def test_cells_are_short_and_hide_no_error(path):
    cells = code_of(stored(path))
    lengths = {cell.id: len(cell.source.splitlines()) for cell in cells}
    assert max(lengths.values()) <= LONGEST, lengths
    assert statistics.median(lengths.values()) <= MEDIAN, lengths
    for cell in cells:
        assert not re.search(r"solution=(?!\w+_solution\b)", cell.source), f"cell {cell.id} tells its solution"
        assert "except" not in cell.source and "raises-exception" not in str(cell.metadata), cell.id


def test_each_lesson_names_the_next_one_of_the_course_plan():
    plan = re.findall(r"^\| `(\d\d_\w+)` \|", (notebooks_dir() / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(plan) == [path.stem for path in NOTEBOOKS]
    for name, following in zip(plan, [*plan[1:], None], strict=True):
        last = stored(notebooks_dir() / f"{name}.ipynb").cells[-1].source
        named = re.findall(r"\*\*Next\*\*: `(\w+)\.ipynb`", last)
        assert named == ([following] if following else []), name


@names
def test_sentences_are_short(path):
    """The items of a list that is divided by semicolons, and the cells of a table, count alone; sources do not count."""
    for cell in stored(path).cells:
        if cell.cell_type == "markdown":
            prose = re.sub(
                r"\$\$.*?\$\$|^    .*$", "", cell.source.split("**Sources")[0], flags=re.DOTALL | re.MULTILINE
            )
            prose = prose.replace("et al.", "et al").replace("|", "\n\n")
            for part in re.split(r"\n\s*\n|\n(?=[-*\d])|;\s|(?<=[.!?:])[*)\"”]*\s+(?=[*(\"“`A-Z\d])", prose):
                assert len(re.findall(r"\S*\w\S*", part)) <= LONGEST_SENTENCE, part


@names
def test_is_a_lesson(path):
    """It begins with its aims, has questions and an exercise, and ends with key points, simplifications and sources."""
    notebook = stored(path)
    first, last = notebook.cells[0].source, notebook.cells[-1].source.lower()
    assert first.startswith("# ")
    minutes = re.search(r"Time\*\*[^\d]*(\d+) minutes(?: alone)?[;,.|\s]*(\d+)?", first)
    assert minutes and min(int(number) for number in minutes.groups() if number) <= CORE, first
    for part in ("remember", "simplified", "sources"):
        assert part in last, part
    code = code_of(notebook)
    assert sum(is_question(cell.source) for cell in code) >= 4
    assert any("lessons.check(" in cell.source for cell in code)
