"""Cuts in the flow view: how they are made, what is said of them, and that what is cut is hatched as the legend has it."""

import re

import pytest
import torch
from browser.flow_page import PROMPT, agree, contrast, paper, texts
from browser.pages import settle
from close import approx_float32
from page_text import chip_text
from playwright.sync_api import expect

import gptviz
from gptviz import lens


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


# What each cut piece is painted with: its kind, and the lines of the pattern that its paint names.
PAINTS = """(all) => all.map((one) => {
  const style = getComputedStyle(one), paint = one.classList.contains("curve") ? style.stroke : style.fill;
  const id = /^url\\("#(.+)"\\)$/.exec(paint)?.[1];
  const found = [...document.querySelectorAll("pattern")].filter((pattern) => pattern.id === id);
  const lines = found.map((pattern) => {
    const line = pattern.firstElementChild, { fill, opacity, fillOpacity } = getComputedStyle(line);
    return [pattern.getAttribute("patternTransform"), pattern.getAttribute("width"), line.getAttribute("width"),
            fill, opacity, fillOpacity];
  });
  return [one.getAttribute("class"), lines, found[0]?.closest("svg") === one.closest("svg")];
})"""


def paints(view, selector):
    return view.locator(selector).evaluate_all(PAINTS)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_cuts_are_hatched_in_every_view_of_a_page_as_the_legend_has_it(shown, gpt, dark):
    trace = gpt.trace(PROMPT)
    last = len(trace.tokens) - 1
    key, mlp = gptviz.ablate_key(1, query=last, key=4), gptviz.ablate_mlp(4, position=last)
    page = shown(gptviz.FlowView(trace, edits=[key, mlp]), gptviz.FlowView(trace, edits=[mlp]), dark=dark).page
    settle(page)
    one, other = (page.locator(".gptviz-flow").nth(i) for i in range(2))
    legend = paints(one, ".swatch > rect")
    ((_, (line,), is_own),) = legend
    assert is_own
    turned, step, width, ink, *opacities = line
    assert turned == "rotate(45)" and float(step) > 2 * float(width) >= 2
    assert contrast(ink, paper(dark)) >= 3 and opacities == ["1", "1"]
    for view, kinds in ((one, ["band mlp", "curve ribbon"]), (other, ["band mlp"])):
        cut = paints(view, ".canvas [data-cut]")
        assert sorted(kind for kind, *_ in cut) == kinds
        assert all(lines == [line] and is_own for _, lines, is_own in cut), cut
    ids = page.locator("pattern").evaluate_all("(all) => all.map(({ id }) => id)")
    assert len(set(ids)) == len(ids) == 4


def test_the_whole_attention_of_a_block_is_hatched_with_its_bundle(shown, gpt):
    trace = gpt.trace(PROMPT)
    last = len(trace.tokens) - 1
    page = shown(gptviz.FlowView(trace, edits=[gptviz.ablate_attention(1, position=last)])).page
    settle(page)
    row = f".canvas [data-to='{last}'][data-column='1']"
    assert page.locator(f"{row}.bundle").count() == 1, "this prompt has ribbons below one pixel there"
    assert page.locator(row).count() > 2
    assert page.locator(f"{row}:not([data-cut])").count() == 0
    assert page.locator(".canvas .curve[data-cut]").count() == page.locator(row).count()
    everywhere = shown(gptviz.FlowView(trace, edits=[gptviz.ablate_attention(1)])).page
    settle(everywhere)
    assert everywhere.locator(".canvas [data-column='1']:not([data-cut])").count() == 0
    assert everywhere.locator(".canvas .curve[data-cut]").count() > page.locator(row).count()


def test_a_click_cuts_the_bars_move_and_the_cut_stays_as_a_chip(shown, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    view, other = gptviz.FlowView(box), gptviz.InterventionView(box)
    showing = shown(view)
    page, trace = showing.page, box.trace
    last = len(trace.tokens) - 1
    settle(page)
    page.locator("[data-row=cut-attention] button").nth(2).click()
    settle(page)
    cut = gptviz.ablate_attention(2, position=last)
    assert view.edits == other.edits == (cut,)
    leaders = trace.top(8)
    after = gpt.trace([token.id for token in trace.tokens], edits=[cut]).probabilities()
    pairs = [text.split(" → ") for text in texts(page, ".bars li:not(:last-child) .number")][:8]
    agree([f"{before} %" for before, _ in pairs], [share for _, share in leaders])
    agree([now for _, now in pairs], [after[token.id] for token, _ in leaders])
    expect(page.locator(".gptviz-flow .cut")).to_contain_text("block 2, attention into")
    assert page.locator(".gptviz-flow .curve[data-cut]").count() > 0
    page.locator(".gptviz-flow .cut button").click()
    settle(page)
    assert view.edits == ()
    expect(page.locator(".gptviz-flow .made")).to_be_hidden()


def test_a_ribbon_and_an_mlp_are_cut_by_a_click_and_by_keys(shown, gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(trace)
    page = shown(view).page
    settle(page)
    page.locator(".gptviz-flow .curve.ribbon").first.dispatch_event("click")
    settle(page)
    (key,) = view.edits
    assert key.call == "ablate_key" and key.renormalise
    expect(page.locator(".gptviz-flow .made .scaled")).to_contain_text("renormalised")
    share = lens.flow(trace, key.query).attention(key.layer)[key.query, key.key]
    shown_share = float(page.locator(".gptviz-flow .curve.ribbon[data-cut]").first.get_attribute("data-share"))
    assert shown_share == approx_float32(share * lens.flow(trace).importance[key.layer + 1, key.query], 1.0)
    page.locator(".gptviz-flow .band.mlp").last.dispatch_event("click")
    settle(page)
    assert [edit.call for edit in view.edits] == ["ablate_key", "ablate_mlp"]
    page.locator(".gptviz-flow summary").press("Enter")
    expect(page.locator(".gptviz-flow details .scaled")).to_be_visible()
    row = page.locator(".gptviz-flow details tbody tr").first
    row.locator("button").press("Enter")
    settle(page)
    assert view.edits in [(view.edits[0],), view.edits] and len(view.edits) in (1, 3)


def test_a_refused_outcome_keeps_the_cuts(shown, opened, tmp_path):
    gpt = gptviz.load()
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    cut = gptviz.ablate_attention(2, position=len(box.trace.tokens) - 1)
    view, other = gptviz.FlowView(box, edits=[cut]), gptviz.InterventionView(box)
    page = opened(view.save_html(tmp_path / "flow.html"))
    without = gpt.trace(PROMPT).top(1, 6)[0][1]
    live = shown(view).page
    for shows in (page, live):
        settle(shows)
        assert "→" in texts(shows, ".bars .number")[0]
        if shows is live:
            with torch.no_grad():
                next(gpt.model.parameters()).mul_(1.1)
        top = shows.locator(".gptviz-flow .stage.beside").bounding_box()["y"]
        shows.locator(".gptviz-flow .sentence-row button").nth(6).click()
        settle(shows)
        assert shows.locator(".gptviz-flow .stage.beside").bounding_box()["y"] == pytest.approx(top, abs=1)
        if shows is live:
            expect(shows.locator(".gptviz-flow .cuts .problem")).not_to_be_empty()
        else:
            expect(shows.locator(".gptviz-flow .made > p").first).to_contain_text("does not keep what these cuts do")
            assert shows.locator(".gptviz-flow [role=alert]:visible").count() == 0
        expect(shows.locator(".gptviz-flow .cut")).to_have_count(1)
        agree(texts(shows, ".bars .number")[:1], [without])
    page.locator(".gptviz-flow .sentence-row button").nth(cut.position).click()
    settle(page)
    assert "→" in texts(page, ".bars .number")[0]
    assert view.edits == other.edits == (cut,)


def test_a_bar_that_leads_only_after_the_cuts_is_no_button(shown, gpt):
    trace = gpt.trace(PROMPT)
    edits = [gptviz.ablate_attention(0, position=len(trace.tokens) - 1), gptviz.ablate_mlp(0)]
    leader, share = gpt.trace(PROMPT, edits=edits).top(1)[0]
    assert leader.id not in {token.id for token, _ in trace.top(8)}
    page = shown(gptviz.FlowView(trace, edits=edits)).page
    settle(page)
    extra = page.locator(".gptviz-flow .bars li").nth(8)
    expect(extra.locator(".leads-now .chip")).to_have_text(chip_text(leader))
    before = trace.probabilities()[leader.id]
    was, now = extra.locator(".number").inner_text().split(" → ")
    agree([f"{was} %", now], [before, share])
    assert extra.locator("button").count() == 0
    page.locator(".gptviz-flow .bars button").last.focus()
    page.keyboard.press("ArrowDown")
    settle(page)
    expect(page.locator(".gptviz-flow .bars button").nth(7)).to_be_focused()
    expect(page.locator(".gptviz-flow .bars button").nth(7)).to_have_attribute("aria-pressed", "true")


def test_the_note_beside_the_cuts_says_which_pass_the_bars_are_of(shown, gpt):
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.FlowView(trace, edits=[gptviz.ablate_mlp(4)])).page
    settle(page)
    note = page.locator(".gptviz-flow .made > p").first
    expect(note).to_contain_text("bars show the pass with these cuts")
    page.locator(".gptviz-flow .sentence-row button").nth(6).hover()
    expect(note).to_contain_text("bars and the ribbons still show the pass without cuts")
    agree(texts(page, ".bars .number")[:8], [share for _, share in trace.top(8, 6)])
    page.locator(".gptviz-flow h3").hover()
    expect(note).to_contain_text("bars show the pass with these cuts")


def test_the_cut_of_one_ribbon_is_compared_with_that_of_all_where_it_changes_more(shown, gpt):
    trace = gpt.trace(PROMPT)
    last, mary = len(trace.tokens) - 1, trace.top(1)[0][0].id
    after = {
        edit: gpt.trace(PROMPT, edits=[edit]).probabilities()[mary]
        for edit in (gptviz.ablate_key(5, last, 4), gptviz.ablate_attention(5, position=last))
    }
    one, all_of_them = after.values()
    before = trace.probabilities()[mary]
    assert before - one > before - all_of_them + 0.01, "in this prompt the cut of one ribbon changes more"
    view = gptviz.FlowView(trace, edits=[next(iter(after))])
    page = shown(view).page
    settle(page)
    text = page.locator(".gptviz-flow .made .scaled").inner_text()
    sentence = re.search(
        r"all attention of block 5, .*of ␣Mary goes from (.+ %) to (.+ %), with that cut only to (.+ %)\.", text
    )
    agree(list(sentence.groups()), [before, one, all_of_them])
    page.locator(".gptviz-flow .bars button").nth(3).click()  # a token whose probability hardly changes
    expect(page.locator(".gptviz-flow .made .scaled")).not_to_contain_text("goes from")


def test_a_cut_that_leaves_the_row_as_it_is_is_not_called_renormalised(shown, gpt):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT), edits=[gptviz.ablate_key(1, 14, 4, renormalise=False)])).page
    settle(page)
    expect(page.locator(".gptviz-flow .cut")).to_contain_text("renormalise=False")
    expect(page.locator(".gptviz-flow .made .scaled")).to_be_hidden()


def test_cuts_that_are_not_known_are_no_missing_parts(shown, gpt, tmp_path):
    trace = gpt.trace(PROMPT)
    trace.save(tmp_path / "trace.gptviz")
    page = shown(gptviz.FlowView(gptviz.open_trace(tmp_path / "trace.gptviz"))).page
    settle(page)
    for row in ("attention", "mlp"):
        assert texts(page, f"[data-row=cut-{row}] td") == ["–"] * trace.n_layers
    expect(page.locator(".gptviz-flow .effects-note")).not_to_be_empty()
