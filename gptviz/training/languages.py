"""Synthetic languages: rules that make endless token sequences, for which it is known what can be learned.

Each is a `Language`: a tokenizer and a rule that makes a batch from a generator of random numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from gptviz.checks import check_count, short
from gptviz.errors import fail

SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
LONGEST = 100_000  # tokens in a text that is learned
UNKNOWN = "<unknown>"  # every character that is no symbol of the language


@dataclass(frozen=True)
class Language:
    """A rule that makes token sequences.

    name: what it is called. symbols: its tokens, one character each, in the order of their ids. length: tokens in a
    sequence. make: makes a batch of ids, (batch, length), from a number of sequences and a torch.Generator. example: the
    beginning of a sequence, after which the rule says something about what comes next.
    """

    name: str
    symbols: str
    length: int
    make: Callable[[int, torch.Generator], Tensor]
    example: str = ""

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Creates the language's tokenizer: each symbol is a token."""
        return tokenizer_of_symbols(self.symbols)


def repeats(length: int = 64, shortest: int = 3, longest: int | None = None, symbols: int = 64) -> Language:
    """Returns the language of sequences that repeat: random symbols, which come again and again in the same order.

    length: tokens in a sequence. shortest, longest: the period is drawn evenly between these, both included; None for half
    of the length. symbols: how many there are, at most 64. After the first period each token follows from what is already
    there: a model that looks for the last place where the present token stood, and copies what came next, makes no
    mistake. A head that does so is an induction head (Olsson et al. 2022, "In-context Learning and Induction Heads").

    Raises WrongType or GPTVizError for numbers that make no such sequence.
    """
    length, symbols = check_count(length, "length", most=LONGEST), check_count(symbols, "symbols")
    shortest = check_count(shortest, "shortest")
    longest = length // 2 if longest is None else check_count(longest, "longest")
    if not shortest <= longest < length:
        got = f"shortest={short(shortest)}, longest={short(longest)}, length={length}"
        raise fail("periods from shortest to longest, below the length", got, "Make the sequences longer.")
    if symbols > len(SYMBOLS):
        raise fail(f"at most {len(SYMBOLS)} symbols", short(symbols), f"These are: {SYMBOLS}")

    def make(count: int, generator: torch.Generator) -> Tensor:
        periods = torch.randint(shortest, longest + 1, (count, 1), generator=generator)
        random = torch.randint(symbols, (count, length), generator=generator)
        return random.gather(1, torch.arange(length) % periods)

    period = min(max(shortest, 7), longest)
    beginning = [SYMBOLS[(i * 11 + 7) % symbols] for i in range(period)]
    example = "".join(beginning[i % period] for i in range(min(2 * period + 3, length - 1)))
    return Language("repeats", SYMBOLS[:symbols], length, make, example)


def brackets(length: int = 64, kinds: int = 3) -> Language:
    """Returns the language of brackets that close in the right order, such as `([]{})`.

    length: tokens in a sequence, an even number. kinds: of brackets, from 1 to 3. A sequence opens a bracket of a random kind or
    closes the one that was opened last, each with probability one half where both are possible; in the end all are closed.
    What closes a bracket is certain once its partner is found, however far back it is.

    Raises WrongType or GPTVizError for an odd length or another number of kinds.
    """
    length, kinds = check_count(length, "length", most=LONGEST), check_count(kinds, "kinds")
    if length % 2 or kinds > 3:
        raise fail(
            "an even length and at most 3 kinds",
            f"length={length}, kinds={short(kinds)}",
            "Each bracket has a partner.",
        )
    symbols = "([{"[:kinds] + ")]}"[:kinds]

    def make(count: int, generator: torch.Generator) -> Tensor:
        opens = torch.rand(count, length, generator=generator) < 0.5
        kind = torch.randint(kinds, (count, length), generator=generator)
        return torch.tensor([_sequence(*row, kinds) for row in zip(opens.tolist(), kind.tolist(), strict=True)])

    return Language("brackets", symbols, length, make, symbols[:kinds])


def _sequence(opens: list[bool], kind: list[int], kinds: int) -> list[int]:
    """Returns one sequence of brackets. opens: whether to open one where both are possible. kind: of what is opened."""
    ids: list[int] = []
    unclosed: list[int] = []
    for count, wish in enumerate(opens):
        left = len(opens) - count
        if not unclosed or (wish and len(unclosed) < left):
            unclosed.append(kind[count])
            ids.append(kind[count])
        else:
            ids.append(kinds + unclosed.pop())
    return ids


def tokenizer_of_symbols(symbols: str) -> PreTrainedTokenizerBase:
    """Creates a tokenizer whose tokens are these characters; every other character is one special token."""
    vocabulary = {symbol: id for id, symbol in enumerate([*symbols, UNKNOWN])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNKNOWN)
