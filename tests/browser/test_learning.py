"""Plays a learner in each notebook in JupyterLab: answers every question, types another prompt, drags a slider."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser.learner import Learner
from close import rounding
from played import VIEW_TYPE, must_show_a_view
from playwright.sync_api import expect
from tales_bound import TALES_BOUND

import gptviz
from gptviz._paths import notebooks_dir

NAMES = [path.name for path in sorted(notebooks_dir().glob("*.ipynb"))]
SCROLLED = """() => [...document.querySelectorAll(".gptviz, .gptviz *")]
    .filter((one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX))
    .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
    .filter((one) => !(one.matches(".sentence") && one.matches("[data-before], [data-after]")))
    .map((one) => `${one.closest(".gptviz").className}: ${one.className} ${one.scrollWidth} > ${one.clientWidth}`)"""
LARGER = """
from ipywidgets.widgets.widget import _instances
for one in list(_instances.values()):
    if one.has_trait("scale"):
        one.scale = "projector"
"""
PROMPT = "She opened the door and saw a"


def having(code):
    """Plays only the notebooks whose cells have this code."""
    names = [name for name in NAMES if code in (notebooks_dir() / name).read_text("utf-8")]
    assert names, code
    return pytest.mark.parametrize("learner", names, indirect=True)


@pytest.fixture(scope="module", params=NAMES)
def learner(request, run_notebook):
    """The notebook, run from top to bottom, in a window tall enough to draw every view."""
    return Learner(run_notebook(request.param, height=24000))


def test_a_cell_whose_last_line_is_a_view_shows_one(learner):
    cells = nbformat.read(notebooks_dir() / learner.notebook.name, as_version=4).cells
    shown = [
        types
        for cell, types in zip(cells, learner.notebook.result_types(), strict=True)
        if cell.cell_type == "code" and must_show_a_view(cell.source)
    ]
    assert shown and all(VIEW_TYPE in types for types in shown)


def test_every_question_is_answered_wrongly_then_rightly(learner):
    assert learner.answer_every_question() >= 4


@having("PromptBox(")
def test_another_prompt_resets_the_questions(learner):
    """Questions below a prompt box are open again and their views covered; revealing shows the answer."""
    box = learner.view("prompt").first
    learner.type_prompt(PROMPT if box.get_by_role("textbox").input_value() != PROMPT else "Once upon a time")
    reset = [text for text in learner.questions() if learner.question_in_kernel(text).phase in ("open", "close")]
    assert reset, "no question follows the prompt"
    for text in reset:
        if learner.question_in_kernel(text).phase == "open":
            learner.check_answer_is_hidden(learner.question_in_kernel(text), learner.question_locator(text))
            learner.reveal_answer(text)


@having("SamplingBench(")
def test_a_dragged_temperature_gives_softmax_of_logits_over_t(learner):
    """The top token's bar after a drag is softmax(logits / T)."""
    bench = learner.page.locator(".gptviz-sampling:visible:not([data-covered])").first
    temperature = learner.drag_slider(bench, "temperature", 0.6)
    assert temperature > 1
    after = "sampling.distribution(one.next_token.logits, temperature={t})"
    code = f"""
import json
from ipywidgets.widgets.widget import _instances
from gptviz import SamplingBench, sampling
shown = [one for one in _instances.values() if isinstance(one, SamplingBench)]
leaders = [float({after.format(t=temperature)}.probabilities.max()) for one in shown]
print(json.dumps(leaders))
"""
    width = bench.locator("tbody:not(.rest) .stage-1 .bar").first.evaluate(
        """(bar) => Number(/translateX\\((.*)%\\)/.exec(bar.style.transform)[1]) / 100"""
    )
    assert np.abs(np.array(learner.kernel(code)) - width).min() <= TALES_BOUND


def test_a_check_accepts_the_solution_and_rejects_a_mistake(learner):
    """The folded solution passes; the solution plus one fails."""
    checks = learner.view("check")
    assert checks.count() >= 1
    for i in range(checks.count()):
        check, solution = checks.nth(i), checks.nth(i).locator("details pre")
        expect(check).to_have_attribute("data-result", "nothing")
        expect(solution).to_be_hidden()
        check.locator("summary").click()
        expect(solution).to_be_visible()
        lines = solution.inner_text()
        learner.write_solution(check, f"{lines}\nmine = np.asarray(mine) + 1")
        expect(check).to_have_attribute("data-result", "value")
        expect(check).to_contain_text(re.compile(r"differ(ent)? from the model’s\.|not right yet\."))
        learner.write_solution(check, lines)
        expect(check).to_have_attribute("data-result", "right")


@having("guessing_game(")
def test_the_guessing_game_says_what_the_model_gives(learner):
    gpt, game = gptviz.load(), learner.view("guesses")
    opening = game.locator(".opening").evaluate("(node) => node.firstChild.textContent")
    for word in ("girl", "hippopotamus", "<b>"):
        game.locator("input").fill(word)
        game.locator("input").press("Enter")
    expect(game.locator(".answers li")).to_have_count(0)
    game.get_by_role("button", name="ask the model").click()
    rows = game.locator(".answers ol")
    expect(rows).to_have_count(2)
    expect(rows.first.locator("li")).to_have_count(3)
    drawn = rows.first.locator("li").evaluate_all("(items) => items.map((item) => Number(item.title))")
    single = gptviz.lessons.guessing_game([opening], gpt)
    bound = rounding(gpt.trace(opening).logits)
    np.testing.assert_allclose(drawn[0], single.share(0, "girl"), rtol=2 * bound)
    likeliest = rows.last.locator("li").evaluate_all("(items) => items.map((item) => Number(item.title))")
    np.testing.assert_allclose(likeliest, [p for _, p in gpt.trace(opening).top(8)], rtol=bound)
    assert learner.page.locator(".gptviz-guesses b").count() == 0


def test_the_page_can_be_saved_as_a_picture(learner, request):
    """The picture has every view of the page; it is also saved as a file when --screenshots is given."""
    drawn = "(views) => views.map((view) => [view.getBoundingClientRect().bottom, view.innerText.trim().length])"
    views = learner.page.locator(".gptviz:visible").evaluate_all(drawn)
    picture = learner.page.screenshot(full_page=True)
    height = int.from_bytes(picture[20:24])  # of the IHDR chunk of a PNG file
    assert len(views) >= 5
    assert not [view for view in views if not (0 < view[0] <= height and view[1])], height
    if folder := request.config.getoption("--screenshots"):
        Path(folder, f"{learner.notebook.name.removesuffix('.ipynb')}.png").write_bytes(picture)


def test_on_a_projector_no_view_scrolls_sideways(learner):
    """At 1,280 pixels, with large type and nothing covered. Only the sentence under the arcs may scroll."""
    learner.reveal_every_answer()
    learner.page.set_viewport_size({"width": 1280, "height": 24000})
    learner.notebook.execute(LARGER)
    expect(learner.page.locator(".gptviz[data-scale=screen]")).to_have_count(0)
    assert learner.page.locator(".gptviz[data-scale=projector]").count() >= 5
    assert not (scrolled := learner.page.evaluate(SCROLLED)), "\n".join(scrolled)
