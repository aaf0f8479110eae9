"""Settings and hooks of all tests: one thread a process, no network, groups of tests, and no skipped test in CI."""

import os

import network_guard
import pytest

# If two test workers, or a worker and a kernel, each run torch on several threads, all become many times slower, because
# threads that wait keep the cores busy. So every process of a test run has one thread. Set before torch is imported;
# kernels, servers and other subprocesses inherit it.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
network_guard.refuse_network()

HARDWARE = ("GPU", "CUDA", "MPS")  # hardware that the machine of CI may not have
LONGEST_FIRST = ("browser", "notebooks")  # the folders whose files take longest


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="FOLDER", help="also save pictures of the notebooks in this folder")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from scheduling import GroupScheduling  # needs pytest-xdist, which `make test-peers` does without

    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items):
    """Puts the longest files first, so that no worker is left with one of them at the end."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST_FIRST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fails a skipped test in CI, unless it needs hardware that the machine does not have."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(word in reason for word in HARDWARE):
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"
    return report
