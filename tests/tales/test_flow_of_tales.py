"""A share of length is not a share of cause: the flow of credit in the embedded model, beside what cuts do to its answer."""

import numpy as np
import pytest
import torch
from close import assert_close, assert_softmax_close
from shown import half_of_decimal
from transformers import AutoModelForCausalLM

import gptviz
from gptviz import lens
from gptviz._paths import assets_dir

PROMPT = "When Tom and Mary went to the park, Tom gave a ball to"
SECOND_TOM, LAST = 10, 14  # the first token of the text is the start token


@pytest.fixture(scope="module")
def trace():
    return gptviz.load().trace(PROMPT)


@pytest.fixture(scope="module")
def flow(trace):
    return lens.flow(trace)


@pytest.fixture(scope="module")
def cuts(trace):
    return lens.cuts(trace)


def test_the_shares_of_every_node_sum_to_one(flow):
    for layer in range(6):
        node = flow.residual[layer] + flow.bias[layer] + flow.attention(layer).sum(1)
        assert_close(node, np.ones(15))
        assert_close(flow.heads(layer).sum(0), flow.attention(layer))
    assert_close(flow.importance.sum(1), np.ones(7))
    assert flow.parallel == (False,) * 6 and flow.by_length == ()


def test_every_cut_is_a_pass_of_the_plain_model_with_a_hook(trace, cuts):
    model = AutoModelForCausalLM.from_pretrained(assets_dir() / "tales").eval()
    ids = torch.tensor([[token.id for token in trace.tokens]])

    def silent(_module, _args, out):
        whole = out[0] if isinstance(out, tuple) else out
        whole = whole.clone()
        whole[:, LAST] = 0
        return (whole, *out[1:]) if isinstance(out, tuple) else whole

    for part, actual in (("attn", cuts.attention), ("mlp", cuts.mlp)):
        for layer in range(6):
            handle = model.transformer.h[layer].get_submodule(part).register_forward_hook(silent)
            with torch.no_grad():
                logits = model(ids).logits[0, -1].double()
            handle.remove()
            expected = logits.softmax(-1)[cuts.token.id]
            assert_softmax_close(actual[layer], expected, [logits, trace.residual(6)])


def test_attention_with_hardly_any_share_decides_the_answer_and_wide_shares_do_not(trace, flow, cuts):
    """Attention into the last token: 3 % of its stream in block 2, where a cut takes Mary from 100 to 16 %."""
    assert cuts.token.text == " Mary" and cuts.before > 0.999
    shares = [float(flow.attention(layer)[LAST].sum()) for layer in range(6)]
    assert shares[2:] == pytest.approx([0.027, 0.015, 0.147, 0.171], abs=half_of_decimal(3))
    assert cuts.attention[2:] == pytest.approx([0.159, 0.869, 0.999, 0.996], abs=half_of_decimal(3))
    late = [gptviz.ablate_attention(layer, LAST) for layer in (4, 5)]  # with the widest shares after block 1, both cut
    assert trace.gpt.trace(PROMPT, edits=late).probabilities()[cuts.token.id] > 0.9


def test_one_key_in_block_2_is_what_matters(cuts):
    for renormalise, left in ((True, 0.195), (False, 0.777)):
        keys = cuts.keys(2, renormalise=renormalise)
        assert keys[SECOND_TOM] == pytest.approx(left, abs=half_of_decimal(3))
        assert np.delete(keys, SECOND_TOM).min() > 0.99
