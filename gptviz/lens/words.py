"""The probability of a whole word after a text: the product of the probabilities of its tokens.

The probability of a token is the one that it has after the text and the earlier tokens of the word. A model can also write
the same word in other tokens; their probability is not added, because the tokenizer never splits the word in that way.
"""

import math
from dataclasses import dataclass

from gptviz.errors import OutOfRange, WrongType, fail
from gptviz.text.tokens import Token
from gptviz.trace.runnable import RunnableModel, check_decoder_only


@dataclass(frozen=True)
class WordAfter:
    """A word after a text. tokens: those of the word there. probabilities: of each, after all before it."""

    tokens: tuple[Token, ...]
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        """The probability that the text goes on with exactly these tokens."""
        return math.prod(self.probabilities)


def word_after(gpt: RunnableModel, prompt: str, word: str) -> WordAfter:
    """Returns the tokens and the probabilities of a word after a text, in one pass; see `word_probability`."""
    check_decoder_only(gpt)
    for text, name in ((prompt, "prompt"), (word, "word")):
        if not isinstance(text, str) or not text.strip():
            raise fail(f"a {name} as text", f"{text!r:.80}", 'For example "The king is called" and "Orlan".', WrongType)
    before = gpt.encode(prompt)
    trace = gpt.trace(prompt + word.strip() if prompt[-1].isspace() else f"{prompt} {word.strip()}")
    ids = [token.id for token in trace.tokens]
    if ids[: len(before)] != before or len(ids) == len(before):
        raise fail("a word that can come next", f"{word!r}", "Type another word.", OutOfRange)
    positions = range(len(before), len(ids))
    return WordAfter(trace.tokens[len(before) :], tuple(float(trace.probabilities(i - 1)[ids[i]]) for i in positions))


def word_probability(gpt: RunnableModel, prompt: str, word: str) -> float:
    """Returns the probability that a text goes on with a word, or with several words.

    prompt: a text; the word follows after a space, unless the text ends in white space. The result is the product over the tokens
    that the word has there, each given all before it. Raises WrongType for what is no text, and OutOfRange for a word that
    changes the tokens of the text before it.
    """
    return word_after(gpt, prompt, word).probability
