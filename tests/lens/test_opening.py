"""The head at which views of attention open, compared with maps of the untouched models."""

from dataclasses import replace

import numpy as np
import pytest
from close import rounding
from families import IDS
from family_truth import trace_of, truth_of
from mixed_layers import trace_of as mixed_trace
from mixed_layers import truth_of as mixed_truth

import gptviz
from gptviz.errors import NotAvailable
from gptviz.lens.opening import opening_head

LAST = len(IDS) - 1


def largest(maps):
    """Returns (weight, layer, head, key) of the largest weight of the last token to one other than itself and the first.

    maps: of each layer, (H, T, T), or None without attention.
    """
    weights = [
        (float(row[LAST, key]), layer, head, key)
        for layer, of_layer in enumerate(maps)
        if of_layer is not None
        for head, row in enumerate(of_layer)
        for key in range(1, LAST)
    ]
    return max(weights)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gpt_neo"])
def test_it_has_the_largest_weight_on_another_token_than_itself_and_the_first(family):
    maps = truth_of(family).maps.numpy()
    weight, layer, head, key = largest(maps)
    opening = opening_head(trace_of(family))
    assert (opening.layer, opening.head, opening.key) == (layer, head, key)
    assert (opening.query, opening.of_all) == (LAST, True)
    assert opening.weight == pytest.approx(weight, rel=rounding(1.0, trace_of(family).residual(3)))
    rivals = {np.unravel_index(maps[:, :, LAST, key].argmax(), maps.shape[:2]) for key in (0, LAST)}
    assert (layer, head) not in rivals, "a head that looks most at itself or at the first token would be chosen too"


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_it_can_be_chosen_in_one_layer(family):
    for layer in range(3):
        of_layer = [maps if i == layer else None for i, maps in enumerate(truth_of(family).maps.numpy())]
        _, _, head, key = largest(of_layer)
        opening = opening_head(trace_of(family), [layer])
        assert (opening.layer, opening.head, opening.key, opening.of_all) == (layer, head, key, False)


@pytest.mark.parametrize("name", ["lfm2", "4-2-4"])
def test_layers_that_differ_or_have_no_attention(name):
    _, layer, head, key = largest(mixed_truth(name)[1])
    opening = opening_head(mixed_trace(name))
    assert (opening.layer, opening.head, opening.key) == (layer, head, key)


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("name", ["lfm2", "4-2-4"])
def test_without_another_token_it_is_the_first_head_that_has_a_map(name, length):
    opening = opening_head(mixed_trace(name).gpt.trace(IDS[:length]))
    assert (opening.layer, opening.head) == ((1, 0) if name == "lfm2" else (0, 0))
    assert (opening.key, opening.weight) == (None, 0.0)


def test_layers_that_a_file_lacks_are_left_out(tmp_path):
    trace = trace_of("gpt2")
    left_out = opening_head(trace).layer
    kept = [layer for layer in range(3) if layer != left_out]
    opened = gptviz.open_trace(trace.save(tmp_path / "some.safetensors", layers=kept))
    assert opening_head(opened) == replace(opening_head(trace, kept), of_all=True)
    none = gptviz.open_trace(trace.save(tmp_path / "none.safetensors", layers=[]))
    with pytest.raises(NotAvailable):
        opening_head(none)


def test_maps_are_computed_once_for_the_thumbnails_and_the_opening_head(monkeypatch):
    trace = trace_of("gpt2").gpt.trace(IDS)
    computed = []
    attention = type(trace).attention
    monkeypatch.setattr(type(trace), "attention", lambda self, *at: (computed.append(at), attention(self, *at))[1])
    gptviz.AttentionView(trace)
    opening_head(trace)
    assert computed == [(layer,) for layer in range(3)]
