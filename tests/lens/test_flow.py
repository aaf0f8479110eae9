"""The flow of credit: shares against the paper's formula over every head and key, from hooks on untouched models."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import ALL, IDS, build, tokenizer
from family_truth import truth_of
from hooked import HEADS, LAYERS, OTHER, T, block_path, gpt_of, part_path, projection_path, trace_of
from mixed_layers import trace_of as trace_of_mixed

import gptviz
from gptviz import lens
from gptviz.errors import NotAvailable, OutOfRange, WrongType
from gptviz.lens.proximity import node_shares
from gptviz.trace.sources import Contributions

TRUTHS = ["gpt2", "llama", "gemma2", "gpt_neox", "granite", "mistral", "phi"]
SUMS = [*TRUTHS, "qwen2", "qwen3", "gpt_oss", "stablelm", "olmo2", "opt", "cohere", "gpt_bigcode", "mixtral"]
ONE_NODE = ("gpt_neox", "phi", "stablelm", "cohere")  # attention and MLP side by side


@cache
def flow_of(name):
    return lens.flow(trace_of(name))


@cache
def recorded(name):
    """Returns what hooks on an untouched copy saw in each block, in float64: streams, parts, values and weights."""
    model, seen = build(name), {}

    def keep(path, what):
        def hook(_module, _args, out):
            seen[what] = (out if isinstance(out, torch.Tensor) else out[0])[0].double().numpy()

        model.get_submodule(path).register_forward_hook(hook)

    for layer in range(LAYERS):
        source = {"gpt2": "c_attn", "gpt_neox": "query_key_value"}.get(name, "v_proj")
        keep(f"{block_path(name, layer)}.{ALL[name].attn}.{source}", ("value", layer))
        keep(projection_path(name, layer), ("projected", layer))
        for part in ("attn_out", "mlp_out"):
            keep(part_path(name, layer, part), (part, layer))
    with torch.no_grad():
        model(torch.tensor([IDS]))
    return model, seen


def values_of(name, layer):
    """Returns each head's values: (H, T, d_head)."""
    given, d_head = recorded(name)[1]["value", layer], ALL[name].d_head
    if name == "gpt2":
        by_head = given.reshape(T, 3, HEADS, d_head)[:, 2]
    elif name == "gpt_neox":
        by_head = given.reshape(T, HEADS, 3, d_head)[:, :, 2]
    else:
        by_head = given.reshape(T, -1, d_head)
    return by_head.repeat(HEADS // by_head.shape[1], axis=1).transpose(1, 0, 2)


def parts_of(name, layer):
    """Returns the parts of a block: (T, d) for the stream, the bias and the MLP, and (H, T, T, d) for heads and keys."""
    model, seen = recorded(name)
    projection = model.get_submodule(projection_path(name, layer))
    weight = projection.weight.double().numpy()
    weight = weight if name == "gpt2" else weight.T  # its layer keeps it transposed
    rows = weight.reshape(HEADS, ALL[name].d_head, -1)
    maps = truth_of(name).maps[layer].double().numpy()
    from_keys = np.einsum("hij,hjv,hvd->hijd", maps, values_of(name, layer), rows)
    bias = np.zeros(24) if projection.bias is None else projection.bias.double().numpy()
    # What lies between the projection and the stream multiplies each number: a norm with its scale frozen, a multiplier.
    multiplier = ALL[name].multiplier
    gain = seen["attn_out", layer] / seen["projected", layer] if multiplier is None else multiplier
    mlp = seen["mlp_out", layer] * (multiplier or 1.0)
    stream = truth_of(name).entering[layer][0].double().numpy()
    return stream, bias * gain * np.ones((T, 24)), mlp, from_keys * (gain if multiplier else gain[None, :, None])


def shares_by_definition(whole, *parts):
    """Returns the shares of the parts of one node, (parts,), by what to scale their rounding, and whether a part is near."""
    lengths = [np.abs(part).sum() for part in parts]
    near = [max(0.0, np.abs(whole).sum() - np.abs(whole - part).sum()) for part in parts]
    divided = near if any(near) else lengths
    return np.array(divided) / sum(divided), sum(lengths) / sum(divided), any(near)


@pytest.mark.parametrize("name", TRUTHS)
def test_every_share_is_the_papers_formula(name):
    """Grouped heads, sliding windows, post-norms, multipliers, parallel parts, biases; each head, query and key alone."""
    flow, by_length = flow_of(name), []
    for layer in range(LAYERS):
        stream, bias, mlp, from_keys = parts_of(name, layer)
        one_node = name in ONE_NODE
        heads = flow.heads(layer)
        for query in range(T):
            keys = from_keys[:, query].reshape(HEADS * T, -1)
            beside = [stream[query], bias[query], *([mlp[query]] if one_node else [])]
            whole = np.sum([*beside, *keys], axis=0)
            node = "block" if one_node else "attention"
            shares, scale, is_near = shares_by_definition(whole, *beside, *keys)
            by_length += [] if is_near else [(layer, node, query)]
            actual = [
                flow.residual[layer, query],
                flow.bias[layer, query],
                *([flow.mlp[layer, query]] if one_node else []),
            ]
            assert_close([*actual, *heads[:, query].ravel()], shares, scale=scale)
            if not one_node:
                expected, scale, is_near = shares_by_definition(whole + mlp[query], whole, mlp[query])
                by_length += [] if is_near else [(layer, "mlp", query)]
                assert_close([1 - flow.mlp[layer, query], flow.mlp[layer, query]], expected, scale=scale)
        assert_close(flow.attention(layer), heads.sum(0))
        assert flow.parallel[layer] == one_node
    assert sorted(flow.by_length) == sorted(by_length)


@pytest.mark.parametrize("name", SUMS)
def test_the_shares_of_every_node_sum_to_one_and_credit_is_kept(name):
    flow = flow_of(name)
    for layer in range(LAYERS):
        attention, heads = flow.attention(layer), flow.heads(layer)
        assert attention.shape == (T, T) and heads.shape == (HEADS, T, T) and heads.dtype == np.float32
        assert not np.triu(attention, 1).any() and heads.min() >= 0
        node = flow.residual[layer] + flow.bias[layer] + attention.sum(1) + (flow.mlp[layer] if name in ONE_NODE else 0)
        assert_close(node, np.ones(T))
        assert_close(flow.matrix(layer).sum(1), np.ones(T))
        assert ((flow.mlp[layer] >= 0) & (flow.mlp[layer] <= 1)).all()
    assert flow.importance.shape == (LAYERS + 1, T) and flow.importance.dtype == np.float32
    assert_close(flow.importance.sum(1), np.ones(LAYERS + 1))
    assert_close(flow.importance[-1], np.eye(T)[-1])
    assert flow.importance[0].max() < 0.9  # the credit has spread


@pytest.mark.parametrize("name", ["llama", "gpt_neox"])
def test_credit_runs_back_through_the_shares(name):
    """The truth: a loop over tokens. What attention has goes to the keys, all else to the same token."""
    flow = flow_of(name).at(6)
    assert flow.position == 6 and lens.flow(trace_of(name), 6 - T).position == 6
    np.testing.assert_array_equal(lens.flow(trace_of(name), 6).importance, flow.importance)
    credit = np.eye(T)[6]
    for layer in reversed(range(LAYERS)):
        before = np.zeros(T)
        for query in range(T):
            for key in range(T):
                before[key] += credit[query] * flow.attention(layer)[query, key]
            own = flow.residual[layer, query] + flow.bias[layer, query]
            before[query] += credit[query] * (own + (flow.mlp[layer, query] if name == "gpt_neox" else 0))
        credit = before
        assert_close(flow.importance[layer], credit)
    assert not flow.importance[:, 7:].any()  # later tokens get none
    assert_close(flow.importance[3] @ flow.matrix(0, 2), flow.importance[0])
    assert_close(flow.matrix(1, 2), flow.matrix(2) @ flow.matrix(1))
    assert not flow.importance.flags.writeable and not flow.matrix(1).flags.writeable


def test_a_node_worked_by_hand():
    """The sum is (4, 1), of magnitude 5, and the parts are (3, 1), (-1.5, 0.5), (1, 0) and (1.5, -0.5)."""
    whole = np.float32([[4, 1]])
    heads = Contributions(np.float32([[[0.5]], [[0.5]]]), np.float32([[[2, 0]], [[3, -1]]]), np.float32([[1, 1]]))
    node = node_shares(whole, {"residual": np.float32([[3, 1]]), "bias": np.float32([[-1.5, 0.5]])}, heads)
    # proximities: 5 - 1 = 4, 5 - (5.5 + 0.5) below 0, 5 - (3 + 1) = 1, 5 - (2.5 + 1.5) = 1
    assert_close(node.beside["residual"], [4 / 6])
    assert_close(node.beside["bias"], [0])
    assert_close(node.heads.ravel(), [1 / 6, 1 / 6])
    assert node.by_length == []


def test_where_no_part_is_near_the_sum_the_shares_are_by_length():
    """Two large parts that cancel almost: none is nearer to the sum than nothing is. And a node where all parts are 0."""
    stream, taken = np.float32([[9, 0], [0, 0]]), np.float32([[[-4, -4], [0, 0]]])
    weights = np.float32([[[2, 0], [0, 1]]])
    heads = Contributions(weights, taken, np.ones((2, 2), np.float32))
    bias = np.float32([[0, 8], [0, 0]])
    node = node_shares(stream + bias + (weights @ taken)[0], {"residual": stream, "bias": bias}, heads)
    assert node.by_length == [0, 1]
    assert_close(node.beside["residual"], [9 / 33, 1])
    assert_close(node.beside["bias"], [8 / 33, 0])
    assert_close(node.heads, [[[16 / 33, 0], [0, 0]]])


def test_a_dimension_in_which_the_sum_is_zero_counts_against_a_part():
    node = node_shares(np.float32([[4, 0]]), {"residual": np.float32([[3, 1]]), "mlp": np.float32([[1, -1]])})
    assert_close([node.beside["residual"][0], node.beside["mlp"][0]], [2 / 2, 0])  # 4 - (1 + 1), and 4 - (3 + 1)


@pytest.mark.parametrize("sharpness", [0.3, 3.0, 30.0])
def test_parts_with_any_weights_have_the_proximities_of_the_formula(sharpness):
    """From weights that are nearly equal to one-hot ones, with gains and sums of 0 in some dimensions."""
    random, (n_heads, tokens, width) = np.random.default_rng(7), (3, 23, 41)
    scores = np.where(np.tri(tokens), sharpness * random.normal(size=(n_heads, tokens, tokens)), -np.inf)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    weights[1] *= -0.5  # a head that was scaled
    gain = random.normal(size=(tokens, width)) * (random.random((tokens, width)) > 0.1)
    whole = random.normal(size=(tokens, width)) * (random.random((tokens, width)) > 0.1)
    values = 3 * random.normal(size=(n_heads, tokens, width))
    weights, values, gain, whole = (array.astype(np.float32) for array in (weights, values, gain, whole))
    parts = np.einsum("qd,hqk,hkd->hqkd", *(array.astype(np.float64) for array in (gain, weights, values)))
    lengths = np.abs(whole.astype(np.float64)).sum(-1)[:, None]
    expected = np.maximum(0, lengths - np.abs(whole[:, None] - parts).sum(-1))
    node = node_shares(whole, {"residual": whole}, Contributions(weights, values, gain))
    assert_close(
        node.heads, expected / (lengths + expected.sum(0).sum(-1, keepdims=True)), scale=np.abs(parts).sum(-1) / lengths
    )
    assert (expected > 0).sum() > 40


def test_how_many_vectors_are_looked_at_together_changes_nothing(monkeypatch):
    flow = flow_of("llama")
    monkeypatch.setattr("gptviz.lens.proximity._NUMBERS", 5 * 24)
    again = lens.flow(trace_of("llama"))
    for layer in range(LAYERS):
        assert_close(again.heads(layer), flow.heads(layer))
    assert_close(again.importance, flow.importance)


# Edited passes


def test_what_an_edit_switches_off_has_no_share():
    gpt, plain = gpt_of("llama"), flow_of("llama")
    edits = [
        gptviz.ablate_head(1, 2), gptviz.ablate_attention(2, 4), gptviz.ablate_mlp(2, 7), gptviz.ablate_key(1, 6, 3),
        gptviz.steer(2, np.linspace(-1, 1, 24), 2.0), gptviz.set_attention(0, 3, 5, [0, 1, 0, 0, 1, 0]),
    ]  # fmt: skip
    flow = lens.flow(gpt.trace(IDS, edits=edits))
    assert plain.heads(1)[2].any() and not flow.heads(1)[2].any() and flow.heads(1)[1].any()
    assert not flow.attention(2)[4].any() and flow.bias[2, 4] == 0 and flow.residual[2, 4] == 1
    assert flow.mlp[2, 7] == 0 < flow.mlp[2, 6]
    assert not flow.heads(1)[:, 6, 3].any() and plain.heads(1)[:, 6, 3].any()
    assert (flow.heads(0)[3, 5] > 0).sum() <= 2
    assert_close(flow.importance.sum(1), np.ones(LAYERS + 1))


def test_a_scaled_head_has_the_share_of_what_it_adds():
    trace = gpt_of("gpt2").trace(IDS, edits=[gptviz.scale_head(1, 2, -1.5)])
    flow, factors = lens.flow(trace), trace.contributions(1)
    assert_close(factors.weights[2], -1.5 * trace.attention(1, 2))
    added = np.einsum("hij,hjd->hid", factors.weights, factors.values) * factors.gain
    assert_close(added[2], trace.head_output(1, 2), scale=factors.values)
    assert_close(flow.importance.sum(1), np.ones(LAYERS + 1))


@pytest.mark.parametrize("site, head", [("attn_out", None), ("head_output", 1)])
def test_numbers_of_another_pass_come_from_no_key(site, head):
    edit = gptviz.patch(site, 1, 3, source=trace_of("llama", *OTHER), head=head)
    with pytest.raises(NotAvailable, match=r"an edit has set it|not their values, mixed by their weights"):
        lens.flow(gpt_of("llama").trace(IDS, edits=[edit]))


# What is refused, and files


@pytest.mark.parametrize("name", ["gpt_neo", "bloom", "falcon", "gptj"])
def test_a_family_on_the_eager_route_has_no_values(name):
    with pytest.raises(NotAvailable, match="eager route") as caught:
        lens.flow(trace_of(name))
    assert caught.value.code == "route"


def test_layers_without_attention_and_heads_behind_a_gate_are_refused():
    with pytest.raises(NotAvailable, match="a layer with attention") as caught:
        lens.flow(trace_of_mixed("lfm2"))
    assert caught.value.code == "no_attention"
    with pytest.raises(NotAvailable, match="a gate multiplies"):
        lens.flow(trace_of_mixed("laguna"))
    uneven = lens.flow(trace_of_mixed("2-4-2"))
    assert [len(uneven.heads(layer)) for layer in range(3)] == [2, 4, 2]
    assert_close(uneven.importance.sum(1), np.ones(4))


def test_a_position_or_layer_that_there_is_not_is_refused():
    with pytest.raises(OutOfRange, match="a position from -11 to 10"):
        lens.flow(trace_of("gpt2"), 11)
    with pytest.raises(WrongType, match="a whole number as position"):
        flow_of("gpt2").at(1.5)
    for call in (flow_of("gpt2").attention, flow_of("gpt2").heads, flow_of("gpt2").matrix):
        with pytest.raises(OutOfRange, match="a layer from 0 to 2"):
            call(3)
    with pytest.raises(gptviz.GPTVizError, match="the first block, then the last"):
        flow_of("gpt2").matrix(2, 1)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_oss"])
def test_the_flow_of_a_saved_trace_is_the_same_to_the_bit(name, tmp_path):
    opened = gptviz.open_trace(trace_of(name).save(tmp_path / "trace.safetensors", neurons=False))
    flow, here = lens.flow(opened, 4), flow_of(name).at(4)
    for what in ("importance", "residual", "bias", "mlp"):
        np.testing.assert_array_equal(getattr(flow, what), getattr(here, what))
    for layer in range(LAYERS):
        np.testing.assert_array_equal(flow.heads(layer), here.heads(layer))


def test_a_file_that_lacks_what_flow_needs_says_what_it_lacks(tmp_path):
    old = gptviz.open_trace(Path(__file__).parents[1] / "trace" / "saved_by_0_1.safetensors")  # of block 1 alone
    with pytest.raises(NotAvailable, match=r"an earlier gptviz saved, without head_value\.1.*Trace the text again"):
        old.contributions(1)
    some = gptviz.open_trace(trace_of("gpt2").save(tmp_path / "some.safetensors", layers=[0, 2]))
    with pytest.raises(NotAvailable, match="layers 0, 2"):
        lens.flow(some)
    eager = gptviz.open_trace(trace_of("gpt_neo").save(tmp_path / "eager.safetensors"))
    with pytest.raises(NotAvailable, match="eager route") as caught:
        lens.flow(eager)
    assert caught.value.code == "route"


def test_undefined_numbers_are_refused_with_their_cause():
    model = build("gpt2")
    model.transformer.h[1].mlp.c_proj.weight.data[3, 4] = float("nan")
    with pytest.raises(gptviz.GPTVizError, match="c_proj"):
        lens.flow(gptviz.wrap(model, tokenizer()).trace(IDS))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_has_shares_near_those_of_single_precision(dtype):
    flow = lens.flow(gptviz.wrap(build("llama").to(dtype), tokenizer()).trace(IDS))
    assert_close(flow.importance.sum(1), np.ones(LAYERS + 1))
    assert np.abs(flow.residual - flow_of("llama").residual).max() < rounding(1.0, dtype=dtype)
