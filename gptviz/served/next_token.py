"""What a server reveals of the next token: the likeliest tokens, and the rest as one share."""

import math
from dataclasses import dataclass
from typing import Any

from gptviz.display.numbers import percent
from gptviz.display.preferences import chosen_language
from gptviz.display.still import bars, picture, words
from gptviz.errors import NotAvailable, fail
from gptviz.generation.completion import Alternative
from gptviz.sampling.settings import Settings, check_settings
from gptviz.sampling.stages import STAGES
from gptviz.served.protocol import Mode
from gptviz.served.sampled import UNKNOWN, Sampled, after_sampling, is_neutral
from gptviz.text.tokens import Token
from gptviz.text.visible import quoted, visible

_PHRASES = {
    "en": {"title": "Next token", "rest": "not revealed"},
    "zh": {"title": "下一个词元", "rest": "未透露"},
}


@dataclass(frozen=True)
class RevealedToken:
    """One of the likeliest tokens. logprob: its natural log-probability; probability: a share of 1."""

    token: Token
    logprob: float

    @property
    def probability(self) -> float:
        """Returns exp(logprob)."""
        return math.exp(self.logprob)


@dataclass(frozen=True)
class RevealedNextToken:
    """The model's own probabilities of the token after a prompt, as far as its server reveals them.

    prompt: the text, or the messages, one a line. before: its tokens; none if the server does not report them. leaders: the
    likeliest tokens, highest first. log_probabilities: what the server gives at other settings: "raw" for the model's
    log-probabilities, "processed" for those after the settings, or "unknown". Both are the same here, because the server was
    asked at temperature 1 and without cuts. is_complete: whether no token is likelier than a leader and not among them; a
    server that lists leaders by their texts leaves out tokens with equal texts.
    """

    prompt: str
    before: tuple[Token, ...]
    leaders: tuple[RevealedToken, ...]
    log_probabilities: Mode
    is_complete: bool = True

    @property
    def revealed(self) -> float:
        """The probability of the leaders together."""
        return min(1.0, math.fsum(leader.probability for leader in self.leaders))

    @property
    def unrevealed(self) -> float:
        """The probability of all other tokens together."""
        return 1.0 - self.revealed

    def top(self, k: int = 10) -> list[tuple[Token, float]]:
        """Returns the likeliest tokens with their probabilities, highest first: `k`, or as many as are revealed."""
        return [(leader.token, leader.probability) for leader in self.leaders[:k]]

    def after(self, **settings: Any) -> tuple[Alternative, ...]:
        """Returns the leaders with their probabilities after the sampling settings; see `sampling.distribution`.

        Raises NotAvailable where these depend on tokens that are not revealed, as after a temperature without top_k.
        """
        sampled = self.stages(check_settings(**settings))["min_p"]
        if not self.is_complete and sampled.probabilities is None:
            got = "a list by texts, in which a token with the text of another one may be missing"
            remedy = "vLLM reports token ids, so no token is missing."
            raise fail("all of the likeliest tokens, for the settings to act on", got, remedy, NotAvailable)
        if sampled.probabilities is None:
            given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
            raise fail(
                "settings that act on revealed tokens alone",
                f"{given}, which depends on the other tokens too ({percent(self.unrevealed)} together)",
                f"Add top_k={len(self.leaders)} or less, or a min_p.",
                NotAvailable,
            )
        return tuple(
            Alternative(leader.token, leader.probability, after)
            for leader, after in zip(self.leaders, sampled.probabilities, strict=True)
        )

    def stages(self, settings: Settings) -> dict[str, Sampled]:
        """Returns what is known of the leaders after each stage of `sampling.distribution`, the first without settings."""
        logprobs, some, result = [leader.logprob for leader in self.leaders], Settings(), {}
        for stage in STAGES:
            if stage in Settings._fields:
                some = some._replace(**{stage: getattr(settings, stage)})
            is_known = self.is_complete or is_neutral(some)
            result[stage] = after_sampling(logprobs, some) if is_known else UNKNOWN
        return result

    def __repr__(self) -> str:
        rows = [(visible(leader.token), leader.probability) for leader in self.leaders]
        lines = [f"  {percent(share):>8}  {name}" for name, share in rows]
        return "\n".join(
            [f"Next token after {quoted(self.prompt)}:", *lines, f"  not revealed: {percent(self.unrevealed)}"]
        )

    def _repr_svg_(self) -> str:
        """Returns the picture that a notebook shows: a bar for each leader, and a hatched one for the rest."""
        phrases = _PHRASES[chosen_language()]
        shares = [(visible(leader.token), leader.probability) for leader in self.leaders]
        shares.append((phrases["rest"], self.unrevealed))
        rows = [(name, share, percent(share)) for name, share in shares]
        return picture(phrases["title"], words(self.prompt), bars(rows, rest=True))
