"""PromptBox: a field for a prompt. Each run is one forward pass, which every view that follows the box shows."""

import codecs
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.errors import WrongType, fail
from gptviz.loading import load
from gptviz.text.messages import Message, is_chat
from gptviz.trace.runnable import RunnableModel, check_decoder_only, running_model
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.view import View

HISTORY = 12  # prompts that a box keeps, the shown one among them


class PromptBox(View):
    """A prompt, the model that reads it, and its latest trace.

    prompt: the text, or chat messages [{"role": "user", "content": "…"}, …]; setting it in Python traces it too. Special
    tokens inside it are written, so that it is read as the same tokens again. typed: the prompt as last typed, without tokens
    appended later: a text, or messages. gpt: the model; None loads the embedded one; of a served model, see
    `ServedPromptBox`. A prompt that cannot be traced raises
    GPTVizError, and the latest trace stays.
    """

    _name = "prompt"
    _titles: ClassVar[dict[str, str]] = {"en": "Prompt", "zh": "提示"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "run": "_answer_run", "chat": "_answer_chat", "forget": "forget_prompts",
    }  # fmt: skip

    prompt = traitlets.Unicode("").tag(sync=True)
    _field = traitlets.Unicode("").tag(sync=True)  # the text of the input field
    _gpt_name = traitlets.Unicode("").tag(sync=True)
    _token_count = traitlets.Int(0).tag(sync=True)
    _has_template = traitlets.Bool(False).tag(sync=True)  # whether the model reads messages
    _messages: traitlets.List[Message] = traitlets.List().tag(sync=True)  # of the trace; none if the prompt is a text
    _appended = traitlets.Unicode("").tag(sync=True)  # the text of tokens appended after the messages
    _roles_known = traitlets.Bool(True).tag(sync=True)  # whether the tokens of the messages have roles
    # The prompt that is shown, then earlier ones as they were typed: texts, and lists of messages.
    _history: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __new__(cls, prompt: Any = "", gpt: Any = None, *others: Any, **keywords: Any) -> "PromptBox":
        """Makes the kind of box that suits the model."""
        suiting = [kind for kind in cls.__subclasses__() if kind.suits(gpt)]
        box: PromptBox = super().__new__(suiting[0] if suiting else cls, prompt, gpt, *others, **keywords)
        return box

    @classmethod
    def suits(cls, _gpt: Any) -> bool:
        """Returns whether a subclass is the class of the box for a model."""
        return False

    def __init__(self, prompt: "str | Sequence[Message]" = "", gpt: RunnableModel | None = None, **keywords: Any):
        if not isinstance(prompt, str) and not is_chat(prompt):
            remedy = "For token ids use gpt.trace(ids)."
            raise fail("a prompt as text, or a list of messages", type(prompt).__name__, remedy, WrongType)
        if gpt is None:
            gpt = load()
        if not getattr(gpt, "can_run", False):
            remedy = getattr(gpt, "why_not_here", "gptviz.load(name) or gptviz.wrap(model, tokenizer) gives one.")
            raise fail("a GPT", type(gpt).__name__, remedy, WrongType)
        check_decoder_only(gpt)
        self.gpt = gpt
        self._followers: weakref.WeakSet[View] = weakref.WeakSet()
        self._lock = threading.RLock()  # messages may arrive in several threads; prompts are read one after the other
        trace = gpt.trace(prompt)
        self.typed, self._length = _copy_of(prompt), len(trace.tokens)
        self._prompts = [self.typed]  # typed so far, the latest first
        super().__init__(**keywords)
        self._set_trace(trace)
        self.observe(self._on_prompt_set, "prompt")

    @property
    def messages(self) -> list[Message]:
        """The messages that are shown; none if the prompt is a text."""
        return [dict(message) for message in self._messages]

    def follow(self, view: View) -> None:
        """Sets `view.trace` to the latest trace, now and after each run. The box holds only a weak reference."""
        self._followers.add(view)
        view.trace = self.trace

    def forget_prompts(self) -> None:
        """Empties the list of earlier prompts, so that a page that is saved afterwards does not have them."""
        self._prompts = []
        self._list_prompts()

    def run(self, prompt: "str | Sequence[Message]") -> Trace:
        """Traces `prompt`, a text or messages, and shows it in every view that follows the box."""
        with self._lock:
            trace = self._require_trace()
            shown: Any = self._messages or trace.text
            is_shown = (list(prompt) if is_chat(prompt) else prompt) == shown and self.gpt.encode(prompt) == _ids(trace)
            return trace if is_shown else self._read(self.gpt, prompt, typed=prompt)

    def append(self, id: int) -> Trace:
        """Appends the token with this id to the text, traces it, and shows it in every view that follows the box."""
        with self._lock:
            tokens = self._require_trace().tokens
            token = replace(self.gpt.token(id), role=self.gpt.read(tokens).speaker)
            return self._read(self.gpt, [*tokens, token], self.typed)

    def use(self, gpt: RunnableModel) -> Trace:
        """Traces the prompt with another model, which the box keeps. One with the same tokenizer reads the same tokens.

        Another one reads the messages of a chat, without tokens that were appended to them.
        """
        check_decoder_only(gpt)
        with self._lock:
            trace = self._require_trace()
            shared = getattr(gpt, "tokenizer", None) is running_model(trace).tokenizer
            if self._messages:
                return self._read(gpt, trace.tokens if shared else self.typed, self.typed)
            ids = _ids(trace)
            return self._read(gpt, ids if shared and gpt.encode(trace.text) != ids else trace.text, self.typed)

    def _read(self, gpt: RunnableModel, prompt: Any, typed: "str | Sequence[Message]") -> Trace:
        with self._followers_waiting():
            trace = gpt.trace(prompt)
            trace.check_finite()
            self.gpt = gpt
            self._set_typed(typed, trace if prompt is typed else None)
            self._set_trace(trace)
        return trace

    def _set_typed(self, typed: "str | Sequence[Message]", trace: Trace | None) -> None:
        """Takes the prompt as it was typed. trace: its trace, if no tokens were appended."""
        self._prompts = _different([_copy_of(typed), self.typed, *self._prompts])[:HISTORY]
        self.typed = self._prompts[0]
        if trace is not None:
            self._length = len(trace.tokens)

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
        self._has_template = getattr(self.gpt, "has_chat_template", False)
        self._messages = [] if isinstance(self.typed, str) else self.typed
        appended = [token.bytes for token in trace.tokens[self._length :] if not token.special]
        self._appended = b"".join(appended).decode(errors="gptviz.spell") if self._messages else ""
        self._roles_known = not self._messages or any(token.role for token in trace.tokens)
        self._list_prompts()

    def _list_prompts(self) -> None:
        shown: Any = self.messages or self._require_trace().text
        self._history = _different([shown, *self._prompts])[:HISTORY]

    def _answer_run(self, prompt: str) -> int:
        """Traces the prompt if it is a new one; returns its number of tokens."""
        trace = self._require_trace()
        is_shown = prompt == self._field and not self._messages
        if not is_shown or prompt == trace.text:  # the field writes bytes that cannot be typed
            trace = self.run(prompt)
        return len(trace.tokens)

    def _answer_chat(self, messages: list[dict[str, Any]]) -> int:
        """Traces messages if they are new ones; returns the number of tokens."""
        return len(self.run(messages).tokens)

    def _shapes(self) -> list[still.Shape]:
        return [
            still.words(self._phrase("reads", model=self.gpt.name, count=self._token_count)),
            *(still.words(line, 16) for line in self._lines()),
        ]

    def _lines(self) -> list[str]:
        if not self._messages:
            return [self._field]
        lines = [f"{message['role']}: {message['content']}" for message in self._messages]
        return [*lines, f"+ {self._appended}"] if self._appended else lines

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row: the prompt, its model and its number of tokens."""
        return [{"prompt": self.prompt, "model": self.gpt.name, "tokens": self._token_count}]


def _copy_of(prompt: "str | Sequence[Message]") -> Any:
    """Returns a text as it is, and messages as a list of new dictionaries."""
    return prompt if isinstance(prompt, str) else [dict(message) for message in prompt]


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


def _different(prompts: Sequence[Any]) -> list[Any]:
    """Returns the prompts, each once, in order."""
    return [prompt for index, prompt in enumerate(prompts) if prompt not in prompts[:index]]


def _ids(trace: Trace) -> list[int]:
    return [token.id for token in trace.tokens]
