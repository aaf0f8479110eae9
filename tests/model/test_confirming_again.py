"""What half precision would hide, and what changes between two questions, is refused.

The truth is the map that a user's own attention function computed, and what was said before the change.
"""

import numpy as np
import pytest
import torch
from changed_layers import assert_heads_sum_up
from families import IDS, build, tokenizer
from family_truth import is_refused
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

import gptviz
from gptviz import lens
from gptviz.errors import NotAvailable


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("factor", [1.0, 1.02, 1.2])
def test_a_small_change_of_the_scaling_is_seen_in_half_precision(name, dtype, factor):
    model = build(name, dtype=dtype)

    def scaled(module, query, key, value, attention_mask, *, scaling=None, **keywords):
        scaling = (query.shape[-1] ** -0.5 if scaling is None else scaling) * factor
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **keywords)

    AttentionInterface.register("test_scaled", scaled)
    AttentionMaskInterface.register("test_scaled", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model.set_attn_implementation("test_scaled")
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    for layer in range(3):
        if factor == 1.0:
            np.testing.assert_array_equal(trace.attention(layer)[:, 0, 0], 1)
        else:
            with pytest.raises(NotAvailable, match="eager attention function"):
                trace.attention(layer)


def test_a_hook_s_own_state_that_changes_after_a_question_is_seen():
    model, box = build("llama"), [1.0]
    for layer in model.model.layers:
        for part in (layer.self_attn.o_proj, layer.mlp.gate_proj):
            part.register_forward_hook(lambda _module, _args, out: out * box[0])
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert_heads_sum_up(trace, 0)
    assert len(trace.neurons(0))
    box[0] = 2.0
    assert is_refused(lambda: trace.head_output(0, 0))
    assert is_refused(lambda: trace.neurons(0))


def test_a_sweep_runs_in_the_autocast_of_its_trace():
    gpt, value = gptviz.wrap(build("llama"), tokenizer()), lens.probability_of(5)
    with torch.autocast("cpu", torch.bfloat16):
        trace = gpt.trace(IDS)
        inside = lens.ablation_sweep(trace, value).effects
    np.testing.assert_array_equal(lens.ablation_sweep(trace, value).effects, inside)
