"""Edits and sweeps of encoder-decoders, in each stack, against hooks on untouched models that do the same."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from close import assert_close, assert_float32_close, assert_softmax_close
from families import build, tokenizer
from hooked import input_hook, output_hook
from sequences import (
    ENCODER_LAYERS,
    HEADS,
    LAYERS,
    SEQUENCES,
    SOURCE,
    TARGET,
    WIDTH,
    model_of,
    source_length,
    source_of,
    trace_of,
    traced,
)

import gptviz
from gptviz.errors import GPTVizError, NotAvailable, OutOfRange
from gptviz.lens import ablation_sweep, logit_difference, patch_sweep

MLPS = {"t5": "layer.2.DenseReluDense", "m2m_100": "fc2", "whisper": "fc2"}  # what the MLP adds leaves these
DOWN = {"t5": "layer.2.DenseReluDense.wo", "m2m_100": "fc2", "whisper": "fc2"}
VECTOR = np.linspace(-1, 1, WIDTH, dtype=np.float32)
sums = pytest.mark.parametrize("name", MLPS)
SETS = [gptviz.ablate_mlp(0), gptviz.steer(1, VECTOR, 2.0), gptviz.ablate_head(2, 1), gptviz.ablate_attention(1)]


def hooked_logits(name, *hooks):
    with ExitStack() as stack:
        for register in hooks:
            stack.callback(register(model_of(name)).remove)
        return model_of(name)(source_of(name), decoder_input_ids=torch.tensor([TARGET]), use_cache=False).logits[0]


def block(name, layer, inside="", stack="decoder"):
    return f"{SEQUENCES[name].blocks[stack != 'encoder']}.{layer}{'.' * bool(inside)}{inside}"


def own_attention(name, layer, inside="", stack="decoder"):
    attention = SEQUENCES[name].attention[stack == "cross"]
    return block(name, layer, attention, stack) + "." * bool(inside) + inside


def head_hook(name, layer, head, change, stack="decoder"):
    """Returns a hook that changes what one head gives to the output projection, (1, T, d_head)."""
    width = trace_of(name).of_stack(stack).d_head

    def change_slice(x):
        part = slice(head * width, (head + 1) * width)
        x[..., part] = change(x[..., part])
        return x

    return input_hook(own_attention(name, layer, SEQUENCES[name].projection, stack), change_slice)


def check(name, edits, *hooks, least=1e-3):
    trace = traced(name, TARGET, edits=edits)
    assert_float32_close(trace.logits, hooked_logits(name, *hooks), scale=[trace.residual(LAYERS)])
    assert abs(trace.logits - trace_of(name).logits).max() > least
    assert trace.edits == tuple(edits)
    return trace


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
def test_a_head_is_switched_off_or_set(name):
    check(name, [gptviz.ablate_head(1, 2)], head_hook(name, 1, 2, torch.zeros_like))
    check(name, [gptviz.scale_head(2, 3, 0.5)], head_hook(name, 2, 3, lambda x: x * 0.5))

    def looks_at_1(x):
        x[:, 3] = torch.tensor(trace_of(name).v(1)[0][1])
        return x

    edited = check(name, [gptviz.set_attention(1, 0, 3, [0, 1, 0, 0])], head_hook(name, 1, 0, looks_at_1))
    np.testing.assert_array_equal(edited.attention(1, 0)[3], [0, 1, 0, 0, 0])


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
def test_the_stream_is_steered_and_patched(name):
    steered = input_hook(block(name, 2), lambda x: x + 3 * torch.tensor(VECTOR))
    check(name, [gptviz.steer(2, VECTOR, 3.0)], steered)
    source = traced(name, [*TARGET[:2], 9, 9, 9])

    def patched(x):
        x[:, 3] = torch.tensor(source.residual(1)[3])
        return x

    check(name, [gptviz.patch("residual", 1, source=source, position=3)], input_hook(block(name, 1), patched))


@sums
def test_attention_mlps_and_neurons_are_switched_off(name):
    check(name, [gptviz.ablate_mlp(1)], output_hook(block(name, 1, MLPS[name]), torch.zeros_like))
    check(name, [gptviz.ablate_attention(1)], output_hook(own_attention(name, 1), torch.zeros_like))

    largest = int(abs(trace_of(name).mlp_activations(1)).max(0).argmax())
    without = input_hook(block(name, 1, DOWN[name]), lambda x: x.index_fill(-1, torch.tensor(largest), 0))
    check(name, [gptviz.ablate_neuron(1, largest)], without)


@sums
@pytest.mark.parametrize("edit", SETS, ids=repr)
def test_parts_and_edits_sum_to_the_stream_of_an_edited_pass(name, edit):
    """Cross attention and its heads are those of the edited pass, computed as it ran."""
    trace = traced(name, TARGET, edits=[edit])
    calls = (trace.attn_out, trace.cross_out, trace.mlp_out)
    parts = [trace.embedding(), *(call(layer) for layer in range(LAYERS) for call in calls)]
    parts += [trace.edit_out(depth) for depth in range(LAYERS + 1)]
    assert_close(np.sum(parts, axis=0), trace.residual(LAYERS), scale=parts)
    for layer in range(LAYERS):
        heads = [trace.head_output(layer, head, stack="cross") for head in range(HEADS)]
        whole = [*heads, trace.head_bias(layer, stack="cross")]
        assert_close(np.sum(whole, axis=0), trace.cross_out(layer), scale=whole)
    assert_close(trace.logit_lens()[-1], trace.logits[-1], scale=[trace.residual(LAYERS)])
    np.testing.assert_array_equal(trace.attention(stack="encoder"), trace_of(name).attention(stack="encoder"))


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
@pytest.mark.parametrize("stack", ["encoder", "cross"])
def test_heads_of_other_stacks_are_switched_off_or_set(name, stack):
    check(name, [gptviz.ablate_head(1, 2, stack=stack)], head_hook(name, 1, 2, torch.zeros_like, stack))

    def looks_at_4(x):
        x[:, 3] = torch.tensor(trace_of(name).v(1, stack=stack)[0][4])
        return x

    row = np.eye(source_length(name))[4]
    edited = check(name, [gptviz.set_attention(1, 0, 3, row, stack=stack)], head_hook(name, 1, 0, looks_at_4, stack))
    np.testing.assert_array_equal(edited.attention(1, 0, stack=stack)[3], row)

    weights = trace_of(name).attention(1, 0, stack=stack)[2].astype(np.float64)
    weights[6] = 0
    mixed = torch.tensor(weights / weights.sum() @ trace_of(name).v(1, stack=stack)[0])

    def cannot_see_6(x):
        """The key stands after the query."""
        x[:, 2] = mixed
        return x

    edit = gptviz.ablate_key(1, 2, 6, 0, stack=stack)
    edited = check(name, [edit], head_hook(name, 1, 0, cannot_see_6, stack), least=1e-5)
    assert_softmax_close(edited.attention(1, 0, stack=stack)[2], weights / weights.sum(), 1.0)


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
def test_the_encoders_stream_is_steered_and_patched(name):
    steered = input_hook(block(name, 1, stack="encoder"), lambda x: x + 3 * torch.tensor(VECTOR))
    steer = gptviz.steer(1, VECTOR, 3.0, stack="encoder")
    edited = check(name, [steer], steered)
    assert abs(edited.edit_out(1, stack="encoder")).max() > 1
    stream = edited.residual(1, stack="encoder")

    def patched(x):
        x[:, 6] = torch.tensor(stream[6])
        return x

    patch = gptviz.patch("residual", 1, source=edited, position=6, stack="encoder")
    check(name, [patch], input_hook(block(name, 1, stack="encoder"), patched))


@sums
def test_attention_and_mlps_of_other_stacks_are_switched_off(name):
    for stack in ("encoder", "cross"):
        edit = gptviz.ablate_attention(1, stack=stack)
        check(name, [edit], output_hook(own_attention(name, 1, stack=stack), torch.zeros_like))
    mlp = MLPS[name].replace("layer.2", "layer.1")
    edit = gptviz.ablate_mlp(1, stack="encoder")
    check(name, [edit], output_hook(block(name, 1, mlp, "encoder"), torch.zeros_like))


@sums
@pytest.mark.parametrize("edit", [gptviz.ablate_head(1, 2, stack="cross"), gptviz.ablate_attention(1, stack="cross"),
                                  gptviz.scale_head(1, 0, 0.5, stack="encoder")], ids=repr)  # fmt: skip
def test_parts_sum_to_the_streams_of_a_pass_with_edits_of_other_stacks(name, edit):
    trace = traced(name, TARGET, edits=[edit])
    parts = [
        trace.embedding(),
        *(call(i) for i in range(LAYERS) for call in (trace.attn_out, trace.cross_out, trace.mlp_out)),
    ]
    assert_close(np.sum(parts, axis=0), trace.residual(LAYERS), scale=parts)
    of_encoder = [call(i, stack="encoder") for i in range(ENCODER_LAYERS) for call in (trace.attn_out, trace.mlp_out)]
    parts = [trace.embedding(stack="encoder"), *of_encoder]
    assert_close(np.sum(parts, axis=0), trace.residual(ENCODER_LAYERS, stack="encoder"), scale=parts)
    for stack in ("encoder", "cross"):
        heads = [trace.head_output(1, head, stack=stack) for head in range(trace.heads_in(1, stack=stack))]
        whole = [*heads, trace.head_bias(1, stack=stack)]
        if edit.site == "head_output" or stack == "encoder":
            assert_close(np.sum(whole, axis=0), trace.attn_out(1, stack=stack), scale=whole)
    trace.check_repeats()


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_a_completion_is_written_with_edits_of_every_stack(name):
    edits = [
        gptviz.steer(1, VECTOR, 3.0, stack="encoder"),
        gptviz.ablate_head(1, 2, stack="cross"),
        gptviz.ablate_head(0, 1),
    ]
    gpt = trace_of(name).gpt
    completion = gpt.complete(SOURCE, n=2, max_tokens=5, temperature=0, edits=edits)
    for choice in completion.choices:
        ids = [TARGET[0], *choice.token_ids]
        trace = gpt.trace(SOURCE, ids[:-1], edits=edits)
        np.testing.assert_array_equal(trace.logits.argmax(-1), ids[1:])
    plain = gpt.complete(SOURCE, max_tokens=5, temperature=0)
    assert abs(completion.choices[0].steps[0].probability - plain.choices[0].steps[0].probability) > 1e-4


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
def test_a_sweep_measures_each_head_as_a_trace_with_that_edit_does(name, stack):
    trace, metric = trace_of(name), logit_difference(72, 4)
    sweep = ablation_sweep(trace, metric, stack=stack)
    assert sweep.metric.shape == (trace.layers_in(stack), trace.heads_in(0, stack=stack))
    for layer, head in np.ndindex(sweep.metric.shape):
        edited = traced(name, TARGET, edits=[gptviz.ablate_head(layer, head, stack=stack)])
        assert_close(sweep.metric[layer, head], metric(edited.logits[-1]), scale=[edited.residual(LAYERS)])
    assert abs(sweep.effects).max() > 1e-3 and sweep.baseline == metric(trace.logits[-1])


def test_a_patch_sweep_of_the_encoder_restores_source_tokens():
    gpt = trace_of("t5").gpt
    clean, corrupted = trace_of("t5"), gpt.trace([9, *SOURCE[1:]], TARGET)
    sweep = patch_sweep(clean, corrupted, logit_difference(72, 4), stack="encoder")
    assert sweep.metric.shape == (ENCODER_LAYERS, len(SOURCE))
    assert_close(sweep.metric[0, 0], sweep.target, scale=[clean.residual(LAYERS)])  # the one token that differs
    assert_close(sweep.metric[0, 1:], np.full(6, sweep.baseline), scale=[clean.residual(LAYERS)])
    by_head = patch_sweep(clean, corrupted, logit_difference(72, 4), site="head_output", stack="cross")
    assert by_head.metric.shape == (LAYERS, HEADS) and "cross attention" in by_head.title


def test_the_code_of_an_edit_names_its_stack():
    for edit in (gptviz.ablate_head(1, 2, stack="cross"), gptviz.ablate_mlp(0, 3, stack="encoder")):
        assert eval(repr(edit)) == edit
    assert repr(gptviz.ablate_head(1, 2, stack="cross")) == 'gptviz.ablate_head(1, 2, stack="cross")'
    source = trace_of("t5")
    code = gptviz.patch("attn_out", 1, 6, source=source, stack="encoder").code()
    assert code == 'gptviz.patch("attn_out", 1, 6, source=source, stack="encoder")'


def test_a_completion_is_written_with_its_edits():
    gpt, edits = trace_of("bart").gpt, [gptviz.ablate_head(1, 2), gptviz.steer(2, VECTOR, 3.0)]
    completion = gpt.complete(SOURCE, max_tokens=5, temperature=0, edits=edits)
    ids = [TARGET[0], *completion.choices[0].token_ids]
    trace = gpt.trace(SOURCE, ids[:-1], edits=edits)
    np.testing.assert_array_equal(trace.logits.argmax(-1), ids[1:])
    assert completion.edits == tuple(edits)
    own = gpt.trace(SOURCE, max_tokens=5, edits=edits)  # the target is the one without edits, to compare with
    assert own.tokens == gpt.trace(SOURCE, max_tokens=5).tokens


def test_an_edit_that_does_not_fit_is_refused():
    gpt = trace_of("bart").gpt
    for edit, kind, words in [
        (gptviz.ablate_head(3, 0), OutOfRange, "a layer from 0 to 2"),
        (gptviz.ablate_head(0, 4), OutOfRange, "a head from 0 to 3"),
        (gptviz.ablate_mlp(0), NotAvailable, "whose MLP adds one output"),
        (gptviz.set_attention(0, 0, 9, [1] * 10), OutOfRange, "a position"),
        (gptviz.ablate_head(2, 0, stack="encoder"), OutOfRange, "a layer from 0 to 1"),
        (gptviz.ablate_head(0, 3, stack="encoder"), OutOfRange, "a head from 0 to 2"),
        (gptviz.set_attention(0, 0, 2, [1, 0, 0], stack="cross"), GPTVizError, "7 weights, one for each source token"),
        (gptviz.set_attention(0, 0, 5, [1] * 7, stack="cross"), OutOfRange, "a position"),
        (gptviz.ablate_key(0, 4, 7, stack="cross"), OutOfRange, "a key from 0 to 6"),
        (gptviz.ablate_attention(0, stack="cross"), NotAvailable, "whose attention adds one output"),
        (gptviz.steer(0, [1.0] * 5, stack="encoder"), GPTVizError, "a vector of d_model"),
    ]:
        with pytest.raises(kind, match=words):
            gpt.trace(SOURCE, TARGET, edits=[edit])
    for make, words in [
        (lambda: gptviz.ablate_head(0, 0, stack="crossed"), "one of the stacks encoder, decoder, cross"),
        (lambda: gptviz.ablate_mlp(0, stack="cross"), "an edit of heads or of attention"),
        (
            lambda: gptviz.ablate_head(0, 0, "mean", gptviz_trace(), stack="cross").needs().of_stack("cross"),
            "decoder-only",
        ),
        (
            lambda: gptviz_trace().gpt.trace("a", edits=[gptviz.ablate_head(0, 0, stack="cross")]),
            "for a decoder-only model",
        ),
    ]:
        with pytest.raises(GPTVizError, match=words):
            make()


def gptviz_trace():
    return gptviz.wrap(build("gpt2"), tokenizer()).trace("the owl")
