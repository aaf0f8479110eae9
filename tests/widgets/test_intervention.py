"""The intervention view from Python: its numbers against hooks on the untouched model, and the messages of its page."""

import json

import numpy as np
import pytest
import torch
from close import rounding
from families import build, tokenizer
from small_models import HEADS, LAYERS, silenced_probabilities, strong_gpt2

import gptviz
from gptviz.display.numbers import percent
from gptviz.errors import GPTVizError, ModelChanged, NotAvailable
from gptviz.widgets.intervention.intervention import MOVERS
from gptviz.widgets.shared.edit_list import EditList

PROMPT, OTHER, LONGER = "the thin owl", "the thin cat", "the thin old owl sat there"


@pytest.fixture
def gpt():
    return gptviz.wrap(strong_gpt2(), tokenizer())


def bound(*traces):
    """Returns how far a probability may be from another program's, relative to it."""
    return rounding(*(trace.residual(LAYERS) for trace in traces))


def test_the_table_has_the_models_probabilities_before_and_after(gpt):
    ids = gpt.encode(PROMPT)
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(1, 2)])
    before, after = silenced_probabilities(gpt, ids), silenced_probabilities(gpt, ids, 1, 2)
    rows = view.to_table()
    assert rows[0]["id"] == view.watch.id == before.argmax()
    movers = np.argsort(-np.abs(after - before), kind="stable")[:MOVERS]
    assert [row["id"] for row in rows[1:]] == [id for id in movers if id != rows[0]["id"]]
    for row in rows:
        assert row["before"] == pytest.approx(before[row["id"]], rel=bound(view.trace))
        assert row["after"] == pytest.approx(after[row["id"]], rel=bound(view.after))
        assert row["difference"] == row["after"] - row["before"]
    assert abs(rows[1]["difference"]) > 0.01  # the fixture is one in which something happens


def test_an_outcome_sums_over_the_whole_vocabulary(gpt):
    ids, trace = gpt.encode(PROMPT), gpt.trace(PROMPT)
    view = gptviz.InterventionView(trace)
    outcome = view._answer_outcome([{"kind": "ablate_mlp", "layer": 0}], watched=17)
    before, after = silenced_probabilities(gpt, ids), silenced_probabilities(gpt, ids, 0)
    assert outcome["moved"] == pytest.approx(np.abs(after - before).sum() / 2, abs=bound(trace))
    assert outcome["leader"]["token"]["id"] == after.argmax()
    assert outcome["watched"]["after"] == pytest.approx(after[17], rel=bound(trace))
    assert [row["token"]["id"] for row in outcome["leaders"]] == [token.id for token, _ in trace.top(MOVERS)]
    assert view._answer_outcome([])["moved"] == 0


def test_a_sweep_silences_every_head_and_mlp_alone(gpt):
    ids = gpt.encode(PROMPT)
    view = gptviz.InterventionView(gpt.trace(PROMPT), watch=11)
    grid = view._answer_sweep(11)
    before = silenced_probabilities(gpt, ids)
    expected = [
        [silenced_probabilities(gpt, ids, layer, head)[11] - before[11] for head in (*range(HEADS), None)]
        for layer in range(LAYERS)
    ]
    np.testing.assert_allclose(grid, expected, rtol=0, atol=bound(view.trace) * before[11])
    assert grid.shape == (LAYERS, HEADS + 1)


def test_the_next_plain_pass_is_the_same_to_the_bit(gpt):
    before = gpt.trace(PROMPT).logits
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(0, 1), gptviz.ablate_mlp(1)])
    view._answer_sweep(3)
    np.testing.assert_array_equal(gpt.trace(PROMPT).logits, before)


def edits_of_every_kind(gpt):
    source, vector = gpt.trace(OTHER), np.linspace(-1, 1, gpt.d_model)
    return [
        gptviz.ablate_head(1, 0), gptviz.ablate_head(0, 2, to="mean", reference=source), gptviz.scale_head(1, 1, 0.25),
        gptviz.set_attention(1, 2, 3, [1, 0, 3, 0]), gptviz.patch("residual", 1, 4, source=source),
        gptviz.patch("head_output", 0, 2, source=source, head=1), gptviz.ablate_mlp(1), gptviz.ablate_neuron(0, 5),
        gptviz.steer(1, vector, 2.5), gptviz.ablate_mlp(0, position=2), gptviz.ablate_attention(1, position=3),
        gptviz.ablate_key(0, 4, 1), gptviz.ablate_key(1, 5, 5, head=0, renormalise=False),
    ]  # fmt: skip


def test_edits_of_every_kind_are_sent_to_the_page_and_read_back(gpt):
    edits = tuple(edits_of_every_kind(gpt))
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=edits)
    assert view.edits == edits
    assert json.loads(json.dumps(view._edits)) == view._edits
    np.testing.assert_array_equal(view.after.logits, gpt.trace(PROMPT, edits=list(edits)).logits)
    assert view._edits[0] == {"kind": "ablate_head", "layer": 1, "head": 0}
    assert EditList().specs([gptviz.ablate_mlp(1)]) == [{"kind": "ablate_mlp", "layer": 1}]
    at_one_token = EditList().specs([gptviz.ablate_mlp(1, position=3)])
    assert at_one_token == [
        {"kind": "ablate_mlp", "layer": 1, "position": 3, "code": "gptviz.ablate_mlp(1, position=3)"}
    ]


def test_the_code_of_the_edits_gives_the_same_logits(gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=edits_of_every_kind(gpt))
    names = {"gpt": gpt, "gptviz": gptviz}
    exec(view._answer_outcome(view._edits)["code"], names)
    np.testing.assert_array_equal(names["trace"].logits, view.after.logits)


def test_a_patch_can_come_from_another_prompt(gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT))
    source = view._answer_source(OTHER)
    assert [token["id"] for token in source["tokens"]] == gpt.encode(OTHER)
    spec = {"kind": "patch", "site": "attn_out", "layer": 1, "position": 2, "source": {"held": source["held"]}}
    expected = gpt.trace(PROMPT, edits=[gptviz.patch("attn_out", 1, 2, source=gpt.trace(OTHER))]).probabilities()
    leader = view._answer_outcome([spec])["leader"]
    assert (leader["token"]["id"], leader["after"]) == (
        expected.argmax(),
        pytest.approx(expected.max(), rel=bound(view.trace)),
    )
    with pytest.raises(GPTVizError, match=f"{len(gpt.encode(PROMPT))} tokens.*the same number of tokens"):
        view._answer_source(LONGER)


def test_a_row_is_the_heads_attention(gpt):
    trace = gpt.trace(PROMPT)
    row = gptviz.InterventionView(trace)._answer_row(1, 2, 3)
    np.testing.assert_array_equal(row, trace.attention(1, 2)[3, :4])


def test_another_prompt_keeps_the_edits_without_a_position(gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    edits = edits_of_every_kind(gpt)
    view = gptviz.InterventionView(box, edits=edits)
    box.run(LONGER)
    at_one_token = ("patch", "set_attention", "ablate_key", "ablate_attention")
    kept = [edit for edit in edits if edit.call not in at_one_token and edit != gptviz.ablate_mlp(0, position=2)]
    assert view.edits == tuple(kept)
    assert [edit["code"] for edit in view._dropped] == [repr(edit) for edit in edits if edit not in kept]
    assert [token.id for token in view.after.tokens] == gpt.encode(LONGER)
    box.run(PROMPT)
    assert view._dropped == []


def test_a_new_trace_keeps_the_edits_that_its_tokens_and_model_allow(gpt):
    edits = edits_of_every_kind(gpt)
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=edits, watch=900)
    view.trace = gpt.trace(PROMPT)
    assert view.edits == tuple(edits)
    small = gptviz.wrap(strong_gpt2(n_layer=1, vocab_size=600), tokenizer())
    view.trace = small.trace(LONGER)
    assert view.edits == (edits[1], edits[7], edits[8])
    assert view.watch == small.trace(LONGER).top(1)[0][0]


def test_a_view_of_an_edited_trace_has_its_edits(gpt):
    edits = [gptviz.ablate_head(0, 1)]
    view = gptviz.InterventionView(gpt.trace(PROMPT, edits=edits), edits=[gptviz.ablate_mlp(0)])
    assert view.edits == (edits[0], gptviz.ablate_mlp(0))
    assert view.to_table()[0]["before"] == pytest.approx(
        silenced_probabilities(gpt, gpt.encode(PROMPT)).max(), rel=bound(view.trace)
    )


def test_the_watched_token_is_given_as_text_id_or_token(gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.InterventionView(trace)
    assert view.watch == trace.top(1)[0][0]
    for named in ("a", gpt.encode("a")[0], gpt.token(gpt.encode("a")[0])):
        view.watch = named
        assert view.watch.text == "a"
        assert view.to_table()[0]["token"] == "a"
    assert view._answer_watch("t") == gpt.encode("t")[0]
    view.watch = None
    assert view.watch == trace.top(1)[0][0]
    with pytest.raises(GPTVizError, match=r"one token.*Got 3"):
        view.watch = "owl"
    with pytest.raises(GPTVizError, match="one token"):
        view.watch = ""
    for bad in (907, -1, 1.5, [3]):
        with pytest.raises(GPTVizError):
            view.watch = bad


BAD = [
    {"edits": 3},
    {"edits": [3]},
    {"edits": [{"kind": "exec", "layer": 0}]},
    {"edits": [{"kind": "ablate_head", "layer": 0}]},
    {"edits": [{"kind": "ablate_head", "layer": 0, "head": 7}]},
    {"edits": [{"kind": "ablate_head", "layer": "0", "head": 1}]},
    {"edits": [{"kind": "ablate_mlp", "layer": 9}]},
    {"edits": [{"kind": "ablate_mlp", "layer": 0, "needs": 1}]},
    {"edits": [{"kind": "patch", "layer": 0, "position": 0, "source": {"held": 4}}]},
    {"edits": [{"kind": "patch", "layer": 0, "position": 0, "source": {"held": -1}}]},
    {"edits": [{"kind": "patch", "layer": 0, "position": 0, "source": {"held": False}}]},
    {"edits": [{"kind": "patch", "layer": 0, "position": 0, "source": "the owl"}]},
    {"edits": [{"kind": "set_attention", "layer": 0, "head": 0, "query": 1, "weights": [0, 0]}]},
    {"edits": [], "watched": 907},
    {"edits": [], "watched": {}},
    {},
]


@pytest.mark.parametrize("args", BAD, ids=str)
def test_malformed_edits_are_refused_with_a_message(gpt, args):
    view, sent = gptviz.InterventionView(gpt.trace(PROMPT)), []
    view.send = lambda content, buffers=None: sent.append(content)
    view._on_message(view, {"kind": "ask", "id": 5, "name": "outcome", "args": args}, [])
    assert sent[0]["id"] == 5
    assert sent[0]["error"].startswith("Expected")
    assert "Error" not in sent[0]["error"]


@pytest.mark.parametrize("args", [*BAD[:4], BAD[5], *BAD[7:13]], ids=str)
def test_malformed_edits_in_the_pages_state_change_nothing(gpt, args):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    view = gptviz.InterventionView(box, edits=[gptviz.ablate_mlp(1)])
    view.set_state({"_edits": args["edits"]})
    assert view.edits == (gptviz.ablate_mlp(1),)
    view.set_state({"_watched": 10**6})
    box.run(LONGER)
    assert view.edits == (gptviz.ablate_mlp(1),)
    assert view.watch == box.trace.top(1)[0][0]


def test_impossible_edits_are_refused_when_they_are_set(gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_mlp(1)])
    for bad in ([gptviz.ablate_head(5, 0)], ["ablate"], [gptviz.patch("residual", 0, 0, source=gpt.trace(LONGER))]):
        with pytest.raises(GPTVizError):
            view.edits = bad
        assert view.edits == (gptviz.ablate_mlp(1),)
    with pytest.raises(GPTVizError, match=r"Did you mean edits"):
        gptviz.InterventionView(gpt.trace(PROMPT), edit=[])


def test_on_the_eager_route_mlps_alone_can_be_edited():
    gpt = gptviz.wrap(build("gpt_neo"), tokenizer())
    view = gptviz.InterventionView(gpt.trace(PROMPT))
    with pytest.raises(NotAvailable, match="eager route"):
        view._answer_outcome([{"kind": "ablate_head", "layer": 0, "head": 0}])
    assert view._answer_outcome([{"kind": "ablate_mlp", "layer": 0}])["moved"] > 0
    grid = view._answer_sweep(3)
    assert np.isnan(grid[:, :-1]).all()
    assert np.isfinite(grid[:, -1]).all()


def test_a_saved_trace_is_shown_but_cannot_be_edited(gpt, tmp_path):
    saved = gptviz.open_trace(gpt.trace(PROMPT).save(tmp_path / "trace.safetensors"))
    view = gptviz.InterventionView(saved)
    assert view.to_table()[0]["before"] == float(saved.probabilities().max())
    with pytest.raises(NotAvailable, match="opened from a file"):
        view._answer_outcome([{"kind": "ablate_mlp", "layer": 0}])
    with pytest.raises(NotAvailable, match="opened from a file"):
        view._answer_sweep(3)


def test_a_trace_of_a_changed_model_is_not_compared_with(gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_mlp(1)])
    with torch.no_grad():
        gpt.model.lm_head.weight.mul_(1.1)
    for ask in (lambda: view._answer_outcome(view._edits), lambda: view._answer_sweep(3), view.to_table):
        with pytest.raises(ModelChanged):
            ask()


def test_a_saved_page_has_the_outcome_of_each_part_alone(gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.scale_head(0, 1, 2.0)])
    answers = {json.dumps([name, args]): answer for name, args, answer in view.answers_for_a_page()}
    for layer in range(LAYERS):
        for head in range(HEADS):
            outcome = answers[
                json.dumps(["outcome", {"edits": [{"kind": "ablate_head", "layer": layer, "head": head}]}])
            ]
            expected = silenced_probabilities(gpt, gpt.encode(PROMPT), layer, head).max()
            assert outcome["leader"]["after"] == pytest.approx(expected, rel=bound(view.trace))
        assert json.dumps(["outcome", {"edits": [{"kind": "ablate_mlp", "layer": layer}]}]) in answers
    assert json.dumps(["sweep", {"watched": view.watch.id}]) in answers
    assert json.dumps(["outcome", {"edits": view._edits}]) in answers


def test_a_still_picture_has_the_numbers_before_and_after(gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(1, 2)])
    picture, row = view.still(), view.to_table()[1]
    assert percent(row["before"]) in picture
    assert percent(row["after"]) in picture
    assert "gptviz.ablate_head(1, 2)" in picture
