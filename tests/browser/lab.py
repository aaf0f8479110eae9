"""JupyterLab as a learner has it: the real server, the real page in Chromium, and nothing beyond this machine.

`lab_server` starts `gptviz lab` with settings of its own; a `Notebook` is one notebook open in one page. Whatever a
learner would see as a fault (an error in a cell, in the page or in its console, a request that leaves the machine) is
kept in the page's `Faults`, and the fixtures in conftest.py fail on it: a broken view gives no error in its cell.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import network_guard
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, WebSocket

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SETTINGS = {"@jupyterlab/docmanager-extension:plugin": {"autosave": False}}
KERNEL_IS_IDLE = """() => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    return widget?.context?.isReady && widget.context.sessionContext.session?.kernel?.status === "idle";
}"""


@contextlib.contextmanager
def lab_server(notebooks: Path, work: Path, *options: str) -> Iterator[str]:
    """`gptviz lab` on a folder of notebooks; yields the address. work: an empty folder for its settings and log."""
    for plugin, values in SETTINGS.items():
        package, name = plugin.split(":")
        place = work / "settings" / package
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    own = {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    own |= {f"JUPYTER_{name.upper()}_DIR": name for name in ("config", "runtime", "data")}
    python_path = network_guard.python_path(Path(__file__).parent / "guard")
    environment = os.environ | {name: str(work / folder) for name, folder in own.items()}
    environment |= {"PYTHONPATH": python_path, network_guard.LOG_VARIABLE: str(work / "refused.txt")}
    port = free_port()
    command = [sys.executable, "-m", "gptviz.lab.cli", "lab", "--no-browser", f"--ServerApp.root_dir={notebooks}"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"]
    command += ["--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True", *options]
    log = work / "lab.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_http(f"{address}/api/status", process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_http(address: str, process: subprocess.Popen[Any], log: Path, seconds: float = 60) -> None:
    """Returns when the address answers; raises with the log when the process ends or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).read()
            return
        time.sleep(0.1)
    raise RuntimeError(f"no answer from {address}\n{log.read_text()}")


@dataclass
class Faults:
    """What must not happen in a page, as it happens."""

    page: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def clear(self) -> None:
        for several in (self.page, self.console, self.outside):
            several.clear()

    def all(self) -> list[str]:
        named = (
            ("error in the page", self.page),
            ("error in the console", self.console),
            ("request", self.outside),
        )
        return [f"{what}: {one}" for what, several in named for one in several]


class Notebook:
    """One notebook, open in a page of JupyterLab. sent, received: frames of the page's websockets to kernels."""

    def __init__(self, browser: Browser, address: str, name: str, width: int = 1300, height: int = 1000):
        self.faults, self.sent, self.received = Faults(), 0, 0
        self.address, self.name = address, name
        self.context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        self.page: Page = self.context.new_page()
        self.context.route(lambda url: not self._is_here(url), self._refuse)
        self.page.on("pageerror", lambda error: self.faults.page.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("websocket", self._websocket)

    def _is_here(self, url: str) -> bool:
        return url.startswith((self.address, self.address.replace("http", "ws", 1), "data:", "blob:", "about:"))

    def _refuse(self, route: Route) -> None:
        self.faults.outside.append(route.request.url)
        route.abort("internetdisconnected")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.console.append(f"{message.text} ({message.location.get('url', '')})")

    def _websocket(self, socket: WebSocket) -> None:
        if not self._is_here(socket.url):
            self.faults.outside.append(socket.url)
        if "/api/kernels/" in socket.url:
            socket.on("framesent", lambda _: self._count("sent"))
            socket.on("framereceived", lambda _: self._count("received"))

    def _count(self, which: str) -> None:
        setattr(self, which, getattr(self, which) + 1)

    def open(self) -> "Notebook":
        """Opens the notebook in the one-document mode and waits for its kernel."""
        self.page.goto(f"{self.address}/doc/tree/{self.name}", wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=90_000)
        return self

    def run(self, seconds: float = 180) -> None:
        """Runs every cell; raises with what went wrong in a cell."""
        self.page.set_default_timeout(seconds * 1000)
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.page.wait_for_function(KERNEL_IS_IDLE)
        self.page.set_default_timeout(30_000)
        errors = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.context.model.toJSON().cells.flatMap((cell, number) =>
                (cell.outputs ?? []).filter((output) => output.output_type === "error")
                    .map((output) => `cell ${number}: ${output.ename}: ${output.evalue}`))"""
        )
        assert not errors, errors

    def execute(self, code: str, wait: bool = True) -> str:
        """Runs code in the notebook's kernel, beside its cells; returns what it printed."""
        script = """async ([code, wait]) => {
            const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code, store_history: false });
            let printed = "";
            future.onIOPub = (message) => {
                if (message.header.msg_type === "stream") printed += message.content.text;
                if (message.header.msg_type === "error") printed += message.content.traceback.join("\\n");
            };
            if (wait) { await future.done; return printed; }
            window.gptvizTestRun = future.done.then(() => printed);
            return "";
        }"""
        return self.page.evaluate(script, [code, wait])

    def finish(self) -> str:
        """Waits for the code that `execute(…, wait=False)` started; returns what it printed."""
        return self.page.evaluate("() => window.gptvizTestRun")

    def finish_json(self) -> Any:
        """The same, of code that printed JSON."""
        return json.loads(self.finish())

    def theme(self, dark: bool) -> None:
        """JupyterLab's own light or dark theme."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        light = "false" if dark else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def close(self) -> None:
        with contextlib.suppress(Exception):  # the kernel may be gone already
            self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
        self.context.close()
