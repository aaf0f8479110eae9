"""Sends requests to a server with the `openai` library, tries again where that can help, and explains failures.

Only this file and `failures.py` know the library. Each retry is logged by the logger "gptviz.served", which prints warnings.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from openai import OpenAI, Stream

from gptviz.errors import GPTVizError
from gptviz.served.failures import Failures, pause_before_retry
from gptviz.served.reply import Reply

logger = logging.getLogger("gptviz.served")
PAUSE = 0.5  # seconds before the first retry
_NO_KEY = "no-key"  # the library wants one; servers without keys do not read it


class Client:
    """A connection to one server.

    address: the base URL. key: "" for none. timeout: seconds that the server may take until the first token, and from one
    to the next. retries: how often a request is sent again if the server is not there, is busy or fails.
    """

    def __init__(self, address: str, key: str, timeout: float, retries: int):
        self.address, self.timeout, self.retries = address, timeout, retries
        self._failures = Failures(address, key)
        self._openai = OpenAI(base_url=address, api_key=key or _NO_KEY, max_retries=0)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Returns the JSON of a reply. path: added to the address, or a whole URL. body: None for a GET request."""
        (reply,) = self.events(path, body, is_stream=False)
        return reply

    def events(
        self, path: str, body: dict[str, Any] | None, *, is_stream: bool = True, cancel: threading.Event | None = None
    ) -> "Events":
        """Sends a request and waits until its reply begins. If it fails and a retry can help, waits and sends it again.

        is_stream: whether the reply is a stream of events, or one. cancel: ends the waiting and the reply.
        """

        def send() -> Iterable[Any]:
            options: Any = {"timeout": self.timeout}
            if body is None:
                return [self._openai.get(path, cast_to=object, options=options)]
            if not is_stream:
                return [self._openai.post(path, cast_to=object, body=body, options=options)]
            post = self._openai.post
            return post(path, cast_to=object, body=body, options=options, stream=True, stream_cls=Stream[object])

        tries = 0
        while True:
            tries += 1
            reply = Reply(send, self.timeout, cancel)
            try:
                problem = reply.first_problem()
            except BaseException:  # an interrupt
                reply.close()
                raise
            if problem is None:
                return Events(reply, self, path)
            reply.close()
            failure = self.explain(problem, path, tries)
            pause = pause_before_retry(problem, tries, PAUSE)
            del problem  # holds the request and, in it, the key
            if pause is None or pause > self.timeout or tries > self.retries:
                raise failure
            logger.warning("%s Try %d of %d, in %.1f s.", failure, tries + 1, self.retries + 1, pause)
            (cancel or threading.Event()).wait(pause)

    def explain(self, problem: Exception, path: str, tries: int = 1, started: bool = False) -> GPTVizError:
        """Returns the error to raise for a failed request; see `Failures.explain`."""
        return self._failures.explain(problem, path, tries, self.timeout, started)


class Events:
    """The events of one reply. Iterating raises GPTVizError for whatever goes wrong."""

    def __init__(self, reply: Reply, client: Client, path: str):
        self._reply, self._client, self._path = reply, client, path
        self.note_news, self.close = reply.note_news, reply.close

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._reply.events()
            return
        except Exception as error:
            problem = error
        failure = self._client.explain(problem, self._path, started=True)
        del problem
        raise failure
