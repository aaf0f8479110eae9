"""What all tests share: nothing beyond this machine, and in CI no test is left out."""

import os

import only_here
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
only_here.refuse_network()

HARDWARE = ("GPU", "CUDA", "MPS")  # what CI's machine may lack


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="FOLDER", help="also keep pictures of the notebooks here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a skipped test has failed, unless it needs hardware that is not there."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(word in reason for word in HARDWARE):
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"
    return report
