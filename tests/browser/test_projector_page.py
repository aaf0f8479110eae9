"""Large type in little room: what stands in columns and strips stays legible."""

import pytest
from browser.pages import settle
from playwright.sync_api import expect
from waiting import LONGEST_WAIT

import gptviz

TOM = "When Tom and {} went to the park, {} gave a ball to"
COMPARED = TOM.format("Mary", "Tom"), TOM.format("Lucy", "Lucy")
SPACING = """(keys) => {
    const labels = [...keys.children];
    const [first, second] = labels.map((label) => parseFloat(label.style.getPropertyValue("--at")));
    const { a, b } = new DOMMatrix(getComputedStyle(labels[0]).transform);
    return { across: (second - first) * Math.abs(b) / Math.hypot(a, b),
        line: parseFloat(getComputedStyle(labels[0]).fontSize),
        starts: labels.map((label) => label.getBoundingClientRect().bottom - keys.getBoundingClientRect().bottom) };
}"""


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_strips_of_compared_views_are_wide(shown, gpt, width):
    page = shown(gptviz.compare(*map(gpt.trace, COMPARED), scale="projector"), width=width).page
    for view in page.locator(".gptviz-attention").all():
        view.locator(".detail summary").click()
        expect(view.locator(".cell .strip")).to_have_count(3)
        room = view.bounding_box()["width"]
        for strip in view.locator(".strip canvas").all():
            assert strip.bounding_box()["width"] > room / 3


@pytest.mark.parametrize("scale", ["screen", "projector"])
@pytest.mark.parametrize("tokens", [5, 15, 30])
def test_the_names_of_a_maps_columns_do_not_cover_one_another(shown, gpt, scale, tokens):
    """Names at an angle are a line apart, measured across them, and begin at the map."""
    trace = gpt.trace([0, *range(400, 399 + tokens)])
    page = shown(gptviz.AttentionView(trace, scale=scale), height=700).page
    found = page.locator(".gptviz-attention .keys").evaluate(SPACING)
    assert found["across"] >= found["line"], found
    assert all(abs(start) < found["line"] for start in found["starts"])


def test_a_presented_maps_columns_have_all_their_names(shown, gpt):
    explorer = gptviz.explore(COMPARED[0], gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    page = shown(explorer, width=1280, height=720).page
    page.get_by_role("button", name="present").click()
    root = page.locator(".gptviz-explorer")
    while root.get_attribute("data-step") != "attention":
        step = root.get_attribute("data-step")
        page.keyboard.press("Space")
        expect(root).not_to_have_attribute("data-step", step)
    settle(page)
    keys = page.locator(".gptviz-attention .keys")
    expect(keys.locator(":scope > span")).to_have_count(len(explorer.box.trace.tokens))
    found = keys.evaluate(SPACING)
    assert found["across"] >= found["line"], found
