"""Small models with random weights, and tokenizers that are learned from texts: where pre-training begins."""

from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from gptviz.checks import check_choice, check_count, short
from gptviz.errors import WrongType, fail
from gptviz.training.random_numbers import random_numbers

END = "<end>"  # between two texts
# Layers, heads, and the width of the residual stream.
SIZES = {"tiny": (2, 4, 64), "small": (4, 4, 128), "medium": (6, 8, 256)}
POSITIONS = ("rotary", "learned")
MOST_PARAMETERS = 1_000_000_000
SMALLEST_VOCABULARY, LARGEST_VOCABULARY = 257, 1_000_000
Size = str | tuple[int, int, int]  # a name among SIZES, or layers, heads and width


def shape_of(size: Size) -> tuple[int, int, int]:
    """Returns layers, heads and width. Raises GPTVizError for an unknown name, and for a width that the heads cannot share."""
    if isinstance(size, str):
        return SIZES[check_choice(size, SIZES, "size")]
    if not isinstance(size, Sequence) or len(size) != 3:
        raise fail("a size as (layers, heads, width)", short(size), "For example size=(2, 4, 64).", WrongType)
    layers, heads, width = (
        check_count(number, name) for number, name in zip(size, ("layers", "heads", "width"), strict=True)
    )
    if width % (2 * heads):
        remedy = "Each head needs an even part of the width, for example (2, 4, 64)."
        raise fail("a width of which each head has an even part", f"{short(heads)} heads, {short(width)} wide", remedy)
    if (parameters := 12 * layers * width**2) > MOST_PARAMETERS:
        got = f"about {short(parameters)}"
        raise fail(
            f"at most {MOST_PARAMETERS:,} parameters in the blocks", got, "Give fewer layers, or a smaller width."
        )
    return layers, heads, width


def random_model(size: Size, positions: str, vocabulary: int, context: int, seed: int) -> PreTrainedModel:
    """Creates a model with random weights.

    size: "tiny" (2 layers, 64 wide), "small" (4, 128) or "medium" (6, 256), or (layers, heads, width). positions:
    "rotary" (Llama's architecture, in which attention turns queries and keys by their positions) or "learned" (GPT-2's,
    which adds a row of a table). context: the most tokens that it reads. The same seed gives the same weights.
    """
    check_choice(positions, POSITIONS, "kind of positions")
    layers, heads, width = shape_of(size)
    no_ids: Any = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    with random_numbers(seed):
        if positions == "rotary":
            return LlamaForCausalLM(
                LlamaConfig(
                    vocab_size=vocabulary, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
                    num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=context, **no_ids,
                )
            ).eval()  # fmt: skip
        return GPT2LMHeadModel(
            GPT2Config(vocab_size=vocabulary, n_embd=width, n_layer=layers, n_head=heads, n_positions=context, **no_ids)
        ).eval()


def learn_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerBase:
    """Learns a byte-level BPE tokenizer (as GPT-2's) from texts; every text can be written with it.

    vocabulary: how many tokens it has, at most; at least 257, one for each byte and one for the end of a text. Raises
    GPTVizError for fewer.
    """
    check_count(vocabulary, "vocabulary", SMALLEST_VOCABULARY, LARGEST_VOCABULARY)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=alphabet, special_tokens=[END], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
