"""Every quantity of a trace against NumPy float64 forwards written from the weights alone, for GPT-2 and for Llama.

The forwards are first checked against plain transformers, so that a disagreement with a trace is the trace's.
"""

from functools import cache

import numpy as np
import pytest
import torch
from close import FACTOR, assert_close, assert_softmax_close
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
def truth(family: str, prompt: str) -> Forward:
    weights = {name: value.numpy() for name, value in build(family).state_dict().items()}
    ids = IDS if prompt == "ids" else tokenizer()(TEXT).input_ids
    return FORWARDS[family](weights, ids)


@cache
def trace(family: str, prompt: str) -> "gptviz.Trace":
    return gptviz.wrap(build(family), tokenizer()).trace(PROMPTS[prompt])


# A score is a product of two numbers that are both rounded: where scores come from the tokens, not from the trace's own
# queries and keys, they and the maps may differ twice as much.
SCORES = 2 * FACTOR


def close(found: np.ndarray, expected: np.ndarray, scale=(), factor=FACTOR) -> None:
    assert found.dtype == np.float32
    assert_close(found, expected, scale=scale, factor=factor)


def shares_close(found: np.ndarray, expected: np.ndarray, scores: np.ndarray, factor=FACTOR) -> None:
    assert found.dtype == np.float32
    assert_softmax_close(found, expected, scores, factor=factor)


@both
def test_numpy_forward_is_the_model_of_transformers(family):
    model = build(family, attn_implementation="eager")
    out = model(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    expected = truth(family, "ids")
    assert_close(out.logits[0], expected.logits, scale=expected.residual)
    assert_softmax_close(torch.cat(out.attentions), expected.attention, expected.scores["scaled"])
    assert_close(torch.cat(out.hidden_states[:-1]), expected.residual[:-1])


@both
def test_the_example_tells_right_from_wrong(family):
    """Attention is neither flat nor a single key, heads and layers differ, and the identities hold in the reference."""
    expected = truth(family, "ids")
    peaks = expected.attention[:, :, 4:].max(-1)
    assert 0.3 < peaks.mean() < 0.9
    maps = expected.attention.reshape(12, -1)
    assert all(abs(maps[a] - maps[b]).max() > 0.1 for a in range(12) for b in range(a))
    parts = expected.embedding["sum"] + expected.attn_out.sum(0) + expected.mlp_out.sum(0)
    added = [expected.embedding["sum"], expected.attn_out, expected.mlp_out]
    assert_close(parts, expected.residual[-1], scale=added, dtype=np.float64)


@cases
def test_maps(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    scores = expected.scores["scaled"]
    shares_close(found.attention(), expected.attention, scores, SCORES)
    for layer in LAYERS:
        shares_close(found.attention(layer), expected.attention[layer], scores, SCORES)
        for head in HEADS:
            shares_close(found.attention(layer, head), expected.attention[layer, head], scores, SCORES)


@cases
def test_queries_keys_and_values(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        close(found.q(layer), expected.q[layer], expected.residual)
        close(found.k(layer), expected.k[layer], expected.residual)
        close(found.v(layer), expected.v[layer], expected.residual)


@cases
def test_score_stages(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        for head in HEADS:
            stages = found.score_stages(layer, head)
            assert list(stages) == ["raw", "scaled", "masked"]
            for name, scores in stages.items():
                close(scores, expected.scores[name][layer, head], expected.scores["raw"], factor=SCORES)
                np.testing.assert_array_equal(found.scores(layer, head, stage=name), scores)
    np.testing.assert_array_equal(found.scores(2, 3), found.score_stages(2, 3)["raw"])


@cases
def test_heads_and_attention_output(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        close(found.attn_out(layer), expected.attn_out[layer], expected.residual)
        for head in HEADS:
            close(found.head_output(layer, head), expected.head_output[layer, head], expected.residual)
        heads = [found.head_output(layer, head) for head in HEADS]
        assert_close(np.sum(heads, axis=0) + expected.attn_bias[layer], found.attn_out(layer), scale=heads)


@cases
def test_mlp(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        close(found.mlp_activations(layer), expected.mlp_activations[layer], expected.residual)
        close(found.mlp_out(layer), expected.mlp_out[layer], expected.residual)


@cases
def test_embedding_and_residual_stream(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for kind, array in expected.embedding.items():
        close(found.embedding(kind), array)
    close(found.embedding(), expected.embedding["sum"])
    for depth in range(4):
        close(found.residual(depth), expected.residual[depth], expected.residual)


@cases
def test_logits_probabilities_and_lens(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    stream = expected.residual
    close(found.logits, expected.logits, stream)
    for position in (0, 3, -1):
        logits = expected.logits[position]
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        shares_close(found.probabilities(position), probabilities, stream)
        close(found.logit_lens(position), expected.logit_lens[:, position], stream)
        order = np.argsort(-probabilities)[:5]
        top = found.top(5, position)
        assert [token.id for token, _ in top] == order.tolist()
        assert_softmax_close([p for _, p in top], probabilities[order], stream)


@both
def test_one_token(family):
    """The shortest prompt there is: one query, one key, a map of one 1."""
    found = gptviz.wrap(build(family), tokenizer()).trace([31])
    weights = {name: value.numpy() for name, value in build(family).state_dict().items()}
    expected = FORWARDS[family](weights, [31])
    np.testing.assert_array_equal(found.attention(), np.ones((3, 4, 1, 1), np.float32))
    close(found.logits, expected.logits, expected.residual)
    close(found.scores(1, 2, "masked"), expected.scores["masked"][1, 2], expected.scores["raw"])
