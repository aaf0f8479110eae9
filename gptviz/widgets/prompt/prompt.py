"""PromptBox: a line to type a prompt in. Each run is one pass, and every view that follows the box shows it."""

import codecs
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.errors import WrongType, fail
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.view import View

if TYPE_CHECKING:
    from gptviz.gpt import GPT


class PromptBox(View):
    """A prompt, the model that reads it, and its latest trace.

    prompt: the text; setting it in Python traces it too. typed: the prompt that was last written, before tokens were
    appended to it. gpt: the model; None loads the embedded one. A prompt that cannot be traced is refused in words, and
    the trace before it stays.
    """

    _name = "prompt"
    _titles: ClassVar[dict[str, str]] = {"en": "Prompt", "zh": "提示"}
    _answers: ClassVar[dict[str, str]] = {**View._answers, "run": "_answer_run"}

    prompt = traitlets.Unicode("").tag(sync=True)
    _field = traitlets.Unicode("").tag(sync=True)  # what stands in the field
    _gpt_name = traitlets.Unicode("").tag(sync=True)
    _token_count = traitlets.Int(0).tag(sync=True)

    def __init__(self, prompt: str = "", gpt: "GPT | None" = None, **keywords: Any):
        if not isinstance(prompt, str):
            raise fail("a prompt as text", type(prompt).__name__, "For token ids use gpt.trace(ids).", WrongType)
        from gptviz.gpt import GPT  # it imports transformers; a saved trace is looked at without

        if gpt is None:
            from gptviz.loading import load

            gpt = load()
        if not isinstance(gpt, GPT):
            raise fail(
                "a GPT", type(gpt).__name__, "gptviz.load(name) or gptviz.wrap(model, tokenizer) gives one.", WrongType
            )
        self.gpt = gpt
        self.typed = prompt
        self._followers: weakref.WeakSet[View] = weakref.WeakSet()
        self._turn = threading.RLock()  # messages may come in threads of their own: one is read after the other
        trace = gpt.trace(prompt)
        super().__init__(**keywords)
        self._take(trace)
        self.observe(self._prompt_was_set, "prompt")

    def follow(self, view: View) -> None:
        """Let `view` show the latest trace from now on. The box does not keep a closed view alive."""
        self._followers.add(view)
        view.trace = self.trace

    def run(self, prompt: str) -> Trace:
        """Trace `prompt` and show it in every following view."""
        with self._turn:
            shown = self._require_trace()
            return shown if prompt == shown.text else self._read(self.gpt, prompt, typed=prompt)

    def append(self, id: int) -> Trace:
        """Trace the text with one more token, the one with this id, and show it in every following view."""
        with self._turn:
            ids = [token.id for token in self._require_trace().tokens]
            return self._read(self.gpt, [*ids, self.gpt.token(id).id], self.typed)

    def use(self, gpt: "GPT") -> Trace:
        """Let another model read the prompt."""
        with self._turn:
            return self._read(gpt, self._require_trace().text, self.typed)

    def _read(self, gpt: "GPT", prompt: str | list[int], typed: str) -> Trace:
        with self._at_work():
            trace = gpt.trace(prompt)
            self.gpt, self.typed = gpt, typed
            self._take(trace)
        return trace

    def _prompt_was_set(self, change: dict[str, Any]) -> None:
        if change["new"] == self._require_trace().text:
            return
        try:
            self.run(change["new"])
        finally:
            self.prompt = self._require_trace().text  # a refused one does not stand beside the trace before it

    def _take(self, trace: Trace) -> None:
        with self.hold_sync():
            self.trace = trace
            self.prompt = trace.text
        for view in self._open_followers():
            view.trace = trace

    def _open_followers(self) -> list[View]:
        return [view for view in self._followers if view.comm is not None]  # a closed view has none

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """While the model reads, what the followers show is not of this prompt any more: they say so."""
        for view in self._open_followers():
            view._waiting = True
        try:
            yield
        finally:
            for view in self._open_followers():
                view._waiting = False

    def _fill(self) -> None:
        trace = self._require_trace()
        self._field = spelled(trace)
        self._gpt_name, self._token_count = self.gpt.name, len(trace.tokens)

    def _answer_run(self, prompt: str) -> int:
        trace = self._require_trace() if prompt == self._field else self.run(prompt)
        return len(trace.tokens)

    def _shapes(self) -> list[still.Shape]:
        return [
            still.words(self._phrase("reads", model=self.gpt.name, count=self._token_count)),
            still.words(self._field, 16),
        ]

    def to_table(self) -> list[dict[str, Any]]:
        """One row: the prompt, its model and how many tokens it has."""
        return [{"prompt": self.prompt, "model": self.gpt.name, "tokens": self._token_count}]


def _bytes_spelled(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return f"⟨{error.object[error.start : error.end].hex(' ')}⟩", error.end


codecs.register_error("gptviz.spell", _bytes_spelled)


def spelled(trace: Trace) -> str:
    """The text of a trace, in which bytes that are no whole character are spelled, as tokens are: ⟨f0 9f⟩."""
    data = b"".join(token.bytes for token in trace.tokens if not token.special)
    return data.decode(errors="gptviz.spell") if data.decode(errors="replace") == trace.text else trace.text
