"""JupyterLab and its relatives as people have them: real servers, and notebooks open in pages of Chromium."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import network_guard
from playwright.sync_api import BrowserContext, Page, WebSocket

# Each window of Chromium 156 draws the menu of its address bar, which no test sees, as two pages: they cost more than the
# page under test. Chromium heeds only the last list of features, so this one repeats Playwright's own.
ADDRESS_BAR_PAGES = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
DISABLED_BY_PLAYWRIGHT = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
CHROMIUM_OPTIONS = [
    f"--disable-features={','.join(ADDRESS_BAR_PAGES + DISABLED_BY_PLAYWRIGHT)}",
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
CELLS = "window.jupyterapp.shell.currentWidget.context.model.toJSON().cells"
POLL_SECONDS = 0.1
SERVER_OPTIONS = ("--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=")


def lab_server(notebooks: Path, work: Path, *options: str) -> contextlib.AbstractContextManager[str]:
    """Runs `gptviz lab` on a folder of notebooks. work: an empty folder for settings and logs."""
    command = [
        "gptviz.lab.cli",
        "lab",
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        *SERVER_OPTIONS,
        *options,
    ]
    return server(work, *command, f"--ServerApp.root_dir={notebooks}", ready="api/status")


@contextlib.contextmanager
def server(work: Path, module: str, *arguments: str, ready: str = "") -> Iterator[str]:
    """Runs a server of notebooks, `python -m module`, on a free port; yields its address when `ready` below it answers.

    work: an empty folder for its settings and logs. Neither the server nor its kernels can use the network. The server
    ends with the block.
    """
    for plugin, values in SETTINGS.items():
        package, name = plugin.split(":")
        folder = work / "settings" / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    folders = {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    folders |= {f"JUPYTER_{name.upper()}_DIR": name for name in ("config", "runtime", "data")}
    environment = os.environ | {variable: str(work / folder) for variable, folder in folders.items()}
    environment["PYTHONPATH"] = network_guard.python_path(Path(__file__).parent / "guard")
    environment[network_guard.LOG_VARIABLE] = str(work / "refused.txt")
    port = free_port()
    command = [sys.executable, "-m", module, *arguments, f"--port={port}"]
    log = work / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_http(f"{address}/{ready}", process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Returns a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_http(address: str, process: subprocess.Popen[Any], log: Path, seconds: float = 60) -> None:
    """Returns when the address answers; raises with the log when the process ends or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).read()
            return
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"no answer from {address}\n{log.read_text()}")


class Notebook:
    """One notebook, open in a page of JupyterLab. sent: messages of the page to its kernel, but for `execute`.

    path: where the server shows one notebook. JupyterLab's one-document mode is the default; Notebook 7 has "notebooks".
    """

    def __init__(self, context: BrowserContext, address: str, name: str, path: str = "doc/tree"):
        self.address, self.name, self.path, self.sent = address, name, path, 0
        self.page: Page = context.new_page()
        self.page.on("websocket", self._count_messages)

    def _count_messages(self, socket: WebSocket) -> None:
        if "/api/kernels/" in socket.url:
            socket.on("framesent", self._count)

    def _count(self, payload: bytes | str) -> None:
        text = payload if isinstance(payload, str) else payload.decode("utf-8", "ignore")
        self.sent += "execute_request" not in text

    def open(self) -> None:
        """Opens the notebook and waits for its kernel."""
        self.page.goto(f"{self.address}/{self.path}/{self.name}", wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=90_000)

    def run(self, seconds: float = 240) -> None:
        """Runs every cell; raises with what went wrong in a cell."""
        self.page.set_default_timeout(seconds * 1000)
        self.run_all_cells()
        self.page.wait_for_function(KERNEL_IS_IDLE)
        self.page.set_default_timeout(30_000)
        errors = self.page.evaluate(
            f"""() => {CELLS}.flatMap((cell, number) =>
                (cell.outputs ?? []).filter((output) => output.output_type === "error")
                    .map((output) => `cell ${{number}}: ${{output.ename}}: ${{output.evalue}}`))"""
        )
        assert not errors, errors

    def run_all_cells(self) -> None:
        """Runs every cell, as the menu does, and returns when all are done."""
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def result_types(self) -> list[list[str]]:
        """Returns for each cell the MIME types of the value of its last line; none where it has no value."""
        return self.page.evaluate(
            f"""() => {CELLS}.map((cell) => (cell.outputs ?? [])
                .filter((output) => output.output_type === "execute_result")
                .flatMap((output) => Object.keys(output.data)))"""
        )

    def execute(self, code: str, wait: bool = True) -> str:
        """Runs code in the notebook's kernel, beside its cells; returns what it printed."""
        script = """async ([code, wait]) => {
            const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code, store_history: false });
            let printed = "";
            future.onIOPub = (message) => {
                if (message.header.msg_type === "stream") printed += message.content.text;
                if (message.header.msg_type === "error") printed += message.content.traceback.join("\\n");
                window.gptvizTestPrinted = printed;
            };
            if (wait) { await future.done; return printed; }
            window.gptvizTestRun = future.done.then(() => printed);
            return "";
        }"""
        return self.page.evaluate(script, [code, wait])

    def wait_for_print(self, text: str) -> None:
        """Waits until the code that `execute(…, wait=False)` started has printed this."""
        self.page.wait_for_function("(text) => window.gptvizTestPrinted?.includes(text)", arg=text)

    def finish_json(self) -> Any:
        """Waits for the end of that code; returns the value of its last line, which is JSON."""
        return json.loads(self.page.evaluate("() => window.gptvizTestRun").strip().splitlines()[-1])

    def theme(self, dark: bool) -> None:
        """Switches to JupyterLab's own light or dark theme."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        light = "false" if dark else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def shut_down(self) -> None:
        """Ends the notebook's kernel."""
        with contextlib.suppress(Exception):  # the kernel may be gone already
            self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
