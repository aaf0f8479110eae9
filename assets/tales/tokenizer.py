"""Learns the tokenizer from the books and the tasks: byte-level BPE with 4,096 entries, which adds a start token.

Byte-pair encoding: Sennrich et al. 2016. It works on bytes, so that decoding always gives the original text back
(Radford et al. 2019). Each word of the tasks is one token after a space, and each name also at the beginning of a text.

    python tokenizer.py FOLDER      # the folder with the books; writes tokenizer.json and tokenizer_config.json here
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import country
import tasks
import wordings
import words
from clean import books
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

START = "<|endoftext|>"
CHAT = """{{ bos_token }}
{%- for message in messages %}
  {%- if message['role'] == 'user' %}{{ 'Tom: ' }}
  {%- elif message['role'] == 'assistant' %}{{ 'Mary: ' }}
  {%- else %}{{ raise_exception('a dialogue of tales has the roles user (Tom) and assistant (Mary)') }}
  {%- endif %}
  {{- message['content'] | trim }}{{ '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Mary:' }}
{%- elif messages[-1]['role'] == 'assistant' %}{{ '###' }}
{%- endif %}"""  # messages as a dialogue of tasks.py, which ends with wordings.STOP
ENTRIES = 4096
DRAWN = 20_000  # number of task texts to learn from
REPEATS = 2500  # copies of each listed word: enough for its merges to be chosen before the last merges of the books
_ELIDED = [noun for noun, _ in words.NOUNS.values() if noun[0] in "aeéiou"]  # these follow l' without a space
WHOLE = [f" {word}" for word in sorted({*words.single(), *country.SINGLE})] + [*words.NAMES, *_ELIDED, wordings.STOP]


def train(folder: Path) -> PreTrainedTokenizerFast:
    """Learns the merges from the books of a folder, from drawn tasks and from the listed words."""
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
        chat_template=CHAT,
    )


def _texts(folder: Path) -> Iterator[str]:
    yield from books(folder)
    rng = random.Random(0)
    yield from (tasks.draw(rng) for _ in range(DRAWN))
    for word in WHOLE:  # each on a line of its own, because a name at the beginning of a text has no space before it
        yield from [f"{word}\n"] * REPEATS


def split_words(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Returns the listed words that are not a single token; there should be none."""
    return [word for word in WHOLE if len(tokenizer(word, add_special_tokens=False)["input_ids"]) != 1]


def characters_per_token(tokenizer: PreTrainedTokenizerFast, text: str) -> float:
    """Returns the mean number of characters of a text that one token stands for."""
    return len(text) / len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def main() -> None:
    folder = Path(sys.argv[1])
    tokenizer = train(folder)
    tokenizer.save_pretrained(Path(__file__).resolve().parent, save_jinja_files=False)
    rates = [characters_per_token(tokenizer, text) for text in books(folder, held_out=True)]
    print("listed words that are not a single token:", split_words(tokenizer))
    print("characters per token on the held-out books:", [round(rate, 3) for rate in rates])


if __name__ == "__main__":
    main()
