"""What all tests share: no network, and in CI no test is left out."""

import ipaddress
import os
import socket

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_connect = socket.socket.connect


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="FOLDER", help="also keep pictures of the notebooks here")


def pytest_configure(config):
    config.addinivalue_line("markers", "browser: drives a real Chromium")


def _only_this_machine(self, address):
    """Connects a socket, unless the address lies beyond this machine."""
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise OSError(f"a test asked for {host}, which is not this machine")
    return _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """Tests, and what they call in this process, reach nothing but this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _only_this_machine)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a test that is skipped has failed, but for one that needs hardware which CI does not have."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(word in reason for word in ("GPU", "CUDA", "MPS")):
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"
    return report
