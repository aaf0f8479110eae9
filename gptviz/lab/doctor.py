"""`gptviz doctor`: what works on this machine, in plain words, and how to mend what does not.

Each check looks at one thing and returns a `Finding`. Nothing is installed or changed, and no check can hang.
"""

import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from gptviz._paths import assets_dir, notebooks_dir

SIGN = {"ok": "✓", "note": "·", "broken": "✗"}
WIDGETS = {"anywidget": "anywidget", "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets"}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


@dataclass(frozen=True)
class Finding:
    """What one check found. state: "ok", "note" (good to know, nothing to mend) or "broken"; remedy: how to mend it."""

    state: Literal["ok", "note", "broken"]
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{SIGN[self.state]} {self.text}" + (f"\n    → {self.remedy}" if self.remedy else "")


def doctor() -> int:
    """Prints every finding as it is made; 0 when everything that gptviz needs works, else 1."""
    broken = 0
    for check in CHECKS:
        try:
            findings = list(check())
        except Exception as error:  # a check that fails is itself a finding
            what = (check.__doc__ or check.__name__).rstrip(".")
            findings = [Finding("broken", f"{what}: {type(error).__name__}: {error}", REINSTALL)]
        for finding in findings:
            print(finding, flush=True)
            broken += finding.state == "broken"
    print()
    print("Everything that gptviz needs works here." if not broken else f"{broken} to mend: see the arrows above.")
    return min(broken, 1)


REINSTALL = "Install gptviz again: pip install -c constraints.txt -e . (or the wheel), in a fresh environment."


def python_and_packages() -> Iterator[Finding]:
    """Python and the packages that gptviz builds on."""
    yield Finding("ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(line) for line in requires("gptviz") or []]
    except PackageNotFoundError:
        yield Finding("broken", "gptviz runs from a folder, but is not installed", "In that folder: pip install -e .")
        return
    yield Finding("ok", f"gptviz {version('gptviz')} in {Path(__file__).parent.parent}")
    good = []
    for one in needed:
        if one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(one.name)
        except PackageNotFoundError:
            yield Finding("broken", f"{one.name} is not installed", f'pip install "{one}"')
            continue
        if one.specifier.contains(found, prereleases=True):
            good.append(f"{one.name} {found}")
        else:
            remedy = f'pip install "{one.name}{one.specifier}"'
            yield Finding("broken", f"{one.name} is {found}; gptviz needs {one.specifier}", remedy)
    yield Finding("ok", ", ".join(good))


def device() -> Iterator[Finding]:
    """Where models can run."""
    import torch

    cores = f"CPU with {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        yield Finding("ok", f'Models run on the {cores}, or on {name} with gptviz.load(…, device="cuda")')
    elif torch.backends.mps.is_available():
        yield Finding("ok", f'Models run on the {cores}, or on Apple\'s GPU with gptviz.load(…, device="mps")')
    else:
        yield Finding("ok", f"Models run on the {cores}; PyTorch finds no GPU, and small models need none")


def embedded_model() -> Iterator[Finding]:
    """The embedded model is here and runs."""
    folder = assets_dir() / "tales"
    if not (folder / "model.safetensors").is_file():
        remedy = "Fetch the whole repository again, or install the wheel again."
        yield Finding("broken", f"The embedded model is not in {folder}", remedy)
        return
    import gptviz

    gpt = gptviz.load()
    token, probability = gpt.trace("Once upon a").top(1)[0]
    said = f'after "Once upon a" it expects {token.text!r} ({probability:.1%})'
    yield Finding("ok", f"The embedded model loads and runs: {said}")


def notebooks() -> Iterator[Finding]:
    """The lessons are here."""
    count = len(list(notebooks_dir().glob("*.ipynb")))
    if count:
        yield Finding("ok", f"Notebooks: {count} in {notebooks_dir()}; `gptviz lab` opens the first")
    else:
        yield Finding("broken", f"No notebook in {notebooks_dir()}", REINSTALL)


def hub() -> Iterator[Finding]:
    """Whether models can be downloaded."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        yield Finding(
            "note",
            "Offline by choice (HF_HUB_OFFLINE is set): models that are here work, others cannot be fetched",
        )
    elif reachable("huggingface.co", 443):
        yield Finding("ok", "The Hugging Face hub can be reached: any of its models can be loaded by name")
    else:
        text = "The Hugging Face hub cannot be reached: models that are here work offline, others cannot be fetched now"
        yield Finding("note", text)


def reachable(host: str, port: int, seconds: float = 3.0) -> bool:
    """Whether a connection opens within the time, the look-up of the name included (which has no limit of its own)."""
    opened = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            opened.set()
        except OSError:
            pass

    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(seconds)
    return opened.is_set()


def browser_widgets() -> Iterator[Finding]:
    """JupyterLab finds the browser's half of the widgets."""
    from jupyter_core.paths import jupyter_path

    places = [Path(place) for place in jupyter_path("labextensions")]
    missing = {
        package for name, package in WIDGETS.items() if not any((p / name / "package.json").is_file() for p in places)
    }
    for package in sorted(missing):
        remedy = f"pip install --force-reinstall --no-deps {package}, then start JupyterLab again."
        yield Finding("broken", f"JupyterLab does not find {package}: views would stay empty", remedy)
    if not missing:
        yield Finding("ok", f"JupyterLab {version('jupyterlab')} finds the widgets' browser side: views are drawn")


def connection() -> Iterator[Finding]:
    """The connection between page and kernel."""
    if no_delay_class():
        yield Finding("ok", "`gptviz lab` connects page and kernel without TCP's 40 ms pause")
    else:
        yield Finding("note", "This jupyter_server has no connection class to speed up: views answer about 40 ms later")


def for_tests() -> Iterator[Finding]:
    """What only `make test` needs."""
    chromium, node = find_chromium(), shutil.which("node")
    have = [f"Chromium ({chromium})"] if chromium else []
    have += [f"Node.js ({node})"] if node else []
    lack = ([] if chromium else ["Chromium"]) + ([] if node else ["Node.js"])
    text = "For the tests only: " + (" and ".join(have) + " here" if have else "")
    if lack:
        text += ("; " if have else "") + " and ".join(lack) + " not here yet (`make test` installs what it needs)"
    yield Finding("note" if lack else "ok", text)


def find_chromium() -> str | None:
    """A Chromium or Chrome that runs: GPTVIZ_CHROMIUM's, the system's, or the one that Playwright installed."""
    places = (os.environ.get("GPTVIZ_CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES), *CHROMIUM_PLACES)
    return next(filter(_runs, places), None) or next(filter(_runs, [_playwrights()]), None)


def _playwrights() -> str | None:
    """Where Playwright keeps its Chromium. Asked in a process of its own: it starts only once in one that uses it."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    try:
        said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip() or None


def _runs(program: str | None) -> bool:
    if not program or not Path(program).is_file():
        return False
    if sys.platform == "win32":  # there, --version opens a window
        return True
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def no_delay_class() -> str | None:
    """The import path of the connection class without TCP's pause, where this jupyter_server has what it builds on."""
    try:
        from gptviz.lab.nodelay import NoDelayConnection
    except ImportError:
        return None
    return f"{NoDelayConnection.__module__}.{NoDelayConnection.__qualname__}"


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python_and_packages,
    device,
    embedded_model,
    notebooks,
    hub,
    browser_widgets,
    connection,
    for_tests,
)
