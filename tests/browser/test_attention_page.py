"""The attention view at its edges: long texts, other families, the keyboard, another model, contrast.

The truth is the trace, or a number worked out here; what is read is what a person sees.
"""

import re

import numpy as np
import pytest
import torch
from browser.pages import ViewPage
from families import build, tokenizer
from playwright.sync_api import expect
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz

LONG = 1024
RATIO = """([selector, property]) => {
    const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => colour.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = rgb(getComputedStyle(document.querySelector(".gptviz")).backgroundColor);
    return [...document.querySelectorAll(selector)].map((node) => {
        let opacity = 1;
        for (let one = node; one instanceof Element; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
        const seen = rgb(getComputedStyle(node)[property]).map((v, i) => v * opacity + ground[i] * (1 - opacity));
        const [low, high] = [light(seen), light(ground)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    });
}"""


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture
def shown(chromium):
    context, faults = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce"), []

    def show(*views, **options):
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        return ViewPage(page, list(views), **options)

    yield show
    context.close()
    assert not faults


@pytest.fixture(scope="module")
def small():
    """Two layers of three heads, 1,024 positions."""
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=907, n_embd=24, n_layer=2, n_head=3, bos_token_id=0, eos_token_id=0)
    return gptviz.wrap(GPT2LMHeadModel(config).eval(), tokenizer())


# Long texts


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_key_of_a_long_text_is_skipped(shown, small, monkeypatch, theme):
    """One key after the other has a large weight in all rows: each is seen, at its place, though two cells share a pixel."""
    from gptviz.widgets import attention

    weights = np.tril(np.full((LONG, LONG), 1e-4, np.float32))
    monkeypatch.setattr(attention, "seen", lambda *_: weights)
    view = gptviz.AttentionView(small.trace(torch.randint(0, 256, (LONG,))))
    for hot in (600, 601, 602, 1001):
        weights[:] = np.tril(np.full((LONG, LONG), 1e-4, np.float32))
        weights[hot:, hot] = 0.99
        page = shown(view, dark=theme == "dark").page
        row = page.locator("canvas.map").evaluate(
            """(canvas) => [...canvas.getContext("2d").getImageData(0, canvas.height - 2, canvas.width, 1).data]"""
        )
        shades = np.array(row).reshape(-1, 4)[:, :3].sum(1).astype(int)
        assert len(shades) < LONG
        away = np.abs(shades - np.median(shades))
        assert int(away.argmax()) == hot * len(shades) // LONG
        assert (away > 300).sum() == 1
        expect(page.locator(".one")).to_contain_text(f"pooled from {LONG} to {len(shades)} cells a side")
        page.close()


def test_a_text_whose_cells_are_seen_is_not_said_to_be_pooled(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace("Once upon a time"))).page
    expect(page.locator(".one .caption:visible")).to_have_count(1)


def test_the_map_follows_the_keyboard_where_not_all_is_seen(shown, gpt):
    trace = gpt.trace("the cat and the owl " * 30)
    page = shown(gptviz.AttentionView(trace, layer=1)).page
    for _ in range(5):
        page.get_by_role("button", name="nearer").click()
    page.locator(".stage").focus()
    for steps in ("ArrowUp", "ArrowLeft", "ArrowDown"):
        for _ in range(12):
            page.keyboard.press(steps)
        expect(page.locator(".outline:visible")).to_have_count(2)
    expect(page.locator(".readout .query sub")).to_have_text(str(len(trace.tokens) - 1))


# The sentence


def test_tokens_of_the_sentence_are_buttons_of_which_one_is_a_tab_stop(shown, gpt):
    trace = gpt.trace("Once upon a time there was a cat")
    page = shown(gptviz.AttentionView(trace)).page
    chips = page.locator(".line").get_by_role("button")
    expect(chips).to_have_count(len(trace.tokens))
    expect(page.locator(".line button[tabindex='0']")).to_have_count(1)
    page.locator(".line button[tabindex='0']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout .query sub")).to_have_text(str(len(trace.tokens) - 3))
    expect(page.locator(".line button:focus")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Home")
    expect(page.locator(".readout .query sub")).to_have_text("0")
    expect(page.locator(".line button[aria-pressed='true']")).to_have_count(1)


def test_a_sentence_that_goes_on_fades_at_that_end(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace("the cat and the owl " * 12), scale="projector")).page
    sentence = page.locator(".sentence")
    expect(sentence).to_have_attribute("data-before", "")  # the last token is looking, and in sight
    expect(sentence).not_to_have_attribute("data-after", "")
    page.locator(".line button[tabindex='0']").press("Home")
    expect(sentence).to_have_attribute("data-after", "")
    expect(sentence).not_to_have_attribute("data-before", "")
    assert "linear-gradient" in sentence.evaluate("(node) => getComputedStyle(node).maskImage")


# Families


def told(shown, family):
    trace = gptviz.wrap(build(family), tokenizer()).trace([5, 9, 2, 31, 7, 7, 3])
    page = shown(gptviz.AttentionView(trace)).page
    page.locator("summary").click()
    expect(page.locator(".arithmetic li").first).to_be_visible()
    return trace, page


def test_a_row_that_shares_with_a_sink_is_not_said_to_sum_to_1(shown):
    trace, page = told(shown, "gpt_oss")
    sum_ = float(trace.attention(0, 0)[-1].sum())
    assert sum_ < 0.99
    expect(page.locator(".one .caption").last).to_contain_text("Every row sums to less than 1")
    expect(page.locator(".one")).not_to_contain_text("Every row sums to 1.")
    expect(page.locator(".rowbars")).to_contain_text(f"{sum_:.3f}; the sink takes the rest, {1 - sum_:.3f}")


def test_a_factor_that_is_not_the_root_of_d_is_said_in_numbers(shown):
    trace, page = told(shown, "gemma2")
    scalar = trace.gpt.model.config.query_pre_attn_scalar
    assert scalar != trace.d_head
    expect(page.locator(".stages")).to_contain_text(f"÷ √{scalar}")
    expect(page.locator(".stages")).not_to_contain_text("√d")
    expect(page.locator(".arithmetic")).to_contain_text(f"÷ √{scalar}")
    expect(page.locator(".one .caption").last).to_contain_text("Every row sums to 1.")


def test_a_negative_number_that_is_taken_away_stands_in_brackets(shown, gpt):
    trace = gpt.trace("Once upon a time there was a cat")
    layer, head = next(
        (layer, head)
        for layer in range(trace.n_layers)
        for head in range(trace.n_heads)
        if trace.scores(layer, head, "masked")[-1].max() < -0.5
    )
    page = shown(gptviz.AttentionView(trace, layer=layer, head=head)).page
    page.locator("summary").click()
    expect(page.locator(".arithmetic")).to_contain_text(re.compile(r"e\^\(−[\d.]+ − \(−[\d.]+\)\)"))


# Another model


def test_heads_sorted_by_role_are_those_of_the_model_that_reads_now(shown, gpt, small):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    view = shown(gptviz.AttentionView(box))
    page = view.page
    page.locator(".heads select").select_option("previous")
    expect(page.locator(".grid .scored")).to_have_count(gpt.trace("a").n_layers * gpt.trace("a").n_heads)
    box.use(small)
    view.update()
    expect(page.locator(".grid .scored")).to_have_count(6)
    scores = box.trace.role_scores()["previous"].ravel()
    wanted = [f"L{i // 3} · H{i % 3} {scores[i]:.3f}" for i in np.argsort(-scores, kind="stable")]
    found = [" ".join(one.split()) for one in page.locator(".grid .scored").all_inner_texts()]
    assert found == wanted


# Contrast


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_marks_and_arcs_can_be_seen(shown, gpt, dark):
    page = shown(gptviz.AttentionView(gpt.trace("Once\nupon\u200b a 🦉 time")), dark=dark).page
    assert min(page.evaluate(RATIO, [".labels .chip i", "color"])) >= 4.5
    assert min(page.evaluate(RATIO, [".sentence path", "stroke"])) >= 3
