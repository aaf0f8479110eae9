"""Takes pictures of every view, in light, dark, Chinese and at the projector's scale: `python tests/screenshots.py FOLDER`.

They are for eyes, not for comparison: take them before and after a change to a view, and look. The Explorer is taken closed,
with each station open, and presented step by step. A second argument names the one view to take.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from waiting import LONGEST_WAIT

sys.path.extend([str(Path(__file__).parent), str(Path(__file__).parent / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, settle
from trained import training_view
from view_classes import views_of_a_trace

import gptviz
from gptviz.lab.doctor import find_chromium

PROMPT = "Once upon a time there was a girl named Anna. One day Anna"
GIFT = "When Tom and Mary went to the park, Tom gave a ball to"
LOOKS = {
    "light": {},
    "dark": {"dark": True},
    "chinese": {"language": "zh"},
    "projector": {"scale": "projector"},
    "chinese_projector_dark": {"language": "zh", "scale": "projector", "dark": True},
}


def views(gpt: gptviz.GPT, **options: str) -> dict[str, gptviz.TokensView]:
    """Returns one view of each kind, by name."""
    trace = gpt.trace(PROMPT)
    completion = gpt.complete(PROMPT, max_tokens=24, temperature=0.8, seed=2)
    explorer = gptviz.explore(PROMPT, gpt=gpt, **options)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    chosen = {
        "prompt": gptviz.PromptBox(PROMPT, gpt=gpt, **options),
        "tokens": gptviz.TokensView(trace, **options),
        "attention": gptviz.AttentionView(trace, layer=1, head=3, **options),
        "embedding": gptviz.EmbeddingView(trace, position=9, **options),
        "block": gptviz.BlockView(trace, layer=2, **options),
        "sampling": gptviz.SamplingBench(trace, temperature=0.8, top_k=12, rows=12, **options),
        "sampling_beside": gptviz.SamplingBench(trace, beside=gpt.next_token(completion, 3), rows=8, **options),
        "sampling_all": gptviz.SamplingBench(
            trace,
            all_stages=True,
            temperature=1.4,
            top_k=12,
            top_p=0.9,
            min_p=0.04,
            repetition_penalty=1.2,
            rows=14,
            **options,
        ),
        "intervention": gptviz.InterventionView(
            trace, edits=[gptviz.ablate_head(3, 1), gptviz.ablate_mlp(0), gptviz.scale_head(1, 5, 0.5)], **options
        ),
        "flow": gptviz.FlowView(gpt.trace(GIFT), **options),
        "timeline": branched(gpt, completion, **options),
        "compare": gptviz.compare(trace, gpt.trace(PROMPT.replace("Anna", "Tom")), **options),
        "training": training_view(**options),
        "explorer": explorer,
    }
    others = {kind._name: kind(trace, **options) for kind in views_of_a_trace() if kind._name not in chosen}
    return chosen | others


def branched(gpt: gptviz.GPT, completion: gptviz.Completion, **options: str) -> gptviz.GenerationTimeline:
    """Returns a timeline with two branches, of which it shows the first."""
    view = gptviz.GenerationTimeline(completion, gpt=gpt, **options)
    for step in (3, 8):
        drawn = completion.choices[0].steps[step]
        view.choice = 0
        view.force(step, next(one.token.id for one in drawn.alternatives if one.token.id != drawn.token.id))
    view.wait(LONGEST_WAIT)
    view.choice = 1
    return view


def open_up(page: Page) -> None:
    """Opens everything that a click opens."""
    for summary in page.locator("summary").all():
        summary.click()
    for place in (".gptviz-tokens .row li", ".gptviz-timeline .steps li"):
        if page.locator(place).count():
            page.locator(place).nth(6).click()
    if page.locator(".gptviz-timeline .branches:visible select").count():
        page.locator(".gptviz-timeline .branches select").select_option("0")
    if page.locator(".gptviz-timeline .bench").count():
        page.locator(".gptviz-timeline .bench").click()
    if page.locator(".gptviz-intervention").count():
        page.locator(".gptviz-intervention .show button").last.click()
        page.locator(".gptviz-intervention form button").nth(1).click()
    if page.locator(".gptviz-sampling .draw button").count():
        page.locator(".gptviz-sampling .draw button").first.click()
    settle(page)
    page.mouse.move(2, 2)


def walk(shown: ViewPage, name: Callable[[str], Path]) -> None:
    """Takes the Explorer with one station open after the other, then presented as a class sees it."""
    page = shown.page
    for place in page.locator(".rail li").all():
        place.locator("button").click()
        settle(page)
        shown.screenshot(name(place.evaluate("(node) => node.className.split('at-')[1]")))
        place.locator("button").click()
    page.locator(".tools button").last.click()
    steps = int(page.locator(".tools").inner_text().partition("/ ")[2].split()[0])
    for step in range(steps):
        settle(page)
        page.screenshot(path=str(name(f"present_{step}")))
        page.keyboard.press("Space")


def main(folder: Path, only: str = "") -> None:
    gpt = gptviz.load()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        for look, options in LOOKS.items():
            dark = options.get("dark", False)
            settings = {name: value for name, value in options.items() if name != "dark"}
            for name, view in views(gpt, **settings).items():
                if only in ("", name):
                    page = browser.new_page(viewport={"width": 1280, "height": 720})
                    shown = ViewPage(page, [view], dark=dark)
                    open_up(page)
                    shown.screenshot(folder / f"{name}_{look}.png")
                    if name == "explorer":
                        walk(shown, lambda part, look=look: folder / f"explorer_{part}_{look}.png")
                    page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
