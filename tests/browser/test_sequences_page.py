"""The prompt box and the token view of an encoder-decoder in a page: two fields, and the tokens of both texts."""

import pytest
from browser.axe import serious_violations
from browser.pages import settle
from playwright.sync_api import expect
from sequences import trace_of

import gptviz

SOURCE = "the small white house"
HOSTILE = '<img src=x onerror="window.broken = true"></textarea><b>b</b>'


@pytest.fixture(scope="module")
def translator():
    return gptviz.load("translator")


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def answered(view):
    settle(view.page)
    view.update()


def chips(page, row):
    """Returns the texts of a row of the token view, with their spaces."""
    texts = page.locator(".gptviz-tokens .row").nth(row).locator(".chip").all_inner_texts()
    return [text.replace("␣", " ") for text in texts]


def texts_of(tokens):
    return [token.text for token in tokens]


def test_a_source_and_a_target_are_typed_and_their_tokens_shown(shown, translator, gpt):
    box = gptviz.PromptBox(SOURCE, gpt=translator)
    view = shown(box, gptviz.TokensView(box), gptviz.PromptBox("the owl", gpt=gpt))
    page = view.page
    prompt = page.locator(".gptviz-prompt").first
    source, target = prompt.get_by_label("Prompt", exact=True), prompt.get_by_label("target", exact=True)
    expect(prompt.locator("textarea:visible")).to_have_count(2)
    expect(page.locator(".gptviz-prompt").last.locator("textarea")).to_have_count(1)
    expect(source).to_have_value(SOURCE)
    expect(target).to_have_value("")
    expect(prompt.locator(".own")).to_contain_text("The one shown: la petite maison blanche")
    expect(prompt.locator(".status")).to_have_text("translator reads 5 tokens of the source, and 5 of the target")
    assert chips(page, 0) == texts_of(box.trace.source_tokens) and chips(page, 1) == texts_of(box.trace.tokens)
    expect(page.locator(".gptviz-tokens .becomes").first).to_have_text(
        "Source: 21 characters become 4 tokens, with 1 special token."
    )
    expect(page.locator(".gptviz-tokens .becomes").last).to_have_text(
        "Target: 24 characters become 4 tokens, after a start mark."
    )

    target.fill(f"la maison {HOSTILE}")
    expect(prompt.locator(".own")).to_be_hidden()
    target.press("Enter")
    answered(view)
    assert box.target == f"la maison {HOSTILE}" and box.prompt == SOURCE
    assert chips(page, 1) == texts_of(box.trace.tokens)
    expect(target).to_have_value(box.target)
    expect(target).to_be_focused()
    source.fill("the queen sees him")
    target.fill("")
    page.get_by_role("button", name="Run").first.click()
    answered(view)
    assert (box.prompt, box.target, box._own_target) == ("the queen sees him", "", "la reine le voit")
    expect(prompt.locator(".own")).to_contain_text("la reine le voit")
    earlier = prompt.get_by_label("earlier prompts")
    expect(earlier.locator("option").nth(1)).to_have_text(f"{SOURCE} → la maison {HOSTILE}")
    earlier.select_option(index=1)
    answered(view)
    assert (box.prompt, box.target) == (SOURCE, f"la maison {HOSTILE}")
    expect(target).to_have_value(box.target)

    target.fill("la " * 70)
    target.press("Enter")
    expect(prompt.locator(".problem:visible")).to_contain_text("at most 64 tokens")
    expect(target).to_have_value("la " * 70)  # stays, so that it can be corrected
    assert page.evaluate("window.broken") is None and page.locator(".gptviz b").count() == 0
    assert not serious_violations(page, "#views")


def test_another_model_takes_the_field_of_the_target_away(shown, translator, gpt):
    box = gptviz.PromptBox(SOURCE, gpt=translator)
    view = shown(box, gptviz.TokensView(box))
    prompt = view.page.locator(".gptviz-prompt")
    box.use(gpt)
    view.update()
    expect(prompt.locator("textarea")).to_have_count(1)
    expect(prompt.locator(".status")).to_contain_text("reads")
    expect(view.page.locator(".gptviz-tokens .row")).to_have_count(1)
    box.use(translator)
    view.update()
    expect(prompt.locator("textarea")).to_have_count(2)
    expect(view.page.locator(".gptviz-tokens .row")).to_have_count(2)


def test_a_saved_page_in_chinese_shows_both_texts(opened, translator, tmp_path):
    box = gptviz.PromptBox(SOURCE, gpt=translator, language="zh")
    page = opened(box.save_html(tmp_path / "box.html"))
    expect(page.locator(".own")).to_contain_text("现在显示的是： la petite maison blanche")
    expect(page.locator(".status")).to_have_text("translator 读入源文 5 个词元、目标 5 个词元")
    page.close()
    view = gptviz.TokensView(translator.trace(SOURCE, "la maison"), language="zh")
    page = opened(view.save_html(tmp_path / "tokens.html"))
    expect(page.locator(".becomes").last).to_contain_text("目标：9 个字符变成 2 个词元")
    page.locator(".row").first.locator("button").nth(1).click()
    expect(page.locator(".merges")).to_contain_text("这个分词器是")  # a vocabulary of whole words has no merges
    page.close()


def test_frames_of_a_sound_are_named_by_their_second(shown):
    page = shown(gptviz.TokensView(trace_of("whisper"))).page
    expect(page.locator(".becomes").first).to_contain_text("a sound becomes 50 frames")
    page.locator(".row").first.locator("button").nth(7).hover()
    expect(page.locator(".about")).to_contain_text("0.14␣s")
    expect(page.locator(".about")).to_contain_text("a frame of the sound")
