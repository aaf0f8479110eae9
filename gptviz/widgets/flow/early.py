"""Next-token probabilities read early: the logit lens of the likeliest next tokens at every depth."""

from collections.abc import Sequence

import numpy as np

from gptviz.errors import NotAvailable
from gptviz.sampling.probabilities import softmax
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

_MOST_READ = 3_000_000  # logits that are computed before the view is shown; the page asks for the others


def early_probabilities(trace: Trace, positions: Sequence[int], ids: Sequence[Sequence[int]]) -> Array:
    """Returns the probability of each next token, read at every depth: (positions, ids, L + 1), float32.

    ids: of each position. The last depth has the model's own probabilities. Source: see `Trace.logit_lens`.
    """
    of_vocabulary = softmax(trace.logit_lenses(positions))
    return np.take_along_axis(of_vocabulary, np.array(ids)[:, None], -1).swapaxes(1, 2).astype(np.float32)


def first_early(trace: Trace, positions: Sequence[int], ids: Sequence[Sequence[int]]) -> Array:
    """Returns `early_probabilities` of the last of these positions, NaN for the others: (positions, ids, L + 1).

    ids: of each position. Raises NotAvailable if the stream of this model cannot be read early.
    """
    depths = trace.n_layers + 1
    shares = np.full((len(positions), len(ids[0]), depths), np.nan, np.float32)
    affordable = max(1, _MOST_READ // (depths * trace.vocab_size))
    shares[-affordable:] = early_probabilities(trace, positions[-affordable:], ids[-affordable:])
    return shares


def reads_back_its_token(trace: Trace) -> bool:
    """Returns whether the reader's row of a token points where its row of the token table does: tied embeddings."""
    position = len(trace.tokens) - 1
    try:
        row, (reader, _) = trace.embedding("token")[position], trace.unembedding(trace.tokens[position].id)
    except NotAvailable:
        return False
    if row.shape != reader.shape:
        return False
    lengths = float(np.linalg.norm(row) * np.linalg.norm(reader))
    return lengths > 0 and float(row @ reader) > 0.999 * lengths
