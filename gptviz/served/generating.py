"""A completion on a server while its tokens arrive."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from gptviz.errors import ServerError, fail
from gptviz.generation.call import Call
from gptviz.generation.completion import Choice, Completion, FinishReason, Step, Usage
from gptviz.served.endpoint import Endpoint
from gptviz.served.protocol import Event, Name, Piece, SeenToken, read_event
from gptviz.served.steps import StepMaker
from gptviz.served.token_texts import TokenTexts
from gptviz.text.tokens import Token

_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}  # any other one is an interruption


@dataclass(frozen=True)
class ServedPrompt:
    """A prompt for a server. sent: in the form of the protocol. text, tokens: in the form of a completion."""

    sent: Any
    text: str
    tokens: tuple[Token, ...]


@dataclass
class _Row:
    """One choice. steps: all that arrived. waits: whether the last one is held back, since its finish reason may follow."""

    choice: int
    steps: list[Step] = field(default_factory=list)
    waits: bool = False
    finish_reason: FinishReason | None = None

    def end(self, reason: FinishReason) -> None:
        self.finish_reason = reason
        if self.steps:
            self.steps[-1] = replace(self.steps[-1], finish_reason=reason)

    def released(self) -> Iterator[Step]:
        """Yields the step that was held back, if there is one."""
        if self.waits:
            self.waits = False
            yield self.steps[-1]


class Generating:
    """A checked call to an endpoint. call, prompt: what was asked. extra: fields of the request beside those of the settings."""

    def __init__(self, endpoint: Endpoint, texts: TokenTexts, call: Call, prompt: ServedPrompt, extra: dict[str, Any]):
        self._endpoint, self.call, self.prompt = endpoint, call, prompt
        self._maker = StepMaker(endpoint, texts, call)
        stream = {"stream": True, "stream_options": {"include_usage": True}}
        self._body = endpoint.body(prompt.sent, call, endpoint.reveals) | stream | extra
        self._rows = [_Row(choice) for choice in range(call.n)]
        self._usage: tuple[int, int] | None = None
        self.most_steps = call.max_tokens * call.n
        self._continues_past_end = False  # whether tokens arrive after all choices have ended

    def steps(self) -> Iterator[Step]:
        """Yields the steps as they arrive. Raises ServerError if the stream breaks, after the steps that had arrived."""
        failure: ServerError | None = None
        try:
            yield from self._arriving()
        except ServerError as error:
            failure = error
        for row in self._rows:
            yield from row.released()
        if failure is not None and not self._is_finished():
            failure.completion = self.completion() if any(row.steps for row in self._rows) else None
            raise failure

    def completion(self) -> Completion:
        """Returns what has arrived so far; choices that have not ended are "interrupted"."""
        choices, call, prompt = tuple(map(self._choice, self._rows)), self.call, self.prompt
        counted = len(prompt.tokens), sum(len(choice.steps) for choice in choices)
        return Completion(
            id=f"cmpl-{uuid.uuid4().hex}", created=int(time.time()), model=self._endpoint.model, prompt=prompt.text,
            prompt_tokens=prompt.tokens, choices=choices, usage=Usage(*(self._usage or counted)), seed=call.seed,
            settings=call.settings._asdict(), max_tokens=call.max_tokens, stop=call.stop,
        )  # fmt: skip

    def _choice(self, row: _Row) -> Choice:
        text = "".join(step.text for step in row.steps)
        content = text if self._endpoint.is_chat else None
        return Choice(row.choice, text, row.finish_reason or "interrupted", tuple(row.steps), content)

    def _is_finished(self) -> bool:
        return all(row.finish_reason for row in self._rows)

    def _arriving(self) -> Iterator[Step]:
        events = self._endpoint.client.events(self._endpoint.path, self._body, cancel=self.call.cancel)
        try:
            for data in events:
                event = read_event(data)
                self._usage = event.usage or self._usage
                if _has_news(event):
                    events.note_news()
                for piece in event.pieces:
                    yield from self._add(piece)
                if self._continues_past_end:
                    return  # a server that ignores max_tokens would never end
        finally:
            events.close()
        if not self._is_finished() and not (self.call.cancel and self.call.cancel.is_set()):
            count = sum(len(row.steps) for row in self._rows)
            remedy = "Ask again. The error's completion holds what had arrived." if count else "Ask again."
            got = f"its end after {count} {'token' if count == 1 else 'tokens'}"
            raise fail(f"a stream of {self._endpoint.client.address} with a finish reason", got, remedy, ServerError)

    def _add(self, piece: Piece) -> Iterator[Step]:
        """Adds a piece to its choice, and yields the steps to which nothing will be added any more."""
        if not 0 <= piece.choice < len(self._rows):
            remedy = "The server answers another request than this one."
            raise fail(f"choices below {len(self._rows)}", f"choice {piece.choice}", remedy, ServerError)
        row = self._rows[piece.choice]
        if row.finish_reason:
            self._continues_past_end |= self._is_finished() and bool(piece.tokens or piece.text)
            return
        for drawn_token, text in self._parts(piece, row):
            yield from row.released()
            if len(row.steps) == self.call.max_tokens:
                return row.end("length")
            position = len(self.prompt.tokens) + len(row.steps)
            row.steps.append(self._maker.step(drawn_token, row.choice, len(row.steps), position, text))
            row.waits = True
        if piece.finish_reason:
            row.end(_REASONS.get(piece.finish_reason, "interrupted"))
            yield from row.released()

    def _parts(self, piece: Piece, row: _Row) -> list[tuple[SeenToken, str]]:
        """Returns the tokens of a piece, each with the text that it released. Without log-probabilities a piece is a token."""
        if piece.tokens:
            last = len(piece.tokens) - 1
            return [(drawn_token, piece.text if i == last else "") for i, drawn_token in enumerate(piece.tokens)]
        if piece.text and row.waits and self._endpoint.reveals.leaders:  # text that had been held back
            row.steps[-1] = replace(row.steps[-1], text=row.steps[-1].text + piece.text)
            return []
        return [(SeenToken(Name(text=piece.text)), piece.text)] if piece.text else []


def _has_news(event: Event) -> bool:
    return any(piece.text or piece.tokens or piece.finish_reason for piece in event.pieces) or event.usage is not None
