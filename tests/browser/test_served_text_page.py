"""The prompt box and the timeline of a served model in Chromium, and the views that need the inside of a model."""

import pytest
from browser.pages import settle
from close import rounding
from playwright.sync_api import expect
from protocol_server import KEY
from shown import assert_shows
from waiting import LONGEST_WAIT

import gptviz

PROMPT = "Tom and Mary went to the park."


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def test_a_given_text_is_coloured_by_how_surprising_each_token_is(shown, served, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=served)
    showing = shown(box)
    page = showing.page
    trace = gpt.trace(PROMPT)
    shares = [float(trace.probabilities(i)[token.id]) for i, token in enumerate(trace.tokens[1:])]
    items = page.locator(".revealed li")
    texts = [text.strip() for text in items.locator(".number").all_inner_texts()]
    assert texts[0] == "–" and len(texts) == len(shares) + 1
    for text, share in zip(texts[1:], shares, strict=True):
        assert_shows(text, 100 * share, 100 * rounding(share, share * abs(trace.logits).max()))
    heat = items.evaluate_all("(items) => items.map((item) => item.style.getPropertyValue('--heat'))")
    assert heat[0] == "" and all(heat[1:])
    rarest, likeliest = shares.index(min(shares)) + 1, shares.index(max(shares)) + 1
    assert heat[rarest] != heat[likeliest]
    expect(page.locator(".status")).to_have_text(f"little reads {len(trace.tokens)} tokens")
    page.get_by_role("textbox").first.fill("Once upon a time")
    page.keyboard.press("Enter")
    settle(page)
    assert box.prompt == "Once upon a time"
    showing.update()
    expect(items).to_have_count(len(gpt.trace("Once upon a time").tokens))


@pytest.mark.parametrize(
    ("options", "words"), [({"echo": False}, "does not echo prompts"), ({"most": 0}, "reveals no prob")]
)
def test_a_server_that_does_not_tell_it_is_explained(shown, server, options, words):
    page = shown(gptviz.PromptBox(PROMPT, gpt=gptviz.connect(server.start(**options)))).page
    expect(page.locator(".served")).to_contain_text(words)
    expect(page.locator(".revealed")).to_be_hidden()


def test_an_error_of_the_server_is_a_sentence_in_the_box(shown, served, server):
    box = gptviz.PromptBox(PROMPT, gpt=served)
    page = shown(box).page
    server.options.key = "another key"
    page.get_by_role("textbox").first.fill("Once")
    page.keyboard.press("Enter")
    expect(page.locator(".problem:visible")).to_contain_text("key")
    assert KEY not in page.content() and box.prompt == PROMPT


@pytest.mark.parametrize("language", ["en", "zh"])
def test_views_of_the_inside_say_why_they_are_empty_until_they_get_a_trace(shown, served, gpt, language):
    box = gptviz.PromptBox(PROMPT, gpt=served)
    kinds = (gptviz.AttentionView, gptviz.FlowView, gptviz.BlockView, gptviz.InterventionView)
    views = [kind(box, language=language) for kind in kinds]
    views_page = shown(*views)
    page = views_page.page
    reasons = page.locator(".gptviz-unfilled .reason")
    expect(reasons).to_have_count(len(kinds))
    for reason in reasons.all():
        expect(reason).to_contain_text("gptviz.load(name)")
        expect(reason).to_contain_text("服务器" if language == "zh" else "reveals tokens and probabilities")
    views[0].trace = gpt.trace(PROMPT)
    views_page.update()
    expect(page.locator(".gptviz-attention")).to_be_visible()
    expect(page.locator(".gptviz-unfilled")).to_have_count(len(kinds) - 1)


def test_an_exported_view_says_why_it_is_empty(opened, served, tmp_path):
    view = gptviz.FlowView(gptviz.PromptBox(PROMPT, gpt=served))
    page = opened(view.save_html(tmp_path / "flow.html"))
    expect(page.locator(".gptviz-unfilled")).to_contain_text("gptviz.load(name)")


def test_the_timeline_writes_forces_and_shows_a_step_on_the_bench(shown, served, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=served)
    view = gptviz.GenerationTimeline(box, max_tokens=6, temperature=0)
    view.wait(LONGEST_WAIT)
    showing = shown(view)
    page = showing.page
    settle(page)
    text = gpt.complete(PROMPT, max_tokens=6, temperature=0).choices[0].text
    expect(page.locator(".written")).to_have_text(text.strip(), use_inner_text=True)
    expect(page.locator("details.attention")).to_be_hidden()
    page.get_by_role("button", name="force", exact=True).first.click()
    settle(page)
    view.wait(LONGEST_WAIT)
    showing.update()
    expect(page.locator(".tree li")).to_have_count(2)
    page.get_by_role("button", name="show this step on the sampling bench").click()
    expect(page.locator(".gptviz-sampling .rest th")).to_have_text("not revealed")
