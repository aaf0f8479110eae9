"""The pocket page in a real Chromium, opened from a file without a network: the model in it computes what Python computes."""

import pytest
from browser.axe import serious_violations
from browser.contexts import LOCAL_SCHEMES
from close import assert_softmax_close
from page_text import HOSTILE, chip_text, percent
from playwright.sync_api import expect

import gptviz
from gptviz.handout.pocket import save_pocket
from gptviz.lens.opening import opening_head

PROMPT = "Tom and Mary went to the park. Tom gave a ball to"
READY = (
    "() => document.documentElement.dataset.live === '' && !document.querySelector('[data-computing], [data-asking]')"
)


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module")
def path(gpt, tmp_path_factory):
    return save_pocket(tmp_path_factory.mktemp("pocket") / "pocket.html", gpt)[0]


@pytest.fixture
def opened_pocket(chromium, open_contexts, path):
    """Opens the page offline: `opened_pocket(width, height)`. A request for anything but the file is a fault."""

    def open_page(width=1280, height=720, everything=True, **options):
        address = path.as_uri()
        context = open_contexts.open(
            chromium, lambda url: url == address or url.startswith(LOCAL_SCHEMES), offline=True, reduced_motion="reduce",
            viewport={"width": width, "height": height}, **options,
        ).context  # fmt: skip
        page = context.new_page()
        page.goto(address)
        page.wait_for_function(READY)
        if everything:
            page.get_by_role("button", name="show everything").click()
        return page

    return open_page


def run(page, prompt):
    field = page.locator(".gptviz-prompt textarea").first
    field.fill(prompt)
    field.press("Enter")
    expect(page.locator(".gptviz-prompt")).not_to_have_attribute("data-typing", "")
    page.wait_for_function(READY)


def check_views(page, trace):
    """Compares what the page shows of tokens, next token and attention with Python's own numbers."""
    chips = page.locator(".gptviz-tokens .row .chip")
    expect(chips).to_have_text([chip_text(token) for token in trace.tokens])
    leader, probability = trace.top(1)[0]
    first = page.locator(".gptviz-sampling tbody tr").first
    expect(first.locator(".chip").first).to_have_text(chip_text(leader))
    expect(first.locator(".stage-0 .number").first).to_have_text(percent(probability))
    page.locator(".gptviz-attention .grid button").nth(2 * trace.n_heads + 5).click()
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L2 · H5")
    page.wait_for_function(READY)
    weights = page.locator(".gptviz-attention .readout strong")
    shown = float(weights.get_attribute("title"))
    assert_softmax_close(shown, trace.attention(2, 5)[-1].max(), trace.scores(2, 5, "scaled"))


def test_a_new_prompt_changes_every_view(opened_pocket, gpt):
    page = opened_pocket()
    run(page, PROMPT)
    check_views(page, gpt.trace(PROMPT))
    expect(page.locator(".gptviz-prompt .status")).to_contain_text("14 tokens")
    page.locator(".gptviz-tokens .row button").nth(5).click()
    expect(page.locator(".gptviz-tokens .merges li")).to_have_count(len(gpt.trace(PROMPT).merges(5)))
    page.locator(".gptviz-attention summary", has_text="Step by step").click()
    expect(page.locator(".gptviz-attention .arithmetic li .number").last).to_be_visible()


def test_text_is_generated_branched_and_looked_at(opened_pocket, gpt):
    page = opened_pocket()
    run(page, PROMPT)
    timeline = page.locator(".gptviz-timeline")
    expect(timeline).to_have_attribute("aria-busy", "false")
    choice = gpt.complete(PROMPT, max_tokens=40, seed=1).choices[0]
    assert timeline.locator(".written").evaluate("(node) => node.textContent") == choice.text
    timeline.locator(".steps li").nth(2).click()
    expect(timeline.locator(".detail tbody .token").first).to_have_text(
        chip_text(choice.steps[2].alternatives[0].token)
    )
    timeline.get_by_role("button", name="force", exact=True).first.click()
    expect(timeline.locator(".steps li[data-forced]")).to_have_count(1)


def test_a_head_is_switched_off(opened_pocket, gpt):
    page = opened_pocket()
    run(page, PROMPT)
    view = page.locator(".gptviz-intervention")
    before, after = gpt.trace(PROMPT), gpt.trace(PROMPT, edits=[gptviz.ablate_head(0, 5)])
    view.locator(".grid button").nth(5).click()
    expect(view.locator(".edit")).to_have_count(1)
    page.wait_for_function(READY)
    leader, share = before.top(1)[0]
    row = view.locator("tbody tr").first
    expect(row.locator(".chip").first).to_have_text(chip_text(leader))
    expect(row.locator("td .number")).to_have_text([percent(share), percent(after.probabilities()[leader.id])])


def test_the_page_asks_for_nothing_and_allows_nothing(opened_pocket, path):
    page = opened_pocket()
    requests = []
    page.context.on("request", lambda request: requests.append(request.url))
    run(page, PROMPT)
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".gptviz-tokens h3")).to_have_text("词元")
    assert [url for url in requests if not url.startswith(LOCAL_SCHEMES)] == []
    assert (
        page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length + document.cookie.length")
        == 0
    )
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy and "worker-src blob:" in policy and "unsafe" not in policy
    assert path.stat().st_size <= 20_000_000


def test_text_that_is_typed_stays_text(opened_pocket, gpt):
    page = opened_pocket()
    for text in HOSTILE:
        run(page, text)
        typed = page.locator(".gptviz-prompt textarea").first.input_value()
        tokens = gpt.trace(typed).tokens
        expect(page.locator(".gptviz-tokens .row .chip")).to_have_text([chip_text(token) for token in tokens])
    assert page.evaluate("window.hurt") is None
    page.locator(".gptviz-prompt textarea").first.fill("x" * 3000)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".gptviz-prompt .problem:visible")).to_contain_text("at most 512 tokens")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (360, 780)])
def test_every_part_fits_the_screen(opened_pocket, width, height):
    page = opened_pocket(width, height, has_touch=width < 500)
    run(page, PROMPT)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    for language, name in (("en", "Tokens"), ("zh", "词元")):
        page.get_by_role("button", name={"en": "English", "zh": "中文"}[language]).click()
        expect(page.locator(".gptviz-tokens h3")).to_have_text(name)
        page.wait_for_function(READY)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    assert serious_violations(page) == []


def test_a_language_keeps_what_is_shown(opened_pocket, gpt):
    page = opened_pocket()
    run(page, PROMPT)
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".gptviz-tokens .row .chip")).to_have_count(len(gpt.encode(PROMPT)))
    run(page, "One day")
    trace = gpt.trace("One day")
    expect(page.locator(".gptviz-tokens .row .chip")).to_have_text([chip_text(token) for token in trace.tokens])


def test_questions_cover_views_and_are_judged_for_any_text(opened_pocket, gpt):
    page = opened_pocket(everything=False)
    questions = page.locator(".gptviz-predict li")
    covered = page.locator(".gptviz[data-covered]")
    expect(covered).to_have_count(6)
    for text in ("Once upon a time there was a", PROMPT):
        if text == PROMPT:
            run(page, text)
            expect(questions.nth(0).locator(".reaction")).to_have_text("")
        trace = gpt.trace(text)
        head, (leader, share) = opening_head(trace), trace.top(1)[0]
        expect(questions.nth(0)).to_contain_text(f"L{head.layer} · H{head.head}")
        choices = questions.nth(0).get_by_role("button")
        expect(choices).to_have_text([chip_text(token) for token in trace.tokens[1:-1]])
        wrong = next(i for i in range(1, len(trace.tokens) - 1) if i != head.key)
        choices.nth((wrong if text == PROMPT else head.key) - 1).click()
        expect(questions.nth(0).locator("strong")).to_have_text("Not quite." if text == PROMPT else "Right.")
        expect(questions.nth(0)).to_contain_text(f"is on {chip_text(trace.tokens[head.key])} ({head.weight:.3f})")
        questions.nth(1).locator("input").fill(leader.text.strip())
        questions.nth(1).get_by_role("button").click()
        expect(questions.nth(1)).to_contain_text(
            f"Right. {chip_text(leader)} is the likeliest next token ({percent(share)})"
        )
        after = gpt.trace(text, edits=[gptviz.ablate_head(head.layer, head.head)]).probabilities()[leader.id]
        expect(questions.nth(2)).to_contain_text(f"L{head.layer} · H{head.head}")
        truth = "changes" if abs(after - share) <= 0.01 else "rises" if after > share else "falls"
        questions.nth(2).get_by_role("button", name=truth).click()
        expect(questions.nth(2).locator("strong")).to_have_text("Right.")
        expect(questions.nth(2)).to_contain_text(percent(after))
        expect(covered).to_have_count(0)
