"""Traces of many families, tiny and random, equal the families' own eager attention and the sums that the contract promises.

The truth is transformers itself (`tests/support/family_truth.py`); `test_reference.py` has one that is independent of it.
"""

import numpy as np
import pytest
import torch
import transformers
from close import assert_close, assert_float32_close, assert_float32_softmax_close, rounding
from families import _COMMON, ALL, END, IDS, REQUIRED, START, TEXT, VOCAB, build, randomise, tokenizer
from family_truth import HEADS, LAYERS, T, first, is_refused, model_of, scores_of, stream_of, trace_of, truth_of

import gptviz
from gptviz.lens.shares import attribution

SUMS = [name for name, family in ALL.items() if family.sums]
INTERFACE = [name for name, family in ALL.items() if family.route == "interface"]
EAGER = [name for name, family in ALL.items() if family.route == "eager"]

# Which families may refuse a quantity, by what their blocks lack. All others must have it.
NO_SUM = {"opt_post_norm", "openai_gpt"}  # the outputs of the parts do not sum to the change of the stream
NO_DOWN_PROJECTION = {"gpt_oss", "mixtral", "qwen3_moe"}  # mixtures of experts
NORM_AFTER_MLP = {"gemma2", "gemma3", "olmo2", "glm4"}
FLATTENED = {"opt", "biogpt", "xglm"}  # their MLPs may run on all tokens in one dimension
MAY_REFUSE = {
    "parts": NO_SUM,
    "heads": NO_SUM | {"gpt_neo", "bloom", "falcon", "gptj", "codegen", "xglm", "mpt"},  # the eager route
    "activations": NO_SUM | NO_DOWN_PROJECTION,
    "lens": NO_SUM,
    "shares": NO_SUM,
    "attn_in": NO_SUM,
    "neurons": NO_SUM | NO_DOWN_PROJECTION | NORM_AFTER_MLP | FLATTENED,
    "unrotated": set(EAGER) | {name for name, family in ALL.items() if family.positions},
    "token": {"opt_post_norm"},
}

every = pytest.mark.parametrize("name", ALL)
interface = pytest.mark.parametrize("name", INTERFACE)
eager = pytest.mark.parametrize("name", EAGER)


def refuses(name, quantity, call):
    """Returns whether the call is refused in words; fails if the family is none of those that may refuse the quantity."""
    refused = is_refused(call)
    assert not refused or name in MAY_REFUSE[quantity]
    return refused


@every
def test_maps_equal_the_familys_own_eager_attention(name):
    trace = trace_of(name)
    assert_float32_softmax_close(trace.attention(), truth_of(name).maps, scores_of(name))
    assert_float32_softmax_close(trace.attention(1), truth_of(name).maps[1], scores_of(name))
    assert_float32_softmax_close(trace.attention(2, 3), truth_of(name).maps[2, 3], scores_of(name))
    assert trace.route == ALL[name].route
    assert (trace.n_layers, trace.n_heads, trace.d_model, trace.d_head) == (LAYERS, HEADS, 24, ALL[name].d_head)


@every
def test_logits_equal_the_untouched_models(name):
    if ALL[name].route == "interface":  # the same kernels on the same numbers
        assert_float32_close(trace_of(name).logits, truth_of(name).logits, factor=8)
    else:
        assert_float32_close(trace_of(name).logits, truth_of(name).logits, scale=stream_of(name))


@every
def test_residual_stream_is_the_input_and_output_of_the_blocks(name):
    trace, expected = trace_of(name), truth_of(name)
    assert_float32_close(trace.embedding(), expected.entering[0][0])
    for layer in range(LAYERS):
        assert_float32_close(trace.residual(layer), expected.entering[layer][0])
    assert_float32_close(trace.residual(LAYERS), expected.leaving[-1][0])


@pytest.mark.parametrize("name", SUMS)
def test_residual_stream_equals_hidden_states(name):
    for layer in range(LAYERS):  # the last hidden state is after the final norm
        assert_float32_close(trace_of(name).residual(layer), truth_of(name).hidden_states[layer][0])


@every
def test_stream_is_the_sum_of_its_parts(name):
    trace = trace_of(name)
    if refuses(name, "parts", lambda: [(trace.attn_out(i), trace.mlp_out(i)) for i in range(LAYERS)]):
        return
    parts = [trace.embedding(), *(call(i) for i in range(LAYERS) for call in (trace.attn_out, trace.mlp_out))]
    assert_float32_close(np.sum(parts, axis=0), trace.residual(LAYERS), scale=parts)
    assert all(abs(trace.attn_out(i)).max() > 0.1 and abs(trace.mlp_out(i)).max() > 0.1 for i in range(LAYERS))


@every
def test_heads_and_bias_sum_to_the_attention_output(name):
    trace, family = trace_of(name), ALL[name]
    if refuses(name, "heads", lambda: trace.head_output(1, 2)):
        return
    for layer in range(LAYERS):
        parts = [trace.head_output(layer, head) for head in range(HEADS)]
        bias = truth_of(name).attention_bias[layer]
        if bias is not None:
            assert family.multiplier is not None
            parts.append(np.tile(family.multiplier * bias.numpy(), (T, 1)))
        assert_float32_close(np.sum(parts, axis=0), trace.attn_out(layer), scale=parts)


@pytest.mark.parametrize("name", [n for n in INTERFACE if ALL[n].multiplier is not None])
def test_a_head_is_its_map_times_values_through_its_own_rows_of_the_projection(name):
    trace, family = trace_of(name), ALL[name]
    if refuses(name, "heads", lambda: trace.head_output(1, 2)):
        return
    for layer in range(LAYERS):
        block = model_of(name).get_submodule(family.blocks)[layer]
        weight = block.get_submodule(family.attn).get_submodule(family.projection).weight.double().numpy()
        rows = (
            weight
            if "Conv1D" in type(block.get_submodule(family.attn).get_submodule(family.projection)).__name__
            else weight.T
        )
        rows = rows.reshape(HEADS, -1, 24)  # (H, d_head, d_model)
        for head in range(HEADS):
            value = trace.v(layer)[head // (HEADS // family.kv_heads)].astype(np.float64)
            expected = family.multiplier * (truth_of(name).maps[layer, head].double().numpy() @ value @ rows[head])
            assert_float32_close(trace.head_output(layer, head), expected, scale=stream_of(name))


@every
def test_mlp_activations_are_the_input_of_the_down_projection(name):
    trace, expected = trace_of(name), truth_of(name)
    if not ALL[name].down:
        assert is_refused(lambda: trace.mlp_activations(0))
        return
    if refuses(name, "activations", lambda: trace.mlp_activations(1)):
        return
    for layer in range(LAYERS):
        assert_float32_close(trace.mlp_activations(layer), expected.activations[layer].reshape(T, -1))


@interface
def test_queries_keys_and_values_have_the_familys_heads(name):
    trace, family = trace_of(name), ALL[name]
    for layer in range(LAYERS):
        assert trace.q(layer).shape == (HEADS, T, family.d_head)
        assert trace.k(layer).shape == trace.v(layer).shape == (family.kv_heads, T, family.d_head)


@interface
def test_score_stages_lead_to_the_map(name):
    trace, family = trace_of(name), ALL[name]
    for layer in range(LAYERS):
        for head in range(HEADS):
            stages = trace.score_stages(layer, head)
            assert all(scores.shape == (T, T) for scores in stages.values())
            key = trace.k(layer)[head // (HEADS // family.kv_heads)]
            assert_float32_close(stages["raw"], trace.q(layer)[head] @ key.T)
            last = list(stages.values())[-1].astype(np.float64)
            assert np.isneginf(last[np.triu_indices(T, 1)]).all()
            assert np.isfinite(np.diag(last)).all()
            if "window" in family.traits and layer != 1:
                assert np.isneginf(last[np.tril_indices(T, -4)]).all()
                assert np.isfinite(last[-1, -4:]).all()
            elif "window" not in family.traits:
                assert np.isfinite(last[np.tril_indices(T)]).all()
            if "sinks" in family.traits:
                block = model_of(name).get_submodule(family.blocks)[layer]
                column = np.full((T, 1), block.get_submodule(family.attn).sinks[head].item())
                last = np.concatenate([last, column], axis=-1)
            weights = np.exp(last - last.max(-1, keepdims=True))
            assert_float32_softmax_close(
                trace.attention(layer, head), (weights / weights.sum(-1, keepdims=True))[:, :T], last
            )


@every
def test_logit_lens_ends_in_the_logits_and_is_the_lens_of_each_depth(name):
    trace = trace_of(name)
    if refuses(name, "lens", lambda: trace.logit_lens()):
        return
    for position in (-1, 4):
        lens = trace.logit_lens(position)
        assert lens.shape == (LAYERS + 1, VOCAB)
        assert_float32_close(lens[-1], trace.logits[position], scale=stream_of(name))
        assert abs(lens[0] - lens[-1]).max() > 0.1
    together = trace.logit_lenses([-1, 4])
    assert_float32_close(together[1], lens, scale=stream_of(name))
    assert_float32_close(together[0, -1], trace.logits[-1], scale=stream_of(name))


@every
def test_contributions_sum_to_the_untouched_models_logit(name):
    trace = trace_of(name)
    for id, position in ((3, -1), (31, 4)):
        if refuses(name, "shares", lambda: attribution(trace, 3)):
            continue
        shares = attribution(trace, id, position)
        bound = rounding(stream_of(name), [share.value for share in shares])
        assert sum(share.value for share in shares) == pytest.approx(
            truth_of(name).logits[position, id].item(), abs=bound
        )
        parts = [share.part for share in shares]
        assert parts.count("mlp") == LAYERS
        assert parts.count("head") == LAYERS * HEADS or parts.count("attention") > 0
        assert max(abs(share.value) for share in shares) > 0.05


@every
def test_attn_in_is_the_input_of_the_familys_attention(name):
    entered = []
    module = model_of(name).get_submodule(ALL[name].blocks)[1].get_submodule(ALL[name].attn)
    handle = module.register_forward_pre_hook(lambda _, a, k: entered.append(first(a, k)[0]), with_kwargs=True)
    with torch.no_grad():
        model_of(name)(torch.tensor([IDS]))
    handle.remove()
    if refuses(name, "attn_in", lambda: trace_of(name).attn_in(1)):
        return
    assert_float32_close(trace_of(name).attn_in(1), entered[0])


@every
def test_neurons_and_bias_sum_to_the_mlp_output(name):
    trace, family = trace_of(name), ALL[name]
    if refuses(name, "neurons", lambda: trace.neurons(1, 5)):
        return
    bias = getattr(model_of(name).get_submodule(family.blocks)[1].get_submodule(family.down), "bias", None)
    added = 0 if bias is None else family.multiplier * bias.detach().numpy()
    neurons = trace.neurons(1, 5)
    assert_float32_close((neurons.sum(0) + added).astype(np.float32), trace.mlp_out(1)[5], scale=neurons)


@every
def test_unrotated_queries_and_keys_are_those_before_the_rotation(name):
    trace = trace_of(name)
    if refuses(name, "unrotated", trace.unrotated):
        return
    query, key = trace.unrotated()
    assert_float32_close(query[:, 0], trace.q(0)[:, 0])
    assert_float32_close(np.linalg.norm(query, axis=-1), np.linalg.norm(trace.q(0), axis=-1))
    assert abs(key[:, 5] - trace.k(0)[:, 5]).max() > 1e-2


@every
def test_embedding_parts(name):
    trace, family = trace_of(name), ALL[name]
    if not family.positions:
        assert is_refused(lambda: trace.embedding("position"))
    if refuses(name, "token", lambda: trace.embedding("token")):
        return
    if family.positions:
        parts = [trace.embedding("token"), trace.embedding("position")]
        assert_float32_close(sum(parts), trace.embedding("sum"), scale=parts)
    token = trace.embedding("token")
    same = [i for i, id in enumerate(IDS) if id == IDS[0]]  # one token at two places is one row
    assert_close(token[same[0]], token[same[1]], scale=token)
    assert abs(token[0] - token[1]).max() > 0.1


@eager
def test_eager_route_refuses_what_it_does_not_have(name):
    trace = trace_of(name)
    for call in (trace.q, trace.k, trace.v):
        assert is_refused(lambda call=call: call(0))
    assert is_refused(lambda: trace.score_stages(0, 0))
    assert is_refused(lambda: trace.scores(0, 0, stage="raw"))


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_neo"])
@pytest.mark.parametrize("start", [False, True])
def test_text_prompts_with_and_without_a_start_token(name, start):
    gpt = gptviz.wrap(model_of(name), tokenizer(start))
    trace = gpt.trace(TEXT)
    ids = [token.id for token in trace.tokens]
    assert ids == [START] * start + tokenizer()(TEXT).input_ids
    assert trace.tokens[0].special is start
    assert b"".join(token.bytes for token in trace.tokens if not token.special).decode() == TEXT
    assert END in gpt.end_ids
    assert_float32_close(trace.logits, model_of(name)(torch.tensor([ids])).logits[0], scale=stream_of(name))
    maps = build(name, attn_implementation="eager")(torch.tensor([ids]), output_attentions=True).attentions
    assert_float32_softmax_close(trace.attention(), torch.cat(maps), scores_of(name))


def test_only_known_families_may_refuse_and_none_of_them_may_refuse_what_sums():
    assert set().union(*MAY_REFUSE.values()) <= set(ALL)
    for quantity in ("parts", "heads", "activations", "lens", "shares", "attn_in", "token"):
        assert not MAY_REFUSE[quantity] & set(SUMS), quantity


def test_required_families_are_all_here():
    assert {"gpt2", "llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt_neox", "phi", "gpt_oss"} <= REQUIRED.keys()
    assert {"gpt_neo", "bloom"} & REQUIRED.keys()
    assert set(SUMS) == {"gpt2", "llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt_neox", "phi"}


def test_a_family_that_looks_at_its_implementations_name_sees_its_own():
    """DeepSeek's sparse attention makes its mask only under the names it knows."""
    more = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 6, "v_head_dim": 5,
            "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1,
            "moe_intermediate_size": 16, "index_topk": 3, "index_n_heads": 2, "index_head_dim": 8}  # fmt: skip
    config = transformers.DeepseekV32Config(**_COMMON, num_key_value_heads=4, **more)
    model = transformers.AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    randomise(model, 5)
    expected = model(torch.tensor([IDS])).logits[0]
    assert_float32_close(gptviz.wrap(model, tokenizer()).trace(IDS).logits, expected)
