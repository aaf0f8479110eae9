"""Generation with edits: each step equals an edited pass over the whole text, with a cache and several choices."""

from functools import cache

import numpy as np
import pytest
from close import rounding
from families import ALL, IDS, build, tokenizer
from hooked import (
    FAMILIES,
    OTHER,
    WIDTH,
    T,
    at_position,
    block_path,
    hooked_logits,
    input_hook,
    recorded_at,
    stream_of,
    trace_of,
)
from waiting import LONGEST_WAIT

import gptviz


@pytest.fixture(scope="module")
def endless():
    """Makes models whose texts no end token cuts short."""

    @cache
    def make(name):
        gpt = gptviz.wrap(build(name), tokenizer())
        gpt.end_ids = frozenset()
        return gpt

    return make


AT_EVERY_POSITION = [
    gptviz.ablate_head(1, 2),
    gptviz.ablate_mlp(0),
    gptviz.ablate_neuron(2, 9),
    gptviz.steer(1, np.ones(WIDTH), 0.4),
]


@pytest.mark.parametrize("name", [*FAMILIES, "mistral", "gpt_neo"])
def test_an_edited_generation_equals_an_edited_pass_over_the_whole_text(endless, name):
    """With a cache and several choices, each step's probabilities are those of one edited pass without a cache."""
    gpt = endless(name)
    edits = AT_EVERY_POSITION if ALL[name].route == "interface" else AT_EVERY_POSITION[1:]
    completion = gpt.complete(IDS, max_tokens=8, n=3, seed=5, edits=edits)
    assert completion.edits == tuple(edits)
    for choice in completion.choices:
        whole = gpt.trace([*IDS, *choice.token_ids], edits=edits)
        for step in choice.steps:
            shares = whole.probabilities(T - 1 + step.index)
            assert step.probability == pytest.approx(shares[step.token.id], rel=rounding(stream_of(whole)))
    plain = gpt.complete(IDS, max_tokens=8, n=3, seed=5)
    assert plain.choices[0].steps[0].probability != completion.choices[0].steps[0].probability


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_edits_of_a_position_act_on_the_prompt(endless, name):
    """The truth: hooks on an untouched model that reads the whole text again at each step."""
    gpt, source = endless(name), trace_of(name, *OTHER)
    recorded = recorded_at(name, lambda change: input_hook(block_path(name, 1), change))
    edits = [gptviz.patch("residual", 1, 3, source=source)]
    choice = gpt.complete(IDS, max_tokens=6, temperature=0, edits=edits).choices[0]
    ids = list(IDS)
    for step in choice.steps:
        logits = hooked_logits(name, input_hook(block_path(name, 1), at_position(3, recorded[3])), ids=ids)[-1]
        assert step.token.id == int(logits.argmax())
        ids.append(step.token.id)
    row = gptviz.set_attention(2, 1, 4, [1, 0, 0, 0, 0])
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=[row])
    for index, step in enumerate(completion.choices[0].steps):
        whole = gpt.trace([*IDS, *completion.choices[0].token_ids[:index]], edits=[row])
        expected = whole.probabilities()[step.token.id]
        assert step.probability == pytest.approx(expected, rel=rounding(stream_of(whole)))


def test_a_step_is_looked_at_again_with_its_edits(endless):
    gpt = endless("gpt2")
    edits = [*AT_EVERY_POSITION, gptviz.patch("mlp_out", 1, 3, source=trace_of("gpt2", *OTHER))]
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=edits)
    step = completion.choices[0].steps[2]
    logits = gpt.next_token(completion, 2).logits.astype(np.float64)
    share = np.exp(logits - logits.max())[step.token.id] / np.exp(logits - logits.max()).sum()
    bound = rounding(stream_of(gpt.trace(IDS, edits=edits)))
    assert share == pytest.approx(step.probability, rel=bound)


def test_the_timeline_looks_at_steps_with_the_edits_of_its_text(endless):
    gpt, row = endless("gpt2"), gptviz.set_attention(2, 1, T - 1, [1, *[0] * (T - 1)])
    completion = gpt.complete(IDS, max_tokens=4, temperature=0, edits=[row, gptviz.ablate_mlp(0)])
    timeline = gptviz.GenerationTimeline(completion, gpt=gpt)
    trace, at_step = timeline._trace_of(0, 0)
    assert trace.edits == completion.edits and trace.attention(2, 1)[at_step, 0] == 1
    forced = completion.choices[0].steps[1].alternatives[1].token.id
    timeline.force(1, forced)
    timeline.wait(LONGEST_WAIT)
    expected = gpt.complete(
        [*IDS, completion.choices[0].token_ids[0], forced], max_tokens=2, temperature=0, edits=completion.edits
    )
    assert [s.token.id for s in timeline._run.branches[-1].steps[2:]] == list(expected.choices[0].token_ids)
