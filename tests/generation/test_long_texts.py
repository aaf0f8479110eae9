"""A model with other rotations for long texts (longrope) reads the text anew where it becomes one, as transformers does."""

import numpy as np
import pytest
import torch
from close import assert_softmax_close
from families import _GROUPED, IDS, randomise, tokenizer
from transformers import AutoModelForCausalLM, Phi3Config

import gptviz
from gptviz.sampling.probabilities import softmax

SHORT, STEPS = 16, 10  # IDS has 11 tokens, so that step 6 is drawn from the first long text
ROPE = {
    "rope_type": "longrope", "rope_theta": 10_000.0, "factor": 4.0, "short_factor": [1.0] * 3,
    "long_factor": [4.0, 8.0, 16.0], "original_max_position_embeddings": SHORT,
}  # fmt: skip


@pytest.fixture(scope="module")
def gpt():
    more = {"original_max_position_embeddings": SHORT, "sliding_window": None, "pad_token_id": 0, "eos_token_id": None}
    config = Phi3Config(**(_GROUPED | more | {"rope_parameters": ROPE}))
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    randomise(model, 5)
    model.generation_config.eos_token_id = None
    endless = tokenizer()
    endless.eos_token = None
    return gptviz.wrap(model, endless)


@pytest.fixture(scope="module")
def completion(gpt):
    return gpt.complete(IDS, max_tokens=STEPS, temperature=0, seed=1)


def read_without_cache(gpt, ids):
    return gpt.model(torch.tensor([ids]), use_cache=False).logits[0, -1]


def test_greedy_tokens_are_those_of_generate_and_of_reading_without_a_cache(gpt, completion):
    generated = gpt.model.generate(torch.tensor([IDS]), max_new_tokens=STEPS, do_sample=False, pad_token_id=0)
    ids = list(IDS)
    for _ in range(STEPS):
        ids.append(int(read_without_cache(gpt, ids).argmax()))
    assert list(completion.choices[0].token_ids) == generated[0, len(IDS) :].tolist() == ids[len(IDS) :]
    assert gpt.length_of_short_texts == SHORT


@pytest.mark.parametrize("prompt", [IDS, IDS[:5] * 4], ids=["becomes long", "is long"])
def test_a_step_looked_at_again_has_its_own_probability(gpt, prompt):
    done = gpt.complete(prompt, max_tokens=STEPS, n=2, temperature=1.5, seed=3)
    for choice in done.choices:
        assert len(choice.steps) == STEPS
        for i, step in enumerate(choice.steps):
            logits = gpt.next_token(done, i, choice.index).logits
            assert_softmax_close(step.probability, softmax(logits)[step.token.id], logits)


def test_a_step_s_attention_is_that_of_the_text_as_long_as_it_was(gpt, completion):
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    ids = [*IDS, *completion.choices[0].token_ids]
    for step in (8, 2, 5, 6, 0, 9):
        length = len(IDS) + step
        then = gpt.trace(ids[:length])
        row = view._answer_attention(0, step, 1, 2)
        assert row.shape == (length,)
        assert_softmax_close(row, then.attention(1, 2)[-1], then.scores(1, 2, "masked")[-1])
    long = gpt.trace(ids).attention(1, 2)
    assert np.abs(long[len(IDS) + 1, : len(IDS) + 2] - view._answer_attention(0, 2, 1, 2)).max() > 0.01
    view.close()


def test_edits_act_in_a_text_that_is_read_anew(gpt):
    edits = [gptviz.set_attention(1, 2, 4, [1, 0, 0, 0, 0])]
    done = gpt.complete(IDS, max_tokens=STEPS, temperature=0, edits=edits)
    for i, step in enumerate(done.choices[0].steps):
        logits = gpt.next_token(done, i).logits
        assert_softmax_close(step.probability, softmax(logits)[step.token.id], logits)
