"""The numbers of the sentences with which the Explorer's stations begin."""

from dataclasses import asdict
from typing import Any

import numpy as np

from gptviz import sampling
from gptviz.errors import GPTVizError, NotAvailable
from gptviz.lens.opening import opening_head
from gptviz.text.tokens import written_characters
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe

HIGHEST = 10  # logits that the station of the logits draws


def station_numbers(trace: Trace) -> dict[str, dict[str, Any]]:
    """Returns the numbers of each station's sentence: {station: {name: number}}."""
    last = len(trace.tokens) - 1
    (leader, probability), *_ = trace.top(1)
    logits = trace.logits[-1]
    return {
        "tokens": {
            "characters": written_characters(trace.text, trace.tokens),
            "tokens": sum(not token.special for token in trace.tokens),
            "marks": sum(token.special for token in trace.tokens),
            "start_mark": trace.tokens[0].special,
        },
        "embedding": {
            "token": describe(trace.tokens[last]),
            "id": trace.tokens[last].id,
            "position": last if _has_position_table(trace) else None,
            "numbers": trace.d_model,
        },
        "attention": {
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "heads_in": [trace.heads_in(layer) for layer in range(trace.n_layers)],
            "stream": _stream_lengths(trace),
            **_opening(trace),
        },
        "logits": {
            "vocabulary": trace.vocab_size,
            "leader": describe(leader),
            "logit": float(logits.max()),
            "mean": float(logits.mean(dtype=np.float64)),
            "highest": [
                {"token": describe(token), "logit": float(logits[token.id])} for token, _ in trace.top(HIGHEST)
            ],
        },
        "sampling": {
            "leader": describe(leader),
            "probability": probability,
            "entropy": sampling.entropy(trace.probabilities().astype(np.float64)),
        },
    }


def _stream_lengths(trace: Trace) -> list[float] | None:
    """Returns the length of the last token's vector before the first and after the last block, None without a stream."""
    try:
        return [float(np.linalg.norm(trace.residual(depth)[-1])) for depth in (0, trace.n_layers)]
    except NotAvailable:
        return None


def _has_position_table(trace: Trace) -> bool:
    try:
        trace.embedding("position")
    except GPTVizError:
        return False
    return True


def _opening(trace: Trace) -> dict[str, Any]:
    """Returns the weight that chooses the head at which the attention view opens, with its two tokens."""
    opening = opening_head(trace)
    return {
        **asdict(opening),
        "looking": describe(trace.tokens[opening.query]),
        "looked": None if opening.key is None else describe(trace.tokens[opening.key]),
    }
