"""A step of a served completion as a next token for the sampling bench: its alternatives, and the rest as one share."""

import math
from collections.abc import Sequence

from gptviz.errors import NotAvailable, fail
from gptviz.generation.completion import Step
from gptviz.served.next_token import RevealedNextToken, RevealedToken
from gptviz.text.tokens import Token


def revealed_of_step(before: Sequence[Token], step: Step) -> RevealedNextToken:
    """Returns what the server revealed of a step. before: the tokens of prompt and text before it.

    Raises NotAvailable if it did not reveal the model's own probabilities.
    """
    known = [one for one in step.alternatives if one.probability > 0]  # NaN is not
    if not known:
        got = "a step without them: the server revealed probabilities after the settings, or none"
        remedy = "Complete at temperature 1, without cuts."
        raise fail("a step with the model's own probabilities", got, remedy, NotAvailable, "served_step")
    leaders = [RevealedToken(one.token, math.log(one.probability)) for one in known]
    leaders.sort(key=lambda leader: -leader.logprob)
    has_ids = all(leader.token.id >= 0 for leader in leaders)
    text = "".join(token.text for token in before)
    return RevealedNextToken(text, tuple(before) if has_ids else (), tuple(leaders), "unknown", has_ids)
