"""The tokenizer: byte-level BPE of 4,096 entries, trained on the books and the tasks; it puts a start token first.

Byte-pair encoding: Sennrich et al. 2016; on bytes: Radford et al. 2019. The words of the tasks are single tokens.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import tasks
from clean import books
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from words import SINGLE

START = "<|endoftext|>"
ENTRIES = 4096


def train(folder: Path) -> PreTrainedTokenizerFast:
    """Learn the merges from the books of a folder and from drawn tasks."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=ENTRIES,
        special_tokens=[START],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(_texts(folder), trainer)
    start = backend.token_to_id(START)
    backend.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{START} $A", special_tokens=[(START, start)]),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=START,
        eos_token=START,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


def _texts(folder: Path) -> Iterator[str]:
    yield from books(folder)
    rng = random.Random(0)
    yield from (tasks.draw(rng) for _ in range(20_000))
    for word in SINGLE:  # often enough that its merges are learnt before rarer ones
        yield f" {word}" * 700


def split_words(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The words of the tasks that are not one token."""
    return [w for w in SINGLE if len(tokenizer(f" {w}", add_special_tokens=False)["input_ids"]) != 1]
