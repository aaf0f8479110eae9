"""`make audit`: what its exit codes mean, and that it says when a package was not checked."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "tools" / "audit.py"
SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
WEAK = {"name": "torch", "version": "2.13.0", "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["2.13.1"]}]}
SKIPPED = {"name": "six", "skip_reason": "not found on the service"}


@pytest.fixture
def audit():
    spec = importlib.util.spec_from_file_location("audit", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_the_service_it_says_that_nothing_was_checked(audit, capsys):
    """The tests refuse every connection, as a machine without internet does."""
    assert audit.main() == audit.NOT_CHECKED
    assert "Nothing was checked: the advisory service cannot be reached from here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "packages, code, shown",
    [
        ([SOUND], 0, "1 packages were checked; 0 weaknesses are known."),
        ([SOUND, WEAK, SKIPPED], 1, "torch 2.13.0: PYSEC-0000-1, fixed in 2.13.1"),
        ([SOUND, SKIPPED], 2, "1 packages were not checked. The first: not found on the service"),
    ],
)
def test_its_exit_code_says_what_is_known(audit, monkeypatch, capsys, packages, code, shown):
    """pip-audit itself ends with 0 where it has skipped packages."""
    output = json.dumps({"dependencies": packages, "fixes": []})
    monkeypatch.setattr(audit, "why_unreachable", lambda: "")
    monkeypatch.setattr(audit, "audit", lambda: subprocess.CompletedProcess([], 0, output, ""))
    assert audit.main() == code
    assert shown in "".join(capsys.readouterr())


def test_an_error_of_the_tool_is_not_taken_for_a_result(audit, monkeypatch, capsys):
    monkeypatch.setattr(audit, "why_unreachable", lambda: "")
    monkeypatch.setattr(audit, "audit", lambda: subprocess.CompletedProcess([], 1, "", "ERROR: timed out"))
    assert audit.main() == audit.NOT_CHECKED
    assert "pip-audit ended with an error.\nERROR: timed out" in capsys.readouterr().err


def test_it_checks_the_pins(audit):
    assert audit.PINS.is_file() and "torch==" in audit.PINS.read_text()
