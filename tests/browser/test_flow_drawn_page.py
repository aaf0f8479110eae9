"""What the flow view draws: contrast, hooks, outlines, the key to it, and names and numbers that fit a narrow page."""

import pytest
from browser.flow_page import PROMPT, contrast, paper
from browser.pages import settle
from families import IDS, build, tokenizer
from playwright.sync_api import expect

import gptviz


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


OVERFLOW = """() => {
  const root = document.querySelector(".gptviz-flow");
  const { right } = root.getBoundingClientRect();
  return [...root.querySelectorAll("*")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".visually-hidden, thead"))
    .filter((node) => node.getBoundingClientRect().right > right + 1).map((node) => node.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("options", [{}, {"scale": "projector"}, {"language": "zh"}], ids=str)
def test_nothing_is_cut_off_at_narrow_widths(shown, gpt, options):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT), **options), width=848).page
    for width in (848, 1112, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.evaluate(OVERFLOW) == [], width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        tops = page.locator(".gptviz-flow .label").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().top)"
        )
        assert tops == sorted(tops) and len(set(tops)) == len(tops), width


COMPUTED_PAINT = """(all, paint) => all.map((one) => {
  const style = getComputedStyle(one);
  return [style[paint], style.opacity, style[`${paint}-opacity`]];
})"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_drawn_has_contrast_and_full_opacity(shown, gpt, dark):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT)), dark=dark).page
    settle(page)
    for kind, paint in (("curve", "stroke"), ("band", "fill")):
        styles = page.locator(f".gptviz-flow svg .{kind}").evaluate_all(COMPUTED_PAINT, paint)
        for colour, *opacities in styles:
            assert contrast(colour, paper(dark)) >= 3, (kind, colour)
            assert opacities == ["1", "1"]


# Of each hook of a picture: its thickness, and the smallest radius of its bends, in pixels.
HOOKS = """(all) => all.map((one) => {
  const length = one.getTotalLength(), step = length / 60;
  const points = Array.from({ length: 61 }, (_, i) => one.getPointAtLength(i * step));
  const radii = points.slice(1, -1).map((b, i) => {
    const [a, c] = [points[i], points[i + 2]];
    const sides = [[a, b], [b, c], [c, a]].map(([p, q]) => Math.hypot(p.x - q.x, p.y - q.y));
    const area = Math.abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)) / 2;
    return (sides[0] * sides[1] * sides[2]) / (4 * area);
  });
  return [Number(one.getAttribute("stroke-width")), Math.min(...radii)];
})"""


def test_thick_hooks_are_not_torn_and_start_in_their_column(shown, gpt):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT), position=3, scale="projector")).page  # much rests at the start mark
    settle(page)
    hooks = page.locator(".gptviz-flow svg .curve.rest")
    drawn = hooks.evaluate_all(HOOKS)
    assert max(thickness for thickness, _ in drawn) > 20
    assert all(radius >= thickness / 2 for thickness, radius in drawn), drawn
    edges = page.locator(".gptviz-flow svg .border").evaluate_all("(all) => all.map((one) => one.x1.baseVal.value)")
    for column, x in hooks.evaluate_all("(all) => all.map((one) => [one.dataset.column, one.getBBox().x])"):
        assert x >= [0, *edges][int(column)] - 0.1


@pytest.mark.parametrize("options", [{}, {"scale": "projector"}, {"language": "zh"}], ids=str)
def test_names_of_rows_end_before_the_picture_and_their_shares_are_whole(shown, gpt, options):
    trace = gpt.trace("Tom saw everything and wanted everything, so he told everybody")
    page = shown(gptviz.FlowView(trace, **options), width=848).page
    settle(page)
    for is_opened in (False, True):
        edge = page.locator(".gptviz-flow .canvas").bounding_box()["x"]
        labels = page.locator(".gptviz-flow .label").evaluate_all(
            """(all) => all.map((one) => [...one.querySelectorAll(":scope > :not(.lane)")].map((part) => {
              const { left, right } = part.getBoundingClientRect();
              return [left, right, part.matches(".share") && part.scrollWidth > part.clientWidth];
            }).sort(([a], [b]) => a - b))"""
        )
        assert max(len(parts) for parts in labels) >= 2
        for parts in labels:
            assert all(right <= edge and not is_clipped for _, right, is_clipped in parts), parts
            assert all(parts[i][1] <= parts[i + 1][0] + 0.5 for i in range(len(parts) - 1)), parts
        if not is_opened:
            page.locator(".gptviz-flow [data-key=lane]").click()
            settle(page)


def test_the_legend_names_the_lane_and_hatching(shown, gpt):
    trace = gpt.trace(PROMPT)
    legend = shown(gptviz.FlowView(trace)).page.locator(".gptviz-flow .legend li")
    assert legend.all_inner_texts()[-2:] == [
        "thin lane: the start mark, where a head looks if it finds nothing to take",
        "hatched: not counted. A part that is cut, a later token in a head’s map, or what is read before block 0",
    ]
    without = gptviz.wrap(build("llama"), tokenizer()).trace(IDS)
    assert not without.tokens[0].special
    expect(shown(gptviz.FlowView(without)).page.locator(".gptviz-flow .legend li")).to_have_count(4)


def test_a_very_thin_mlp_has_no_outline_that_looks_like_a_notch(shown, gpt):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT))).page
    settle(page)
    outlines = page.locator(".gptviz-flow svg .band.mlp").evaluate_all(
        "(all) => all.map((one) => [Number(one.getAttribute('height')), getComputedStyle(one).stroke !== 'none'])"
    )
    assert {has_outline for _, has_outline in outlines} == {True, False}
    assert all(has_outline == (height >= 3) for height, has_outline in outlines)
