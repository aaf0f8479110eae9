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
from gptviz.text.messages import Message
from gptviz.text.tokens import Token
from gptviz.trace.runnable import RunnableModel, check_can_run
from gptviz.trace.trace import Trace
from gptviz.widgets.prompt.phrases import PHRASES
from gptviz.widgets.prompt.typed import Typed, check_typed, has_target, traced
from gptviz.widgets.shared.view import View

HISTORY = 12  # prompts that a box keeps, the shown one among them


class PromptBox(View):
    """A prompt, the model that reads it, and its latest trace.

    prompt: the text, or chat messages [{"role": "user", "content": "…"}, …]; setting it in Python traces it too. Special
    tokens inside it are written, so that it is read as the same tokens again. typed: the prompt as last typed, without tokens
    appended later: a text, or messages. gpt: the model; None loads the embedded one; of a served model, see
    `ServedPromptBox`. A prompt that cannot be traced raises
    GPTVizError, and the latest trace stays.

    An encoder-decoder reads the prompt as its source, and a second text, the target; typed is {"source": …, "target": …}
    then. target: the target's text; setting it in Python traces it too. "" stands for the one that the model writes itself,
    the likeliest token at each step; a new prompt that is set in Python begins with that one.
    """

    _name = "prompt"
    _titles: ClassVar[dict[str, str]] = {"en": "Prompt", "zh": "提示"}
    _phrases = PHRASES
    _shows_stacks = True
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "run": "_answer_run", "chat": "_answer_chat", "forget": "forget_prompts",
    }  # fmt: skip

    prompt = traitlets.Unicode("").tag(sync=True)
    target = traitlets.Unicode("").tag(sync=True)
    _field = traitlets.Unicode("").tag(sync=True)  # the text of the input field
    _has_target = traitlets.Bool(False).tag(sync=True)  # whether the model reads a target too
    _target_field = traitlets.Unicode("").tag(sync=True)
    _own_target = traitlets.Unicode("").tag(sync=True)  # what the model wrote itself, if the target is empty
    _gpt_name = traitlets.Unicode("").tag(sync=True)
    _token_count = traitlets.Int(0).tag(sync=True)  # of the prompt
    _target_count = traitlets.Int(0).tag(sync=True)
    _has_template = traitlets.Bool(False).tag(sync=True)  # whether the model reads messages
    _messages: traitlets.List[Message] = traitlets.List().tag(sync=True)  # of the trace; none if the prompt is a text
    _appended = traitlets.Unicode("").tag(sync=True)  # the text of tokens appended after the messages
    _roles_known = traitlets.Bool(True).tag(sync=True)  # whether the tokens of the messages have roles
    # The prompt that is shown, then earlier ones as they were typed: texts, lists of messages, or sources with targets.
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

    def __init__(
        self,
        prompt: "str | Sequence[Message]" = "",
        gpt: RunnableModel | None = None,
        *,
        target: str = "",
        **keywords: Any,
    ):
        if gpt is None:
            gpt = load()
        if not getattr(gpt, "can_run", False):
            remedy = getattr(gpt, "why_not_here", "gptviz.load(name) or gptviz.wrap(model, tokenizer) gives one.")
            raise fail("a GPT", type(gpt).__name__, remedy, WrongType)
        typed = check_typed(gpt, prompt, target)
        self.gpt = gpt
        self._followers: weakref.WeakSet[View] = weakref.WeakSet()
        self._lock = threading.RLock()  # messages may arrive in several threads; prompts are read one after the other
        trace = traced(gpt, typed)
        self.typed, self._length = _copy_of(typed), len(trace.tokens)
        self._prompts = [self.typed]  # typed so far, the latest first
        super().__init__(**keywords)
        self._set_trace(trace)
        self.observe(self._on_prompt_set, "prompt")
        self.observe(self._on_target_set, "target")

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

    def run(self, prompt: "str | Sequence[Message]", target: str = "") -> Trace:
        """Traces `prompt`, a text or messages, and shows it in every view that follows the box.

        target: of an encoder-decoder; "" for the one that the model writes itself.
        """
        with self._lock:
            typed = check_typed(self.gpt, prompt, target)
            return self._require_trace() if self._is_shown(typed) else self._read(self.gpt, typed, typed)

    def _is_shown(self, typed: Typed) -> bool:
        trace = self._require_trace()
        if isinstance(typed, dict):
            return typed == self.typed and len(trace.tokens) == self._length  # no token was appended
        shown: Any = self._messages or trace.text
        return (typed if isinstance(typed, str) else list(typed)) == shown and self.gpt.encode(typed) == _ids(trace)

    def given_tokens(self, trace: Trace) -> Sequence[Token]:
        """Returns the tokens of a trace that a generation goes on from: all of them, or those that an own target begins with."""
        is_own = trace is self.trace and self._has_target and self.target == ""
        encoder_decoder: Any = self.gpt
        return trace.tokens[: len(encoder_decoder.target_ids(""))] if is_own else trace.tokens

    def append(self, id: int) -> Trace:
        """Appends the token with this id to the text, traces it, and shows it in every view that follows the box.

        Of an encoder-decoder, it is appended to the target.
        """
        with self._lock:
            tokens = self._require_trace().tokens
            if isinstance(self.typed, dict):
                ids = [*_ids(self._require_trace()), self.gpt.token(id).id]
                return self._read(self.gpt, self.typed | {"target": ids}, self.typed)
            token = replace(self.gpt.token(id), role=self.gpt.read(tokens).speaker)
            return self._read(self.gpt, [*tokens, token], self.typed)

    def use(self, gpt: RunnableModel) -> Trace:
        """Traces the prompt with another model, which the box keeps. One with the same tokenizer reads the same tokens.

        Another one reads the messages of a chat, without tokens that were appended to them. If one of the two is an
        encoder-decoder, the other one reads the same text; two read the same source and the same target.
        """
        for view in self._open_followers():
            view.check_shows(gpt)
        with self._lock:
            trace = self._require_trace()
            if isinstance(self.typed, dict) or has_target(gpt):
                target = self.target if has_target(gpt) else ""
                typed = check_typed(gpt, self.messages or trace.prompt_text, target)
                return self._read(gpt, typed, typed)
            shared = getattr(gpt, "tokenizer", None) is check_can_run(trace.gpt).tokenizer
            if self._messages:
                return self._read(gpt, trace.tokens if shared else self.typed, self.typed)
            ids = _ids(trace)
            return self._read(gpt, ids if shared and gpt.encode(trace.text) != ids else trace.text, self.typed)

    def _read(self, gpt: RunnableModel, prompt: Any, typed: Typed) -> Trace:
        with self._followers_waiting():
            trace = traced(gpt, prompt)
            trace.check_finite()
            self.gpt = gpt
            self._set_typed(typed, trace if prompt is typed else None)
            self._set_trace(trace)
        return trace

    def _set_typed(self, typed: Typed, trace: Trace | None) -> None:
        """Takes the prompt as it was typed. trace: its trace, if no tokens were appended."""
        is_of_other_fields = isinstance(typed, dict) != isinstance(self.typed, dict)
        earlier = [] if is_of_other_fields else [self.typed, *self._prompts]
        self._prompts = different([_copy_of(typed), *earlier])[:HISTORY]
        self.typed = self._prompts[0]
        if trace is not None:
            self._length = len(trace.tokens)

    def _shown_target(self, trace: Trace) -> str:
        """Returns the text of the target; "" for one that the model wrote itself, as long as no token was appended."""
        is_own = not isinstance(self.typed, dict) or (not self.typed["target"] and len(trace.tokens) == self._length)
        return "" if is_own else trace.text

    def _on_prompt_set(self, change: dict[str, Any]) -> None:
        if change["new"] == self._require_trace().prompt_text:
            return
        try:
            self.run(change["new"])
        finally:
            self.prompt = self._require_trace().prompt_text  # after an error, the text of the trace that stays

    def _on_target_set(self, change: dict[str, Any]) -> None:
        if change["new"] == self._shown_target(self._require_trace()):
            return
        try:
            self.run(self.messages or self._require_trace().prompt_text, change["new"])
        finally:
            self.target = self._shown_target(self._require_trace())

    def _set_trace(self, trace: Trace) -> None:
        with self.hold_sync():
            self.trace = trace
            self.prompt, self.target = trace.prompt_text, self._shown_target(trace)
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
        self._has_target = has_target(self.gpt)
        self._field = spelled(trace.of_stack("encoder") if self._has_target else trace)
        self._gpt_name, self._token_count = self.gpt.name, len(trace.prompt_tokens)
        self._fill_target(trace)
        self._has_template = not self._has_target and getattr(self.gpt, "has_chat_template", False)
        self._messages = self.typed if isinstance(self.typed, list) else []
        appended = [token.bytes for token in trace.tokens[self._length :] if not token.special]
        self._appended = b"".join(appended).decode(errors="gptviz.spell") if self._messages else ""
        self._roles_known = not self._messages or any(token.role for token in trace.tokens)
        self._list_prompts()

    def _list_prompts(self) -> None:
        self._history = different([self.messages or self._shown_prompt(), *self._prompts])[:HISTORY]

    def _shown_prompt(self) -> Any:
        """Returns the text that is shown; of an encoder-decoder, those of the source and the target."""
        trace = self._require_trace()
        if self._has_target:
            return {"source": trace.prompt_text, "target": self._shown_target(trace)}
        return trace.text

    def _fill_target(self, trace: Trace) -> None:
        is_own = self._shown_target(trace) == ""
        text = spelled(trace) if self._has_target else ""
        self._target_field, self._own_target = ("", text) if is_own else (text, "")
        self._target_count = len(trace.tokens) if self._has_target else 0

    def _answer_run(self, prompt: str, target: str = "") -> int:
        """Traces the prompt and the target if they are new ones; returns the number of the prompt's tokens."""
        trace = self._require_trace()
        is_shown = (prompt, target) == (self._field, self._target_field) and not self._messages
        if not is_shown or (prompt, target) == (
            trace.prompt_text,
            self.target,
        ):  # fields write bytes that cannot be typed
            trace = self.run(prompt, target)
        return len(trace.prompt_tokens)

    def _answer_chat(self, messages: list[dict[str, Any]]) -> int:
        """Traces messages if they are new ones; returns the number of tokens."""
        return len(self.run(messages).tokens)

    def _shapes(self) -> list[still.Shape]:
        name = "reads_target" if self._has_target else "reads"
        counts = {"count": self._token_count, "target": self._target_count}
        return [
            still.words(self._phrase(name, model=self.gpt.name, **counts)),
            *(still.words(line, 16) for line in self._lines()),
        ]

    def _lines(self) -> list[str]:
        if self._has_target:
            own = self._phrase("own", text=self._own_target)
            return [self._field, f"→ {self._target_field or own}"]
        if not self._messages:
            return [self._field]
        lines = [f"{message['role']}: {message['content']}" for message in self._messages]
        return [*lines, f"+ {self._appended}"] if self._appended else lines

    def to_table(self) -> list[dict[str, Any]]:
        """Returns one row: the prompt, its model and its number of tokens, and the same of an encoder-decoder's target."""
        row = {"prompt": self.prompt, "model": self.gpt.name, "tokens": self._token_count}
        if not self._has_target:
            return [row]
        return [row | {"target": self._require_trace().text, "target_tokens": self._target_count}]


def _copy_of(typed: Typed) -> Any:
    """Returns a text, or a source and a target, as it is, and messages as a list of new dictionaries."""
    return typed if isinstance(typed, (str, dict)) else [dict(message) for message in typed]


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


def different(prompts: Sequence[Any]) -> list[Any]:
    """Returns the prompts, each once, in order."""
    return [prompt for index, prompt in enumerate(prompts) if prompt not in prompts[:index]]


def _ids(trace: Trace) -> list[int]:
    return [token.id for token in trace.tokens]
