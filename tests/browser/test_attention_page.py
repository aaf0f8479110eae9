"""The attention view at its edges: long texts, other families, the keyboard, another model, contrast.

The truth is the trace, or a number worked out here; what is read is what a person sees.
"""

import re

import numpy as np
import pytest
import torch
from browser.pages import colour_table
from close import assert_close, rounding
from families import build, tokenizer
from playwright.sync_api import expect
from shown import assert_shows
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


@pytest.fixture(scope="module")
def small():
    """Two layers of three heads, 1,024 positions."""
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=907, n_embd=24, n_layer=2, n_head=3, bos_token_id=0, eos_token_id=0)
    return gptviz.wrap(GPT2LMHeadModel(config).eval(), tokenizer())


# Long texts


@pytest.mark.parametrize(("theme", "keys"), [("light", (600, 601, 602, 1001)), ("dark", (601,))])
def test_no_key_of_a_long_text_is_skipped(shown, small, monkeypatch, theme, keys):
    """Each large weight is drawn at its own key even where two cells share a pixel."""
    from gptviz.widgets.attention import attention

    weights = np.tril(np.full((LONG, LONG), 1e-4, np.float32))
    monkeypatch.setattr(attention, "masked_weights", lambda *_: weights)
    view = gptviz.AttentionView(small.trace(torch.randint(0, 256, (LONG,))))
    for hot in keys:
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


def test_a_text_that_fits_the_map_is_not_called_pooled(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace("Once upon a time"))).page
    expect(page.locator(".one .caption:visible")).to_have_count(1)


def test_the_map_scrolls_with_the_keyboard_in_a_long_text(shown, gpt):
    trace = gpt.trace("the cat and the owl " * 30)
    page = shown(gptviz.AttentionView(trace, layer=1)).page
    for _ in range(5):
        page.get_by_role("button", name="zoom in").click()
    page.locator(".stage").focus()
    for steps in ("ArrowUp", "ArrowLeft", "ArrowDown"):
        for _ in range(12):
            page.keyboard.press(steps)
        expect(page.locator(".outline:visible")).to_have_count(2)
    expect(page.locator(".readout .query sub")).to_have_text(str(len(trace.tokens) - 1))


# Step by step


def test_a_future_cell_is_shown_from_its_score_to_its_zero_weight(shown, gpt):
    trace = gpt.trace("Once upon a time there was a cat")
    page = shown(gptviz.AttentionView(trace, layer=2, head=5)).page
    page.locator("summary").click()
    caption, readout, side = page.locator(".one .caption").last, page.locator(".readout"), len(trace.tokens)
    expect(caption).to_contain_text("Every row sums to 1.")
    told = {"q·k": "raw", "÷ √d": "scaled", "masked": "masked"}
    for button, stage in told.items():
        page.get_by_role("button", name=button).click()
        expect(caption).to_contain_text("−∞" if stage == "masked" else "so later tokens have scores too")
        expect(caption).not_to_contain_text("sums to")
        box = page.locator("canvas.map").bounding_box()
        cell = box["width"] / side
        page.mouse.click(box["x"] + 6.5 * cell, box["y"] + 3.5 * cell)
        score = float(trace.scores(2, 5, stage)[3, 6])
        said = "−∞" if stage == "masked" else f"{score:.3g}".replace("-", "−")
        expect(readout).to_have_text(re.compile(rf"3 cannot see .*6 · weight 0 · {re.escape(button)}: {said}"))
    expect(page.locator(".arithmetic li .number")).to_have_count(4)
    steps = page.locator(".arithmetic li .number").all_inner_texts()
    for text, stage in zip(steps[:2], ("raw", "scaled"), strict=True):
        assert_shows(text, float(trace.scores(2, 5, stage)[3, 6]), rounding(trace.scores(2, 5, stage)))
    assert steps[2:] == ["−∞", "0"]
    page.get_by_role("button", name="softmax").click()
    expect(readout).to_contain_text("looks at")
    expect(caption).to_contain_text("Every row sums to 1.")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_strips_of_the_mix_add_up_to_it(shown, gpt, dark):
    """Each strip is weight × value and all share one scale, in the rows of the largest and the smallest weight."""
    trace, (layer, head) = gpt.trace("Once upon a time there was a cat"), (3, 3)
    page = shown(gptviz.AttentionView(trace, layer=layer, head=head), dark=dark).page
    page.locator("summary").click()
    expect(page.locator(".mix .strip")).to_have_count(9)
    parts = trace.attention(layer, head)[-1][:, None].astype(float) * trace.v(layer)[head]
    order = np.argsort(-trace.attention(layer, head)[-1], kind="stable")
    rows = [*parts[order[:5]], parts[order[5:]].sum(0), parts.sum(0)]
    most = max(np.abs(row).max() for row in rows)
    drawn = page.locator(".mix .strip canvas").evaluate_all(
        """(all) => all.slice(0, 7).map((canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, 1).data])"""
    )
    table = np.array(colour_table(page, "signedColours", "dark" if dark else "light"))
    for row, pixels in zip(rows, drawn, strict=True):
        wanted = table[np.round(127.5 + 127.5 * row / most).astype(int)]
        np.testing.assert_allclose(np.array(pixels).reshape(-1, 4)[:, :3], wanted, atol=3)
    for text in page.locator(".mix .strip > .number").all_inner_texts()[:7]:
        assert_shows(text.strip("±"), most, rounding(most))


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


def test_a_cut_sentence_fades_at_the_cut_end(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace("the cat and the owl " * 12), scale="projector")).page
    sentence = page.locator(".sentence")
    expect(sentence).to_have_attribute("data-before", "")  # the last token is the query, and visible
    expect(sentence).not_to_have_attribute("data-after", "")
    page.locator(".line button[tabindex='0']").press("Home")
    expect(sentence).to_have_attribute("data-after", "")
    expect(sentence).not_to_have_attribute("data-before", "")
    assert "linear-gradient" in sentence.evaluate("(node) => getComputedStyle(node).maskImage")


def test_a_cut_token_list_fades_at_the_bottom(shown, gpt):
    page = shown(gptviz.TokensView(gpt.trace("the cat and the owl " * 40), scale="projector")).page
    tokens = page.locator(".gptviz-tokens .row")
    expect(tokens).to_have_attribute("data-below", "")
    tokens.evaluate("(node) => { node.scrollTop = node.scrollHeight; }")
    expect(tokens).to_have_attribute("data-above", "")
    expect(tokens).not_to_have_attribute("data-below", "")
    assert "linear-gradient" in tokens.evaluate("(node) => getComputedStyle(node).maskImage")


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_the_longer_an_arc_the_higher_it_is(shown, gpt, scale):
    page = shown(gptviz.AttentionView(gpt.trace("the cat and the owl and a king"), scale=scale)).page
    arcs = page.locator(".sentence path").evaluate_all(
        "(all) => all.map((path) => path.getBBox()).map((b) => [b.width, b.height])"
    )
    heights = [height for _, height in sorted(arcs)]
    assert len(arcs) >= 6 and max(width for width, _ in arcs) > 400
    assert min(np.diff(heights)) > 1


# Sorted


def test_arrow_keys_follow_the_sorted_grid_which_says_that_it_continues(shown, gpt):
    trace = gpt.trace("Once upon a time")
    page = shown(gptviz.AttentionView(trace)).page
    page.locator(".heads select").select_option("previous")
    grid, shown_heads = page.locator(".grid"), page.locator(".grid .scored button")
    expect(shown_heads).to_have_count(trace.n_layers * trace.n_heads)
    order = np.argsort(-trace.role_scores()["previous"].ravel(), kind="stable")
    expect(page.locator(".heads > p")).to_contain_text(f"All {len(order)} heads")
    expect(grid).to_have_attribute("data-below", "")
    expect(grid).not_to_have_attribute("data-above", "")
    shown_heads.first.click()
    place = 0
    for key, step in [("Right", 1), ("Right", 1), ("Right", 1), ("Right", 1), ("Down", 4), ("Left", -1), ("Up", -4)] + [
        ("Down", 4)
    ] * 20:
        page.keyboard.press(f"Arrow{key}")
        place = place + step if place + step < len(order) else place
        layer, head = divmod(int(order[place]), trace.n_heads)
        expect(page.locator(".grid button:focus")).to_have_attribute("aria-label", f"L{layer} · H{head}")
    expect(grid).to_have_attribute("data-above", "")
    page.locator(".heads select").select_option("layer")
    expect(grid).not_to_have_attribute("data-below", "")
    expect(grid).not_to_have_attribute("data-above", "")


# Saved pages


# Opens every head at each of these stages; returns the scores in the readout.
SCORES_OF_EVERY_HEAD = """async (names) => {
  const answered = () => new Promise((done) => setTimeout(done)); // an answer of the page comes without a frame
  const read = [];
  for (let index = 0; index < document.querySelectorAll(".grid button").length; index++) {
    document.querySelectorAll(".grid button")[index].click();
    await answered();
    for (const name of names) {
      [...document.querySelectorAll(".stages button")].find((one) => one.textContent.includes(name)).click();
      await answered();
      read.push(document.querySelector(".readout .muted").title);
    }
  }
  return read;
}"""


def test_a_saved_page_has_the_stages_of_every_head(opened, gpt, tmp_path):
    trace = gpt.trace("Once upon a time there was a girl named Anna. One day Anna")
    page = opened(gptviz.AttentionView(trace).save_html(tmp_path / "page.html"))
    read = page.evaluate(SCORES_OF_EVERY_HEAD, ["q·k", "masked"])
    scores = []
    for head in np.ndindex(trace.n_layers, trace.n_heads):
        key = trace.attention(*head)[-1].argmax()
        scores += [float(trace.scores(*head, stage)[-1, key]) for stage in ("raw", "masked")]
    assert_close([float(number) for number in read], scores)
    expect(page.locator(".problem:visible")).to_have_count(0)


def test_stages_that_a_page_lacks_are_reported_missing(opened, gpt, tmp_path, monkeypatch):
    """One page holds only the names of a head's stages, another neither names nor numbers."""
    view, all_of_it = gptviz.AttentionView(gpt.trace("Once upon a time")), gptviz.AttentionView._page_questions
    for kept in (("head", "stages"), ("head",)):
        monkeypatch.setattr(
            gptviz.AttentionView,
            "_page_questions",
            lambda self, kept=kept: (q for q in all_of_it(self) if q[0] in kept),
        )
        page = opened(view.save_html(tmp_path / "page.html"))
        if "stages" in kept:
            expect(page.get_by_role("button", name="q·k")).to_be_disabled()
            expect(page.get_by_role("button", name="q·k")).to_have_attribute("title", re.compile("Not in this page"))
            assert min(page.evaluate(RATIO, [".stages button", "color"])) >= 4.5
            page.get_by_role("button", name="softmax").click()
            expect(page.locator(".problem:visible")).to_have_count(0)
        else:
            expect(page.locator(".stages button")).to_have_count(0)
            expect(page.locator(".stages")).to_contain_text("Not in this page")


# Families


def told(shown, family):
    trace = gptviz.wrap(build(family), tokenizer()).trace([5, 9, 2, 31, 7, 7, 3])
    page = shown(gptviz.AttentionView(trace, layer=0, head=0)).page
    page.locator("summary").click()
    expect(page.locator(".arithmetic li").first).to_be_visible()
    return trace, page


def test_a_row_with_a_sink_is_not_said_to_sum_to_1(shown):
    trace, page = told(shown, "gpt_oss")
    sum_ = float(trace.attention(0, 0)[-1].sum())
    assert sum_ < 0.99
    expect(page.locator(".one .caption").last).to_contain_text("Every row sums to less than 1")
    expect(page.locator(".one")).not_to_contain_text("Every row sums to 1.")
    expect(page.locator(".rowbars")).to_contain_text(f"{sum_:.3f}; the sink takes the rest, {1 - sum_:.3f}")


def test_a_factor_other_than_the_root_of_d_is_shown_as_a_number(shown):
    trace, page = told(shown, "gemma2")
    scalar = trace.gpt.model.config.query_pre_attn_scalar
    assert scalar != trace.d_head
    expect(page.locator(".stages")).to_contain_text(f"÷ √{scalar}")
    expect(page.locator(".stages")).not_to_contain_text("√d")
    expect(page.locator(".arithmetic")).to_contain_text(f"÷ √{scalar} = {np.sqrt(scalar):.3g}")
    expect(page.locator(".one .caption").last).to_contain_text("Every row sums to 1.")


def test_a_subtracted_negative_number_is_in_brackets(shown, gpt):
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


def test_heads_sorted_by_role_belong_to_the_current_model(shown, gpt, small):
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
