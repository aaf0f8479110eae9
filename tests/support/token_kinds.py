"""Small tokenizers of the kinds that there are, which differ in what their decoders do. No test needs a download.

Each knows TEXT without unknown tokens. KINDS has the eight kinds that most models use; MORE has tokenizers that are written
in Python, one that marks spaces in another way, and one whose decoded text is tidied up afterwards. Their vocabularies have
at most VOCAB tokens.
"""

import json
import string
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from families import tokenizer as byte_level
from small_models import strong_gpt2
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import ByT5Tokenizer, CanineTokenizer, CTRLTokenizer, PreTrainedTokenizerFast

TEXT = "the owl playing the old owl"
VOCAB = 907
LETTERS = list(string.ascii_lowercase)


def wrapped(backend: Tokenizer, **keywords: Any) -> PreTrainedTokenizerFast:
    """Returns the transformers tokenizer of a backend."""
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{"clean_up_tokenization_spaces": False, "unk_token": "<unk>"} | keywords
    )


def numbered(pieces: list[str]) -> dict[str, int]:
    """Returns a vocabulary of these pieces in order."""
    return {piece: id for id, piece in enumerate(dict.fromkeys(pieces))}


def joined(merges: list[tuple[str, str]]) -> list[str]:
    return [first + second for first, second in merges]


def byte_fallback(**keywords: Any) -> PreTrainedTokenizerFast:
    """Llama 2's kind: a space before the text, "▁" for spaces, bytes for characters that are not in the vocabulary."""
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he"), ("o", "w"), ("ow", "l"), ("▁", "owl"), ("i", "n"), ("in", "g")]
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), "▁", *LETTERS, *joined(merges)]
    backend = Tokenizer(models.BPE(numbered(pieces), merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return wrapped(backend, **keywords)


def unigram() -> PreTrainedTokenizerFast:
    """T5's and XGLM's kind: the likeliest pieces, with "▁" for spaces."""
    scores = {"<unk>": 0.0, "▁the": -1.0, "▁owl": -2.0, "ing": -3.0, "▁": -4.0} | dict.fromkeys(LETTERS, -6.0)
    backend = Tokenizer(models.Unigram(list(scores.items()), unk_id=0))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return wrapped(backend)


def wordpiece(**keywords: Any) -> PreTrainedTokenizerFast:
    """BERT's kind: words joined by spaces, and "##" before what continues a word."""
    pieces = ["[UNK]", "[SEP]", "the", "owl", "play", "##ing", *LETTERS, *(f"##{c}" for c in LETTERS), ".", "'", ","]
    backend = Tokenizer(models.WordPiece(numbered(pieces), unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.decoder = decoders.WordPiece(cleanup=False)
    return wrapped(backend, **{"unk_token": "[UNK]"} | keywords)


def wordlevel() -> PreTrainedTokenizerFast:
    """Whole words, without a decoder: transformers joins them by spaces. Its stop strings need the word "abcdef"."""
    backend = Tokenizer(models.WordLevel(numbered(["<unk>", *TEXT.split(), "a", "abcdef"]), unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return wrapped(backend)


def word_ends() -> PreTrainedTokenizerFast:
    """The first GPT's kind: "</w>" where a word ends."""
    merges = [("t", "h"), ("th", "e</w>"), ("o", "w"), ("ow", "l</w>"), ("i", "n"), ("in", "g</w>")]
    merges += [("l", "d</w>"), ("o", "ld</w>")]
    pieces = ["<unk>", *LETTERS, *(f"{c}</w>" for c in LETTERS), *joined(merges)]
    backend = Tokenizer(models.BPE(numbered(pieces), merges, unk_token="<unk>", end_of_word_suffix="</w>"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.WhitespaceSplit(), decoders.BPEDecoder("</w>")
    return wrapped(backend)


def word_continues() -> CTRLTokenizer:
    """CTRL's kind, written in Python: "@@" where a word goes on."""
    merges = ["t h", "th e</w>", "o w", "ow l</w>", "p l", "pl a", "pla y", "i n", "in g</w>"]
    merges += ["l d</w>", "o ld</w>"]
    pieces = ["<unk>", "the", "owl", "old", "play@@", "ing", *LETTERS, *(f"{c}@@" for c in LETTERS)]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, table = Path(folder, "vocab.json"), Path(folder, "merges.txt")
        vocabulary.write_text(json.dumps(numbered(pieces)))
        table.write_text("\n".join(["#version: 0.2", *merges, ""]))
        return CTRLTokenizer(str(vocabulary), str(table))


def characters() -> PreTrainedTokenizerFast:
    """A token for each character."""
    pieces = ["<unk>", " ", *LETTERS, *string.ascii_uppercase, *".,'!éğ中🦉"]
    backend = Tokenizer(models.BPE(numbered(pieces), [], unk_token="<unk>"))
    backend.decoder = decoders.Fuse()
    return wrapped(backend)


def other_marks() -> PreTrainedTokenizerFast:
    """ "_" for spaces, and bytes for characters that are not in the vocabulary."""
    merges = [("_", "t"), ("h", "e"), ("_t", "he"), ("o", "w"), ("ow", "l"), ("_", "owl"), ("i", "n"), ("in", "g")]
    pieces = ["<unk>", *(f"<0x{b:02X}>" for b in range(256)), "_", *LETTERS, *joined(merges)]
    backend = Tokenizer(models.BPE(numbered(pieces), merges, unk_token="<unk>", byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "_")
    backend.decoder = decoders.Sequence([decoders.Replace("_", " "), decoders.ByteFallback(), decoders.Fuse()])
    return wrapped(backend)


def tidied() -> PreTrainedTokenizerFast:
    """Words joined by spaces, which transformers takes away before punctuation and contractions."""
    return wordpiece(clean_up_tokenization_spaces=True)


KINDS: dict[str, Callable[[], Any]] = {
    "byte_level": byte_level,
    "byte_fallback": byte_fallback,
    "unigram": unigram,
    "wordpiece": wordpiece,
    "wordlevel": wordlevel,
    "word_ends": word_ends,
    "word_continues": word_continues,
    "characters": characters,
}
MORE: dict[str, Callable[[], Any]] = {
    "other_marks": other_marks,
    "tidied": tidied,
    "canine": CanineTokenizer,
    "byt5": ByT5Tokenizer,
}


def small_model(**shape: Any) -> Any:
    """Returns a random GPT-2 with a row for every token of these tokenizers, and room for 200 tokens."""
    return strong_gpt2(**{"n_positions": 200, "vocab_size": VOCAB} | shape)


class Says:
    """Makes a model say these ids, in turn, whatever its prompt is. Call `again` before each generation."""

    def __init__(self, model: Any, ids: list[int]):
        self.ids, self.calls = ids, 0
        model.lm_head.register_forward_hook(self._force_token)

    def again(self) -> None:
        """Begins with the first id."""
        self.calls = 0

    def _force_token(self, _module: Any, _args: Any, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.clone()
        logits[..., self.ids[self.calls % len(self.ids)]] = 1e4
        self.calls += 1
        return logits
