"""Edits against plain PyTorch hooks, written here, on untouched models; and that none of them outlives its pass.

The truth never goes through gptviz: a second copy of each model, hooks on its own modules by their names, and for a row
of attention the softmax of transformers' own eager attention.
"""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import ALL, IDS, build, tokenizer

import gptviz
from gptviz import intervention, lens
from gptviz.errors import GPTVizError, ModelChanged, NotAvailable, OutOfRange, WrongType
from gptviz.intervention.code import as_code
from gptviz.lens.sweep import run_edited

LAYERS, HEADS, T, WIDTH = 3, 4, len(IDS), 24
OTHER = [72, 258, 31, 9, 201, 17, 72, 40, 119, 31, 77]
SHORT = OTHER[:-2]
FAMILIES = ["gpt2", "llama", "gemma2", "gpt_neox", "granite"]  # grouped heads, post-norms, parallel parts, multipliers
families = pytest.mark.parametrize("name", FAMILIES)


@cache
def model(name):
    return gptviz.wrap(build(name), tokenizer())


@cache
def trace(name, *ids):
    return model(name).trace(list(ids or IDS))


@cache
def untouched(name):
    return build(name)


# Modules by their names, as transformers has them


def block(name, layer):
    return f"{ALL[name].blocks}.{layer}"


def projection(name, layer):
    return f"{block(name, layer)}.{ALL[name].attn}.{ALL[name].projection}"


def part(name, layer, which):
    """What gives the attention's or the MLP's part of the stream: in Gemma the norm after it."""
    if name == "gemma2":
        after = "post_attention_layernorm" if which == "attn_out" else "post_feedforward_layernorm"
        return f"{block(name, layer)}.{after}"
    return f"{block(name, layer)}.{ALL[name].attn if which == 'attn_out' else 'mlp'}"


def entering(path, change):
    """A hook on what a module is handed first."""

    def register(own):
        def hook(_module, args, kwargs):
            if args:
                return (change(args[0].clone()), *args[1:]), kwargs
            return args, kwargs | {"hidden_states": change(kwargs["hidden_states"].clone())}

        return own.get_submodule(path).register_forward_pre_hook(hook, with_kwargs=True)

    return register


def leaving(path, change):
    """A hook on what a module gives back first."""

    def register(own):
        def hook(_module, _args, out):
            return change(out.clone()) if isinstance(out, torch.Tensor) else (change(out[0].clone()), *out[1:])

        return own.get_submodule(path).register_forward_hook(hook)

    return register


def truth(name, *hooks, ids=IDS):
    """The untouched model's logits with these hooks: (T, vocab)."""
    own = untouched(name)
    handles = [register(own) for register in hooks]
    try:
        with torch.no_grad():
            return own(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    finally:
        for handle in handles:
            handle.remove()


def seen(name, register, ids=OTHER):
    """What passes a place of the untouched model, on the other text: (T, d)."""
    kept = []
    truth(name, register(lambda x: kept.append(x[0]) or x), ids=ids)
    return kept[0]


def of_head(head, change):
    """A change to one head's part of the projection's input."""

    def changed(x):
        by_head = x.view(1, -1, HEADS, x.shape[-1] // HEADS)
        by_head[:, :, head] = change(by_head[:, :, head])
        return x

    return changed


def at(position, value):
    def changed(x):
        x[:, position] = value
        return x

    return changed


def close(found, expected, *scale):
    """Equal to rounding at the size of the expected numbers, or of what goes into them."""
    assert_close(found, expected, scale=scale)


def stream(found):
    """What goes into the logits of a trace."""
    return found.residual(LAYERS)


def same(name, edits, *hooks):
    """The edited pass's logits are the hooked untouched model's, and the edit did something."""
    found = model(name).trace(IDS, edits=edits)
    close(found.logits, truth(name, *hooks), stream(found))
    assert np.abs(found.logits - trace(name).logits).max() > 1e-3
    return found


# Each edit is what a hook on an untouched model does


@families
def test_a_head_switched_off(name):
    found = same(name, [gptviz.ablate_head(1, 2)], entering(projection(name, 1), of_head(2, torch.zeros_like)))
    assert not found.head_output(1, 2).any() and not found.head_mix(1, 2).any()
    assert found.head_output(1, 3).any()
    close(found.attention(1, 2), trace(name).attention(1, 2))  # where it looked is as it was


@families
def test_a_head_at_its_mean_over_a_reference(name):
    there = seen(name, lambda change: entering(projection(name, 2), change)).view(T, HEADS, -1)
    mean = there[:, 1].mean(0)
    edit = gptviz.ablate_head(2, 1, to="mean", reference=trace(name, *OTHER))
    found = same(name, [edit], entering(projection(name, 2), of_head(1, lambda x: mean.expand_as(x))))
    close(found.head_mix(2, 1), mean.expand(T, -1).numpy(), there)


@families
def test_a_head_scaled(name):
    found = same(name, [gptviz.scale_head(0, 3, -1.5)], entering(projection(name, 0), of_head(3, lambda x: -1.5 * x)))
    if name != "gemma2":  # a norm after it divides by what the whole became
        close(found.head_output(0, 3), -1.5 * trace(name).head_output(0, 3))


@families
def test_a_row_of_attention_set(name, monkeypatch):
    """The truth: the family's eager attention, whose softmax is made to give that row in layer 1."""
    weights = [0, 3, 0, 1, 0.5]
    row = torch.tensor(weights) / 4.5
    eager, softmax, calls = build(name, attn_implementation="eager"), torch.nn.functional.softmax, []

    def edited(*args, **keywords):
        given = softmax(*args, **keywords)
        calls.append(given.shape)
        if len(calls) == 2:
            given[0, 3, 4] = 0
            given[0, 3, 4, :5] = row
        return given

    monkeypatch.setattr(torch.nn.functional, "softmax", edited)
    with torch.no_grad():
        expected = eager(torch.tensor([IDS]), use_cache=False).logits[0].numpy()
    monkeypatch.undo()
    assert calls == [(1, HEADS, T, T)] * LAYERS
    found = model(name).trace(IDS, edits=[gptviz.set_attention(1, 3, 4, weights)])
    close(found.logits, expected, stream(found))
    assert np.abs(expected - trace(name).logits).max() > 1e-3
    close(found.attention(1, 3)[4], [*row.tolist(), *[0] * (T - 5)])
    close(found.attention(1)[3], found.attention(1, 3))
    close(found.attention(1, 3)[5], trace(name).attention(1, 3)[5])
    value = found.v(1)[3 * ALL[name].kv_heads // HEADS]
    close(found.head_mix(1, 3)[4], row.numpy() @ value[:5], value)
    assert found.score_stages(1, 3)["raw"].shape == (T, T)  # the scores are as they were computed


@families
@pytest.mark.parametrize("layer", [0, 2, 3])
def test_the_stream_patched(name, layer):
    source = trace(name, *OTHER)
    last = layer == LAYERS

    def place(change):
        return leaving(block(name, 2), change) if last else entering(block(name, layer), change)

    there = seen(name, place)
    found = same(name, [gptviz.patch("residual", layer, 3, source=source)], place(at(3, there[3])))
    np.testing.assert_array_equal(found.residual(layer)[3], source.residual(layer)[3])
    np.testing.assert_array_equal(found.residual(layer)[2], trace(name).residual(layer)[2])


@families
@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_what_a_part_adds_patched(name, site):
    source = trace(name, *OTHER)
    there = seen(name, lambda change: leaving(part(name, 1, site), change))
    edit = gptviz.patch(site, 1, -4, source=source)
    found = same(name, [edit], leaving(part(name, 1, site), at(T - 4, there[T - 4])))
    close(getattr(found, site)(1)[T - 4], getattr(source, site)(1)[T - 4])
    assert edit.position == T - 4
    if site == "attn_out":
        with pytest.raises(NotAvailable, match="an edit has set it"):
            found.head_output(1, 0)


@families
@pytest.mark.parametrize("position", [5, None])
def test_a_head_patched(name, position):
    source, which = trace(name, *OTHER), slice(None) if position is None else position
    there = seen(name, lambda change: entering(projection(name, 1), change)).view(T, HEADS, -1)[:, 2]

    def change(x):
        return at(which, there[which])(x.clone())

    edit = gptviz.patch("head_output", 1, position, source=source, head=2)
    found = same(name, [edit], entering(projection(name, 1), of_head(2, change)))
    close(found.head_mix(1, 2)[which], there[which].numpy())


@families
def test_an_mlp_switched_off(name):
    found = same(name, [gptviz.ablate_mlp(1)], leaving(part(name, 1, "mlp_out"), torch.zeros_like))
    assert not found.mlp_out(1).any() and found.mlp_activations(1).any()
    with pytest.raises(NotAvailable, match="an edit has set it"):
        found.neurons(1)


@families
def test_a_neuron_switched_off(name):
    def change(x):
        x[..., 41] = 0
        return x

    down = f"{block(name, 2)}.{ALL[name].down}"
    found = same(name, [gptviz.ablate_neuron(2, 41)], entering(down, change))
    assert not found.mlp_activations(2)[:, 41].any() and found.mlp_activations(2)[:, 40].any()


@families
@pytest.mark.parametrize("layer", [1, 3])
def test_steering(name, layer):
    vector = np.linspace(-1, 2, WIDTH)
    added = 1.5 * torch.tensor(vector, dtype=torch.float32)
    hook = leaving(block(name, 2), lambda x: x + added) if layer == 3 else entering(block(name, 1), lambda x: x + added)
    found = same(name, [gptviz.steer(layer, vector, 1.5)], hook)
    close(found.edit_out(layer), np.tile(1.5 * vector, (T, 1)))


# Edits together


@families
def test_edits_of_one_place_act_in_their_order(name):
    source, gpt = trace(name, *OTHER), model(name)
    scale, patch = gptviz.scale_head(1, 2, 2.0), gptviz.patch("head_output", 1, 5, source=source, head=2)
    there = source.head_mix(1, 2)[5]
    close(gpt.trace(IDS, edits=[scale, patch]).head_mix(1, 2)[5], there)
    close(gpt.trace(IDS, edits=[patch, scale]).head_mix(1, 2)[5], 2 * there)
    twice = gpt.trace(IDS, edits=[scale, scale])
    close(twice.logits, gpt.trace(IDS, edits=[gptviz.scale_head(1, 2, 4.0)]).logits, stream(twice))


def every_edit(name):
    source = trace(name, *OTHER)
    return [
        gptviz.ablate_head(0, 1), gptviz.scale_head(1, 0, 0.5), gptviz.set_attention(1, 3, 4, [1, 0, 0, 1, 0]),
        gptviz.patch("residual", 2, 6, source=source), gptviz.patch("mlp_out", 2, 1, source=source),
        gptviz.ablate_mlp(1), gptviz.ablate_neuron(0, 7), gptviz.steer(1, np.ones(WIDTH), 0.3),
    ]  # fmt: skip


@families
def test_an_edited_trace_s_numbers_are_the_edited_pass_s(name):
    found = model(name).trace(IDS, edits=every_edit(name))
    assert found.edits == tuple(every_edit(name))
    parts = [found.embedding(), *(call(i) for i in range(LAYERS) for call in (found.attn_out, found.mlp_out))]
    parts += [found.edit_out(i) for i in range(LAYERS + 1)]
    close(np.sum(parts, axis=0), found.residual(LAYERS), *parts)
    close(found.logit_lens(5)[-1], found.logits[5], stream(found))
    for layer in range(LAYERS):
        heads = [found.head_output(layer, head) for head in range(HEADS)]
        close(np.sum(heads, axis=0) + found.head_bias(layer), found.attn_out(layer), *heads)
    shares = lens.attribution(found, 33, 6)
    bound = rounding(stream(found), [share.value for share in shares])
    assert sum(share.value for share in shares) == pytest.approx(float(found.logits[6, 33]), abs=bound)
    assert any(share.part == "edit" for share in shares)


def test_a_patch_of_block_0_leaves_the_embedding_its_own():
    found = model("gpt2").trace(IDS, edits=[gptviz.patch("residual", 0, 3, source=trace("gpt2", *OTHER))])
    np.testing.assert_array_equal(found.embedding(), trace("gpt2").embedding())
    close(found.embedding("token") + found.embedding("position"), found.embedding())
    assert found.edit_out(0)[3].any() and not found.edit_out(0)[2].any()


# Nothing stays


def hooks_and_settings(own):
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in own.modules()]
    return hooks, own.config._attn_implementation, [m.training for m in own.modules()]


@families
def test_the_next_plain_pass_is_the_one_before_to_the_bit(name):
    gpt = model(name)
    before, state = gpt.trace(IDS), hooks_and_settings(gpt.model)
    for edit in every_edit(name):
        gpt.trace(IDS, edits=[edit])
    gpt.complete(IDS, max_tokens=2, edits=every_edit(name))
    after = gpt.trace(IDS)
    assert (after.logits == before.logits).all() and (after.attention() == before.attention()).all()
    assert hooks_and_settings(gpt.model) == state
    assert (gpt.model(torch.tensor([IDS])).logits[0].detach().numpy() == before.logits).all()


class Breaks(intervention.AblateMLP):
    def writer(self, read):
        def write(x, start, value):
            raise RuntimeError("in the middle of the pass")

        return write


@pytest.mark.parametrize("name", ["gpt2", "gpt_neo"])
def test_no_edit_survives_one_that_raised(name):
    gpt = model(name)
    before, state = gpt.trace(IDS), hooks_and_settings(gpt.model)
    edits = [gptviz.steer(0, np.ones(WIDTH)), Breaks(2)]
    for call in (gpt.trace, gpt.complete):
        with pytest.raises(RuntimeError, match="in the middle"):
            call(IDS, edits=edits)
        assert hooks_and_settings(gpt.model) == state
        assert (gpt.trace(IDS).logits == before.logits).all()


def test_a_step_that_nobody_asks_for_leaves_nothing():
    gpt = model("gpt2")
    before = gpt.trace(IDS).logits
    steps = gpt.stream(IDS, max_tokens=5, edits=[gptviz.ablate_head(1, 1)], temperature=0)
    next(steps)
    assert (gpt.trace(IDS).logits == before).all()  # between two steps
    steps.close()
    assert (gpt.trace(IDS).logits == before).all()


def test_what_a_source_has_is_not_written_to():
    source = trace("gpt2", *OTHER)
    before = [source.residual(2).copy(), source.head_mix(1, 2).copy()]
    edits = [gptviz.patch("residual", 2, None, source=source), gptviz.steer(2, np.ones(WIDTH)), gptviz.ablate_mlp(2)]
    model("gpt2").trace(IDS, edits=edits)
    assert (source.residual(2) == before[0]).all() and (source.head_mix(1, 2) == before[1]).all()


# Batches and sweeps


@pytest.mark.parametrize("name", [*FAMILIES, "opt", "gpt_neo", "bloom", "falcon"])
def test_rows_of_a_batch_have_edits_of_their_own(name):
    gpt, source = model(name), trace(name, *OTHER)
    rows = [[], [gptviz.ablate_mlp(1)], [gptviz.patch("mlp_out", 1, 3, source=source)], [gptviz.ablate_neuron(1, 5)],
            [gptviz.patch("residual", 2, 6, source=source), gptviz.patch("attn_out", 2, 1, source=source)]]  # fmt: skip
    if ALL[name].route == "interface":
        rows += [[edit] for edit in every_edit(name)] + [every_edit(name)]
    found = run_edited(gpt, IDS, rows)
    assert found.shape == (len(rows), gpt.vocab_size)
    for row, edits in zip(found, rows, strict=True):
        alone = gpt.trace(IDS, edits=edits)
        close(row, alone.logits[-1], stream(alone))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_every_head_ablated_once(name):
    metric = lens.logit_difference(101, 7)
    found = lens.ablation_sweep(trace(name), metric)
    assert found.effects.shape == (LAYERS, HEADS) and found.axes == ("layer", "head")
    plain = truth(name)[-1]
    for layer, head in ((0, 1), (2, 3), (1, 0)):
        edited = truth(name, entering(projection(name, layer), of_head(head, torch.zeros_like)))[-1]
        expected = (edited[101] - edited[7]) - (plain[101] - plain[7])
        assert found.effects[layer, head] == pytest.approx(expected, abs=rounding(stream(trace(name))))
    row, column, effect = found.largest(1)[0]
    assert abs(effect) == np.abs(found.effects).max() and found.effects[row, column] == effect
    table = found.to_table()
    assert len(table) == LAYERS * HEADS and table[5]["layer"] == 1 and table[5]["head"] == 1
    assert table[5]["effect"] == found.effects[1, 1] and table[5]["metric"] == found.metric[1, 1]


@pytest.mark.parametrize("site", ["residual", "attn_out", "mlp_out", "head_output"])
def test_patches_over_layers_and_positions_or_heads(site, monkeypatch):
    monkeypatch.setattr("gptviz.lens.sweep._TOKENS_A_PASS", 5 * T)  # several batches, the last one not full
    clean, corrupted, gpt = trace("llama", *OTHER), trace("llama"), model("llama")
    found = lens.patch_sweep(clean, corrupted, lens.probability_of(9), site=site)
    columns = HEADS if site == "head_output" else T
    assert found.metric.shape == (LAYERS, columns)
    bound = rounding(stream(corrupted), stream(clean))
    assert found.baseline == pytest.approx(corrupted.probabilities()[9], rel=bound)
    assert found.target == pytest.approx(clean.probabilities()[9], rel=bound)
    for layer, column in ((0, 3), (2, columns - 1), (1, 2)):
        if site == "head_output":
            edit = gptviz.patch(site, layer, None, source=clean, head=column)
        else:
            edit = gptviz.patch(site, layer, column, source=clean)
        alone = gpt.trace(IDS, edits=[edit]).probabilities()[9]
        assert found.metric[layer, column] == pytest.approx(alone, rel=bound)
    close(found.restored, (found.metric - found.baseline) / (found.target - found.baseline))
    if site == "residual":  # the first three tokens are the same in both
        assert np.abs(found.effects[0, :3]).max() <= bound * found.baseline < np.abs(found.effects[0, 3])
        assert found.to_table()[3]["token"] == corrupted.tokens[3].text


def test_a_sweep_keeps_the_edits_that_the_trace_has():
    gpt, edit = model("gpt2"), gptviz.ablate_mlp(0)
    found = lens.ablation_sweep(gpt.trace(IDS, edits=[edit]), lens.logit_difference(3, 4))
    both = gpt.trace(IDS, edits=[edit, gptviz.ablate_head(2, 1)])
    difference = both.logits[-1, 3] - both.logits[-1, 4]
    assert found.metric[2, 1] == pytest.approx(difference, abs=rounding(stream(both)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_patches_are_drawn_as_what_they_restored(theme):
    found = lens.patch_sweep(trace("gpt2", *OTHER), trace("gpt2"), lens.logit_difference(3, 4))
    heat = found.figure(theme).data[0]
    np.testing.assert_allclose(heat.z, 100 * (found.metric - found.baseline) / (found.target - found.baseline))
    assert heat.zmax == -heat.zmin == np.abs(heat.z).max()
    layout, tokens = found.figure().layout, trace("gpt2").tokens
    assert len(layout.xaxis.ticktext) == T
    assert [text.split("<sub>")[1] for text in layout.xaxis.ticktext] == [f"{i}</sub>" for i in range(len(tokens))]
    assert (layout.yaxis.title.text, layout.xaxis.title.text) == ("layer", "position")
    assert layout.xaxis.ticklabeloverflow == "allow" and layout.margin.l >= 60  # the first column's label is seen
    said = heat.colorbar.title.text.replace("<br>", " ")
    ends = [f"{value:.3g}".replace("-", "−") for value in (found.baseline, found.target)]
    assert said.startswith("% of the way logit of")
    assert said.endswith(f"from {ends[0]} to {ends[1]}")


def test_two_passes_that_agree_are_drawn_as_effects():
    found = lens.patch_sweep(trace("gpt2"), trace("gpt2"), lens.logit_difference(3, 4))
    assert (np.asarray(found.figure().data[0].z) == found.effects).all()


def test_a_sweeps_metric_is_named_by_what_tokens_say():
    found = trace("gpt2")
    texts = [found.vocab_token(id).text for id in (3, 4)]
    assert all(texts) and not any(text.isspace() for text in texts)
    heads = lens.ablation_sweep(found, lens.probability_of(3))
    assert heads.name == f"probability of {texts[0].replace(' ', '␣')}"
    pair = lens.ablation_sweep(found, lens.logit_difference(3, 4)).name
    assert pair == f"logit of {texts[0].replace(' ', '␣')} minus {texts[1].replace(' ', '␣')}"
    own = lens.ablation_sweep(found, lambda logits: logits[3])
    assert (np.asarray(own.figure().data[0].z) == own.effects).all()
    assert "<sub>" not in own.figure().layout.xaxis.ticktext[0]
    baseline = f"{own.baseline:.3g}".replace("-", "−")
    said = own.figure().data[0].colorbar.title.text.replace("<br>", " ")
    assert said == f"added to the metric baseline {baseline}"


def test_what_a_sweep_is_made_of_is_offered_with_it():
    assert "run_edited" in lens.__all__ and lens.run_edited is run_edited
    assert "logits (rows, vocab)" in lens.run_edited.__doc__


@pytest.mark.parametrize(
    "metric, kind",
    [("logits", WrongType), (lambda x: x, WrongType), (lambda x: "no", WrongType), (lambda x: float("nan"), GPTVizError),
     (lens.probability_of(5000), OutOfRange)],
)  # fmt: skip
def test_a_metric_that_is_none_is_refused_before_any_pass(metric, kind, monkeypatch):
    monkeypatch.setattr("gptviz.lens.sweep.run_edited", lambda *_: pytest.fail("a pass was made"))
    with pytest.raises(kind):
        lens.ablation_sweep(trace("gpt2"), metric)


def test_sweeps_that_cannot_be_made_are_refused():
    metric, short = lens.probability_of(3), model("gpt2").trace(SHORT)
    with pytest.raises(GPTVizError, match=r"a clean prompt of 11 tokens.*Got 9"):
        lens.patch_sweep(short, trace("gpt2"), metric)
    with pytest.raises(GPTVizError, match="one of the sites"):
        lens.patch_sweep(trace("gpt2"), trace("gpt2"), metric, site="stream")
    with pytest.raises(WrongType, match="a trace as clean"):
        lens.patch_sweep("text", trace("gpt2"), metric)
    with pytest.raises(GPTVizError, match="with different metrics"):
        _ = lens.ablation_sweep(trace("gpt2"), metric).restored


# Generation


@pytest.fixture(scope="module")
def endless():
    """Models with room, which no end token cuts short."""

    @cache
    def make(name):
        gpt = gptviz.wrap(build(name), tokenizer())
        gpt.end_ids = frozenset()
        return gpt

    return make


STEADY = [
    gptviz.ablate_head(1, 2),
    gptviz.ablate_mlp(0),
    gptviz.ablate_neuron(2, 9),
    gptviz.steer(1, np.ones(WIDTH), 0.4),
]


@pytest.mark.parametrize("name", [*FAMILIES, "mistral", "gpt_neo"])
def test_generation_is_edited_as_a_pass_over_the_whole_text_is(endless, name):
    """With a cache and several choices, each step's probabilities are those of one edited pass without a cache."""
    gpt = endless(name)
    edits = STEADY if ALL[name].route == "interface" else STEADY[1:]
    completion = gpt.complete(IDS, max_tokens=8, n=3, seed=5, edits=edits)
    assert completion.edits == tuple(edits)
    for choice in completion.choices:
        whole = gpt.trace([*IDS, *choice.token_ids], edits=edits)
        for step in choice.steps:
            shares = whole.probabilities(T - 1 + step.index)
            assert step.probability == pytest.approx(shares[step.token.id], rel=rounding(stream(whole)))
    plain = gpt.complete(IDS, max_tokens=8, n=3, seed=5)
    assert plain.choices[0].steps[0].probability != completion.choices[0].steps[0].probability


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_edits_of_a_place_act_there_in_the_prompt(endless, name):
    """The truth: hooks on an untouched model that reads the whole text anew at each step."""
    gpt, source = endless(name), trace(name, *OTHER)
    there = seen(name, lambda change: entering(block(name, 1), change))
    edits = [gptviz.patch("residual", 1, 3, source=source)]
    found = gpt.complete(IDS, max_tokens=6, temperature=0, edits=edits).choices[0]
    ids = list(IDS)
    for step in found.steps:
        logits = truth(name, entering(block(name, 1), at(3, there[3])), ids=ids)[-1]
        assert step.token.id == int(logits.argmax())
        ids.append(step.token.id)
    row = gptviz.set_attention(2, 1, 4, [1, 0, 0, 0, 0])
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=[row])
    for index, step in enumerate(completion.choices[0].steps):
        whole = gpt.trace([*IDS, *completion.choices[0].token_ids[:index]], edits=[row])
        expected = whole.probabilities()[step.token.id]
        assert step.probability == pytest.approx(expected, rel=rounding(stream(whole)))


def test_looking_back_at_a_step_edits_as_the_step_was(endless):
    gpt = endless("gpt2")
    edits = [*STEADY, gptviz.patch("mlp_out", 1, 3, source=trace("gpt2", *OTHER))]
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=edits)
    step = completion.choices[0].steps[2]
    logits = gpt.next_token(completion, 2).logits.astype(np.float64)
    share = np.exp(logits - logits.max())[step.token.id] / np.exp(logits - logits.max()).sum()
    bound = rounding(stream(gpt.trace(IDS, edits=edits)))
    assert share == pytest.approx(step.probability, rel=bound)


# Values


def test_the_code_of_an_edit_makes_it():
    source, vector = trace("gpt2", *OTHER), tuple(np.arange(WIDTH, dtype=float))
    edits = [
        *every_edit("gpt2"), gptviz.ablate_head(2, 1, to="mean", reference=source),
        gptviz.patch("head_output", 1, None, source=source, head=2), gptviz.steer(1, vector, -2),
    ]  # fmt: skip
    names = {"gptviz": gptviz, "source": source, "vector": vector}
    for edit in edits:
        again = eval(repr(edit), names | ({"vector": edit.vector} if hasattr(edit, "vector") else {}))
        assert again == edit and hash(again) == hash(edit)
    assert repr(gptviz.ablate_head(3, 1)) == "gptviz.ablate_head(3, 1)"
    assert repr(gptviz.ablate_head(np.int64(3), 1)) == "gptviz.ablate_head(3, 1)"
    assert repr(edits[-2]) == 'gptviz.patch("head_output", 1, None, source=source, head=2)'
    assert len({gptviz.ablate_head(1, 1), gptviz.ablate_head(1, 1), gptviz.scale_head(1, 1, 0.0)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        edits[0].layer = 2


def test_the_code_of_a_trace_makes_it_again():
    gpt, text = model("gpt2"), 'a "thin" owl\n'
    twin = gpt.trace('b "thin" owl\n', edits=[gptviz.ablate_mlp(0)])
    edits = [
        gptviz.patch("residual", 1, 3, source=twin), gptviz.ablate_head(0, 0, to="mean", reference=gpt.trace("owls")),
        gptviz.patch("mlp_out", 2, -1, source=twin), gptviz.steer(1, np.linspace(0, 1, WIDTH), 3),
    ]  # fmt: skip
    for prompt in (text, gpt.encode(text)):
        found = gpt.trace(prompt, edits=edits)
        code = as_code(found)
        assert code.count("gpt.trace(") == 3
        names = {"gpt": gpt, "gptviz": gptviz}
        exec(code, names)
        assert (names["trace"].logits == found.logits).all()
    twice = [gptviz.patch("residual", 1, at, source=gpt.trace('b "thin" owl\n')) for at in (0, 1)]
    code = as_code(gpt.trace(text, edits=twice))
    assert code.count("source = ") == 1 and "source_2" not in code
    assert as_code(gpt.trace("an owl")) == 'trace = gpt.trace("an owl")'


# Refusals: what was expected, what came, what to do


@pytest.mark.parametrize(
    "make, kind, words",
    [
        (lambda: gptviz.ablate_head(-1, 0), OutOfRange, "a layer of at least 0"),
        (lambda: gptviz.ablate_head(0, 1.5), WrongType, "a whole number as head"),
        (lambda: gptviz.ablate_head(True, 1), WrongType, "a whole number as layer"),
        (lambda: gptviz.ablate_head(0, 1, to="one"), GPTVizError, 'to="zero" or to="mean"'),
        (lambda: gptviz.ablate_head(0, 1, to="mean"), WrongType, "a trace as reference"),
        (lambda: gptviz.ablate_head(0, 1, reference=trace("gpt2")), GPTVizError, "no reference"),
        (lambda: gptviz.scale_head(0, 1, "2"), WrongType, "a number as factor"),
        (lambda: gptviz.scale_head(0, 1, float("inf")), GPTVizError, "a finite factor"),
        (lambda: gptviz.set_attention(0, 1, 2, [1, 0]), GPTVizError, "3 weights"),
        (lambda: gptviz.set_attention(0, 1, 2, [0, 0, 0]), GPTVizError, "a positive sum"),
        (lambda: gptviz.set_attention(0, 1, 2, [2, -1, 0]), GPTVizError, "at least 0"),
        (lambda: gptviz.set_attention(0, 1, 1, [1, 1, 1]), GPTVizError, "no weight after position 1"),
        (lambda: gptviz.set_attention(0, 1, 0, [float("nan")]), GPTVizError, "finite weights"),
        (lambda: gptviz.set_attention(0, 1, 1, [[1, 1]]), WrongType, "in one row"),
        (lambda: gptviz.set_attention(0, 1, 1, "ab"), WrongType, "numbers as weights"),
        (lambda: gptviz.patch("stream", 0, 1, source=trace("gpt2")), GPTVizError, "one of the sites"),
        (lambda: gptviz.patch("residual", 0, 1, source="text"), WrongType, "a trace as source"),
        (lambda: gptviz.patch("residual", 0, T, source=trace("gpt2")), OutOfRange, "a position"),
        (lambda: gptviz.patch("residual", 0, 1.0, source=trace("gpt2")), WrongType, "a whole number as position"),
        (lambda: gptviz.patch("head_output", 0, 1, source=trace("gpt2")), GPTVizError, "a head with the site"),
        (lambda: gptviz.patch("mlp_out", 0, 1, source=trace("gpt2"), head=1), GPTVizError, "a head with the site"),
        (lambda: gptviz.steer(0, [1, float("inf")]), GPTVizError, "finite vector"),
        (lambda: gptviz.steer(0, None), WrongType, "vector"),
        (lambda: gptviz.steer(0, [1.0], "strong"), WrongType, "a number as strength"),
    ],
)
def test_a_value_that_means_nothing_is_refused_when_it_is_made(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert len(caught.value.got) and len(caught.value.remedy) > 5


@pytest.mark.parametrize(
    "edits, kind, words",
    [
        (lambda: [gptviz.ablate_head(3, 0)], OutOfRange, "a layer from 0 to 2. Got 3"),
        (lambda: [gptviz.ablate_mlp(0), gptviz.ablate_head(0, 4)], OutOfRange, "a head from 0 to 3"),
        (lambda: [gptviz.ablate_neuron(0, 56)], OutOfRange, "a neuron from 0 to 55"),
        (lambda: [gptviz.patch("residual", 4, 0, source=trace("gpt2"))], OutOfRange, "a depth from 0 to 3"),
        (lambda: [gptviz.patch("mlp_out", 3, 0, source=trace("gpt2"))], OutOfRange, "a layer from 0 to 2"),
        (lambda: [gptviz.set_attention(0, 1, T, [1] * (T + 1))], OutOfRange, "a position from 0 to 10"),
        (
            lambda: [gptviz.patch("residual", 1, 3, source=model("gpt2").trace(SHORT))],
            GPTVizError,
            "a source of 11 tokens",
        ),
        (lambda: [gptviz.patch("residual", 1, 3, source=trace("llama"))], GPTVizError, "a source of 3 layers"),
        (lambda: [gptviz.ablate_head(1, 3, "mean", trace("llama"))], GPTVizError, "a source of 3 layers"),
        (lambda: [gptviz.steer(0, [1.0] * 23)], GPTVizError, "a vector of d_model, 24 numbers. Got 23"),
        (lambda: gptviz.ablate_head(0, 0), WrongType, "edits as a list"),
        (lambda: ["ablate_head(0, 0)"], WrongType, "edits, such as"),
        (lambda: [gptviz.ablate_head], WrongType, "edits, such as"),
        (lambda: None, WrongType, "edits as a list"),
    ],
)
def test_what_the_model_has_no_place_for_is_refused_before_the_pass(edits, kind, words):
    for call in (model("gpt2").trace, model("gpt2").complete, model("gpt2").stream):
        with pytest.raises(kind, match=words) as caught:
            call(IDS, edits=edits())
        assert len(caught.value.remedy) > 5


@pytest.mark.parametrize(
    "edit",
    [gptviz.scale_head(0, 0, 1e300), gptviz.steer(1, np.full(WIDTH, 1e20)), gptviz.steer(LAYERS, [3e38] * WIDTH)],
)
def test_edits_that_overflow_are_refused_after_the_pass(edit):
    gpt = gptviz.wrap(build("gpt2"), tokenizer())
    before = gpt.trace(IDS).logits
    for call in (gpt.trace, gpt.complete, lambda ids, edits: list(gpt.stream(ids, edits=edits))):
        with pytest.raises(GPTVizError, match=r"edits that leave the logits finite.*Take a smaller factor or strength"):
            call(IDS, edits=[edit])
    assert (gpt.trace(IDS).logits == before).all()


@pytest.mark.parametrize("name", ["gpt_neo", "bloom", "falcon"])
def test_families_of_the_eager_route_are_edited_where_they_can_be(name):
    gpt = model(name)
    for edit in (gptviz.ablate_head(1, 2), gptviz.set_attention(0, 0, 0, [1]), gptviz.scale_head(0, 0, 2)):
        with pytest.raises(NotAvailable, match="eager route"):
            gpt.trace(IDS, edits=[edit])
    down = f"{block(name, 1)}.{ALL[name].down}"
    found = gpt.trace(IDS, edits=[gptviz.ablate_neuron(1, 5), gptviz.steer(2, np.ones(WIDTH), 0.7)])

    def change(x):
        x[..., 5] = 0
        return x

    expected = truth(name, entering(down, change), entering(block(name, 2), lambda x: x + 0.7))
    close(found.logits, expected, stream(found))


def test_a_mixture_of_experts_has_no_neurons_to_switch_off():
    with pytest.raises(NotAvailable, match="one down projection"):
        model("mixtral").trace(IDS, edits=[gptviz.ablate_neuron(0, 1)])


def test_a_source_whose_model_has_changed_is_refused():
    gpt = gptviz.wrap(build("gpt2"), tokenizer())
    source = gpt.trace(OTHER)
    gpt.model.transformer.wte.weight.mul_(1.01)
    with pytest.raises(ModelChanged):
        gpt.trace(IDS, edits=[gptviz.patch("mlp_out", 1, 3, source=source)])


def test_an_edited_trace_is_not_saved(tmp_path):
    found = model("gpt2").trace(IDS, edits=[gptviz.ablate_mlp(1)])
    with pytest.raises(NotAvailable, match="a pass without edits"):
        found.save(tmp_path / "trace.safetensors")


def test_a_saved_trace_is_a_source(tmp_path):
    saved = gptviz.open_trace(trace("llama", *OTHER).save(tmp_path / "trace.safetensors"))
    assert saved.edits == () and not saved.edit_out(2).any()
    for site, head in (("residual", None), ("attn_out", None), ("mlp_out", None), ("head_output", 3)):
        edits = [[gptviz.patch(site, 1, 5, source=one, head=head)] for one in (saved, trace("llama", *OTHER))]
        one, other = (model("llama").trace(IDS, edits=each) for each in edits)
        close(one.logits, other.logits, stream(other))


def test_the_timeline_looks_back_with_the_edits_that_the_text_was_made_with(endless):
    gpt, row = endless("gpt2"), gptviz.set_attention(2, 1, T - 1, [1, *[0] * (T - 1)])
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=[row, gptviz.ablate_mlp(0)])
    timeline = gptviz.GenerationTimeline(completion, gpt=gpt)
    trace, at_step = timeline._trace_of(0, 0)
    assert trace.edits == completion.edits and trace.attention(2, 1)[at_step, 0] == 1
    forced = completion.choices[0].steps[1].alternatives[1].token.id
    timeline.force(1, forced)
    timeline.wait(60)
    expected = gpt.complete(
        [*IDS, completion.choices[0].token_ids[0], forced], max_tokens=2, temperature=0, edits=completion.edits
    )
    assert [s.token.id for s in timeline._run.branches[-1].steps[2:]] == list(expected.choices[0].token_ids)


def test_the_way_through_a_block_ends_before_the_edit_that_enters_the_next():
    from gptviz.widgets.block.steps import block_steps

    found = model("gpt2").trace(IDS, edits=[gptviz.steer(2, np.ones(WIDTH), 3.0), gptviz.ablate_head(1, 2)])
    vectors = {step["kind"]: step["vector"] for step in block_steps(found, 1, 4)[0]}
    close(vectors["in"] + vectors["attention"] + vectors["mlp"], vectors["out"], *vectors.values())
    close(vectors["out"] + 3.0, found.residual(2)[4])
    shares = gptviz.BlockView(found).to_table()
    bound = rounding(stream(found), [share["value"] for share in shares])
    assert sum(share["value"] for share in shares) == pytest.approx(float(found.logits[-1].max()), abs=bound)
    assert [share["layer"] for share in shares if share["part"] == "edit"] == [None]
