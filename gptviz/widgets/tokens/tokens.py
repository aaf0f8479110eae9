"""TokensView: the text as the model gets it, piece by piece, with each piece's id, bytes and position."""

from collections.abc import Iterator
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.text.tokens import Token, readable, table_bytes
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View


class TokensView(View):
    """The tokens of a trace as chips. source: a Trace, or a PromptBox to follow."""

    _name = "tokens"
    _titles: ClassVar[dict[str, str]] = {"en": "Tokens", "zh": "词元"}
    _answers: ClassVar[dict[str, str]] = {**View._answers, "merges": "_answer_merges"}

    _tokens: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _text = traitlets.Unicode().tag(sync=True)

    def _fill(self) -> None:
        trace = self._require_trace()
        self._tokens = [describe(token) | {"hex": token.bytes.hex(" ")} for token in trace.tokens]
        self._text = trace.text

    def _answer_merges(self, position: int) -> list[dict[str, Any]]:
        """The stages of the token's word: its pieces as chips, and which merge of the table led there."""
        trace = self._require_trace()
        return [
            {"rank": stage.rank, "pieces": [describe(piece_token(piece)) for piece in stage.pieces]}
            for stage in trace.merges(position)
        ]

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from (("merges", {"position": token.position}) for token in self._require_trace().tokens)

    def _shapes(self) -> list[still.Shape]:
        tokens = self._require_trace().tokens
        return [still.words(self._text), still.chips(tokens, [str(token.id) for token in tokens])]

    def to_table(self) -> list[dict[str, Any]]:
        """One row a token: position, id, text, bytes (hexadecimal), special."""
        return [
            {"position": t.position, "id": t.id, "text": t.text, "bytes": t.bytes.hex(" "), "special": t.special}
            for t in self._require_trace().tokens
        ]


def piece_token(piece: str) -> Token:
    """A piece of a word, not yet a token: its id is -1."""
    raw = table_bytes(piece)
    return Token(-1, readable(raw), raw)
