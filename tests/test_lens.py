"""Role scores against maps that are made to order: a head that does one thing only has one score of 1."""

import numpy as np
import pytest
import torch
from families import build, tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.lens import PERIOD, ROLES, role_scores


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(4)
    config = GPT2Config(vocab_size=907, n_embd=24, n_layer=3, n_head=4, n_positions=128, initializer_range=0.4)
    return gptviz.wrap(GPT2LMHeadModel(config).eval(), tokenizer(start=True))


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
        one = maps[layer, head]
        assert scores["previous"][layer, head] == pytest.approx(np.mean([one[i, i - 1] for i in rows]), abs=1e-6)
        assert scores["induction"][layer, head] == pytest.approx(
            np.mean([one[i, i - PERIOD + 1] for i in rows]), abs=1e-6
        )
        assert scores["same"][layer, head] == pytest.approx(np.mean([one[i, i - PERIOD] for i in rows]), abs=1e-6)
        assert scores["first"][layer, head] == pytest.approx(np.mean([one[i, 0] for i in rows]), abs=1e-6)


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
    assert set(scores) == set(ROLES)


def test_a_short_context_is_enough():
    gpt = gptviz.wrap(build("llama"), tokenizer())
    gpt.context_length = 11
    assert role_scores(gpt)["same"].shape == (3, 4)
