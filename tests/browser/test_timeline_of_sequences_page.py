"""The generation timeline and the sampling bench of an encoder-decoder in a page."""

import pytest
from browser.axe import serious_violations
from browser.pages import settle
from close import approx_float32, assert_close
from playwright.sync_api import expect
from waiting import LONGEST_WAIT

import gptviz

SOURCE = "the small white house"


@pytest.fixture(scope="module")
def translator():
    return gptviz.load("translator")


def looked(page):
    """Returns the weights in the row of a head."""
    return [float(title) for title in page.locator(".looked li").evaluate_all("(all) => all.map((one) => one.title)")]


def test_each_step_shows_where_a_head_looked_in_the_source(shown, translator):
    view = gptviz.GenerationTimeline(gptviz.PromptBox(SOURCE, gpt=translator), temperature=0)
    view.wait(LONGEST_WAIT)
    page = shown(view).page
    expect(page.locator(".gptviz-timeline .source")).to_have_text(f"Source: {SOURCE}")
    expect(page.locator(".written")).to_have_text("la petite maison blanche")
    trace = translator.trace(SOURCE)
    page.locator(".steps li").nth(3).click()
    page.locator("details.attention summary").click()
    menu = page.get_by_label("looks at")
    expect(page.locator(".looked li")).to_have_count(4)
    menu.select_option("cross")
    page.get_by_label("layer", exact=True).select_option(index=1)
    page.get_by_label("head", exact=True).select_option(index=2)
    expect(page.locator(".looked li")).to_have_count(len(trace.source_tokens))
    settle(page)
    assert_close(looked(page), trace.attention(1, 2, stack="cross")[3])
    texts = page.locator(".looked .chip").all_inner_texts()
    assert [text.replace("␣", " ") for text in texts] == [token.text for token in trace.source_tokens]
    expect(page.locator(".attention p").first).to_contain_text("which tokens of the source")
    menu.select_option("decoder")
    expect(page.locator(".looked li")).to_have_count(4)
    settle(page)
    assert_close(looked(page), trace.attention(1, 2)[3, :4])
    expect(page.locator(".detail")).to_contain_text("The keys and values of the source are computed once")
    assert not serious_violations(page, "#views")


def test_another_word_is_forced_and_both_branches_have_the_source(shown, translator):
    view = gptviz.GenerationTimeline(gptviz.PromptBox(SOURCE, gpt=translator), temperature=0)
    view.wait(LONGEST_WAIT)
    shown_view = shown(view)
    page = shown_view.page
    page.locator(".steps li").nth(1).click()
    settle(page)
    page.locator(".detail tbody button:visible").first.click()
    settle(page)
    view.wait(LONGEST_WAIT)
    shown_view.update()
    settle(page)
    expect(page.locator(".written")).to_contain_text("la ")
    assert view.choice == 1 and view._run.branches[1].text != view._run.branches[0].text
    expect(page.locator(".gptviz-timeline .source")).to_have_text(f"Source: {SOURCE}")


def test_a_saved_page_in_chinese_keeps_both_rows(opened, translator, tmp_path):
    completion = translator.complete(SOURCE, max_tokens=8, temperature=0)
    view = gptviz.GenerationTimeline(completion, gpt=translator, language="zh")
    page = opened(view.save_html(tmp_path / "timeline.html"))
    expect(page.locator(".gptviz-timeline .source")).to_have_text(f"源文： {SOURCE}")
    page.locator("details.attention summary").click()
    page.locator(".attention select").first.select_option("cross")
    expect(page.locator(".looked li")).to_have_count(5)
    expect(page.locator(".attention p").first).to_contain_text("看向源文的哪些词元")
    assert sum(looked(page)) == approx_float32(1)
    page.close()


def test_a_drawn_word_is_appended_to_the_target(shown, translator):
    box = gptviz.PromptBox(SOURCE, gpt=translator, target="la petite")
    bench = gptviz.SamplingBench(box, temperature=0.2)
    page = shown(bench, box).page
    first = page.locator(".gptviz-sampling tbody tr").first
    expect(first.locator(".chip").first).to_have_text("␣maison")
    page.get_by_role("button", name="draw once").click()
    page.get_by_role("button", name="append to the target").click()
    settle(page)
    assert box.target.startswith("la petite ") and len(box.trace.tokens) == 4
