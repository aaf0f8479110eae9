"""Measures of the translator, one function each: what it translates, where its heads look, and what a word depends on.

A row of a cross-attention map is read where the decoder writes a word: at the token before it. The grammar says which English
word each French word translates, so what a head looks at can be right or wrong. The same weights give the same figures.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from grammar import Pair
from lexicon import UNKNOWN
from rows import IGNORED, rows_of
from torch import Tensor
from transformers import M2M100ForConditionalGeneration, PreTrainedTokenizerBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from eager import eager_attention

_CHUNK = 64  # sentences in a batch


def _chunks(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    return (pairs[i : i + _CHUNK] for i in range(0, len(pairs), _CHUNK))


@torch.no_grad()
def exact(model: M2M100ForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair]) -> float:
    """Returns the share of sentences that the model translates word for word, when it writes its likeliest token each time.

    It writes exactly the right sentence if, after each beginning of that sentence, the next right token is the likeliest.
    """
    right = 0
    for chunk in _chunks(pairs):
        rows = rows_of(tokenizer, chunk)
        best = model(
            rows.source, attention_mask=rows.mask, decoder_input_ids=rows.target, use_cache=False
        ).logits.argmax(-1)
        right += int(((best == rows.labels) | (rows.labels == IGNORED)).all(-1).sum())
    return right / len(pairs)


class Word(NamedTuple):
    """A French word of a sentence that is no full stop, and the English word that it translates.

    sentence: index of its pair. at: its own index. source: that of the English word. word_class: such as "noun".
    """

    sentence: int
    at: int
    source: int
    word_class: str


def words_of(pairs: Sequence[Pair]) -> list[Word]:
    """Returns all French words of some pairs, without full stops."""
    return [
        Word(number, at, source, word_class)
        for number, pair in enumerate(pairs)
        for at, (source, word_class) in enumerate(zip(pair.source, pair.classes, strict=True))
        if word_class != "stop"
    ]


@torch.no_grad()
def looks_right(
    model: M2M100ForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair]
) -> Tensor:
    """Returns whether each head looks most at the right word while a word is written, (words, layers, heads); see `words_of`."""
    results = []
    with eager_attention(model):
        for chunk in _chunks(pairs):
            rows = rows_of(tokenizer, chunk)
            out = model(
                rows.source,
                attention_mask=rows.mask,
                decoder_input_ids=rows.target,
                use_cache=False,
                output_attentions=True,
            )
            looked = torch.stack(out.cross_attentions, 1).argmax(-1)  # (B, layers, heads, T)
            results += [looked[word.sentence, :, :, word.at] == word.source for word in words_of(chunk)]
    return torch.stack(results)


class Effects(NamedTuple):
    """By how much a word's probability falls when an English word is taken away, for each word of `words_of`.

    own: the English word that it translates. others: the mean over the other English words. most: the largest of these.
    """

    own: Tensor
    others: Tensor
    most: Tensor


@torch.no_grad()
def effects(
    model: M2M100ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    hidden: bool = False,
) -> Effects:
    """Takes each English word away and measures how the probability of each right French word falls.

    hidden: the decoder cannot look at the word, which the encoder has read; otherwise the encoder reads an unknown word in
    its place.
    """
    results = []
    for pair in pairs:
        count = len(pair.english) - (pair.classes[-1] == "stop")  # the words that are taken away, one in each row
        rows = rows_of(tokenizer, [pair])
        source, mask = rows.source.repeat(count + 1, 1), rows.mask.repeat(count + 1, 1)
        taken = torch.arange(count)
        (mask if hidden else source)[taken, taken] = 0 if hidden else _unknown_id(tokenizer)
        states = model.get_encoder()(source, attention_mask=rows.mask.expand_as(mask)).last_hidden_state
        target = rows.target.expand(count + 1, -1)
        logits = model(encoder_outputs=(states,), attention_mask=mask, decoder_input_ids=target, use_cache=False).logits
        probabilities = logits.softmax(-1).gather(-1, rows.labels.expand(count + 1, -1)[..., None])[..., 0]
        falls = probabilities[-1] - probabilities[:-1]  # (words that are taken away, T)
        for word in words_of([pair]):
            others = torch.cat([falls[: word.source, word.at], falls[word.source + 1 :, word.at]])
            results.append(torch.stack([falls[word.source, word.at], others.mean(), others.max()]))
    return Effects(*torch.stack(results).unbind(1))


def _unknown_id(tokenizer: PreTrainedTokenizerBase) -> int:
    (id,) = tokenizer(UNKNOWN, add_special_tokens=False)["input_ids"]
    return id


@torch.no_grad()
def translations(
    model: M2M100ForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, sentences: Sequence[str]
) -> list[str]:
    """Returns what the model writes for each English sentence, the likeliest token at each step."""
    both = tokenizer(list(sentences), padding=True, return_tensors="pt")
    written = model.generate(**both, max_new_tokens=2 * both["input_ids"].shape[1], do_sample=False, num_beams=1)
    return tokenizer.batch_decode(written, skip_special_tokens=True)
