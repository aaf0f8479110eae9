"""Batches of a generator: several runs take from one, and each batch is learned once."""

import threading

import numpy as np
from trained import small_gpt
from waiting import LONGEST_WAIT

from gptviz import training
from gptviz.training.batches import Shared


def test_an_iterator_that_several_threads_ask_gives_each_item_once():
    asking, found = threading.Event(), []

    def ask():
        asking.set()
        found.append(next(shared))

    other = threading.Thread(target=ask)

    def items():
        other.start()
        asking.wait(LONGEST_WAIT)  # and this generator is still at work when the other thread asks
        yield 1
        yield 2

    shared = Shared(items())
    assert next(shared) == 1
    other.join(LONGEST_WAIT)
    assert found == [2]


def test_a_run_and_its_fork_share_a_generator():
    gpt = small_gpt()
    taken, forked = [], threading.Event()

    def batches():
        for number in range(99):
            if number == 2:
                forked.wait(LONGEST_WAIT)
            taken.append(number)
            yield np.full((2, 4), number)

    run = training.pretrain((1, 1, 8), batches(), 6, tokenizer=gpt.tokenizer, keep=2)
    fork = run.fork(0, steps=5)
    forked.set()
    assert len(run.wait().loss) == 6 and len(fork.wait().loss) == 5
    assert taken == list(range(11))
