"""The flow view from Python: the shares that its page gets, what cuts do, and the list of cuts that views share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import IDS, build, tokenizer
from mixed_layers import trace_of
from page_messages import ask
from shown import HALF_A_GREY
from small_models import LAYERS, strong_gpt2

import gptviz
from gptviz import lens
from gptviz.display.numbers import percent
from gptviz.errors import GPTVizError, NotAvailable
from gptviz.widgets.flow import shares as flow_shares
from gptviz.widgets.flow.flow import LEADERS
from gptviz.widgets.flow.open_blocks import NEURONS

PROMPT = "the thin owl sat"
SAVED_BY_0_1 = Path(__file__).parents[1] / "trace" / "saved_by_0_1.safetensors"


def matrices(view):
    """Returns the share matrices (C, T, T) of the view's page, and what of each token's share is the MLP's: (C, T)."""
    columns, tokens = len(view._about["columns"]), len(view._about["tokens"])
    carried = np.frombuffer(view._carried, "<f4").reshape(columns, -1).astype(np.float64)
    stream, bias, mlp = np.frombuffer(view._kept, "<f4").reshape(columns, 3, tokens).astype(np.float64).swapaxes(0, 1)
    whole = np.zeros((columns, tokens, tokens))
    whole[:, *np.tril_indices(tokens)] = carried
    whole[:, range(tokens), range(tokens)] += stream + bias
    return whole, mlp


def credit_of(matrices, position):
    """Returns the credit at each depth, computed from share matrices as the page does: (C + 1, T)."""
    rows = [np.eye(matrices.shape[-1])[position]]
    for matrix in matrices[::-1]:
        rows.append(rows[-1] @ matrix)
    return np.array(rows[::-1])


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neox"])
def test_the_page_computes_the_same_credit_as_lens_flow(name):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    view = gptviz.FlowView(trace)
    whole, mlp = matrices(view)
    assert_close(whole.sum(-1), np.ones(whole.shape[:2]))
    np.testing.assert_array_equal(mlp, lens.flow(trace).mlp)  # no share below 0 by rounding
    for position in (len(IDS) - 1, 4):
        assert_close(credit_of(whole, position), lens.flow(trace, position).importance)
    assert view._about["refusal"] is None


def pooled(monkeypatch, trace, columns):
    monkeypatch.setattr(flow_shares, "MOST_COLUMNS", columns)
    return gptviz.FlowView(trace)


@pytest.mark.parametrize("name", ["gpt2", "gpt_neox"])
def test_pooled_blocks_keep_sums_exact_and_say_what_never_passes_attention_or_an_mlp(name, monkeypatch):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    view, flow = pooled(monkeypatch, trace, 2), lens.flow(trace)
    assert view._about["columns"] == [(0, 1), (2, 2)]
    whole, mlp = matrices(view)
    assert_close(whole[0], flow.matrix(0, 1), scale=1.0)
    assert_close(credit_of(whole, -1), flow.importance[[0, 2, 3]])
    # What never passes an MLP, by running a copy of the credit that each MLP takes its share from.
    expected = np.empty(len(IDS))
    for token in range(len(IDS)):
        credit = np.eye(len(IDS))[token]
        for layer in (1, 0):
            if flow.parallel[layer]:
                credit = credit @ (flow.matrix(layer) - np.diag(flow.mlp[layer]))
            else:
                credit = (credit * (1 - flow.mlp[layer])) @ flow.matrix(layer)
        expected[token] = 1 - credit.sum()
    assert_close(mlp[0], expected, scale=1.0)


@pytest.mark.parametrize("name", ["gpt2", "gpt_neox", "gpt_neo"])
def test_an_unfolded_column_has_the_numbers_of_its_blocks(name, monkeypatch):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    rows = ask(pooled(monkeypatch, trace, 2), "column", column=0)
    carried, kept = np.split(rows, [len(IDS) * (len(IDS) + 1) // 2], axis=1)
    flow = None if name == "gpt_neo" else lens.flow(trace)
    for layer in (0, 1):
        matrix = trace.attention(layer).mean(0) if flow is None else flow.attention(layer)
        assert_close(carried[layer], matrix[np.tril_indices(len(IDS))], scale=1.0)
        stream, bias, mlp = kept[layer].reshape(3, -1)
        if flow is None:
            assert not kept.any()
        else:
            straight = flow.residual[layer] + (flow.mlp[layer] if flow.parallel[layer] else 0)
            for ours, expected in ((stream, straight), (bias, flow.bias[layer]), (mlp, flow.mlp[layer])):
                assert_close(ours, expected, scale=1.0)
    assert len(rows) == 2


def test_a_page_has_the_blocks_of_pooled_columns(monkeypatch):
    view = pooled(monkeypatch, gptviz.wrap(build("gpt2"), tokenizer()).trace(IDS), 2)
    assert [args for name, args in view._page_questions() if name == "column"] == [{"column": 0}]
    with pytest.raises(GPTVizError):
        view._answer_column(2)


def test_of_a_long_text_the_last_tokens_are_drawn_and_earlier_ones_are_one(monkeypatch):
    monkeypatch.setattr(flow_shares, "MOST_TOKENS", 6)
    trace = gptviz.wrap(build("llama"), tokenizer()).trace(IDS)
    view = gptviz.FlowView(trace)
    whole, _ = matrices(view)
    assert [token["position"] for token in view._about["tokens"]] == [4, 5, 6, 7, 8, 9, 10]
    assert view._about["tokens"][0]["earlier"] == 5
    exact = lens.flow(trace).importance
    drawn = credit_of(whole, -1)
    assert_close(drawn[:, 1:], exact[:, 5:], scale=1.0)
    assert_close(drawn[:, 0], exact[:, :5].sum(1), scale=1.0)
    assert view.to_table() and view.still()
    assert len(view._about["leaders"]) == 7


def test_parallel_blocks_are_told_with_values_and_without():
    of = {name: gptviz.wrap(build(name), tokenizer()).trace(IDS) for name in ("gpt2", "gpt_neox", "gptj")}
    found = {name: gptviz.FlowView(trace)._about["parallel"] for name, trace in of.items()}
    assert found == {"gpt2": [False] * 3, "gpt_neox": [True] * 3, "gptj": [True] * 3}


@pytest.mark.parametrize("name", ["gpt_neo", "bloom"])
def test_without_values_attention_weights_are_drawn_and_named_so(name):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    view = gptviz.FlowView(trace)
    assert view._about["refusal"]["code"] == "route"
    carried = np.frombuffer(view._carried, "<f4").reshape(3, -1)
    for layer in range(3):
        assert_close(carried[layer], trace.attention(layer).mean(0)[np.tril_indices(len(IDS))])
    assert set(view.to_table()[0]) == {"depth", "position", "token", "weight"}
    assert "attention weight" in view.still()


def test_layers_without_attention_leave_their_column_empty():
    trace = trace_of("lfm2")
    view = gptviz.FlowView(trace)
    carried = np.frombuffer(view._carried, "<f4").reshape(3, -1)
    assert [bool(column.any()) for column in carried] == [False, True, False]
    assert view._about["refusal"]["error"]
    assert view._about["attention"] == ["none", "held", "none"]


def test_a_block_whose_attention_a_file_lacks_has_no_share_of_0():
    view = gptviz.FlowView(gptviz.open_trace(SAVED_BY_0_1))
    assert view._about["attention"] == ["missing", "held", "missing"]
    assert {row["depth"] for row in view.to_table()} == {1}
    assert "block 1" in view.still() and "block 0" not in view.still()


def test_the_still_picture_of_a_view_with_a_cut_has_the_bars_of_the_cut_pass(gpt):
    view = gptviz.FlowView(gpt.trace(PROMPT), edits=[gptviz.ablate_attention(0)])
    before, after = (percent(trace.top(1)[0][1]) for trace in (gpt.trace(PROMPT), view.after))
    assert before != after and after in view.still() and before not in view.still()


@pytest.fixture
def gpt():
    return gptviz.wrap(strong_gpt2(), tokenizer())


def test_the_table_has_the_credit_of_the_followed_token(gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace, position=5)
    importance = lens.flow(trace, 5).importance
    rows = view.to_table()
    assert [row["credit"] for row in rows] == importance.ravel().tolist()
    assert [row["token"] for row in rows[: len(trace.tokens)]] == [token.text for token in trace.tokens]
    assert percent(importance[0, 3]) in view.still()


def test_next_tokens_and_what_is_read_early_are_the_traces(gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace)
    count = len(trace.tokens)
    shares = np.frombuffer(view._probabilities, "<f4").reshape(count, LEADERS)
    early = np.frombuffer(view._lens, "<f4").reshape(count, LEADERS, LAYERS + 1)
    for position in range(count):
        top = trace.top(LEADERS, position)
        assert view._about["leaders"][position] == [token.id for token, _ in top]
        assert shares[position].tolist() == [share for _, share in top]
        assert_close(early[position, :, -1], shares[position], scale=1.0)
        assert_close(ask(view, "lens", position=position), early[position], scale=1.0)  # read alone, and in a batch
    logits = trace.logit_lens(4)[1].astype(np.float64)
    id = view._about["leaders"][4][2]
    assert early[4, 2, 1] == pytest.approx(np.exp(logits[id]) / np.exp(logits).sum(), rel=rounding(logits))


def test_what_is_read_early_is_asked_for_where_it_would_take_long(gpt, monkeypatch):
    monkeypatch.setattr("gptviz.widgets.flow.early._MOST_READ", 2 * (LAYERS + 1) * 907)
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace)
    early = np.frombuffer(view._lens, "<f4").reshape(len(trace.tokens), LEADERS, LAYERS + 1)
    assert np.isnan(early[:-2]).all() and np.isfinite(early[-2:]).all()
    whole = np.frombuffer(gptviz.FlowView(trace)._lens, "<f4")
    assert ask(view, "lens", position=1).shape == (LEADERS, LAYERS + 1)
    assert len(whole)


def test_tied_embeddings_are_noticed():
    tied = {
        name: gptviz.wrap(build(name), tokenizer()).trace(IDS) for name in ("gpt2", "gpt2_by_layer", "llama", "gemma2")
    }
    found = {name: gptviz.FlowView(trace)._about["tied"] for name, trace in tied.items()}
    assert found == {"gpt2": True, "gpt2_by_layer": False, "llama": False, "gemma2": True}


def silenced(gpt, ids, layer, part, position):
    """Returns the probabilities at every token (T, vocab) with one part's output set to 0 at one position, by a hook."""
    block = gpt.model.transformer.h[layer]

    def silence(_module, _args, out):
        first = (out[0] if isinstance(out, tuple) else out).clone()
        first[:, position] = 0
        return (first, *out[1:]) if isinstance(out, tuple) else first

    handle = getattr(block, part).register_forward_hook(silence)
    try:
        with torch.no_grad():
            return gpt.model(torch.tensor([ids])).logits[0].double().softmax(-1).numpy()
    finally:
        handle.remove()


@pytest.mark.parametrize("position", [-1, 4])
def test_every_cut_equals_a_pass_with_hooks(gpt, position):
    ids, trace = gpt.encode(PROMPT), gpt.trace(PROMPT)
    position %= len(ids)
    view = gptviz.FlowView(trace)
    leaders = view._about["leaders"][position]
    of_leaders = ask(view, "cuts", position=position)
    assert len(of_leaders) == len(leaders) == LEADERS
    bound = rounding(trace.residual(LAYERS))
    for layer in range(LAYERS):
        for part, name in (("attn", "attention"), ("mlp", "mlp")):
            expected = silenced(gpt, ids, layer, part, position)[position]
            assert [of[name][layer] for of in of_leaders] == pytest.approx(expected[leaders], rel=bound)
            kind = "ablate_attention" if part == "attn" else "ablate_mlp"
            spec = {"kind": kind, "layer": layer, "position": position}
            outcome = ask(view, "outcome", edits=[spec], position=position)
            assert outcome["leader"]["token"]["id"] == expected.argmax()
            assert_close(outcome["leaders"], expected[leaders], scale=[1.0, trace.logits])


def test_an_open_block_has_its_heads_maps_and_strongest_neurons(gpt):
    trace = gpt.trace(PROMPT)
    view, flow = gptviz.FlowView(trace), lens.flow(trace)
    block = ask(view, "block", layer=1, position=4)
    assert block["heads"] == flow.heads(1)[:, 4].sum(-1).tolist()
    assert sum(block["heads"]) == pytest.approx(flow.attention(1)[4].sum(), abs=rounding(1.0))
    rows = gpt.model.transformer.h[1].mlp.c_proj.weight.detach().numpy()
    lengths = np.abs(trace.mlp_activations(1)[4]) * np.linalg.norm(rows, axis=1)
    assert [one["neuron"] for one in block["neurons"]] == np.argsort(-lengths)[:NEURONS].tolist()
    assert_close([one["length"] for one in block["neurons"]], np.sort(lengths)[::-1][:NEURONS])
    maps = ask(view, "maps", layer=1)
    np.testing.assert_allclose(maps / 255, trace.attention(1), rtol=0, atol=HALF_A_GREY)
    eager = gptviz.wrap(build("gpt_neo"), tokenizer()).trace(IDS)
    weights = ask(gptviz.FlowView(eager), "block", layer=0, position=7)["heads"]
    assert weights == eager.attention(0)[:, 7].max(-1).tolist()


def test_views_of_one_box_have_one_list_of_cuts(gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    other = gptviz.InterventionView(box, edits=[gptviz.ablate_head(1, 2)])
    view = gptviz.FlowView(box)
    assert view.edits == (gptviz.ablate_head(1, 2),)
    spec = {"kind": "ablate_attention", "layer": 1, "position": 3}
    view.set_state({"_edits": [*view._edits, spec]})
    assert other.edits == view.edits == (gptviz.ablate_head(1, 2), gptviz.ablate_attention(1, position=3))
    other.edits = other.edits[1:]
    assert view.edits == other.edits
    np.testing.assert_array_equal(view.after.logits, other.after.logits)
    box.run("the old owl")
    assert view.edits == other.edits == ()
    dropped = {"kind": "ablate_attention", "layer": 1, "position": 3, "code": "gptviz.ablate_attention(1, position=3)"}
    assert view._dropped == other._dropped == [dropped]
    apart = gptviz.FlowView(gpt.trace(PROMPT))
    view.edits = [gptviz.ablate_mlp(0)]
    assert other.edits == view.edits and apart.edits == ()


def test_a_view_of_heads_is_made_once_keeps_the_followed_token_and_follows_the_trace(gpt):
    view = gptviz.FlowView(gpt.trace(PROMPT), position=3, scale="projector", language="zh")
    assert view.family() == [view]
    reference = ask(view, "attention")
    _, heads = view.family()
    assert reference == ask(view, "attention") == f"anywidget:{heads.model_id}"
    assert (heads.selection, heads.scale, heads.language) == (view.selection, "projector", "zh")
    assert view.position == 3
    view.trace = gpt.trace("the old owl")
    assert heads.trace is view.trace
    view.close()
    assert heads.comm is None


def test_an_explorer_has_one_view_of_heads_for_its_station_and_its_picture(gpt):
    explorer = gptviz.explore(PROMPT, gpt=gpt)
    station = explorer._stations["attention"]
    assert ask(explorer._flow, "attention") == f"anywidget:{station.model_id}"
    assert ("attention", {}) in list(explorer._flow._page_questions())
    assert sum(isinstance(member, gptviz.AttentionView) for member in explorer.page_family()) == 1
    explorer._flow.close()
    assert station.comm is not None


def test_an_edited_trace_brings_its_cuts_and_is_drawn_without_them(gpt):
    edited = gpt.trace(PROMPT, edits=[gptviz.ablate_mlp(0)])
    view = gptviz.FlowView(edited)
    assert view.edits == edited.edits
    assert_close(matrices(view)[0], matrices(gptviz.FlowView(gpt.trace(PROMPT)))[0])
    assert "gptviz.ablate_mlp(0)" in view.still()


def test_a_saved_trace_is_drawn_and_says_that_cuts_need_the_model(gpt, tmp_path):
    trace = gpt.trace(PROMPT)
    saved = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    view = gptviz.FlowView(saved)
    assert not view._about["runs"] and view._about["refusal"] is None
    assert_close(matrices(view)[0], matrices(gptviz.FlowView(trace))[0])
    with pytest.raises(NotAvailable, match="opened from a file"):
        view._answer_cuts(0)


def test_a_page_has_the_effects_and_the_outcome_of_each_cut_alone(gpt):
    view = gptviz.FlowView(gpt.trace(PROMPT), edits=[gptviz.ablate_mlp(1)])
    names = [(name, str(args)) for name, args in view._page_questions()]
    last = len(gpt.encode(PROMPT)) - 1
    assert ("outcome", str({"edits": view._edits, "position": last})) in names
    assert [args for name, args in names if name == "cuts"] == [str({"position": i}) for i in range(last, -1, -1)]
    for layer in range(LAYERS):
        spec = {"kind": "ablate_attention", "layer": layer, "position": last}
        assert ("outcome", str({"edits": [spec], "position": last})) in names


@pytest.mark.parametrize("tokens", [64])
def test_what_goes_to_the_page_is_small(tokens):
    model = strong_gpt2(n_layer=12, n_head=12, n_embd=48, n_positions=64)
    trace = gptviz.wrap(model, tokenizer()).trace([(7 * i) % 250 for i in range(tokens)])
    state = gptviz.FlowView(trace).get_state()
    size = sum(
        len(value) if isinstance(value, bytes) else len(str(value))
        for name, value in state.items()
        if name[1:4] not in ("esm", "css")
    )
    assert size < 700_000
