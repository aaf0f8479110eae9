"""Draws the README's pictures into assets/pictures, in light and dark: `python tests/pictures.py`.

They show the embedded model's own numbers in the views' own modules. One of them moves: the flow view's player, from the
tokens to the pass after the drawn token. `python tests/pictures.py play` draws that one alone.
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.extend([str(Path(__file__).parent), str(Path(__file__).parent / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, settle
from moving_picture import MovingPicture

import gptviz
from gptviz.lab.doctor import find_chromium

PICTURES = Path(__file__).parent.parent / "assets" / "pictures"
BALL = "When Tom and Mary went to the park, Tom gave a ball to"
FRAME = 140  # milliseconds of the player's clock from frame to frame
KNOWN = "() => !document.querySelector('.player label').hidden"
PROMPT = "Once upon a time there was a girl named Anna. One day Anna"


def main() -> None:
    trace = gptviz.load().trace(PROMPT)
    written = trace.gpt.complete(PROMPT, max_tokens=30, temperature=0.8, seed=1)
    gift = trace.gpt.trace("Kate met David on the road. Then Kate told a story to")
    most = gift.attention()[:, :, -1, 3].argmax()  # the head that looks most from the last token at David
    looker = divmod(int(most), gift.n_heads)
    ball = trace.gpt.trace(BALL)
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
                    page.locator(".at-logits button").click()
                settle(page)
                page.evaluate("scrollTo(0, 0)")
                shown.screenshot(PICTURES / f"{name}_{theme}.png")
                page.close()
        record(browser)
        browser.close()


def record(browser: Browser) -> None:
    """Records a whole play. The page's clock stands still while a frame is taken, so that no frame is missing."""
    page = browser.new_page(viewport={"width": 1160, "height": 690}, reduced_motion="no-preference")
    ViewPage(page, [gptviz.FlowView(gptviz.load().trace(BALL))])
    settle(page)
    page.locator(".player .play").click()
    page.wait_for_function(KNOWN)
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.get_by_role("button", name="from the beginning").click()
    picture = MovingPicture(page, browser.new_page())
    while page.locator(".player .play").inner_text() != "▶\nplay again":
        page.clock.run_for(FRAME)
        picture.add(FRAME)
    picture.add(3000)
    picture.save(PICTURES / "flow_play.webp")
    page.close()


def play_alone() -> None:
    """Draws the picture that moves."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        record(browser)
        browser.close()


if __name__ == "__main__":
    play_alone() if sys.argv[1:] == ["play"] else main()
