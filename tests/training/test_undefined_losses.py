"""A step whose loss is no number ends the run, and is not kept, also where its weights are numbers."""

import threading

import numpy as np
import pytest
from trained import TEXTS, logits, small_gpt
from waiting import LONGEST_WAIT

from gptviz import training
from gptviz.errors import GPTVizError

TOO_FAST = 1e37  # after one step of AdamW the weights are about as large, and products of two are infinite


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


@pytest.mark.parametrize(("steps", "keep"), [(9, 10), (9, 2), (1, 2)])
def test_a_step_whose_loss_is_no_number_is_not_kept(gpt, steps, keep):
    """Whether step 1 was to be kept, or not, or is the last one, which has no batch of its own."""
    run = training.finetune(gpt, TEXTS, method="full", learning_rate=TOO_FAST, steps=steps, keep=keep)
    with pytest.raises(GPTVizError, match=r"a loss that is a number at step 1\. Got nan\. The learning rate"):
        run.wait()
    assert run.status == "failed" and len(run.loss) == 1 and run.steps_kept.tolist() == [0]
    assert np.array_equal(logits(run.gpt), logits(gpt))


def test_a_pause_keeps_no_step_whose_loss_is_no_number(gpt):
    started = threading.Event()

    def batches():
        started.wait(LONGEST_WAIT)
        run.pause()  # after this step
        yield np.arange(12).reshape(3, 4)

    given = {"tokenizer": gpt.tokenizer, "positions": "learned", "learning_rate": TOO_FAST, "keep": 2}
    run = training.pretrain((1, 2, 8), batches(), 100, **given)
    started.set()
    with pytest.raises(GPTVizError, match=r"a loss that is a number at step 1\. Got nan"):
        run.wait()
    assert run.status == "failed" and len(run.loss) == 1 and run.steps_kept.tolist() == [0]
