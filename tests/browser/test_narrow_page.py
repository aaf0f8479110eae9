"""Views in a column of 400 pixels, as in a phone or in half of a small window: nothing is wider than the view."""

import pytest
from browser.pages import settle

import gptviz

PROMPT = "Once upon a time there was a girl named Anna. One day Anna"
# The parts that reach beyond their view, as [class, text, by how many pixels]; what scrolls inside a box of its own may be wider.
TOO_WIDE = """(root) => {
  const edge = root.getBoundingClientRect().right;
  const scrolls = (node) => {
    for (let one = node.parentElement; one && one !== root; one = one.parentElement)
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(one).overflowX)) return true;
    return false;
  };
  return [...root.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().width && !scrolls(node))
    .map((node) => [node.className, node.textContent.slice(0, 30), Math.round(node.getBoundingClientRect().right - edge)])
    .filter(([, , excess]) => excess > 1);
}"""


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["BlockView", "EmbeddingView", "SamplingBench"])
def test_nothing_is_wider_than_the_view(shown, gpt, kind, language):
    page = shown(getattr(gptviz, kind)(gpt.trace(PROMPT), language=language), width=400, height=900).page
    settle(page)
    assert page.locator("#views > div > .gptviz").evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("kind", ["BlockView", "EmbeddingView"])
def test_a_strip_is_long_and_its_name_is_whole(shown, gpt, kind):
    page = shown(getattr(gptviz, kind)(gpt.trace(PROMPT)), width=400, height=900).page
    settle(page)
    strips, names = page.locator(".strip canvas:visible"), page.locator(".strip .name:visible")
    assert min(strip.bounding_box()["width"] for strip in strips.all()) > 300
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"
    assert names.evaluate_all(cut) == []
