"""The pages of models whose layers differ: a layer without attention says so, in both languages."""

import pytest
from mixed_layers import gpt_of, trace_of
from playwright.sync_api import expect

import gptviz

pytestmark = pytest.mark.browser

NO_ATTENTION = {"en": "no attention in this block", "zh": "这一块没有注意力"}
languages = pytest.mark.parametrize("language", NO_ATTENTION)


@languages
def test_the_grid_of_heads_hatches_layers_without_attention(shown, language):
    page = shown(gptviz.AttentionView(trace_of("lfm2"), language=language)).page
    squares = page.locator(".grid button")
    expect(squares).to_have_count(12)
    names = squares.evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))")
    assert [NO_ATTENTION[language] in name for name in names] == [layer != 1 for layer in range(3) for _ in range(4)]
    expect(page.locator(".heads > p")).to_contain_text(NO_ATTENTION[language])
    squares.first.click()
    expect(page.locator(".problem").first).to_contain_text("layer 0" if language == "en" else "第 0 层")
    squares.nth(6).click()
    expect(page.locator(".problem").first).to_be_hidden()
    expect(page.locator("h3")).to_contain_text("L1 · H2")


def test_heads_are_ordered_by_role_without_those_that_do_not_exist(shown):
    page = shown(gptviz.AttentionView(trace_of("4-2-4"))).page
    page.locator(".heads select").select_option("previous")
    expect(page.locator(".grid .scored")).to_have_count(10)
    expect(page.locator(".heads > p")).to_contain_text("All 10 heads")


def test_the_keys_skip_heads_that_a_layer_does_not_have(shown):
    page = shown(gptviz.AttentionView(trace_of("4-2-4"), layer=0, head=3)).page
    expect(page.locator("h3")).to_contain_text("L0 · H3")
    expect(page.locator(".grid button:visible")).to_have_count(10)
    page.locator(".grid button[data-open]").press("ArrowDown")
    expect(page.locator("h3")).to_contain_text("L1 · H1")


@languages
def test_the_squares_of_interventions_leave_out_layers_without_attention(shown, language):
    page = shown(gptviz.InterventionView(trace_of("lfm2"), language=language)).page
    gaps, squares = page.locator(".grid .gap"), page.locator(".grid button")
    expect(gaps).to_have_text([NO_ATTENTION[language]] * 2)
    expect(squares).to_have_count(4 + 3)
    squares.nth(1).press("ArrowUp")  # head 0 of layer 1: no head is above it
    squares.nth(1).click()
    expect(page.locator(".edits .edit")).to_contain_text("L1 · H0")
    expect(squares.nth(1)).to_have_attribute("aria-pressed", "true")


@languages
def test_the_explorers_sentence_counts_the_layers_with_attention(shown, language):
    page = shown(gptviz.explore("the owl", gpt=gpt_of("lfm2"), language=language)).page
    words = (
        "1 with attention, of at most 4 heads, and 2 without"
        if language == "en"
        else "1 块有注意力，最多 4 个头；2 块没有"
    )
    expect(page.locator(".station-attention .sentence")).to_contain_text(words)
    titles = page.locator(".stack button").evaluate_all("(all) => all.map((one) => one.title)")
    assert sorted(titles) == ["", NO_ATTENTION[language], NO_ATTENTION[language]]


@languages
def test_the_block_view_says_why_parts_are_missing(shown, language):
    page = shown(gptviz.BlockView(trace_of("lfm2"), layer=2, language=language)).page
    words = "a layer with attention. Got layer 2" if language == "en" else "这里需要有注意力的层"
    expect(page.locator(".journey")).to_contain_text(words)
