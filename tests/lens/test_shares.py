"""What each part contributes to a logit, and the logit lens."""

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import IDS, build, tokenizer

import gptviz
from gptviz.checks import epsilon_of
from gptviz.lens.shares import attribution, direction, sum_rounding


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "granite"])
def test_contributions_sum_to_the_logit_by_neuron_too(name):
    """Granite multiplies its parts. Gemma has a norm after its MLP, so its neurons have no contributions of their own."""
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    shares = attribution(trace, 101, 6, neurons=True)
    values = [share.value for share in shares]
    assert sum(values) == pytest.approx(float(trace.logits[6, 101]), abs=rounding(trace.residual(3), values))
    of_neurons = [share for share in shares if share.part == "neuron"]
    assert len(of_neurons) == (0 if name == "gemma2" else 3 * 56)
    for layer in range(3):
        parts = [s.value for s in shares if s.layer == layer and s.part in ("neuron", "mlp_bias", "mlp")]
        whole = next(s.value for s in attribution(trace, 101, 6) if s.layer == layer and s.part == "mlp")
        assert sum(parts) == pytest.approx(whole, abs=rounding(trace.mlp_out(layer), parts))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_the_sum_and_the_logit_differ_by_no_more_than_the_rounding_of_the_models_dtype(name, dtype):
    """The bound follows the dtype, and is far below a share that was left out."""
    trace = gptviz.wrap(build(name).to(dtype), tokenizer()).trace(IDS)
    for id in (5, 101):
        shares = [share.value for share in attribution(trace, id, 6)]
        bound = sum_rounding(trace, direction(trace, id, 6), 6)
        assert abs(sum(shares) - float(trace.logits[6, id])) <= bound < 1000 * torch.finfo(dtype).eps
    assert epsilon_of(trace.residual(3)) == torch.finfo(dtype).eps


def test_the_logit_lens_applies_the_final_norm():
    """The truth: the untouched model's own norm and unembedding of the hidden states that transformers returns."""
    model = build("gpt2")
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    with torch.no_grad():
        states = build("gpt2")(torch.tensor([IDS]), output_hidden_states=True).hidden_states
        expected = [model.lm_head(model.transformer.ln_f(state[0, 7])) for state in states[:-1]]
        bare = model.lm_head(states[1][0, 7])
    lens = trace.logit_lens(7)
    assert_close(lens[:-1], torch.stack(expected), scale=trace.residual(3))
    assert_close(lens[-1], trace.logits[7], scale=trace.residual(3))
    assert np.abs(lens[1] - bare.numpy()).max() > 1  # without the norm the logits are others
