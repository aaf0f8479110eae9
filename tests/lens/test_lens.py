"""Role scores against maps that are made to order: a head that does one thing only has one score of 1. Lens and shares."""

import numpy as np
import pytest
import torch
from close import assert_close, assert_softmax_close, rounding
from families import IDS, START, build, tokenizer
from small_models import strong_gpt2

import gptviz
from gptviz.lens.roles import PERIOD, ROLES, role_scores
from gptviz.lens.shares import attribution


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(n_layer=3, n_head=4, n_positions=128), tokenizer(start=True))


def test_scores_are_means_of_the_traces_own_maps(gpt, monkeypatch):
    asked = []
    trace_of = gpt.trace
    monkeypatch.setattr(gpt, "trace", lambda ids: asked.append(ids) or trace_of(ids))
    scores = role_scores(gpt, seed=3)
    (ids,) = asked
    assert ids[1 : 1 + PERIOD] == ids[1 + PERIOD :]
    assert len(set(ids[1 : 1 + PERIOD])) == PERIOD
    maps = trace_of(ids).attention()
    rows = range(1 + PERIOD, 1 + 2 * PERIOD)
    for layer, head in ((0, 1), (2, 3)):
        weights = maps[layer, head]
        expected = {
            "previous": np.mean([weights[i, i - 1] for i in rows]),
            "induction": np.mean([weights[i, i - PERIOD + 1] for i in rows]),
            "same": np.mean([weights[i, i - PERIOD] for i in rows]),
            "first": np.mean([weights[i, 0] for i in rows]),
        }
        for name, mean in expected.items():
            assert scores[name][layer, head] == pytest.approx(mean, rel=rounding(1.0)), name


def test_what_follows_a_token_is_what_the_induction_score_looks_at(gpt, monkeypatch):
    """Maps made to order: at each query, all attention on the token after the same token's first place."""

    class Made:
        n_layers, n_heads = 1, 2

        def __init__(self, ids):
            self.ids = ids

        def attention(self, layer):
            maps = np.zeros((2, len(self.ids), len(self.ids)), np.float32)
            for i, id in enumerate(self.ids):
                before = self.ids.index(id)
                if before < i:
                    maps[0, i, before + 1] = 1
                maps[1, i, max(0, i - 1)] = 1
            return maps

    monkeypatch.setattr(gpt, "trace", Made)
    scores = role_scores(gpt)
    assert scores["induction"].tolist() == [[1.0, 0.0]]
    assert scores["previous"][0, 1] == 1.0
    assert set(scores) == set(ROLES) - {"name_mover"}


def test_a_short_context_is_enough():
    gpt = gptviz.wrap(build("llama"), tokenizer())
    gpt.context_length = 11
    assert role_scores(gpt)["same"].shape == (3, 4)


NAMED = {name: 300 + i for i, name in enumerate(("Mary", "John", "Anna", "Paul", "Kate", "David"))}


@pytest.fixture
def named(gpt, monkeypatch):
    """The same model with a tokenizer in which each of six names is one token and every other word is its length."""

    encode_ids = gpt.encode

    def encode(prompt, **keywords):
        if not isinstance(prompt, str):
            return encode_ids(prompt, **keywords)
        return [NAMED.get(word, len(word)) for word in prompt.replace(",", " ,").split()]

    monkeypatch.setattr(gpt, "encode", encode)
    return gpt


def test_name_movers_look_at_the_name_whose_turn_it_is(named, monkeypatch):
    """The truth: sentences written out here, attention counted by a loop over untouched maps."""
    monkeypatch.setattr("gptviz.lens.roles._start_and_random_ids", lambda *_: ([START], [5, 6, 7]))
    trace_of = named.trace
    asked = []
    monkeypatch.setattr(named, "trace", lambda ids: asked.append(list(ids)) or trace_of(ids))
    scores = role_scores(named)["name_mover"]
    x, y = NAMED["Mary"], NAMED["John"]
    assert asked[1] == [4, x, 3, y, 4, 2, 3, 4, 1, x, 4, 1, 4, 2]  # When Mary and John went to the park , Mary gave ...
    assert asked[2] == [4, x, 3, y, 4, 2, 3, 4, 1, y, 4, 1, 4, 2]
    assert len(asked) == 7
    expected = np.mean([trace_of(ids).attention()[:, :, -1, 3 - 2 * (i % 2)] for i, ids in enumerate(asked[1:])], 0)
    assert_softmax_close(scores, expected, 1.0)


def test_without_names_no_name_movers_are_told(gpt):
    assert set(role_scores(gpt)) == set(ROLES) - {"name_mover"}


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "granite"])
def test_shares_sum_to_the_logit_by_neuron_too(name):
    """Granite multiplies its parts and Gemma has a norm after its MLP, so that its neurons are not told apart."""
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


def test_the_lens_has_the_final_norm():
    """The truth: the untouched model's own norm and unembedding of the hidden states that transformers returns."""
    model = build("gpt2")
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    with torch.no_grad():
        states = build("gpt2")(torch.tensor([IDS]), output_hidden_states=True).hidden_states
        expected = [model.lm_head(model.transformer.ln_f(state[0, 7])) for state in states[:-1]]
        bare = model.lm_head(states[1][0, 7])
    found = trace.logit_lens(7)
    assert_close(found[:-1], torch.stack(expected), scale=trace.residual(3))
    assert_close(found[-1], trace.logits[7], scale=trace.residual(3))
    assert np.abs(found[1] - bare.numpy()).max() > 1  # without the norm it is another thing
