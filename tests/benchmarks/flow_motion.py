"""Measures the frames of a played pass: `python tests/benchmarks/flow_motion.py`. Prints times, asserts none.

The flow view of the embedded model plays a sentence in Chromium, from the first step to the last, without pauses between
the steps. The frames are counted in the page, from one animation frame to the next; the longest tell where it stutters.
Aim: 50 frames a second.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, settle

import gptviz
from gptviz.lab.doctor import find_chromium

PROMPT = "When Tom and Mary went to the park, Tom gave a ball to"
KNOWN = "() => !document.querySelector('.player label').hidden"
# Each step begins when the one before it has moved; the frames of a step are those from its first to its last.
PLAY = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const root = document.querySelector(".gptviz-flow"), forward = document.querySelector("[data-action=forward]");
  const shown = () => [...root.querySelectorAll(".play-layer, .play-front, .play-token, .play-marker, .canvas, .bars")]
    .map(({ style }) => style.cssText).join();
  const done = document.querySelector(".player progress"), steps = [];
  while (done.value < done.max) {
    forward.click();
    const kind = root.dataset.step, times = [await frame()];
    for (let before = "", now = shown(); before !== now; before = now, now = shown()) times.push(await frame());
    if (times.length > 5) steps.push({ kind, times: times.slice(1).map((time, i) => time - times[i]) });
  }
  return steps;
}"""


def main() -> None:
    trace = gptviz.load().trace(PROMPT)
    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        for scale in ("screen", "projector"):
            page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="no-preference")
            ViewPage(page, [gptviz.FlowView(trace, scale=scale)])
            settle(page)
            page.locator(".player .play").click()
            page.keyboard.press("ArrowLeft")
            page.wait_for_function(KNOWN)
            steps = page.evaluate(PLAY)
            times = [time for step in steps for time in step["times"]]
            slowest = max(steps, key=lambda step: sum(step["times"]) / len(step["times"]))
            slow = 1e3 * len(slowest["times"]) / sum(slowest["times"])
            print(
                f"{scale:9}: {1e3 * len(times) / sum(times):.0f} frames a second in {len(steps)} steps that move; "
                f"slowest step ({slowest['kind']}) {slow:.0f}; longest frame {max(times):.0f} ms"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
