"""Cuts in the flow view's picture: what is cut is hatched, in a grey that can be seen, as the legend has it."""

import pytest
from browser.flow_page import PROMPT, contrast, paper
from browser.pages import settle

import gptviz


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
