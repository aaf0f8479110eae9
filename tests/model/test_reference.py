"""Every quantity of a trace against NumPy float64 forwards written from the weights alone, for GPT-2 and for Llama.

The forwards are first checked against plain transformers, so that where a trace disagrees, the trace is wrong.
"""

from functools import cache

import numpy as np
import pytest
import torch
from close import FACTOR, assert_close, assert_float32_close, assert_float32_softmax_close, assert_softmax_close
from families import IDS, TEXT, build, tokenizer
from reference_numpy import Forward, gpt2, llama

import gptviz

FORWARDS = {
    "gpt2": lambda weights, ids: gpt2(weights, ids, n_heads=4),
    "llama": lambda weights, ids: llama(weights, ids, n_heads=4, n_kv_heads=2),
}
PROMPTS = {"ids": IDS, "text": TEXT}
LAYERS, HEADS = range(3), range(4)

both = pytest.mark.parametrize("family", FORWARDS)
cases = pytest.mark.parametrize(("family", "prompt"), [(f, p) for f in FORWARDS for p in PROMPTS])


@cache
def truth_of(family: str, prompt: str) -> Forward:
    weights = {name: value.numpy() for name, value in build(family).state_dict().items()}
    ids = IDS if prompt == "ids" else tokenizer()(TEXT).input_ids
    return FORWARDS[family](weights, ids)


@cache
def trace_of(family: str, prompt: str) -> "gptviz.Trace":
    return gptviz.wrap(build(family), tokenizer()).trace(PROMPTS[prompt])


# A score is a product of two numbers that are both rounded: where scores come from the tokens, not from the trace's own
# queries and keys, they and the maps may differ twice as much.
SCORES = 2 * FACTOR


@both
def test_numpy_forward_is_the_model_of_transformers(family):
    model = build(family, attn_implementation="eager")
    out = model(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    expected = truth_of(family, "ids")
    assert_close(out.logits[0], expected.logits, scale=expected.residual)
    assert_softmax_close(torch.cat(out.attentions), expected.attention, expected.scores["scaled"])
    assert_close(torch.cat(out.hidden_states[:-1]), expected.residual[:-1])


@both
def test_the_examples_would_show_a_fault(family):
    """Attention is neither flat nor on one key, heads and layers differ, and the parts of the reference sum to its stream."""
    expected = truth_of(family, "ids")
    peaks = expected.attention[:, :, 4:].max(-1)
    assert 0.3 < peaks.mean() < 0.9
    maps = expected.attention.reshape(12, -1)
    assert all(abs(maps[a] - maps[b]).max() > 0.1 for a in range(12) for b in range(a))
    parts = expected.embedding["sum"] + expected.attn_out.sum(0) + expected.mlp_out.sum(0)
    added = [expected.embedding["sum"], expected.attn_out, expected.mlp_out]
    assert_close(parts, expected.residual[-1], scale=added, dtype=np.float64)


@cases
def test_maps(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    scores = expected.scores["scaled"]
    assert_float32_softmax_close(trace.attention(), expected.attention, scores, factor=SCORES)
    for layer in LAYERS:
        assert_float32_softmax_close(trace.attention(layer), expected.attention[layer], scores, factor=SCORES)
        for head in HEADS:
            assert_float32_softmax_close(
                trace.attention(layer, head), expected.attention[layer, head], scores, factor=SCORES
            )


@cases
def test_queries_keys_and_values(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    for layer in LAYERS:
        assert_float32_close(trace.q(layer), expected.q[layer], scale=expected.residual)
        assert_float32_close(trace.k(layer), expected.k[layer], scale=expected.residual)
        assert_float32_close(trace.v(layer), expected.v[layer], scale=expected.residual)


@cases
def test_score_stages(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    for layer in LAYERS:
        for head in HEADS:
            stages = trace.score_stages(layer, head)
            assert list(stages) == ["raw", "scaled", "masked"]
            for name, scores in stages.items():
                assert_float32_close(
                    scores, expected.scores[name][layer, head], scale=expected.scores["raw"], factor=SCORES
                )
                np.testing.assert_array_equal(trace.scores(layer, head, stage=name), scores)
    np.testing.assert_array_equal(trace.scores(2, 3), trace.score_stages(2, 3)["raw"])


@cases
def test_heads_and_attention_output(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    for layer in LAYERS:
        assert_float32_close(trace.attn_out(layer), expected.attn_out[layer], scale=expected.residual)
        for head in HEADS:
            assert_float32_close(
                trace.head_output(layer, head), expected.head_output[layer, head], scale=expected.residual
            )
        heads = [trace.head_output(layer, head) for head in HEADS]
        assert_close(np.sum(heads, axis=0) + expected.attn_bias[layer], trace.attn_out(layer), scale=heads)


@cases
def test_mlp(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    for layer in LAYERS:
        assert_float32_close(trace.mlp_activations(layer), expected.mlp_activations[layer], scale=expected.residual)
        assert_float32_close(trace.mlp_out(layer), expected.mlp_out[layer], scale=expected.residual)


@cases
def test_embedding_and_residual_stream(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    for kind, array in expected.embedding.items():
        assert_float32_close(trace.embedding(kind), array)
    assert_float32_close(trace.embedding(), expected.embedding["sum"])
    for depth in range(4):
        assert_float32_close(trace.residual(depth), expected.residual[depth], scale=expected.residual)


@cases
def test_logits_probabilities_and_lens(family, prompt):
    trace, expected = trace_of(family, prompt), truth_of(family, prompt)
    stream = expected.residual
    assert_float32_close(trace.logits, expected.logits, scale=stream)
    for position in (0, 3, -1):
        logits = expected.logits[position]
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        assert_float32_softmax_close(trace.probabilities(position), probabilities, stream)
        assert_float32_close(trace.logit_lens(position), expected.logit_lens[:, position], scale=stream)
        order = np.argsort(-probabilities)[:5]
        top = trace.top(5, position)
        assert [token.id for token, _ in top] == order.tolist()
        assert_softmax_close([p for _, p in top], probabilities[order], stream)


@both
def test_one_token(family):
    """The shortest prompt: one query, one key, and a map whose only weight is 1."""
    trace = gptviz.wrap(build(family), tokenizer()).trace([31])
    weights = {name: value.numpy() for name, value in build(family).state_dict().items()}
    expected = FORWARDS[family](weights, [31])
    np.testing.assert_array_equal(trace.attention(), np.ones((3, 4, 1, 1), np.float32))
    assert_float32_close(trace.logits, expected.logits, scale=expected.residual)
    assert_float32_close(trace.scores(1, 2, "masked"), expected.scores["masked"][1, 2], scale=expected.scores["raw"])
