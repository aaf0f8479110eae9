"""`make audit`: what its exit codes mean, and that it says when nothing was checked."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "tools" / "audit.py"
TABLE = "Name Version ID\ntorch 2.13.0 PYSEC-0000-1\n"


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
    "code, found, error, result",
    [(0, "", "No known vulnerabilities found\n", 0), (1, TABLE, "Found 1\n", 1), (1, "", "ERROR: timed out\n", 2)],
)
def test_its_exit_code_says_what_was_found(audit, monkeypatch, capsys, code, found, error, result):
    monkeypatch.setattr(audit, "why_unreachable", lambda: "")
    monkeypatch.setattr(audit, "audit", lambda: subprocess.CompletedProcess([], code, found, error))
    assert audit.main() == result
    shown = capsys.readouterr()
    assert shown.out == found + error
    assert ("Nothing was checked" in shown.err) == (result == audit.NOT_CHECKED)


def test_it_checks_the_pins(audit):
    assert audit.PINS.is_file() and "torch==" in audit.PINS.read_text()
