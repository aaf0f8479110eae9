"""The view of a training run in a page: every visible number is the run's, followers follow, and the film stays in a file."""

import re

import numpy as np
import pytest
from browser.pages import settle
from close import rounding
from playwright.sync_api import expect
from shown import CSS_PERCENT
from trained import TEXTS, example_run, small_gpt, torch_ids, training_view

import gptviz
from gptviz import training
from gptviz.pages.export import save_html
from gptviz.pages.film import add_film


def shares(gpt, text):
    """Returns the softmax of the last logits of transformers' own pass, in float64."""
    own = gpt.model(torch_ids(gpt, text)).logits[0, -1].detach().double().numpy()
    weights = np.exp(own - own.max())
    return weights / weights.sum()


def bars(page):
    """Returns the shares in the first column of the sampling bench, from the positions of its bars."""
    return page.locator(".gptviz-sampling tbody:not(.rest) .stage-0 .bar").evaluate_all(
        r"(bars) => bars.map((bar) => Number(/translateX\((.*)%\)/.exec(bar.style.transform)[1]) / 100)"
    )


def shows(page, step):
    """Checks the numbers of a step: the charts' legends, and the sampling bench that follows."""
    run, index = example_run(), list(example_run().steps_kept).index(step)
    expect(page.locator(".scrubber .step")).to_have_text(f"step {step}")
    titles = page.locator(".legend .number").evaluate_all("(all) => all.map((one) => Number(one.title || NaN))")
    names = ["held_out", "accuracy", "bits <i>of n</i>"]
    loss = run.loss[step] if step < len(run.loss) else np.nan
    np.testing.assert_array_equal(titles, [loss, *(run.measures[name][index] for name in names)])
    expect(page.locator(".writes h4")).to_contain_text(f"at step {step}")
    settle(page)
    expected = np.sort(shares(run.at(step), "the <b>thin"))[::-1][:16]
    bound = rounding(run.at(step).trace("the <b>thin").logits)
    np.testing.assert_allclose(bars(page), expected, rtol=bound, atol=CSS_PERCENT / 100)


def choose(page, index):
    page.locator(".scrubber input").evaluate(
        "(slider, index) => { slider.value = index; slider.dispatchEvent(new Event('input')); }", index
    )


def test_the_film_stays_in_a_file(opened, tmp_path):
    view = training_view()
    bench = gptviz.SamplingBench(view.box)
    page = opened(save_html(tmp_path / "film.html", view.box, view, bench))
    assert view.step == 3 and bench.trace is view.box.trace
    shows(page, 3)
    for step in (0, 5, 2, 3):
        choose(page, step)
        shows(page, step)
        expect(page.locator(".gptviz-prompt")).to_contain_text(f"step {step}")
    page.locator(".scrubber input").focus()
    page.keyboard.press("Home")
    shows(page, 0)
    page.locator(".scrubber .play").click()
    expect(page.locator(".scrubber .step")).to_have_text("step 5")
    shows(page, 5)
    assert page.locator(".gptviz-training :is(.buttons button, .newest, .fork):visible").count() == 0


def test_a_film_that_is_too_long_leaves_evenly_spaced_steps_out(opened, tmp_path, monkeypatch):
    sizes = []

    def with_less_room(stored, widgets, most_bytes, bar):
        sizes.append(add_film(stored, widgets, int(0.7 * sizes[0]) if sizes else most_bytes, bar))
        return sizes[-1]

    view = training_view()
    views = view.box, view, gptviz.SamplingBench(view.box)
    monkeypatch.setattr("gptviz.pages.export.add_film", with_less_room)
    save_html(tmp_path / "whole.html", *views)
    page = opened(save_html(tmp_path / "film.html", *views))
    assert sizes[1] <= 0.7 * sizes[0]
    expect(page.locator(".scrubber")).to_contain_text("This page has 4 of 6 kept steps. 2 were left out")
    for index, step in enumerate((0, 2, 3, 5)):
        choose(page, index)
        shows(page, step)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", r"was running at step ([\d,]+) of 100,000 when this page was saved"),
        ("zh", r"保存本页时仍在训练，在第 ([\d,]+) 步，共 100,000 步"),
    ],
)
def test_a_page_of_a_run_that_still_trained_says_when_it_was_saved(opened, tmp_path, language, words):
    run = training.finetune(small_gpt(), TEXTS, steps=100_000, keep=2)
    view = gptviz.TrainingView(run, prompt="the", language=language)
    path = save_html(tmp_path / "running.html", view.box, view)
    taken = len(run.stop().loss)
    page = opened(path)
    status = page.locator(".gptviz-training .status")
    expect(status).to_have_text(re.compile(f"^{words}$"))
    assert int(re.search(words, status.text_content())[1].replace(",", "")) <= taken


def test_a_page_names_the_other_run_whose_steps_it_left_out(opened, tmp_path):
    view = training_view()
    view._answer_fork(0, 2, steps="2", learning_rate="", seed="7")
    view.runs[1].wait()
    page = opened(save_html(tmp_path / "forked.html", view.box, view))
    note = "This page has the curves of first run: learning rate 0.01, seed 0. Their kept steps were left out"
    expect(page.get_by_text(note)).to_be_visible()
    expect(page.locator(".runs button").nth(0)).to_have_attribute("aria-disabled", "true")


def test_the_scrubber_moves_the_box_and_what_follows_it(shown):
    view = training_view()
    bench = gptviz.SamplingBench(view.box)
    here = shown(view, bench)
    shows(here.page, 3)
    for index in (0, 5):
        choose(here.page, index)
        settle(here.page)
        assert view.step == index and not view._shown["follows"]
        here.update()
        shows(here.page, index)


@pytest.mark.parametrize("dark", [False, True])
def test_a_fork_that_is_refused_keeps_what_was_typed(shown, dark):
    page = shown(training_view(), dark=dark).page
    page.locator(".fork summary").click()
    page.locator(".fork input[name=steps]").fill("many")
    page.get_by_role("button", name="fork", exact=True).click()
    expect(page.locator(".fork .problem")).to_contain_text("a whole number as steps. Got 'many'")
    expect(page.locator(".fork input[name=steps]")).to_have_value("many")
    page.locator(".fork input[name=steps]").fill("2")
    page.get_by_role("button", name="fork", exact=True).click()
    expect(page.locator(".runs button")).to_have_count(2)
    expect(page.locator(".runs button[aria-pressed=true]")).to_contain_text("fork at step 3")
    expect(page.locator(".status")).to_have_text("finished after 2 steps")
