"""Edits against plain PyTorch hooks on untouched models, and that no edit outlives its pass."""

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import ALL, IDS, build, tokenizer
from hooked import (
    FAMILIES,
    HEADS,
    LAYERS,
    OTHER,
    WIDTH,
    T,
    assert_same_as_hooks,
    at_position,
    block_path,
    every_edit,
    gpt_of,
    hooked_logits,
    in_head,
    input_hook,
    output_hook,
    part_path,
    projection_path,
    recorded_at,
    stream_of,
    trace_of,
)

import gptviz
from gptviz import intervention, lens
from gptviz.errors import ModelChanged, NotAvailable

families = pytest.mark.parametrize("name", FAMILIES)


# Each edit is what a hook on an untouched model does


@families
def test_a_head_switched_off(name):
    edited = assert_same_as_hooks(
        name, [gptviz.ablate_head(1, 2)], input_hook(projection_path(name, 1), in_head(2, torch.zeros_like))
    )
    assert not edited.head_output(1, 2).any() and not edited.head_mix(1, 2).any()
    assert edited.head_output(1, 3).any()
    assert_close(edited.attention(1, 2), trace_of(name).attention(1, 2))  # where it looks has not changed


@families
def test_a_head_at_its_mean_over_a_reference(name):
    recorded = recorded_at(name, lambda change: input_hook(projection_path(name, 2), change)).view(T, HEADS, -1)
    mean = recorded[:, 1].mean(0)
    edit = gptviz.ablate_head(2, 1, to="mean", reference=trace_of(name, *OTHER))
    edited = assert_same_as_hooks(
        name, [edit], input_hook(projection_path(name, 2), in_head(1, lambda x: mean.expand_as(x)))
    )
    assert_close(edited.head_mix(2, 1), mean.expand(T, -1).numpy(), scale=recorded)


@families
def test_a_head_scaled(name):
    edited = assert_same_as_hooks(
        name, [gptviz.scale_head(0, 3, -1.5)], input_hook(projection_path(name, 0), in_head(3, lambda x: -1.5 * x))
    )
    if name != "gemma2":  # its norm divides by the size of all heads together
        assert_close(edited.head_output(0, 3), -1.5 * trace_of(name).head_output(0, 3))


@families
def test_a_row_of_attention_that_is_set(name, monkeypatch):
    """The truth: the family's eager attention, whose softmax is made to give that row in layer 1."""
    weights = [0, 3, 0, 1, 0.5]
    row = torch.tensor(weights) / 4.5
    eager, softmax, calls = build(name, attn_implementation="eager"), torch.nn.functional.softmax, []

    def softmax_with_the_row(*args, **keywords):
        attention = softmax(*args, **keywords)
        calls.append(attention.shape)
        if len(calls) == 2:
            attention[0, 3, 4] = 0
            attention[0, 3, 4, :5] = row
        return attention

    monkeypatch.setattr(torch.nn.functional, "softmax", softmax_with_the_row)
    with torch.no_grad():
        expected = eager(torch.tensor([IDS]), use_cache=False).logits[0].numpy()
    monkeypatch.undo()
    assert calls == [(1, HEADS, T, T)] * LAYERS
    edited = gpt_of(name).trace(IDS, edits=[gptviz.set_attention(1, 3, 4, weights)])
    assert_close(edited.logits, expected, scale=stream_of(edited))
    assert np.abs(expected - trace_of(name).logits).max() > 1e-3
    assert_close(edited.attention(1, 3)[4], [*row.tolist(), *[0] * (T - 5)])
    assert_close(edited.attention(1)[3], edited.attention(1, 3))
    assert_close(edited.attention(1, 3)[5], trace_of(name).attention(1, 3)[5])
    value = edited.v(1)[3 * ALL[name].kv_heads // HEADS]
    assert_close(edited.head_mix(1, 3)[4], row.numpy() @ value[:5], scale=value)
    assert edited.score_stages(1, 3)["raw"].shape == (T, T)  # scores can still be looked at


@families
@pytest.mark.parametrize("layer", [0, 2, 3])
def test_a_patch_of_the_stream(name, layer):
    source = trace_of(name, *OTHER)
    last = layer == LAYERS

    def place(change):
        return output_hook(block_path(name, 2), change) if last else input_hook(block_path(name, layer), change)

    recorded = recorded_at(name, place)
    edited = assert_same_as_hooks(
        name, [gptviz.patch("residual", layer, 3, source=source)], place(at_position(3, recorded[3]))
    )
    np.testing.assert_array_equal(edited.residual(layer)[3], source.residual(layer)[3])
    np.testing.assert_array_equal(edited.residual(layer)[2], trace_of(name).residual(layer)[2])


@families
@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_a_patch_of_what_a_part_adds(name, site):
    source = trace_of(name, *OTHER)
    recorded = recorded_at(name, lambda change: output_hook(part_path(name, 1, site), change))
    edit = gptviz.patch(site, 1, -4, source=source)
    edited = assert_same_as_hooks(
        name, [edit], output_hook(part_path(name, 1, site), at_position(T - 4, recorded[T - 4]))
    )
    assert_close(getattr(edited, site)(1)[T - 4], getattr(source, site)(1)[T - 4])
    assert edit.position == T - 4
    if site == "attn_out":
        with pytest.raises(NotAvailable, match="an edit has set it"):
            edited.head_output(1, 0)


@families
@pytest.mark.parametrize("position", [5, None])
def test_a_patch_of_a_head(name, position):
    source, which = trace_of(name, *OTHER), slice(None) if position is None else position
    recorded = recorded_at(name, lambda change: input_hook(projection_path(name, 1), change)).view(T, HEADS, -1)[:, 2]

    def change(x):
        return at_position(which, recorded[which])(x.clone())

    edit = gptviz.patch("head_output", 1, position, source=source, head=2)
    edited = assert_same_as_hooks(name, [edit], input_hook(projection_path(name, 1), in_head(2, change)))
    assert_close(edited.head_mix(1, 2)[which], recorded[which].numpy())


@families
def test_an_mlp_switched_off(name):
    edited = assert_same_as_hooks(
        name, [gptviz.ablate_mlp(1)], output_hook(part_path(name, 1, "mlp_out"), torch.zeros_like)
    )
    assert not edited.mlp_out(1).any() and edited.mlp_activations(1).any()
    with pytest.raises(NotAvailable, match="an edit has set it"):
        edited.neurons(1)


@families
def test_a_neuron_switched_off(name):
    def change(x):
        x[..., 41] = 0
        return x

    down = f"{block_path(name, 2)}.{ALL[name].down}"
    edited = assert_same_as_hooks(name, [gptviz.ablate_neuron(2, 41)], input_hook(down, change))
    assert not edited.mlp_activations(2)[:, 41].any() and edited.mlp_activations(2)[:, 40].any()


@families
@pytest.mark.parametrize("layer", [1, 3])
def test_steering(name, layer):
    vector = np.linspace(-1, 2, WIDTH)
    added = 1.5 * torch.tensor(vector, dtype=torch.float32)
    hook = (
        output_hook(block_path(name, 2), lambda x: x + added)
        if layer == 3
        else input_hook(block_path(name, 1), lambda x: x + added)
    )
    edited = assert_same_as_hooks(name, [gptviz.steer(layer, vector, 1.5)], hook)
    assert_close(edited.edit_out(layer), np.tile(1.5 * vector, (T, 1)))


# Several edits in one pass


@families
def test_edits_of_one_place_act_in_their_order(name):
    source, gpt = trace_of(name, *OTHER), gpt_of(name)
    scale, patch = gptviz.scale_head(1, 2, 2.0), gptviz.patch("head_output", 1, 5, source=source, head=2)
    recorded = source.head_mix(1, 2)[5]
    assert_close(gpt.trace(IDS, edits=[scale, patch]).head_mix(1, 2)[5], recorded)
    assert_close(gpt.trace(IDS, edits=[patch, scale]).head_mix(1, 2)[5], 2 * recorded)
    twice = gpt.trace(IDS, edits=[scale, scale])
    assert_close(twice.logits, gpt.trace(IDS, edits=[gptviz.scale_head(1, 2, 4.0)]).logits, scale=stream_of(twice))


@families
def test_the_numbers_of_an_edited_trace_fit_together(name):
    edited = gpt_of(name).trace(IDS, edits=every_edit(name))
    assert edited.edits == tuple(every_edit(name))
    parts = [edited.embedding(), *(call(i) for i in range(LAYERS) for call in (edited.attn_out, edited.mlp_out))]
    parts += [edited.edit_out(i) for i in range(LAYERS + 1)]
    assert_close(np.sum(parts, axis=0), edited.residual(LAYERS), scale=parts)
    assert_close(edited.logit_lens(5)[-1], edited.logits[5], scale=stream_of(edited))
    for layer in range(LAYERS):
        heads = [edited.head_output(layer, head) for head in range(HEADS)]
        assert_close(np.sum(heads, axis=0) + edited.head_bias(layer), edited.attn_out(layer), scale=heads)
    shares = lens.attribution(edited, 33, 6)
    bound = rounding(stream_of(edited), [share.value for share in shares])
    assert sum(share.value for share in shares) == pytest.approx(float(edited.logits[6, 33]), abs=bound)
    assert any(share.part == "edit" for share in shares)


def test_a_patch_before_block_0_leaves_the_embedding_as_it_is():
    edited = gpt_of("gpt2").trace(IDS, edits=[gptviz.patch("residual", 0, 3, source=trace_of("gpt2", *OTHER))])
    np.testing.assert_array_equal(edited.embedding(), trace_of("gpt2").embedding())
    assert_close(edited.embedding("token") + edited.embedding("position"), edited.embedding())
    assert edited.edit_out(0)[3].any() and not edited.edit_out(0)[2].any()


# Models and sources that an edit needs


@pytest.mark.parametrize("name", ["gpt_neo", "bloom", "falcon"])
def test_the_eager_route_takes_edits_of_mlps_and_the_stream_alone(name):
    gpt = gpt_of(name)
    for edit in (gptviz.ablate_head(1, 2), gptviz.set_attention(0, 0, 0, [1]), gptviz.scale_head(0, 0, 2)):
        with pytest.raises(NotAvailable, match="eager route"):
            gpt.trace(IDS, edits=[edit])
    down = f"{block_path(name, 1)}.{ALL[name].down}"
    edited = gpt.trace(IDS, edits=[gptviz.ablate_neuron(1, 5), gptviz.steer(2, np.ones(WIDTH), 0.7)])

    def change(x):
        x[..., 5] = 0
        return x

    expected = hooked_logits(name, input_hook(down, change), input_hook(block_path(name, 2), lambda x: x + 0.7))
    assert_close(edited.logits, expected, scale=stream_of(edited))


def test_a_mixture_of_experts_has_no_neurons_to_switch_off():
    with pytest.raises(NotAvailable, match="one down projection"):
        gpt_of("mixtral").trace(IDS, edits=[gptviz.ablate_neuron(0, 1)])


def test_a_source_whose_model_has_changed_is_refused():
    gpt = gptviz.wrap(build("gpt2"), tokenizer())
    source = gpt.trace(OTHER)
    gpt.model.transformer.wte.weight.mul_(1.01)
    with pytest.raises(ModelChanged):
        gpt.trace(IDS, edits=[gptviz.patch("mlp_out", 1, 3, source=source)])


def test_an_edited_trace_is_not_saved(tmp_path):
    edited = gpt_of("gpt2").trace(IDS, edits=[gptviz.ablate_mlp(1)])
    with pytest.raises(NotAvailable, match="a pass without edits"):
        edited.save(tmp_path / "trace.safetensors")


def test_a_saved_trace_is_a_source(tmp_path):
    saved = gptviz.open_trace(trace_of("llama", *OTHER).save(tmp_path / "trace.safetensors"))
    assert saved.edits == () and not saved.edit_out(2).any()
    for site, head in (("residual", None), ("attn_out", None), ("mlp_out", None), ("head_output", 3)):
        edits = [[gptviz.patch(site, 1, 5, source=one, head=head)] for one in (saved, trace_of("llama", *OTHER))]
        one, other = (gpt_of("llama").trace(IDS, edits=each) for each in edits)
        assert_close(one.logits, other.logits, scale=stream_of(other))


# No edit stays


def hooks_and_settings(model):
    """Returns what an edit could leave behind in a model."""
    hooks = [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in model.modules()]
    return hooks, model.config._attn_implementation, [module.training for module in model.modules()]


@families
def test_a_plain_pass_after_edits_equals_the_one_before_exactly(name):
    gpt = gpt_of(name)
    before, state = gpt.trace(IDS), hooks_and_settings(gpt.model)
    for edit in every_edit(name):
        gpt.trace(IDS, edits=[edit])
    gpt.complete(IDS, max_tokens=2, edits=every_edit(name))
    after = gpt.trace(IDS)
    assert (after.logits == before.logits).all() and (after.attention() == before.attention()).all()
    assert hooks_and_settings(gpt.model) == state
    assert (gpt.model(torch.tensor([IDS])).logits[0].detach().numpy() == before.logits).all()


class BreakingEdit(intervention.AblateMLP):
    def writer(self, read):
        def write(x, *_):
            raise RuntimeError("in the middle of the pass")

        return write


@pytest.mark.parametrize("name", ["gpt2", "gpt_neo"])
def test_no_edit_stays_after_one_that_raised(name):
    gpt = gpt_of(name)
    before, state = gpt.trace(IDS), hooks_and_settings(gpt.model)
    edits = [gptviz.steer(0, np.ones(WIDTH)), BreakingEdit(2)]
    for call in (gpt.trace, gpt.complete):
        with pytest.raises(RuntimeError, match="in the middle"):
            call(IDS, edits=edits)
        assert hooks_and_settings(gpt.model) == state
        assert (gpt.trace(IDS).logits == before.logits).all()


def test_a_stream_that_is_left_leaves_nothing_in_the_model():
    gpt = gpt_of("gpt2")
    before = gpt.trace(IDS).logits
    steps = gpt.stream(IDS, max_tokens=5, edits=[gptviz.ablate_head(1, 1)], temperature=0)
    next(steps)
    assert (gpt.trace(IDS).logits == before).all()  # between two steps
    steps.close()
    assert (gpt.trace(IDS).logits == before).all()


def test_the_numbers_of_a_source_are_not_written_to():
    source = trace_of("gpt2", *OTHER)
    before = [source.residual(2).copy(), source.head_mix(1, 2).copy()]
    edits = [gptviz.patch("residual", 2, None, source=source), gptviz.steer(2, np.ones(WIDTH)), gptviz.ablate_mlp(2)]
    gpt_of("gpt2").trace(IDS, edits=edits)
    assert (source.residual(2) == before[0]).all() and (source.head_mix(1, 2) == before[1]).all()
