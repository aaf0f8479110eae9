"""A pass leaves the model as it was, and a trace keeps its numbers or refuses: changed weights, half precision, threads."""

import threading

import numpy as np
import pytest
import torch
from close import assert_float32_close, assert_float32_softmax_close
from families import ALL, IDS, build, tokenizer
from family_truth import HEADS, LAYERS, T, is_refused, scores_of, stream_of, truth_of
from model_state import assert_same, mixed_mode, state

import gptviz
from gptviz.errors import ModelChanged

every = pytest.mark.parametrize("name", ALL)
few = pytest.mark.parametrize("name", ["gpt2", "mistral", "gemma2", "gpt_oss", "bloom"])


def look_at_everything(trace):
    """Asks for each quantity once; those that do not exist are refused."""
    for layer in range(LAYERS):
        for call in (trace.q, trace.k, trace.v, trace.residual, trace.attn_out, trace.mlp_out, trace.mlp_activations):
            is_refused(lambda call=call, layer=layer: call(layer))
        is_refused(lambda layer=layer: [trace.score_stages(layer, head) for head in range(HEADS)])
        is_refused(lambda layer=layer: [trace.head_output(layer, head) for head in range(HEADS)])
    for kind in ("sum", "token", "position"):
        is_refused(lambda kind=kind: trace.embedding(kind))
    is_refused(lambda: trace.logit_lens(2))
    trace.attention()
    trace.probabilities()
    trace.top(3)
    trace.residual(LAYERS)
    assert trace.nbytes > 0


# The model is left as it was


@every
def test_model_is_left_as_found(name):
    truth_of(name)  # before the state is noted: building a model sets modules that openai_gpt models share
    model = mixed_mode(build(name))
    before = state(model)
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert_same(before, state(model))
    assert_float32_close(
        trace.logits, truth_of(name).logits, scale=stream_of(name)
    )  # traced in evaluation mode all the same
    look_at_everything(trace)
    assert_same(before, state(model))


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("output", ["output_attentions", "output_hidden_states"])
def test_no_hook_stays_of_a_config_that_asks_for_more_outputs(name, output):
    """transformers installs hooks for good in the first pass that returns such outputs."""
    model = build(name, attn_implementation="eager")
    setattr(model.config, output, True)
    before = state(model)
    gpt = gptviz.wrap(model, tokenizer())
    assert_same(before, state(model))
    gpt.trace(IDS, edits=[gptviz.ablate_head(1, 2)])
    gpt.complete(IDS, max_tokens=2, seed=0)
    assert_same(before, state(model))
    model(torch.tensor([IDS]))  # now the user's own pass installs them
    own = state(model)
    assert own["hooks"] != before["hooks"]
    gpt.trace(IDS)
    assert_same(own, state(model))


@every
def test_model_is_left_as_found_when_the_pass_raises(name):
    truth_of(name)
    model = mixed_mode(build(name))
    gpt = gptviz.wrap(model, tokenizer())

    def stop(module, args, output):
        raise RuntimeError("stopped in the middle")

    handle = model.get_submodule(ALL[name].blocks)[1].register_forward_hook(stop)
    before = state(model)
    with pytest.raises(RuntimeError, match="stopped in the middle"):
        gpt.trace(IDS)
    assert_same(before, state(model))
    handle.remove()
    assert_float32_close(gpt.trace(IDS).logits, truth_of(name).logits, scale=stream_of(name))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_a_pass_runs_the_attention_implementation_that_the_model_has(name, implementation):
    model = build(name, attn_implementation=implementation)
    expected = model(torch.tensor([IDS])).logits[0]
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert_float32_close(trace.logits, expected, factor=8)
    assert_float32_softmax_close(trace.attention(), truth_of(name).maps, scores_of(name))
    assert model.config._attn_implementation == implementation


@every
def test_a_trace_runs_the_model_once(name):
    model = build(name)
    gpt = gptviz.wrap(model, tokenizer())
    calls = []
    for index, block in enumerate(model.get_submodule(ALL[name].blocks)):
        block.register_forward_hook(lambda m, args, out, index=index: calls.append(index))
    trace = gpt.trace(IDS)
    assert calls == [0, 1, 2]
    look_at_everything(trace)
    assert calls == [0, 1, 2]


# Weights that change, other precisions, other threads


def changed_model(name, change):
    """Returns a model whose weights were changed, and a trace from before the change."""
    model = build(name)
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    block = model.get_submodule(ALL[name].blocks)[1]
    change(model, block)
    return model, trace


def write_into_a_weight(model, block):
    with torch.no_grad():
        next(block.parameters()).mul_(1.5)


def replace_a_weight(model, block):
    module = next(m for m in block.modules() if isinstance(getattr(m, "weight", None), torch.nn.Parameter))
    module.weight = torch.nn.Parameter(module.weight * 1.5)


def load_weights(model, block):
    model.load_state_dict({key: value * 1.5 for key, value in model.state_dict().items()})


@few
@pytest.mark.parametrize("change", [write_into_a_weight, replace_a_weight, load_weights])
def test_a_trace_whose_model_has_changed_refuses_what_it_would_recompute(name, change):
    model, trace = changed_model(name, change)
    with pytest.raises(ModelChanged, match="the model has changed since: trace again"):
        trace.mlp_activations(1) if ALL[name].down else trace.logit_lens()
    assert_float32_close(trace.logits, truth_of(name).logits, scale=stream_of(name))  # numbers that it holds stay
    second = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert abs(second.logits - trace.logits).max() > 1e-3
    look_at_everything(second)


@few
def test_later_passes_do_not_change_a_traces_numbers(name):
    gpt = gptviz.wrap(build(name), tokenizer())
    trace = gpt.trace(IDS)
    before = trace.attention(), trace.logits.copy(), trace.residual(1).copy()
    for ids in (IDS[::-1], IDS[:5], [31] * 9):
        gpt.trace(ids).attention()
    for old, new in zip(before, (trace.attention(), trace.logits, trace.residual(1)), strict=True):
        np.testing.assert_array_equal(old, new)
    assert_float32_softmax_close(trace.attention(), truth_of(name).maps, scores_of(name))


@few
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(name, dtype):
    """Held arguments are the model's own, rounded; what is computed from them is computed in float32."""
    model = build(name, dtype=dtype)
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0].float()
        eager_copy = build(name, dtype=dtype, attn_implementation="eager")
        maps = torch.cat(eager_copy(torch.tensor([IDS]), output_attentions=True).attentions).float()
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    np.testing.assert_array_equal(trace.logits, logits)
    assert_float32_close(trace.attention(), maps, scale=scores_of(name), factor=2, dtype=dtype)
    if ALL[name].route == "interface" and not ALL[name].traits - {"window"}:
        for layer in range(LAYERS):
            key = np.repeat(trace.k(layer), HEADS // ALL[name].kv_heads, axis=0).astype(np.float64)
            scaled = trace.q(layer) @ key.transpose(0, 2, 1) / np.sqrt(ALL[name].d_head)
            allowed = np.tri(T, dtype=bool)
            if "window" in ALL[name].traits:
                allowed &= ~np.tri(T, k=-4, dtype=bool)
            weights = np.exp(np.where(allowed, scaled, -np.inf))
            assert_float32_softmax_close(trace.attention(layer), weights / weights.sum(-1, keepdims=True), scaled)
    look_at_everything(trace)


@pytest.mark.parametrize("name", ["gpt2", "mistral"])
def test_two_wraps_of_one_model(name):
    model = build(name)
    one, two = gptviz.wrap(model, tokenizer()), gptviz.wrap(model, tokenizer(start=True))
    first_trace, second = one.trace(IDS), two.trace(IDS[:7])
    assert_float32_softmax_close(first_trace.attention(), truth_of(name).maps, scores_of(name))
    prefix = truth_of(name).maps[:, :, :7, :7]  # causality: a prefix has a prefix of the maps
    assert_float32_softmax_close(second.attention(), prefix, scores_of(name))
    assert model.config._attn_implementation == build(name).config._attn_implementation


@few
def test_threads_that_trace_one_model_do_not_disturb_each_other(name):
    model = build(name)
    wraps = [gptviz.wrap(model, tokenizer()), gptviz.wrap(model, tokenizer())]
    prompts = [IDS, IDS[::-1][:8], [31, 4] * 7]
    alone = [gptviz.wrap(build(name), tokenizer()).trace(prompt) for prompt in prompts]
    expected = [(t.attention(), t.logits, t.attn_out(1) if ALL[name].sums else t.residual(2)) for t in alone]
    together, problems = threading.Barrier(3), []

    def work(which):
        try:
            together.wait()
            for _ in range(8):
                t = wraps[which % 2].trace(prompts[which])
                numbers = t.attention(), t.logits, t.attn_out(1) if ALL[name].sums else t.residual(2)
                for a, b in zip(numbers, expected[which], strict=True):
                    np.testing.assert_array_equal(a, b)
        except BaseException as error:
            problems.append(error)

    before = state(model)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[0]
    assert_same(before, state(model))
