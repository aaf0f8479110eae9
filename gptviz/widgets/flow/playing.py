"""What the flow view's player needs beyond the pass that is shown: a drawn token, and the pass over the longer text."""

from typing import Any

import numpy as np

from gptviz.errors import NotAvailable, fail
from gptviz.sampling import distribution, uniform
from gptviz.trace.runnable import running_model
from gptviz.trace.trace import Trace
from gptviz.widgets.flow.shares import ColumnShares
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.edited import ids_of

SEED = 0  # of the draw, so that a text has the same next token at every play


def drawn_id(trace: Trace) -> int:
    """Draws the token after the last one, at temperature 1 and without cuts."""
    return distribution(trace.next_token().logits).draw(SEED)


def describe_draw(trace: Trace) -> dict[str, Any]:
    """Returns the drawn token, its probability, and the random number in [0, 1) with its seed that it was drawn with."""
    id = drawn_id(trace)
    probability = float(trace.probabilities()[id])
    return {"token": describe(trace.vocab_token(id)), "probability": probability, "number": uniform(SEED), "seed": SEED}


def longer_pass(trace: Trace) -> Trace:
    """Returns the pass over the text with the drawn token at its end, whose earlier rows have the numbers of `trace`.

    Raises NotAvailable without the model, and where the model reads a longer text with other rotations (longrope), so that
    no row keeps its numbers; ModelChanged if the model no longer computes `trace`.
    """
    gpt, count = running_model(trace), len(trace.tokens)
    if count == gpt.length_of_short_texts:
        got = f"a text of {count} tokens, the most that this model reads with the same rotations"
        expected, remedy = "a text whose rows keep their numbers when a token is added", "Take a shorter text."
        raise fail(expected, got, remedy, NotAvailable, "other_rotations", count=count)
    with (guard := trace.guarding_weights()), guard:
        trace.check_repeats()
        return gpt.trace([*ids_of(trace), drawn_id(trace)])


def describe_last_row(shares: ColumnShares, tokens: int) -> dict[str, Any]:
    """Returns the shares of the last token of a longer pass, for a page that draws `tokens` tokens before it.

    carried: (C, tokens + 1), what attention carries to it. kept: (C, 3), its stream, bias and MLP.
    """
    carried = shares.attention[:, -1]
    if carried.shape[1] == tokens:  # one more token has joined the earlier ones, which the page still draws by itself
        carried = np.insert(carried, 1, 0.0, axis=1)
    kept = np.stack([part[:, -1] for part in (shares.stream, shares.bias, shares.mlp)], axis=1)
    return {"carried": carried.tolist(), "kept": kept.tolist()}
