"""Families that do something unlike the others, each as a small model: what they compute, or a refusal in words."""

import pytest
import torch
from close import assert_close
from families import IDS, tokenizer
from zoo_models import build
from zoo_truth import Truth, at_output

import gptviz
from gptviz.errors import NotAvailable


def test_a_family_without_sdpa_finds_its_own_name_in_a_list():
    """HY-V4 has eager attention alone, and makes the mask of its sparse attention only under the names that it knows."""
    model = build("hy_v4")
    assert model.config._attn_implementation == "eager"
    assert_close(gptviz.wrap(model, tokenizer()).trace(IDS).logits, Truth("hy_v4").logits)


@pytest.mark.parametrize("family", ["rwkv", "xlm"])
def test_what_is_no_block_with_attention_is_refused(family):
    """RWKV returns something else than maps as `attentions`; XLM has no list of blocks, but a list for each kind of part."""
    with pytest.raises(NotAvailable, match="whose blocks stand in one list"):
        gptviz.wrap(build(family), tokenizer())


def test_an_edit_replaces_the_first_result_of_a_named_tuple():
    """Reformer's blocks return one."""
    truth, gpt = Truth("reformer"), gptviz.wrap(build("reformer"), tokenizer())
    vector = torch.linspace(-2, 1, 24)
    expected = truth.run(at_output(truth.blocks[-1], lambda x: x + vector))
    assert_close(gpt.trace(IDS, edits=[gptviz.steer(3, vector)]).logits, expected, scale=truth.stream)


@pytest.mark.parametrize("family", ["bamba", "roberta", "reformer", "gpt2"])
def test_a_text_goes_on_as_if_it_were_read_anew(family):
    """Bamba counts a token after its cache from 0 unless it is told; RoBERTa counts from its padding token's id."""
    choice = gptviz.wrap(build(family), tokenizer()).complete(IDS, max_tokens=5, temperature=0).choices[0]
    assert list(choice.token_ids) == Truth(family).read_anew(5)


def test_a_model_whose_config_has_parts_with_settings_by_layer_can_be_traced():
    """Gemma 4's text config raises when it is compared with a copy: the width of its heads differs by layer."""
    assert_close(gptviz.wrap(build("gemma4"), tokenizer()).trace(IDS).logits, Truth("gemma4").logits)


@pytest.mark.parametrize("family", ["reformer", "deepseek_v4"])
def test_maps_with_other_columns_than_the_tokens_are_refused(family):
    """Reformer has a map for each chunk of the text; DeepSeek-V4 looks at summaries of several tokens too."""
    trace = gptviz.wrap(build(family), tokenizer()).trace(IDS)
    with pytest.raises(NotAvailable, match="attention maps"):
        trace.attention(0)


def test_an_mlp_that_drops_the_dimension_of_the_batch_can_be_studied():
    """Llama 4's experts take (T, d)."""
    assert_close(gptviz.wrap(build("llama4_text"), tokenizer()).trace(IDS).logits, Truth("llama4_text").logits)
