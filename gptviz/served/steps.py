"""Makes a step of a completion from what a server reveals of a token."""

import math

from gptviz.generation.call import Call
from gptviz.generation.completion import Alternative, Step
from gptviz.sampling.settings import LEADING
from gptviz.served.endpoint import Endpoint, are_complete, revealed_leaders
from gptviz.served.protocol import Mode, SeenToken
from gptviz.served.sampled import UNKNOWN, Sampled, after_sampling, is_neutral
from gptviz.served.token_texts import TokenTexts
from gptviz.text.messages import ASSISTANT


class StepMaker:
    """Makes the steps of one call. What the server does not reveal is NaN; see `completion.Step`."""

    def __init__(self, endpoint: Endpoint, texts: TokenTexts, call: Call):
        self._texts, self._settings = texts, call.settings
        self._leaders = endpoint.reveals.leaders
        self._role = ASSISTANT if endpoint.is_chat else None
        # Without settings the two kinds of log-probabilities are the same.
        self._mode: Mode = "raw" if not self._leaders or is_neutral(call.settings) else endpoint.mode

    def step(self, drawn_token: SeenToken, choice: int, index: int, position: int, text: str) -> Step:
        """Returns the step that drew this token. text: what it released of the choice's text."""
        leaders = revealed_leaders(drawn_token, self._leaders)
        names = [drawn_token.name, *(leader.name for leader in leaders[:LEADING])]
        token, *others = self._texts.tokens(names, position, role=self._role)
        is_complete = are_complete(drawn_token, leaders, self._leaders)
        sampled = self._sampled([leader.logprob for leader in leaders]) if is_complete else UNKNOWN
        rank = next((rank for rank, leader in enumerate(leaders) if leader.name == drawn_token.name), None)
        probability, sampling_probability = self._shares(drawn_token.logprob, rank, sampled)
        alternatives = tuple(
            Alternative(other, *self._shares(leader.logprob, rank, sampled))
            for rank, (other, leader) in enumerate(zip(others, leaders, strict=False))
        )
        return Step(
            token=token, choice=choice, index=index, probability=probability, sampling_probability=sampling_probability,
            alternatives=alternatives, entropy=sampled.entropy, model_entropy=math.nan, kept=sampled.kept,
            kept_mass=sampled.kept_mass, text=text,
        )  # fmt: skip

    def _sampled(self, logprobs: list[float]) -> Sampled:
        if self._mode == "raw" or self._settings.temperature == 0:
            return after_sampling(logprobs, self._settings)
        cut = logprobs.count(-math.inf)
        return Sampled(kept=len(logprobs) - cut) if cut and self._mode == "processed" else UNKNOWN

    def _shares(self, logprob: float | None, rank: int | None, sampled: Sampled) -> tuple[float, float]:
        """Returns a token's probability under the model and after the settings. rank: among the leaders; None for below."""
        revealed = math.nan if logprob is None else math.exp(logprob)
        if is_neutral(self._settings):
            return revealed, revealed
        if self._mode == "processed" and self._settings.temperature > 0:
            return math.nan, revealed
        is_known = sampled.probabilities is not None and rank is not None
        sampling_probability = sampled.probabilities[rank] if is_known else math.nan  # type: ignore[index]
        return revealed if self._mode == "raw" else math.nan, sampling_probability
