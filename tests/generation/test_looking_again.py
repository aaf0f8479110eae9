"""A step that is looked at again has the probability that it was drawn with, or is refused."""

import copy

import pytest
import torch
from close import rounding
from families import IDS, build, tokenizer
from torch import nn
from zoo_models import build as build_of_zoo

import gptviz
from gptviz.errors import ModelChanged, NotAvailable


class HeadOfBuffers(nn.Module):
    """An output head whose weight is no parameter, as in quantised models."""

    def __init__(self, weight):
        super().__init__()
        self.register_buffer("w", weight.data.clone())

    def forward(self, x):
        return x @ self.w.T


def scale_a_buffer(model):
    model.lm_head.w.mul_(1.5)


def slow_rotations(model):
    model.model.rotary_emb.inv_freq.mul_(0.5)


def other_scaling(model):
    for layer in model.model.layers:
        layer.self_attn.scaling = 0.1


def hook_the_head(model):
    model.lm_head.register_forward_hook(lambda _module, _args, out: out * 1.5)


def write_data(model):
    model.model.norm.weight.data.mul_(1.5)


@pytest.mark.parametrize("change", [scale_a_buffer, slow_rotations, other_scaling, hook_the_head, write_data])
def test_a_step_is_refused_when_the_model_gives_it_another_probability(change):
    model = build("llama")
    model.lm_head = HeadOfBuffers(model.lm_head.weight)
    gpt = gptviz.wrap(model, tokenizer())
    done = gpt.complete(IDS, max_tokens=4, temperature=0)
    view = gptviz.GenerationTimeline(done, gpt=gpt)
    for i in range(4):
        gpt.next_token(done, i)
    change(model)
    for question in (lambda: gpt.next_token(done, 2), lambda: view._answer_bench(2)):
        with pytest.raises(ModelChanged, match="as it was drawn"):
            question()


def test_a_step_is_refused_in_another_precision_than_its_own():
    gpt = gptviz.wrap(build("llama"), tokenizer())
    with torch.autocast("cpu", torch.bfloat16):
        done = gpt.complete(IDS, max_tokens=3, temperature=0)
        gpt.next_token(done, 2)
    with pytest.raises(ModelChanged):
        gpt.next_token(done, 2)


def test_a_step_of_a_family_whose_cache_reads_otherwise_is_refused():
    gpt = gptviz.wrap(build_of_zoo("deepseek_v32"), tokenizer())
    gpt.end_ids = frozenset()
    done = gpt.complete(IDS + IDS[:5], max_tokens=4, n=2, temperature=1.3, seed=5)
    are_same = []
    for choice in done.choices:
        for i, step in enumerate(choice.steps):
            try:
                logits = torch.tensor(gpt.next_token(done, i, choice.index).logits)
                share = float(logits.softmax(-1)[step.token.id])
                are_same.append(share == pytest.approx(step.probability, rel=rounding(1.0, logits)))
            except ModelChanged:
                pass
    assert are_same and all(are_same)


# A cache that does not fit the model


def greedy(model, count):
    """Returns the likeliest tokens after IDS, by whole passes."""
    ids = list(IDS)
    for _ in range(count):
        ids.append(int(model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return tuple(ids[len(IDS) :])


BLOCKS = {
    "llama": "model.layers", "gpt2": "transformer.h", "gpt_neox": "gpt_neox.layers", "bloom": "transformer.h",
    "gpt_neo": "transformer.h",
}  # fmt: skip


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("change", ["copy", "leave out"])
def test_blocks_that_were_copied_or_left_out_are_read_without_their_cache(name, change):
    model = build(name)
    blocks = model.get_submodule(BLOCKS[name])
    if change == "copy":
        blocks[2] = copy.deepcopy(blocks[1])
    else:
        del blocks[1]
        model.config.num_hidden_layers = 2
    gpt = gptviz.wrap(model, tokenizer())
    gpt.end_ids = frozenset()
    done = gpt.complete(IDS, max_tokens=4, temperature=0)
    assert done.choices[0].token_ids == greedy(model, 4)
    gpt.next_token(done, 3)


def test_a_number_of_a_place_that_is_set_after_wrapping_is_noticed():
    model = build("llama")
    gpt = gptviz.wrap(model, tokenizer())
    for number in (1, None):
        model.model.layers[2].self_attn.layer_idx = number
        assert gpt.complete(IDS, max_tokens=3, temperature=0).choices[0].token_ids == greedy(model, 3)


def test_a_cache_with_too_few_kinds_of_layers_is_left():
    model = build_of_zoo("zamba2")
    config = model.config.get_text_config()
    config.layers_block_type = config.layers_block_type[:-1]
    gpt = gptviz.wrap(model, tokenizer())
    gpt.end_ids = frozenset()
    assert gpt.complete(IDS, max_tokens=3, temperature=0).choices[0].token_ids == greedy(model, 3)


def test_a_cache_that_keeps_rows_that_ended_is_left():
    gpt = gptviz.wrap(build_of_zoo("falcon_h1"), tokenizer())
    gpt.end_ids = range(40)
    done = gpt.complete(IDS + IDS[:5], max_tokens=8, n=4, temperature=1.3, seed=3)
    lengths = {len(choice.steps) for choice in done.choices}
    assert len(lengths) > 1
    for choice in done.choices:
        for i in range(len(choice.steps)):
            gpt.next_token(done, i, choice.index)


# Rows of the token table


def test_ids_that_only_the_output_head_has_are_refused_in_words():
    model = build("llama")
    torch.manual_seed(0)
    model.lm_head = nn.Linear(24, 300).requires_grad_(False)
    gpt = gptviz.wrap(model, tokenizer())
    with pytest.raises(NotAvailable, match="269 rows of the token table"):
        gpt.trace([280, 3])
    with pytest.raises(NotAvailable, match="only the output head has"):
        [gpt.complete(IDS, max_tokens=8, seed=seed) for seed in range(8)]
