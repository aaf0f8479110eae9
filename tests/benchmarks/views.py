"""Measures the attention view's bytes, its time to draw a head, its hover: `python tests/benchmarks/views.py`.

Prints times, asserts none. The model has GPT-2 small's shape (12 layers of 12 heads) and random weights. The bytes are
those of the first view: pooled thumbnails, labels, one exact head. A switch is timed in the page from the click to the
drawn picture, including the question over a web socket, the kernel's map and its bytes. Every head is drawn for the
first time. A hover is timed from the pointed cell to the new layout. Aims: 700 kB at 64 tokens, 3 MB at 1,024; a switch
within 100 ms at 1,024 tokens, a hover within 16.
"""

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from statistics import median

import torch
from playwright.sync_api import sync_playwright
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from transformers import GPT2Config, GPT2LMHeadModel

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "support")])
from browser.lab import CHROMIUM_OPTIONS
from browser.pages import ViewPage, state_of
from families import tokenizer

import gptviz
from gptviz.lab.doctor import find_chromium

SWITCHES = 15
CONNECT = """async (port) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`), model = models[0];
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    model.send = (message) => { model.asked = performance.now(); socket.send(JSON.stringify(message)); };
    let reply;
    socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") reply = JSON.parse(data);
        else {
            model.answered = performance.now();
            model.emit("msg:custom", reply, data.byteLength ? [new DataView(data)] : []);
        }
    });
}"""
SWITCH = """async (index) => {
    const buttons = document.querySelectorAll(".grid button"), root = document.querySelector(".gptviz-attention");
    const wanted = buttons[index].getAttribute("aria-label"), start = performance.now();
    models[0].answered = 0;
    buttons[index].click();
    while (root.hasAttribute("data-computing") || !root.querySelector("h3").textContent.includes(wanted)) {
        await new Promise((resolve) => setTimeout(resolve));
    }
    root.querySelector("canvas.map").getContext("2d").getImageData(0, 0, 1, 1); // the picture is there
    document.body.getBoundingClientRect();
    return [performance.now() - start, performance.now() - models[0].answered];
}"""
HOVER = """async ([selection, query, key]) => {
    const start = performance.now();
    selections[selection].set("query", query);
    selections[selection].set("key", key);
    await null; // the view acts once for both
    document.querySelector(".readout").getBoundingClientRect(); // forces style and layout of the whole page
    return performance.now() - start;
}"""


class Kernel(WebSocketHandler):
    """Answers the page's questions with the view's answers; arrays travel as one binary frame."""

    view: gptviz.AttentionView
    took: list[float] = []  # noqa: RUF012

    def check_origin(self, origin: str) -> bool:
        return True

    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)  # as `gptviz lab` does

    def on_message(self, message: str | bytes) -> None:
        start, sent = time.perf_counter(), []
        self.view.send = lambda content, buffers=None: sent.append((content, buffers or []))
        self.view._on_message(self.view, json.loads(message), [])
        self.took.append(1e3 * (time.perf_counter() - start))
        for content, buffers in sent:
            self.write_message(json.dumps(content))
            self.write_message(b"".join(bytes(one) for one in buffers), binary=True)


def serve() -> int:
    """Starts the kernel's side in a new thread; returns its port."""
    (socket,) = bind_sockets(0, "127.0.0.1")

    async def listen() -> None:
        HTTPServer(Application([("/", Kernel)])).add_socket(socket)
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(listen()), daemon=True).start()
    return int(socket.getsockname()[1])


def sent(view: gptviz.AttentionView) -> tuple[int, int]:
    """Returns the bytes of the first view: its state without code and styles, and the open head's exact map."""
    state, _ = state_of(view)
    return len(json.dumps(state)) + len(view._thumbnails), view._answer_head(0, 0).nbytes


def main() -> None:
    torch.manual_seed(0)
    gpt = gptviz.wrap(GPT2LMHeadModel(GPT2Config()).eval(), tokenizer())
    program, port = find_chromium(), serve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        for length in (64, 1024):
            ids = torch.randint(0, 256, (length,), generator=torch.Generator().manual_seed(length))
            view = Kernel.view = gptviz.AttentionView(gpt.trace(ids))
            state, head = sent(view)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            ViewPage(page, [view])
            page.evaluate(CONNECT, port)
            page.evaluate(SWITCH, 7)
            Kernel.took.clear()
            switches: list[list[float]] = [page.evaluate(SWITCH, 13 + 7 * i) for i in range(SWITCHES)]
            whole, drawn = (median(times) for times in zip(*switches, strict=True))
            hovers = [page.evaluate(HOVER, [view._selection, length - 1 - i, i]) for i in range(SWITCHES)]
            print(
                f"{length:5,} tokens: {(state + head) / 1e3:7.0f} kB ({state / 1e3:.0f} kB labels and thumbnails, "
                f"{head / 1e3:.0f} kB the open head); a new head {whole:.0f} ms (kernel {median(Kernel.took):.0f}, drawing "
                f"{drawn:.0f}); a hover {median(hovers):.1f} ms; medians of {SWITCHES}"
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
