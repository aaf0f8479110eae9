"""What the attention view sends, and how quickly another head is drawn: `python tests/benchmarks/views.py`.

Measures and prints, asserts nothing about time. GPT-2 small's shape, 12 layers of 12 heads, random weights. The bytes are
those of the first view: pooled thumbnails, labels, one exact head. A switch is the kernel's part (the map, packed) and the
page's (from the click to the new picture, on a head that came before), without the wire between them. Aims: 700 kB at 64
tokens, 3 MB at 1,024; a switch within 100 ms at 1,024 tokens.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from playwright.sync_api import sync_playwright
from transformers import GPT2Config, GPT2LMHeadModel

sys.path.insert(0, str(Path(__file__).parents[1]))
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, state_of
from families import tokenizer

import gptviz
from gptviz.doctor import find_chromium
from gptviz.wire import pack

SWITCHES = 15
SWITCH = """async (index) => {
    const buttons = document.querySelectorAll(".grid button"), root = document.querySelector(".gptviz-attention");
    const wanted = buttons[index].getAttribute("aria-label"), start = performance.now();
    buttons[index].click();
    while (root.hasAttribute("data-computing") || !root.querySelector("h3").textContent.includes(wanted)) {
        await new Promise((resolve) => setTimeout(resolve));
    }
    root.querySelector("canvas.map").getContext("2d").getImageData(0, 0, 1, 1); // the picture is there
    return performance.now() - start;
}"""


def sent(view: gptviz.AttentionView) -> tuple[int, int]:
    """Bytes of the first view: its state without code and styles, and the open head's exact map."""
    state, _ = state_of(view)
    return len(json.dumps(state)) + len(view._thumbnails), view._answer_head(0, 0).nbytes


def timed(call: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    torch.manual_seed(0)
    gpt = gptviz.wrap(GPT2LMHeadModel(GPT2Config()).eval(), tokenizer())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        for length in (64, 1024):
            ids = torch.randint(0, 256, (length,), generator=torch.Generator().manual_seed(length))
            view = gptviz.AttentionView(gpt.trace(ids))
            state, head = sent(view)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            ViewPage(page, [view])
            for index in (7, 14):
                page.evaluate(SWITCH, index)
            drawn = [page.evaluate(SWITCH, 7 + 7 * (i % 2)) for i in range(SWITCHES)]
            answered = [timed(lambda i=i, view=view: pack(view._answer_head(i % 12, i % 7))) for i in range(SWITCHES)]
            print(
                f"{length:5,} tokens: {(state + head) / 1e3:7.0f} kB ({state / 1e3:.0f} kB labels and thumbnails, "
                f"{head / 1e3:.0f} kB the open head); a head switch {median(answered) + median(drawn):.0f} ms "
                f"(kernel {median(answered):.0f}, page {median(drawn):.0f}; medians of {SWITCHES})"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
