"""Role scores of heads against maps with one known role each, and against loops over the traces' own maps."""

import numpy as np
import pytest
from close import assert_softmax_close, rounding
from families import START, build, tokenizer
from small_models import strong_gpt2

import gptviz
from gptviz import lens
from gptviz.errors import NotAvailable
from gptviz.lens.roles import PERIOD, ROLES, role_scores


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(n_layer=3, n_head=4, n_positions=128), tokenizer(start=True))


def test_scores_are_means_over_the_maps_of_a_repeated_sequence(gpt, monkeypatch):
    traced = []
    trace_of = gpt.trace
    monkeypatch.setattr(gpt, "trace", lambda ids: traced.append(ids) or trace_of(ids))
    scores = role_scores(gpt, seed=3)
    (ids,) = traced
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


def test_a_head_that_does_one_thing_has_a_score_of_1_for_it_alone(gpt, monkeypatch):
    """Head 0 looks at the token after the first occurrence of the query's token; head 1 at the token before the query."""

    class TraceWithKnownMaps:
        n_layers, n_heads = 1, 2

        def __init__(self, ids):
            self.ids = ids

        def attention(self, layer):
            maps = np.zeros((2, len(self.ids), len(self.ids)), np.float32)
            for i, id in enumerate(self.ids):
                first = self.ids.index(id)
                if first < i:
                    maps[0, i, first + 1] = 1
                maps[1, i, max(0, i - 1)] = 1
            return maps

    monkeypatch.setattr(gpt, "trace", TraceWithKnownMaps)
    scores = role_scores(gpt)
    assert scores["induction"].tolist() == [[1.0, 0.0]]
    assert scores["previous"][0, 1] == 1.0
    assert set(scores) == set(ROLES) - {"name_mover"}


def test_scores_exist_for_a_short_context():
    gpt = gptviz.wrap(build("llama"), tokenizer())
    gpt.context_length = 11
    assert role_scores(gpt)["same"].shape == (3, 4)


NAME_IDS = {name: 300 + i for i, name in enumerate(("Mary", "John", "Anna", "Paul", "Kate", "David"))}


@pytest.fixture
def gpt_with_names(gpt, monkeypatch):
    """The model with a tokenizer in which each of six names is one token, and the id of any other word is its length."""
    encode_ids = gpt.encode

    def encode(prompt, **keywords):
        if not isinstance(prompt, str):
            return encode_ids(prompt, **keywords)
        return [NAME_IDS.get(word, len(word)) for word in prompt.replace(",", " ,").split()]

    monkeypatch.setattr(gpt, "encode", encode)
    return gpt


def test_a_name_movers_score_is_its_attention_to_the_name_that_comes_next(gpt_with_names, monkeypatch):
    """The truth: sentences written out here, and a loop over the maps of their traces."""
    monkeypatch.setattr("gptviz.lens.roles._start_and_random_ids", lambda *_: ([START], [5, 6, 7]))
    trace_of = gpt_with_names.trace
    traced = []
    monkeypatch.setattr(gpt_with_names, "trace", lambda ids: traced.append(list(ids)) or trace_of(ids))
    scores = role_scores(gpt_with_names)["name_mover"]
    x, y = NAME_IDS["Mary"], NAME_IDS["John"]
    assert traced[1] == [
        4,
        x,
        3,
        y,
        4,
        2,
        3,
        4,
        1,
        x,
        4,
        1,
        4,
        2,
    ]  # When Mary and John went to the park , Mary gave ...
    assert traced[2] == [4, x, 3, y, 4, 2, 3, 4, 1, y, 4, 1, 4, 2]
    assert len(traced) == 7
    expected = np.mean([trace_of(ids).attention()[:, :, -1, 3 - 2 * (i % 2)] for i, ids in enumerate(traced[1:])], 0)
    assert_softmax_close(scores, expected, 1.0)


def test_without_names_there_is_no_name_mover_score(gpt):
    assert set(role_scores(gpt)) == set(ROLES) - {"name_mover"}


def test_the_model_of_an_opened_trace_has_the_saved_scores(tmp_path):
    gpt = gptviz.wrap(build("llama"), tokenizer())
    opened = gptviz.open_trace(gpt.trace([72, 258, 5]).save(tmp_path / "trace.safetensors")).gpt
    scores, saved = role_scores(gpt), role_scores(opened)
    assert saved.keys() == scores.keys()
    for role in scores:
        np.testing.assert_array_equal(saved[role], scores[role])
    assert [id for id, _ in lens.nearest(opened, 258, 3)] == [id for id, _ in lens.nearest(gpt, 258, 3)]
    np.testing.assert_array_equal(lens.principal_plane(opened)[0], lens.principal_plane(gpt)[0])
    with pytest.raises(NotAvailable, match="seed 0"):
        role_scores(opened, seed=1)
    with pytest.raises(NotAvailable, match="whose model is loaded"):
        lens.run_edited(opened, [72, 258], [[]])
