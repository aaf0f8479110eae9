"""Draws the README's pictures into assets/pictures, in light and dark: `python tests/pictures.py`.

They show the embedded model's own numbers in the views' own modules.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.extend([str(Path(__file__).parent), str(Path(__file__).parent / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, settle

import gptviz
from gptviz.lab.doctor import find_chromium

PICTURES = Path(__file__).parent.parent / "assets" / "pictures"
PROMPT = "Once upon a time there was a girl named Anna. One day Anna"


def main() -> None:
    trace = gptviz.load().trace(PROMPT)
    written = trace.gpt.complete(PROMPT, max_tokens=30, temperature=0.8, seed=1)
    gift = trace.gpt.trace("Kate met David on the road. Then Kate told a story to")
    most = gift.attention()[:, :, -1, 3].argmax()  # the head that looks most from the last token at David
    looker = divmod(int(most), gift.n_heads)
    ball = trace.gpt.trace("When Tom and Mary went to the park, Tom gave a ball to")
    views = {
        "flow": lambda: gptviz.FlowView(ball),
        "attention": lambda: gptviz.AttentionView(trace),
        "sampling": lambda: gptviz.SamplingBench(trace, temperature=0.8, top_k=12, rows=14),
        "explorer": lambda: gptviz.explore(PROMPT, gpt=trace.gpt),
        "timeline": lambda: gptviz.GenerationTimeline(written, gpt=trace.gpt),
        "intervention": lambda: gptviz.InterventionView(gift, edits=[gptviz.ablate_head(*looker)]),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        for theme in ("light", "dark"):
            for name, view in views.items():
                page = browser.new_page(viewport={"width": 1160, "height": 530})
                shown = ViewPage(page, [view()], dark=theme == "dark")
                if name == "explorer":
                    page.locator(".at-attention button").click()
                settle(page)
                shown.screenshot(PICTURES / f"{name}_{theme}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
