"""Measures scrubbing a generation, and the delay until a branch is shown: `python tests/benchmarks/timeline.py`.

Prints times, asserts none. The model is `tales`. A scrub is timed from the slider's event until the page has changed
and a layout was forced, over a short and a long text; also in CPU milliseconds of the page's script, style and layout,
which other programs do not affect. A branch is timed from the click on an alternative to the forced token on screen,
and to the first token that the model sampled after it: the kernel's pass, the page's questions and the drawing, without
a network between them. Aims: a scrub's p95 under 16 ms, no message; a branch's start under 150 ms.
"""

import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage

import gptviz
from gptviz.lab.doctor import find_chromium

PROMPT = "Once upon a time there was a girl named Anna. One day Anna"
LENGTHS = 40, 120
MOVES, BRANCHES = 100, 15
SCRUB = """async ({ moves, steps }) => {
    const slider = document.querySelector(".controls input"), times = [];
    for (let move = 0; move < moves; move++) {
        await new Promise(requestAnimationFrame);
        slider.value = String((move * 7) % steps);
        const start = performance.now();
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        document.querySelector(".detail .fill").getBoundingClientRect(); // forces style and layout of the whole page
        times.push(performance.now() - start);
    }
    return times;
}"""
BRANCH = """async (step) => {
    const items = () => document.querySelectorAll(".steps li"), forced = () => document.querySelector(".steps [data-forced]");
    items()[step].click();
    const button = document.querySelector(".detail tbody button:not([hidden])"), start = performance.now();
    button.click();
    while (!forced()) await new Promise((resolve) => setTimeout(resolve));
    forced().getBoundingClientRect();
    const token = performance.now() - start;
    while (items().length < step + 2) await new Promise((resolve) => setTimeout(resolve));
    document.querySelector(".steps li:last-child").getBoundingClientRect();
    return [token, performance.now() - start];
}"""

HEAR = """() => models[0].on("msg:custom", ({ kind, choice }) => {
    if (kind === "choice") models[0].set("choice", choice);
})"""


class LivePage(ViewPage):
    """A ViewPage that also receives which branch is shown, before the answer, as from a kernel."""

    def _kernel(self, index: int | str, message: Any) -> list[Any]:
        sent = super()._kernel(index, message)
        told = message.get("name") == "force"
        return [[{"kind": "choice", "choice": self.widgets[0].choice}, []], *sent] if told else sent


def processor(session: CDPSession) -> float:
    """Returns the CPU milliseconds that the page's script, style and layout have taken."""
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return 1e3 * sum(metrics[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))


def scrub(page: Page, steps: int) -> tuple[list[float], float]:
    """Returns each move's milliseconds, and the mean CPU milliseconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(SCRUB, {"moves": 10, "steps": steps})  # the browser compiles the code during the first moves
    before = processor(session)
    times = page.evaluate(SCRUB, {"moves": MOVES, "steps": steps})
    return times, (processor(session) - before) / MOVES


def spread(times: list[float]) -> str:
    return f"median {median(times):.1f} ms, p95 {quantiles(times, n=20)[-1]:.1f}"


def main() -> None:
    gpt, program = gptviz.load(), find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        for length in LENGTHS:
            completion = gpt.complete(PROMPT, max_tokens=length, temperature=0.9, seed=5)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            ViewPage(page, [gptviz.GenerationTimeline(completion, gpt=gpt)])
            sent, steps = page.evaluate("models[0].sent"), len(completion.choices[0].steps)
            times, cost = scrub(page, steps)
            messages = page.evaluate("models[0].sent") - sent
            print(f"a scrub over {steps} steps: {spread(times)}; {cost:.1f} of processor; {messages} messages")
            page.close()
        starts = []
        for branch in range(BRANCHES):
            view = gptviz.GenerationTimeline(gpt.complete(PROMPT, max_tokens=40, temperature=0.9, seed=branch), gpt=gpt)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            LivePage(page, [view])
            page.evaluate(HEAR)
            starts.append(page.evaluate(BRANCH, 2 + branch))
            view._require_run().branches[-1].cancel.set()
            page.close()
        forced, first = (list(times) for times in zip(*starts, strict=True))
        print(
            f"a click on an alternative to it on screen: {spread(forced)}; to the branch's first own token: {spread(first)}"
        )
        browser.close()


if __name__ == "__main__":
    main()
