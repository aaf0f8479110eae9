"""Questions and checks for lessons, both on the live model: nothing that is compared with is stored anywhere.

`ask` makes a question to predict and then reveal; its answer is a function, called in the kernel when somebody guesses
or gives up. `check` compares what a learner computed with the model's own numbers; `guessing_game` lets people go first.
Not about how any of them is drawn.
"""

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gptviz.errors import WrongType, fail
from gptviz.lessons.checking import Check
from gptviz.lessons.guesses import GuessingGame
from gptviz.lessons.judging import Choice, Head, Kind, Number, Ranking, label
from gptviz.lessons.question import Question
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.view import View

if TYPE_CHECKING:
    from gptviz.gpt import GPT

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
    tally: bool = False,
    shuffle: bool | None = None,
    **keywords: Any,
) -> Question:
    """A question to predict, then reveal; show it as a cell's last line.

    answer: the function that computes the truth from the latest trace. It is called when somebody guesses or reveals.
    choices: what can be answered, or a function of the trace that says it; texts, numbers or tokens.
    kind: "choice" (the answer is one of the choices), "ranking" (the answer is all of them in order), "number", or
    "head" (the answer is (layer, head), or a list of those that count; the learner clicks one in an AttentionView that
    shares the selection). None: "choice" if there are choices, else "number".
    source: a PromptBox or a view, whose new prompts start the question anew, or a Trace. With None the functions get no
    trace: `answer()`, `choices()`, `hint(given)`, `explain()`.
    unit, tolerance: of a number; the tolerance is absolute, in that unit, or a function of the trace that says it.
    hint: shown after a wrong guess: text, or a function (given, trace). It must not tell the answer.
    explain: shown with the answer: text, or a function of the trace.
    margin, smallest, instead: a function of the trace that says how clear the answer is; below `smallest` the question
    says that this prompt decides nothing, and offers the prompt `instead`, which a button puts into the box.
    covers: views that would tell the answer: covered until the reveal. tally: fields for raised hands, one a choice.
    shuffle: show the choices in an order of their own, the same at every run. None: for a ranking, and where choices
    are a function, whose order could tell the answer. Other keywords: scale, language, as for every view.

    Raises GPTVizError for arguments that make no question. What the functions do wrong later is said in the question.
    """
    _check_text(text, "question's text")
    found = _kind_name(kind, choices)
    _check_functions(answer, margin, hint, explain)
    _check_for_kind(found, choices, unit, tolerance, tally)
    for view in covers:
        if not isinstance(view, View):
            raise fail("views to cover", type(view).__name__, "covers=[view] takes views alone.", WrongType)
    mixed = shuffle if shuffle is not None else found == "ranking" or callable(choices)
    if found == "head" and not isinstance(source, View):
        got = "None" if source is None else type(source).__name__
        raise fail("a source whose selection has a head", got, "source=box, or an AttentionView.", WrongType)
    if instead is not None and not (hasattr(source, "run") or hasattr(source, "box")):
        raise fail(
            "a PromptBox as source, to put another prompt into", type(source).__name__, "Write source=box.", WrongType
        )

    def kind_for(given: Trace | None) -> Kind:
        if found == "number":
            return Number(_of(tolerance, given), unit)
        if found == "head":
            return Head()
        shown = list(_of(choices, given) or ())
        if len({label(one) for one in shown}) != len(shown) or len(shown) < 2:
            raise fail("two or more choices that differ", f"{shown!r:.120}", "Give each once.")
        if mixed:
            random.Random(text).shuffle(shown)
        return Choice(shown) if found == "choice" else Ranking(shown)

    if choices is not None and not callable(choices):
        kind_for(None)  # refuses choices that are none at once
    return Question(
        source, text=text, kind=found, kind_for=kind_for, answer=answer, hint=hint, explain=explain, margin=margin,
        smallest=smallest, instead=instead, covers=covers, tally=tally, unit=unit, **keywords,
    )  # fmt: skip


def check(
    name: str, mine: Any, truth: Any, *, tolerance: float = 1e-5, hint: str = "", solution: str = "", **keywords: Any
) -> Check:
    """Compare what the learner computed with the model's own; show it as a cell's last line.

    name: what it is, such as "your attention weights". mine: the learner's array, number or list; None says that there
    is nothing yet. truth: the model's own, of the same shape. tolerance: largest absolute difference that is right.
    hint: shown when it is wrong. solution: code, shown folded. `.ok` says whether it is right.

    A learner's mistake is never raised, so that the cells below still run.
    """
    for value, what in ((name, "name of what is checked"), (hint, "hint"), (solution, "solution")):
        _check_text(value, what, empty=what != "name of what is checked")
    if not tolerance >= 0:
        raise fail("a tolerance of 0 or more", f"{tolerance!r}", "For example tolerance=1e-5.")
    return Check(name, mine, truth, tolerance, hint=hint, solution=solution, **keywords)


def guessing_game(openings: Sequence[str], gpt: "GPT | None" = None, **keywords: Any) -> GuessingGame:
    """Openings whose next word people guess; then the model's probability of each guess, and its own likeliest tokens.

    openings: texts, none of them empty. gpt: the model; None loads the embedded one. scale, language: as for every view.
    """
    if isinstance(openings, str) or not isinstance(openings, Sequence) or not openings:
        raise fail("a list of openings", f"{openings!r:.80}", 'For example ["Once upon a time"].', WrongType)
    for opening in openings:
        _check_text(opening, "opening")
    if gpt is None:
        from gptviz.loading import load

        gpt = load()
    return GuessingGame(openings, gpt, **keywords)


def _of(value: Any, trace: Trace | None) -> Any:
    """What a lesson gave, or what its function says of the trace."""
    if not callable(value):
        return value
    return value() if trace is None else value(trace)


def _check_text(value: Any, what: str, empty: bool = False) -> None:
    if not isinstance(value, str) or not (value.strip() or empty):
        raise fail(f"the {what} as text", f"{value!r:.80}", "Write it in quotes.", WrongType)


def _kind_name(kind: str | None, choices: Any) -> str:
    if kind is None:
        return "number" if choices is None else "choice"
    if kind not in KINDS:
        raise fail(f"a kind among {', '.join(KINDS)}", f"{kind!r}", "Leave kind out for a choice or a number.")
    return kind


def _check_functions(answer: Any, margin: Any, hint: Any, explain: Any) -> None:
    if not callable(answer):
        remedy = "Write answer=lambda trace: …; without a source, answer=lambda: …"
        raise fail("an answer that is computed: a function", f"{answer!r:.80}", remedy, WrongType)
    if margin is not None and not callable(margin):
        raise fail("a margin as a function of the trace", f"{margin!r:.80}", "margin=lambda trace: …", WrongType)
    for value, what in ((hint, "hint"), (explain, "explanation")):
        if not isinstance(value, str) and not callable(value):
            raise fail(f"a {what} as text or a function", type(value).__name__, "Leave it out, or write it.", WrongType)


def _check_for_kind(kind: str, choices: Any, unit: Any, tolerance: Any, tally: bool) -> None:
    has_choices = kind in ("choice", "ranking")
    if has_choices == (choices is None):
        got = "none" if choices is None else f"choices for kind={kind!r}"
        expected = "choices for a choice or a ranking, and for no other kind"
        raise fail(expected, got, "Write choices=[…], or leave them out.", WrongType)
    if isinstance(choices, str) or not (choices is None or callable(choices) or isinstance(choices, Sequence)):
        raise fail(
            "choices as a list or a function", f"{choices!r:.80}", 'For example choices=["yes", "no"].', WrongType
        )
    if tally and not has_choices:
        raise fail("a tally for a question with choices", f"kind={kind!r}", "Leave tally out.")
    fixed = isinstance(tolerance, (int, float)) and tolerance >= 0
    if not isinstance(unit, str) or not (fixed or callable(tolerance)):
        raise fail("a unit as text and a tolerance of 0 or more", f"{unit!r}, {tolerance!r}", 'unit="%", tolerance=5.0')
