"""Going into the flow view's picture: a block, its heads' ribbons, one head, one weight; and out again, level by level."""

import numpy as np
import pytest
from browser.axe import serious_violations
from browser.flow_page import PROMPT, UNIT, agree, texts, titles
from browser.pages import settle
from close import approx_float32, rounding
from families import IDS, build, tokenizer
from page_text import chip_text
from playwright.sync_api import expect
from shown import assert_shows, half_of_decimal
from small_models import strong_gpt2

import gptviz
from gptviz import lens

LAYER = 1  # in which several heads carry credit to the last token


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture
def trace(gpt):
    return gpt.trace(PROMPT)


def open_block(page, layer=LAYER, name="block {}"):
    page.get_by_role("button", name=name.format(layer), exact=True).press("Enter")
    settle(page)


def head_map(page, head):
    return page.locator(".heads-of-block .map").nth(head)


def ribbons(page, layer):
    """Returns of each drawn part of a ribbon of a layer: head, sources, targets, share, width."""
    return page.locator(f".canvas .curve:not(.bundle)[data-column='{layer}']").evaluate_all(
        """(all) => all.map((one) => {
          const { head, from, to, share } = one.dataset, places = (text) => text.split(",").map(Number);
          return [Number(head), places(from), places(to), Number(share), Number(one.getAttribute("stroke-width"))];
        })"""
    )


def focused(page):
    return page.evaluate("document.activeElement.innerText")


def check_heads(page, trace, layer, position):
    """Checks each head's part of each ribbon against the shares of the heads; returns the heads that are drawn."""
    flow = lens.flow(trace, position)
    heads = flow.importance[layer + 1][None, :, None] * flow.heads(layer)
    parts = ribbons(page, layer)
    sums = {}
    for head, sources, targets, share, width in parts:
        of_heads = heads[:, targets][:, :, sources].sum((1, 2))
        thin = (of_heads * UNIT < 1) & (of_heads > 0)
        several = of_heads[thin].sum() if thin.sum() > 1 else 0.0
        assert share == approx_float32(of_heads[head] if head >= 0 else several, 1.0)
        assert width == pytest.approx(UNIT * share, abs=half_of_decimal(2))
        ends = tuple(sources), tuple(targets)
        sums[ends] = sums.get(ends, 0) + share
    for (sources, targets), share in sums.items():
        assert share == approx_float32(heads[:, targets][:, :, sources].sum(), 1.0)
    return {head for head, *_ in parts}


def test_an_open_block_has_a_ribbon_for_each_head_and_a_pointed_head_is_followed(shown, trace):
    page = shown(gptviz.FlowView(trace)).page
    settle(page)
    last = len(trace.tokens) - 1
    before = {(tuple(sources), tuple(targets)) for _, sources, targets, *_ in ribbons(page, LAYER)}
    open_block(page)
    drawn = check_heads(page, trace, LAYER, last)
    assert {(tuple(sources), tuple(targets)) for _, sources, targets, *_ in ribbons(page, LAYER)} == before
    assert len(drawn) > 3
    head = max(drawn)
    flow = lens.flow(trace)
    through = (flow.importance[LAYER + 1][:, None] * flow.heads(LAYER)[head]).sum()
    for point in (head_map(page, head).hover, head_map(page, head).focus):
        point()
        outlined = page.locator(".canvas .curve[data-outline]").evaluate_all(
            "(all) => all.map((one) => Number(one.dataset.head))"
        )
        assert head not in outlined and len(set(outlined)) == len(drawn) - 1
        agree([page.locator(".readout").first.inner_text().split()[3] + " %"], [through])
        page.locator("h3").first.hover()
    page.locator(".canvas .band").first.dispatch_event("pointerover")
    expect(page.locator(".canvas .curve[data-outline]")).to_have_count(0)
    page.locator(f".canvas .curve[data-head='{head}']").first.dispatch_event("pointerover")
    assert page.locator(".canvas .curve[data-outline]").count() == len(outlined)
    page.locator(".gptviz-flow .sentence-row button").nth(6).click()
    settle(page)
    check_heads(page, trace, LAYER, 6)


def test_keys_go_into_a_block_a_head_and_a_weight_and_escape_goes_out_one_level_at_a_time(shown, trace):
    view = gptviz.FlowView(trace)
    page = shown(view).page
    settle(page)
    last, panel = len(trace.tokens) - 1, page.locator(".open-head")
    expect(panel).to_be_hidden()
    assert view.family() == [view], "the view of heads is made when one is opened"
    open_block(page)
    head_map(page, 2).press("Enter")
    settle(page)
    assert (view.selection.layer, view.selection.head, view.position) == (LAYER, 2, -1)
    expect(panel.locator("h3")).to_contain_text(f"L{LAYER} · H2")
    expect(panel.locator(".sentence button[data-query] .chip")).to_have_text(chip_text(trace.tokens[last]))
    weights = trace.attention(LAYER, 2)[last]
    bars = panel.locator(".bars .number").first
    assert_shows(bars.inner_text(), weights.max(), rounding(1.0))
    assert page.evaluate("document.activeElement.matches('.open-head')")
    assert page.locator(".heads-of-block .map[aria-expanded=true]").count() == 1
    outlined = page.locator(".canvas .curve[data-outline]").evaluate_all("(all) => all.map((one) => one.dataset.head)")
    assert outlined and "2" not in outlined, "the open head stays followed"
    page.locator(".gptviz-flow > .flow-own summary").press("Enter")
    row = page.locator("details tbody tr").filter(has=page.locator("button.compute")).first
    name = row.locator("th").inner_text()
    row.locator(".compute").press("Enter")
    settle(page)
    head, key = view.selection.head, view.selection.key
    assert name.startswith(f"L{LAYER} · H{head}: ")
    query = view.selection.query
    ends = [chip_text(trace.tokens[key]), chip_text(trace.tokens[query])]
    assert row.locator("th .chip").all_inner_texts() == ends
    expect(panel.locator("h3")).to_contain_text(f"L{LAYER} · H{head}")
    steps = panel.locator(".arithmetic .number").all_inner_texts()
    assert_shows(steps[-1], trace.attention(LAYER, head)[query, key], rounding(1.0))
    raw = trace.scores(LAYER, head, "raw")[query, key]
    assert_shows(steps[0], raw, rounding(trace.scores(LAYER, head, "raw")))
    page.keyboard.press("Escape")
    settle(page)
    expect(panel.locator(".arithmetic .number").first).to_be_hidden()
    assert focused(page) == "how it is computed"
    assert view.position in (-1, last), "the token that was followed before is followed again"
    page.keyboard.press("Escape")
    settle(page)
    expect(panel).to_be_hidden()
    assert "H2" in focused(page)
    assert page.locator(".canvas .curve[data-outline]").count() in (0, len(outlined))
    page.keyboard.press("Escape")
    settle(page)
    expect(page.locator(".open-block")).to_have_count(0)
    assert focused(page) == f"block {LAYER}"
    assert view.edits == ()


def test_a_click_on_a_ribbon_of_an_open_block_opens_its_weight_and_words_cut_the_head(shown, trace):
    view = gptviz.FlowView(trace)
    page = shown(view).page
    settle(page)
    open_block(page)
    last = len(trace.tokens) - 1
    part = page.locator(
        f".canvas .curve.ribbon[data-column='{LAYER}'][data-to='{last}']:not([data-head='-1'], [data-from*=','])"
    ).first
    head, source = (int(part.get_attribute(f"data-{name}")) for name in ("head", "from"))
    part.dispatch_event("click")
    settle(page)
    assert (view.selection.head, view.selection.query, view.selection.key) == (head, last, source)
    steps = page.locator(".open-head .arithmetic .number").all_inner_texts()
    assert_shows(steps[-1], trace.attention(LAYER, head)[last, source], rounding(1.0))
    assert view.edits == ()
    cut = page.locator(".heads-of-block li").nth(head).get_by_text("cut", exact=True)
    cut.click()
    settle(page)
    assert view.edits == (gptviz.ablate_head(LAYER, head),)
    assert page.locator(f".canvas .curve[data-head='{head}'][data-column='{LAYER}']:not([data-cut])").count() == 0
    assert page.locator(".canvas .curve[data-cut]:not([data-head])").count() == 0
    page.locator(".heads-of-block li").nth(head).get_by_text("take back", exact=True).click()
    settle(page)
    page.locator(".gptviz-flow > .flow-own summary").press("Enter")
    row = page.locator("details tbody tr").filter(has=page.locator("button.compute")).first
    row.get_by_text("cut", exact=True).press("Enter")
    settle(page)
    (edit,) = view.edits
    assert edit.call == "ablate_key" and edit.head is not None and edit.layer == LAYER
    expect(page.locator(".cut .number")).to_contain_text(f"L{LAYER} · H{edit.head}, ")


def test_hovering_the_map_moves_nothing_above_it_and_a_click_follows_its_token(shown, trace):
    view = gptviz.FlowView(trace)
    page = shown(view, height=1400).page
    settle(page)
    open_block(page)
    head_map(page, 0).press("Enter")
    settle(page)
    stage = page.locator(".open-head .stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    caption = page.locator(".gptviz-flow .caption sub").first
    last = len(trace.tokens) - 1
    side = box["width"] / len(trace.tokens)
    page.mouse.move(box["x"] + 2.5 * side, box["y"] + 5.5 * side)
    expect(page.locator(".open-head .sentence button[data-query] .chip")).to_have_text(chip_text(trace.tokens[5]))
    settle(page)
    expect(caption).to_have_text(str(last))
    assert stage.bounding_box() == box
    page.mouse.click(box["x"] + 2.5 * side, box["y"] + 5.5 * side)
    settle(page)
    expect(caption).to_have_text("5")
    assert (view.selection.query, view.selection.key) == (5, 2)
    page.mouse.move(1, 1)
    settle(page)
    expect(caption).to_have_text("5")
    said = page.locator(".open-head .now")
    expect(said.locator("sub").first).to_have_text("5")
    said.get_by_role("button").click()
    expect(caption).to_have_text(str(last))
    expect(said).to_be_empty()


def test_another_view_of_the_box_opens_the_same_head(shown, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    flow, attention = gptviz.FlowView(box), gptviz.AttentionView(box, layer=4, head=1)
    page = shown(flow, attention).page
    settle(page)
    open_block(page)
    head_map(page, 3).press("Enter")
    settle(page)
    expect(page.locator("#views > div:last-child h3")).to_contain_text(f"L{LAYER} · H3")
    page.locator("#views > div:last-child .grid button").nth(5 * 8 + 6).click()
    settle(page)
    expect(page.locator(".open-head h3")).to_contain_text("L5 · H6")
    assert page.locator(".head button.name[aria-expanded=true]").inner_text() == "block 5"
    assert "H6" in page.locator(".heads-of-block .map[aria-expanded=true]").inner_text()


def test_attention_weights_of_a_head_open_too(shown):
    trace = gptviz.wrap(build("gpt_neo"), tokenizer()).trace(IDS)
    page = shown(gptviz.FlowView(trace)).page
    settle(page)
    open_block(page, 0)
    count = trace.heads_in(0)
    for head, sources, _, share, _ in ribbons(page, 0):
        assert head < 0 or share == approx_float32(trace.attention(0, head)[-1, sources[0]] / count, 1.0)
    head_map(page, 1).press("Enter")
    settle(page)
    expect(page.locator(".open-head h3")).to_contain_text("L0 · H1")


def test_an_exported_page_goes_in_as_far_and_says_what_it_does_not_have(opened, trace, tmp_path):
    view = gptviz.FlowView(trace, language="zh")
    view.selection.layer, view.selection.head = LAYER, 0
    page = opened(view.save_html(tmp_path / "flow.html"))
    page.get_by_role("button", name=f"第 {LAYER} 块", exact=True).click()
    settle(page)
    check_heads(page, trace, LAYER, len(trace.tokens) - 1)
    for head in (0, 1):
        head_map(page, head).click()
        settle(page)
        expect(page.locator(".open-head h3")).to_contain_text(f"L{LAYER} · H{head}")
        weight = page.locator(".open-head .bars .number").first.inner_text()
        assert_shows(weight, trace.attention(LAYER, head)[-1].max(), rounding(1.0))
        part = page.locator(f".canvas .curve.ribbon[data-head='{head}'][data-from='13'][data-to='14']")
        part.dispatch_event("pointerover")
        told = "点击查看这个权重怎么算出来" if head == 0 else "本页没有保存这个权重的算式"
        expect(page.locator(".gptviz-flow .picture .readout")).to_contain_text(told)
        part.dispatch_event("click")
        settle(page)
        if head == 0:  # which was selected when the page was saved
            step = page.locator(".open-head .arithmetic .number").last.inner_text()
            assert_shows(step, trace.attention(LAYER, head)[-1, 13], rounding(1.0))
            page.keyboard.press("Escape")
    expect(page.locator(".open-head details")).not_to_have_attribute("open", "")
    expect(page.locator(".open-head summary")).to_contain_text("此页面中没有：计算这一项需要带内核的笔记本。")
    expect(page.locator(".open-head .back")).to_have_text("回到图（Escape）")
    page.locator(".gptviz-flow > .flow-own > details > summary").click()
    rows = page.locator(".gptviz-flow > .flow-own > details tbody tr", has=page.locator(".compute"))
    for row in rows.all():
        assert row.locator(".compute").is_enabled() == ("H0" in row.locator("th").inner_text())
    assert {row.locator(".compute").is_enabled() for row in rows.all()} == {True, False}


@pytest.mark.parametrize("is_exported", [False, True])
def test_a_pooled_column_unfolds_into_blocks_that_open(shown, opened, tmp_path, is_exported):
    trace = gptviz.wrap(strong_gpt2(n_layer=12, n_head=3), tokenizer()).trace(IDS)
    flow, last = lens.flow(trace), len(IDS) - 1
    view = gptviz.FlowView(trace)
    page = opened(view.save_html(tmp_path / "flow.html")) if is_exported else shown(view).page
    settle(page)
    expect(page.locator(".gptviz-flow .notes")).to_contain_text("Click the name of a column")

    def names():
        return page.locator(".gptviz-flow thead th[scope=col]").all_inner_texts()

    def focused_name():
        return page.evaluate("document.activeElement.getAttribute('aria-label')")

    pooled, ends = names(), titles(page, ".label .share")
    page.get_by_role("button", name="blocks 2–3", exact=True).press("Enter")
    settle(page)
    assert names() == [pooled[0], "block 2", "block 3", *pooled[2:]] and focused_name() == "block 2"
    assert titles(page, ".label .share") == approx_float32(ends, 1.0)
    agree(texts(page, "[data-row=attention] .number")[1:3], [flow.attention(i)[last].sum() for i in (2, 3)])
    agree(texts(page, "[data-row=mlp] .number")[1:3], flow.mlp[2:4, last])
    page.get_by_role("button", name="block 3", exact=True).press("Enter")
    settle(page)
    agree(texts(page, ".heads-of-block .number"), flow.heads(3)[:, last].sum(-1))
    page.get_by_role("button", name="blocks 0–1", exact=True).press("Enter")
    settle(page)
    assert names() == ["block 0", "block 1", *pooled[1:]], "one column is unfolded at a time"
    page.get_by_role("button", name="put blocks 0–1 together again").press("Enter")
    settle(page)
    assert names() == pooled and focused_name() == "blocks 0–1"
    page.get_by_role("button", name="blocks 2–3", exact=True).press("Enter")
    settle(page)
    page.get_by_role("button", name="block 3", exact=True).press("Enter")
    settle(page)
    agree(texts(page, ".heads-of-block .number"), flow.heads(3)[:, last].sum(-1))
    page.keyboard.press("Escape")
    settle(page)
    expect(page.locator(".open-block")).to_have_count(0)
    assert focused_name() == "block 3"
    page.keyboard.press("Escape")
    settle(page)
    assert names() == pooled and focused_name() == "blocks 2–3"


def test_of_48_blocks_six_unfold_into_columns_that_fit_a_narrow_page(shown):
    trace = gptviz.wrap(strong_gpt2(n_layer=48, n_head=3), tokenizer()).trace(IDS)
    flow, last = lens.flow(trace), len(IDS) - 1
    page = shown(gptviz.FlowView(trace), width=848).page
    settle(page)
    names = page.locator(".gptviz-flow button.name")
    pooled = names.evaluate_all("(all) => all.map((one) => one.ariaLabel)")
    assert pooled[4] == "blocks 24–29" and len(pooled) == 8
    names.nth(4).click()
    settle(page)
    expect(names).to_have_count(13)
    agree(texts(page, "[data-row=mlp] .number")[4:10], flow.mlp[24:30, last])
    agree(texts(page, "[data-row=attention] .number")[4:10], [flow.attention(i)[last].sum() for i in range(24, 30)])
    expect(page.locator(".gptviz-flow .names > .gutter")).to_contain_text("put blocks 24–29 together again")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in names.all():
        assert name.evaluate("(one) => one.scrollWidth <= one.clientWidth"), name.inner_text()
    names.nth(9).click()  # block 29
    settle(page)
    agree(texts(page, ".heads-of-block .number"), flow.heads(29)[:, last].sum(-1))


@pytest.mark.parametrize(
    ("options", "width", "dark"),
    [({}, 1280, False), ({"language": "zh", "scale": "projector"}, 848, True), ({}, 848, False)],
    ids=str,
)
def test_what_is_open_fits_and_axe_finds_nothing_serious(shown, trace, width, dark, options):
    page = shown(gptviz.FlowView(trace, **options), width=width, dark=dark).page
    settle(page)
    open_block(page, name="第 {} 块" if options else "block {}")
    head_map(page, 2).press("Enter")
    settle(page)
    page.locator(".open-head summary").press("Enter")
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    right = page.locator(".gptviz-flow").first.bounding_box()
    for part in (".heads-of-block", ".open-head", ".open-head .matrix", ".open-head .detail"):
        box = page.locator(part).bounding_box()
        assert box["x"] + box["width"] <= right["x"] + right["width"] + 1, part
    violations = serious_violations(page, ".gptviz")
    assert not violations, "\n".join(violations)


def test_percentages_of_the_heads_are_those_of_the_followed_token(shown, trace):
    page = shown(gptviz.FlowView(trace)).page
    settle(page)
    open_block(page)
    for position in (len(trace.tokens) - 1, 6):
        page.locator(".gptviz-flow .sentence-row button").nth(position).click()
        settle(page)
        shares = lens.flow(trace).heads(LAYER)[:, position].sum(-1)
        assert np.ptp(shares) > 0.01
        agree(texts(page, ".heads-of-block .number"), shares)
