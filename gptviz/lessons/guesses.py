"""GuessingGame: people guess the next word of an opening, then see the model's probability of each guess.

The probability of a word is the probability that the model continues with exactly its tokens: for a word of several
tokens, the product of the probability of each one after those before it. Made by `gptviz.lessons.guessing_game`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import WrongType, fail
from gptviz.lens.words import word_after
from gptviz.pages.answering import PageQuestion
from gptviz.text.tokens import Token
from gptviz.trace.runnable import RunnableModel, check_decoder_only
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

LIKELIEST = 8  # of the model's own next tokens that are shown
LONGEST = 60  # characters of a guess
MOST_WORDS = 100  # guesses at once
MOST_PIECES = 8  # tokens that are added to a piece to complete its word

_BEGINS_WORD = re.compile(r"\s?[\w'’-]+")
_GOES_ON = re.compile(r"[\w'’-]*")


class GuessingGame(View):
    """Openings to continue. openings: the texts. guesses: for each opening the words that were typed."""

    _name = "guesses"
    _titles: ClassVar[dict[str, str]] = {"en": "Guess the next word", "zh": "猜下一个词"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "shares": "_answer_shares", "likeliest": "_answer_likeliest",
    }  # fmt: skip
    _sealed: ClassVar[bool] = True

    _openings: traitlets.List[str] = traitlets.List().tag(sync=True)
    guesses: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, openings: Sequence[str], gpt: RunnableModel, **keywords: Any):
        check_decoder_only(gpt)
        self.gpt = gpt
        self._texts = list(openings)
        self._traces: dict[int, Trace] = {}
        super().__init__(None, **keywords)
        self.guesses = [[] for _ in self._texts]

    def likeliest(self, opening: int) -> list[tuple[Any, float]]:
        """Returns the likeliest next tokens after this opening, with their probabilities."""
        return self._trace_of(opening).top(LIKELIEST)

    def word(self, opening: int, piece: Token) -> str:
        """Returns the word that this next token most likely becomes, without a space before it.

        The likeliest token is added until one begins with something that does not belong to the word, such as a space. A
        word of more than `MOST_PIECES` more tokens ends with "…". A token that begins no word is returned as it is.
        """
        text = piece.text
        if not _BEGINS_WORD.fullmatch(text):
            return text
        ids = [token.id for token in self._trace_of(opening).tokens] + [piece.id]
        for _ in range(MOST_PIECES):
            if self.gpt.context_length is not None and len(ids) > self.gpt.context_length:
                break
            following, _ = self.gpt.trace(ids).top(1)[0]
            part = _length_in_word(following)
            text += following.text[:part]
            if part == 0 or part < len(following.text):
                return text.strip()
            ids.append(following.id)
        return f"{text.strip()}…"

    def share(self, opening: int, word: str) -> float:
        """Returns the probability that the model continues with this word."""
        probability: float = self._rate(opening, word)["share"]
        return probability

    def _has_source(self) -> bool:
        return True

    def _fill(self) -> None:
        self._openings = self._texts

    def _trace_of(self, opening: int) -> Trace:
        index = check_index(opening, len(self._texts), "opening")
        if index not in self._traces:
            self._traces[index] = self.gpt.trace(self._texts[index])
        return self._traces[index]

    def _rate(self, opening: int, word: str) -> dict[str, Any]:
        """Returns the word's tokens after the opening, and the product of their probabilities."""
        if not isinstance(word, str) or not word.strip() or len(word) > LONGEST:
            raise fail(f"a word of at most {LONGEST} characters", f"{word!r:.80}", "Type one word.", WrongType)
        read = word_after(self.gpt, self._trace_of(opening).text, word)
        return {"word": word.strip(), "pieces": [describe(token) for token in read.tokens], "share": read.probability}

    def _answer_shares(self, opening: int, words: list[str]) -> list[dict[str, Any]]:
        if len(words) > MOST_WORDS:
            raise fail(f"at most {MOST_WORDS} words", f"{len(words)}", "Take some away.")
        return [self._rate(opening, word) for word in words]

    def _answer_likeliest(self, opening: int) -> list[dict[str, Any]]:
        return [
            {"pieces": [describe(token)], "share": share, "word": self.word(opening, token)}
            for token, share in self.likeliest(opening)
        ]

    def _page_questions(self) -> Iterator[PageQuestion]:
        yield from (("likeliest", {"opening": i}) for i in range(len(self._texts)))

    def _shapes(self) -> list[still.Shape]:
        return [still.words(f"{text} …", 16) for text in self._texts]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each guess: opening, word, and the model's probability of it."""
        return [
            {"opening": self._texts[i], "word": word, "probability": self.share(i, word)}
            for i, words in enumerate(self.guesses)
            for word in words
        ]


def _length_in_word(token: Token) -> int:
    """Returns how many characters of a token go on with the word before it."""
    match = _GOES_ON.match("" if token.special else token.text)
    return 0 if match is None else match.end()
