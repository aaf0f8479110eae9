"""The flow view in a page: every visible number against the trace, following, cutting, keys, narrow pages and contrast."""

import contextlib
import re

import numpy as np
import pytest
from browser.flow_page import PROMPT, UNIT, agree, texts, titles
from browser.pages import settle
from close import approx_float32, assert_close
from families import IDS, build, tokenizer
from page_text import HOSTILE, chip_text
from playwright.sync_api import expect
from shown import half_of_decimal
from small_models import gpt_for_any_text, strong_gpt2

import gptviz
from gptviz import lens


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def check_numbers(page, trace, position, id):
    """Checks every number that the page shows for a followed token and a followed next token."""
    settle(page)
    flow, cuts = lens.flow(trace, position), lens.cuts(trace, position, id)
    labels = page.locator(".gptviz-flow .label:not([data-kind=later])")
    shown = titles(page, ".label .share")
    assert sum(shown) == approx_float32(1)
    agree(texts(page, ".label .share"), shown)
    own = labels.evaluate_all("(all) => all.map((one) => one.querySelector('.chip')?.textContent ?? null)")
    tokens = [chip_text(token) for token in trace.tokens]
    places = iter(range(len(tokens)))  # the rows are in reading order
    for text, share in zip(own, shown, strict=True):
        if text is not None:  # a line of several tokens has no chip
            assert any(
                tokens[place] == text and flow.importance[0, place] == approx_float32(share, 1.0) for place in places
            ), (text, share)
    attention = [flow.attention(layer)[position].sum() for layer in range(trace.n_layers)]
    agree(texts(page, "[data-row=attention] .number"), attention)
    agree(texts(page, "[data-row=mlp] .number"), flow.mlp[:, position])
    for row, values in (("cut-attention", cuts.attention), ("cut-mlp", cuts.mlp)):
        pairs = [text.split(" → ") for text in texts(page, f"[data-row={row}] .number")]
        agree([f"{before} %" for before, _ in pairs], [cuts.before] * trace.n_layers)
        agree([after for _, after in pairs], values)
    read = trace.logit_lens(position).astype(np.float64)
    early = np.exp(read - read.max(1, keepdims=True))
    agree(texts(page, ".depths .number"), (early / early.sum(1, keepdims=True))[:, id])
    leaders = trace.top(8, position)
    agree(texts(page, ".bars .number")[:8], [share for _, share in leaders])
    agree(texts(page, ".bars .number")[8:], [1 - sum(share for _, share in leaders)])
    assert texts(page, ".bars .chip") == [chip_text(token) for token, _ in leaders]


def check_picture(page, trace, position):
    """Checks that every ribbon and band is as wide as its share, and that with those in bundles they add up."""
    flow = lens.flow(trace, position)
    curves = page.locator(".gptviz-flow svg .curve").evaluate_all(
        "(all) => all.map((one) => [Number(one.dataset.share), Number(one.getAttribute('stroke-width'))])"
    )
    bands = page.locator(".gptviz-flow svg .band").evaluate_all(
        "(all) => all.map((one) => [Number(one.dataset.share), Number(one.getAttribute('height'))])"
    )
    assert len(curves) > 5 and len(bands) > 20
    for share, size in [*curves, *bands]:
        assert size == pytest.approx(UNIT * share, abs=half_of_decimal(2))
    share = [flow.importance[layer + 1][:, None] * flow.attention(layer) for layer in range(trace.n_layers)]
    ribbons = page.locator(".gptviz-flow svg .curve:not(.bundle)").evaluate_all(
        "(all) => all.map(({ dataset: { column, from, to, share } }) => [column, from, to, share])"
    )
    for column, sources, targets, drawn in ribbons:
        rows, columns = (np.array([int(i) for i in some.split(",")]) for some in (targets, sources))
        assert float(drawn) == approx_float32(share[int(column)][np.ix_(rows, columns)].sum(), 1.0)
    single = {(int(column), sources, targets) for column, sources, targets, _ in ribbons}
    rows = page.locator(".gptviz-flow .label[data-kind=token] sub").all_inner_texts()
    for layer, matrix in enumerate(share):
        for i, j in ((int(i), int(j)) for i in rows for j in rows):
            assert ((layer, str(j), str(i)) in single) == (matrix[i, j] * UNIT >= 1), (layer, j, i)


def test_every_number_is_the_traces_and_another_token_is_followed_without_the_kernel(shown, gpt):
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.FlowView(trace)).page
    last = len(trace.tokens) - 1
    check_numbers(page, trace, last, trace.top(1)[0][0].id)
    check_picture(page, trace, last)
    page.locator(".gptviz-flow .bars button").nth(2).click()
    check_numbers(page, trace, last, trace.top(3)[2][0].id)
    sent = page.evaluate("models[0].sent")
    page.locator(".gptviz-flow .sentence-row button").nth(6).hover()
    expect(page.locator(".gptviz-flow .caption .chip")).to_have_text(chip_text(trace.tokens[6]))
    settle(page)
    assert page.evaluate("models[0].sent") == sent, "hovering asks nothing"
    check_picture(page, trace, 6)
    page.locator(".gptviz-flow h3").hover()
    expect(page.locator(".gptviz-flow .caption .chip")).to_have_text(chip_text(trace.tokens[last]))
    page.locator(".gptviz-flow .sentence-row button").nth(6).click()
    check_numbers(page, trace, 6, trace.top(1, 6)[0][0].id)


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_neox"])
def test_the_numbers_of_other_families(shown, name):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    page = shown(gptviz.FlowView(trace)).page
    check_numbers(page, trace, len(IDS) - 1, trace.top(1)[0][0].id)
    check_picture(page, trace, len(IDS) - 1)


def test_arrow_keys_follow_tokens_and_next_tokens(shown, gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace)
    page = shown(view).page
    last = len(trace.tokens) - 1
    page.locator(".gptviz-flow .stage").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    settle(page)
    expect(page.locator(".gptviz-flow .caption sub")).to_have_text(str(last - 2))
    assert view.position == last - 2
    page.locator(".gptviz-flow .bars button").first.focus()
    page.keyboard.press("ArrowDown")
    settle(page)
    check_numbers(page, trace, last - 2, trace.top(2, last - 2)[1][0].id)


def test_the_first_tokens_lane_opens_and_folded_rows_unfold(shown, gpt):
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.FlowView(trace)).page
    assert trace.tokens[0].special
    lane = page.locator(".gptviz-flow .label[data-kind=rest]")
    expect(lane).to_contain_text("resting place")
    page.locator(".gptviz-flow .lane-line").dispatch_event("pointerover")
    expect(page.locator(".gptviz-flow .readout").first).to_contain_text(
        f"the row of {chip_text(trace.tokens[0])}, the mark at the start"
    )
    closed = lane.bounding_box()["height"]
    lane.locator("button").click()
    expect(lane).to_have_count(0)
    opened = page.locator(".gptviz-flow .label[data-kind=token]").first
    expect(opened.locator(".chip")).to_have_text(chip_text(trace.tokens[0]))
    assert opened.bounding_box()["height"] > closed
    page.get_by_role("button", name="thin lane").click()
    expect(lane).to_have_count(1)
    fold = page.locator(".gptviz-flow .label[data-kind=small]")
    count = int(fold.locator("button").inner_text().split()[0])
    rows = page.locator(".gptviz-flow .label[data-kind=token]")
    before = rows.count()
    top, numbers = fold.bounding_box()["y"], page.locator(".gptviz-flow .label .share").count()
    fold.locator("button").click()
    expect(fold).to_have_count(0)
    expect(rows).to_have_count(before + count)
    expect(page.locator(".gptviz-flow .label .share")).to_have_count(numbers - 1 + count)
    again = page.get_by_role("button", name="fold again")
    expect(again).to_be_focused()
    assert (
        page.locator(".gptviz-flow .label", has=again).bounding_box()["y"] == top
    )  # a second click takes the first back
    page.keyboard.press("Enter")
    expect(rows).to_have_count(before)
    expect(fold.locator("button")).to_be_focused()


def test_a_block_opens_between_its_neighbours_and_escape_closes_it(shown, gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace)
    page = shown(view).page
    settle(page)

    def widths():
        return page.locator(".gptviz-flow .head").evaluate_all("(all) => all.map((one) => one.clientWidth)")

    even, flow = widths(), lens.flow(trace)
    page.get_by_role("button", name="block 3", exact=True).click()
    settle(page)
    opened = widths()
    assert opened[3] > 2 * even[3] and opened[2] < even[2] and max(even) - min(even) <= 1
    columns = page.locator("[data-row=mlp] td").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().width)"
    )
    np.testing.assert_allclose(columns, opened, atol=3)
    agree(texts(page, ".heads-of-block .number"), lens.flow(trace).heads(3)[:, -1].sum(-1))
    for row, values in (("attention", [flow.attention(i)[-1].sum() for i in range(6)]), ("mlp", flow.mlp[:, -1])):
        bars = page.locator(f"[data-row={row}] .bar").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().width)"
        )
        wide = np.array(values) > 0.05
        scale = np.array(bars)[wide] / np.array(values)[wide]
        np.testing.assert_allclose(scale, scale[0], rtol=0.1)  # the open column is wider, its bars have the same scale
    expect(page.locator(".heads-of-block canvas")).to_have_count(trace.heads_in(3))
    page.keyboard.press("Escape")
    settle(page)
    assert widths() == even


def test_attention_weights_are_labelled_and_explained(shown):
    trace = gptviz.wrap(build("gpt_neo"), tokenizer()).trace(IDS)
    page = shown(gptviz.FlowView(trace)).page
    settle(page)
    root = page.locator(".gptviz-flow")
    expect(root.locator(".names .gutter")).to_have_text("largest weight of all blocks")
    expect(root.locator(".notes")).to_contain_text("the eager route")
    weights = [trace.attention(layer).mean(0)[-1] for layer in range(3)]
    agree(texts(page, "[data-row=attention] .number"), [row.max() for row in weights])
    expect(root.locator("svg .band")).to_have_count(0)
    cuts = lens.cuts(trace)
    agree([text.split(" → ")[1] for text in texts(page, "[data-row=cut-mlp] .number")], cuts.mlp)
    label = root.locator("svg[role=img]").get_attribute("aria-label")
    assert label.startswith("The attention weights of") and "redit" not in label
    expect(root.locator(".readout")).to_have_text("Point at a ribbon for its number.")  # this family cuts no heads
    root.locator("summary").first.click()
    expect(root.locator("details tbody tr").nth(3)).to_be_visible()
    expect(root.locator("details tbody button")).to_have_count(0)
    page.get_by_role("button", name="block 1", exact=True).click()
    settle(page)
    assert root.locator(".heads-of-block .map").count() == trace.heads_in(1)
    assert root.locator(".heads-of-block [aria-pressed]").count() == 0
    page.keyboard.press("Escape")
    drawn = root.locator("svg .curve.ribbon").evaluate_all("(all) => all.map((one) => Number(one.dataset.share))")
    expected = sorted(weight for row in weights for weight in row if weight * UNIT >= 1)
    assert_close(sorted(drawn), expected, scale=1.0)


@pytest.mark.parametrize("prompt", HOSTILE)
def test_hostile_tokens_are_text(shown, prompt):
    trace = gpt_for_any_text().trace(prompt)
    page = shown(gptviz.FlowView(trace)).page
    settle(page)
    page.locator(".gptviz-flow summary").click()
    assert texts(page, ".sentence-row .chip") == [chip_text(token) for token in trace.tokens]
    assert page.evaluate("window.hurt") is None
    assert page.locator("#views script, #views img").count() == 0


def test_an_exported_page_has_the_effects_and_the_cuts_that_travelled(opened, gpt, tmp_path):
    trace = gpt.trace(PROMPT)
    page = opened(gptviz.FlowView(trace).save_html(tmp_path / "flow.html"))
    last = len(trace.tokens) - 1
    cuts = lens.cuts(trace)
    agree([text.split(" → ")[1] for text in texts(page, "[data-row=cut-attention] .number")], cuts.attention)
    page.locator("[data-row=cut-attention] button").nth(2).click()
    expect(page.locator(".gptviz-flow .cut")).to_have_count(1)
    after = gpt.trace([token.id for token in trace.tokens], edits=[gptviz.ablate_attention(2, position=last)])
    first = page.locator(".gptviz-flow .bars .number").first
    expect(first).to_contain_text("→")
    agree([first.inner_text().split(" → ")[1]], [after.probabilities()[trace.top(1)[0][0].id]])
    cut_buttons = page.locator(".gptviz-flow .blocks button")
    off = cut_buttons.evaluate_all("(all) => all.map((one) => one.getAttribute('aria-disabled') === 'true')")
    assert [i for i, is_off in enumerate(off) if not is_off] == [2]  # a second cut has no outcome here, its undoing has
    for button in cut_buttons.all():
        assert ("Not in this page" in button.get_attribute("title")) == button.is_disabled()
    cut_buttons.first.click(force=True)
    band = page.locator(".gptviz-flow .band.mlp").last
    band.dispatch_event("pointerover")
    expect(page.locator(".gptviz-flow .readout")).to_contain_text("this page does not keep what its cut does")
    band.dispatch_event("click")
    page.locator(".gptviz-flow .curve.ribbon").first.dispatch_event("click")
    page.locator(".gptviz-flow .canvas svg").dispatch_event("pointerleave")
    expect(page.locator(".gptviz-flow .cut")).to_have_count(1)  # no cut of a ribbon travels, and none is offered
    expect(page.locator(".gptviz-flow .readout")).to_contain_text("This page has no kernel")
    page.locator(".gptviz-flow summary").first.click()
    assert page.locator(".gptviz-flow details tbody [aria-pressed]").count() == 0
    page.locator(".gptviz-flow .sentence-row button").nth(4).click()
    settle(page)
    for button in cut_buttons.all():
        expect(button).to_be_disabled()
    page.get_by_role("button", name="block 1", exact=True).click()
    settle(page)
    agree(texts(page, ".heads-of-block .number"), lens.flow(trace).heads(1)[:, 4].sum(-1))
    expect(page.locator(".gptviz-flow .open-block p")).to_contain_text("does not keep the strongest neurons")
    page.get_by_role("button", name="take all back").click()
    page.locator(".gptviz-flow .sentence-row button").last.click()
    settle(page)
    for button in cut_buttons.all():
        expect(button).to_be_enabled()


def test_a_weights_page_has_the_heads_of_every_token(opened, tmp_path):
    trace = gptviz.wrap(build("bloom"), tokenizer()).trace(IDS)
    page = opened(gptviz.FlowView(trace).save_html(tmp_path / "weights.html"))
    page.locator(".gptviz-flow .sentence-row button").nth(3).click()
    page.get_by_role("button", name="block 1", exact=True).click()
    settle(page)
    agree(texts(page, ".heads-of-block .number"), trace.attention(1)[:, 3].max(-1))
    expect(page.locator(".gptviz-flow .open-block p")).to_contain_text("does not keep the strongest neurons")


@pytest.fixture(scope="module")
def deep_trace():
    """A trace of more blocks than the picture has columns: blocks 0 and 1, 2 and 3, 4 and 5, 6 and 7 share a column."""
    return gptviz.wrap(strong_gpt2(n_layer=12, n_head=3), tokenizer()).trace(IDS)


def test_a_sentence_about_pooled_blocks_names_the_column_of_a_share_and_the_block_of_a_cut(shown, deep_trace):
    position = 4
    page = shown(gptviz.FlowView(deep_trace, position=position)).page
    settle(page)
    shares = texts(page, "[data-row=attention] .number")
    names = texts(page, "thead th[scope=col]")
    cuts = lens.cuts(deep_trace, position)
    found = re.search(
        r"share is (.+ %) in (.+) and (.+ %) in (.+), but .* from .+ to (.+ %) in (.+) and to (.+ %) in (.+?)\. "
        "(?:A share|The cut)",
        page.locator(".gptviz-flow .lesson").inner_text(),
    )
    pairs = [found.group(1, 2, 5, 6), found.group(3, 4, 7, 8)]
    for share, place, after, cut in pairs:
        assert shares[names.index(place)] == share
        layer = int(re.search(r"\d+", cut).group())
        agree([after], [cuts.attention[layer]])
        first, *rest = (int(number) for number in re.findall(r"\d+", place))
        assert layer in range(first, (rest or [first])[0] + 1) and cut.endswith(" alone") == bool(rest)
    assert any("–" in place for _, place, *_ in pairs), "this text has a pooled column in its sentence"


def test_a_page_offers_the_outcomes_of_which_it_keeps_the_cuts(opened, gpt, tmp_path, monkeypatch):
    """A next token can be followed where the page has what cuts do to it; elsewhere its bar is off, and words say why."""
    trace = gpt.trace(PROMPT)
    monkeypatch.setattr("gptviz.widgets.shared.view.PAGE_TOKENS", 3)
    page = opened(gptviz.FlowView(trace).save_html(tmp_path / "flow.html"))
    bars, tokens = (page.locator(f".gptviz-flow {which} button") for which in (".bars", ".sentence-row"))
    hint, note = (page.locator(f".gptviz-flow {which}") for which in (".next > p", ".effects-note"))
    kept = len(trace.tokens) - 3
    for position in (kept, kept - 1):
        tokens.nth(position).click()
        settle(page)
        for bar in bars.all():
            assert ("Not in this page" in bar.get_attribute("title")) == bar.is_disabled() == (position < kept)
        if position == kept:
            bars.nth(3).click()
            check_numbers(page, trace, kept, trace.top(4, kept)[3][0].id)
            expect(hint).to_have_text("click one, and the numbers below are its probability")
            expect(note).to_be_empty()
    expect(hint).to_have_text("this page keeps nothing more about them at this token")
    expect(note).to_contain_text("does not keep what cuts do")
    assert texts(page, "[data-row=cut-mlp] td") == ["–"] * trace.n_layers
    bars.first.focus()
    page.keyboard.press("ArrowDown")
    settle(page)
    expect(bars.nth(1)).to_be_focused()
    expect(bars.first).to_have_attribute("aria-pressed", "true")


def test_an_interrupted_question_can_be_asked_again(shown, gpt, monkeypatch):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace)
    page = shown(view).page
    settle(page)
    receive = view._on_message

    def receive_in_a_notebook(*message):
        with contextlib.suppress(KeyboardInterrupt):  # as the notebook's kernel does
            receive(*message)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(view, "_on_message", receive_in_a_notebook)
    token = page.locator(".gptviz-flow .sentence-row button")
    with monkeypatch.context() as during:
        during.setattr("gptviz.widgets.flow.flow.cuts_of", interrupt)
        during.setattr(view._blocks, "_heads", interrupt)
        token.nth(6).click()
        expect(page.locator(".effects-note")).to_contain_text("Interrupted")
        page.get_by_role("button", name="block 3", exact=True).click()
        expect(page.locator(".open-block > p")).to_contain_text("Interrupted")
        page.get_by_role("button", name="block 3", exact=True).click()
    token.nth(6).click()
    check_numbers(page, trace, 6, trace.top(1, 6)[0][0].id)
    expect(page.locator(".effects-note")).to_have_text("")
    page.get_by_role("button", name="block 3", exact=True).click()
    expect(page.locator(".heads-of-block canvas")).to_have_count(trace.heads_in(3))
