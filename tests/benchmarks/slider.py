"""Measures a moved slider: `python tests/benchmarks/slider.py`. Prints times, asserts none.

A real mouse drags each slider of the sampling bench in Chromium, a hundred moves over a vocabulary of 50,257. Each move
is timed from the event's timeStamp until the bars have changed and a layout has been forced. The page is the view's own
module with a small stand-in for the kernel, which counts the messages sent to it. Aims: p95 under 5 ms, no message.
"""

import base64
import json
import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from playwright.sync_api import Page, sync_playwright
from transformers import GPT2Config, GPT2LMHeadModel

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from browser.lab import CHROMIUM_OPTIONS
from families import tokenizer

import gptviz
from gptviz.lab.doctor import find_chromium

MOVES = 100
VOCAB = 50_257
SETTINGS: list[dict[str, Any]] = [{}, {"top_k": 40, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2}]

HOST = """
const { state, buffers, esm } = JSON.parse(document.getElementById("data").textContent);
for (const [name, text] of Object.entries(buffers)) {
  state[name] = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
window.sent = 0;
const model = { get: (name) => state[name], set: (name, value) => { state[name] = value; }, on() {}, off() {},
  send: () => { window.sent += 1; }, save_changes: () => { window.sent += 1; } };
const { default: view } = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
await view.render({ model, el: document.getElementById("view"), signal: new AbortController().signal });
const bars = () => Array.from(document.querySelectorAll(".bar"), (bar) => bar.getBoundingClientRect().x).join();
window.moves = [];
let before = "";
addEventListener("input", (event) => {
  document.querySelector(".bar").getBoundingClientRect(); // forces style and layout of the whole page
  const time = performance.now() - event.timeStamp, after = bars();
  window.moves.push({ time, changed: after !== before });
  before = after;
});
document.body.dataset.ready = "";
"""


def bench(**settings: Any) -> gptviz.SamplingBench:
    """Returns a bench on a random model whose next token is neither certain nor uniform."""
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=VOCAB, n_embd=24, n_layer=1, n_head=2, n_positions=64)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        model.lm_head.weight.normal_(0, 0.6)
    trace = gptviz.wrap(model, tokenizer()).trace("the deja-vu of the thin owl")
    return gptviz.SamplingBench(trace, **settings)


def page_of(view: gptviz.SamplingBench) -> str:
    """Returns the HTML of a plain page with the view."""
    state = {name: value for name, value in view.get_state().items() if not name.startswith(("_model", "_view"))}
    binary = {name: value for name, value in state.items() if isinstance(value, (bytes, memoryview))}
    data = {
        "esm": state.pop("_esm"),
        "buffers": {name: base64.b64encode(value).decode() for name, value in binary.items()},
        "state": {name: value for name, value in state.items() if name not in binary},
    }
    text = json.dumps(data, default=str).replace("<", "\\u003c")
    return (
        f"<!doctype html><meta charset=utf-8><style>{state['_css']}</style><div id=view></div>"
        f'<script id=data type="application/json">{text}</script><script type=module>{HOST}</script>'
    )


def drag(page: Page, slider: int) -> list[dict[str, Any]]:
    """Drags one slider back and forth; returns each move's milliseconds and whether a bar changed."""
    box = page.locator("input[type=range]").nth(slider).bounding_box()
    assert box
    left, width, middle = box["x"] + 12, box["width"] - 24, box["y"] + box["height"] / 2
    page.mouse.move(left, middle)
    page.mouse.down()
    page.evaluate("window.moves = []")
    for move in range(MOVES * 3):  # two moves within one frame reach the page as one
        share = 0.1 + 0.8 * abs((move * 0.013) % 2 - 1)
        page.mouse.move(left + width * share, middle)
        if move % 10 == 0 and page.evaluate("window.moves.length") >= MOVES + 10:
            break
    page.mouse.up()
    return page.evaluate("window.moves")[10 : MOVES + 10]  # the browser compiles the code during the first moves


def main() -> None:
    program = find_chromium()  # starts Playwright itself, so it must run before ours
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        print(f"Chromium {browser.version}, {VOCAB:,} tokens; ms from the event to changed bars, layout forced")
        for settings in SETTINGS:
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.set_content(page_of(bench(**settings)))
            page.wait_for_selector("body[data-ready]", state="attached")
            print("\n" + (", ".join(f"{name}={value}" for name, value in settings.items()) or "all cuts off"))
            for slider, name in enumerate(("temperature", "top-k", "top-p", "min-p", "repetition penalty")):
                moves = drag(page, slider)
                times, changed = [move["time"] for move in moves], sum(move["changed"] for move in moves)
                spread = f"median {median(times):5.2f}   p95 {quantiles(times, n=20)[-1]:5.2f}"
                print(f"  {name:18} {len(moves):4} moves, {changed:3} changed bars   {spread}")
            print(f"  messages to the kernel: {page.evaluate('window.sent')}")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
