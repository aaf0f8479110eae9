"""ServedModel: a model on a server, asked as a local one is. `connecting.connect` makes it."""

import inspect
import operator
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from gptviz.checks import did_you_mean
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.generation.call import Call, check_call, refuse_setting
from gptviz.generation.completion import Completion, Step
from gptviz.progress import progress
from gptviz.served.client import Client
from gptviz.served.endpoint import Endpoint, Reveals
from gptviz.served.generating import Generating, ServedPrompt
from gptviz.served.next_token import RevealedNextToken, RevealedToken
from gptviz.served.protocol import Mode, Name
from gptviz.served.reading import ServedReading, WithoutSteps
from gptviz.served.scoring import score
from gptviz.served.token_texts import TokenTexts
from gptviz.text.messages import ASSISTANT, Message, check_messages, is_chat
from gptviz.text.tokens import Token, token_of_bytes, utf8

KEY_VARIABLE = "OPENAI_API_KEY"


class NotRevealed(NotAvailable, AttributeError):
    """A server does not reveal this of its model."""


class ServedModel:
    """A model on a server that speaks OpenAI's completions protocol. Nothing of it is computed here.

    base_url, name: the server's address, and the name by which it serves the model. timeout: see `connect`; may be set.

    The key is in no text, file or log. A pickled or copied model reads it from the environment.
    """

    can_run = False
    is_served = True
    why_not_here = "A server reveals tokens and probabilities only. Load the model here, with gptviz.load(name)."

    def __init__(self, client: Client, name: str):
        self.base_url, self.name = client.address, name
        self._client, self._texts = client, TokenTexts(client, name)
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"ServedModel({self.name} at {self.base_url})"

    def __reduce__(self):
        return _without_key, (self.base_url, self.name, self.timeout, self._client.retries)

    @property
    def timeout(self) -> float:
        """Seconds that the server may take until the first token, and from one to the next."""
        return self._client.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._client.timeout = check_timeout(seconds)

    @property
    def reveals(self) -> Reveals:
        """What the server reveals of each step of a completion. The first use asks it."""
        return self._endpoint("completions").reveals

    @property
    def log_probabilities(self) -> Mode:
        """Whether the server's log-probabilities are the model's ("raw"), or those after the settings ("processed").

        The first use asks for the same token at two temperatures; "unknown" if these do not show which.
        """
        return self._endpoint("completions").mode

    def stream(self, prompt: Any, **settings: Any) -> Iterator[Step]:
        """Generates a continuation of the prompt one step at a time; the settings are those of `complete`."""
        return self.generating(prompt, **settings).steps()

    def complete(self, prompt: Any, **settings: Any) -> Completion:
        """Generates continuations of the prompt, as `GPT.complete` does, and returns them with every step.

        prompt: a text, chat messages, or token ids where the server reports them. settings: `max_tokens, n, stop, temperature,
        top_k, top_p, min_p, repetition_penalty, seed, add_special_tokens, truncate, cancel`. A seed repeats a text on the
        same server only. The server refuses a prompt that is too long, even with truncate="left". Numbers that the
        server does not reveal are NaN.

        Raises ServerError if the server does not answer as it should; its `completion` holds what had arrived.
        """
        generating = self.generating(prompt, **settings)
        with progress(generating.most_steps, "token") as advance:
            try:
                for _ in generating.steps():
                    advance(1)
            except KeyboardInterrupt:
                pass  # what was generated so far is kept
        return generating.completion()

    def chat(self, messages: Sequence[Message], **settings: Any) -> Completion:
        """Answers messages, [{"role": "user", "content": "…"}, …]. Each choice has the answer as its `message`."""
        return self.complete(check_messages(messages), **settings)

    def next_token(self, prompt: Any) -> RevealedNextToken:
        """Returns what the server reveals of the token after a prompt: a text, messages or token ids.

        Raises NotAvailable if the server reveals no probabilities.
        """
        endpoint, read = self._read(prompt)
        leaders, is_complete = endpoint.first_leaders(read.sent, check_call(max_tokens=1, temperature=1.0, seed=0))
        if not leaders:
            remedy = "vLLM and llama.cpp do. complete() works without."
            raise fail("a server that reveals log-probabilities", f"none from {self.base_url}", remedy, NotAvailable)
        tokens = self._texts.tokens([leader.name for leader in leaders], len(read.tokens))
        revealed = (RevealedToken(token, leader.logprob) for token, leader in zip(tokens, leaders, strict=True))
        before = tuple(token for token in read.tokens if token.id >= 0)
        return RevealedNextToken(read.text, before, tuple(revealed), endpoint.mode, is_complete)

    def score(self, text: str) -> tuple[Step, ...]:
        """Returns a step for each token of a given text, with its probability after those before it and its alternatives.

        Raises NotAvailable if the server does not echo prompts.
        """
        if not isinstance(text, str):
            raise fail("a text", type(text).__name__, 'For example gpt.score("Once upon a time").', WrongType)
        return score(self._endpoint("completions"), self._texts, text)

    def reveal(self, prompt: Any) -> ServedReading:
        """Returns all that the server reveals of a prompt, a text or messages: tokens, probabilities, the next token."""
        endpoint, read = self._read(prompt)
        steps: tuple[Step, ...] = ()
        without: WithoutSteps = "" if endpoint.reveals.leaders else "hidden"
        if endpoint.is_chat and not without:
            without = "chat"
        elif not without and read.text:
            try:
                steps = self.score(read.text)
            except NotAvailable:
                without = "echo"
        next_token = self.next_token(prompt) if endpoint.reveals.leaders else None
        tokens = tuple(step.token for step in steps) or read.tokens
        return ServedReading(prompt, read.text, tokens, steps, without, next_token)

    def follow(self, view: Any) -> NoReturn:
        """Refuses to be shown in a view of a model's inside. Views call it."""
        raise self._refusal(type(view).__name__)

    def __getattr__(self, name: str) -> NoReturn:
        """Refuses whatever a `GPT` has and a server does not reveal, such as `trace`."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        raise self._refusal(name)

    def _refusal(self, wish: str) -> Exception:
        own = [name for name in dir(type(self)) if not name.startswith("_")]
        similar = did_you_mean(wish, own, otherwise="")
        return fail(
            f"a model whose inside can be read, for {wish}",
            f"{self.name} at {self.base_url}, of which the server reveals tokens and probabilities only",
            f"{similar} Load the model here, with gptviz.load(name) or gptviz.wrap(model, tokenizer).".lstrip(),
            NotRevealed,
        )

    def _endpoint(self, path: str) -> Endpoint:
        with self._lock:
            if path not in self._endpoints:
                self._endpoints[path] = Endpoint(self._client, self.name, path, self._texts.has_ids)
            return self._endpoints[path]

    def generating(
        self,
        prompt: Any,
        edits: Any = (),
        add_special_tokens: bool | None = None,
        truncate: str | None = None,
        **settings: Any,
    ) -> Generating:
        """Returns a checked call, which nothing was sent for yet.

        Raises GPTVizError for settings that are wrong, or that the server does not take.
        """
        call = _check_settings(settings)
        if len(edits):
            raise self._refusal("edits")
        if truncate not in (None, "left"):
            raise fail('truncate="left" or None', f"{truncate!r}", "None refuses a prompt that is too long.", WrongType)
        endpoint, read = self._read(prompt, add_special_tokens)
        if add_special_tokens is not None and (endpoint.is_chat or not endpoint.reveals.extras):
            remedy = "Leave it out: the server adds the special tokens that it is set to."
            raise fail("no add_special_tokens here", f"{add_special_tokens!r}", remedy, NotAvailable)
        extra: dict[str, Any] = {} if add_special_tokens is None else {"add_special_tokens": add_special_tokens}
        return Generating(endpoint, self._texts, call, read, extra)

    def _read(self, prompt: Any, add_special_tokens: bool | None = None) -> tuple[Endpoint, ServedPrompt]:
        """Returns the endpoint for a prompt, and the prompt with its tokens as far as the server reports them."""
        if is_chat(prompt):
            return self._endpoint("chat/completions"), self._read_messages(check_messages(prompt))
        endpoint = self._endpoint("completions")
        if not isinstance(prompt, str):
            return endpoint, self._read_ids(prompt)
        ids = self._texts.prompt_ids(prompt, add_special_tokens)
        whole = [token_of_bytes(-1, utf8(prompt), 0)] if prompt else []
        return endpoint, ServedPrompt(prompt, prompt, tuple(whole if ids is None else self._tokens(ids)))

    def _read_messages(self, messages: list[Message]) -> ServedPrompt:
        if messages[-1]["role"] == ASSISTANT:
            remedy = "Add a message of the user's."
            raise fail("messages that ask for an answer", "an answer of the assistant as the last one", remedy)
        ids = self._texts.prompt_ids(messages)
        if ids is None:  # the server does not show how its template writes them
            written = [(message["role"], message["content"]) for message in messages]
            tokens = [token_of_bytes(-1, utf8(content), i, role=role) for i, (role, content) in enumerate(written)]
            return ServedPrompt(messages, "\n".join(f"{role}: {content}" for role, content in written), tuple(tokens))
        tokens = self._tokens(ids)
        return ServedPrompt(messages, "".join(token.text for token in tokens), tuple(tokens))

    def _read_ids(self, prompt: Any) -> ServedPrompt:
        items = prompt.tolist() if hasattr(prompt, "tolist") else prompt
        try:
            ids = [item.id if isinstance(item, Token) else operator.index(item) for item in items]
        except TypeError:
            remedy = 'For example "Once upon a time".'
            raise fail("a text, messages or token ids", f"{prompt!r:.60}", remedy, WrongType) from None
        if not self._texts.has_ids or min(ids, default=-1) < 0:
            got = f"ids for {self.base_url}, which does not report token ids"
            raise fail("a prompt as text", got, "Give the text itself.", NotAvailable)
        tokens = self._tokens(ids)
        return ServedPrompt(ids, "".join(token.text for token in tokens), tuple(tokens))

    def _tokens(self, ids: list[int]) -> list[Token]:
        return self._texts.tokens([Name(id) for id in ids], position=0, step=1)


def check_timeout(seconds: Any) -> float:
    """Returns a number of seconds above 0."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise fail("a timeout above 0 seconds", f"{seconds!r:.40}", "For example timeout=60.", WrongType)
    return float(seconds)


def _check_settings(settings: Mapping[str, Any]) -> Call:
    known = inspect.signature(check_call).parameters
    for name in settings:
        if name not in known:
            raise refuse_setting(name, [*known, "add_special_tokens", "truncate"])
    return check_call(**settings)


def _without_key(base_url: str, name: str, timeout: float, retries: int) -> ServedModel:
    """Returns a model that was pickled or copied, with the key of the environment."""
    return ServedModel(Client(base_url, os.environ.get(KEY_VARIABLE, ""), timeout, retries), name)
