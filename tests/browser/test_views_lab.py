"""Every view below one prompt box, in real JupyterLab: every number on the page is the model's own.

The truth is a trace made in this process with the same weights; the page is read as it is drawn: ids under the chips,
widths of bars, positions of sliders.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from browser.pages import settle
from close import TINY, rounding
from playwright.sync_api import expect
from shown import CSS_PERCENT

import gptviz

CELLS = [
    "import gptviz\ngpt = gptviz.load()",
    'box = gptviz.PromptBox("Once upon a time there was a", gpt=gpt)\nbox',
    "gptviz.TokensView(box)",
    "gptviz.AttentionView(box)",
    "gptviz.SamplingBench(box)",
    "gptviz.GenerationTimeline(box, max_tokens=40, temperature=0.7, seed=1)",
]
VIEWS = ("prompt", "tokens", "attention", "sampling", "timeline")
PROMPTS = ("Once upon a time there was a", "The cat ran to the  house. The", "é🙂 hippopotamus")


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module")
def page(run_cells):
    """The notebook, run from top to bottom, in a window tall enough to draw every view."""
    notebook = run_cells(CELLS, height=5200)
    notebook.page.mouse.move(5, 5)
    return notebook


@pytest.fixture
def first_prompt(page, gpt):
    """The trace of the first prompt, after resetting the page to it."""
    if view(page, "prompt").get_by_role("textbox").input_value() != PROMPTS[0]:
        type_prompt(page, PROMPTS[0])
    trace = gpt.trace(PROMPTS[0])
    shows_tokens(page, trace)
    return trace


def view(page, name):
    return page.page.locator(f".gptviz-{name}")


def type_prompt(page, prompt):
    """Types a prompt key by key and presses Enter."""
    field = view(page, "prompt").get_by_role("textbox")
    field.fill("")
    field.press_sequentially(prompt)
    field.press("Enter")


def shows(page, trace):
    """Waits until every view shows this trace, then compares their numbers with it."""
    shows_tokens(page, trace)
    shows_attention(page, trace)
    shows_sampling(page, trace)


def shows_tokens(page, trace):
    ids = [str(token.id) for token in trace.tokens]
    expect(view(page, "tokens").locator("li .id")).to_have_text(ids)
    expect(view(page, "prompt")).to_contain_text(f"{len(ids)} token")


def shows_attention(page, trace):
    """Checks the open head's last row: its bars have all digits in their titles."""
    attention = view(page, "attention")
    expect(attention.locator(".sentence .chip")).to_have_count(len(trace.tokens))
    expect(attention).not_to_have_attribute("data-computing", "")
    expect(attention.locator(".grid button")).to_have_count(trace.n_layers * trace.n_heads)
    layer, head = re.search(r"L(\d+) · H(\d+)", attention.locator("h3").inner_text()).groups()
    row = trace.attention(int(layer), int(head))[-1]
    bars = attention.locator(".bars li:has(sub:not(:empty))")
    expect(attention.locator(".bars li").first).to_be_visible()
    keys = [int(text) for text in bars.locator("sub").all_inner_texts()]
    assert len(keys) == (len(row) if len(row) <= 10 else 9)  # the rest share one bar
    drawn = bars.evaluate_all("(items) => items.map((item) => Number(item.title))")
    bound = rounding(1.0, trace.scores(int(layer), int(head), "scaled")[-1])  # the kernel's own pass
    np.testing.assert_allclose(drawn, row[keys], rtol=bound)
    assert sorted(drawn, reverse=True) == drawn
    assert min(drawn) >= np.sort(row)[::-1][len(keys) - 1] * (1 - bound)
    widths = bars.locator(".fill").evaluate_all("(fills) => fills.map((fill) => parseFloat(fill.style.width))")
    np.testing.assert_allclose(widths, 100 * row[keys], rtol=bound, atol=CSS_PERCENT)


def stage_bars(page, column):
    """Returns the shares that a column of the sampling bench draws, top row first, from the bars' positions."""
    return (
        view(page, "sampling")
        .locator(f"tbody:not(.rest) .stage-{column} .bar")
        .evaluate_all(
            """(bars) => bars.map((bar) => Number(/translateX\\((.*)%\\)/.exec(bar.style.transform)[1]) / 100)"""
        )
    )


def softmax(logits, temperature=1.0):
    weights = np.exp((logits.astype(np.float64) - logits.max()) / temperature)
    return weights / weights.sum()


def shows_sampling(page, trace, temperature=None):
    """Checks the model's column, and the temperature's if given, over the whole vocabulary."""
    sampling = view(page, "sampling")
    last = trace.tokens[-1]
    expect(sampling.locator(".sentence")).to_contain_text(f"at position {last.position}")
    logits = trace.logits[-1]
    order = np.argsort(-logits, kind="stable")
    own, bound = stage_bars(page, 0), rounding(trace.logits)
    assert len(own) == 16
    np.testing.assert_allclose(own, softmax(logits)[order[:16]], rtol=bound, atol=CSS_PERCENT / 100)
    if temperature is not None:
        np.testing.assert_allclose(
            stage_bars(page, 1),
            softmax(logits, temperature)[order[:16]],
            rtol=bound / temperature,
            atol=CSS_PERCENT / 100,
        )


def shows_timeline(page, gpt, trace):
    """Checks the finished generation: its tokens' probabilities in full, its text, one step's alternatives."""
    timeline = view(page, "timeline")
    choice = gpt.complete(trace.text, max_tokens=40, temperature=0.7, seed=1).choices[0]
    written = timeline.locator(".written")
    expect(timeline.locator(".text > .muted").first).to_have_text(trace.text, use_inner_text=True)
    expect(timeline).to_have_attribute("aria-busy", "false", timeout=30_000)
    # An incomplete character is shown as its bytes.
    pattern = re.escape(choice.text).replace("\ufffd", "(?:[0-9a-f]{2} ?)+")
    assert re.fullmatch(pattern, written.evaluate("(node) => node.textContent"))
    items = timeline.locator(".steps li")
    expect(items).to_have_count(len(choice.steps))
    drawn = items.evaluate_all("(items) => items.map((item) => parseFloat(item.title) / 100)")
    bound = rounding(trace.logits)
    np.testing.assert_allclose(drawn, [step.probability for step in choice.steps], rtol=bound)
    items.nth(3).click()
    step = choice.steps[3]
    expect(timeline.locator(".detail")).to_contain_text("Step 3")
    rows = timeline.locator(".detail tbody tr")
    taken = step.token.id in [one.token.id for one in step.alternatives]
    expect(rows).to_have_count(len(step.alternatives) + (not taken))
    shares = rows.locator("td[title]").evaluate_all("(cells) => cells.map((cell) => parseFloat(cell.title) / 100)")
    expected = [p for token in step.alternatives for p in (token.probability, token.sampling_probability)]
    np.testing.assert_allclose(shares[: len(expected)], expected, rtol=2 * bound, atol=TINY)


def test_every_view_is_drawn(page, gpt):
    for name in VIEWS:
        expect(view(page, name)).to_have_count(1)
        box = view(page, name).bounding_box()
        assert box["width"] > 300, name
        assert box["height"] > 20, name
    shows(page, gpt.trace(PROMPTS[0]))
    shows_timeline(page, gpt, gpt.trace(PROMPTS[0]))
    colours = (
        view(page, "attention")
        .locator("canvas.map")
        .evaluate(
            """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size;
        }"""
        )
    )
    assert colours > 10, "the map is blank"


@pytest.mark.parametrize("prompt", [*PROMPTS[1:], PROMPTS[0]])
def test_a_new_prompt_updates_every_view(page, gpt, prompt):
    type_prompt(page, prompt)
    shows(page, gpt.trace(prompt))
    shows_timeline(page, gpt, gpt.trace(prompt))


def test_another_head_is_the_models_own(page, first_prompt):
    trace = first_prompt
    buttons = view(page, "attention").locator(".grid button")
    buttons.nth(trace.n_heads + 2).click()
    expect(view(page, "attention").locator("h3")).to_contain_text("L1 · H2")
    shows_attention(page, trace)


def test_a_prompt_that_cannot_be_read_is_refused_and_the_last_one_stays(page, gpt, first_prompt):
    """For a prompt far beyond the context length the box shows an error; the views stay as they were."""
    view(page, "prompt").get_by_role("textbox").fill("word " * 3000)
    view(page, "prompt").get_by_role("textbox").press("Enter")
    expect(view(page, "prompt").get_by_role("alert")).to_contain_text(f"{gpt.context_length:,} tokens")
    shows_attention(page, first_prompt)
    type_prompt(page, PROMPTS[0])
    expect(view(page, "prompt").get_by_role("alert")).to_be_hidden()


def test_dragging_the_temperature_sends_no_message(page, first_prompt):
    """Real mouse moves change the bars without a message to the kernel."""
    trace = first_prompt
    slider = view(page, "sampling").get_by_role("slider", name="temperature, slider")
    slider.scroll_into_view_if_needed()
    place = slider.bounding_box()
    middle = place["y"] + place["height"] / 2
    page.execute("")  # a round trip: every message of the page has arrived
    before, sent = stage_bars(page, 1), page.sent
    page.page.mouse.move(place["x"] + place["width"] / 2, middle)
    page.page.mouse.down()
    seen = []
    for step in range(1, 11):
        page.page.mouse.move(place["x"] + place["width"] * (0.5 + 0.04 * step), middle)
        seen.append(stage_bars(page, 1)[0])
    page.page.mouse.up()
    temperature = slider.evaluate("(slider) => slider.valueAsNumber")
    assert temperature > 1.5
    shows_sampling(page, trace, temperature)
    assert seen == sorted(seen, reverse=True), "the hotter, the lower the leader"
    assert len(set(seen)) > 5
    assert seen[-1] < before[0]
    announced = view(page, "sampling").locator(":scope > [role=status]")  # written after the drag has ended
    expect(announced).to_have_text(view(page, "sampling").locator("header .sentence").text_content())
    page.execute("")
    assert page.sent == sent, "the kernel was asked"


GENERATE_MEANWHILE = f"""
import json
read, runs = [], []
box.observe(lambda change: read.append(change["new"]), "prompt")
print("begun", flush=True)
while len(read) < {len(PROMPTS) - 1} and len(runs) < 100:
    choices = gpt.complete({PROMPTS[0]!r}, max_tokens=100, n=2, temperature=1.3, seed=5).choices
    runs.append([[[step.token.id, step.probability, step.entropy] for step in choice.steps] for choice in choices])
print(json.dumps([read, runs]))
"""


def test_generating_and_tracing_do_not_disturb_each_other(page, gpt, first_prompt):
    """A cell generates repeatedly while the page traces other prompts; all results are exact."""
    page.execute(GENERATE_MEANWHILE, wait=False)
    page.wait_for_print("begun")
    for prompt in PROMPTS[1:]:
        type_prompt(page, prompt)
        shows(page, gpt.trace(prompt))
    read, runs = page.finish_json()
    assert read == list(PROMPTS[1:]), "the prompts were not read while the cell generated"
    expected = gpt.complete(PROMPTS[0], max_tokens=100, n=2, temperature=1.3, seed=5)
    bound = rounding(gpt.trace(PROMPTS[0]).logits)
    for choices in runs:
        for numbers, choice in zip(choices, expected.choices, strict=True):
            assert [id for id, _, _ in numbers] == [step.token.id for step in choice.steps]
            wanted = [[step.probability, step.entropy] for step in choice.steps]
            np.testing.assert_allclose([rest for _, *rest in numbers], wanted, rtol=bound)
    type_prompt(page, PROMPTS[0])
    shows(page, gpt.trace(PROMPTS[0]))


def arcs_end_at_the_query(page):
    """Checks that every arc ends in the middle of the query token, wherever the page places it."""
    attention = view(page, "attention")
    expect(attention.locator(".sentence path").first).to_be_attached()
    middle, ends = attention.evaluate(
        """(root) => {
            const chip = root.querySelector(".sentence [data-query]");
            const paths = [...root.querySelectorAll(".sentence path")];
            return [chip.offsetLeft + chip.offsetWidth / 2, paths.map((path) => path.getPointAtLength(path.getTotalLength()).x)];
        }"""
    )
    assert middle > 100
    np.testing.assert_allclose(ends, middle, atol=1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_follows_the_theme(page, theme, request):
    """Every view follows JupyterLab's theme; with --screenshots a picture of the page is saved."""
    page.theme(dark=theme == "dark")
    for name in VIEWS:
        expect(view(page, name)).to_have_attribute("data-theme", theme)
    arcs_end_at_the_query(page)
    if folder := request.config.getoption("--screenshots"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.page.mouse.move(5, 5)
        settle(page.page)
        page.page.screenshot(path=Path(folder) / f"views_{theme}.png", full_page=True)
        for name in VIEWS:
            view(page, name).screenshot(path=Path(folder) / f"{name}_{theme}.png")
