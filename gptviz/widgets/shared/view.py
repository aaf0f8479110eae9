"""The base class of all views: it loads the page side, follows a source of traces, and draws the still picture.

A view's page side is `NAME.js` and `NAME.css` in the view's folder, where `_name` is NAME. Numbers that are always needed
travel to the page as traits. The page asks for all others by name, through `ask` in `kernel.js`; see
`gptviz/pages/answering.py`.
"""

import base64
import html
import inspect
import os
from pathlib import Path
from typing import Any, ClassVar

import traitlets

from gptviz.checks import check_index, did_you_mean
from gptviz.display.phrases import phrase
from gptviz.display.preferences import LANGUAGES, SCALES, chosen_language, chosen_scale
from gptviz.display.still import Shape, picture, words
from gptviz.errors import GPTVizError, NotAvailable, WrongType, fail
from gptviz.pages.answering import PageWidget
from gptviz.pages.export import save_html
from gptviz.pages.modules import bundled, modules, style_sheets
from gptviz.served.reading import ServedReading
from gptviz.trace.runnable import check_decoder_only
from gptviz.trace.sources import ModelSource
from gptviz.trace.trace import Trace
from gptviz.widgets.shared import cells
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.guarded import Guarded
from gptviz.widgets.shared.selection import Selection

SHARED = Path(__file__).parent
PAGE_TOKENS = 128  # the last tokens, whose numbers an exported page keeps where it would keep many for each


class View(PageWidget, Guarded):
    """A view of one trace. A subclass has `_name` and `_titles`, and sets the traits of the page in `_fill`.

    source: a Trace, or a PromptBox whose latest trace is shown from then on. trace: what is shown; may be set again.
    scale: "screen", or "projector" for type 1.5 times as large; language: "en" or "zh". `gptviz.set_scale` and
    `gptviz.set_language` set them for all views made later.
    selection: the selected head and cell, shared by all views that follow one PromptBox; pass one to share it among others.
    """

    _phrases: ClassVar[dict[str, dict[str, str]]] = {}  # of the still picture, in each language
    _redraw_traits: ClassVar[tuple[str, ...]] = ("trace",)  # a change of one of these redraws the page
    _answers: ClassVar[dict[str, str]] = {"token": "_answer_token"}
    _shows_stacks: ClassVar[bool] = False  # whether it shows traces of encoder-decoders

    trace = traitlets.Instance(Trace, allow_none=True)
    scale = traitlets.Enum(SCALES).tag(sync=True)
    selection = traitlets.Instance(Selection)
    _selection = traitlets.Unicode().tag(sync=True)
    language = traitlets.Enum(LANGUAGES).tag(sync=True)
    _title = traitlets.Unicode().tag(sync=True)  # in the language of the view
    _source = traitlets.Int(0).tag(sync=True)  # grows when the page has something new to draw
    _covered_by: traitlets.List[str] = traitlets.List().tag(sync=True)  # keys of the questions that cover the view
    _is_unfilled = traitlets.Bool(False).tag(sync=True)  # the model of the followed box is on a server
    _waiting = traitlets.Bool(False).tag(sync=True)  # the model is reading another prompt for the followed PromptBox

    def __init_subclass__(cls, **keywords: Any) -> None:
        if "_name" in cls.__dict__:  # ipywidgets makes nameless subclasses of its own when it adds traits
            sources = modules(Path(inspect.getfile(cls)).with_name(f"{cls._name}.js"))
            cls._esm = bundled(sources)  # type: ignore[misc]
            sheets = [SHARED / "common.css", *style_sheets(sources)]
            cls._css = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)  # type: ignore[misc]
        super().__init_subclass__(**keywords)

    def __init__(self, source: Any = None, **keywords: Any):
        self._check_keywords(keywords)
        shared = source.selection if isinstance(source, View) else None
        super().__init__(**{"selection": shared or Selection()} | keywords)
        self.observe(self._refresh, list(self._redraw_traits))
        if source is not None:
            self._follow(source)
        else:
            self._refresh()
        cells.note_use(self)

    @traitlets.validate("trace")
    def _check_numbers(self, proposal: dict[str, Any]) -> Trace | None:
        trace: Trace | None = proposal["value"]
        if trace is not None:
            self.check_shows(trace.gpt)
            trace.check_finite()
        return trace

    def check_shows(self, model: ModelSource) -> None:
        """Raises NotAvailable if the view cannot show traces of this model, because it is an encoder-decoder."""
        if not self._shows_stacks:
            check_decoder_only(model)

    @traitlets.observe("selection")
    def _set_selection_reference(self, _change: Any) -> None:
        self._selection = self.selection.reference

    @traitlets.default("language")
    def _default_language(self) -> str:
        return chosen_language()

    @traitlets.default("_title")
    def _default_title(self) -> str:
        return self._titles[self.language]

    @traitlets.observe("language")
    def _translate_title(self, _change: Any) -> None:
        self._title = self._titles[self.language]

    @traitlets.default("scale")
    def _default_scale(self) -> str:
        return chosen_scale()

    def _check_keywords(self, keywords: dict[str, Any]) -> None:
        """Raises WrongType for an unknown keyword or a value of the wrong type; the error names this view."""
        known = self._known_keywords()
        for name in keywords:
            if name not in self.trait_names() or name.startswith("_"):
                expected = f"keywords of {type(self).__name__} among {', '.join(known)}"
                raise fail(expected, name, did_you_mean(name, known), WrongType)
        for name, value in keywords.items():
            self._check_value(name, value, f"See the documentation of {type(self).__name__}.")

    def _known_keywords(self) -> list[str]:
        """Returns the public traits of the view classes and the keyword arguments of this one, sorted."""
        own = {name for kind in type(self).__mro__ if issubclass(kind, View) for name in kind.__dict__}
        traits = [name for name in self.trait_names() if name in own and not name.startswith("_")]
        parameters = inspect.signature(type(self).__init__).parameters.values()
        return sorted({*traits, *(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)})

    def _follow(self, source: Any) -> None:
        if isinstance(source, Trace):
            self.trace = source
        elif hasattr(source, "follow"):
            source.follow(self)
        else:
            expected = "something that it shows, such as a Trace or a PromptBox"
            remedy = "Write gpt.trace(prompt) to make a Trace."
            raise fail(expected, type(source).__name__, remedy, WrongType)

    def show_served(self, _reading: ServedReading) -> None:
        """Shows what a server reveals of a prompt. Without an own method a view stays empty, and says why."""
        self._is_unfilled = True

    def _refresh(self, _change: Any = None) -> None:
        if self._has_source():
            with self.hold_sync():
                self._is_unfilled = False
                if self.trace is not None:
                    self.selection.reach(self, self.trace)
                self._fill()
                self._source += 1

    def _set_given(self, **choices: int | None) -> None:
        """Sets properties such as layer=2 from the view's keyword arguments; None leaves a property as it is."""
        for name, value in choices.items():
            if value is not None:
                setattr(self, name, value)

    def _has_source(self) -> bool:
        return self.trace is not None

    def _require_trace(self) -> Trace:
        """Returns the trace; raises GPTVizError if there is none yet."""
        if self.trace is None and self._is_unfilled:
            got = "a prompt of a served model, of which only tokens and probabilities are known"
            raise fail(
                "a trace to show", got, "Load the model here, with gptviz.load(name).", NotAvailable, "served_inside"
            )
        if self.trace is None:
            raise fail("a trace to show", "none yet", "Set view.trace, or run a prompt.")
        return self.trace

    def _check_position(self, position: int) -> int:
        """Returns `position` if the trace has it; raises GPTVizError otherwise."""
        return check_index(position, len(self._require_trace().tokens), "position")

    def _page_positions(self) -> range:
        """Returns the positions whose numbers an exported page keeps, the last first; the page says what it does not have."""
        count = len(self._require_trace().tokens)
        return range(count - 1, max(-1, count - 1 - PAGE_TOKENS), -1)

    def _fill(self) -> None:
        """Sets the traits that the page draws from."""
        raise NotImplementedError

    def to_table(self) -> list[dict[str, Any]]:
        """Returns what the view shows, as rows."""
        raise NotImplementedError

    def _answer_token(self, id: int) -> dict[str, Any]:
        return describe(self._require_trace().vocab_token(id))

    # Covering, so that a view does not give away the answer to a question

    def cover(self, by: str) -> None:
        """Hides the view until `uncover` is called with the same key. by: the key of the question."""
        if by not in self._covered_by:
            self._covered_by = [*self._covered_by, by]

    def uncover(self, by: str) -> None:
        """Removes the cover of the question `by`; the view shows again once no question covers it."""
        self._covered_by = [key for key in self._covered_by if key != by]

    # Pictures and files

    def save_html(self, path: str | os.PathLike[str], title: str = "gptviz") -> Path:
        """Writes the view as one HTML file of at most 20 MB that works without network and kernel; returns its path."""
        return save_html(path, self, title=title)

    def still(self) -> str:
        """Returns the view as a still picture in SVG, which a saved notebook shows where no kernel runs."""
        if self._covered_by:
            return picture(self._title, words(self._phrase("covered")))
        if self._is_unfilled:
            return picture(self._title, words(self._phrase("unfilled")), words(self._phrase("fill")))
        return picture(self._title, *self._shapes())

    def _phrase(self, name: str, **values: object) -> str:
        """Returns a text of the still picture in the view's language: the view's own, or one that views share."""
        own = self._phrases.get(self.language, {})
        return own[name].format(**values) if name in own else phrase(self.language, name, **values)

    def _shapes(self) -> list[Shape]:
        """Returns the shapes of the still picture, from top to bottom."""
        raise NotImplementedError

    # Display in a notebook

    def open(self) -> None:
        """Opens the view for pages. A view that was closed opens again with its selection and the views it holds."""
        if self._model_id is not None:
            for part in (self.layout, self.selection.layout, self.selection, *self.family()[1:]):
                part.open()
        super().open()

    def close(self) -> None:
        """Removes the view from every page. It opens again when it is displayed again."""
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets hides the method of a closed widget

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        self.open()
        cells.note_use(self)
        mimebundle = super()._repr_mimebundle_(**keywords)
        if mimebundle is None:
            return None
        data, metadata = mimebundle
        try:
            svg = self.still()
        except GPTVizError:  # there is nothing to show yet
            return mimebundle
        # JupyterLab draws SVG only in trusted notebooks, but an image of it in all.
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
        image = f'<img alt="{html.escape(self._title)}" src="{source}">'
        return {**data, "image/svg+xml": svg, "text/html": image}, metadata
