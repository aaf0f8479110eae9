"""Lesson 00, played in this process with the embedded model: what it says of cuts, against transformers with own hooks."""

import families
import numpy as np
import pytest
import torch
from close import rounding
from played import check_an_empty_prompt, check_wrong_guesses, run_cell
from small_models import strong_gpt2

import gptviz
from gptviz._paths import assets_dir
from gptviz.lessons import chip

LESSONS = ("00_start_here",)


@pytest.fixture(scope="module")
def model():
    return str(assets_dir() / "tales")


@torch.no_grad()
def probability(reference, trace, id, layer):
    """Returns a next token's probability in a pass in which attention adds nothing to the last token in one layer."""

    def cut(_module, _inputs, out):
        out[0][:, -1] = 0

    handle = reference.transformer.h[layer].attn.register_forward_hook(cut)
    try:
        logits = reference(torch.tensor([[token.id for token in trace.tokens]])).logits[0, -1]
    finally:
        handle.remove()
    return float(logits.double().softmax(-1)[id])


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_wrong_guesses(lesson)


def test_the_block_whose_cut_hurts_most_and_the_widest_are_those_of_real_passes(lesson, reference):
    """In `tales` share and effect disagree, and neither explanation says the other question's answer."""
    story, leader = lesson.names["story"], lesson.names["leader"]
    left = np.array([probability(reference, story, leader.id, layer) for layer in range(story.n_layers)[-4:]])
    first = story.n_layers - 4
    strongest, question = first + int(left.argmin()), lesson.question("Which cut lowers")
    assert question.reveal() == f"block {strongest}"
    shares = {block: share for block, (share, _) in lesson.names["last_blocks"]().items()}
    widest, check = max(shares, key=shares.get), lesson.question("largest share of attention")
    assert check.reveal() == pytest.approx(100 * left[widest - first], rel=rounding(story.logits))
    assert strongest != widest and left[widest - first] > 0.9 > 0.5 > left[strongest - first]
    for asked, block in ((question, strongest), (check, widest)):
        numbers = f"share is {shares[block]:.1%}. Its cut leaves {chip(leader)} {left[block - first]:.1%}."
        assert f"Block {block}: attention's {numbers}" in asked._state["explain"]
        assert f"Block {widest + strongest - block}:" not in asked._state["explain"]


@pytest.mark.parametrize("layers", [1, 2])
def test_a_model_of_few_layers_has_as_many_blocks_to_choose_from(lesson, layers):
    names = dict(
        lesson.names,
        story=gptviz.wrap(strong_gpt2(n_layer=layers, vocab_size=families.VOCAB), families.tokenizer()).trace(
            "Tom gave a ball to"
        ),
    )
    names["leader"] = names["story"].top(1)[0][0]
    for cell in ("cut-numbers", "cut-words"):
        run_cell(lesson.sources[cell], cell, names)
    which = run_cell(lesson.sources["cut-predict"], "cut-predict", names)[1]
    check = run_cell(lesson.sources["cut-check"], "cut-check", names)[1]
    assert which.is_too_close if layers == 1 else which.choices == ["block 0", "block 1"], "one is nothing to compare"
    assert f"Which of the blocks 0 to {layers - 1} has" in check.text
    assert 0 <= check.reveal() <= 100


def test_the_picture_shows_shares_and_no_effects(lesson):
    view = lesson.values["flow"]
    assert view.effects is False and view.trace is lesson.names["story"]


def test_an_empty_prompt_is_no_error(lesson):
    check_an_empty_prompt(lesson)
