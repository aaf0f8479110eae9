"""Every quantity of a trace against NumPy float64 forwards written from the weights alone, for GPT-2 and for Llama.

The forwards are first checked against plain transformers, so that a disagreement with a trace is the trace's.
"""

from functools import cache

import numpy as np
import pytest
import torch
from families import IDS, TEXT, build, tokenizer
from reference_numpy import Forward, gpt2, llama

import gptviz

ATOL = 1e-4
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


def close(found: np.ndarray, expected: np.ndarray, atol: float = ATOL) -> None:
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@both
def test_numpy_forward_is_the_model_of_transformers(family):
    model = build(family, attn_implementation="eager")
    out = model(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    expected = truth(family, "ids")
    np.testing.assert_allclose(out.logits[0], expected.logits, rtol=0, atol=2e-5)
    np.testing.assert_allclose(torch.cat(out.attentions), expected.attention, rtol=0, atol=5e-6)
    np.testing.assert_allclose(torch.cat(out.hidden_states[:-1]), expected.residual[:-1], rtol=0, atol=2e-5)


@both
def test_the_example_tells_right_from_wrong(family):
    """Attention is neither flat nor a single key, heads and layers differ, and the identities hold in the reference."""
    expected = truth(family, "ids")
    peaks = expected.attention[:, :, 4:].max(-1)
    assert 0.3 < peaks.mean() < 0.9
    maps = expected.attention.reshape(12, -1)
    assert all(abs(maps[a] - maps[b]).max() > 0.1 for a in range(12) for b in range(a))
    parts = expected.embedding["sum"] + expected.attn_out.sum(0) + expected.mlp_out.sum(0)
    np.testing.assert_allclose(parts, expected.residual[-1], rtol=0, atol=1e-9)


@cases
def test_maps(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    close(found.attention(), expected.attention, 1e-5)
    for layer in LAYERS:
        close(found.attention(layer), expected.attention[layer], 1e-5)
        for head in HEADS:
            close(found.attention(layer, head), expected.attention[layer, head], 1e-5)


@cases
def test_queries_keys_and_values(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        close(found.q(layer), expected.q[layer])
        close(found.k(layer), expected.k[layer])
        close(found.v(layer), expected.v[layer])


@cases
def test_score_stages(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        for head in HEADS:
            stages = found.score_stages(layer, head)
            assert list(stages) == ["raw", "scaled", "masked"]
            for name, scores in stages.items():
                close(scores, expected.scores[name][layer, head])
                np.testing.assert_array_equal(found.scores(layer, head, stage=name), scores)
    np.testing.assert_array_equal(found.scores(2, 3), found.score_stages(2, 3)["raw"])


@cases
def test_heads_and_attention_output(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        close(found.attn_out(layer), expected.attn_out[layer])
        for head in HEADS:
            close(found.head_output(layer, head), expected.head_output[layer, head])
        heads = np.sum([found.head_output(layer, head) for head in HEADS], axis=0)
        np.testing.assert_allclose(heads + expected.attn_bias[layer], found.attn_out(layer), rtol=0, atol=1e-5)


@cases
def test_mlp(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for layer in LAYERS:
        close(found.mlp_activations(layer), expected.mlp_activations[layer])
        close(found.mlp_out(layer), expected.mlp_out[layer])


@cases
def test_embedding_and_residual_stream(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    for kind, array in expected.embedding.items():
        close(found.embedding(kind), array)
    close(found.embedding(), expected.embedding["sum"])
    for depth in range(4):
        close(found.residual(depth), expected.residual[depth])


@cases
def test_logits_probabilities_and_lens(family, prompt):
    found, expected = trace(family, prompt), truth(family, prompt)
    close(found.logits, expected.logits)
    for position in (0, 3, -1):
        logits = expected.logits[position]
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        close(found.probabilities(position), probabilities, 1e-5)
        close(found.logit_lens(position), expected.logit_lens[:, position])
        order = np.argsort(-probabilities)[:5]
        top = found.top(5, position)
        assert [token.id for token, _ in top] == order.tolist()
        np.testing.assert_allclose([p for _, p in top], probabilities[order], rtol=0, atol=1e-5)


@both
def test_one_token(family):
    """The shortest prompt there is: one query, one key, a map of one 1."""
    found = gptviz.wrap(build(family), tokenizer()).trace([31])
    weights = {name: value.numpy() for name, value in build(family).state_dict().items()}
    expected = FORWARDS[family](weights, [31])
    np.testing.assert_array_equal(found.attention(), np.ones((3, 4, 1, 1), np.float32))
    close(found.logits, expected.logits)
    close(found.scores(1, 2, "masked"), expected.scores["masked"][1, 2])
