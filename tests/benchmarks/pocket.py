"""Measures the pocket page in Chromium: `python tests/benchmarks/pocket.py`. Prints times and memory, asserts none.

Aims: the first picture at most 3 s after the file is opened, a prompt of 16 tokens in all views within 400 ms, a head that is
switched off within 300 ms, 25 generated tokens a second, and memory that 200 prompts leave as it was.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

sys.path.append(str(Path(__file__).parents[1]))
from browser.lab import CHROMIUM_OPTIONS

from gptviz.handout.pocket import save_pocket
from gptviz.lab.doctor import find_chromium

PROMPTS = 200
ROUNDS = 9
# Runs a prompt; resolves with the milliseconds until the last view, the picture, has the new text.
RUN = """(prompt) => new Promise((resolve) => {
  const field = document.querySelector(".gptviz-prompt textarea");
  const picture = document.querySelector(".gptviz-flow");
  const before = picture.textContent;
  const start = performance.now();
  const look = () => {
    if (picture.textContent !== before && !document.querySelector("[data-computing], [data-waiting]"))
      resolve(performance.now() - start);
    else requestAnimationFrame(look);
  };
  field.value = prompt;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.form.requestSubmit();
  requestAnimationFrame(look);
})"""
# Switches a head off; resolves with the milliseconds until the bars have changed.
OFF = """(index) => new Promise((resolve) => {
  const view = document.querySelector(".gptviz-intervention");
  const table = view.querySelector("tbody");
  const before = table.textContent;
  const start = performance.now();
  view.querySelectorAll(".grid button")[index].click();
  const look = () => (table.textContent === before ? requestAnimationFrame(look) : resolve(performance.now() - start));
  look();
})"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path, _ = save_pocket(Path(folder) / "pocket.html")
        print(f"{'size of the file':<52} {path.stat().st_size / 1e6:8.1f} MB")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        measure(browser.new_page(viewport={"width": 1280, "height": 720}), path.as_uri())
        browser.close()


def measure(page: Page, address: str) -> None:
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".gptviz-attention canvas")
    show("first picture", 1000 * (time.perf_counter() - start), "ms")
    page.wait_for_function("() => document.documentElement.dataset.live === ''")
    show("the model answers", 1000 * (time.perf_counter() - start), "ms")
    page.get_by_role("button", name="show everything").click()
    text = "Tom and Mary went to the park. Tom gave a ball"  # 13 tokens with its start
    times = [page.evaluate(RUN, f"{text}{' to' * (i + 1)}") for i in range(ROUNDS)]
    show("a prompt of about 16 tokens to all views, median", median(times), "ms")
    show("a head off to new bars", page.evaluate(OFF, 13), "ms")
    page.evaluate(RUN, "Once upon a time there was a little girl who lived in")
    start = time.perf_counter()
    page.wait_for_function("() => document.querySelector('.gptviz-timeline').getAttribute('aria-busy') === 'false'")
    seconds, count = time.perf_counter() - start, page.locator(".gptviz-timeline .steps li").count()
    show(f"generated tokens a second, of {count}", count / seconds, "")
    for done in (0, PROMPTS):
        for i in range(done):
            page.evaluate(RUN, f"prompt number {i} of many")
        show(f"memory of the page's own heap after {done} more prompts", heap(page), "MB")


def heap(page: Page) -> float:
    """Returns the megabytes that JavaScript uses in the page, after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: float = session.send("Runtime.getHeapUsage")["usedSize"]
    return used / 1e6


def show(what: str, value: float, unit: str) -> None:
    print(f"{what:<52} {value:8.1f} {unit}")


if __name__ == "__main__":
    main()
