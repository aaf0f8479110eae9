"""Reads replies of OpenAI's completions protocol into plain values, and refuses in words what is no such reply.

Log-probabilities come in two forms: completions have parallel lists (`tokens`, `token_logprobs`, `top_logprobs`), in which
alternatives with equal texts are one entry; chat completions, and llama.cpp in both, have a list `content` of tokens with
their alternatives. vLLM writes a token as "token_id:17" if asked, OpenAI incomplete bytes as "bytes:\\xf0\\x9f".
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from gptviz.errors import ServerError, fail

# Whether log-probabilities are the model's own, or those after the sampling settings.
Mode = Literal["raw", "processed", "unknown"]

LEAST = -9000.0  # servers that cannot write minus infinity in JSON write -9999
_ID, _BYTES = re.compile(r"token_id:(\d+)"), re.compile(r"bytes:((?:\\x[0-9a-fA-F]{2})+)")


class Name(NamedTuple):
    """How a server names a token: its id, -1 if that is not reported; its text; its bytes, or None."""

    id: int = -1
    text: str = ""
    raw: bytes | None = None


class Leader(NamedTuple):
    """One of the likeliest tokens, with its natural log-probability."""

    name: Name
    logprob: float


@dataclass(frozen=True)
class SeenToken:
    """A token as the server reveals it. logprob: None if not revealed. leaders: the likeliest tokens, highest first."""

    name: Name
    logprob: float | None = None
    leaders: tuple[Leader, ...] = ()


@dataclass(frozen=True)
class Piece:
    """What one event adds to one choice. finish_reason: "" while it goes on."""

    choice: int
    text: str
    tokens: tuple[SeenToken, ...]
    finish_reason: str


@dataclass(frozen=True)
class Event:
    """One event of a stream, or a whole reply. usage: (prompt tokens, completion tokens), or None."""

    pieces: tuple[Piece, ...]
    usage: tuple[int, int] | None


def read_event(data: Any) -> Event:
    """Returns an event, or the reply of a request without a stream. Raises ServerError for anything else."""
    choices = _field(_mapping(data, "a reply"), "choices", list, "a reply")
    return Event(tuple(map(_read_piece, choices)), _read_usage(data.get("usage")))


def read_model_names(data: Any) -> list[str]:
    """Returns the names in a list of models."""
    models = _field(_mapping(data, "a list of models"), "data", list, "a list of models")
    return [_field(_mapping(model, "a model"), "id", str, "a model") for model in models]


def _read_piece(choice: Any) -> Piece:
    choice = _mapping(choice, "a choice")
    index = _field(choice, "index", int, "a choice", 0)
    delta = choice.get("delta") or choice.get("message")
    written = _mapping(delta, "a message") if delta else choice
    text = _field(written, "content" if delta else "text", str, "a choice", "")
    reason = _field(choice, "finish_reason", str, "a choice", "")
    return Piece(index, text, _read_tokens(choice.get("logprobs")), reason)


def _read_usage(usage: Any) -> tuple[int, int] | None:
    if not isinstance(usage, Mapping):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if isinstance(prompt, int) and isinstance(completion, int) and min(prompt, completion) >= 0:
        return prompt, completion
    return None


def _read_tokens(logprobs: Any) -> tuple[SeenToken, ...]:
    if not logprobs:
        return ()
    logprobs = _mapping(logprobs, "log-probabilities")
    if "content" in logprobs:
        return tuple(map(_read_content, _field(logprobs, "content", list, "log-probabilities", [])))
    tokens = _field(logprobs, "tokens", list, "log-probabilities", [])
    own, top = (_parallel(logprobs, name, len(tokens)) for name in ("token_logprobs", "top_logprobs"))
    return tuple(
        SeenToken(_read_name(token), None if value is None else _number(value), _read_top(leaders))
        for token, value, leaders in zip(tokens, own, top, strict=True)
    )


def _parallel(logprobs: Mapping[str, Any], name: str, count: int) -> list[Any]:
    values: list[Any] = _field(logprobs, name, list, "log-probabilities", [None] * count)
    if len(values) != count:
        raise _malformed(f"{name} of {count} tokens", f"{len(values)}")
    return values


def _read_top(leaders: Any) -> tuple[Leader, ...]:
    """Returns the leaders that completions give as a dictionary."""
    if not leaders:
        return ()
    pairs = _mapping(leaders, "top_logprobs").items()
    return _highest_first([Leader(_read_name(token), _number(value)) for token, value in pairs])


def _read_content(entry: Any) -> SeenToken:
    entry = _mapping(entry, "a token")
    own, top = _field(entry, "logprob", (int, float), "a token", None), entry.get("top_logprobs") or []
    if not isinstance(top, list):
        raise _malformed("top_logprobs as a list", type(top).__name__)
    leaders = [Leader(_read_entry_name(leader), _number(_mapping(leader, "a token").get("logprob"))) for leader in top]
    return SeenToken(_read_entry_name(entry), None if own is None else _number(own), _highest_first(leaders))


def _read_entry_name(entry: Any) -> Name:
    entry = _mapping(entry, "a token")
    name = _read_name(entry.get("token"))
    id, raw = entry.get("id"), entry.get("bytes")
    is_bytes = isinstance(raw, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in raw)
    return Name(
        id if isinstance(id, int) and id >= 0 else name.id,
        name.text,
        bytes(raw) if is_bytes and raw and name.id < 0 else name.raw,
    )


def _read_name(token: Any) -> Name:
    if not isinstance(token, str):
        raise _malformed("a token as a text", type(token).__name__)
    if match := _ID.fullmatch(token):
        return Name(int(match[1]))
    if match := _BYTES.fullmatch(token):
        return Name(-1, "", bytes.fromhex(match[1].replace("\\x", "")))
    return Name(-1, token)


def _number(value: Any) -> float:
    """Returns a log-probability; minus infinity for what a server writes in its place."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise _malformed("log-probabilities as numbers", f"{value!r:.40}")
    return -math.inf if value <= LEAST else float(value)


def _highest_first(leaders: list[Leader]) -> tuple[Leader, ...]:
    return tuple(sorted(leaders, key=lambda leader: -leader.logprob))


_REQUIRED: Any = object()
REMEDY = "Does the address belong to a server of OpenAI's protocol? Most end in /v1."


def _field(values: Mapping[str, Any], name: str, kind: Any, owner: str, default: Any = _REQUIRED) -> Any:
    """Returns a field of a reply; one that is missing or null is `default`, if there is one."""
    value = values.get(name)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _malformed(f"{owner} with {name}", "none" if value is None else f"{type(value).__name__} as {name}")
    return value


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _malformed(f"{name} as a JSON object", f"{type(value).__name__}")
    return value


def _malformed(expected: str, got: str) -> ServerError:
    error = fail(expected, got, REMEDY, ServerError)
    assert isinstance(error, ServerError)
    return error
