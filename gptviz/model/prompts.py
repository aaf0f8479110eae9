"""Reads a prompt of any kind: a text, chat messages, token ids as Python, NumPy or torch hold them, tokens of another trace."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gptviz.errors import WrongType, fail
from gptviz.text.decoding import Decoding
from gptviz.text.encoding import encode
from gptviz.text.messages import is_chat
from gptviz.text.reading import Reading, read_ids, read_messages, read_tokens
from gptviz.text.tokens import Token


def read_prompt(tokenizer: Any, decoding: Decoding, prompt: Any, add_special_tokens: bool | None) -> Reading:
    """Returns a prompt of any kind as the model reads it; see `GPT.encode`."""
    if not (add_special_tokens is None or isinstance(add_special_tokens, bool)):
        got = f"{add_special_tokens!r}"
        raise fail("add_special_tokens=True, False or None", got, "None is the tokenizer's own default.", WrongType)
    if isinstance(prompt, str):
        return read_ids(encode(tokenizer, prompt, add_special_tokens)[0])
    if not is_chat(prompt):
        return read_tokens(tokenizer, _as_ids(prompt))
    if add_special_tokens:
        remedy = "Leave it out: the model's chat template writes the special tokens."
        raise fail("no add_special_tokens with messages", "add_special_tokens=True", remedy, WrongType)
    return read_messages(tokenizer, decoding, prompt)


def fitted(
    reading: Reading, limit: int | None, name: str, is_special: Callable[[int], bool], truncate: str | None, room: int
) -> Reading:
    """Returns a prompt that fits into a context of `limit` tokens, None for any; see `GPT.encode`. name: of the model."""
    if truncate not in (None, "left"):
        raise fail('truncate="left" or None', f"{truncate!r}", 'Write truncate="left" to keep the end of the prompt.')
    count = len(reading.ids)
    if limit is None or count <= limit:
        return reading
    if truncate is None:
        raise fail(
            f"a prompt of at most {limit:,} tokens, the context of {name}",
            f"{count:,} tokens",
            'Shorten it, or write truncate="left" to keep its end.',
            code="prompt_too_long",
            limit=limit,
            tokens=count,
            model=name,
        )
    limit -= min(room, limit // 2)
    kept = min(next((i for i, id in enumerate(reading.ids) if not is_special(id)), 0), limit - 1)
    return reading.kept([*range(kept), *range(count - (limit - kept), count)])


def _as_ids(prompt: Any) -> list[Token | int]:
    """Returns token ids from a list, tuple, array or tensor of whole numbers with one dimension; tokens stay as they are."""
    if isinstance(prompt, torch.Tensor):
        if prompt.is_floating_point() or prompt.is_meta or prompt.layout is not torch.strided:
            got = f"a tensor of dtype {prompt.dtype}, {prompt.layout}, on {prompt.device}"
            raise fail("token ids, a dense tensor of whole numbers (T,)", got, "For example ids.long().", WrongType)
        prompt = prompt.detach().cpu().numpy()
    if isinstance(prompt, np.ndarray):
        if prompt.ndim != 1 or (prompt.size and not np.issubdtype(prompt.dtype, np.integer)):
            got = f"an array of shape {prompt.shape} and dtype {prompt.dtype}"
            raise fail("token ids of shape (T,)", got, "For one row of a batch write ids[0].", WrongType)
        return [int(i) for i in prompt]
    if not isinstance(prompt, (list, tuple, range)):
        raise fail(
            "a text, a list of messages, or token ids",
            f"{type(prompt).__name__}",
            "Give a str, a list of messages or ids, or a tensor (T,).",
            WrongType,
        )
    if bad := [i for i in prompt if isinstance(i, bool) or not isinstance(i, (int, np.integer, Token))]:
        raise fail("token ids, each a whole number", f"{bad[0]!r}", "Give a str, or a list of ids.", WrongType)
    return [item if isinstance(item, Token) else int(item) for item in prompt]
