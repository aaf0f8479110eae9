"""Batches whose rows have edits of their own, and sweeps: every head ablated, every place patched."""

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import ALL, IDS
from hooked import (
    FAMILIES,
    HEADS,
    LAYERS,
    OTHER,
    SHORT,
    T,
    every_edit,
    gpt_of,
    hooked_logits,
    in_head,
    input_hook,
    projection_path,
    stream_of,
    trace_of,
)

import gptviz
from gptviz import lens
from gptviz.display.numbers import significant
from gptviz.errors import GPTVizError, OutOfRange, WrongType
from gptviz.lens.sweep import run_edited


@pytest.mark.parametrize("name", [*FAMILIES, "opt", "gpt_neo", "bloom", "falcon"])
def test_rows_of_a_batch_have_edits_of_their_own(name):
    gpt, source = gpt_of(name), trace_of(name, *OTHER)
    rows = [[], [gptviz.ablate_mlp(1)], [gptviz.patch("mlp_out", 1, 3, source=source)], [gptviz.ablate_neuron(1, 5)],
            [gptviz.patch("residual", 2, 6, source=source), gptviz.patch("attn_out", 2, 1, source=source)]]  # fmt: skip
    if ALL[name].route == "interface":
        rows += [[edit] for edit in every_edit(name)] + [every_edit(name)]
    logits = run_edited(gpt, IDS, rows)
    assert logits.shape == (len(rows), gpt.vocab_size)
    for row, edits in zip(logits, rows, strict=True):
        alone = gpt.trace(IDS, edits=edits)
        assert_close(row, alone.logits[-1], scale=stream_of(alone))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_sweep_ablates_each_head_alone(name):
    metric = lens.logit_difference(101, 7)
    sweep = lens.ablation_sweep(trace_of(name), metric)
    assert sweep.effects.shape == (LAYERS, HEADS) and sweep.axes == ("layer", "head")
    plain = hooked_logits(name)[-1]
    for layer, head in ((0, 1), (2, 3), (1, 0)):
        edited = hooked_logits(name, input_hook(projection_path(name, layer), in_head(head, torch.zeros_like)))[-1]
        expected = (edited[101] - edited[7]) - (plain[101] - plain[7])
        assert sweep.effects[layer, head] == pytest.approx(expected, abs=rounding(stream_of(trace_of(name))))
    row, column, effect = sweep.largest(1)[0]
    assert abs(effect) == np.abs(sweep.effects).max() and sweep.effects[row, column] == effect
    table = sweep.to_table()
    assert len(table) == LAYERS * HEADS and table[5]["layer"] == 1 and table[5]["head"] == 1
    assert table[5]["effect"] == sweep.effects[1, 1] and table[5]["metric"] == sweep.metric[1, 1]


@pytest.mark.parametrize("site", ["residual", "attn_out", "mlp_out", "head_output"])
def test_a_sweep_patches_each_layer_at_each_position_or_head(site, monkeypatch):
    monkeypatch.setattr("gptviz.lens.sweep._TOKENS_A_PASS", 5 * T)  # several batches, the last one not full
    clean, corrupted, gpt = trace_of("llama", *OTHER), trace_of("llama"), gpt_of("llama")
    sweep = lens.patch_sweep(clean, corrupted, lens.probability_of(9), site=site)
    columns = HEADS if site == "head_output" else T
    assert sweep.metric.shape == (LAYERS, columns)
    bound = rounding(stream_of(corrupted), stream_of(clean))
    assert sweep.baseline == pytest.approx(corrupted.probabilities()[9], rel=bound)
    assert sweep.target == pytest.approx(clean.probabilities()[9], rel=bound)
    for layer, column in ((0, 3), (2, columns - 1), (1, 2)):
        if site == "head_output":
            edit = gptviz.patch(site, layer, None, source=clean, head=column)
        else:
            edit = gptviz.patch(site, layer, column, source=clean)
        edited = gpt.trace(IDS, edits=[edit]).probabilities()[9]
        assert sweep.metric[layer, column] == pytest.approx(edited, rel=bound)
    assert_close(sweep.restored, (sweep.metric - sweep.baseline) / (sweep.target - sweep.baseline))
    if site == "residual":  # the first three tokens are the same in both
        assert np.abs(sweep.effects[0, :3]).max() <= bound * sweep.baseline < np.abs(sweep.effects[0, 3])
        assert sweep.to_table()[3]["token"] == corrupted.tokens[3].text


def test_a_sweep_keeps_the_edits_that_the_trace_has():
    gpt, edit = gpt_of("gpt2"), gptviz.ablate_mlp(0)
    sweep = lens.ablation_sweep(gpt.trace(IDS, edits=[edit]), lens.logit_difference(3, 4))
    both = gpt.trace(IDS, edits=[edit, gptviz.ablate_head(2, 1)])
    difference = both.logits[-1, 3] - both.logits[-1, 4]
    assert sweep.metric[2, 1] == pytest.approx(difference, abs=rounding(stream_of(both)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_patches_are_drawn_as_the_part_that_they_restored(theme):
    sweep = lens.patch_sweep(trace_of("gpt2", *OTHER), trace_of("gpt2"), lens.logit_difference(3, 4))
    heat = sweep.figure(theme).data[0]
    assert_close(heat.z, 100 * (sweep.metric - sweep.baseline) / (sweep.target - sweep.baseline), dtype=np.float64)
    assert heat.zmax == -heat.zmin == np.abs(heat.z).max()
    layout, tokens = sweep.figure().layout, trace_of("gpt2").tokens
    assert len(layout.xaxis.ticktext) == T
    assert [text.split("<sub>")[1] for text in layout.xaxis.ticktext] == [f"{i}</sub>" for i in range(len(tokens))]
    assert (layout.yaxis.title.text, layout.xaxis.title.text) == ("layer", "position")
    assert layout.xaxis.ticklabeloverflow == "allow" and layout.margin.l >= 60  # the first column's label is seen
    title = heat.colorbar.title.text.replace("<br>", " ")
    ends = [significant(value) for value in (sweep.baseline, sweep.target)]
    assert title.startswith("% of the way logit of")
    assert title.endswith(f"from {ends[0]} to {ends[1]}")


def test_two_passes_that_agree_are_drawn_as_effects():
    sweep = lens.patch_sweep(trace_of("gpt2"), trace_of("gpt2"), lens.logit_difference(3, 4))
    assert (np.asarray(sweep.figure().data[0].z) == sweep.effects).all()


def test_a_sweeps_metric_is_named_by_its_tokens_texts():
    trace = trace_of("gpt2")
    texts = [trace.vocab_token(id).text for id in (3, 4)]
    assert all(texts) and not any(text.isspace() for text in texts)
    heads = lens.ablation_sweep(trace, lens.probability_of(3))
    assert heads.name == f"probability of {texts[0].replace(' ', '␣')}"
    pair = lens.ablation_sweep(trace, lens.logit_difference(3, 4)).name
    assert pair == f"logit of {texts[0].replace(' ', '␣')} minus {texts[1].replace(' ', '␣')}"
    own = lens.ablation_sweep(trace, lambda logits: logits[3])
    assert (np.asarray(own.figure().data[0].z) == own.effects).all()
    assert "<sub>" not in own.figure().layout.xaxis.ticktext[0]
    title = own.figure().data[0].colorbar.title.text.replace("<br>", " ")
    assert title == f"added to the metric baseline {significant(own.baseline)}"


def test_the_function_that_sweeps_are_made_of_is_public():
    assert "run_edited" in lens.__all__ and lens.run_edited is run_edited
    assert "logits (rows, vocab)" in lens.run_edited.__doc__


@pytest.mark.parametrize(
    "metric, kind",
    [("logits", WrongType), (lambda x: x, WrongType), (lambda x: "no", WrongType), (lambda x: float("nan"), GPTVizError),
     (lens.probability_of(5000), OutOfRange)],
)  # fmt: skip
def test_an_unusable_metric_is_refused_before_any_pass(metric, kind, monkeypatch):
    monkeypatch.setattr("gptviz.lens.sweep.run_edited", lambda *_: pytest.fail("a pass was made"))
    with pytest.raises(kind):
        lens.ablation_sweep(trace_of("gpt2"), metric)


def test_sweeps_that_cannot_be_made_are_refused():
    metric, short = lens.probability_of(3), gpt_of("gpt2").trace(SHORT)
    with pytest.raises(GPTVizError, match=r"a clean prompt of 11 tokens.*Got 9"):
        lens.patch_sweep(short, trace_of("gpt2"), metric)
    with pytest.raises(GPTVizError, match="one of the sites"):
        lens.patch_sweep(trace_of("gpt2"), trace_of("gpt2"), metric, site="stream")
    with pytest.raises(WrongType, match="a trace as clean"):
        lens.patch_sweep("text", trace_of("gpt2"), metric)
    with pytest.raises(GPTVizError, match="with different metrics"):
        _ = lens.ablation_sweep(trace_of("gpt2"), metric).restored
