"""A run can be watched, paused, ended, forked and asked for any kept step; the model handed in stays as it is."""

import copy
import gc
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from close import approx_float32, assert_close
from trained import TEXTS, assert_weights_equal, logits, quick, small_gpt, weights
from waiting import LONGEST_WAIT

from gptviz import training
from gptviz.errors import GPTVizError, NotAvailable, OutOfRange
from gptviz.training.learner import Learner
from gptviz.training.settings import Settings
from gptviz.training.worker import schedule, surplus

METHODS = ("lora", "full")
LONG = 100_000  # steps that no test waits for


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


@pytest.fixture(scope="module", params=METHODS)
def run(request, gpt):
    return quick(gpt, method=request.param)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "gptviz training"]


def wait_for_steps(run, count):
    deadline = time.monotonic() + 60
    while len(run.loss) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(run.loss) >= count


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "gpt_neox"])
@pytest.mark.parametrize("method", METHODS)
def test_step_0_is_the_model_before_and_later_steps_learn(family, method):
    gpt = small_gpt(family)
    before = logits(gpt)
    run = quick(gpt, method=method)
    assert np.array_equal(logits(run.at(0)), before)
    assert np.array_equal(logits(gpt), before)
    assert run.status == "finished" and run.steps_kept.tolist() == [0, 1, 2, 3, 4, 5]
    assert run.loss.shape == (5,) and run.loss[-1] < run.loss[0]
    assert not np.array_equal(logits(run.gpt), before)


def test_a_seed_gives_the_same_losses_and_weights_again(gpt, run):
    again = quick(gpt, method=run.settings.method)
    assert np.array_equal(again.loss, run.loss)
    assert_weights_equal(again.gpt, run.gpt)
    other = quick(gpt, method=run.settings.method, seed=1)
    assert not np.array_equal(other.loss, run.loss)


def test_a_paused_run_goes_on_as_if_it_had_not_been_paused(gpt, run):
    paused = training.finetune(gpt, TEXTS, method=run.settings.method, steps=5, batch=3, learning_rate=1e-2)
    paused.pause()
    assert paused.status in ("paused", "finished")
    assert len(paused.loss) in paused.steps_kept
    if paused.status == "paused":
        paused.resume()
    assert np.array_equal(paused.wait().loss, run.loss)
    assert_weights_equal(paused.gpt, run.gpt)


def test_a_pass_of_a_step_is_a_gpt_like_any_other(run):
    gpt = run.at(3)
    assert "step 3" in gpt.name
    completion = gpt.complete("the", max_tokens=3, temperature=0)
    assert len(completion.choices[0].steps) == 3
    trace = gpt.trace("the thin tin")
    assert_close(trace.attention(1).sum(-1), np.ones(trace.attention(1).shape[:2]))


def test_what_is_done_to_the_model_of_a_step_changes_no_other(gpt, run):
    for copied in (lambda: run.before, lambda: run.at(0), lambda: run.at(3), lambda: run.gpt):
        expected, one = logits(copied()), copied()
        one.model.train().requires_grad_(False)
        one.model.get_output_embeddings().register_forward_hook(lambda _module, _inputs, output: output + 1)
        one.model.config._attn_implementation = "eager"
        one.end_ids = []
        for parameter in one.model.parameters():
            parameter.data.zero_()  # torch counts no such change
        again = copied()
        assert np.array_equal(logits(again), expected)
        assert not again.model.training and again.end_ids == gpt.end_ids
    assert np.array_equal(logits(run.at(0)), logits(gpt))


def test_steps_that_were_not_kept_are_refused_with_their_neighbours(gpt):
    run = quick(gpt, steps=8, keep=3)
    assert run.steps_kept.tolist() == [0, 4, 8]
    with pytest.raises(OutOfRange, match="nearest that were kept: 4 and 8"):
        run.at(6)
    with pytest.raises(OutOfRange, match="nearest that were kept: 8"):
        run.at(9)


def test_kept_steps_fit_into_memory():
    assert schedule(10, 41, 8, 10**9) == list(range(11))
    assert schedule(100, 5, 8, 10**9) == [0, 25, 50, 75, 100]
    assert schedule(100, 41, 30, 100) == [0, 50, 100]
    assert schedule(100, 41, 10**9, 100) == [0, 100]


def test_steps_of_pauses_make_room_for_others():
    """By hand: in 0, 7, 10, 11, 20 the neighbours of 11 are 10 steps apart, and those of 7 too, which is the earlier one."""
    assert surplus([0, 7, 10, 11, 20], {0, 10, 20, 30, 40}) is None
    assert surplus([0, 7, 10, 11, 20], {0, 10, 20, 30}) == 7
    assert surplus([0, 7, 10, 12, 14, 20], {0, 10, 20, 30}) == 12
    assert surplus([0, 7, 9], {0, 30}) == 7


@pytest.mark.parametrize("seed", range(5))
def test_no_more_steps_are_kept_than_were_scheduled_however_often_a_run_pauses(seed):
    random = np.random.default_rng(seed)
    steps, keep = random.integers(20, 60), random.integers(2, 9)
    scheduled, kept = set(schedule(steps, keep, 1, 10**9)), []
    for step in range(steps + 1):
        if step in scheduled or random.random() < 0.6:
            kept.append(step)
            if (dropped := surplus(kept, scheduled)) is not None:
                kept.remove(dropped)
            assert len(kept) <= len(scheduled)
            assert kept[-1] == step and {early for early in scheduled if early <= step} <= set(kept)
    assert kept == sorted(scheduled)


def test_a_run_that_pauses_often_keeps_few_steps_and_what_was_measured_of_them(gpt):
    measures = {"n": lambda one: float(one.trace("thi").logits[-1, 5])}
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2, keep=3, measures=measures)
    paused = []
    for _ in range(5):
        wait_for_steps(run.resume() if paused else run, len(run.loss) + 1)
        paused.append(int(run.pause().steps_kept[-1]))
    kept = run.stop().steps_kept.tolist()
    assert len(kept) == 3 and kept[0] == 0 and kept[-1] == len(run.loss)
    assert run.nbytes == 3 * sum(tensor.nbytes for tensor in run._source.states[0].values())
    assert run.measures["n"].tolist() == [float(run.at(step).trace("thi").logits[-1, 5]) for step in kept]
    dropped = next(step for step in paused if step not in kept)
    with pytest.raises(OutOfRange, match="nearest that were kept"):
        run.at(dropped)


def test_a_run_says_how_much_memory_its_kept_steps_need(run):
    assert run.nbytes == sum(tensor.nbytes for state in run._source.states.values() for tensor in state.values())
    assert f"{len(run.steps_kept)} kept steps" in repr(run)


def test_strength_mixes_the_model_before_with_the_newest_step(gpt, run):
    assert_weights_equal(run.strength(0), gpt)
    assert_weights_equal(run.strength(1), run.gpt)
    before, after = (dict(g.model.named_parameters()) for g in (gpt, run.gpt))
    mixed = dict(run.strength(0.25).model.named_parameters())
    for name, weight in mixed.items():
        b, a = before[name].detach().numpy(), after[name].detach().numpy()
        assert_close(weight.detach().numpy(), 0.75 * b.astype(np.float64) + 0.25 * a, scale=[a, b])


def test_a_fork_begins_with_a_kept_step_and_leaves_its_run(run):
    losses = run.loss
    fork = run.fork(2, steps=3, learning_rate=1e-3).wait()
    assert np.array_equal(logits(fork.at(0)), logits(run.at(2)))
    assert fork.settings.steps == 3 and len(fork.loss) == 3
    assert np.array_equal(run.loss, losses)


def test_a_run_is_stopped_and_keeps_where_it_was(gpt):
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2)
    wait_for_steps(run, 3)
    run.stop()
    assert run.status == "stopped" and not threads()
    assert run.steps_kept[-1] == len(run.loss) < LONG
    assert np.isfinite(logits(run.gpt)).all()
    with pytest.raises(NotAvailable, match="Fork it from a kept step"):
        run.resume()


def test_a_run_that_nobody_holds_ends(gpt):
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2)
    (thread,) = threads()
    del run
    gc.collect()
    thread.join(LONGEST_WAIT)
    assert not thread.is_alive()


def test_two_runs_train_at_once(gpt):
    runs = [training.finetune(gpt, TEXTS, steps=6, batch=3, seed=seed) for seed in (1, 2)]
    alone = [training.finetune(gpt, TEXTS, steps=6, batch=3, seed=seed).wait() for seed in (1, 2)]
    for run, expected in zip(runs, alone, strict=True):
        assert np.array_equal(run.wait().loss, expected.loss)
    assert not threads()


def test_a_pass_during_a_run_is_the_models_own(gpt):
    before = logits(gpt)
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2, method="full")
    wait_for_steps(run, 3)
    during = logits(gpt)
    run.stop()
    assert np.array_equal(during, before)


def test_an_interrupt_pauses_a_run_and_loses_nothing(gpt, monkeypatch):
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2)
    wait_for_steps(run, 2)

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_watch", interrupted)
    assert run.wait() is run
    assert run.status == "paused" and run.steps_kept[-1] == len(run.loss) >= 2
    run.stop()
    assert run.status == "stopped"


def test_a_rate_that_is_too_large_ends_the_run_and_says_when(gpt):
    run = training.finetune(gpt, TEXTS, steps=9, method="full", learning_rate=1e30, optimizer="sgd")
    with pytest.raises(GPTVizError, match=r"a loss that is a number at step 1\b.*learning rate is too large") as caught:
        run.wait()
    assert run.status == "failed" and run.error is caught.value and not threads()
    assert len(run.loss) == 1 and np.array_equal(logits(run.at(0)), logits(gpt))
    assert all(np.isfinite(weight).all() for weight in weights(run.gpt).values())


@pytest.mark.parametrize("error", [ZeroDivisionError("oh"), SystemExit(3)])
def test_a_run_that_fails_keeps_its_newest_step(gpt, error):
    """Whatever the user's function raises: a thread that ended without a word would leave `wait` waiting."""
    batches = [torch.arange(12).reshape(3, 4)] * 7

    def with_error():
        yield from batches
        raise error

    measures = {"n": lambda g: float(g.trace("n").logits[0, 5])}
    given = {"tokenizer": gpt.tokenizer, "steps": LONG, "keep": 2, "measures": measures}
    run = training.pretrain((1, 2, 8), with_error(), **given)
    with pytest.raises(GPTVizError, match=f"at step 7. Got {type(error).__name__}: {error}") as caught:
        run.wait()
    assert run.status == "failed" and run.error is caught.value and not threads()
    assert len(run.loss) == 7 and run.steps_kept.tolist() == [0, 7]
    assert run.measures["n"][1] == run.at(7).trace("n").logits[0, 5] != run.measures["n"][0]
    expected = training.pretrain((1, 2, 8), iter(batches), **{**given, "steps": 7}).wait()
    assert_weights_equal(run.gpt, expected.gpt)


def test_an_error_holds_no_learner(gpt, monkeypatch):
    held = []

    def broken(learner, step):
        model = learner.model
        held.append(weakref.ref(model))
        raise MemoryError("all is full")

    monkeypatch.setattr(Learner, "step", broken)
    run = training.finetune(gpt, TEXTS, steps=9)
    with pytest.raises(
        GPTVizError, match=r"no error at step 0. Got MemoryError: all is full. What was computed before"
    ):
        run.wait()
    assert isinstance(run.error.__cause__, MemoryError)
    gc.collect()
    assert [one() for one in held] == [None]


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_are_no_numbers_are_not_kept(gpt, method):
    learner = Learner(copy.deepcopy(gpt.model), lambda model, step: None, Settings(steps=1, method=method))
    assert learner.state()
    trained = [parameter for parameter in learner.model.parameters() if parameter.requires_grad]
    with torch.no_grad():
        trained[-1].view(-1)[0] = float("inf")
    with pytest.raises(GPTVizError, match="weights that are numbers"):
        learner.state()


def test_listeners_hear_of_kept_steps_until_they_stop_listening(gpt):
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2, keep=2)
    run.pause()
    heard = []
    stop_listening = run.on_change(lambda: heard.append(run.status))
    run.resume().pause()
    assert "paused" in heard
    stop_listening()
    count = len(heard)
    run.stop()
    assert len(heard) == count


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_a_listener_that_raises_is_reported_once_and_ends_nothing(gpt, capfd, error):
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2, keep=2)
    heard = []

    def listener():
        heard.append(run.status)
        raise error("of the listener")

    run.on_change(listener)
    run.on_change(lambda: heard.append("after it"))
    run.pause().resume().pause().stop()
    assert run.status == "stopped" and run.error is None
    assert [said for said in heard if said != "after it"] == ["running"] and heard.count("after it") > 3
    printed = capfd.readouterr().err
    assert printed.count("A listener of a training run raised") == printed.count("of the listener\n") == 1


def test_a_listener_may_steer_its_run(gpt):
    """In the run's own thread, which must not wait for itself."""
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2, keep=LONG)
    run.on_change(lambda: run.pause() if run.status == "running" else run.resume() if len(run.loss) < 5 else run.stop())
    run._source.join(LONGEST_WAIT)
    assert run.status == "stopped" and len(run.loss) >= 5


def test_pausing_and_resuming_in_many_threads_ends(gpt):
    run = training.finetune(gpt, TEXTS, steps=LONG, batch=2, keep=2)

    def steer(action):
        for _ in range(30):
            action()

    others = [threading.Thread(target=steer, args=[action], daemon=True) for action in (run.pause, run.resume) * 2]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(LONGEST_WAIT)
    assert not any(thread.is_alive() for thread in others)
    run.pause()
    assert run.status == "paused"
    run.stop()
    assert run.status == "stopped" and not threads()


def test_ten_runs_leave_no_model_and_no_thread(gpt):
    def once(i):
        run = training.finetune(gpt, TEXTS, steps=2, batch=2, keep=2, seed=i, measures={"n": lambda g: g.n_layers})
        run = run.wait() if i % 2 else run.pause()
        return [weakref.ref(one) for one in (run, run._source, run._before.model, run.at(-1).model)]

    left = [reference for i in range(10) for reference in once(i)]
    for thread in threads():
        thread.join(LONGEST_WAIT)
    gc.collect()
    assert not threads() and len(left) == 40
    assert [reference() for reference in left if reference() is not None] == []


def test_measures_are_taken_of_each_kept_step(gpt):
    id = gpt.encode("n")[0]
    run = quick(gpt, held_out=["the thin inn"], measures={"n": lambda g: g.trace("thi").probabilities()[id]})
    assert set(run.measures) == {"held_out", "accuracy", "n"}
    for step, share, loss in zip(run.steps_kept, run.measures["n"], run.measures["held_out"], strict=True):
        assert share == float(run.at(int(step)).trace("thi").probabilities()[id])
        trace = run.at(int(step)).trace("the thin inn")
        own = [-np.log(trace.probabilities(i)[token.id]) for i, token in enumerate(trace.tokens[1:])]
        assert loss == approx_float32(np.mean(own), trace.logits)
