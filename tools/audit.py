"""Looks up known weaknesses of the pinned packages with pip-audit: `python tools/audit.py`.

Ends with 0 if none is known, 1 if there are some, and 2 if nothing could be checked, with the reason.
"""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINS = ROOT / "constraints.txt"
SERVICE = "https://pypi.org/pypi/pip/json"  # pip-audit asks this service about each package
SECONDS = 10
NONE_KNOWN, SOME_KNOWN, NOT_CHECKED = 0, 1, 2


def why_unreachable(address: str = SERVICE) -> str:
    """Returns the reason why the advisory service cannot be reached, or "" if it can."""
    try:
        urllib.request.urlopen(address, timeout=SECONDS).close()
    except (OSError, ValueError) as error:  # a refused connection, an error status, a proxy's malformed answer
        return str(error)
    return ""


def audit() -> subprocess.CompletedProcess[str]:
    """Runs pip-audit on the pins. With --no-deps and --disable-pip it installs nothing."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(PINS), "--no-deps", "--disable-pip"]
    return subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True)


def main() -> int:
    """Prints what is known about the pins; returns the exit code."""
    if reason := why_unreachable():
        print(f"Nothing was checked: the advisory service cannot be reached from here ({reason}).", file=sys.stderr)
        print("Run this on a machine with internet.", file=sys.stderr)
        return NOT_CHECKED
    result = audit()
    print(result.stdout, result.stderr, sep="", end="")
    if result.returncode == 0:
        return NONE_KNOWN
    if result.stdout.strip():  # the table of what was found
        return SOME_KNOWN
    print("Nothing was checked: pip-audit ended with an error.", file=sys.stderr)
    return NOT_CHECKED


if __name__ == "__main__":
    sys.exit(main())
