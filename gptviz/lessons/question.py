"""Question: what a lesson asks, what was guessed, and after the reveal what the model says. Made by `gptviz.lessons.ask`.

The truth is computed here, in the kernel, when somebody guesses or reveals, and no trait holds it before that: the page
cannot show what it has not got. Not about what counts as right: see `gptviz/judging.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.errors import GPTVizError, fail
from gptviz.lessons.judging import Kind, label
from gptviz.text.tokens import Token
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

_OPEN = {"phase": "open", "given": None, "hint": "", "problem": ""}
_MOST_GUESSES = 200  # that an exported page can answer


class Question(View):
    """A question with its own kernel side. text: what is asked. tally: hands raised for each choice, in the page's order.

    `guess(value)`, `reveal()`, `is_right`, `truth`, `choices` from Python; the page does the same with buttons.
    """

    _name = "question"
    _titles: ClassVar[dict[str, str]] = {"en": "Question", "zh": "问题"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "guess": "_answer_guess", "reveal": "_answer_reveal", "instead": "_answer_instead",
    }  # fmt: skip
    _sealed: ClassVar[bool] = True

    _about = traitlets.Dict().tag(sync=True)
    _state = traitlets.Dict(_OPEN).tag(sync=True)
    tally: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self, source: Any, *, text: str, kind: str, kind_for: Callable[[Trace | None], Kind], answer: Callable[..., Any],
        hint: str | Callable[..., str], explain: str | Callable[..., str], margin: Callable[..., float] | None,
        smallest: float, instead: str | None, covers: Sequence[View], tally: bool, unit: str, **keywords: Any,
    ):  # fmt: skip
        self.text, self._kind_name, self._kind_for, self._unit, self._with_tally = text, kind, kind_for, unit, tally
        self._answer_function, self._hint, self._explain = answer, hint, explain
        self._margin, self._smallest, self._instead = margin, smallest, instead
        self._covers = list(covers)
        self._sourceless = source is None
        self._box = source if hasattr(source, "run") else getattr(source, "box", None)
        self._kind: Kind | None = None
        self._truth: Any = None
        self._given: Any = None
        super().__init__(source, **keywords)

    @property
    def is_right(self) -> bool:
        """Whether the latest guess was right."""
        return self._state["phase"] == "revealed" and bool(self._state["right"])

    @property
    def truth(self) -> Any:
        """What the model says; None until it is revealed."""
        return self._asked().told(self._truth) if self._state["phase"] == "revealed" else None

    @property
    def choices(self) -> list[Any]:
        """What can be chosen, in the order shown; empty for a number or a head."""
        return [] if self._kind is None else list(self._kind.choices)

    @property
    def is_too_close(self) -> bool:
        """Whether the prompt decides nothing: the margin is too small to ask."""
        return bool(self._state["phase"] == "close")

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a prompt, with choices where they are needed, that decides something."""
        return self._kind is not None and not self.is_too_close

    def guess(self, value: Any) -> bool:
        """Guess, as a click in the page does; whether it is right. A right guess reveals the answer.

        value: one of the choices, all of them in a list, a number or text such as "0,5", or (layer, head).
        """
        self._answer_guess(self._asked().read(value))
        return self.is_right

    def reveal(self) -> Any:
        """Show the answer with its explanation; the answer."""
        self._answer_reveal()
        return self.truth

    def _follow(self, source: Any) -> None:
        followed = source if isinstance(source, Trace) or hasattr(source, "follow") else self._box
        if followed is None and isinstance(source, View):
            source.observe(self._source_has_moved, "trace")
            self.trace = source.trace
        else:
            super()._follow(followed if followed is not None else source)

    def _source_has_moved(self, change: Any) -> None:
        self.trace = change["new"]

    def _has_source(self) -> bool:
        return self._sourceless or self.trace is not None

    def _fill(self) -> None:
        """A new prompt, a new question: nothing guessed, nothing revealed, what would tell it covered."""
        self._truth = self._given = self._kind = None
        state: dict[str, Any] = dict(_OPEN)
        try:
            self._kind = self._kind_for(self.trace)
            if self._margin is not None and not float(self._call(self._margin)) >= self._smallest:
                state["phase"] = "close"
        except Exception as error:
            state |= {"phase": "failed", "problem": _told(error)}
        self._about = {
            "text": self.text,
            "kind": self._kind_name,
            "unit": self._unit,
            "choices": [_shown_choice(one) for one in self.choices],
            "tally": self._with_tally,
            "instead": self._instead,
            "covers": [f"anywidget:{view.model_id}" for view in self._covers],
            "key": self._key,
        }
        self.tally = [None] * len(self.choices) if self._with_tally else []
        self._show(state)

    def _show(self, state: dict[str, Any]) -> None:
        self._state = state
        for view in self._covers:
            if state["phase"] in ("open", "wrong"):
                view.cover(self._key)
            else:
                view.uncover(self._key)

    @property
    def _key(self) -> str:
        """Under what name views are covered: the same when the cell is run again."""
        return self.text

    def _asked(self) -> Kind:
        if self._kind is None:
            raise fail("a question that can be asked", self._state["problem"] or "no prompt yet", "Run another prompt.")
        return self._kind

    def _call(self, function: Callable[..., Any], *before: Any) -> Any:
        return function(*before) if self._sourceless else function(*before, self._require_trace())

    def _settled(self) -> Any:
        if self._truth is None:
            self._truth = self._asked().settle(self._call(self._answer_function))
        return self._truth

    def _said(self, words: str | Callable[..., str], *before: Any) -> str:
        return words if isinstance(words, str) else str(self._call(words, *before))

    def _judged(self, given: Any) -> dict[str, Any]:
        """What the page shows after this guess; None is giving up. Whatever goes wrong is said there."""
        kind = self._asked()
        try:
            truth = self._settled()
            right = given is not None and kind.is_right(given, truth)
            if right or given is None:
                return self._revealed(given, truth, right)
            return _OPEN | {"phase": "wrong", "given": given, "hint": self._said(self._hint, kind.told(given))}
        except Exception as error:
            return _OPEN | {"phase": "failed", "given": given, "problem": _told(error)}

    def _revealed(self, given: Any, truth: Any, right: bool) -> dict[str, Any]:
        known = {"phase": "revealed", "given": given, "right": right, "truth": truth}
        return _OPEN | known | {"explain": self._said(self._explain)}

    def _answer_guess(self, value: Any) -> dict[str, Any]:
        kind = self._asked()
        if self._state["phase"] not in ("close", "revealed"):
            self._given = kind.read(kind.told(value) if kind.choices else value)
            self._show(self._judged(self._given))
        return self._state

    def _answer_reveal(self) -> dict[str, Any]:
        if self._state["phase"] != "revealed":
            state = self._judged(None)
            self._show(state | {"given": self._given})
        return self._state

    def _answer_instead(self) -> int:
        if self._box is None or self._instead is None:
            raise fail("a question with another prompt to offer", "one without", "Type another prompt.")
        return len(self._box.run(self._instead).tokens)

    def answers_for_a_page(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """In an exported page guesses are answered too, but for numbers, which are revealed beside the truth."""
        if self._kind is None or self.is_too_close:
            return
        yield "reveal", {}, self._judged(None)
        for given in self._possible():
            yield "guess", {"value": given}, self._judged(given)

    def _possible(self) -> Iterator[Any]:
        from itertools import islice, permutations

        places = range(len(self.choices))
        if self._kind_name == "choice":
            yield from places
        elif self._kind_name == "ranking":
            yield from (list(order) for order in islice(permutations(places), _MOST_GUESSES))
        elif self._kind_name == "head":
            trace = self._require_trace()
            yield from ([layer, head] for layer in range(trace.n_layers) for head in range(trace.n_heads))

    def _shapes(self) -> list[still.Shape]:
        return [still.words(self.text, 16), *(still.words(f"○ {label(one)}") for one in self.choices)]

    def to_table(self) -> list[dict[str, Any]]:
        """One row: the question, the latest guess, whether it is right, and the truth once it is revealed."""
        guess = None if self._given is None else self._asked().told(self._given)
        return [{"question": self.text, "guess": guess, "right": self.is_right, "truth": self.truth}]


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, GPTVizError) else f"{type(error).__name__}: {error}"


def _shown_choice(choice: Any) -> dict[str, Any]:
    """A choice for the page: a token, or text with white space at its ends, becomes a chip."""
    if isinstance(choice, Token):
        return {"token": describe(choice)}
    text = label(choice)
    return {"token": {"id": -1, "text": text}} if text != text.strip() else {"text": text}
