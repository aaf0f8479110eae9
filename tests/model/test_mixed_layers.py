"""Models whose layers differ: layers without attention, other numbers of heads or head widths, several streams a token.

What exists equals the untouched model's own; what does not is NaN in arrays over all layers, and refused in words elsewhere.
"""

import numpy as np
import pytest
import torch
from close import assert_close, assert_softmax_close, rounding
from families import IDS, TEXT, build, tokenizer
from hooked import OTHER
from mixed_layers import (
    ALL,
    GATED,
    HYBRIDS,
    ONE_STREAM,
    UNEVEN,
    attentions_of,
    expected_maps,
    gpt_of,
    heads_of,
    silenced_logits,
    trace_of,
    truth_of,
)
from mixed_layers import build as build_mixed

import gptviz
from gptviz import lens
from gptviz.errors import NotAvailable, OutOfRange
from gptviz.lens.shares import attribution

every = pytest.mark.parametrize("name", ALL)
METRIC = lens.logit_difference(101, 7)


def stream_of(name):
    """Returns what goes into the logits: the stream, or the logits of a model without one."""
    trace = trace_of(name)
    return trace.residual(3) if name in ONE_STREAM else 32 * trace.logits


def scores_of(name):
    heads = [(layer, head) for layer, count in enumerate(heads_of(name)) for head in range(count)]
    return [trace_of(name).scores(*head, "scaled") for head in heads]


@every
def test_maps_and_logits_equal_the_untouched_models(name):
    trace, (logits, maps) = trace_of(name), truth_of(name)
    assert [trace.heads_in(layer) for layer in range(3)] == heads_of(name)
    assert trace.n_heads == max(heads_of(name))
    assert_close(trace.logits, logits, scale=stream_of(name))
    whole = trace.attention()
    for layer, expected in enumerate(maps):
        if expected is not None:
            assert_softmax_close(trace.attention(layer), expected, scores_of(name))
            assert_softmax_close(trace.attention(layer, len(expected) - 1), expected[-1], scores_of(name))
            np.testing.assert_array_equal(whole[layer, : len(expected)], trace.attention(layer))
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(expected_maps(name)))


@pytest.mark.parametrize("name", ONE_STREAM)
def test_heads_and_bias_sum_to_the_attention_output(name):
    trace = trace_of(name)
    for layer, count in enumerate(heads_of(name)):
        if count:
            parts = [trace.head_output(layer, head) for head in range(count)]
            total = np.sum(parts, axis=0) + trace.head_bias(layer)
            assert_close(total, trace.attn_out(layer), scale=parts)
            assert trace.q(layer).shape[0] == count and trace.score_stages(layer, count - 1)["raw"].shape == (11, 11)


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("edited", [False, True])
def test_a_gated_head_is_its_part_of_the_projections_input_through_its_own_rows(name, edited):
    """In an edited pass the gate is the same, since only its head's output was changed, in the last block with heads."""
    counts = heads_of(name)
    layer = max(layer for layer, count in enumerate(counts) if count)
    edits = [gptviz.scale_head(layer, 1, 0.5)] if edited else []
    trace, model, entered = gpt_of(name).trace(IDS, edits=edits), build_mixed(name), []
    projection = attentions_of(model)[layer].o_proj
    projection.register_forward_pre_hook(lambda _module, args: entered.append(args[0][0].double().numpy()))
    model(torch.tensor([IDS]), use_cache=False)
    parts = np.split(entered[0], counts[layer], axis=-1)
    rows = np.split(projection.weight.double().numpy().T, counts[layer])
    for head in range(counts[layer]):
        expected = (0.5 if edited and head == 1 else 1.0) * parts[head] @ rows[head]
        assert_close(trace.head_output(layer, head), expected, scale=trace.residual(layer))
    assert np.abs(trace.head_mix(layer, 1) - parts[1]).max() > 0.01  # the gate does something


@pytest.mark.parametrize("name", UNEVEN)
def test_contributions_of_uneven_heads_sum_to_the_logit(name):
    shares = attribution(trace_of(name), 5)
    parts = [(share.layer, share.head) for share in shares if share.part == "head"]
    assert parts == [(layer, head) for layer, count in enumerate(heads_of(name)) for head in range(count)]
    bound = rounding(stream_of(name), [share.value for share in shares])
    assert sum(share.value for share in shares) == pytest.approx(truth_of(name)[0][-1, 5], abs=bound)


def test_a_layer_names_its_own_number_of_heads():
    assert trace_of("2-4-2").attention(1, 3).shape == (11, 11)
    assert trace_of("widths").d_head == 10 and trace_of("widths").q(2).shape == (4, 11, 4)
    trace, words = trace_of("4-2-4"), r"a head from 0 to 1\. Got 3\. There are 2 heads in layer 1"
    for call in (trace.attention, trace.score_stages, trace.sink, trace.head_mix, trace.head_output):
        with pytest.raises(OutOfRange, match=words):
            call(1, 3)
    for edit in (gptviz.ablate_head(1, 3), gptviz.patch("head_output", 1, None, source=trace, head=3)):
        with pytest.raises(OutOfRange, match=words):
            trace.gpt.trace(IDS, edits=[edit])
    assert "at most 4 heads" in repr(trace) and "at most 4 heads" in repr(trace.gpt)


@pytest.mark.parametrize("name", HYBRIDS)
def test_a_layer_without_attention_says_so(name):
    trace = trace_of(name)
    missing = heads_of(name).index(0)
    calls = (trace.q, trace.k, trace.v, trace.attention, trace.head_bias, trace.attn_out)
    of_heads = (trace.attention, trace.score_stages, trace.sink, trace.head_mix, trace.head_output)
    for call in (*calls, *(lambda layer, call=call: call(layer, 0) for call in of_heads)):
        with pytest.raises(NotAvailable, match=f"a layer with attention. Got layer {missing} of") as caught:
            call(missing)
        assert caught.value.code == "no_attention"
    with pytest.raises(NotAvailable, match="a layer with attention"):
        trace.gpt.trace(IDS, edits=[gptviz.ablate_head(missing, 0)])


@every
def test_role_scores_are_nan_where_there_is_no_head(name):
    gpt = gpt_of(name)
    scores = lens.role_scores(gpt, seed=1)
    ids = np.random.default_rng(1).choice([i for i in range(264) if i not in (256, 257)], 32, replace=False).tolist()
    maps = expected_maps(name, (*ids, *ids))
    queries = 32 + np.arange(32)
    assert_softmax_close(scores["previous"], maps[:, :, queries, queries - 1].mean(-1), 32.0)
    assert_softmax_close(scores["induction"], maps[:, :, queries, queries - 31].mean(-1), 32.0)
    assert list(np.isnan(scores["same"]).sum(1)) == [max(heads_of(name)) - count for count in heads_of(name)]


@every
def test_sweeps_over_heads_are_nan_where_there_is_no_head(name):
    trace, counts = trace_of(name), heads_of(name)
    sweep = lens.ablation_sweep(trace, METRIC)
    assert sweep.metric.shape == (3, max(counts))
    patched = lens.patch_sweep(trace.gpt.trace(OTHER), trace, METRIC, site="head_output")
    for layer, count in enumerate(counts):
        for result in (sweep, patched):
            assert np.isnan(result.effects[layer, count:]).all() and np.isfinite(result.effects[layer, :count]).all()
        for head in range(count):
            expected = METRIC(silenced_logits(name, layer, head, count))
            assert sweep.metric[layer, head] == pytest.approx(expected, abs=rounding(stream_of(name)))
    assert len(sweep.to_table()) == sum(counts) == len(sweep.largest(100))
    assert np.isfinite([effect for *_, effect in sweep.largest(3)]).all()
    heat = sweep.figure().data[0]
    assert heat.zmax == np.nanmax(np.abs(sweep.effects))
    assert [text == "" for row in heat.text for text in row] == np.isnan(sweep.effects).ravel().tolist()


@every
def test_rows_of_a_batch_equal_single_runs(name):
    gpt, trace = gpt_of(name), trace_of(name)
    layer = int(np.argmax(heads_of(name)))
    rows = [[gptviz.ablate_head(layer, 1)], [gptviz.set_attention(layer, 0, 2, [1, 0, 2])]]
    if name in ONE_STREAM:
        rows += [[gptviz.steer(1, [0.5] * 24)], [gptviz.steer(3, [-1.0] * 24)]]
        rows += [[gptviz.patch("residual", 2, 6, source=gpt.trace(OTHER))]]
    for row, edits in zip(lens.run_edited(gpt, IDS, rows), rows, strict=True):
        assert_close(row, gpt.trace(IDS, edits=edits).logits[-1], scale=stream_of(name))
    assert np.abs(lens.run_edited(gpt, IDS, rows)[0] - trace.logits[-1]).max() > 0.01


@pytest.mark.parametrize("name", ONE_STREAM)
def test_a_sweep_over_the_stream_has_every_place(name):
    trace = trace_of(name)
    sweep = lens.patch_sweep(trace.gpt.trace(OTHER), trace, METRIC)
    assert np.isfinite(sweep.metric).all()
    edit = gptviz.patch("residual", 1, 5, source=trace.gpt.trace(OTHER))
    alone = METRIC(trace.gpt.trace(IDS, edits=[edit]).logits[-1])
    assert sweep.metric[1, 5] == pytest.approx(alone, abs=rounding(stream_of(name)))


def test_several_streams_a_token_are_refused_with_their_edits():
    gpt, trace = gpt_of("gemma3n"), trace_of("gemma3n")
    edits = [gptviz.steer(1, [1.0] * 24), gptviz.patch("residual", 1, 3, source=trace)]
    reads = [lambda: trace.residual(1), lambda: trace.residual(3), lambda: trace.edit_out(0), trace.embedding,
             trace.logit_lens, trace.readout, lambda: trace.attn_out(0), lambda: trace.mlp_out(0),
             lambda: attribution(trace, 5), lambda: lens.patch_sweep(trace, trace, METRIC)]  # fmt: skip
    runs = [lambda edit=edit: gpt.trace(IDS, edits=[edit]) for edit in edits]
    runs += [lambda edit=edit: lens.run_edited(gpt, IDS, [[edit], []]) for edit in edits]
    runs += [lambda edit=edit: gpt.complete(IDS, max_tokens=2, edits=[edit]) for edit in edits]
    for call in (*reads, *runs):
        with pytest.raises(NotAvailable):
            call()
    with pytest.raises(NotAvailable, match="a residual stream of one vector a token") as caught:
        trace.residual(0)
    assert caught.value.code == "streams"


@pytest.mark.parametrize("kept", [1, 2])
def test_blocks_that_the_model_leaves_out_are_no_layers(kept):
    """As a model does that is asked to exit early: `num_hidden_layers` is how many blocks run."""
    model = build("llama")
    model.config.num_hidden_layers = kept
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    entered = []
    model.model.norm.register_forward_pre_hook(lambda _module, args: entered.append(args[0][0].numpy()))
    expected = model(torch.tensor([IDS])).logits[0].numpy()
    assert trace.n_layers == kept
    assert_close(trace.residual(kept), entered[0])
    assert_close(trace.logits, expected, scale=entered)
    assert_close(trace.logit_lens()[-1], expected[-1], scale=entered)
    assert lens.ablation_sweep(trace, METRIC).metric.shape == (kept, 4)


def test_a_block_that_only_some_passes_run_is_refused_where_it_did_not_run():
    """The model leaves out its last block for texts of more than ten tokens."""
    model = build("llama")
    forward = model.model.forward

    def exit_early(input_ids, **keywords):
        model.config.num_hidden_layers = 2 if input_ids.shape[1] > 10 else 3
        try:
            return forward(input_ids=input_ids, **keywords)
        finally:
            model.config.num_hidden_layers = 3

    model.model.forward = exit_early
    gpt = gptviz.wrap(model, tokenizer())
    trace = gpt.trace(IDS)
    for call in (trace.attention, trace.q, trace.residual, trace.attn_out, lambda layer: trace.head_output(layer, 0)):
        assert np.isfinite(call(1)).all()
        with pytest.raises(NotAvailable, match="a block that this pass went through"):
            call(2)
    assert gpt.trace(IDS[:8]).residual(3).shape == (8, 24)


@pytest.mark.parametrize("name", ["lfm2", "4-2-4", "widths"])
@pytest.mark.parametrize("layers", [None, [1], [0]])
def test_a_saved_trace_has_the_same_numbers_and_reasons(name, layers, tmp_path):
    trace = gpt_of(name).trace(TEXT)
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors", layers=layers))
    assert [opened.heads_in(layer) for layer in range(3)] == heads_of(name)
    for role, scores in trace.role_scores().items():
        np.testing.assert_array_equal(opened.role_scores()[role], scores)
    for depth in range(4):
        np.testing.assert_array_equal(opened.residual(depth), trace.residual(depth))
    for layer in range(3) if layers is None else layers:
        if heads_of(name)[layer]:
            np.testing.assert_array_equal(opened.attention(layer), trace.attention(layer))
            last = heads_of(name)[layer] - 1
            np.testing.assert_array_equal(opened.head_output(layer, last), trace.head_output(layer, last))
            with pytest.raises(OutOfRange, match=f"in layer {layer}"):
                opened.head_output(layer, last + 1)
        else:
            for call in (opened.attention, opened.q, lambda layer: opened.head_output(layer, 3)):
                with pytest.raises(NotAvailable, match="a layer with attention") as caught:
                    call(layer)
                assert caught.value.code == "no_attention" and caught.value.facts["layer"] == layer
    if layers is None:
        np.testing.assert_array_equal(opened.attention(), trace.attention())


@pytest.mark.parametrize("name", ["jamba", "qwen3_next", "bamba", "gemma3n"])
def test_a_trace_of_every_such_family_is_saved_and_opened(name, tmp_path):
    trace = trace_of(name)
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    np.testing.assert_array_equal(opened.attention(), trace.attention())
    with pytest.raises(NotAvailable):
        opened.mlp_out(heads_of(name).index(0)) if name in ONE_STREAM else opened.residual(0)


def test_models_are_built_anew_and_equal():
    one, other = (build_mixed("widths")(torch.tensor([IDS])).logits for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
