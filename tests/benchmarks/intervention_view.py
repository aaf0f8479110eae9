"""Measures a click in the intervention view until its new bars: `python tests/benchmarks/intervention_view.py`.

Prints times, asserts none. The model is `tales`. Includes the click, the kernel's edited pass and drawing the bars, but
no network between page and kernel. Aim: a median under 150 ms. The effects of switching off every part are not
included: a button computes them.
"""

import sys
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from benchmarks.capture import seconds
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage

import gptviz
from gptviz.lab.doctor import find_chromium

PROMPT = "Once upon a time there was a girl named Anna. One day Anna"
CLICKS = 31
CLICK = """async (index) => {
    const root = document.querySelector(".gptviz-intervention"), before = root.querySelector("tbody").firstChild;
    const start = performance.now();
    root.querySelectorAll(".grid button")[index].click();
    while (root.hasAttribute("data-computing") || root.querySelector("tbody").firstChild === before) {
        await new Promise((resolve) => setTimeout(resolve));
    }
    root.querySelector("tbody .bar").getBoundingClientRect(); // the bars have their lengths
    return performance.now() - start;
}"""


def main() -> None:
    gpt = gptviz.load()
    view = gptviz.InterventionView(gpt.trace(PROMPT))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        ViewPage(page, [view])
        squares = gpt.n_layers * (gpt.n_heads + 1)
        clicks = sorted(page.evaluate(CLICK, 7 * i % squares) for i in range(CLICKS))
        edits = [[{"kind": "ablate_head", "layer": 0, "head": i % gpt.n_heads}] for i in range(CLICKS)]
        passes = [1e3 * seconds(lambda edit=edit: view._answer_outcome(edit)) for edit in edits]
        print(
            f"a click to new bars: {median(clicks):.0f} ms, p95 {clicks[int(0.95 * CLICKS)]:.0f} "
            f"(the kernel's answer to one edit {median(passes):.0f}; medians of {CLICKS})"
        )
        print(
            f"what each of {squares} absences does: {1e3 * seconds(lambda: view._answer_sweep(view.watch.id)):.0f} ms"
        )
        browser.close()


if __name__ == "__main__":
    main()
