"""Many families, tiny and random: a trace equals the family's own eager attention and leaves the model as it was found.

The truth here is transformers itself: a second copy of each model with `attn_implementation="eager"`, and hooks of the
test's own on an untouched copy. `test_reference.py` has the truth that is independent of transformers.
"""

import copy
import threading
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from close import assert_close, assert_softmax_close, rounding
from families import _COMMON, ALL, END, IDS, REQUIRED, START, TEXT, VOCAB, build, randomise, tokenizer

import gptviz
from gptviz.errors import ModelChanged, NotAvailable
from gptviz.lens.shares import attribution

LAYERS, HEADS, T = 3, 4, len(IDS)
SUMS = [name for name, family in ALL.items() if family.sums]
INTERFACE = [name for name, family in ALL.items() if family.route == "interface"]
EAGER = [name for name, family in ALL.items() if family.route == "eager"]

every = pytest.mark.parametrize("name", ALL)
interface = pytest.mark.parametrize("name", INTERFACE)
eager = pytest.mark.parametrize("name", EAGER)
few = pytest.mark.parametrize("name", ["gpt2", "mistral", "gemma2", "gpt_oss", "bloom"])


@cache
def model(name):
    return build(name)


@cache
def trace(name):
    return gptviz.wrap(model(name), tokenizer()).trace(IDS)


@cache
def truth(name):
    """The untouched model's logits, its own eager maps, and what its blocks and projections received and returned."""
    family = ALL[name]
    own, eager_copy = build(name), build(name, attn_implementation="eager")
    seen = SimpleNamespace(entering=[], leaving=[], activations=[], attention_bias=[])
    for block in own.get_submodule(family.blocks):
        block.register_forward_pre_hook(lambda m, args, kw: seen.entering.append(first(args, kw)), with_kwargs=True)
        block.register_forward_hook(lambda m, args, out: seen.leaving.append(first(out)))
        if family.down:
            down = block.get_submodule(family.down)
            down.register_forward_pre_hook(lambda m, args: seen.activations.append(args[0].clone()))
        projection = getattr(block.get_submodule(family.attn), family.projection, None)
        seen.attention_bias.append(getattr(projection, "bias", None))
    with torch.no_grad():
        seen.logits = own(torch.tensor([IDS])).logits[0]
        out = eager_copy(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    seen.maps = torch.stack([weights[0] for weights in out.attentions])
    seen.hidden_states = out.hidden_states
    return seen


def first(values, keywords=None):
    """A copy of the hidden states among a block's arguments or results; some families write into their own outputs."""
    if isinstance(values, torch.Tensor):
        return values.clone()
    return (values[0] if values else keywords["hidden_states"]).clone()


@cache
def stream(name):
    """The residual stream of the untouched model: what goes into every later number."""
    return np.stack([*truth(name).entering, truth(name).leaving[-1]])


@cache
def scores(name):
    """The scaled scores, whose size decides how near two maps can be; the stream where the eager route has none."""
    if ALL[name].route == "eager":
        return stream(name)
    stages = [trace(name).score_stages(layer, head) for layer in range(LAYERS) for head in range(HEADS)]
    return np.stack([list(each.values())[1] for each in stages])


def close(found, expected, scale=(), **bound):
    assert found.dtype == np.float32
    assert_close(found, expected, scale=scale, **bound)


def maps_close(found, expected, scores):
    assert found.dtype == np.float32
    assert_softmax_close(found, expected, scores)


def refused(call):
    """Whether the call is refused in words; the words have an expectation, a finding and a remedy."""
    try:
        call()
    except NotAvailable as error:
        return all(len(part) > 5 for part in (error.expected, error.got, error.remedy))
    return False


# Numbers


@every
def test_maps_equal_the_family_s_own_eager_attention(name):
    found = trace(name)
    maps_close(found.attention(), truth(name).maps, scores(name))
    maps_close(found.attention(1), truth(name).maps[1], scores(name))
    maps_close(found.attention(2, 3), truth(name).maps[2, 3], scores(name))
    assert found.route == ALL[name].route
    assert (found.n_layers, found.n_heads, found.d_model, found.d_head) == (LAYERS, HEADS, 24, ALL[name].d_head)


@every
def test_logits_equal_the_untouched_model_s(name):
    if ALL[name].route == "interface":  # the same kernels on the same numbers
        close(trace(name).logits, truth(name).logits, factor=8)
    else:
        close(trace(name).logits, truth(name).logits, stream(name))


@every
def test_residual_stream_is_what_enters_and_leaves_the_blocks(name):
    found, expected = trace(name), truth(name)
    close(found.embedding(), expected.entering[0][0])
    for layer in range(LAYERS):
        close(found.residual(layer), expected.entering[layer][0])
    close(found.residual(LAYERS), expected.leaving[-1][0])


@pytest.mark.parametrize("name", SUMS)
def test_residual_stream_equals_hidden_states(name):
    for layer in range(LAYERS):  # the last hidden state is after the final norm
        close(trace(name).residual(layer), truth(name).hidden_states[layer][0])


@every
def test_stream_is_the_sum_of_its_parts(name):
    found = trace(name)
    if not ALL[name].sums and refused(lambda: [(found.attn_out(i), found.mlp_out(i)) for i in range(LAYERS)]):
        return
    parts = [found.embedding(), *(call(i) for i in range(LAYERS) for call in (found.attn_out, found.mlp_out))]
    close(np.sum(parts, axis=0), found.residual(LAYERS), parts)
    assert all(abs(found.attn_out(i)).max() > 0.1 and abs(found.mlp_out(i)).max() > 0.1 for i in range(LAYERS))


@every
def test_heads_and_bias_sum_to_the_attention_output(name):
    found, family = trace(name), ALL[name]
    if not family.sums and refused(lambda: found.head_output(1, 2)):
        return
    for layer in range(LAYERS):
        parts = [found.head_output(layer, head) for head in range(HEADS)]
        bias = truth(name).attention_bias[layer]
        if bias is not None:
            assert family.multiplier is not None
            parts.append(np.tile(family.multiplier * bias.numpy(), (T, 1)))
        close(np.sum(parts, axis=0), found.attn_out(layer), parts)


@pytest.mark.parametrize("name", [n for n in INTERFACE if ALL[n].multiplier is not None])
def test_a_head_is_its_map_times_values_through_its_own_rows_of_the_projection(name):
    found, family = trace(name), ALL[name]
    if not family.sums and refused(lambda: found.head_output(1, 2)):
        return
    for layer in range(LAYERS):
        block = model(name).get_submodule(family.blocks)[layer]
        weight = block.get_submodule(family.attn).get_submodule(family.projection).weight.double().numpy()
        rows = (
            weight
            if "Conv1D" in type(block.get_submodule(family.attn).get_submodule(family.projection)).__name__
            else weight.T
        )
        rows = rows.reshape(HEADS, -1, 24)  # (H, d_head, d_model)
        for head in range(HEADS):
            value = found.v(layer)[head // (HEADS // family.kv_heads)].astype(np.float64)
            expected = family.multiplier * (truth(name).maps[layer, head].double().numpy() @ value @ rows[head])
            close(found.head_output(layer, head), expected, stream(name))


@every
def test_mlp_activations_are_what_the_down_projection_receives(name):
    found, expected = trace(name), truth(name)
    if not ALL[name].down:
        assert refused(lambda: found.mlp_activations(0))
        return
    if not ALL[name].sums and refused(lambda: found.mlp_activations(1)):
        return
    for layer in range(LAYERS):
        close(found.mlp_activations(layer), expected.activations[layer].reshape(T, -1))


@interface
def test_queries_keys_and_values_have_the_family_s_heads(name):
    found, family = trace(name), ALL[name]
    for layer in range(LAYERS):
        assert found.q(layer).shape == (HEADS, T, family.d_head)
        assert found.k(layer).shape == found.v(layer).shape == (family.kv_heads, T, family.d_head)


@interface
def test_score_stages_lead_to_the_map(name):
    found, family = trace(name), ALL[name]
    for layer in range(LAYERS):
        for head in range(HEADS):
            stages = found.score_stages(layer, head)
            assert all(scores.shape == (T, T) for scores in stages.values())
            key = found.k(layer)[head // (HEADS // family.kv_heads)]
            close(stages["raw"], found.q(layer)[head] @ key.T)
            last = list(stages.values())[-1].astype(np.float64)
            assert np.isneginf(last[np.triu_indices(T, 1)]).all()
            assert np.isfinite(np.diag(last)).all()
            if "window" in family.traits and layer != 1:
                assert np.isneginf(last[np.tril_indices(T, -4)]).all()
                assert np.isfinite(last[-1, -4:]).all()
            elif "window" not in family.traits:
                assert np.isfinite(last[np.tril_indices(T)]).all()
            if "sinks" in family.traits:
                block = model(name).get_submodule(family.blocks)[layer]
                column = np.full((T, 1), block.get_submodule(family.attn).sinks[head].item())
                last = np.concatenate([last, column], axis=-1)
            weights = np.exp(last - last.max(-1, keepdims=True))
            maps_close(found.attention(layer, head), (weights / weights.sum(-1, keepdims=True))[:, :T], last)


@every
def test_logit_lens_ends_in_the_logits_and_is_the_lens_of_each_depth(name):
    found = trace(name)
    if not ALL[name].sums and refused(lambda: found.logit_lens()):
        return
    for position in (-1, 4):
        lens = found.logit_lens(position)
        assert lens.shape == (LAYERS + 1, VOCAB)
        close(lens[-1], found.logits[position], stream(name))
        assert abs(lens[0] - lens[-1]).max() > 0.1


@every
def test_parts_contribute_what_sums_to_the_untouched_model_s_logit(name):
    found = trace(name)
    for id, position in ((3, -1), (31, 4)):
        if not ALL[name].sums and refused(lambda: attribution(found, 3)):
            continue
        shares = attribution(found, id, position)
        bound = rounding(stream(name), [share.value for share in shares])
        assert sum(share.value for share in shares) == pytest.approx(truth(name).logits[position, id].item(), abs=bound)
        parts = [share.part for share in shares]
        assert parts.count("mlp") == LAYERS
        assert parts.count("head") == LAYERS * HEADS or parts.count("attention") > 0
        assert max(abs(share.value) for share in shares) > 0.05


@every
def test_what_enters_attention_is_what_the_family_gave_it(name):
    entered = []
    module = model(name).get_submodule(ALL[name].blocks)[1].get_submodule(ALL[name].attn)
    handle = module.register_forward_pre_hook(lambda _, a, k: entered.append(first(a, k)[0]), with_kwargs=True)
    with torch.no_grad():
        model(name)(torch.tensor([IDS]))
    handle.remove()
    if refused(lambda: trace(name).attn_in(1)):
        assert not ALL[name].sums
        return
    close(trace(name).attn_in(1), entered[0])


@every
def test_neurons_and_bias_sum_to_the_mlp_output(name):
    found, family = trace(name), ALL[name]
    if refused(lambda: found.neurons(1, 5)):
        return
    bias = getattr(model(name).get_submodule(family.blocks)[1].get_submodule(family.down), "bias", None)
    added = 0 if bias is None else family.multiplier * bias.detach().numpy()
    neurons = found.neurons(1, 5)
    close((neurons.sum(0) + added).astype(np.float32), found.mlp_out(1)[5], neurons)


@every
def test_unrotated_queries_are_turned_into_those_that_attention_receives(name):
    found = trace(name)
    if refused(found.unrotated):
        assert not (name.startswith("llama") or name.startswith("qwen"))
        return
    query, key = found.unrotated()
    close(query[:, 0], found.q(0)[:, 0])
    close(np.linalg.norm(query, axis=-1), np.linalg.norm(found.q(0), axis=-1))
    assert abs(key[:, 5] - found.k(0)[:, 5]).max() > 1e-2


@every
def test_embedding_parts(name):
    found, family = trace(name), ALL[name]
    if not family.positions:
        assert refused(lambda: found.embedding("position"))
    if refused(lambda: found.embedding("token")):
        assert not family.sums
        return
    if family.positions:
        parts = [found.embedding("token"), found.embedding("position")]
        close(sum(parts), found.embedding("sum"), parts)
    token = found.embedding("token")
    same = [i for i, id in enumerate(IDS) if id == IDS[0]]  # one token at two places is one row
    assert_close(token[same[0]], token[same[1]], scale=token)
    assert abs(token[0] - token[1]).max() > 0.1


@eager
def test_eager_route_refuses_what_it_does_not_have(name):
    found = trace(name)
    for call in (found.q, found.k, found.v):
        assert refused(lambda call=call: call(0))
    assert refused(lambda: found.score_stages(0, 0))
    assert refused(lambda: found.scores(0, 0, stage="raw"))


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_neo"])
@pytest.mark.parametrize("start", [False, True])
def test_text_prompts_with_and_without_a_start_token(name, start):
    gpt = gptviz.wrap(model(name), tokenizer(start))
    found = gpt.trace(TEXT)
    ids = [token.id for token in found.tokens]
    assert ids == [START] * start + tokenizer()(TEXT).input_ids
    assert found.tokens[0].special is start
    assert b"".join(token.bytes for token in found.tokens if not token.special).decode() == TEXT
    assert END in gpt.end_ids
    close(found.logits, model(name)(torch.tensor([ids])).logits[0], stream(name))
    maps = build(name, attn_implementation="eager")(torch.tensor([ids]), output_attentions=True).attentions
    maps_close(found.attention(), torch.cat(maps), scores(name))


# The model is left as it was found


def state(a_model):
    """Everything about a model that a pass must not change."""
    configs = {id(m.config): m.config for m in a_model.modules() if hasattr(m, "config")}
    return {
        "configs": [copy.deepcopy(vars(config)) for config in configs.values()],
        "implementations": [config._attn_implementation for config in configs.values()],
        "training": [m.training for m in a_model.modules()],
        "hooks": [
            [len(getattr(m, kind)) for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")]
            for m in a_model.modules()
        ],
        "own names": [sorted(vars(m)) for m in a_model.modules()],
        "buffers": {key: value.clone() for key, value in a_model.named_buffers()},
        "versions": [(p._version, p.data_ptr(), p.requires_grad, p.grad is None) for p in a_model.parameters()],
        "generation": str(a_model.generation_config),
        "global hooks": len(torch.nn.modules.module._global_forward_hooks),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    }


def assert_same(before, after):
    for what, value in before.items():
        if what == "buffers":
            assert value.keys() == after[what].keys()
            assert all(torch.equal(value[key], after[what][key]) for key in value), what
        else:
            assert value == after[what], what


def mixed_mode(a_model):
    """Training mode in every second module, gradients on: a state nobody would think to restore by chance."""
    for i, module in enumerate(a_model.modules()):
        module.training = i % 2 == 0
    return a_model.requires_grad_(True)


def look_at_everything(found):
    """Ask for each quantity once; those that do not exist refuse."""
    for layer in range(LAYERS):
        for call in (found.q, found.k, found.v, found.residual, found.attn_out, found.mlp_out, found.mlp_activations):
            refused(lambda call=call, layer=layer: call(layer))
        refused(lambda layer=layer: [found.score_stages(layer, head) for head in range(HEADS)])
        refused(lambda layer=layer: [found.head_output(layer, head) for head in range(HEADS)])
    for kind in ("sum", "token", "position"):
        refused(lambda kind=kind: found.embedding(kind))
    refused(lambda: found.logit_lens(2))
    found.attention()
    found.probabilities()
    found.top(3)
    found.residual(LAYERS)
    assert found.nbytes > 0


@every
def test_model_is_left_as_found(name):
    truth(name)  # before the state is noted: building a model sets modules that openai_gpt models share
    a_model = mixed_mode(build(name))
    before = state(a_model)
    found = gptviz.wrap(a_model, tokenizer()).trace(IDS)
    assert_same(before, state(a_model))
    close(found.logits, truth(name).logits, stream(name))  # traced in evaluation mode all the same
    look_at_everything(found)
    assert_same(before, state(a_model))


@every
def test_model_is_left_as_found_when_the_pass_raises(name):
    truth(name)
    a_model = mixed_mode(build(name))
    gpt = gptviz.wrap(a_model, tokenizer())

    def stop(module, args, output):
        raise RuntimeError("stopped in the middle")

    handle = a_model.get_submodule(ALL[name].blocks)[1].register_forward_hook(stop)
    before = state(a_model)
    with pytest.raises(RuntimeError, match="stopped in the middle"):
        gpt.trace(IDS)
    assert_same(before, state(a_model))
    handle.remove()
    close(gpt.trace(IDS).logits, truth(name).logits, stream(name))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_whatever_implementation_the_model_had_is_the_one_that_runs(name, implementation):
    a_model = build(name, attn_implementation=implementation)
    expected = a_model(torch.tensor([IDS])).logits[0]
    found = gptviz.wrap(a_model, tokenizer()).trace(IDS)
    close(found.logits, expected, factor=8)
    maps_close(found.attention(), truth(name).maps, scores(name))
    assert a_model.config._attn_implementation == implementation


@every
def test_model_runs_once(name):
    a_model = build(name)
    gpt = gptviz.wrap(a_model, tokenizer())
    calls = []
    for index, block in enumerate(a_model.get_submodule(ALL[name].blocks)):
        block.register_forward_hook(lambda m, args, out, index=index: calls.append(index))
    found = gpt.trace(IDS)
    assert calls == [0, 1, 2]
    look_at_everything(found)
    assert calls == [0, 1, 2]


# Weights that change, other precisions, other threads


def forget(name, change):
    """Trace, change the weights, and ask again."""
    a_model = build(name)
    found = gptviz.wrap(a_model, tokenizer()).trace(IDS)
    block = a_model.get_submodule(ALL[name].blocks)[1]
    change(a_model, block)
    return a_model, found


def write(a_model, block):
    with torch.no_grad():
        next(block.parameters()).mul_(1.5)


def replace(a_model, block):
    module = next(m for m in block.modules() if isinstance(getattr(m, "weight", None), torch.nn.Parameter))
    module.weight = torch.nn.Parameter(module.weight * 1.5)


def load(a_model, block):
    a_model.load_state_dict({key: value * 1.5 for key, value in a_model.state_dict().items()})


@few
@pytest.mark.parametrize("change", [write, replace, load])
def test_a_trace_whose_model_has_changed_refuses_what_it_would_recompute(name, change):
    a_model, found = forget(name, change)
    with pytest.raises(ModelChanged, match="the model has changed since: trace again"):
        found.mlp_activations(1) if ALL[name].down else found.logit_lens()
    close(found.logits, truth(name).logits, stream(name))  # what it holds, it still has
    again = gptviz.wrap(a_model, tokenizer()).trace(IDS)
    assert abs(again.logits - found.logits).max() > 1e-3
    look_at_everything(again)


@few
def test_later_passes_leave_a_trace_s_numbers_alone(name):
    gpt = gptviz.wrap(build(name), tokenizer())
    found = gpt.trace(IDS)
    before = found.attention(), found.logits.copy(), found.residual(1).copy()
    for ids in (IDS[::-1], IDS[:5], [31] * 9):
        gpt.trace(ids).attention()
    for old, new in zip(before, (found.attention(), found.logits, found.residual(1)), strict=True):
        np.testing.assert_array_equal(old, new)
    maps_close(found.attention(), truth(name).maps, scores(name))


@few
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(name, dtype):
    """Held arguments are the model's own, rounded; what is computed from them is computed in float32."""
    a_model = build(name, dtype=dtype)
    with torch.no_grad():
        logits = a_model(torch.tensor([IDS])).logits[0].float()
        eager_copy = build(name, dtype=dtype, attn_implementation="eager")
        maps = torch.cat(eager_copy(torch.tensor([IDS]), output_attentions=True).attentions).float()
    found = gptviz.wrap(a_model, tokenizer()).trace(IDS)
    np.testing.assert_array_equal(found.logits, logits)
    assert found.attention().dtype == np.float32
    np.testing.assert_allclose(found.attention(), maps, rtol=0, atol=8 * torch.finfo(dtype).eps)
    if ALL[name].route == "interface" and not ALL[name].traits - {"window"}:
        for layer in range(LAYERS):
            key = np.repeat(found.k(layer), HEADS // ALL[name].kv_heads, axis=0).astype(np.float64)
            scaled = found.q(layer) @ key.transpose(0, 2, 1) / np.sqrt(ALL[name].d_head)
            allowed = np.tri(T, dtype=bool)
            if "window" in ALL[name].traits:
                allowed &= ~np.tri(T, k=-4, dtype=bool)
            weights = np.exp(np.where(allowed, scaled, -np.inf))
            maps_close(found.attention(layer), weights / weights.sum(-1, keepdims=True), scaled)
    look_at_everything(found)


@pytest.mark.parametrize("name", ["gpt2", "mistral"])
def test_two_wraps_of_one_model(name):
    a_model = build(name)
    one, two = gptviz.wrap(a_model, tokenizer()), gptviz.wrap(a_model, tokenizer(start=True))
    first_trace, second = one.trace(IDS), two.trace(IDS[:7])
    maps_close(first_trace.attention(), truth(name).maps, scores(name))
    prefix = truth(name).maps[:, :, :7, :7]  # causality: a prefix has a prefix of the maps
    maps_close(second.attention(), prefix, scores(name))
    assert a_model.config._attn_implementation == build(name).config._attn_implementation


@few
def test_threads_that_trace_one_model_do_not_disturb_each_other(name):
    a_model = build(name)
    wraps = [gptviz.wrap(a_model, tokenizer()), gptviz.wrap(a_model, tokenizer())]
    prompts = [IDS, IDS[::-1][:8], [31, 4] * 7]
    alone = [gptviz.wrap(build(name), tokenizer()).trace(prompt) for prompt in prompts]
    expected = [(t.attention(), t.logits, t.attn_out(1) if ALL[name].sums else t.residual(2)) for t in alone]
    together, problems = threading.Barrier(3), []

    def work(which):
        try:
            together.wait()
            for _ in range(8):
                t = wraps[which % 2].trace(prompts[which])
                found = t.attention(), t.logits, t.attn_out(1) if ALL[name].sums else t.residual(2)
                for a, b in zip(found, expected[which], strict=True):
                    np.testing.assert_array_equal(a, b)
        except BaseException as error:
            problems.append(error)

    before = state(a_model)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[0]
    assert_same(before, state(a_model))


def test_required_families_are_all_here():
    assert {"gpt2", "llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt_neox", "phi", "gpt_oss"} <= REQUIRED.keys()
    assert {"gpt_neo", "bloom"} & REQUIRED.keys()
    assert set(SUMS) == {"gpt2", "llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt_neox", "phi"}


def test_a_family_that_asks_for_its_implementation_by_name_gets_the_models_own():
    """DeepSeek's sparse attention makes its mask only under the names it knows."""
    more = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 6, "v_head_dim": 5,
            "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1,
            "moe_intermediate_size": 16, "index_topk": 3, "index_n_heads": 2, "index_head_dim": 8}  # fmt: skip
    config = transformers.DeepseekV32Config(**_COMMON, num_key_value_heads=4, **more)
    model = transformers.AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    randomise(model, 5)
    expected = model(torch.tensor([IDS])).logits[0]
    close(gptviz.wrap(model, tokenizer()).trace(IDS).logits, expected)
