"""Cuts of one part at one token: each equals a pass of an untouched model with hooks of this test's own."""

import numpy as np
import pytest
import torch
from close import assert_close, assert_softmax_close
from families import ALL, IDS, build, tokenizer
from hooked import (
    FAMILIES,
    HEADS,
    LAYERS,
    T,
    at_position,
    block_path,
    gpt_of,
    hooked_logits,
    in_head,
    input_hook,
    output_hook,
    part_path,
    projection_path,
    stream_of,
    trace_of,
)
from mixed_layers import trace_of as trace_of_mixed
from zoo_models import build as build_of_zoo

import gptviz
from gptviz import lens
from gptviz.errors import ModelChanged, NotAvailable, OutOfRange, WrongType
from gptviz.lens.from_cache import CachedBeginning
from gptviz.sampling.probabilities import softmax

EAGER = {"bloom": ("self_attention.dense", "mlp.dense_4h_to_h"), "gpt_neo": ("attn.attention.out_proj", "mlp.c_proj")}


def path_of(name, layer, which):
    """Returns the module whose output is added to the stream; BLOOM adds the stream inside its own modules."""
    if name in EAGER:
        return f"{block_path(name, layer)}.{EAGER[name][which == 'mlp_out']}"
    return part_path(name, layer, which)


def assert_probabilities(actual, logits, token, scale):
    """Checks probabilities of one token against logits, (rows, vocab)."""
    assert_softmax_close(actual, [softmax(row)[token] for row in logits], scale)


def long_texts(monkeypatch, reads_cache):
    """Treats a text of T tokens as a long one: two batches, the last one not full. Returns the numbers of copies read on."""
    monkeypatch.setattr("gptviz.lens.sweep._TOKENS_A_PASS", 4 * T)
    monkeypatch.setattr("gptviz.lens.from_cache._CACHED_TOKENS", 4 * T)
    if not reads_cache:
        monkeypatch.setattr("gptviz.lens.from_cache.can_cache", lambda _gpt: False)
    read_on, run = [], CachedBeginning.run

    def counted(self, rows):
        read_on.append(len(rows))
        return run(self, rows)

    monkeypatch.setattr(CachedBeginning, "run", counted)
    return read_on


@pytest.mark.parametrize("name", [*FAMILIES, "gpt_oss", *EAGER])
@pytest.mark.parametrize("position", [-1, 4])
@pytest.mark.parametrize("reads_cache", [True, False])
def test_each_cut_equals_a_pass_with_hooks(name, position, reads_cache, monkeypatch):
    read_on = long_texts(monkeypatch, reads_cache)
    cuts, at = lens.cuts(trace_of(name), position), position % T
    token = int(trace_of(name).logits[at].argmax())
    assert (cuts.position, cuts.token.id) == (at, token)
    assert cuts.before == trace_of(name).probabilities(at)[token]
    for which, actual in (("attn_out", cuts.attention), ("mlp_out", cuts.mlp)):
        hooks = [output_hook(path_of(name, layer, which), at_position(at, 0)) for layer in range(LAYERS)]
        logits = np.stack([hooked_logits(name, hook)[at] for hook in hooks])
        assert actual.shape == (LAYERS,) and actual.dtype == np.float64
        assert_probabilities(actual, logits, token, [logits, stream_of(trace_of(name))])
    assert np.abs(cuts.attention - cuts.before).max() > 1e-3
    assert read_on == ([] if not reads_cache else [4, 2] if position == -1 else [6])


@pytest.mark.parametrize("name", [*FAMILIES, "gpt_oss"])
@pytest.mark.parametrize("renormalise, reads_cache", [(True, True), (True, False), (False, True)])
def test_each_key_that_is_cut_equals_a_pass_with_hooks(name, renormalise, reads_cache, monkeypatch):
    """The truth: weight times value taken out of the output projection's input, divided by what is left of the row."""
    trace, query, layer, token = trace_of(name), 5, 1, 33
    read_on = long_texts(monkeypatch, reads_cache)
    values, maps = trace.v(layer), trace.attention(layer)

    def hook(head, key):
        weight, value = float(maps[head, query, key]), values[head * len(values) // HEADS][key]

        def change(x):
            x = x.clone()
            x[:, query] = (x[:, query] - weight * x.new_tensor(value)) / (1 - weight if renormalise else 1)
            return x

        return input_hook(projection_path(name, layer), in_head(head, change))

    cuts = lens.cuts(trace, query, token)
    for heads, actual in (
        (range(HEADS), cuts.keys(layer, renormalise=renormalise)),
        ([2], cuts.keys(layer, 2, renormalise)),
    ):
        logits = [hooked_logits(name, *(hook(head, key) for head in heads))[query] for key in range(query + 1)]
        assert_probabilities(actual[: query + 1], logits, token, [logits, stream_of(trace)])
        assert actual.shape == (T,) and np.isnan(actual[query + 1 :]).all()
    assert sum(read_on) == (2 * (query + 1) + 2 * LAYERS) * reads_cache


@pytest.mark.parametrize("reads_cache", [True, False])
def test_the_edits_of_the_trace_stay(reads_cache, monkeypatch):
    long_texts(monkeypatch, reads_cache)
    gpt, edit = gpt_of("llama"), gptviz.ablate_head(0, 1)
    cuts = lens.cuts(gpt.trace(IDS, edits=[edit]), token=7)
    both = gpt.trace(IDS, edits=[edit, gptviz.ablate_attention(2, T - 1)])
    assert_softmax_close([cuts.attention[2]], [both.probabilities()[7]], stream_of(both))


def test_a_model_that_reads_one_token_otherwise_than_a_text_is_read_whole(monkeypatch):
    """What a cache gives is compared with the trace, so that such a model's cuts are passes over the whole text."""
    model = build("llama")
    model.model.layers[1].register_forward_hook(lambda _module, _args, out: out * 1.01 if out.shape[1] == 1 else None)
    read_on = long_texts(monkeypatch, reads_cache=True)
    cuts, expected = (lens.cuts(trace) for trace in (gptviz.wrap(model, tokenizer()).trace(IDS), trace_of("llama")))
    assert_softmax_close(cuts.attention, expected.attention, stream_of(trace_of("llama")))
    assert read_on == [4, 2], "of the other model alone"


@pytest.mark.parametrize("name", ["deepseek_v32", "jamba", "qwen3_next", "recurrent_gemma"])
def test_families_with_other_caches_have_the_cuts_of_whole_passes(name, monkeypatch):
    trace = gptviz.wrap(build_of_zoo(name), tokenizer()).trace(IDS)
    cuts = []
    for reads_cache in (True, False):
        with monkeypatch.context() as patch:
            long_texts(patch, reads_cache)
            cuts.append(lens.cuts(trace))
    for part in ("attention", "mlp"):
        assert_softmax_close(*(getattr(each, part) for each in cuts), stream_of(trace))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_long_text_in_half_precision_is_read_from_the_cache_too(dtype, monkeypatch):
    read_on = long_texts(monkeypatch, reads_cache=True)
    cuts = lens.cuts(gptviz.wrap(build("llama").to(dtype), tokenizer()).trace(IDS), token=7)
    assert read_on == [4, 2]
    whole = lens.cuts(trace_of("llama"), token=7)
    assert_softmax_close(cuts.attention, whole.attention, stream_of(trace_of("llama")), dtype=dtype)


def test_parts_that_a_block_lacks_are_nan():
    cuts = lens.cuts(trace_of_mixed("lfm2"), 4)
    assert np.isfinite(cuts.attention).tolist() == [False, True, False]  # the others mix their tokens by convolution
    with pytest.raises(NotAvailable, match="a layer with attention"):
        cuts.keys(0)
    with pytest.raises(NotAvailable, match="eager route"):
        lens.cuts(trace_of("bloom")).keys(1)


def test_cuts_that_cannot_be_made_are_refused(tmp_path):
    trace = trace_of("gpt2")
    with pytest.raises(OutOfRange, match="a position from -11 to 10"):
        lens.cuts(trace, 11)
    with pytest.raises(OutOfRange, match="a token id from 0"):
        lens.cuts(trace, token=5000)
    with pytest.raises(WrongType, match="a trace as trace"):
        lens.cuts("text")
    with pytest.raises(OutOfRange, match="a layer from 0 to 2"):
        lens.cuts(trace).keys(3)
    with pytest.raises(OutOfRange, match="a head from 0 to 3"):
        lens.cuts(trace).keys(1, head=4)
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    with pytest.raises(NotAvailable, match="a trace whose model is loaded"):
        lens.cuts(opened)
    gpt = gptviz.wrap(build("gpt2"), tokenizer())
    cuts = lens.cuts(gpt.trace(IDS))
    gpt.model.transformer.wte.weight.mul_(1.01)
    with pytest.raises(ModelChanged):
        cuts.keys(1)


@pytest.mark.parametrize("name", ["llama", "opt"])
def test_a_batch_can_be_read_after_any_token(name):
    """With the keyword that keeps some logits, and for a model's MLP that has the tokens of all rows in one dimension."""
    rows = [[], [gptviz.ablate_mlp(1, 3)], [gptviz.ablate_attention(0, 3)]]
    for position in (3, -2, T - 1):
        logits = lens.run_edited(gpt_of(name), IDS, rows, position)
        for row, edits in zip(logits, rows, strict=True):
            alone = gpt_of(name).trace(IDS, edits=edits)
            assert_close(row, alone.logits[position], scale=stream_of(alone))
    assert ALL[name].route == "interface"
    with pytest.raises(OutOfRange, match="a position"):
        lens.run_edited(gpt_of(name), IDS, rows, T)
