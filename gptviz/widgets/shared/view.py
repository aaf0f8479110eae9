"""What every view stands on: where its page side comes from, what it shows, and how the page asks for more.

A view's page side is ordinary ES modules in `static/`. anywidget loads a module from a Blob URL, where relative imports
fail, so they are put together here, by ten lines and no bundler; node and tsc see the modules as they are. Numbers
that are always needed travel as traits; others are asked for by the page, by name, through `ask` in `common.js`. A view
shows a Trace, or follows a PromptBox and shows its latest. Not about what the numbers mean.
"""

import base64
import difflib
import html
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.display.phrases import phrase, title
from gptviz.display.preferences import LANGUAGES, SCALES, chosen_language, chosen_scale
from gptviz.display.still import Shape, picture, words
from gptviz.errors import GPTVizError, WrongType, fail, refusal
from gptviz.pages.modules import bundle
from gptviz.pages.wire import pack
from gptviz.trace.trace import Trace
from gptviz.widgets.shared import cells
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.guarded import Guarded
from gptviz.widgets.shared.selection import Selection

SHARED = Path(__file__).parent


class View(Guarded):
    """A view of one trace. Subclasses say `_name`, and in `_fill` what travels to the page.

    source: a Trace, or a PromptBox whose latest trace is shown from then on. trace: what is shown; may be set again.
    scale: "screen", or "projector" for type half as large again; language: "en" or "zh". `gptviz.set_scale` and
    `gptviz.set_language` set them for all views to come.
    selection: the head and cell that are looked at, shared by all views that follow one PromptBox; hand one over to share
    it among others.
    """

    _name: ClassVar[str]
    _sends_on: ClassVar[tuple[str, ...]] = ("trace",)  # the traits whose change makes the page draw anew
    _answers: ClassVar[dict[str, str]] = {"token": "_answer_token"}
    _sealed: ClassVar[bool] = False  # whether an exported page keeps its answers from those who read its source

    trace = traitlets.Instance(Trace, allow_none=True)
    scale = traitlets.Enum(SCALES).tag(sync=True)
    selection = traitlets.Instance(Selection)
    _selection = traitlets.Unicode().tag(sync=True)
    language = traitlets.Enum(LANGUAGES).tag(sync=True)
    _source = traitlets.Int(0).tag(sync=True)  # grows when the page has something new to draw
    _covered_by: traitlets.List[str] = traitlets.List().tag(sync=True)  # the questions that it would answer
    _waiting = traitlets.Bool(False).tag(sync=True)  # the PromptBox that it follows is at work

    def __init_subclass__(cls, **keywords: Any) -> None:
        if "_name" in cls.__dict__:  # ipywidgets makes nameless subclasses of its own when it adds traits
            page_side = Path(inspect.getfile(cls)).with_name(f"{cls._name}.js")
            cls._esm = bundle(page_side)  # type: ignore[misc]
            styles = [SHARED / "common.css", page_side.with_suffix(".css")]
            cls._css = "\n".join(path.read_text(encoding="utf-8") for path in styles if path.exists())  # type: ignore[misc]
        super().__init_subclass__(**keywords)

    def __init__(self, source: Any = None, **keywords: Any):
        self._check_keywords(keywords)
        shared = source.selection if isinstance(source, View) else None
        super().__init__(**{"selection": shared or Selection()} | keywords)
        self.observe(self._refresh, list(self._sends_on))
        self.on_msg(self._on_message)
        if source is not None:
            self._follow(source)
        else:
            self._refresh()
        cells.seen(self)

    @traitlets.observe("selection")
    def _refer(self, _change: Any) -> None:
        self._selection = self.selection.reference

    @traitlets.default("language")
    def _language_now(self) -> str:
        return chosen_language()

    @traitlets.default("scale")
    def _scale_now(self) -> str:
        return chosen_scale()

    def _check_keywords(self, keywords: dict[str, Any]) -> None:
        """Refuse what this view does not take, in its own name."""
        self._refuse_unknown(keywords)
        for name, value in keywords.items():
            self._check_value(name, value, f"See the documentation of {type(self).__name__}.")

    def _refuse_unknown(self, keywords: dict[str, Any]) -> None:
        own = {name for kind in type(self).__mro__ if issubclass(kind, View) for name in kind.__dict__}
        traits = [name for name in self.trait_names() if name in own and not name.startswith("_")]
        arguments = [
            n for n, p in inspect.signature(type(self).__init__).parameters.items() if p.kind is p.KEYWORD_ONLY
        ]
        for name in keywords:
            if name not in self.trait_names() or name.startswith("_"):
                known = sorted({*traits, *arguments})
                near = difflib.get_close_matches(name, known, n=1)
                advice = f"Did you mean {near[0]}?" if near else "Leave it out."
                expected = f"keywords of {type(self).__name__} among {', '.join(known)}"
                raise fail(expected, name, advice, WrongType)

    def _follow(self, source: Any) -> None:
        if isinstance(source, Trace):
            self.trace = source
        elif hasattr(source, "follow"):
            source.follow(self)
        else:
            kind = type(source).__name__
            raise fail(
                "something that it shows, such as a Trace or a PromptBox",
                kind,
                "Write gpt.trace(prompt) to make a Trace.",
                WrongType,
            )

    def _refresh(self, _change: Any = None) -> None:
        if self._has_source():
            with self.hold_sync():
                if self.trace is not None:
                    self.selection.reach(self, self.trace)
                self._fill()
                self._source += 1

    def _has_source(self) -> bool:
        return self.trace is not None

    def _fill(self) -> None:
        """Set the traits that the page draws from."""
        raise NotImplementedError

    def to_table(self) -> list[dict[str, Any]]:
        """What the view shows, as rows."""
        raise NotImplementedError

    # Covered while a question waits for its answer

    def cover(self, by: str) -> None:
        """Hide what is shown, for the sake of the question `by`, until that is uncovered again."""
        if by not in self._covered_by:
            self._covered_by = [*self._covered_by, by]

    def uncover(self, by: str) -> None:
        """Show it again, unless another question still covers it."""
        self._covered_by = [one for one in self._covered_by if one != by]

    # Taken away

    def still(self) -> str:
        """The view as a still picture, SVG: what a saved notebook shows where no kernel runs."""
        if self._covered_by:
            return picture(title(self.language, self._name), words(self._phrase("covered")))
        return picture(title(self.language, self._name), *self._shapes())

    def _phrase(self, name: str, **values: object) -> str:
        """Words of the still picture, in the view's language."""
        return phrase(self.language, name, **values)

    def _shapes(self) -> list[Shape]:
        """What the still picture shows, from top to bottom."""
        raise NotImplementedError

    def open(self) -> None:
        """Make the view known to pages; once it was closed, with all that it refers to."""
        if self._model_id is not None:
            for part in (self.layout, self.selection.layout, self.selection, *self.family()[1:]):
                part.open()
        super().open()

    def close(self) -> None:
        """Take the view off every page. It opens again where it is displayed again."""
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets hides the method of a closed widget

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        self.open()
        cells.seen(self)
        bundle_of_widget = super()._repr_mimebundle_(**keywords)
        if bundle_of_widget is None:
            return None
        data, metadata = bundle_of_widget
        try:
            svg = self.still()
        except GPTVizError:  # there is nothing to show yet
            return bundle_of_widget
        # JupyterLab draws SVG in trusted notebooks alone, and an image of it everywhere.
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
        image = f'<img alt="{html.escape(title(self.language, self._name))}" src="{source}">'
        return {**data, "image/svg+xml": svg, "text/html": image}, metadata

    def save_html(self, path: str | os.PathLike[str], title: str = "gptviz") -> Path:
        """Write the view as one HTML file that works without network and kernel, at most 20 MB; the file's path."""
        from gptviz.pages.export import save_html

        return save_html(path, self, title=title)

    def family(self) -> list["View"]:
        """This view and those that it holds."""
        return [self]

    def answers_for_a_page(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """What the page would ask, the most wanted first: (name, args, answer); a refusal is an answer too."""
        for name, args in self._page_questions():
            try:
                yield name, args, self._answer({"kind": "ask", "id": 0, "name": name, "args": args})
            except GPTVizError as error:
                yield name, args, error

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The questions of `answers_for_a_page`."""
        yield from ()

    # The page's questions

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answer one question of the page. Whatever it says, the kernel lives and the page shows why it was refused."""
        id = content.get("id") if isinstance(content, dict) else None
        try:
            value = self._answer(content)
        except Exception as error:
            self.send({"kind": "answer" if isinstance(id, int) else "refused", "id": id, **refusal(error)})
        else:
            header, buffers = pack(value) if isinstance(value, np.ndarray) else (None, None)
            reply = {"kind": "answer", "id": id, "array": header, "value": None if header else value}
            self.send(reply, [buffers] if buffers is not None else None)

    def _answer(self, content: Any) -> Any:
        shape_is_right = (
            isinstance(content, dict)
            and content.get("kind") == "ask"
            and isinstance(content.get("id"), int)
            and isinstance(content.get("args"), dict)
            and isinstance(content.get("name"), str)
        )
        if not shape_is_right or content["name"] not in self._answers:
            names = ", ".join(self._answers)
            got = "another message from the page"
            raise fail(f"a question among {names}", got, "Reload the page.", WrongType, "message")
        name = content["name"]
        try:
            return getattr(self, self._answers[name])(**content["args"])
        except GPTVizError:
            raise
        except TypeError as error:
            why = str(error)
            expected, got, remedy = f"the arguments of {name}", f"others: {why}", "Reload the page."
            raise fail(expected, got, remedy, WrongType, "arguments", name=name, why=why) from error

    def _answer_token(self, id: int) -> dict[str, Any]:
        return describe(self._shown().vocab_token(id))

    def _shown(self) -> Trace:
        if self.trace is None:
            raise fail("a trace to show", "none yet", "Set view.trace, or run a prompt.")
        return self.trace
