"""The view of a training run in Python: what it shows is the run's own, followers follow, and it keeps nothing alive."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch
from close import approx_float32, assert_close, assert_softmax_close
from page_messages import ask
from trained import TEXTS, assert_is_step, example_run, logits, quick, small_gpt, torch_ids, training_view
from waiting import LONGEST_WAIT

import gptviz
from gptviz import training
from gptviz.errors import GPTVizError, NotAvailable, OutOfRange, WrongType
from gptviz.widgets.training.news import MOST_POINTS, curve, point_width

LONG = 100_000  # steps that no test waits for


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


def going(gpt):
    """Returns a run that goes on until it is stopped; it has kept step 0 alone, and later where it was paused."""
    return training.finetune(gpt, TEXTS, steps=LONG, batch=2, keep=2)


def greedy(gpt, prompt, count=24):
    """Returns the likeliest continuation by transformers' own `generate`."""
    ids = torch_ids(gpt, prompt)
    written = gpt.model.generate(ids, do_sample=False, max_new_tokens=count, pad_token_id=0, eos_token_id=None)
    return written[0, ids.shape[1] :].tolist()


def torch_logits(gpt, text):
    """Returns the last logits of transformers' own pass, in float64."""
    with torch.no_grad():
        return gpt.model(torch_ids(gpt, text)).logits[0, -1].double().numpy()


def test_the_box_reads_with_the_step_that_is_shown_and_other_views_follow():
    run, view = example_run(), training_view()
    bench = gptviz.SamplingBench(view.box)
    assert view.step == 3
    assert_is_step(view.box.gpt, run, 3)
    for step in (0, 5, 2):
        view.step = step
        assert view.step == step and bench.trace is view.box.trace
        assert np.array_equal(bench.trace.logits, logits(run.at(step), "the <b>thin"))
        own = torch_logits(run.at(step), "the <b>thin")
        shares = np.exp(own - own.max())
        assert_softmax_close(bench.trace.probabilities(), shares / shares.sum(), own)
    with pytest.raises(OutOfRange, match="nearest that were kept: 5"):
        view.step = 6
    assert view.step == 2


def test_a_given_box_keeps_its_prompt_and_its_model(gpt):
    box = gptviz.PromptBox("thin", gpt=gpt)
    view = gptviz.TrainingView(example_run(), box)
    assert view.box is box and view.earlier_model is gpt and box.prompt == "thin"
    assert_is_step(box.gpt, example_run(), -1)
    box.use(view.earlier_model)
    assert np.array_equal(box.trace.logits, logits(gpt, "thin"))


def test_the_newest_step_is_followed_until_another_is_chosen(gpt):
    run = going(gpt)
    view = gptviz.TrainingView(run, prompt="the")
    ask(view, "steer", action="pause")
    newest = int(run.steps_kept[-1])
    assert view.step == newest > 0
    assert_is_step(view.box.gpt, run, newest)
    view.step = 0
    run.resume().pause()
    ask(view, "news", have=[])
    assert view.step == 0
    ask(view, "steer", action="stop")
    assert run.status == "stopped" and view.step == 0
    view.step = -1
    assert view.step == run.steps_kept[-1] > newest
    with pytest.raises(AssertionError, match="Fork it from a kept step"):
        ask(view, "steer", action="resume")


def test_when_a_run_drops_the_step_that_is_shown_the_nearest_one_is_shown(gpt):
    run = going(gpt).pause()
    view = gptviz.TrainingView(run, prompt="the")
    view.step = shown = int(run.steps_kept[-1])
    while run.steps_kept[-1] == shown:
        run.resume().pause()
    run.stop()
    news = ask(view, "news", have=[])
    kept = run.steps_kept.tolist()
    assert news["shown"]["step"] == view.step == min(kept, key=lambda step: abs(step - shown)) != shown
    assert_is_step(view.box.gpt, run, view.step)
    assert ask(view, "samples", run=0, step=view.step)


def test_the_page_gets_the_runs_own_numbers():
    run, view = example_run(), training_view()
    (news,) = ask(view, "news", have=[])["runs"]
    assert news["kept"] == run.steps_kept.tolist() == [0, 1, 2, 3, 4, 5]
    assert news["curve"]["mean"] == run.loss.tolist() and news["curve"]["width"] == 1
    assert news["losses"] == [*run.loss.tolist(), None]
    assert news["measures"] == {name: values.tolist() for name, values in run.measures.items()}
    assert (news["status"], news["taken"], news["steps"], news["error"]) == ("finished", 5, 5, None)
    later = ask(view, "news", have=[3])["runs"][0]["curve"]
    assert later["from"] == 3 and later["mean"] == run.loss[3:].tolist()


def test_a_long_curve_is_thinned_to_means_with_their_smallest_and_largest():
    loss = np.random.default_rng(0).random(2 * MOST_POINTS + 3)
    width = point_width(len(loss))
    assert width == 3 and point_width(MOST_POINTS) == 1
    parts = [curve(loss[:1000], width, 0)]
    parts.append(curve(loss, width, parts[0]["whole"]))
    assert parts[0]["whole"] == parts[1]["from"] == 333
    for name, kind in (("mean", np.mean), ("least", np.min), ("most", np.max)):
        drawn = [*parts[0][name][:333], *parts[1][name]]
        wanted = [kind(loss[i : i + width]) for i in range(0, len(loss), width)]
        assert_close(drawn, wanted, dtype=np.float64)


def test_samples_are_the_likeliest_tokens_of_that_steps_model():
    view = training_view(samples=["the thin", "in"])
    rows = view.to_table()
    run = example_run()
    assert [row["step"] for row in rows] == run.steps_kept.tolist()
    assert [row["loss"] for row in rows] == [*run.loss.tolist(), None]
    for row in rows:
        model = run.at(row["step"])
        assert row["sample"] == model.decode(greedy(model, "the thin"))
        assert row["sample 2"] == model.decode(greedy(model, "in"))
    for name, values in run.measures.items():
        assert [row[name] for row in rows] == values.tolist()
    shown = ask(view, "samples", run=0, step=2)
    assert [token["id"] for token in shown[1]["written"]] == greedy(run.at(2), "in")


def test_without_samples_the_prompt_of_the_box_is_continued():
    view = training_view()
    before = ask(view, "samples", run=0, step=3)
    view.box.run("in the")
    after = ask(view, "samples", run=0, step=3)
    assert [one["text"] for one in before] != [one["text"] for one in after]
    assert [token["id"] for token in after[0]["written"]] == greedy(example_run().at(3), "in the")


def test_a_fork_is_made_in_the_page_and_shown():
    view, run = training_view(), example_run()
    news = ask(view, "fork", run=0, step=3, steps="2", learning_rate="1e-3", seed="")
    fork = view.run
    assert view.runs == [run, fork] and len(news["runs"]) == 2 and news["shown"]["run"] == 1
    assert fork.wait().settings.steps == 2 and fork.settings.learning_rate == 1e-3
    assert fork.settings.seed == run.settings.seed
    assert np.array_equal(logits(fork.at(0)), logits(run.at(3)))
    assert view.step == 2
    assert_is_step(view.box.gpt, fork, -1)
    (_, of_fork) = ask(view, "news", have=[])["runs"]
    assert of_fork["parent"] == 0 and of_fork["offset"] == 3
    view.run = run
    assert view.step == 5
    assert_is_step(view.box.gpt, run, 5)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"steps": "many"}, "a whole number as steps"),
        ({"steps": "0"}, "steps of at least 1"),
        ({"learning_rate": "fast"}, "a number as learning_rate"),
        ({"learning_rate": "-1"}, "a learning_rate above 0"),
        ({"learning_rate": "nan"}, "a learning_rate above 0"),
        ({"seed": "0.5"}, "seed"),
    ],
)
def test_a_fork_that_cannot_be_is_refused_and_nothing_is_lost(typed, words):
    view = training_view()
    with pytest.raises(AssertionError, match=words):
        ask(view, "fork", run=0, step=3, **{"steps": "", "learning_rate": "", "seed": "", **typed})
    assert view.runs == [example_run()] and view.step == 3


def test_an_opened_run_is_shown_and_says_that_it_cannot_be_forked(tmp_path):
    run = training.open_run(example_run().save(tmp_path / "run"))
    view = gptviz.TrainingView(run)
    assert run.example == example_run().example == view.box.prompt == "the <b>th"[: len(run.example)]
    assert not ask(view, "news", have=[])["runs"][0]["can_fork"]
    with pytest.raises(AssertionError, match="opened from a folder"):
        ask(view, "fork", run=0, step=3, steps="2", learning_rate="", seed="")


def test_a_run_that_failed_is_shown_with_what_was_before(gpt):
    run = training.finetune(gpt, TEXTS, steps=9, method="full", learning_rate=1e30, optimizer="sgd")
    with pytest.raises(GPTVizError):
        run.wait()
    view = gptviz.TrainingView(run)
    (news,) = ask(view, "news", have=[])["runs"]
    assert news["status"] == "failed" and "at step 1" in news["error"]["error"]
    assert news["kept"] == run.steps_kept.tolist() and view.step in news["kept"]
    assert np.isfinite(view.box.trace.logits).all()
    assert "at step 1" in view.still()


def test_a_run_of_preferences_has_an_example_and_no_measures(gpt):
    run = training.prefer(gpt, [("the thin", " tin", " thing")], steps=2).wait()
    view = gptviz.TrainingView(run)
    assert view.box.prompt == "the thin"
    assert ask(view, "news", have=[])["runs"][0]["measures"] == {}
    assert view.to_table()[0]["loss"] == approx_float32(np.log(2))


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"run": "run"}, WrongType, "a Run. Got str"),
        ({"box": "the"}, WrongType, "a PromptBox as box"),
        ({"samples": [3]}, WrongType, "texts as samples"),
        ({"step": 7}, OutOfRange, "nearest that were kept: 5"),
        ({"stpe": 7}, WrongType, "Did you mean step"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, kind, words):
    with pytest.raises(kind, match=words):
        gptviz.TrainingView(**{"run": example_run(), **arguments})


def test_the_view_keeps_no_run_thread_or_listener(gpt):
    run = going(gpt)
    view = gptviz.TrainingView(run, prompt="the")
    follower = gptviz.TokensView(view.box)
    ask(view, "fork", run=0, step=0, steps=str(LONG), learning_rate="", seed="")
    assert not run._source.listeners
    kept = [weakref.ref(one) for one in (view, run, view.run)]
    threads = [thread for thread in threading.enumerate() if thread.name == "gptviz training"]
    assert len(threads) == 2
    for widget in (view, follower, view._box):
        widget.close()
    del run, view, follower, widget
    gc.collect()
    for thread in threads:
        thread.join(LONGEST_WAIT)
    assert [one() for one in kept] == [None] * 3
    assert not any(thread.is_alive() for thread in threads)


def test_few_models_are_held_however_many_steps_are_shown(gpt):
    run = quick(gpt, steps=10)
    view = gptviz.TrainingView(run, prompt="the")
    made = []
    for step in run.steps_kept.tolist():
        view.step = step
        made.append(weakref.ref(view.box.gpt))
    gc.collect()
    assert len(made) == 11 and 1 <= sum(one() is not None for one in made) <= 8


def test_a_run_without_data_has_words_for_its_refusals(tmp_path):
    run = training.open_run(example_run().save(tmp_path / "run"))
    with pytest.raises(NotAvailable) as caught:
        run.fork(3)
    assert caught.value.code == "run_without_data"
