"""A prompt box of a served model: the prompt's tokens, coloured by how surprising each is, where the server reports it."""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import traitlets

from gptviz.display import still
from gptviz.display.numbers import or_none, percent
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.served.reading import ServedReading, is_served
from gptviz.text.messages import Message, is_chat
from gptviz.text.tokens import Token
from gptviz.widgets.prompt.prompt import HISTORY, PromptBox, different
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View


class ServedPromptBox(PromptBox):
    """What `PromptBox(prompt, gpt=gptviz.connect(…))` makes: a prompt, and what the model's server reveals of it.

    reading: tokens, their probabilities, and the next token. Views that follow the box show what they can of it; a view that
    needs the inside of the model says that it is not here.
    """

    _redraw_traits = ("reading",)
    gpt: Any  # a served model

    reading = traitlets.Instance(ServedReading, allow_none=True)
    _revealed: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)  # its tokens, each with its probability
    _without_steps = traitlets.Unicode("").tag(sync=True)  # why they have none; see `ServedReading`

    def __init__(self, prompt: "str | Sequence[Message]" = "", gpt: Any = None, **keywords: Any):
        self.gpt = gpt
        self._followers = weakref.WeakSet()
        self._prompts = []
        self._lock = threading.RLock()
        reading = gpt.reveal(_check_prompt(prompt))
        super(PromptBox, self).__init__(**keywords)
        self._take(reading, typed=prompt)
        self.observe(self._on_prompt_set, "prompt")

    @classmethod
    def suits(cls, gpt: Any) -> bool:
        """Returns whether this is the class for a model."""
        return is_served(gpt)

    def follow(self, view: View) -> None:
        """Shows the latest reading in a view, now and after each run. The box holds only a weak reference."""
        self._followers.add(view)
        view.show_served(self._require_reading())

    def run(self, prompt: "str | Sequence[Message]", target: str = "") -> Any:
        """Asks the server for what it reveals of `prompt`, and shows it in every view that follows the box.

        target: always "", since no served model has one.
        """
        if target:
            remedy = "Only encoder-decoders on this machine have a target: gptviz.load."
            raise fail("no target for a served model", "one", remedy, WrongType)
        with self._lock:
            return self._read_prompt(prompt, typed=prompt)

    def append(self, id: int) -> Any:
        """Appends one of the revealed next tokens to the text. id: its id."""
        revealed = self._require_reading().next_token
        for leader in revealed.leaders if revealed else ():
            if leader.token.id == id >= 0:
                return self.append_token(leader.token)
        remedy = "box.reading.next_token has them."
        raise fail("the id of a revealed next token", f"{id}", remedy, NotAvailable, "served_leader")

    def append_token(self, token: Token) -> Any:
        """Appends a token's text to the text of the prompt, which the server reads anew."""
        if self._messages:
            remedy = "A server reads whole messages only."
            raise fail("a text to append to", "messages", remedy, NotAvailable, "served_append_messages")
        try:
            text = token.bytes.decode()
        except UnicodeDecodeError:
            got = f"the bytes {token.bytes.hex(' ')}, a part of a character"
            expected = "a token of whole characters, to append its text"
            raise fail(expected, got, "Append another.", NotAvailable, "served_part") from None
        with self._lock:
            return self._read_prompt(self._require_reading().text + text, typed=self.typed)

    def use(self, gpt: Any) -> Any:
        """Asks another served model for the prompt, and keeps it."""
        if not self.suits(gpt):
            remedy = "Make another box: gptviz.PromptBox(prompt, gpt=gpt)."
            raise fail("another served model, as the box has one", type(gpt).__name__, remedy, WrongType)
        with self._lock:
            prompt, self.gpt = self._require_reading().prompt, gpt
            return self._read_prompt(prompt, typed=self.typed)

    def _read_prompt(self, prompt: Any, typed: Any) -> ServedReading:
        with self._followers_waiting():
            reading: ServedReading = self.gpt.reveal(_check_prompt(prompt))
            self._take(reading, typed)
        return reading

    def _take(self, reading: ServedReading, typed: Any) -> None:
        self.typed = typed if isinstance(typed, str) else [dict(message) for message in typed]
        with self.hold_sync():
            self.reading = reading
            self.prompt = reading.text
        for view in self._open_followers():
            view.show_served(reading)

    def _on_prompt_set(self, change: dict[str, Any]) -> None:
        if change["new"] == self._require_reading().text:
            return
        try:
            self.run(change["new"])
        finally:
            self.prompt = self._require_reading().text  # after an error, the text that stays

    def _require_reading(self) -> ServedReading:
        assert self.reading is not None
        reading: ServedReading = self.reading
        return reading

    def _has_source(self) -> bool:
        return self.reading is not None

    def _fill(self) -> None:
        reading = self._require_reading()
        steps = reading.steps
        has_all_tokens = bool(steps) or all(token.id >= 0 for token in reading.tokens)
        self._field, self._gpt_name = reading.text, self.gpt.name
        self._token_count = len(reading.tokens) if has_all_tokens else 0
        self._has_template = True  # whether the model has one, its server knows
        self._messages = [] if isinstance(reading.prompt, str) else [dict(message) for message in reading.prompt]
        self._revealed = [{"token": describe(step.token), "probability": or_none(step.probability)} for step in steps]
        self._without_steps = reading.without_steps
        self._prompts = different([self.typed, *self._prompts])[:HISTORY]
        self._list_prompts()

    def _shown_prompt(self) -> Any:
        return self._require_reading().text

    def _answer_run(self, prompt: str, target: str = "") -> int:
        self.run(prompt)
        return int(self._token_count)

    def _answer_chat(self, messages: list[dict[str, Any]]) -> int:
        self.run(messages)
        return int(self._token_count)

    def _shapes(self) -> list[still.Shape]:
        reading = self._require_reading()
        shares = [step.probability if i else 0.0 for i, step in enumerate(reading.steps)]
        below = ["–" if i == 0 else percent(share) for i, share in enumerate(shares)]
        chips = [still.chips([step.token for step in reading.steps], below, shares)] if reading.steps else []
        return [*(still.words(line, 16) for line in self._lines()), *chips]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each token: position, id, text, and its probability after those before it; NaN if unknown."""
        reading = self._require_reading()
        known = {step.token.position: step.probability for step in reading.steps}
        return [
            {"position": t.position, "id": t.id, "token": t.text, "probability": known.get(t.position, float("nan"))}
            for t in reading.tokens
        ]


def _check_prompt(prompt: Any) -> Any:
    if not isinstance(prompt, str) and not is_chat(prompt):
        raise fail("a prompt as text, or a list of messages", type(prompt).__name__, 'For example "Once upon a time".')
    return prompt
