"""`gptviz doctor`: checks what works on this machine, and tells how to fix what does not.

Each check looks at one thing and yields a `Finding`. Nothing is installed or changed, and no check can hang.
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

import gptviz
from gptviz._paths import assets_dir, notebooks_dir

SIGN = {"ok": "✓", "note": "·", "broken": "✗"}
WIDGETS = {"anywidget": "anywidget", "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets"}
# The headless shell draws no window around its pages, so that it opens them in a fraction of the time.
HEADLESS_SHELL = "chromium-headless-shell"
CHROMIUM_NAMES = (HEADLESS_SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


@dataclass(frozen=True)
class Finding:
    """The result of one check. state: "ok", "note" (nothing to fix) or "broken". remedy: how to fix it."""

    state: Literal["ok", "note", "broken"]
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{SIGN[self.state]} {self.text}" + (f"\n    → {self.remedy}" if self.remedy else "")


def doctor() -> int:
    """Runs all checks and prints each finding; returns 0 if everything that gptviz needs works, else 1."""
    broken = 0
    for check in CHECKS:
        try:
            findings = list(check())
        except Exception as error:  # an error in a check is a finding too
            name = (check.__doc__ or check.__name__).rstrip(".")
            findings = [Finding("broken", f"{name}: {type(error).__name__}: {error}", REINSTALL)]
        for finding in findings:
            print(finding, flush=True)
            broken += finding.state == "broken"
    print()
    print("Everything that gptviz needs works here." if not broken else f"{broken} to fix: see the arrows above.")
    return min(broken, 1)


REINSTALL = "Install gptviz again: pip install -c constraints.txt -e . (or the wheel), in a fresh environment."


def python_and_packages() -> Iterator[Finding]:
    """Checks Python and the packages that gptviz needs."""
    yield Finding("ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    from packaging.requirements import Requirement  # here since a missing package must not stop the other checks

    try:
        requirements = [Requirement(line) for line in requires("gptviz") or []]
    except PackageNotFoundError:
        yield Finding("broken", "gptviz runs from a folder, but is not installed", "In that folder: pip install -e .")
        return
    yield Finding("ok", f"gptviz {version('gptviz')} in {Path(gptviz.__file__).parent.parent}")
    suitable = []
    for requirement in requirements:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name, specifier = requirement.name, requirement.specifier
        try:
            installed = version(name)
        except PackageNotFoundError:
            yield Finding("broken", f"{name} is not installed", f'pip install "{requirement}"')
            continue
        if specifier.contains(installed, prereleases=True):
            suitable.append(f"{name} {installed}")
        else:
            remedy = f'pip install "{name}{specifier}"'
            yield Finding("broken", f"{name} is {installed}; gptviz needs {specifier}", remedy)
    yield Finding("ok", ", ".join(suitable))


def device() -> Iterator[Finding]:
    """Finds where models can run."""
    import torch  # here since it is slow to import, and other commands do without

    from gptviz.model.threads import SMALL, allowed_cores, threads_for  # imports torch too

    threads = threads_for(SMALL, torch.get_num_threads())
    allowed = f"{allowed_cores()} of {os.cpu_count()} cores"
    cores = f"CPU ({allowed}): models as small as `tales` on 1 thread, larger ones on {threads}"
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        yield Finding("ok", f'Models run on the {cores}, or on {name} with gptviz.load(…, device="cuda")')
    elif torch.backends.mps.is_available():
        yield Finding("ok", f'Models run on the {cores}, or on Apple\'s GPU with gptviz.load(…, device="mps")')
    else:
        yield Finding("ok", f"Models run on the {cores}; PyTorch finds no GPU, and small models need none")


def embedded_model() -> Iterator[Finding]:
    """Checks that the embedded model is installed and runs."""
    folder = assets_dir() / "tales"
    if not (folder / "model.safetensors").is_file():
        remedy = "Fetch the whole repository again, or install the wheel again."
        yield Finding("broken", f"The embedded model is not in {folder}", remedy)
        return
    token, probability = gptviz.load().trace("Once upon a").top(1)[0]
    prediction = f'after "Once upon a" it expects {token.text!r} ({probability:.1%})'
    yield Finding("ok", f"The embedded model loads and runs: {prediction}")


def notebooks() -> Iterator[Finding]:
    """Checks that the lessons are installed."""
    count = len(list(notebooks_dir().glob("*.ipynb")))
    if count:
        yield Finding("ok", f"Notebooks: {count} in {notebooks_dir()}; `gptviz lab` opens the first")
    else:
        yield Finding("broken", f"No notebook in {notebooks_dir()}", REINSTALL)


def hub() -> Iterator[Finding]:
    """Checks that models can be downloaded."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        yield Finding(
            "note",
            "Offline by choice (HF_HUB_OFFLINE is set): models on this machine work, others cannot be downloaded",
        )
    elif reachable("huggingface.co", 443):
        yield Finding("ok", "The Hugging Face hub can be reached: any of its models can be loaded by name")
    else:
        text = "The Hugging Face hub cannot be reached: models on this machine work, others cannot be downloaded now"
        yield Finding("note", text)


def reachable(host: str, port: int, seconds: float = 3.0) -> bool:
    """Returns whether a connection opens within the time. It is tried in a thread: looking up a name has no time limit."""
    is_open = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            is_open.set()
        except OSError:
            pass

    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(seconds)
    return is_open.is_set()


def browser_widgets() -> Iterator[Finding]:
    """Checks that JupyterLab finds the browser side of the widgets."""
    from jupyter_core.paths import jupyter_path  # here since a broken Jupyter must not stop the other checks

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    missing = {
        package for name, package in WIDGETS.items() if not any((f / name / "package.json").is_file() for f in folders)
    }
    for package in sorted(missing):
        remedy = f"pip install --force-reinstall --no-deps {package}, then start JupyterLab again."
        yield Finding("broken", f"JupyterLab does not find {package}: views would stay empty", remedy)
    if not missing:
        yield Finding(
            "ok", f"JupyterLab {version('jupyterlab')} finds the browser side of the widgets: views are drawn"
        )


def connection() -> Iterator[Finding]:
    """Checks the connection between page and kernel."""
    if no_delay_class():
        yield Finding("ok", "`gptviz lab` connects page and kernel without TCP's delay of 40 ms")
    else:
        yield Finding("note", "This jupyter_server has no connection class to speed up: views answer about 40 ms later")


def for_tests() -> Iterator[Finding]:
    """Checks the programs that only `make test` needs."""
    programs = {"Chromium": find_chromium(), "Node.js": shutil.which("node")}
    present = [f"{name} ({path})" for name, path in programs.items() if path]
    missing = [name for name, path in programs.items() if not path]
    parts = [f"{' and '.join(present)} found"] if present else []
    parts += [f"{' and '.join(missing)} not found (`make test` installs what it needs)"] if missing else []
    yield Finding("note" if missing else "ok", f"For the tests only: {'; '.join(parts)}")


def find_chromium() -> str | None:
    """Returns a Chromium or Chrome that runs: GPTVIZ_CHROMIUM, the system's, or the one that Playwright installed."""
    paths = (os.environ.get("GPTVIZ_CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES), *CHROMIUM_PATHS)
    return next(filter(_runs, paths), None) or next(filter(_runs, [_playwright_chromium()]), None)


def _playwright_chromium() -> str | None:
    """Returns the path of Playwright's Chromium. Runs in a separate process: Playwright can start once in each process."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    try:
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


def _runs(program: str | None) -> bool:
    if not program or not Path(program).is_file():
        return False
    if sys.platform == "win32":  # where --version opens a window
        return True
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def no_delay_class() -> str | None:
    """Returns the import path of the connection class without TCP's delay; None if this jupyter_server is too different."""
    try:
        from gptviz.lab.nodelay import NoDelayConnection  # here since it may fail
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
