"""The two ways of asking a server, completions and chat completions: what a request says, and what the server reveals.

What a server reveals depends on how it was started, and is nowhere written in its replies. So the first request finds out,
by asking for much, and for less if the server refuses. A server may have defaults of its own for the sampling settings, such
as those of vLLM from the model's generation_config; so each request gives all settings, also the neutral ones.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gptviz.errors import GPTVizError, NotAvailable, RequestRefused, ServerError, fail
from gptviz.generation.call import Call, check_call
from gptviz.sampling.settings import Settings
from gptviz.served.client import Client
from gptviz.served.protocol import Leader, Mode, Name, SeenToken, read_event

LEADERS = (20, 5, 1, 0)  # the most that vLLM gives, that OpenAI's completions give, a single one, and none
_PROBE: tuple[float, float] = (1.0, 0.5)  # temperatures
_PROBE_TEXT = "Once upon a time"
_NEAR = 0.2  # of a slope that is 1 for raw and 2 for processed log-probabilities; half precision rounds them
_SPREAD = 0.25  # nats between leaders, below which a slope says nothing


@dataclass(frozen=True)
class Reveals:
    """What a server reveals at one endpoint.

    leaders: how many of the likeliest tokens it reports at each step, with log-probabilities; 0 for none. ids: whether it
    names tokens by their ids. extras: whether it takes the settings that OpenAI's protocol does not have.
    """

    leaders: int
    ids: bool
    extras: bool


class Endpoint:
    """Completions (path "completions") or chat completions ("chat/completions") of one model on a server.

    wants_ids: whether tokens shall be named by ids.
    """

    def __init__(self, client: Client, model: str, path: str, wants_ids: bool):
        self.client, self.model, self.path, self._wants_ids = client, model, path, wants_ids
        self.is_chat = path.startswith("chat")
        self._lock = threading.RLock()
        self._reveals: Reveals | None = None
        self._mode: Mode | None = None

    @property
    def reveals(self) -> Reveals:
        """What the server reveals here. The first use asks it."""
        with self._lock:
            if self._reveals is None:
                self._reveals = self._find_out()
            return self._reveals

    @property
    def mode(self) -> Mode:
        """Whether log-probabilities are the model's ("raw") or those after the sampling settings ("processed").

        The first use asks the server for the same token at two temperatures. Halving the temperature doubles the differences
        between processed log-probabilities and leaves raw ones. "unknown" if neither is so, or nothing is revealed.
        """
        with self._lock:
            if self._mode is None:
                at_one, at_half = (self._probe(self.reveals, temperature) for temperature in _PROBE)
                self._mode = _compare(at_one, at_half)
            return self._mode

    def body(self, prompt: Any, call: Call, reveals: Reveals) -> dict[str, Any]:
        """Returns the JSON of a request. Raises NotAvailable for a setting that the server does not take."""
        settings = call.settings
        self._check_settings(settings, reveals)
        body: dict[str, Any] = {
            "model": self.model, "max_tokens": call.max_tokens, "n": call.n, "seed": call.seed,
            "temperature": settings.temperature, "top_p": 1.0 if settings.top_p is None else settings.top_p,
        }  # fmt: skip
        body |= {"messages": prompt} if self.is_chat else {"prompt": prompt}
        if call.stop:
            body["stop"] = list(call.stop)
        if reveals.leaders:
            body |= (
                {"logprobs": True, "top_logprobs": reveals.leaders} if self.is_chat else {"logprobs": reveals.leaders}
            )
        if reveals.extras:
            body |= {
                "top_k": -1 if settings.top_k is None else settings.top_k, "min_p": settings.min_p or 0.0,
                "repetition_penalty": settings.repetition_penalty,
            }  # fmt: skip
            if reveals.ids:
                body["return_tokens_as_token_ids"] = True
        return body

    def first_leaders(self, prompt: Any, call: Call) -> tuple[tuple[Leader, ...], bool]:
        """Returns what is revealed of the token after a prompt: its leaders, highest first, and whether none is missing."""
        token = self._first_token(prompt, call, self.reveals)
        leaders = revealed_leaders(token, self.reveals.leaders)
        return leaders, are_complete(token, leaders, self.reveals.leaders)

    def _first_token(self, prompt: Any, call: Call, reveals: Reveals) -> SeenToken:
        pieces = read_event(self.client.ask(self.path, self.body(prompt, call, reveals))).pieces
        tokens = [token for piece in pieces for token in piece.tokens]
        return tokens[0] if tokens else SeenToken(Name())

    def _probe(self, reveals: Reveals, temperature: float) -> tuple[Leader, ...]:
        prompt: Any = [{"role": "user", "content": _PROBE_TEXT}] if self.is_chat else _PROBE_TEXT
        call = check_call(max_tokens=1, temperature=temperature, seed=0)
        return revealed_leaders(self._first_token(prompt, call, reveals), reveals.leaders)

    def _find_out(self) -> Reveals:
        refusal: GPTVizError | None = None
        for extras in (True, False):
            for count in LEADERS:
                try:
                    leaders = self._probe(Reveals(count, extras and self._wants_ids, extras), _PROBE[0])
                except RequestRefused as error:
                    refusal = error.with_traceback(None)
                    continue
                has_ids = bool(leaders) and all(leader.name.id >= 0 for leader in leaders)
                return Reveals(len(leaders), has_ids, extras)
        assert refusal is not None
        raise refusal

    def _check_settings(self, settings: Settings, reveals: Reveals) -> None:
        if reveals.extras:
            return
        neutral = Settings()
        for name in ("top_k", "min_p", "repetition_penalty"):
            if getattr(settings, name) != getattr(neutral, name):
                raise fail(
                    f"settings that {self.client.address} takes",
                    name,
                    "OpenAI's protocol has temperature and top_p only; vLLM and llama.cpp take this one too.",
                    NotAvailable,
                )


def revealed_leaders(token: SeenToken, count: int) -> tuple[Leader, ...]:
    """Returns the likeliest `count` tokens of a step, highest first. Servers may add the drawn token to them.

    Raises ServerError for numbers that are no log-probabilities.
    """
    leaders = token.leaders[:count]
    if leaders and (leaders[0].logprob > 1e-3 or total(leaders) > 1.01):
        remedy = "vLLM gives these with --logprobs-mode raw_logprobs, which is its default."
        got = f"{leaders[0].logprob:.4g} as the highest"
        raise fail("log-probabilities, which are at most 0", got, remedy, ServerError)
    return leaders


def are_complete(token: SeenToken, leaders: Sequence[Leader], count: int) -> bool:
    """Returns whether the leaders are certainly the likeliest `count` tokens.

    Some servers list leaders by their texts, so that of tokens with equal texts one is missing. The drawn token, which they
    add to the list, can hide that: so a list that ends with it is not trusted, unless the tokens have ids.
    """
    if len(leaders) < count or not leaders:
        return False
    return leaders[-1].name.id >= 0 or leaders[-1].name != token.name


def total(leaders: Sequence[Leader]) -> float:
    """Returns the probability of leaders together."""
    return math.fsum(math.exp(leader.logprob) for leader in leaders)


def _compare(at_one: Sequence[Leader], at_half: Sequence[Leader]) -> Mode:
    """Returns what the log-probabilities of one distribution at temperatures 1 and 0.5 say; see `Endpoint.mode`."""
    halved = {leader.name: leader.logprob for leader in at_half}
    pairs = [(leader.logprob, halved[leader.name]) for leader in at_one if leader.name in halved]
    pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
    if not pairs:
        return "unknown"
    differences = [(one - pairs[0][0], half - pairs[0][1]) for one, half in pairs]
    spread = math.fsum(one * one for one, _ in differences)
    if spread < _SPREAD**2:
        return "unknown"
    slope = math.fsum(one * half for one, half in differences) / spread
    return "raw" if abs(slope - 1) < _NEAR else "processed" if abs(slope - 2) < _NEAR else "unknown"
