"""What went wrong with a request, in words: the exceptions of the `openai` library as errors of gptviz.

The errors have no cause and no context, because an exception of the library holds the request with its key.
"""

import email.utils
import math
import time
from collections.abc import Mapping
from typing import Any

import openai

from gptviz.errors import (
    GPTVizError,
    KeyRefused,
    NotAvailable,
    RequestRefused,
    ServerBusy,
    ServerError,
    ServerTimeout,
    fail,
)
from gptviz.served.protocol import REMEDY
from gptviz.served.reply import TimedOut

MOST_QUOTED = 240  # characters of a server's own message
_SHORTEST_KEY = 4  # a shorter one is no secret, and may be part of ordinary words
_RETRIED = (409, 429, 500, 502, 503, 504)  # statuses after which the same request may succeed


class Failures:
    """Explains failed requests to one server.

    address: of the server. key: taken out of every text that is quoted; "" for none.
    """

    def __init__(self, address: str, key: str):
        self._address, self._key = address, key

    def explain(self, problem: Exception, path: str, tries: int, timeout: float, started: bool = False) -> GPTVizError:
        """Returns the error to raise. timeout: seconds; started: whether a part of the reply had arrived."""
        after = f", after {tries} tries" if tries > 1 else ""
        if isinstance(problem, openai.APIStatusError):
            return self._explain_status(problem, path, after)
        if isinstance(problem, (TimedOut, openai.APITimeoutError)):
            got = "nothing more" if started else f"none{after}"
            remedy = "Wait longer, with gptviz.connect(…, timeout=…), or ask for less."
            return fail(f"an answer of {self._address} within {timeout:g} s", got, remedy, ServerTimeout)
        if isinstance(problem, openai.APIConnectionError):
            return self._explain_connection(problem, after, started)
        if isinstance(problem, openai.APIError):  # an error that the server sent inside a stream
            got = f"the error {self._quoted(problem.body or problem.message)}"
            return fail(f"tokens of {self._address}", got, "The server's own log says more.", ServerError)
        got = "something that is not JSON" if isinstance(problem, ValueError) else f"{type(problem).__name__}"
        return fail(f"a reply in JSON from {self._address}", f"{got}{after}", REMEDY, ServerError)

    def quoted(self, text: str) -> str:
        """Returns a text of the server's for an error: shortened, in one line, without the key."""
        line = " ".join(text.split())
        line = line.replace(self._key, "[the key]") if len(self._key) >= _SHORTEST_KEY else line
        return repr(line if len(line) <= MOST_QUOTED else line[:MOST_QUOTED] + "…")

    def _quoted(self, body: Any) -> str:
        return self.quoted(_message_in(body))

    def _explain_connection(self, problem: Exception, after: str, started: bool) -> GPTVizError:
        if started:
            got = "an end in the middle"
            return fail(f"a whole reply of {self._address}", got, "Ask again: the server closed it.", ServerError)
        reason = self.quoted(str(problem.__cause__ or problem))
        remedy = "Is the server running there? vLLM and llama.cpp need some time to load a model."
        return fail(f"a server at {self._address}", f"{reason}{after}", remedy, ServerError)

    def _explain_status(self, problem: openai.APIStatusError, path: str, after: str) -> GPTVizError:
        status, message = problem.status_code, self._quoted(problem.body)
        if status in (401, 403):  # the server's message is not quoted: it may contain a part of the key
            got = f"status {status}, {'with the key that was given' if self._key else 'without a key'}"
            remedy = "Set the environment variable OPENAI_API_KEY, or pass api_key=getpass.getpass()."
            return fail(f"a key that {self._address} accepts", got, remedy, KeyRefused)
        if status == 429:
            wait = retry_after(problem)
            asked = f" and the wish to be asked again in {wait:g} s" if wait is not None else ""
            got = f"status 429{asked}{after}: {message}"
            return fail(f"room for a request at {self._address}", got, "Wait, or ask for less.", ServerBusy)
        if status in (404, 405, 501):
            got = f"status {status}: {message}"
            remedy = "Does the address end as the server's documentation says? Most end in /v1."
            return fail(f"/{path.lstrip('/')} at {self._address}", got, remedy, NotAvailable)
        if status < 500:
            remedy = "The server's message says what it does not accept."
            return fail(
                f"a request that {self._address} accepts", f"status {status}: {message}", remedy, RequestRefused
            )
        remedy = "The server's own log says more."
        return fail(f"an answer of {self._address}", f"status {status}{after}: {message}", remedy, ServerError)


def pause_before_retry(problem: Exception, tries: int, pause: float) -> float | None:
    """Returns how many seconds to wait before the request is sent again; None if that would not help.

    tries: how often it was sent. pause: seconds after the first try; they double with each try, unless the server says how
    long to wait.
    """
    if isinstance(problem, openai.APITimeoutError):
        return None
    if isinstance(problem, openai.APIStatusError):
        if problem.status_code not in _RETRIED:
            return None
        wait = retry_after(problem)
        if wait is not None:
            return wait
    elif not isinstance(problem, openai.APIConnectionError):
        return None
    return pause * 2.0 ** (tries - 1)


def retry_after(problem: openai.APIStatusError) -> float | None:
    """Returns the seconds of a Retry-After header, which gives a number or a date; None without a valid one."""
    value = problem.response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        seconds = email.utils.mktime_tz(date) - time.time() if date else math.nan
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _message_in(body: Any) -> str:
    """Returns the message of an error's body: what OpenAI's protocol calls so, FastAPI's detail, or the whole text."""
    if isinstance(body, Mapping):
        for name in ("message", "detail", "error"):
            if isinstance(body.get(name), str):
                return str(body[name])
            if isinstance(body.get(name), Mapping):
                return _message_in(body[name])
    return "" if body is None else str(body)
