"""The functions that lessons call: `ask`, `check`, `picture`, `printed` and `guessing_game`. They check arguments and make views.

All compare with the live model; no answer is stored anywhere.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from gptviz.drawings.canvas import Drawing
from gptviz.errors import WrongType, fail
from gptviz.lessons.checking import Check
from gptviz.lessons.drawing import DrawingView
from gptviz.lessons.guesses import GuessingGame
from gptviz.lessons.judging import Choice, Head, Kind, Number, Ranking, label
from gptviz.lessons.printing import PrintedView
from gptviz.lessons.question import Question
from gptviz.loading import load
from gptviz.trace.runnable import RunnableModel
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.view import View

KINDS = ("choice", "number", "ranking", "head")


def ask(
    text: str,
    answer: Callable[..., Any],
    choices: Sequence[Any] | Callable[..., Sequence[Any]] | None = None,
    *,
    kind: str | None = None,
    source: Any = None,
    unit: str = "",
    tolerance: float | Callable[..., float] = 0.0,
    hint: str | Callable[..., str] = "",
    explain: str | Callable[..., str] = "",
    margin: Callable[..., float] | None = None,
    smallest: float = 0.0,
    instead: str | None = None,
    covers: Sequence[View] = (),
    opens: Callable[..., Any] | None = None,
    known: Callable[[], bool] | None = None,
    tally: bool = False,
    shuffle: bool | None = None,
    published: str = "",
    **keywords: Any,
) -> Question:
    """Returns a question to predict, then reveal; show it as a cell's last line.

    answer: the function that computes the right answer from the latest trace, called at each guess or reveal.
    choices: the possible answers, or a function of the trace that returns them; texts, numbers or tokens.
    kind: "choice" (the answer is one of the choices), "ranking" (the answer is all of them in order), "number", or "head"
    (the answer is (layer, head), or a list of which each is right; the learner clicks one in an AttentionView that shares
    the selection, and the right one opens there with the answer). None: "choice" if there are choices, else "number".
    source: a PromptBox or a view, whose new prompts reset the question, or a Trace. With None the functions get no trace:
    `answer()`, `choices()`, `hint(guess)`, `explain()`.
    unit, tolerance: of a number; the tolerance is absolute, in that unit, or a function of the trace that returns it.
    hint: shown after a wrong guess: text, or a function (guess, trace). It must not give the answer away.
    explain: shown with the answer: text, or a function of the trace.
    margin, smallest, instead: a function of the trace that returns how clear the answer is; below `smallest` the question
    says that this prompt has no clear answer, and offers the prompt `instead` on a button.
    covers: views that would give the answer away: covered until it is revealed. opens: a function (answer, trace), called
    when the answer is revealed, that opens its place in a view, for example a step in a TrainingView. An exported page has
    no kernel to call it. known: a function that says whether the answer is known by now, for example whether a training run
    has ended. Before that, a guess is noted and the views are uncovered, to watch; as soon as the answer is known it is
    revealed. tally: show a field for each choice to count raised hands.
    shuffle: show the choices in a random order, the same at every run. None: for a ranking, and if choices are a
    function, whose order could give the answer away. published: where the answer is printed, such as "Brown et al. 2020", if
    nothing computes it; the page then says so. Other keywords: scale, language, as for every view.

    Raises GPTVizError for invalid arguments. Errors in the functions are shown in the question.
    """
    _check_text(text, "question's text")
    kind_name = _kind_name(kind, choices)
    _check_functions(answer, margin, opens, known, hint, explain)
    _check_for_kind(kind_name, choices, unit, tolerance, tally)
    _check_views(kind_name, source, instead, covers)
    is_shuffled = shuffle if shuffle is not None else kind_name == "ranking" or callable(choices)

    def kind_for(trace: Trace | None) -> Kind:
        if kind_name == "number":
            return Number(_value_for(tolerance, trace), unit)
        if kind_name == "head":
            return Head()
        shown = list(_value_for(choices, trace) or ())
        if len({label(choice) for choice in shown}) != len(shown) or len(shown) < 2:
            raise fail("two or more choices that differ", f"{shown!r:.120}", "Give each once.")
        if is_shuffled:
            random.Random(text).shuffle(shown)
        return Choice(shown) if kind_name == "choice" else Ranking(shown)

    if choices is not None and not callable(choices):
        kind_for(None)  # raises at once for invalid choices
    return Question(
        source, text=text, kind=kind_name, kind_for=kind_for, answer=answer, hint=hint, explain=explain, margin=margin,
        smallest=smallest, instead=instead, covers=covers, opens=opens, known=known, tally=tally, unit=unit,
        published=published, **keywords,
    )  # fmt: skip


def check(
    name: str, mine: Any, truth: Any, *, tolerance: float = 1e-5, hint: str = "", solution: str = "",
    of_model: bool = True, **keywords: Any,
) -> Check:  # fmt: skip
    """Compares what the learner computed with the right numbers; show the result as a cell's last line.

    name: what is compared, such as "your attention weights". mine: the learner's array, number or list; None means that
    there is nothing yet. truth: the right numbers, of the same shape. tolerance: the largest absolute difference that is
    right. hint: shown if it is wrong. solution: code, shown folded. of_model: whether the truth is the model's own; else the
    page speaks of the right value and not of the model's. `.ok` tells whether it is right.

    A learner's mistake raises no error, so that the cells below still run.
    """
    _check_text(name, "name of what is checked")
    _check_text(hint, "hint", may_be_empty=True)
    _check_text(solution, "solution", may_be_empty=True)
    if not tolerance >= 0:
        raise fail("a tolerance of 0 or more", f"{tolerance!r}", "For example tolerance=1e-5.")
    return Check(name, mine, truth, tolerance, hint=hint, solution=solution, of_model=of_model, **keywords)


def picture(
    draw: Callable[..., Drawing], source: Any = None, *, until: Sequence[Question] = (), **keywords: Any
) -> DrawingView:
    """Returns a view of a drawing, which is drawn again for every new prompt.

    draw: a function of the trace that returns a drawing of `gptviz.drawings`; without a source a function of nothing.
    source: a PromptBox or a Trace. until: questions that the drawing would answer; it stays covered until all of them are
    revealed. scale, language: as for every view. An error in `draw` is shown in the view.

    Raises WrongType if `draw` is no function, or `until` has something else than questions.
    """
    if not callable(draw):
        raise fail("a function that draws", f"{draw!r:.80}", "Write lambda trace: gptviz.drawings…", WrongType)
    _check_questions(until)
    return DrawingView(draw, source, until=until, **keywords)


def printed(
    function: Callable[..., Any], source: Any = None, *, until: Sequence[Question] = (), follows: bool = True,
    **keywords: Any,
) -> PrintedView:  # fmt: skip
    """Returns a view of what a function prints, which is printed again for every new prompt.

    function: prints something about the trace that it gets; without a source it gets nothing. source: a PromptBox or a
    Trace. until: questions that the text would answer; it stays covered until all of them are revealed. follows: False for
    a function that takes long: the text of the prompt before stays, marked as such, until somebody asks for the new one.
    scale, language: as for every view. An error in the function is shown in the view.

    Raises WrongType if `function` is no function, or `until` has something else than questions.
    """
    if not callable(function):
        raise fail("a function that prints", f"{function!r:.80}", "Write it as def, with a trace.", WrongType)
    _check_questions(until)
    return PrintedView(function, source, until=until, follows=follows, **keywords)


def guessing_game(openings: Sequence[str], gpt: RunnableModel | None = None, **keywords: Any) -> GuessingGame:
    """Returns a game in which people guess the next word of each opening and then see the model's probabilities.

    openings: texts, none of them empty. gpt: the model; None loads the embedded one. scale, language: as for every view.
    """
    if isinstance(openings, str) or not isinstance(openings, Sequence) or not openings:
        raise fail("a list of openings", f"{openings!r:.80}", 'For example ["Once upon a time"].', WrongType)
    for opening in openings:
        _check_text(opening, "opening")
    return GuessingGame(openings, load() if gpt is None else gpt, **keywords)


def _value_for(value: Any, trace: Trace | None) -> Any:
    """Returns `value`, or what it returns for the trace if it is a function."""
    if not callable(value):
        return value
    return value() if trace is None else value(trace)


def _check_text(value: Any, name: str, may_be_empty: bool = False) -> None:
    if not isinstance(value, str) or not (value.strip() or may_be_empty):
        raise fail(f"the {name} as text", f"{value!r:.80}", "Write it in quotes.", WrongType)


def _kind_name(kind: str | None, choices: Any) -> str:
    if kind is None:
        return "number" if choices is None else "choice"
    if kind not in KINDS:
        raise fail(f"a kind among {', '.join(KINDS)}", f"{kind!r}", "Leave kind out for a choice or a number.")
    return kind


def _check_functions(answer: Any, margin: Any, opens: Any, known: Any, hint: Any, explain: Any) -> None:
    if not callable(answer):
        remedy = "Write answer=lambda trace: …; without a source, answer=lambda: …"
        raise fail("a function that computes the answer", f"{answer!r:.80}", remedy, WrongType)
    if margin is not None and not callable(margin):
        raise fail("a margin as a function of the trace", f"{margin!r:.80}", "margin=lambda trace: …", WrongType)
    if opens is not None and not callable(opens):
        remedy = "opens=lambda answer, trace: …"
        raise fail("a function that opens the answer's place", f"{opens!r:.80}", remedy, WrongType)
    if known is not None and not callable(known):
        raise fail("a function that says whether the answer is known", f"{known!r:.80}", "known=lambda: …", WrongType)
    for value, name in ((hint, "hint"), (explain, "explanation")):
        if not isinstance(value, str) and not callable(value):
            raise fail(f"a {name} as text or a function", type(value).__name__, "Leave it out, or write it.", WrongType)


def _check_questions(until: Sequence[Any]) -> None:
    for question in until:
        if not isinstance(question, Question):
            raise fail("questions to wait for", type(question).__name__, "until=[gptviz.lessons.ask(…)]", WrongType)


def _check_for_kind(kind: str, choices: Any, unit: Any, tolerance: Any, tally: bool) -> None:
    """Raises GPTVizError if an argument does not fit the kind of question."""
    has_choices = kind in ("choice", "ranking")
    if has_choices == (choices is None):
        got = "none" if choices is None else f"choices for kind={kind!r}"
        expected = "choices only for a choice or a ranking"
        raise fail(expected, got, "Write choices=[…], or leave them out.", WrongType)
    if isinstance(choices, str) or not (choices is None or callable(choices) or isinstance(choices, Sequence)):
        remedy = 'For example choices=["yes", "no"].'
        raise fail("choices as a list or a function", f"{choices!r:.80}", remedy, WrongType)
    if tally and not has_choices:
        raise fail("a tally for a question with choices", f"kind={kind!r}", "Leave tally out.")
    is_fixed = isinstance(tolerance, (int, float)) and tolerance >= 0
    if not isinstance(unit, str) or not (is_fixed or callable(tolerance)):
        raise fail("a unit as text and a tolerance of 0 or more", f"{unit!r}, {tolerance!r}", 'unit="%", tolerance=5.0')


def _check_views(kind: str, source: Any, instead: str | None, covers: Sequence[Any]) -> None:
    """Raises WrongType for a source or covered views that the question cannot use."""
    for view in covers:
        if not isinstance(view, View):
            raise fail("views to cover", type(view).__name__, "covers=[view] takes only views.", WrongType)
    if kind == "head" and not isinstance(source, View):
        got = "None" if source is None else type(source).__name__
        raise fail("a source whose selection has a head", got, "source=box, or an AttentionView.", WrongType)
    if instead is not None and not (hasattr(source, "run") or hasattr(source, "box")):
        expected = "a PromptBox as source, to put another prompt into"
        raise fail(expected, type(source).__name__, "Write source=box.", WrongType)
