"""The block view from Python: the steps through a block and what they add up to."""

import numpy as np
import pytest
from close import assert_close, rounding
from families import IDS
from hooked import WIDTH, gpt_of, stream_of

import gptviz
from gptviz.widgets.block.steps import block_steps


def test_a_blocks_steps_end_before_an_edit_of_the_next_blocks_input():
    trace = gpt_of("gpt2").trace(IDS, edits=[gptviz.steer(2, np.ones(WIDTH), 3.0), gptviz.ablate_head(1, 2)])
    vectors = {step["kind"]: step["vector"] for step in block_steps(trace, 1, 4)[0]}
    assert_close(vectors["in"] + vectors["attention"] + vectors["mlp"], vectors["out"], scale=list(vectors.values()))
    assert_close(vectors["out"] + 3.0, trace.residual(2)[4])
    shares = gptviz.BlockView(trace).to_table()
    bound = rounding(stream_of(trace), [share["value"] for share in shares])
    assert sum(share["value"] for share in shares) == pytest.approx(float(trace.logits[-1].max()), abs=bound)
    assert [share["layer"] for share in shares if share["part"] == "edit"] == [None]
