"""The head at which views of attention open: the one where the last token looks most at another token than the first.

Most heads of a trained model look at the token itself or at the first one, whatever the text says. So a view that opens
at head 0 of layer 0 often shows almost nothing. The weight says where the last token looks, not what mattered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from gptviz.trace.available import available
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace


@dataclass(frozen=True)
class OpeningHead:
    """layer, head: counted from 0. query, key: positions of the two tokens; weight: what the query gives to the key.

    of_all: whether it was chosen among all layers. key is None, and weight 0, if the query can look at no other token than
    itself and the first.
    """

    layer: int
    head: int
    query: int
    of_all: bool
    key: int | None = None
    weight: float = 0.0


def opening_head(trace: Trace, layers: Iterable[int] | None = None) -> OpeningHead:
    """Returns the head with the largest weight from the last token to a token other than itself and the first.

    Computes the maps of the layers that `note_maps` has not seen. layers: among which to choose; None for all. Layers
    without maps are left out. In a tie the earlier head is taken; where there is no such weight, head 0 of the first layer
    that has maps. Raises NotAvailable if no layer has maps.
    """
    noted = _noted.setdefault(trace, {})

    def of_layer(layer: int) -> OpeningHead:
        return noted[layer] if layer in noted else note_maps(trace, layer, trace.attention(layer))

    candidates = [head for _, head in available(of_layer, range(trace.n_layers) if layers is None else layers)]
    return replace(max(candidates, key=lambda head: head.weight), of_all=layers is None)


_noted: WeakKeyDictionary[Trace, dict[int, OpeningHead]] = WeakKeyDictionary()


def note_maps(trace: Trace, layer: int, maps: Array) -> OpeningHead:
    """Returns the head that would be opened in one layer, and keeps it as long as the trace.

    maps: the layer's, (H, T, T); in cross attention (H, T, S), where no key is the token itself. Code that has computed
    them for another purpose calls this, so that they are computed only once.
    """
    query = len(trace.tokens) - 1
    last = query if trace.key_tokens is trace.tokens else len(trace.key_tokens)
    weights = maps[:, query, 1:last]  # (H, keys)
    if weights.size and weights.max() > 0:
        head, key = np.unravel_index(int(weights.argmax()), weights.shape)
        best = OpeningHead(layer, int(head), query, False, int(key) + 1, float(weights[head, key]))
    else:
        best = OpeningHead(layer, 0, query, False)
    _noted.setdefault(trace, {})[layer] = best
    return best
