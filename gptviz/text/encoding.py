"""A text's token ids, whatever else is being done with its tokenizer meanwhile.

A fast tokenizer keeps the padding and the length limit of its latest call, and another thread can set them between our
call and its answer. An encoding shows both, so it is asked for again; in the end from a copy that nobody else has.
"""

import copy
from typing import Any

from gptviz.errors import GPTVizError, fail

_ASKED = 3  # times, before a copy is made


def encode(
    tokenizer: Any, text: str, add_special_tokens: bool | None = None, target: bool = False
) -> tuple[list[int], Any]:
    """Returns the ids of a text, and the fast tokenizer's `Encoding` of it, which is None for one written in Python.

    add_special_tokens: None for the tokenizer's own default. target: whether an encoder-decoder is to write the text, whose
    tokenizer may have other tokens for that. Raises GPTVizError for a text that the tokenizer cannot read.
    """
    keywords: dict[str, Any] = {} if add_special_tokens is None else {"add_special_tokens": add_special_tokens}
    texts = () if target else (text,)
    keywords |= {"text_target": text} if target else {}
    try:
        text.encode()
        for _ in range(_ASKED):
            result = tokenizer(*texts, verbose=False, **keywords)
            encoding = result.encodings[0] if getattr(result, "encodings", None) else None
            if encoding is None or _is_whole(encoding):
                return _ids_of(result), encoding
        result = copy.deepcopy(tokenizer)(*texts, verbose=False, **keywords)
        return _ids_of(result), result.encodings[0]
    except UnicodeEncodeError as error:
        raise fail("text that can be written in UTF-8", f"a lone surrogate at {error.start}", "Remove it.") from error
    except BaseException as error:
        if not is_failure(error):
            raise
        kind = type(tokenizer).__name__
        got = f"{text!r:.60}, for which {kind} raises {type(error).__name__}: {error}"
        raise fail("a text that the tokenizer can read", got, "Leave out characters that it does not know.") from error


def is_failure(error: BaseException) -> bool:
    """Returns whether an error means that a tokenizer failed: an exception or a panic of its Rust code, no interrupt.

    A panic is a BaseException, and its class cannot be imported.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def is_read_as(tokenizer: Any, text: str, ids: list[int], add_special_tokens: bool | None = None) -> bool:
    """Returns whether the tokenizer reads a text as these ids."""
    try:
        return encode(tokenizer, text, add_special_tokens)[0] == ids
    except GPTVizError:
        return False


def _is_whole(encoding: Any) -> bool:
    return not encoding.overflowing and 0 not in encoding.attention_mask


def _ids_of(result: Any) -> list[int]:
    ids = list(result["input_ids"])
    if None in ids:  # from a tokenizer written in Python that has no unknown token
        raise ValueError("a part of it is no token")
    return ids
