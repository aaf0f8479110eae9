"""Measures the flow view's first picture, its cuts and following a token: `python tests/benchmarks/flow.py`.

Prints times, asserts none. The first picture of `tales` at 15 tokens is timed from the prompt's answer: the view's numbers
in the kernel, and drawing them in Chromium, without the way between the two. The cuts are timed from there until the page
shows them, including the question over a web socket. Following another token is timed from the pointer to the new layout.
The bytes are those of the first messages of a model of 12 layers of 12 heads at 64 tokens. Aims: 300 ms, 500 ms, 30 ms
without a message to the kernel, 700 kB.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import torch
from playwright.sync_api import sync_playwright
from transformers import GPT2Config, GPT2LMHeadModel

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, state_of
from families import tokenizer
from views import CONNECT, Kernel, serve

import gptviz
from gptviz.lab.doctor import find_chromium

PROMPTS = [
    "When Tom and Mary went to the park, Tom gave a ball to",
    "When Lily and Jack went to the shop, Jack gave a book to",
    "When Sam and Anna went to the lake, Anna gave a fish to",
]
ROUNDS = 3
NEW_TRACE = """async ([state, buffers]) => {
    const start = performance.now(), root = document.querySelector(".gptviz-flow");
    update(0, state, buffers);
    root.getBoundingClientRect(); // forces style and layout of the whole page
    const drawn = performance.now();
    const columns = root.querySelectorAll("button.name").length;
    while (root.querySelectorAll("[data-row=cut-mlp] button").length < columns) {
        await new Promise((resolve) => setTimeout(resolve));
    }
    document.body.getBoundingClientRect();
    return [drawn - start, performance.now() - drawn];
}"""
FOLLOW = """(index) => {
    const token = document.querySelectorAll(".gptviz-flow .sentence-row button")[index], sent = models[0].sent;
    const start = performance.now();
    token.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    document.body.getBoundingClientRect();
    return [performance.now() - start, models[0].sent - sent];
}"""


def first_bytes() -> int:
    """Returns the bytes of the first messages at 12 × 12 heads and 64 tokens, without code and styles."""
    torch.manual_seed(0)
    gpt = gptviz.wrap(GPT2LMHeadModel(GPT2Config(n_embd=192)).eval(), tokenizer())
    ids = torch.randint(0, 256, (64,), generator=torch.Generator().manual_seed(64))
    state = gptviz.FlowView(gpt.trace(ids)).get_state()
    plain = {
        name: value for name, value in state.items() if not isinstance(value, bytes) and name[1:4] not in ("esm", "css")
    }
    return len(json.dumps(plain)) + sum(len(value) for value in state.values() if isinstance(value, bytes))


def main() -> None:
    gpt, port = gptviz.load(), serve()
    traces = [gpt.trace(prompt) for prompt in PROMPTS]
    view = gptviz.FlowView(traces[-1])
    Kernel.view = view  # type: ignore[assignment]
    filled, drawn, cut = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        ViewPage(page, [view])
        page.evaluate(CONNECT, port)
        for trace in [
            gpt.trace(prompt) for _ in range(ROUNDS) for prompt in PROMPTS
        ]:  # new ones, of which nothing is kept
            start = time.perf_counter()
            view.trace = trace
            filled.append(1e3 * (time.perf_counter() - start))
            in_page = page.evaluate(NEW_TRACE, list(state_of(view)))
            drawn.append(in_page[0])
            cut.append(in_page[1])
        follows = [page.evaluate(FOLLOW, index) for _ in range(ROUNDS) for index in range(1, len(traces[0].tokens))]
        browser.close()
    asked = sum(count for _, count in follows)
    print(
        f"first picture of {len(traces[0].tokens)} tokens {median(filled) + median(drawn):.0f} ms (kernel {median(filled):.0f}, "
        f"drawing {median(drawn):.0f}; aim: 300); cuts after it {median(cut):.0f} ms (aim: 500); following another token "
        f"{median(took for took, _ in follows):.1f} ms (aim: 30) with {asked} questions to the kernel; medians"
    )
    print(f"12 × 12 heads, 64 tokens: {first_bytes() / 1e3:.0f} kB to the page (aim: 700)")


if __name__ == "__main__":
    main()
