"""Draws the batches of training: rows of books, tasks and repeated random tokens, with a weight for every token.

Induction heads form on the repeated random tokens (Olsson et al. 2022). In the loss, predictable tokens weigh more than
unpredictable ones: see ANSWER, QUESTION and FIRST.
"""

import math
import random
from collections.abc import Mapping, Sequence

import tasks
import torch
from torch import Tensor

ROWS = 16
MIX = (4, 3, 1)  # eighths of a batch: books, tasks, repeats
ANSWER, QUESTION, FIRST = 3.0, 0.3, 0.1  # loss weights: a task's answer, its question, random tokens that come first
Share = Mapping[str, float]  # how often each task is drawn, relative to the others
Row = tuple[Tensor, Tensor]  # token ids and their weights in the loss


class Batches:
    """Draws batches from one seed. texts: the books. mix: how many eighths of a batch are books, tasks and repeats."""

    def __init__(self, tokenizer, texts: list[str], seed: int, mix: Sequence[int] = MIX, share: Share = tasks.SHARE):
        self._tokenizer, self._start = tokenizer, tokenizer.bos_token_id
        self._mix, self._share = mix, share
        self._rng = random.Random(seed)
        self._books = [torch.tensor(self._ids([text])[0]) for text in texts]
        self._sizes = [len(ids) for ids in self._books]
        self._texts: list[list[tuple[int, float]]] = []  # of tasks, not used yet

    def batch(self, length: int, rows: int = ROWS) -> Row:
        """Returns ids and weights, (rows, length) each. Every other repeat consists of pairs."""
        books, texts, repeats = (rows * eighths // 8 for eighths in self._mix)
        kinds = [self.book] * books + [self.task] * texts + [(self.repeat, self.pairs)[i % 2] for i in range(repeats)]
        ids, weights = zip(*(draw_row(length) for draw_row in kinds), strict=True)
        return torch.stack(ids), torch.stack(weights)

    def book(self, length: int) -> Row:
        """Returns a passage of one book. A book is chosen in proportion to its length."""
        ids = self._rng.choices(self._books, self._sizes)[0]
        begin = self._rng.randrange(len(ids) - length)
        return self._with_start(ids[begin : begin + length], torch.ones(length))

    def task(self, length: int) -> Row:
        """Returns task texts, one after the other, each after a start token. The row may end within the last one."""
        row: list[tuple[int, float]] = []
        while len(row) < length:
            if not self._texts:
                self._texts = self._draw_tasks()
            row += self._texts.pop()
        return torch.tensor([id for id, _ in row[:length]]), torch.tensor([weight for _, weight in row[:length]])

    def _draw_tasks(self, count: int = 200) -> list[list[tuple[int, float]]]:
        """Draws `count` texts. Each is a list with the id and the weight of every token."""
        texts = []
        for _ in range(count):
            name, samples = tasks.draw_samples(self._rng, self._share)
            question, answer = (QUESTION, ANSWER) if name in tasks.EXACT else (1.0, 1.0)
            parts = [(self._tokenizer.bos_token, 1.0)]
            for sample in samples:
                parts += [(sample.prompt, question), (sample.answer, answer), (sample.rest, 1.0)]
            rows = self._ids([text for text, _ in parts])
            texts.append([(id, weight) for ids, (_, weight) in zip(rows, parts, strict=True) for id in ids])
        return texts

    def repeat(self, length: int) -> Row:
        """Returns random tokens that repeat with a random period. The first period has the weight FIRST."""
        # Short periods are as frequent as long ones, because a sequence that repeats many times is learned sooner.
        period = round(math.exp(self._rng.uniform(math.log(4), math.log(length // 2))))
        tokens = self._random_tokens(period)
        weights = torch.ones(length)
        weights[:period] = FIRST
        return self._with_start(tokens.repeat(length // period + 1)[:length], weights)

    def pairs(self, length: int) -> Row:
        """Returns pairs of random tokens, repeated in a new order each time. Either token of a pair may come first.

        Only the token just before predicts the second token of a pair, so a head must look back exactly one position.
        The first time, a few tokens separate the two, the same for all pairs of a row, as "is in the" separates a name
        from a place. When the pair comes again in reverse order, the model must find the name from the place.
        """
        count, between = self._rng.randint(4, length // 8), self._random_tokens(self._rng.randint(0, 4))
        pairs = self._random_tokens(2 * count).view(count, 2)
        told = torch.cat([pairs[:, :1], between.expand(count, -1), pairs[:, 1:]], 1).flatten()
        rounds = length // (2 * count) + 1
        order = [index for _ in range(rounds) for index in self._rng.sample(range(count), count)]
        is_reversed = torch.tensor([self._rng.random() < 0.5 for _ in order])
        repeated = torch.where(is_reversed[:, None], pairs[order].flip(1), pairs[order]).flatten()
        weights = torch.full((len(told) + len(repeated),), FIRST)
        weights[len(told) + 1 :: 2] = 1.0  # only the second token of a repeated pair is predictable
        return self._with_start(torch.cat([told, repeated])[:length], weights[:length])

    def _random_tokens(self, count: int) -> Tensor:
        return torch.tensor([self._rng.randrange(1, len(self._tokenizer)) for _ in range(count)], dtype=torch.long)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

    def _with_start(self, ids: Tensor, weights: Tensor) -> Row:
        """Puts the start token first, and drops the last token so that the length stays the same."""
        return torch.cat([torch.tensor([self._start]), ids[:-1]]), torch.cat([torch.ones(1), weights[:-1]])
