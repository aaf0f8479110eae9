"""torch's default dtype is the user's to change: no number of a trace or an edit depends on it."""

import numpy as np
import pytest
import torch
from families import IDS, build, tokenizer

import gptviz
from gptviz.intervention import set_attention, steer

VECTOR = (np.arange(24) * 0.1003).tolist()
EDITS = {
    "none": [],
    "steer": [steer(1, VECTOR, 1.7)],
    "set_attention": [set_attention(0, 1, 5, [3, 0, 1, 0, 0, 2])],
}


@pytest.fixture(params=[torch.bfloat16, torch.float64], ids=str)
def other_default(request):
    torch.set_default_dtype(request.param)
    yield
    torch.set_default_dtype(torch.float32)


def numbers(gpt, edits):
    """Returns all that is computed of a pass, and a completion."""
    trace = gpt.trace(IDS, edits=edits)
    arrays = [trace.logits, trace.probabilities(), trace.logit_lens(), trace.embedding()]
    arrays += [trace.attention(), *trace.score_stages(1, 2).values(), trace.head_mix(2, 1), *trace.unrotated()]
    arrays += [trace.head_output(1, 3), trace.head_bias(1), trace.mlp_out(1), trace.mlp_activations(1)]
    arrays += [trace.neurons(2), trace.mlp_bias(2), trace.residual(2), trace.edit_out(1)]
    arrays += [np.array([share.value for share in gptviz.lens.attribution(trace, 5, neurons=True)])]
    choice = gpt.complete(IDS, max_tokens=4, seed=3, edits=edits).choices[0]
    return [*arrays, np.array(choice.token_ids), np.array([step.entropy for step in choice.steps])]


@pytest.fixture(scope="module", params=["qwen2", "mistral"])
def expected(request):
    model = build(request.param, dtype=torch.float32)
    gpt = gptviz.wrap(model, tokenizer())
    return model, {name: numbers(gpt, edits) for name, edits in EDITS.items()}


@pytest.mark.parametrize("edits", EDITS)
def test_numbers_do_not_depend_on_the_default_dtype(expected, edits, other_default):
    model, arrays = expected
    for actual, right in zip(numbers(gptviz.wrap(model, tokenizer()), EDITS[edits]), arrays[edits], strict=True):
        assert actual.dtype == right.dtype
        np.testing.assert_array_equal(actual, right)


def test_a_trace_is_saved_under_another_default_dtype(expected, other_default, tmp_path):
    model, arrays = expected
    saved = gptviz.open_trace(gptviz.wrap(model, tokenizer()).trace(IDS).save(tmp_path / "trace"))
    np.testing.assert_array_equal(saved.logits, arrays["none"][0])
