"""TokensView: the tokens of a text as chips, with each token's id, bytes and position."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.pages.answering import PageQuestion
from gptviz.text.tokens import Token, token_of_bytes, written_characters
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View


class TokensView(View):
    """The tokens of a trace as chips. source: a Trace, or a PromptBox to follow."""

    _name = "tokens"
    _titles: ClassVar[dict[str, str]] = {"en": "Tokens", "zh": "词元"}
    _answers: ClassVar[dict[str, str]] = {**View._answers, "merges": "_answer_merges"}

    _tokens: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _characters = traitlets.Int().tag(sync=True)  # of the text, without marks that it spells out

    def _fill(self) -> None:
        trace = self._require_trace()
        self._tokens = [describe(token) | {"hex": token.bytes.hex(" ")} for token in trace.tokens]
        self._characters = written_characters(trace.text, trace.tokens)

    def _answer_merges(self, position: int) -> list[dict[str, Any]]:
        """Returns the stages of byte-pair encoding for the token's word: its pieces, and the rank of the merge applied."""
        trace = self._require_trace()
        return [
            {"rank": stage.rank, "pieces": [describe(token_of_bytes(-1, raw)) for raw in stage.raw]}
            for stage in trace.merges(position)
        ]

    def _page_questions(self) -> Iterator[PageQuestion]:
        yield from (("merges", {"position": token.position}) for token in self._require_trace().tokens)

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        tokens = trace.tokens
        chips = still.chips(tokens, [str(token.id) for token in tokens])
        runs = " · ".join(f"{role} {first}–{last}" for role, first, last in role_runs(tokens))
        return [still.words(trace.text), *([still.words(runs)] if runs else []), chips]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each token: position, id, text, bytes (hexadecimal), special, and in a chat its role."""
        tokens = self._require_trace().tokens
        is_chat = any(token.role for token in tokens)
        return [
            {"position": t.position, "id": t.id, "text": t.text, "bytes": t.bytes.hex(" "), "special": t.special}
            | ({"role": t.role} if is_chat else {})
            for t in tokens
        ]


def role_runs(tokens: Sequence[Token]) -> list[tuple[str, int, int]]:
    """Returns the stretches of tokens with one role: the role, the first position and the last; none without a role."""
    runs = [(role, list(run)) for role, run in groupby(tokens, lambda token: token.role)]
    return [(role, run[0].position, run[-1].position) for role, run in runs if role is not None]
