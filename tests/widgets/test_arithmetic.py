"""The numbers of the attention view's arithmetic, computed again in float64."""

import math

import numpy as np
import pytest
from close import assert_close, rounding
from families import build, tokenizer

import gptviz
from gptviz.errors import GPTVizError
from gptviz.widgets.attention.arithmetic import HeadArithmetic

FAMILIES = ["gpt2", "llama", "gemma2", "gpt_oss"]  # plain, grouped heads, soft-capped, with a sink


@pytest.fixture(scope="module", params=FAMILIES)
def trace(request):
    return gptviz.wrap(build(request.param), tokenizer()).trace([5, 9, 2, 31, 7, 9, 2])


@pytest.mark.parametrize("cell", [(0, 1, 6, 5), (1, 3, 4, 4), (0, 0, 0, 0)])
def test_the_steps_of_a_cell_end_in_its_weight(trace, cell):
    layer, head, query, key = cell
    numbers = HeadArithmetic(trace, layer, head).cell(query, key)
    products = [a * b for a, b in zip(numbers["q"], numbers["k"], strict=True)]
    assert sum(products) == pytest.approx(numbers["stages"]["raw"], abs=rounding(products))
    last = list(numbers["stages"].values())[-1]
    bound = rounding(1.0, last, numbers["largest"])
    assert numbers["exponential"] == pytest.approx(math.exp(last - numbers["largest"]), rel=bound)
    assert numbers["weight"] == pytest.approx(numbers["exponential"] / numbers["sum"], rel=bound)
    assert numbers["weight"] == float(trace.attention(layer, head)[query, key])
    assert (numbers["sink"] is not None) == (trace.sink(layer, head) is not None)


def test_a_masked_cell_has_weight_0(trace):
    numbers = HeadArithmetic(trace, 0, 1).cell(2, 5)
    assert list(numbers["stages"].values())[-1] is None
    assert numbers["exponential"] == numbers["weight"] == 0


def test_a_mix_is_the_sum_of_its_values_and_ends_in_the_heads_output(trace):
    for layer, head, query in ((0, 1, 6), (1, 2, 3)):
        numbers = HeadArithmetic(trace, layer, head).mix(query)
        shown = sum(entry["weight"] * np.array(entry["value"]) for entry in numbers["values"])
        rest = np.array(numbers["others"]["mixed"]) if numbers["others"]["count"] else 0
        assert_close(shown + rest, numbers["mixed"])
        assert len(numbers["values"]) + numbers["others"]["count"] == query + 1
        np.testing.assert_array_equal(numbers["output"], trace.head_output(layer, head)[query])
        np.testing.assert_array_equal(numbers["stream"], trace.residual(layer)[query])


def test_a_heads_output_is_its_mix_times_the_projection():
    model = build("gpt2")
    trace = gptviz.wrap(model, tokenizer()).trace([5, 9, 2, 31])
    mixed = np.array(HeadArithmetic(trace, 1, 2).mix(3)["mixed"])
    rows = slice(2 * trace.d_head, 3 * trace.d_head)
    weight = model.transformer.h[1].attn.c_proj.weight.detach().double().numpy()[rows]
    assert_close(mixed @ weight, trace.head_output(1, 2)[3], scale=mixed)


def test_the_eager_route_refuses_the_arithmetic():
    trace = gptviz.wrap(build("bloom"), tokenizer()).trace([5, 9, 2])
    with pytest.raises(GPTVizError, match="eager"):
        HeadArithmetic(trace, 0, 0).cell(2, 1)
