"""Attention that is switched off at one token, and keys that get no weight: against hooks on untouched models."""

import numpy as np
import pytest
from close import assert_close, rounding
from families import ALL, IDS
from hooked import (
    FAMILIES,
    HEADS,
    T,
    assert_same_as_hooks,
    at_position,
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

import gptviz
from gptviz.errors import NotAvailable

families = pytest.mark.parametrize("name", FAMILIES)


@families
@pytest.mark.parametrize("position", [4, None])
@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_a_part_that_is_switched_off_at_one_token_or_at_all(name, site, position):
    where = slice(None) if position is None else position
    edit = (gptviz.ablate_attention if site == "attn_out" else gptviz.ablate_mlp)(1, position=position)
    edited = assert_same_as_hooks(
        name, [edit], output_hook(part_path(name, 1, site), at_position(where, 0)), least=1e-4
    )
    added, before = getattr(edited, site)(1), getattr(trace_of(name), site)(1)
    assert not added[where].any()
    if position is not None:
        others = np.arange(T) != position
        assert_close(added[others], before[others])


@families
def test_heads_and_bias_are_nothing_where_attention_is_switched_off(name):
    edited, before = gpt_of(name).trace(IDS, edits=[gptviz.ablate_attention(1, 4)]), trace_of(name)
    assert not edited.head_bias(1)[4].any() and not edited.contributions(1).gain[4].any()
    for head in range(HEADS):
        assert not edited.head_output(1, head)[4].any()
        assert_close(edited.head_output(1, head)[5], before.head_output(1, head)[5])
        assert_close(edited.attention(1, head), before.attention(1, head))  # where it looks has not changed
    both = [gptviz.ablate_attention(1, 4), gptviz.patch("attn_out", 1, 6, source=before)]
    with pytest.raises(NotAvailable, match="an edit has set it"):
        gpt_of(name).trace(IDS, edits=both).head_output(1, 0)


def test_a_family_on_the_eager_route_has_its_attention_switched_off_too():
    edited = gpt_of("bloom").trace(IDS, edits=[gptviz.ablate_attention(1, 4)])
    dense = "transformer.h.1.self_attention.dense"  # BLOOM adds the stream inside its attention module
    assert_close(edited.logits, hooked_logits("bloom", output_hook(dense, at_position(4, 0))), scale=stream_of(edited))
    with pytest.raises(NotAvailable, match="eager route"):
        gpt_of("bloom").trace(IDS, edits=[gptviz.ablate_key(1, 4, 2)])


def without_key(name, layer, query, key, heads, renormalise, maps):
    """Returns hooks that take one key's value out of the output projection's input, head by head.

    The truth beside gptviz: what attention gave minus weight times value, divided by what is left. maps: (H, T, T).
    """
    trace = trace_of(name)
    values = trace.v(layer)

    def hook(head):
        weight, value = float(maps[head, query, key]), values[head * len(values) // HEADS][key]
        left = 1 - weight if renormalise else 1.0

        def change(x):
            x = x.clone()
            x[:, query] = (x[:, query] - weight * x.new_tensor(value)) / left
            return x

        return input_hook(projection_path(name, layer), in_head(head, change))

    return [hook(head) for head in heads]


@pytest.mark.parametrize("name", [*FAMILIES, "gpt_oss"])  # a sink keeps its part of the row
@pytest.mark.parametrize("head", [2, None])
@pytest.mark.parametrize("renormalise", [True, False])
def test_a_key_without_weight(name, head, renormalise):
    query, key, maps = 6, 4, trace_of(name).attention(1)
    heads = range(HEADS) if head is None else [head]
    edit = gptviz.ablate_key(1, query, key, head=head, renormalise=renormalise)
    edited = assert_same_as_hooks(name, [edit], *without_key(name, 1, query, key, heads, renormalise, maps), least=1e-4)
    for which in range(HEADS):
        expected = maps[which].copy()
        if which in heads:
            expected[query, key] = 0
            expected[query] /= 1 - maps[which, query, key] if renormalise else 1
        assert_close(edited.attention(1, which), expected)
        assert_close(edited.attention(1)[which], expected)
        value = edited.v(1)[which * ALL[name].kv_heads // HEADS]
        assert_close(edited.head_mix(1, which), expected @ value, scale=value)


def test_the_first_token_without_its_only_key_takes_nothing():
    for renormalise in (True, False):
        edited = gpt_of("llama").trace(IDS, edits=[gptviz.ablate_key(1, 0, 0, renormalise=renormalise)])
        assert not edited.attention(1)[:, 0].any() and not edited.head_mix(1, 2)[0].any()
        assert np.isfinite(edited.logits).all()


@families
def test_the_weights_are_those_of_the_edited_pass(name):
    """The row that an earlier block's edit leads to, or that an edit before has set."""
    gpt, before = gpt_of(name), [gptviz.ablate_mlp(0), gptviz.steer(1, np.linspace(-1, 1, 24), 2.0)]
    rows = gpt.trace(IDS, edits=before).attention(2)[:, 6, :7].copy()
    assert np.abs(rows - trace_of(name).attention(2)[:, 6, :7]).max() > 0.01
    rows[:, 5] = 0
    row_by_row = [gptviz.set_attention(2, head, 6, row) for head, row in enumerate(rows)]
    expected = gpt.trace(IDS, edits=[*before, *row_by_row])
    edited = gpt.trace(IDS, edits=[*before, gptviz.ablate_key(2, 6, 5)])
    assert_close(edited.logits, expected.logits, scale=stream_of(expected))
    set_before = gpt.trace(IDS, edits=[gptviz.set_attention(1, 2, 3, [1, 0, 2, 1]), gptviz.ablate_key(1, 3, 0, head=2)])
    assert_close(set_before.attention(1, 2)[3, :4], [0, 0, 2 / 3, 1 / 3])
    assert_close(
        set_before.head_mix(1, 2), set_before.attention(1, 2) @ set_before.v(1)[2 * ALL[name].kv_heads // HEADS]
    )


@families
def test_a_head_that_is_switched_off_or_scaled_stays_so_when_a_key_is_cut(name):
    """In either order: the cut takes the key's value out of what the head adds, and brings nothing back."""
    gpt, key = gpt_of(name), gptviz.ablate_key(1, 6, 4)
    alone = gpt.trace(IDS, edits=[key])
    for edit, factor in ((gptviz.ablate_head(1, 2), 0.0), (gptviz.scale_head(1, 2, -1.5), -1.5)):
        for edits in ([edit, key], [key, edit]):
            both = gpt.trace(IDS, edits=edits)
            assert_close(both.head_mix(1, 2), factor * alone.head_mix(1, 2))
            assert_close(both.head_mix(1, 1), alone.head_mix(1, 1))
            assert_close(both.attention(1), alone.attention(1))
            assert_close(both.contributions(1).weights[2], factor * alone.attention(1, 2))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_edits_of_one_token_act_on_the_prompt_of_a_generation(name):
    gpt = gpt_of(name)
    edits = [gptviz.ablate_key(1, T - 1, 3), gptviz.ablate_attention(0, T - 1), gptviz.ablate_mlp(2, 4)]
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=edits)
    for index, step in enumerate(completion.choices[0].steps):
        whole = gpt.trace([*IDS, *completion.choices[0].token_ids[:index]], edits=edits)
        expected = whole.probabilities()[step.token.id]
        assert step.probability == pytest.approx(expected, rel=rounding(stream_of(whole)))
