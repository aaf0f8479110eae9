"""Makes the listener's processor: Whisper's features of three seconds of sound, and a tokenizer whose tokens are words.

The tokenizer is Whisper's, a byte-pair encoding of bytes. Its merges add one letter after the other to the beginning of a
word, so each listed word is one token with its space. A text begins with <|startoftranscript|><|notimestamps|>, as that of
Whisper's English models does (Radford et al. 2022).
"""

from tokenizers import pre_tokenizers
from transformers import WhisperFeatureExtractor, WhisperProcessor, WhisperTokenizer
from utterances import LONGEST, WORDS

MELS = 80
END, START = "<|endoftext|>", "<|startoftranscript|>"
_MARKS = [START, "<|notimestamps|>"]
_SPACE = "Ġ"  # how a byte-level encoding writes a space


def merges() -> list[tuple[str, str]]:
    """Returns the merges: of each beginning of a listed word, with its space, and the letter after it."""
    beginnings = [(f"{_SPACE}{word[:end]}", word[end]) for word in WORDS for end in range(len(word))]
    return list(dict.fromkeys(beginnings))


def word_processor() -> WhisperProcessor:
    """Returns the processor, with which the model and its tokenizer read."""
    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(first + second for first, second in merges()), END]
    tokenizer = WhisperTokenizer(
        {piece: id for id, piece in enumerate(pieces)},
        merges(),
        add_prefix_space=True,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": _MARKS})
    tokenizer.set_prefix_tokens(predict_timestamps=False)
    return WhisperProcessor(WhisperFeatureExtractor(feature_size=MELS, chunk_length=int(LONGEST)), tokenizer)
