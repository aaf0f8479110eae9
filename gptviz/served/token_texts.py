"""The texts of a server's tokens, asked by id, and the tokens of a prompt, where the server has its tokenizer to ask.

vLLM has `/tokenize` and `/detokenize` beside the protocol. The text of a token alone is not what it adds to a text: some
decoders drop a space at the beginning. So tokens are decoded between two copies of a mark, many at a time.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from gptviz.errors import GPTVizError, KeyRefused, ServerBusy, ServerTimeout
from gptviz.served.client import Client
from gptviz.served.protocol import Name
from gptviz.text.tokens import Token, token_of_bytes, utf8

_MARK = "~|~|~"  # hardly a token has it; if one does, each is asked for alone
_TOGETHER = 32  # tokens in one question, with their marks fewer than the context of a small model


class TokenTexts:
    """The server's tokenizer. Each id is asked for once.

    has_ids: whether the server reports the ids of a text and the text of ids.
    """

    def __init__(self, client: Client, model: str):
        self._client, self._model = client, model
        self._root = client.address.removesuffix("/v1")
        self._texts: dict[int, str] = {}
        self._lock = threading.RLock()
        self._mark: list[int] | None = None  # its ids; empty if the server has no tokenizer to ask
        self._first = self._next = ""  # what the mark adds at the beginning of a text, and inside one

    @property
    def has_ids(self) -> bool:
        """Whether the server has the two endpoints. The first use asks it."""
        with self._lock:
            if self._mark is None:
                mark = self._encode({"prompt": _MARK, "add_special_tokens": False}) or []
                first, two = (self._decode(mark), self._decode(mark + mark)) if mark else (None, None)
                self._mark = mark if first and two and two.startswith(first) else []
                self._first, self._next = first or "", (two or "")[len(first or "") :]
            return bool(self._mark)

    def prompt_ids(self, prompt: Any, add_special_tokens: bool | None = None) -> list[int] | None:
        """Returns the ids of a text or of messages, with the start of the answer; None if the server does not report them."""
        if not self.has_ids:
            return None
        if not isinstance(prompt, str):
            return self._encode({"messages": prompt, "add_generation_prompt": True})
        special = {} if add_special_tokens is None else {"add_special_tokens": add_special_tokens}
        return self._encode({"prompt": prompt} | special)

    def tokens(self, names: Sequence[Name], position: int = -1, step: int = 0, role: str | None = None) -> list[Token]:
        """Returns the tokens with these names: by their own text or bytes, or by the text of their id.

        position: of the first; step: from one to the next, 0 for alternatives at one position.
        """
        texts = self.texts(name.id for name in names if not name.text and name.raw is None)
        return [
            token_of_bytes(name.id, _bytes_of(name, texts), position + step * i, role=role)
            for i, name in enumerate(names)
        ]

    def texts(self, ids: Iterable[int]) -> dict[int, str]:
        """Returns the text of each id."""
        with self._lock:
            missing = [id for id in dict.fromkeys(ids) if id >= 0 and id not in self._texts]
            for some in (missing[i : i + _TOGETHER] for i in range(0, len(missing), _TOGETHER)):
                if self.has_ids:
                    self._texts |= self._between_marks(some) or self._one_by_one(some)
            return self._texts

    def _between_marks(self, ids: list[int]) -> dict[int, str]:
        """Returns the text of each id after a mark; nothing if the marks do not part the text into as many pieces."""
        mark = self._mark or []
        whole = self._decode([id for one in ids for id in (*mark, one)] + mark) or ""
        pieces = whole.removeprefix(self._first).split(self._next) if self._next else []
        return dict(zip(ids, pieces[:-1], strict=True)) if len(pieces) == len(ids) + 1 else {}

    def _one_by_one(self, ids: list[int]) -> dict[int, str]:
        mark = self._mark or []
        return {id: (self._decode([*mark, id]) or "").removeprefix(self._first) for id in ids}

    def _encode(self, body: dict[str, Any]) -> list[int] | None:
        ids = self._ask("tokenize", body, "tokens")
        is_ids = isinstance(ids, list) and all(isinstance(id, int) and id >= 0 for id in ids)
        return ids if is_ids else None

    def _decode(self, ids: list[int]) -> str | None:
        text = self._ask("detokenize", {"tokens": ids}, "prompt")
        return text if isinstance(text, str) else None

    def _ask(self, path: str, body: dict[str, Any], field: str) -> Any:
        """Returns a field of the reply; None if the server has no such endpoint."""
        try:
            reply = self._client.ask(f"{self._root}/{path}", {"model": self._model, **body})
        except (ServerTimeout, ServerBusy, KeyRefused):
            raise
        except GPTVizError:
            return None
        return reply.get(field) if isinstance(reply, dict) else None


def _bytes_of(name: Name, texts: dict[int, str]) -> bytes:
    if name.raw is not None:
        return name.raw
    return utf8(name.text or texts.get(name.id, ""))
