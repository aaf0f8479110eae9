"""Looks up known weaknesses of the pinned packages with pip-audit: `python tools/audit.py`.

Ends with 0 if none is known, 1 if there are some, and 2 if a package could not be checked, with the reason.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

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
    return subprocess.run([*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True)


def report(packages: list[dict[str, Any]]) -> int:
    """Prints what pip-audit knows about each package; returns the exit code."""
    weak = [(package, weakness) for package in packages for weakness in package.get("vulns", [])]
    skipped = [package for package in packages if "skip_reason" in package]
    for package, weakness in weak:
        fixed = ", ".join(weakness["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {weakness['id']}, fixed in {fixed}")
    print(f"{len(packages) - len(skipped)} packages were checked; {len(weak)} weaknesses are known.")
    if skipped:
        print(f"{len(skipped)} packages were not checked. The first: {skipped[0]['skip_reason']}", file=sys.stderr)
    return SOME_KNOWN if weak else NOT_CHECKED if skipped else NONE_KNOWN


def main() -> int:
    """Checks the pins; returns the exit code."""
    if reason := why_unreachable():
        print(f"Nothing was checked: the advisory service cannot be reached from here ({reason}).", file=sys.stderr)
        print("Run this on a machine with internet.", file=sys.stderr)
        return NOT_CHECKED
    result = audit()
    try:
        packages = json.loads(result.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"Nothing was checked: pip-audit ended with an error.\n{result.stderr}", file=sys.stderr)
        return NOT_CHECKED
    return report(packages)


if __name__ == "__main__":
    sys.exit(main())
