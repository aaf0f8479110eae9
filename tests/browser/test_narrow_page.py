"""Views in a column of 400 pixels, as in a phone or in half of a small window: nothing is wider than the view."""

import pytest
from browser.pages import settle
from trained import training_view

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
@pytest.mark.parametrize("kind", ["BlockView", "EmbeddingView", "SamplingBench", "TrainingView"])
def test_nothing_is_wider_than_the_view(shown, gpt, kind, language):
    is_of_a_run = kind == "TrainingView"
    view = (
        training_view(language=language) if is_of_a_run else getattr(gptviz, kind)(gpt.trace(PROMPT), language=language)
    )
    page = shown(view, width=400, height=900).page
    for summary in page.locator(".gptviz-training summary").all():
        summary.click()
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


# The numbers and names of blocks that a box cuts off, that are broken between lines, or that touch another number.
BROKEN = """(root) => {
  const lines = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()].filter(({ width }) => width > 1);
  };
  const isClipped = (node) => {
    for (let one = node; one && one !== root; one = one.parentElement) {
      if (getComputedStyle(one).overflowX === "visible") continue;
      const { left, right, bottom } = one.getBoundingClientRect();
      return lines(node).some((line) => line.right > right + 1 || line.left < left - 1 || line.bottom > bottom + 2);
    }
    return false;
  };
  const isSeen = (node) => node.checkVisibility({ visibilityProperty: true });
  const names = [...root.querySelectorAll(".head > .name")].filter(isSeen);
  const numbers = [...root.querySelectorAll(".number")].filter(isSeen);
  const broken = [...names, ...numbers].filter(isClipped).map((node) => ["clipped", node.innerText]);
  for (const node of [...numbers.filter((one) => !one.querySelector("span")), ...root.querySelectorAll(".blocks .nowrap")]) {
    if (new Set(lines(node).map(({ top }) => Math.round(top))).size > 1) broken.push(["in lines", node.textContent]);
  }
  numbers.forEach((node, i) => {
    const a = node.getBoundingClientRect();
    for (const other of numbers.slice(i + 1)) {
      const b = other.getBoundingClientRect();
      const isBeside = a.right <= b.left + 0.5 || b.right <= a.left + 0.5;
      if (!isBeside && a.bottom > b.top + 3 && b.bottom > a.top + 3) broken.push(["touch", node.textContent, other.textContent]);
    }
  });
  return broken;
}"""


@pytest.mark.parametrize(
    ("options", "widths"),
    [({}, (400, 600, 848)), ({"language": "zh"}, (400, 600, 848)), ({"scale": "projector"}, (400, 600, 848, 1112))],
    ids=str,
)
def test_no_number_of_the_flow_view_is_cut_or_broken(shown, gpt, options, widths):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT), **options), width=848, height=900).page
    view = page.locator("#views > div > .gptviz")
    for is_open in (False, True):
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            settle(page)
            assert view.evaluate(BROKEN) == [], (is_open, width)
        page.locator(".head .name").nth(2).click()
