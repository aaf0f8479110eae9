"""A model that is changed after `wrap` is noticed at the next pass; what does not change its parts is not."""

import copy
import tempfile

import numpy as np
import pytest
import torch
import transformers
from close import assert_close
from families import _WIDE, IDS, build, tokenizer
from torch import nn

import gptviz
from gptviz.errors import ModelChanged
from gptviz.lens.sweep import ablation_sweep

changed = pytest.raises(ModelChanged, match="The model has changed: wrap it again")


class Adapter(nn.Module):
    """A low-rank adapter around a linear module from 24 numbers to 40."""

    def __init__(self, base):
        super().__init__()
        self.base, self.down, self.up = base, nn.Linear(24, 3, bias=False), nn.Linear(3, 40, bias=False)

    def forward(self, x):
        return self.base(x) + self.up(self.down(x))


def replace_projection(model):
    model.model.layers[0].self_attn.o_proj = nn.Linear(40, 24).requires_grad_(False)


def replace_norm(model):
    model.model.norm = copy.deepcopy(model.model.norm)
    model.model.norm.weight.data *= 2


def replace_head(model):
    model.lm_head = nn.Linear(24, 269).requires_grad_(False)


def replace_activation(model):
    model.model.layers[1].mlp.act_fn = nn.ReLU()


def adapt(model):
    model.model.layers[2].self_attn.q_proj = Adapter(model.model.layers[2].self_attn.q_proj)


def share_a_block(model):
    model.model.layers[2] = model.model.layers[1]


def append_a_block(model):
    model.model.layers.append(copy.deepcopy(model.model.layers[1]))
    model.config.num_hidden_layers = 4


def cut_layers(model):
    model.model.layers = model.model.layers[:2]
    model.config.num_hidden_layers = 2


def delete_a_layer(model):
    del model.model.layers[1]


def lower_the_number_of_layers(model):
    model.config.num_hidden_layers = 2


def see_the_future(model):
    model.config.is_causal = False


def shrink_a_projection(model):
    mlp = model.model.layers[1].mlp
    for name in ("gate_proj", "up_proj", "down_proj"):
        weight = getattr(mlp, name).weight
        getattr(mlp, name).weight = nn.Parameter(weight[:, :40] if name == "down_proj" else weight[:40])
    mlp.gate_proj.bias = nn.Parameter(mlp.gate_proj.bias[:40])
    mlp.up_proj.bias = nn.Parameter(mlp.up_proj.bias[:40])


def resize(size):
    return lambda model: model.resize_token_embeddings(size, mean_resizing=False)


CHANGES = [
    replace_projection, replace_norm, replace_head, replace_activation, adapt, share_a_block, append_a_block, cut_layers,
    delete_a_layer, lower_the_number_of_layers, see_the_future, shrink_a_projection, resize(264), resize(301),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_refused_until_it_is_wrapped_again(change):
    model = build("llama")
    gpt = gptviz.wrap(model, tokenizer())
    before, editing = gpt.trace(IDS), gpt.editing([gptviz.ablate_head(0, 1)], len(IDS))
    logits, embedding = before.logits.copy(), before.embedding()
    change(model)
    with changed:
        gpt.trace(IDS)
    with changed:
        gpt.complete(IDS, max_tokens=1, edits=[gptviz.ablate_mlp(1)])
    with changed, gpt.running(), editing.acting():
        pass
    with changed:
        before.mlp_out(1)  # computed with the modules that are there now
    with changed:
        ablation_sweep(before, lambda logits: float(logits[5]))
    np.testing.assert_array_equal(before.logits, logits)  # what the trace holds stays
    np.testing.assert_array_equal(before.embedding(), embedding)
    if change not in (see_the_future, share_a_block):  # such models cannot be wrapped
        ids = torch.tensor([IDS])
        again = gptviz.wrap(model, tokenizer()).trace(IDS)
        assert_close(again.logits, model(ids, use_cache=False).logits[0].detach(), scale=again.residual(again.n_layers))


@pytest.mark.parametrize("name", ["gpt2", "bloom", "gpt_neo"])
def test_a_lowered_number_of_layers_is_noticed_before_a_cache_is_too_small(name):
    model = build(name)
    gpt = gptviz.wrap(model, tokenizer())
    done = gpt.complete(IDS, max_tokens=2, seed=1)
    lower_the_number_of_layers(model)
    with changed:
        gpt.complete(IDS, max_tokens=2, seed=1)
    with changed:
        gpt.next_token(done, 1)


@pytest.mark.parametrize("name", ["llama", "gpt2", "opt", "gpt_neox", "bloom", "falcon"])
def test_a_config_that_names_fewer_layers_does_not_end_a_completion(name):
    model = build(name)
    model.config.num_hidden_layers = 2
    gpt = gptviz.wrap(model, tokenizer())
    ids = list(IDS)
    for id in gpt.complete(IDS, max_tokens=3, temperature=0).choices[0].token_ids:
        assert id == int(model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax())
        ids.append(id)
    assert len(ids) == len(IDS) + 3


def look_ahead(model):
    for layer in model.model.layers:
        layer.self_attn.is_causal = False


def patch_a_forward(model):
    norm = model.model.layers[1].input_layernorm
    norm.forward = lambda x: 2 * x


@pytest.mark.parametrize("change", [look_ahead, patch_a_forward])
def test_what_decides_in_a_module_how_it_computes_is_compared(change):
    model = build("llama")
    gpt = gptviz.wrap(model, tokenizer())
    done = gpt.complete(IDS, max_tokens=2, seed=1)
    change(model)
    for question in (lambda: gpt.trace(IDS), lambda: gpt.complete(IDS, max_tokens=2), lambda: gpt.next_token(done, 1)):
        with changed:
            question()


@pytest.mark.parametrize("setting", ["final_logit_softcapping", "attn_logit_softcapping"])
def test_a_soft_cap_that_is_taken_away_is_noticed(setting):
    model = build("gemma2")
    gpt = gptviz.wrap(model, tokenizer())
    setattr(model.config, setting, None)
    with pytest.raises(ModelChanged, match=setting):
        gpt.trace(IDS)


def test_another_config_is_noticed():
    model = build("gemma2")
    gpt = gptviz.wrap(model, tokenizer())
    model.config = copy.deepcopy(model.config)
    with changed:
        gpt.trace(IDS)


def test_a_setting_inside_another_is_noticed():
    model = build("llama")
    gpt = gptviz.wrap(model, tokenizer())
    model.config.rope_parameters["rope_theta"] = 77.0
    with pytest.raises(ModelChanged, match="rope_parameters"):
        gpt.trace(IDS)


def test_a_resized_vocabulary_is_noticed_before_ids_are_checked():
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**(_WIDE | {"vocab_size": 264}))).eval()
    words = tokenizer()
    gpt = gptviz.wrap(model, words)
    words.add_tokens(["new"])
    model.resize_token_embeddings(265, mean_resizing=False)
    for call in (lambda: gpt.encode("new"), lambda: gpt.complete("new", max_tokens=1), lambda: gpt.trace([264, 3])):
        with changed:
            call()
    again = gptviz.wrap(model, words)
    assert [token.id for token in again.trace("new").tokens] == [264]
    model.resize_token_embeddings(260, mean_resizing=False)
    with changed:  # an id that the table no longer has
        again.complete([262, 3], max_tokens=1)


def unused_settings(model):
    model.config.pad_token_id, model.config.eos_token_id, model.config.use_cache = 3, 5, False
    model.config.output_hidden_states = True
    model.config.id2label = {0: "no"}


def write_weights(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.9)


def replace_weights(model):
    for module in model.modules():
        if isinstance(getattr(module, "weight", None), nn.Parameter):
            module.weight = nn.Parameter(module.weight * 0.9, requires_grad=False)


def train(model):
    model.train().requires_grad_(True)


def save(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)


def other_attention(model):
    model.set_attn_implementation("eager")


@pytest.mark.parametrize("change", [unused_settings, write_weights, replace_weights, train, save, other_attention])
def test_what_leaves_the_parts_as_they_are_is_no_change(change):
    model = build("llama")
    gpt = gptviz.wrap(model, tokenizer())
    change(model)
    trace = gpt.trace(IDS)
    assert_close(trace.logits, model.eval()(torch.tensor([IDS])).logits[0].detach(), scale=trace.residual(3))
    assert_close(trace.logit_lens()[-1], trace.logits[-1], scale=trace.residual(3))
