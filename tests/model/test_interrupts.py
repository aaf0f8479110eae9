"""An interrupt at any moment leaves the model, its hooks, its mode and its lock as they were; the next action works."""

import numpy as np
import pytest
import torch
from families import IDS, build, tokenizer
from interrupts import interrupt, moments_of, some_moments
from model_state import assert_same, mixed_mode, state

import gptviz
from gptviz.lens.sweep import patch_sweep
from gptviz.model.changes import Block

FILES = ("model/changes.py", "model/evaluating.py", "model/threads.py")  # where changes are made and undone
EDITS = [gptviz.ablate_mlp(0), gptviz.steer(1, np.full(24, 0.5, np.float32))]


def actions(name, gpt):
    """Returns what is interrupted: a trace with edits, a sweep, a completion."""
    edits = [*EDITS, gptviz.scale_head(1, 2, 0.5)] if name != "bloom" else EDITS
    clean, corrupted = gpt.trace(IDS[:4]), gpt.trace(IDS[3::-1])  # short: a sweep has a pass for each place
    return {
        "trace": lambda: gpt.trace(IDS, edits=edits).logits,
        "sweep": lambda: patch_sweep(clean, corrupted, lambda logits: float(logits[5])).metric,
        "complete": lambda: np.array(gpt.complete(IDS, max_tokens=2, seed=1, edits=edits).choices[0].token_ids),
        "stream": lambda: np.array([step.token.id for step in gpt.stream(IDS, max_tokens=2, seed=1, edits=edits)]),
        "lens": lambda: clean.logit_lens(),
        "parts": lambda: np.concatenate([clean.attn_in(1), clean.attn_out(1), clean.mlp_out(1)], 1),
    }


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an interrupt in a progress bar's end
@pytest.mark.parametrize("name", ["llama", "bloom"])
@pytest.mark.parametrize("action", ["trace", "sweep", "complete", "stream", "lens", "parts"])
def test_an_interrupt_at_any_moment_leaves_the_model_as_it_was(name, action):
    model = mixed_mode(build(name))
    gpt = gptviz.wrap(model, tokenizer())
    call = actions(name, gpt)[action]
    expected, before = call(), state(model)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)  # so that each pass sets the number of threads and sets it back
    before["threads"] = threads + 1
    try:
        moments = some_moments(moments_of(call), FILES, count=90)
        assert len(moments) > 54
        for moment in moments:
            interrupt(call, moment)
            assert_same(before, state(model))
        np.testing.assert_array_equal(call(), expected)
    finally:
        torch.set_num_threads(threads)


def test_a_block_undoes_its_changes_whatever_moment_an_interrupt_comes():
    changed = {}

    def change(block, name):
        block.undo_with(lambda: changed.pop(name, None))
        changed[name] = True
        return name

    def both_blocks():
        with (outer := Block(lambda block: change(block, "outer"))), outer as name:
            with Block(lambda block: [change(block, "inner"), change(block, "second")]) as names:
                assert (name, names, len(changed)) == ("outer", ["inner", "second"], 3)

    for moment in range(len(moments_of(both_blocks))):
        interrupt(both_blocks, moment)
        assert changed == {}
    both_blocks()
    assert changed == {}
