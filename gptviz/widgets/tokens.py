"""TokensView: the text as the model gets it, piece by piece, with each piece's id, bytes and position."""

from typing import Any

import traitlets

from gptviz.widgets.base import View, describe


class TokensView(View):
    """The tokens of a trace as chips. source: a Trace, or a PromptBox to follow."""

    _name = "tokens"

    _tokens: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _text = traitlets.Unicode().tag(sync=True)

    def _fill(self) -> None:
        trace = self._shown()
        self._tokens = [describe(token) | {"hex": token.bytes.hex(" ")} for token in trace.tokens]
        self._text = trace.text

    def to_table(self) -> list[dict[str, Any]]:
        """One row a token: position, id, text, bytes (hexadecimal), special."""
        return [
            {"position": t.position, "id": t.id, "text": t.text, "bytes": t.bytes.hex(" "), "special": t.special}
            for t in self._shown().tokens
        ]
