"""Question: what a lesson asks, the latest guess, and after the reveal the right answer. Made by `gptviz.lessons.ask`.

The right answer is computed in the kernel when somebody guesses or reveals. No trait holds it before, so the page cannot
show it too early. What counts as right is in `judging.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, permutations
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from gptviz.display import still
from gptviz.errors import GPTVizError, fail
from gptviz.lessons.judging import Kind, label
from gptviz.lessons.progress import LessonProgress
from gptviz.text.tokens import Token
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

_OPEN = {"phase": "open", "given": None, "hint": "", "direction": "", "problem": ""}
_MOST_GUESSES = 200  # that an exported page can answer


class Question(View):
    """A question about the latest trace. text: what is asked. tally: raised hands for each choice, in the order shown.

    `guess(value)`, `reveal()`, `is_right`, `truth` and `choices` do in Python what the page does with buttons.
    """

    _name = "question"
    _titles: ClassVar[dict[str, str]] = {"en": "Question", "zh": "问题"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "guess": "_answer_guess", "reveal": "_answer_reveal", "instead": "_answer_instead",
        "again": "_answer_again",
    }  # fmt: skip
    _sealed: ClassVar[bool] = True

    _about = traitlets.Dict().tag(sync=True)
    _state = traitlets.Dict(_OPEN).tag(sync=True)
    _progress = traitlets.Unicode().tag(sync=True)  # the reference of the progress that all questions share
    tally: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self, source: Any, *, text: str, kind: str, kind_for: Callable[[Trace | None], Kind], answer: Callable[..., Any],
        hint: str | Callable[..., str], explain: str | Callable[..., str], margin: Callable[..., float] | None,
        smallest: float, instead: str | None, covers: Sequence[View], opens: Callable[..., Any] | None,
        known: Callable[[], bool] | None, tally: bool, unit: str, published: str, **keywords: Any,
    ):  # fmt: skip
        self.text, self._kind_name, self._kind_for, self._unit, self._has_tally = text, kind, kind_for, unit, tally
        self._answer_function, self._hint, self._explain = answer, hint, explain
        self._margin, self._smallest, self._instead = margin, smallest, instead
        self._opens, self._known, self._published = opens, known, published
        # In order, and without holding them: a view whose cell was run again is freed, with the training that it alone holds.
        self._covered: WeakKeyDictionary[View, None] = WeakKeyDictionary(dict.fromkeys(covers))
        self._lesson = LessonProgress.shared()
        self._has_no_source = source is None
        self._box = source if hasattr(source, "run") else getattr(source, "box", None)
        self._kind: Kind | None = None
        self._truth: Any = None  # in its page form, once it was computed
        self._guess: Any = None  # the latest, in its page form
        super().__init__(source, **keywords)

    @property
    def is_right(self) -> bool:
        """Whether the latest guess was right."""
        return self._state["phase"] == "revealed" and bool(self._state["right"])

    @property
    def truth(self) -> Any:
        """The right answer; None until it is revealed."""
        return self._require_kind().to_python(self._truth) if self._state["phase"] == "revealed" else None

    @property
    def choices(self) -> list[Any]:
        """The choices in the order shown; empty for a number or a head."""
        return [] if self._kind is None else list(self._kind.choices)

    @property
    def is_too_close(self) -> bool:
        """Whether this prompt has no clear answer: the margin is below the smallest one."""
        return bool(self._state["phase"] == "close")

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a prompt, with choices if the kind needs them, that has a clear answer."""
        return self._kind is not None and not self.is_too_close

    def guess(self, value: Any) -> bool:
        """Makes a guess, as a click in the page does; returns whether it is right. A right guess reveals the answer.

        value: one of the choices, all of them in a list, a number or text such as "0,5", or (layer, head).
        """
        self._answer_guess(self._require_kind().read_guess(value))
        return self.is_right

    def reveal(self) -> Any:
        """Shows the right answer with its explanation; returns the answer, None if it is not known yet."""
        self._answer_reveal()
        return self.truth

    def _follow(self, source: Any) -> None:
        followed = source if isinstance(source, Trace) or hasattr(source, "follow") else self._box
        if followed is None and isinstance(source, View):
            source.observe(self._on_source_trace, "trace")
            self.trace = source.trace
        else:
            super()._follow(followed if followed is not None else source)

    def _on_source_trace(self, change: Any) -> None:
        self.trace = change["new"]

    def _has_source(self) -> bool:
        return self._has_no_source or self.trace is not None

    def _fill(self) -> None:
        """Resets the question for a new prompt: no guess, no answer, and the views covered again."""
        self._truth = self._guess = self._kind = None
        state: dict[str, Any] = dict(_OPEN)
        try:
            if self._margin is not None and not float(self._call(self._margin)) >= self._smallest:
                state["phase"] = "close"
            self._kind = self._kind_for(self.trace)
        except Exception as error:
            if state["phase"] != "close":  # a prompt without a clear answer need not have choices
                state |= {"phase": "failed", "problem": error_text(error)}
        self._about = {
            "text": self.text,
            "kind": self._kind_name,
            "unit": self._unit,
            "choices": [_describe_choice(choice) for choice in self.choices],
            "tally": self._has_tally,
            "instead": self._instead,
            "has_box": self._box is not None,
            "published": self._published,
            "covers": self._references_of_covered(),
            "key": self._key,
        }
        self._progress = self._lesson.reference
        self.tally = [None] * len(self.choices) if self._has_tally else []
        self._set_state(state)

    def also_cover(self, view: View) -> None:
        """Covers one more view, which was made after the question, until the answer is revealed."""
        self._covered[view] = None
        if self.comm is not None:
            view.observe(self._note_covered, "comm")
        self._note_covered()
        self._set_state(self._state)

    @property
    def _covers(self) -> list[View]:
        """The views that are covered, apart from those that nothing else holds any more."""
        return list(self._covered)

    def _note_covered(self, _change: Any = None) -> None:
        """Tells the page which of the covered views are open, after one was opened or closed."""
        self._about = self._about | {"covers": self._references_of_covered()}

    def _references_of_covered(self) -> list[str]:
        return [f"anywidget:{view.model_id}" for view in self._covers if view.comm is not None]

    def _set_state(self, state: dict[str, Any]) -> None:
        """Shows a state in the page, and covers the views while the question is open."""
        self._state = state
        self._note_progress()
        for view in self._covers:
            if state["phase"] in ("open", "wrong"):
                view.cover(self._key)
            else:
                view.uncover(self._key)

    def _note_progress(self) -> None:
        """Tells the lesson's progress whether this question is answered; one without a clear answer does not count."""
        if self._state["phase"] == "close":
            self._lesson.forget(self._key, self._model_id)
        else:
            self._lesson.note(self._key, self._model_id, self._state["phase"] == "revealed")

    def shared_models(self) -> list[Any]:
        return [*super().shared_models(), self._lesson]

    def open(self) -> None:
        """Opens the question for pages; one that was closed counts among the lesson's questions again."""
        super().open()
        for view in self._covers:
            view.observe(self._note_covered, "comm")
        self._note_progress()

    def close(self) -> None:
        """Removes the question from every page, and from the lesson's progress."""
        if self.comm is not None:  # else it was never complete, or is closed
            self._lesson.forget(self._key, self._model_id)
            for view in self._covers:  # which need not hold a question that no page shows
                view.unobserve(self._note_covered, "comm")
        super().close()

    @property
    def _key(self) -> str:
        """The key under which views are covered: the same when the cell is run again."""
        return self.text

    def _require_kind(self) -> Kind:
        if self._kind is None:
            raise fail("a question that can be asked", self._state["problem"] or "no prompt yet", "Run another prompt.")
        return self._kind

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function of the lesson, with the trace as last argument if the question has a source."""
        return function(*arguments) if self._has_no_source else function(*arguments, self._require_trace())

    def _compute_truth(self) -> Any:
        """Returns the right answer in its page form; computed once for each prompt."""
        if self._truth is None:
            self._truth = self._require_kind().read_truth(self._call(self._answer_function))
        return self._truth

    def _is_known(self) -> bool:
        return self._known is None or bool(self._known())

    def _text_of(self, text: str | Callable[..., str], *arguments: Any) -> str:
        return text if isinstance(text, str) else str(self._call(text, *arguments))

    def _state_after(self, guess: Any) -> dict[str, Any]:
        """Returns the state after this guess, None for giving up. An error in the lesson's functions becomes part of it.

        A guess is noted while the answer is not known yet. Afterwards the answer is revealed, since it could be seen meanwhile.
        """
        kind = self._require_kind()
        try:
            if not self._is_known():
                return _OPEN | {"phase": "noted", "given": guess}
            truth = self._compute_truth()
            is_right = guess is not None and kind.is_right(guess, truth)
            if is_right or guess is None or self._state["phase"] == "noted":
                revealed = {"phase": "revealed", "given": guess, "right": is_right, "truth": truth}
                return _OPEN | revealed | {"explain": self._text_of(self._explain)}
            hint = self._text_of(self._hint, kind.to_python(guess))
            where = kind.direction(guess, truth)
            return _OPEN | {"phase": "wrong", "given": guess, "hint": hint, "direction": where}
        except Exception as error:
            return _OPEN | {"phase": "failed", "given": guess, "problem": error_text(error)}

    def _conclude(self, state: dict[str, Any]) -> None:
        """Shows the state after a guess or a reveal, and opens the place of a revealed answer in the views beside it."""
        self._set_state(state)
        if state["phase"] != "revealed":
            return
        if self._kind_name == "head":
            self.selection.layer, self.selection.head = state["given"] if state["right"] else state["truth"][0]
        if self._opens is not None:
            self._call(self._opens, self.truth)

    # Answers to the page

    def _answer_guess(self, value: Any) -> dict[str, Any]:
        kind = self._require_kind()
        if self._state["phase"] not in ("close", "revealed"):
            self._guess = kind.read_page(value)
            self._conclude(self._state_after(self._guess))
        return self._state

    def _answer_reveal(self) -> dict[str, Any]:
        if self._state["phase"] != "revealed":
            self._conclude(self._state_after(None) | {"given": self._guess})
        return self._state

    def _answer_again(self) -> dict[str, Any]:
        """Reveals the answer to a guess that was noted, if it is known by now."""
        if self._state["phase"] == "noted":
            self._conclude(self._state_after(self._state["given"]))
        return self._state

    def _answer_instead(self) -> int:
        """Puts the other prompt into the box; returns its number of tokens."""
        if self._box is None or self._instead is None:
            raise fail("a question with another prompt to offer", "a question without one", "Type another prompt.")
        return len(self._box.run(self._instead).tokens)

    def answers_for_a_page(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Yields the reveal and the answer to each possible guess; the page judges no number, but reveals the truth."""
        if self._kind is None or self.is_too_close or not self._is_known():
            return
        yield "reveal", {}, self._state_after(None)
        for guess in self._possible_guesses():
            yield "guess", {"value": guess}, self._state_after(guess)

    def _possible_guesses(self) -> Iterator[Any]:
        indices = range(len(self.choices))
        if self._kind_name == "choice":
            yield from indices
        elif self._kind_name == "ranking":
            yield from (list(order) for order in islice(permutations(indices), _MOST_GUESSES))
        elif self._kind_name == "head":
            trace = self._require_trace()
            yield from ([layer, head] for layer in range(trace.n_layers) for head in range(trace.heads_in(layer)))

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        return [still.words(self.text, 16), *(still.words(f"○ {label(choice)}") for choice in self.choices)]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row: the question, the latest guess, whether it is right, and the truth once it is revealed."""
        guess = None if self._guess is None else self._require_kind().to_python(self._guess)
        return [{"question": self.text, "guess": guess, "right": self.is_right, "truth": self.truth}]


def error_text(error: Exception) -> str:
    """Returns what the page shows of an error in a function of the lesson."""
    return str(error) if isinstance(error, GPTVizError) else f"{type(error).__name__}: {error}"


def _describe_choice(choice: Any) -> dict[str, Any]:
    """Returns a choice for the page: a token, or a text with white space at an end, becomes a chip."""
    if isinstance(choice, Token):
        return {"token": describe(choice)}
    text = label(choice)
    return {"token": {"id": -1, "text": text}} if text != text.strip() else {"text": text}
