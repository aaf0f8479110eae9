"""What the sampling bench shows of a served model: the tokens that its server reveals, and the rest as one share.

The page computes the stages in `revealed.js`, with the same arithmetic as `gptviz/served/sampled.py`.
"""

import math
from typing import Any

from gptviz.display.numbers import percent
from gptviz.sampling.settings import Settings
from gptviz.served.next_token import RevealedNextToken
from gptviz.text.visible import visible
from gptviz.widgets.shared.chips import describe


def describe_revealed(revealed: RevealedNextToken) -> dict[str, Any]:
    """Returns what the page gets. labels: a token for each leader, in order, which the page numbers from 0.

    current: the last token of the prompt, or None where the server does not report it. Log-probabilities of minus infinity
    are None.
    """
    before = revealed.before
    logprobs = [leader.logprob if math.isfinite(leader.logprob) else None for leader in revealed.leaders]
    return {
        "position": len(before) - 1,
        "current": describe(before[-1]) if before else None,
        "previous": [],
        "labels": [describe(leader.token) for leader in revealed.leaders],
        "beside": None,
        "revealed": {
            "logprobs": logprobs,
            "kind": revealed.log_probabilities,
            "complete": revealed.is_complete,
        },
    }  # fmt: skip


def table_of_revealed(revealed: RevealedNextToken, settings: Settings) -> list[dict[str, Any]]:
    """Returns a row for each leader: id, token, logprob, and the probability in each stage. NaN is for what is not known.

    The last row is all other tokens.
    """
    sampled = revealed.stages(settings)
    stages = {name: stage.probabilities for name, stage in sampled.items()}
    table = [
        {"id": leader.token.id, "token": leader.token.text, "logprob": leader.logprob}
        | {name: math.nan if shares is None else shares[rank] for name, shares in stages.items()}
        for rank, leader in enumerate(revealed.leaders)
    ]
    rest = {
        name: math.nan if shares is None else max(0.0, 1 - math.fsum(shares)) if math.isnan(sampled[name].kept) else 0.0
        for name, shares in stages.items()
    }
    return [*table, {"id": None, "token": "not revealed", "logprob": None} | rest]


def bars_of_revealed(revealed: RevealedNextToken, settings: Settings, rest: str) -> list[tuple[str, float, str]]:
    """Returns a bar for each leader, and one with the name `rest` for all other tokens: name, share, and share as text.

    The shares are those after the settings. A share that is not known has no length and no number.
    """
    final = "min_p"
    shares = [row[final] for row in table_of_revealed(revealed, settings)]
    names = [*(visible(leader.token) for leader in revealed.leaders), rest]
    return [
        (name, 0.0, "–") if math.isnan(share) else (name, share, percent(share))
        for name, share in zip(names, shares, strict=True)
    ]
