"""A notebook whose cells run in this process, so that a test can look at every object that they leave.

`tests/browser/test_learning.py` runs the same notebooks in JupyterLab with the embedded model, as a learner does.
"""

import ast
import contextlib
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np

from gptviz import lessons
from gptviz._paths import notebooks_dir
from gptviz.gpt import GPT
from gptviz.lessons.printing import PrintedView
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.training.training import TrainingView

ASK, CHECK = lessons.ask, lessons.check
VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
WRONG_ANSWERS = {"number": 1e6, "head": (0, 0)}  # by the kind of question


class Exercise(NamedTuple):
    """The arguments of `lessons.check`: the right value, the folded solution, and {"tolerance": …} if it was given."""

    name: str
    truth: Any
    solution: str
    tolerance: dict[str, float]


class PlayedNotebook:
    """The results of running a notebook's code cells.

    names: its variables. questions: by their text. exercises: in order. sources, printed, values: by cell id; a cell's
    value is that of its last line, None where that is no expression. What `lessons.printed` shows counts as printed.
    prose: the texts between the cells, by cell id.
    """

    def __init__(self, lesson: str, patch: Any):
        """Runs the notebook `lesson`.ipynb and records its questions and exercises; those of cells run again are not kept.

        patch: a MonkeyPatch.
        """
        self.names: dict[str, Any] = {}
        self.questions: dict[str, Any] = {}
        self.exercises: list[Exercise] = []
        self.sources: dict[str, str] = {}
        self.printed: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.prose: dict[str, str] = {}
        with patch.context() as recording:
            recording.setattr(lessons, "ask", self._ask)
            recording.setattr(lessons, "check", self._check)
            self._play(lesson)

    def _play(self, lesson: str) -> None:
        for cell in nbformat.read(notebooks_dir() / f"{lesson}.ipynb", as_version=4).cells:
            if cell.cell_type == "code":
                self.sources[cell.id] = cell.source
                printed, value = run_cell(cell.source, cell.id, self.names)
                shown = value.text if isinstance(value, PrintedView) else ""
                self.printed[cell.id], self.values[cell.id] = printed + shown, value
            else:
                self.prose[cell.id] = cell.source

    def _ask(self, text: str, *args: Any, **keywords: Any) -> Any:
        self.questions[text] = ASK(text, *args, **keywords)
        return self.questions[text]

    def _check(self, name: str, mine: Any, truth: Any, **keywords: Any) -> Any:
        self.exercises.append(Exercise(name, truth, keywords["solution"], _tolerance(keywords)))
        return CHECK(name, mine, truth, **keywords)

    def run_again(self, cell: str, **names: Any) -> tuple[str, Any]:
        """Runs one cell again with these names in place of the notebook's own; returns what it prints, and its value."""
        return run_cell(self.sources[cell], cell, self.names | names)

    def question(self, words: str) -> Any:
        """Returns the one question whose text has these words."""
        (question,) = [question for text, question in self.questions.items() if words in text]
        return question


def _tolerance(keywords: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in keywords.items() if name == "tolerance"}


def run_cell(source: str, name: str, names: dict[str, Any]) -> tuple[str, Any]:
    """Runs the code of a cell among these names; returns what it prints, and the value of its last line."""
    *lines, last = ast.parse(source).body
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.Module(lines, []), name, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), names)
        else:
            exec(compile(ast.Module([last], []), name, "exec"), names)
    return printed.getvalue(), value


def cell_source(lesson: str, cell: str) -> str:
    """Returns the code of one cell of a notebook."""
    cells = nbformat.read(notebooks_dir() / f"{lesson}.ipynb", as_version=4).cells
    return next(candidate.source for candidate in cells if candidate.id == cell)


def is_question(source: str) -> bool:
    """Returns whether a cell asks a question."""
    return "lessons.ask(" in source


def has_solution(source: str) -> bool:
    """Returns whether a cell contains the solution of an exercise, so that it is collapsed."""
    return re.search(r"^\w+_solution = ", source, re.MULTILINE) is not None


def must_show_a_view(source: str) -> bool:
    """Returns whether a cell's last line is a view or a question."""
    return "View(" in source.splitlines()[-1] or is_question(source)


def wrong_answer(question: Any) -> Any:
    """Returns an answer that is not the question's truth."""
    truth = question._kind.to_python(question._compute_truth())
    if question._kind_name in WRONG_ANSWERS:
        return WRONG_ANSWERS[question._kind_name]
    if question._kind_name == "ranking":
        return question.choices[::-1] if truth == question.choices else question.choices
    return next(choice for choice in question.choices if choice != truth)


def stated_by(question: Any, text: str) -> str:
    """Returns the part of a text that states a question's answer, "" if none does.

    A measured number with a unit, such as 4.16 nats, is stated if it stands there as near as the question asks. A count, a
    percentage or a number without unit is stated if all of three or more digits agree. A choice is stated if its words
    stand there, three at least, and not those of all other choices too. What a text says in other words, only a reader finds.
    """
    truth = question._kind.to_python(question._compute_truth())
    if question._kind_name == "number":
        unit, tolerance = question._unit, question._kind.tolerance
        for match in re.finditer(rf"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?=\s?{re.escape(unit)}(?!\w))", text):
            digits = match.group().replace(",", "")
            agrees = len(digits.replace(".", "").strip("0")) > 2 and same_when_rounded(digits, truth)
            is_measured = "." in digits and unit not in ("", "%")
            if agrees or (is_measured and abs(float(digits) - truth) <= tolerance):
                return f"{match.group()} {unit}"
    elif question._kind_name == "choice":
        labels = [str(choice).casefold() for choice in question.choices]
        label, words = str(truth).casefold(), " ".join(text.casefold().split())
        if len(label.split()) > 2 and label in words and not all(other in words for other in labels):
            return label
    return ""


def same_when_rounded(digits: str, value: float) -> bool:
    """Returns whether a written number is `value`, rounded to its decimals."""
    return float(digits) == round(value, len(digits.partition(".")[2]))


def check_nothing_tells(played: PlayedNotebook) -> None:
    """Checks that no text between the cells and nothing that a cell prints states the answer of a question or an exercise."""
    shown = " ".join((played.prose | played.printed).values())
    numbers = [match.group().replace(",", "") for match in re.finditer(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?", shown)]
    precise = {digits for digits in numbers if len(digits.replace(".", "").strip("0")) > 3}
    for name, truth, _, _ in played.exercises:
        if np.ndim(truth) == 0:
            assert not [digits for digits in precise if same_when_rounded(digits, float(truth))], name
    for question in played.questions.values():
        if question._state["phase"] != "open":
            continue
        for cell, text in (played.prose | played.printed).items():
            view = played.values.get(cell)
            if not (isinstance(view, PrintedView) and question._key in view._covered_by):
                assert not stated_by(question, text), (cell, question.text)


def check_offered_prompts(questions: Any, model: str) -> None:
    """Checks that each prompt that a question offers instead of the learner's gives a clear answer, on the embedded model."""
    offering = [question for question in questions if question._instead]
    assert offering
    for question in offering if "tales" in model else ():
        prompt = question._box.prompt
        question._answer_instead()
        assert not question.is_too_close, question.text
        question._box.run(prompt)


def check_views_are_shown(played: PlayedNotebook) -> None:
    """Checks that each cell whose last line is a view or a question has a widget to show."""
    shown = {cell: value for cell, value in played.values.items() if must_show_a_view(played.sources[cell])}
    assert shown
    for cell, value in shown.items():
        assert VIEW_TYPE in value._repr_mimebundle_()[0], cell
    for cell, value in played.values.items():
        if "lessons.picture(" in played.sources[cell]:
            assert value.drawing is not None, (cell, value._about)
        if "lessons.printed(" in played.sources[cell]:
            assert value.text and not value._about["problem"], (cell, value._about)


def check_models(played: PlayedNotebook, model: str) -> None:
    """Checks that each decoder in the notebook is of the kind of the model in this folder."""
    kind = json.loads(Path(model, "config.json").read_text("utf-8"))["model_type"]
    models = [gpt for gpt in played.names.values() if isinstance(gpt, GPT) and gpt.decoder_only]
    assert {gpt.model.config.model_type for gpt in models} == {kind}


def check_wrong_guesses(played: PlayedNotebook) -> None:
    """Checks that a wrong guess gets a hint, and that only revealing says the answer and uncovers what would give it away."""
    check_nothing_tells(played)
    questions = played.questions.values()
    assert len(questions) >= 4
    if played.names["gpt"].name == "tales":
        undecided = [question.text for question in questions if question.is_too_close]
        assert not undecided, "the lesson's own prompt decides each question"
    for question in questions:
        assert question.truth is None
        assert question._state["phase"] in ("open", "close"), question._state
        if question._state["phase"] == "open":
            assert all(view._covered_by for view in question._covers)
            assert not question.guess(wrong_answer(question)), question.text
            assert question._state["hint"], question._state
            assert question.truth is None
        question.reveal()
        assert question._state["phase"] == "revealed", question._state
        assert question._state["explain"]
        assert not any(question._key in view._covered_by for view in question._covers)
    assert not any(view._covered_by for question in questions for view in question._covers)


def check_an_empty_prompt(played: PlayedNotebook) -> None:
    """Checks that without a prompt nothing fails or shows NaN: a view says in the lesson's own words what is missing.

    Without a start token there is nothing to read, and the box refuses an empty prompt. A view of a run has a box of its own.
    """
    boxes = {name: value for name, value in played.names.items() if isinstance(value, PromptBox)}
    boxes |= {f"{name}.box": value.box for name, value in played.names.items() if isinstance(value, TrainingView)}
    assert boxes
    for name, box in boxes.items():
        if not box.gpt.tokenizer("")["input_ids"]:
            continue
        prompt = box.prompt
        box.run("")
        shown = {cell: run_cell(source, cell, dict(played.names)) for cell, source in played.sources.items()
                 if f"{name}.trace" in source}  # fmt: skip
        for cell, view in played.values.items():
            if isinstance(view, PrintedView) and view.is_of_another_prompt:
                view.print_again()
            about = getattr(view, "_about", {})
            problem, text = about.get("problem") or "", f"{about.get('text')} {shown.get(cell)}"
            assert not problem or "Type a longer prompt." in problem, (cell, problem)
            assert not re.search(r"\bnan\b", text), (cell, text)
        for question in played.questions.values():
            if question._state["phase"] == "open":
                question.reveal()
            assert question._state["phase"] != "failed", (question.text, question._state)
        box.run(prompt)


def check_cells_wait(played: PlayedNotebook, words: str, cells: Iterable[str]) -> None:
    """Checks that what these cells show is covered until a question is revealed. words: in the question's text."""
    question = played.question(words)
    question._set_state(question._state | {"phase": "open"})
    for cell in cells:
        assert question.text in played.values[cell]._covered_by, cell
    question.reveal()
    for cell in cells:
        assert question.text not in played.values[cell]._covered_by, cell


def check_solutions(played: PlayedNotebook) -> None:
    """Checks that each exercise accepts its folded solution, and neither a mistake nor an answer not written yet."""
    assert played.exercises
    for name, truth, solution, tolerance in played.exercises:
        assert CHECK(name, None, truth).comparison["result"] == "nothing"
        names = dict(played.names)
        exec(solution, names)
        assert CHECK(name, names["mine"], truth, **tolerance).ok, name
        mistake = np.asarray(names["mine"]) + (1 if tolerance else 0.01)
        assert not CHECK(name, mistake, truth, **tolerance).ok, name
