"""An induction head forms in the default pre-training, for three seeds, as lesson 08 says: in runs that are trained here."""

import json

import numpy as np
import pytest
from shown import half_of_decimal

from gptviz import training
from gptviz._paths import assets_dir

REACHED, FORMED = 0.6, 0.3
EARLY = 3  # kept steps, up to step 50, at which two computers have not drifted apart yet


@pytest.fixture(scope="module")
def shipped():
    return json.loads((assets_dir() / "training" / "repeats.json").read_text("utf-8"))


def until_reached(seed):
    """Returns the default run with this seed, stopped once the best induction head of a kept step reaches the score."""
    run = training.pretrain(seed=seed)
    run.on_change(lambda: run.measures["induction"][-1] >= REACHED and run.stop())
    return run.wait()


def first_with(run, role):
    """Returns the first kept step of a run with a head of this role; infinity if there is none."""
    reached = np.flatnonzero(run.measures[role] >= FORMED)
    return run.steps_kept[reached[0]] if len(reached) else np.inf


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_induction_head_forms_and_no_later_than_a_previous_token_head(seed, shipped):
    run, log = until_reached(seed), shipped[f"rotary, seed {seed}"]
    induction = run.measures["induction"]
    assert induction[0] < FORMED / 2 and induction.max() >= REACHED, f"{run}"
    assert first_with(run, "induction") <= first_with(run, "previous")
    assert run.steps_kept[:EARLY].tolist() == log["step"][:EARLY]
    for name in ("held_out", "induction", "previous"):
        # The log has four decimals, of which training on another computer may change the last one.
        values, logged = run.measures[name][:EARLY], log[name][:EARLY]
        np.testing.assert_allclose(values, logged, rtol=0, atol=half_of_decimal(3), err_msg=name)
