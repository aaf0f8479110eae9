"""Edits of the decoder of an encoder-decoder, against hooks on untouched models that do the same."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from close import assert_close, assert_float32_close
from hooked import input_hook, output_hook
from sequences import HEADS, LAYERS, SEQUENCES, SOURCE, TARGET, WIDTH, model_of, source_of, trace_of, traced

import gptviz
from gptviz.errors import NotAvailable, OutOfRange

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


def block(name, layer, inside=""):
    return f"{SEQUENCES[name].blocks[1]}.{layer}{'.' * bool(inside)}{inside}"


def own_attention(name, layer, inside=""):
    return block(name, layer, SEQUENCES[name].attention[0]) + "." * bool(inside) + inside


def head_hook(name, layer, head, change):
    """Returns a hook that changes what one head gives to the output projection, (1, T, d_head)."""
    width = trace_of(name).d_head

    def change_slice(x):
        part = slice(head * width, (head + 1) * width)
        x[..., part] = change(x[..., part])
        return x

    return input_hook(own_attention(name, layer, SEQUENCES[name].projection), change_slice)


def check(name, edits, *hooks):
    trace = traced(name, TARGET, edits=edits)
    assert_float32_close(trace.logits, hooked_logits(name, *hooks), scale=[trace.residual(LAYERS)])
    assert abs(trace.logits - trace_of(name).logits).max() > 1e-3
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
    ]:
        with pytest.raises(kind, match=words):
            gpt.trace(SOURCE, TARGET, edits=[edit])
