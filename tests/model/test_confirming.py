"""What does not agree with the numbers of a pass is refused, whatever changed it, and nothing else is.

The truth is what a user's own attention function or hook computed, and sums over one pass.
"""

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from changed_layers import Adapted, assert_heads_sum_up, assert_shares_sum_up
from close import assert_close, assert_softmax_close
from families import _GROUPED, ALL, IDS, build, tokenizer
from family_truth import is_refused, trace_of
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

import gptviz
from gptviz import lens
from gptviz.errors import GPTVizError, ModelChanged, NotAvailable
from gptviz.model.confirming import ROUNDINGS, Confirmations, agree, is_causal_map

LAYERS = 3


def wrap(model):
    return gptviz.wrap(model, tokenizer())


def parts_of(trace):
    """Returns the embedding and what each part of each block added, which sum to the last stream."""
    added = [call(layer) for layer in range(LAYERS) for call in (trace.attn_out, trace.mlp_out)]
    return [trace.embedding(), *added]


def assert_stream_sums_up(trace):
    parts = parts_of(trace)
    assert_close(np.sum(parts, axis=0), trace.residual(LAYERS), scale=parts)


# The comparisons


def test_agreement_is_a_bound_for_each_token():
    """A large number at one token, as at the first token of many models, does not excuse an error at another."""
    a = torch.tensor([[1e6, 2.0], [1.0, 2.0]])
    epsilon = torch.finfo(torch.float32).eps
    near, far = a.clone(), a.clone()
    near[1, 0] += 2 * ROUNDINGS * epsilon * 0.9
    far[1, 0] += 2 * ROUNDINGS * epsilon * 1.5
    assert agree(near, a)
    assert not agree(far, a)
    assert agree(far, a, torch.tensor([[0.0], [4.0]]))  # a larger number went in
    assert agree(far, a, exponent=1.0)
    assert agree(far.bfloat16(), a)
    assert not agree(a[:, :1], a)
    assert agree(far[None], a[None], torch.tensor([[0.0], [4.0]]))  # rows are rows, whatever the rank
    assert not agree(far[1:], a[1:], torch.ones(7, 3))
    assert agree(far[1:], a[1:], torch.full((7, 3), 4.0))


def test_agreement_of_numbers_that_are_not_finite():
    a = torch.tensor([[float("nan"), 1.0], [float("inf"), 1.0]])
    assert agree(a.clone(), a)
    assert not agree(torch.zeros(2, 2), a)
    assert not agree(-a, a)


def test_a_causal_map_sums_to_at_most_one_and_sees_no_later_token():
    weights = torch.tensor([[[1.0, 0, 0], [0.25, 0.75, 0], [0.25, 0.25, 0.5]]])
    sink = 0.5 * weights
    future, too_much = weights.clone(), 1.001 * weights
    future[0, 0] = torch.tensor([0.9, 0.1, 0])
    assert is_causal_map(weights, 3) and is_causal_map(sink, 3) and is_causal_map(weights.bfloat16(), 3)
    for other in (future, too_much, weights[:, 1:], weights.transpose(1, 2), weights[0]):
        assert not is_causal_map(other, 3)


def test_a_check_is_made_once_and_again_when_a_setting_changes():
    checks, module = [], Adapted(torch.nn.Linear(2, 2))
    confirmations = Confirmations()

    def result():
        return confirmations.result("a", [module], lambda: checks.append(1) or len(checks))

    assert [result(), result()] == [1, 1]
    module.on = False
    assert [result(), result()] == [2, 2]
    module.eval()
    assert result() == 2  # passes run in evaluation mode anyway
    module.A.register_forward_hook(lambda *_: None)
    assert [result(), result()] == [3, 4]  # a hook may do something else each time


# Attention functions of the user's own


@pytest.fixture
def ran():
    """Registers attention functions of the user's own; returns the maps that they computed, by layer."""
    maps = {}

    def scores(query, key, scaling):
        return query @ key.repeat_interleave(query.shape[1] // key.shape[1], 1).transpose(2, 3) * scaling

    def half(module, query, key, value, attention_mask, **keywords):
        closed = torch.full((query.shape[2],) * 2, -torch.inf).triu(1)
        maps[module.layer_idx] = (scores(query * 0.5, key, keywords["scaling"]) + closed).softmax(-1)[0].numpy()
        return sdpa_attention_forward(module, query * 0.5, key, value, attention_mask, **keywords)

    def same(module, query, key, value, attention_mask, **keywords):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **keywords)

    def twice(module, query, key, value, attention_mask, **keywords):
        return 2 * sdpa_attention_forward(module, query, key, value, attention_mask, **keywords)[0], None

    for function in (half, same, twice):
        AttentionInterface.register(f"test_{function.__name__}", function)
        AttentionMaskInterface.register(f"test_{function.__name__}", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    return maps


@pytest.mark.parametrize("name", ["llama", "gpt_oss", "opt_post_norm"])
@pytest.mark.parametrize("function", ["test_half", "test_twice"])
def test_another_attention_function_s_maps_and_heads_are_refused(ran, name, function):
    model = build(name)
    model.set_attn_implementation(function)
    trace = wrap(model).trace(IDS)
    for call in (trace.attention, trace.score_stages, trace.head_mix, trace.head_output):
        with pytest.raises(NotAvailable) as error:
            call(0, 1)
        assert call == trace.head_output or f'attention function "{function}"' in str(error.value)
    if name == "llama":
        assert [share.part for share in lens.attribution(trace, 5)].count("attention") == LAYERS
        assert_shares_sum_up(trace)
        assert_stream_sums_up(trace)


def test_an_attention_function_of_the_user_s_own_that_computes_the_same_is_shown(ran):
    model = build("llama")
    model.set_attn_implementation("test_same")
    trace = wrap(model).trace(IDS)
    assert_softmax_close(trace.attention(), trace_of("llama").attention(), trace.scores(0, 0))
    assert_heads_sum_up(trace, 1)


def test_an_attention_function_without_a_mask_is_refused():
    def unmasked(module, query, key, value, attention_mask, scaling=None, **keywords):
        weights = (query @ key.repeat_interleave(2, 1).transpose(2, 3) * scaling).softmax(-1)
        return (weights @ value.repeat_interleave(2, 1)).transpose(1, 2).contiguous(), weights

    AttentionInterface.register("test_unmasked", unmasked)
    model = build("llama")
    model.set_attn_implementation("test_unmasked")
    with pytest.raises(GPTVizError):
        wrap(model).trace(IDS).attention(0)


# One module in two places


def test_a_module_in_two_places_is_refused_and_its_copy_is_not():
    model = build("llama")
    model.model.layers[2] = model.model.layers[1]
    with pytest.raises(NotAvailable, match=r"used at several places.*copy\.deepcopy"):
        wrap(model)
    model.model.layers[2] = copy.deepcopy(model.model.layers[1])
    model.model.layers[2].self_attn.layer_idx = 2
    trace = wrap(model).trace(IDS)
    assert_stream_sums_up(trace)
    assert abs(trace.attention(1) - trace.attention(2)).max() > 0.1


def test_attention_that_is_the_difference_of_two_maps_is_refused():
    model = transformers.DiffLlamaForCausalLM(transformers.DiffLlamaConfig(**_GROUPED)).eval()
    with pytest.raises(NotAvailable, match=r"one attention map a head. Got .*DiffLlamaAttention computes 2"):
        wrap(model)


def test_a_model_with_a_shared_attention_is_refused():
    model = build("llama")
    model.model.layers[2].self_attn = model.model.layers[1].self_attn
    with pytest.raises(NotAvailable, match="used at several places"):
        wrap(model)


def test_blocks_with_a_shared_mlp_are_refused_and_another_block_is_exact():
    model = build("llama")
    model.model.layers[2].mlp = model.model.layers[1].mlp
    trace = wrap(model).trace(IDS)
    parts = [trace.residual(0), trace.attn_out(0), trace.mlp_out(0)]
    assert_close(np.sum(parts, axis=0), trace.residual(1), scale=parts)
    for layer in (1, 2):
        assert is_refused(lambda layer=layer: trace.attn_out(layer))
        assert is_refused(lambda layer=layer: trace.mlp_out(layer))


# Parts that are switched after the pass


def switchable(*paths):
    model = build("llama")
    adapters = []
    for layer in model.model.layers:
        for path in paths:
            parent, _, child = path.rpartition(".")
            adapters.append(Adapted(getattr(layer.get_submodule(parent), child)))
            setattr(layer.get_submodule(parent), child, adapters[-1])
    return model.requires_grad_(False), adapters


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_part_that_is_switched_after_the_pass_is_noticed(asked_before):
    model, adapters = switchable("mlp.gate_proj", "mlp.down_proj", "self_attn.o_proj")
    gpt = wrap(model)
    trace = gpt.trace(IDS)
    view = gptviz.InterventionView(trace) if asked_before else None
    questions = [
        lambda: trace.mlp_out(1), lambda: trace.neurons(1), lambda: trace.mlp_activations(1), lambda: trace.head_output(1, 0),
        lambda: lens.attribution(trace, 5),
    ]  # fmt: skip
    if asked_before:
        assert_shares_sum_up(trace, neurons=True)
        assert_stream_sums_up(trace)
        view._answer_outcome([{"kind": "ablate_head", "layer": 0, "head": 0}])
    for adapter in adapters:
        adapter.on = False
    for question in questions:
        with pytest.raises(GPTVizError):
            question()
    with pytest.raises(GPTVizError):
        (view or gptviz.InterventionView(trace))._answer_outcome([{"kind": "ablate_head", "layer": 0, "head": 1}])
    with pytest.raises(ModelChanged, match=r"[Tt]race again"):
        lens.ablation_sweep(trace, lens.probability_of(5))
    for adapter in adapters:
        adapter.on = True
    assert_shares_sum_up(trace)
    assert_stream_sums_up(trace)


class Scaled(torch.nn.Module):
    """A linear module with a factor that is no weight."""

    def __init__(self, plain, factor):
        super().__init__()
        self.weight, self.bias = plain.weight, plain.bias
        if isinstance(factor, torch.nn.Buffer):
            self.register_buffer("factor", factor)
        else:
            self.factor = factor

    def forward(self, x):
        factor = self.factor
        factor = factor[0] if isinstance(factor, list | np.ndarray) else getattr(factor, "value", factor)
        return torch.nn.functional.linear(x, self.weight * (factor() if callable(factor) else factor), self.bias)


def _write(module):
    module.factor.fill_(2.0)


def _replace(module):
    module.factor = torch.nn.Buffer(torch.full((), 2.0)) if "factor" in module._buffers else torch.full((), 2.0)


def _set_value(module):
    module.factor.value = 2.0


def _set_first(module):
    module.factor[0] = 2.0


def _captured():
    values = [1.0]

    def factor():
        return values[0]

    factor.values = values
    return factor


def _set_captured(module):
    module.factor.values[0] = 2.0


FACTORS = {
    "buffer": (lambda: torch.nn.Buffer(torch.ones(())), _write),
    "replaced buffer": (lambda: torch.nn.Buffer(torch.ones(())), _replace),
    "tensor": (lambda: torch.ones(()), _write),
    "replaced tensor": (lambda: torch.ones(()), _replace),
    "object": (lambda: SimpleNamespace(value=1.0), _set_value),
    "object with a tensor": (
        lambda: SimpleNamespace(value=torch.ones(())),
        lambda module: module.factor.value.fill_(2.0),
    ),
    "list": (lambda: [1.0], _set_first),
    "array": (lambda: np.ones(1, np.float32), _set_first),
    "function": (_captured, _set_captured),
}


@pytest.mark.parametrize("kind", FACTORS)
@pytest.mark.parametrize("path", ["mlp.gate_proj", "mlp.down_proj", "self_attn.o_proj"])
def test_a_changed_factor_that_is_no_weight_is_noticed_after_a_first_question(path, kind):
    model, (make, change) = build("llama"), FACTORS[kind]
    parent, _, child = path.rpartition(".")
    scaled = []
    for layer in model.model.layers:
        scaled.append(Scaled(getattr(layer.get_submodule(parent), child), make()))
        setattr(layer.get_submodule(parent), child, scaled[-1])
    trace = wrap(model.requires_grad_(False)).trace(IDS)
    assert_stream_sums_up(trace)
    assert_heads_sum_up(trace, 1)
    trace.neurons(1)
    for module in scaled:
        change(module)
    questions = [lambda: trace.head_output(1, 0)]
    if parent == "mlp":
        questions = [lambda: trace.mlp_out(1), lambda: trace.mlp_activations(1), lambda: trace.neurons(1)]
    for question in questions:
        with pytest.raises(NotAvailable):
            question()


# Hooks of the user's own


HOOKS = {
    "block": ("model.layers.1", lambda x: x + 1.0),
    "attention": ("model.layers.1.self_attn", lambda x: 2 * x),
    "mlp": ("model.layers.1.mlp", lambda x: x + torch.randn_like(x)),
    "down projection": ("model.layers.1.mlp.down_proj", lambda x: 2 * x),
    "output projection": ("model.layers.1.self_attn.o_proj", lambda x: x + 1.0),
    "norm": ("model.norm", lambda x: 3 * x),
    "head": ("lm_head", lambda x: x + 1.0),
}  # fmt: skip


def hook_on(model, where):
    path, change = HOOKS[where]

    def hook(_module, _args, out):
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    return model.get_submodule(path).register_forward_hook(hook)


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("where", HOOKS)
def test_a_hook_s_change_is_in_the_sums_or_the_sums_are_refused(where, removed):
    model = build("llama")
    gpt = wrap(model)
    handle = hook_on(model, where)
    trace = gpt.trace(IDS)
    if removed:
        handle.remove()
    if not is_refused(lambda: parts_of(trace)):
        assert_stream_sums_up(trace)
    for layer in range(LAYERS):
        if not is_refused(lambda layer=layer: (trace.head_output(layer, 0), trace.attn_out(layer))):
            assert_heads_sum_up(trace, layer)
        if not is_refused(lambda layer=layer: trace.neurons(layer)):
            neurons = trace.neurons(layer)
            assert_close(neurons.sum(0) + trace.mlp_bias(layer), trace.mlp_out(layer)[-1], scale=neurons)
    if not is_refused(lambda: lens.attribution(trace, 5)):
        assert_shares_sum_up(trace)
        assert_shares_sum_up(trace, neurons=True)
    if not is_refused(lambda: trace.logit_lens(4)):
        assert_close(trace.logit_lens(4)[-1], trace.logits[4], scale=trace.residual(LAYERS))


def test_what_a_hook_leaves_as_it_was_is_still_shown():
    model = build("llama")
    gpt = wrap(model)
    for where in ("attention", "mlp"):
        hook_on(model, where)
    trace = gpt.trace(IDS)
    assert_stream_sums_up(trace)  # of the pass's own random numbers
    assert_shares_sum_up(trace)
    assert is_refused(lambda: trace.head_output(1, 0))
    assert is_refused(lambda: trace.mlp_activations(1))
    assert_close(trace.attention(1).sum(-1), np.ones(trace.attention(1).shape[:-1]))
    assert_heads_sum_up(trace, 0)


# Autocast


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2"])
@pytest.mark.parametrize("asked_inside", [False, True])
def test_questions_are_answered_in_the_autocast_of_the_pass(name, asked_inside):
    gpt = wrap(build(name))
    autocast = torch.autocast("cpu", torch.bfloat16)
    with autocast:
        trace, inside = gpt.trace(IDS), gpt.model(torch.tensor([IDS])).logits[0].float()
        mlp_out = trace.mlp_out(1) if asked_inside else None
    np.testing.assert_array_equal(trace.logits, inside.detach())
    parts = parts_of(trace)
    assert_close(np.sum(parts, axis=0), trace.residual(LAYERS), scale=parts)
    assert_close(trace.logit_lens()[-1], trace.logits[-1], scale=trace.residual(LAYERS), dtype=torch.bfloat16)
    if mlp_out is not None:
        np.testing.assert_array_equal(trace.mlp_out(1), mlp_out)
    with autocast if not asked_inside else nullcontext():
        heads = [trace.head_output(1, head) for head in range(4)]
    assert_close(sum(heads) + trace.head_bias(1), trace.attn_out(1), scale=heads, dtype=torch.bfloat16)
    trace.check_repeats()


# Compiled models


def compiled_in_place(model):
    model.compile(backend="eager")


def compiled_and_run(model):
    model.compile(backend="eager")
    model(torch.tensor([IDS]), use_cache=False)


def compiled_forward(model):
    model.forward = torch.compile(model.forward, backend="eager")


@pytest.mark.parametrize("compile_model", [compiled_in_place, compiled_and_run, compiled_forward])
def test_a_compiled_model_is_read_as_it_was_written(compile_model):
    model = build("llama")
    compile_model(model)
    before = dict(vars(model))
    gpt = wrap(model)
    trace, expected = gpt.trace(IDS), trace_of("llama")
    np.testing.assert_array_equal(trace.logits, expected.logits)
    np.testing.assert_array_equal(trace.attention(), expected.attention())
    assert_stream_sums_up(trace)
    assert_heads_sum_up(trace, 1)
    edits = [gptviz.ablate_head(1, 2)]
    np.testing.assert_array_equal(
        gpt.trace(IDS, edits=edits).logits, wrap(build("llama")).trace(IDS, edits=edits).logits
    )
    assert vars(model) == before


# Nothing is refused for rounding


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "options",
    [{"dtype": torch.bfloat16}, {"dtype": torch.float16, "attn_implementation": "eager"}],
    ids=["bfloat16", "float16, eager"],
)
def test_half_precision_is_refused_nothing_that_single_precision_has(name, options):
    trace, single = wrap(build(name, **options)).trace(IDS), trace_of(name)
    questions = {
        "maps": lambda t: t.attention(1), "stages": lambda t: t.score_stages(1, 2), "mix": lambda t: t.head_mix(1, 2),
        "heads": lambda t: t.head_output(1, 2), "attention": lambda t: t.attn_out(1), "mlp": lambda t: t.mlp_out(1),
        "activations": lambda t: t.mlp_activations(1), "neurons": lambda t: t.neurons(1), "lens": lambda t: t.logit_lens(4),
        "readout": lambda t: t.readout(4), "row": lambda t: t.unembedding(5), "token": lambda t: t.embedding("token"),
        "unrotated": lambda t: t.unrotated(), "again": lambda t: t.check_repeats(),
    }  # fmt: skip
    if trace.route != single.route:  # GPT-2 that upcasts attends in its own way, without the interface, if it is eager
        assert name == "gpt2_upcast"
        questions = {
            what: questions[what] for what in ("maps", "attention", "mlp", "neurons", "lens", "readout", "row")
        }
    refused = {what for what, ask in questions.items() if is_refused(lambda ask=ask: ask(trace))}
    assert refused <= {what for what, ask in questions.items() if is_refused(lambda ask=ask: ask(single))}
