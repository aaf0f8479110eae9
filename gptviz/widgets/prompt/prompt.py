"""PromptBox: a field for a prompt. Each run is one forward pass, which every view that follows the box shows."""

import codecs
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.errors import WrongType, fail
from gptviz.loading import load
from gptviz.trace.runnable import RunnableModel, running_model
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.view import View


class PromptBox(View):
    """A prompt, the model that reads it, and its latest trace.

    prompt: the text; setting it in Python traces it too. Special tokens inside it are written, so that it is read as the
    same tokens again. typed: the prompt as last typed, without tokens appended later. gpt: the model; None loads the
    embedded one. A prompt that cannot be traced raises GPTVizError, and the latest trace stays.
    """

    _name = "prompt"
    _titles: ClassVar[dict[str, str]] = {"en": "Prompt", "zh": "提示"}
    _answers: ClassVar[dict[str, str]] = {**View._answers, "run": "_answer_run"}

    prompt = traitlets.Unicode("").tag(sync=True)
    _field = traitlets.Unicode("").tag(sync=True)  # the text of the input field
    _gpt_name = traitlets.Unicode("").tag(sync=True)
    _token_count = traitlets.Int(0).tag(sync=True)

    def __init__(self, prompt: str = "", gpt: RunnableModel | None = None, **keywords: Any):
        if not isinstance(prompt, str):
            raise fail("a prompt as text", type(prompt).__name__, "For token ids use gpt.trace(ids).", WrongType)
        if gpt is None:
            gpt = load()
        if not getattr(gpt, "can_run", False):
            remedy = "gptviz.load(name) or gptviz.wrap(model, tokenizer) gives one."
            raise fail("a GPT", type(gpt).__name__, remedy, WrongType)
        self.gpt = gpt
        self.typed = prompt
        self._followers: weakref.WeakSet[View] = weakref.WeakSet()
        self._lock = threading.RLock()  # messages may arrive in several threads; prompts are read one after the other
        trace = gpt.trace(prompt)
        super().__init__(**keywords)
        self._set_trace(trace)
        self.observe(self._on_prompt_set, "prompt")

    def follow(self, view: View) -> None:
        """Sets `view.trace` to the latest trace, now and after each run. The box holds only a weak reference."""
        self._followers.add(view)
        view.trace = self.trace

    def run(self, prompt: str) -> Trace:
        """Traces `prompt` and shows it in every view that follows the box."""
        with self._lock:
            trace = self._require_trace()
            is_shown = prompt == trace.text and self.gpt.encode(prompt) == _ids(trace)
            return trace if is_shown else self._read(self.gpt, prompt, typed=prompt)

    def append(self, id: int) -> Trace:
        """Appends the token with this id to the text, traces it, and shows it in every view that follows the box."""
        with self._lock:
            return self._read(self.gpt, [*_ids(self._require_trace()), self.gpt.token(id).id], self.typed)

    def use(self, gpt: RunnableModel) -> Trace:
        """Traces the prompt with another model, which the box keeps. One with the same tokenizer reads the same tokens."""
        with self._lock:
            trace = self._require_trace()
            shared = getattr(gpt, "tokenizer", None) is running_model(trace).tokenizer
            ids = _ids(trace)
            return self._read(gpt, ids if shared and gpt.encode(trace.text) != ids else trace.text, self.typed)

    def _read(self, gpt: RunnableModel, prompt: str | list[int], typed: str) -> Trace:
        with self._followers_waiting():
            trace = gpt.trace(prompt)
            trace.check_finite()
            self.gpt, self.typed = gpt, typed
            self._set_trace(trace)
        return trace

    def _on_prompt_set(self, change: dict[str, Any]) -> None:
        if change["new"] == self._require_trace().text:
            return
        try:
            self.run(change["new"])
        finally:
            self.prompt = self._require_trace().text  # after an error, the text of the trace that stays

    def _set_trace(self, trace: Trace) -> None:
        with self.hold_sync():
            self.trace = trace
            self.prompt = trace.text
        for view in self._open_followers():
            view.trace = trace

    def _open_followers(self) -> list[View]:
        return [view for view in self._followers if view.comm is not None]  # a closed view has none

    @contextmanager
    def _followers_waiting(self) -> Iterator[None]:
        """Marks the followers as waiting while the model reads, since they still show the prompt before."""
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
        """Traces the prompt if it is a new one; returns its number of tokens."""
        trace = self._require_trace()
        if prompt != self._field or prompt == trace.text:  # the field writes bytes that cannot be typed
            trace = self.run(prompt)
        return len(trace.tokens)

    def _shapes(self) -> list[still.Shape]:
        return [
            still.words(self._phrase("reads", model=self.gpt.name, count=self._token_count)),
            still.words(self._field, 16),
        ]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row: the prompt, its model and its number of tokens."""
        return [{"prompt": self.prompt, "model": self.gpt.name, "tokens": self._token_count}]


def _spell_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return f"⟨{error.object[error.start : error.end].hex(' ')}⟩", error.end


codecs.register_error("gptviz.spell", _spell_bytes)


def spelled(trace: Trace) -> str:
    """Returns the text of a trace, with the bytes of incomplete characters written as in its tokens: ⟨f0 9f⟩."""
    first = next((i for i, token in enumerate(trace.tokens) if not token.special), 0)
    for tokens in ([token for token in trace.tokens if not token.special], trace.tokens[first:], trace.tokens):
        data = b"".join(token.bytes for token in tokens)
        if data.decode(errors="replace") == trace.text:
            return data.decode(errors="gptviz.spell")
    return trace.text


def _ids(trace: Trace) -> list[int]:
    return [token.id for token in trace.tokens]
