"""Measures of the listener, one function each: the words that it hears, and where its heads look while it writes them.

The synthesiser says when each word begins and ends, so a moment that a head looks at can be right or wrong.
"""

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import WhisperForConditionalGeneration, WhisperProcessor
from utterances import LONGEST

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from eager import eager_attention

IGNORED = -100  # transformers leaves such a label out of its loss
SLACK = 0.05  # seconds before and after a word that count as the word
_PREFIX = 2  # tokens that a text begins with
_CHUNK = 64


class Heard(NamedTuple):
    """Sounds as the model reads them, and what is said in them.

    features: (N, mels, frames). words: of each sound. starts: see `Spoken`.
    """

    features: Tensor
    words: Sequence[tuple[str, ...]]
    starts: Sequence[tuple[float, ...]]

    def part(self, indices: Sequence[int]) -> "Heard":
        """Returns some of the sounds."""
        return Heard(
            self.features[torch.tensor(list(indices))],
            [self.words[i] for i in indices],
            [self.starts[i] for i in indices],
        )


def labels_of(processor: WhisperProcessor, words: Sequence[tuple[str, ...]]) -> Tensor:
    """Returns what must be written after the start token, (N, T), padded with IGNORED."""
    rows = [processor.tokenizer(" ".join(each))["input_ids"][1:] for each in words]
    longest = max(map(len, rows))
    return torch.tensor([row + [IGNORED] * (longest - len(row)) for row in rows])


@torch.no_grad()
def transcripts(
    model: WhisperForConditionalGeneration, processor: WhisperProcessor, features: Tensor
) -> list[tuple[str, ...]]:
    """Returns the words that the model writes for each sound, the likeliest token at each step."""
    config, start, written = model.config, torch.tensor([processor.tokenizer.prefix_tokens]), []
    for chunk in features.split(_CHUNK):
        states = model.get_encoder()(chunk)
        ids = start.repeat(len(chunk), 1)
        for _ in range(config.max_target_positions - start.shape[1]):
            logits = model(encoder_outputs=states, decoder_input_ids=ids, use_cache=False).logits
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
            if (ids == config.eos_token_id).any(1).all():
                break
        written += ids.tolist()
    ended = [row[: row.index(config.eos_token_id)] if config.eos_token_id in row else row for row in written]
    return [tuple(processor.tokenizer.decode(row, skip_special_tokens=True).split()) for row in ended]


def word_errors(heard: Sequence[str], spoken: Sequence[str]) -> int:
    """Returns the smallest number of words to insert, delete or replace so that what was heard becomes what was spoken."""
    row = list(range(len(spoken) + 1))
    for number, word in enumerate(heard, 1):
        before, row = row, [number]
        for index, other in enumerate(spoken):
            row.append(min(before[index + 1] + 1, row[index] + 1, before[index] + (word != other)))
    return row[-1]


def word_error_rate(model: WhisperForConditionalGeneration, processor: WhisperProcessor, sounds: Heard) -> float:
    """Returns the errors of all sounds, divided by the number of words that were spoken."""
    written = transcripts(model, processor, sounds.features)
    errors = sum(word_errors(heard, spoken) for heard, spoken in zip(written, sounds.words, strict=True))
    return errors / sum(map(len, sounds.words))


@torch.no_grad()
def seconds_looked_at(model: WhisperForConditionalGeneration, processor: WhisperProcessor, sounds: Heard) -> np.ndarray:
    """Returns the second that each head looks at most while each word is written: (words of all sounds, layers, heads)."""
    results = []
    with eager_attention(model):
        for begin in range(0, len(sounds.words), _CHUNK):
            words = sounds.words[begin : begin + _CHUNK]
            features = sounds.features[begin : begin + _CHUNK]
            out = model(features, labels=labels_of(processor, words), output_attentions=True)
            maps = torch.stack(out.cross_attentions, 1)  # (B, layers, heads, T, frames)
            middles = (maps.argmax(-1) + 0.5) * (LONGEST / maps.shape[-1])
            results += [middles[i, :, :, _PREFIX - 1 + k] for i, each in enumerate(words) for k in range(len(each))]
    return torch.stack(results).numpy()


def is_inside(seconds: np.ndarray, sounds: Heard) -> np.ndarray:
    """Returns whether the seconds of `seconds_looked_at` are within their words, give or take SLACK."""
    begin, end = _bounds(sounds)
    return (seconds >= begin[:, None, None] - SLACK) & (seconds <= end[:, None, None] + SLACK)


def share_of_time(sounds: Heard) -> float:
    """Returns how often a moment that is drawn at random would be within its word."""
    begin, end = _bounds(sounds)
    return float(np.mean(np.minimum(end + SLACK, LONGEST) - np.maximum(begin - SLACK, 0.0)) / LONGEST)


def _bounds(sounds: Heard) -> tuple[np.ndarray, np.ndarray]:
    """Returns when each word of all sounds begins and ends, in seconds."""
    bounds = [bound for starts in sounds.starts for bound in pairwise(starts)]
    return np.array([begin for begin, _ in bounds]), np.array([end for _, end in bounds])
