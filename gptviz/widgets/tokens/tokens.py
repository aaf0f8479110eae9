"""TokensView: the tokens of a text as chips, with each token's id, bytes and position.

Of an encoder-decoder, the tokens of the source stand before those of the target. Those of a sound are frames, which have no
ids and no bytes.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

import traitlets

from gptviz.display import still
from gptviz.pages.answering import PageQuestion
from gptviz.text.tokens import Token, token_of_bytes, written_characters
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View
from gptviz.widgets.tokens.phrases import PHRASES


class TokensView(View):
    """The tokens of a trace as chips. source: a Trace, or a PromptBox to follow."""

    _name = "tokens"
    _titles: ClassVar[dict[str, str]] = {"en": "Tokens", "zh": "词元"}
    _phrases = PHRASES
    _shows_stacks = True
    _answers: ClassVar[dict[str, str]] = {**View._answers, "merges": "_answer_merges"}

    _tokens: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _characters = traitlets.Int().tag(sync=True)  # of the text, without marks that it spells out
    _source_tokens: traitlets.List[Any] = traitlets.List().tag(sync=True)  # of an encoder-decoder; none of others
    _source_characters = traitlets.Int().tag(sync=True)

    def _fill(self) -> None:
        trace = self._require_trace()
        self._tokens, self._characters = _page_tokens(trace)
        source = trace.of_stack("encoder") if len(trace.stacks) > 1 else None
        self._source_tokens, self._source_characters = ([], 0) if source is None else _page_tokens(source)

    def _texts(self) -> dict[str, Trace]:
        """Returns the stacks whose tokens are shown, by name: the encoder's are the source."""
        trace = self._require_trace()
        return {stack: trace.of_stack(stack) for stack in ("encoder", "decoder") if stack in trace.stacks}

    def _answer_merges(self, position: int, stack: str = "decoder") -> list[dict[str, Any]]:
        """Returns the stages of byte-pair encoding for the token's word: its pieces, and the rank of the merge applied."""
        trace = self._require_trace().of_stack(stack)
        return [
            {"rank": stage.rank, "pieces": [describe(token_of_bytes(-1, raw)) for raw in stage.raw]}
            for stage in trace.merges(position)
        ]

    def _page_questions(self) -> Iterator[PageQuestion]:
        for stack, of_stack in self._texts().items():
            argument = {} if stack == "decoder" else {"stack": stack}
            yield from (("merges", {"position": t.position} | argument) for t in of_stack.tokens if not _is_frame(t))

    def _shapes(self) -> list[still.Shape]:
        texts = self._texts()
        return [
            shape
            for stack, of_stack in texts.items()
            for shape in self._shapes_of(
                of_stack, self._phrase(stack, text=of_stack.text) if len(texts) > 1 else of_stack.text
            )
        ]

    def _shapes_of(self, of_stack: Trace, heading: str) -> list[still.Shape]:
        tokens = of_stack.tokens
        chips = still.chips(tokens, ["" if _is_frame(token) else str(token.id) for token in tokens])
        runs = " · ".join(f"{role} {first}–{last}" for role, first, last in role_runs(tokens))
        return [still.words(heading), *([still.words(runs)] if runs else []), chips]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each token: position, id, text, bytes (hexadecimal), special, and in a chat its role.

        Of an encoder-decoder, those of the source come first, and `of` says which text a token is of: "source" or "target".
        """
        texts = self._texts()
        names = {"encoder": "source", "decoder": "target"}
        return [
            ({"of": names[stack]} if len(texts) > 1 else {}) | row
            for stack, of_stack in texts.items()
            for row in _rows(of_stack.tokens)
        ]


def _page_tokens(of_stack: Trace) -> tuple[list[dict[str, Any]], int]:
    """Returns the tokens of a text for the page, and the number of its characters, without marks that it spells out."""
    tokens = [describe(token) | {"hex": token.bytes.hex(" ")} for token in of_stack.tokens]
    return tokens, written_characters(of_stack.text, of_stack.tokens)


def _is_frame(token: Token) -> bool:
    """Returns whether a token is a frame of a sound."""
    return token.id < 0


def _rows(tokens: Sequence[Token]) -> list[dict[str, Any]]:
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
