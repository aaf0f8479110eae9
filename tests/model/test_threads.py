"""A small model runs on one thread, a larger one on the allowed cores; torch has its own number again after each pass."""

import threading
from pathlib import Path

import pytest
import torch
from families import IDS, build, tokenizer

import gptviz
from gptviz.errors import GPTVizError, OutOfRange, WrongType
from gptviz.lab import doctor
from gptviz.lens.sweep import ablation_sweep
from gptviz.model import threads


@pytest.fixture
def torchs_threads():
    """Gives torch three threads, as on a machine with three cores, and the test the number."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    gptviz.set_threads(None)
    torch.set_num_threads(before)


@pytest.fixture
def larger(monkeypatch):
    """Makes every model count as a larger one, on a machine where this process may use five cores."""
    monkeypatch.setattr(threads, "SMALL", 0)
    monkeypatch.setattr(threads, "allowed_cores", lambda: 5)


def threads_in_passes(act):
    """Returns the numbers of threads that torch has in the passes of `act(gpt)`, and checks that it has its own after."""
    model = build("gpt2")
    gpt = gptviz.wrap(model, tokenizer())
    numbers = set()
    model.transformer.h[1].register_forward_hook(lambda *_: numbers.add(torch.get_num_threads()))
    before = torch.get_num_threads()
    act(gpt)
    assert torch.get_num_threads() == before
    return numbers


ACTIONS = {
    "trace": lambda gpt: gpt.trace(IDS),
    "complete": lambda gpt: gpt.complete(IDS, max_tokens=2, n=2),
    "sweep": lambda gpt: ablation_sweep(gpt.trace(IDS), lambda logits: float(logits[5])),
    "wrap": lambda gpt: gptviz.wrap(gpt.model, gpt.tokenizer),
}
every_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


@every_action
def test_a_small_model_runs_on_one_thread(torchs_threads, action):
    assert threads_in_passes(action) == {1}


@every_action
def test_a_larger_model_runs_on_torchs_number(torchs_threads, larger, action):
    assert threads_in_passes(action) == {torchs_threads}


def test_a_larger_model_runs_on_no_more_than_the_allowed_cores(torchs_threads, larger, monkeypatch):
    monkeypatch.setattr(threads, "allowed_cores", lambda: 2)
    assert threads_in_passes(ACTIONS["trace"]) == {2}


def test_the_embedded_model_is_small_and_gpt2_is_not():
    gptviz.load()
    assert threads.threads_for(sum(p.numel() for p in gptviz.load().model.parameters()), 3) == 1
    assert threads.threads_for(124_439_808, 1_000) == threads.allowed_cores()


def test_set_threads_chooses_the_number(torchs_threads):
    for chosen in (2, 4):
        gptviz.set_threads(chosen)
        assert threads_in_passes(ACTIONS["trace"]) == {chosen}
    gptviz.set_threads(None)
    assert threads_in_passes(ACTIONS["trace"]) == {1}


def test_the_number_stays_torchs_own_when_a_pass_raises_and_in_other_threads(torchs_threads):
    seen = []

    def look(_gpt):
        other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        other.start()
        other.join()
        raise RuntimeError("stopped")

    def stopped(gpt):
        handle = gpt.model.transformer.h[0].register_forward_hook(lambda *_: look(gpt))
        with pytest.raises(RuntimeError, match="stopped"):
            gpt.trace(IDS)
        handle.remove()

    threads_in_passes(stopped)
    look_outside = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    look_outside.start()
    look_outside.join()
    assert seen[-1] == torchs_threads


@pytest.mark.parametrize("number, kind", [(0, GPTVizError), (-1, GPTVizError), (10**6, OutOfRange), (True, WrongType),
                                          (1.5, WrongType), ("2", WrongType)])  # fmt: skip
def test_what_is_no_number_of_threads_is_refused(number, kind):
    with pytest.raises(kind):
        gptviz.set_threads(number)


GROUPS = {
    "no container": ({}, []),
    "no quota": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, []),
    "container, version 2": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "250000 100000\n"}, [2.5]),
    "groups above, version 2": (
        {"proc/self/cgroup": "0::/hub.slice/user one\n", "sys/fs/cgroup/hub.slice/cpu.max": "400000 100000\n",
         "sys/fs/cgroup/hub.slice/user one/cpu.max": "150000 100000\n"},
        [4.0, 1.5],
    ),
    "container, version 1": (
        {"proc/self/cgroup": "5:cpu,cpuacct:/docker/ab12\n2:memory:/docker/ab12\n",
         "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
         "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
        [0.5],
    ),
    "no quota, version 1": (
        {"proc/self/cgroup": "5:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
         "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("files, expected", GROUPS.values(), ids=GROUPS)
def test_the_quota_of_a_container_is_read(tmp_path, files, expected):
    for name, text in files.items():
        file = Path(tmp_path, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert list(threads.quotas(tmp_path)) == expected


@pytest.mark.parametrize("quota, cores", [(2.5, 2), (0.5, 1), (100.0, 6)])
def test_the_quota_limits_the_cores(monkeypatch, quota, cores):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(threads, "quotas", lambda _root: iter([quota]))
    assert threads.allowed_cores.__wrapped__() == cores


def test_doctor_says_which_threads_are_used(torchs_threads, larger, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 30)
    (finding,) = doctor.device()
    assert "as small as `tales` on 1 thread, larger ones on 3" in finding.text
