"""The thread of a run: it takes the steps, keeps some, and waits while it is paused. It does not know the run's handle.

So a run that nobody holds any more ends: the handle stops the thread when it is collected.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from gptviz.errors import GPTVizError, fail
from gptviz.model.threads import threads_for
from gptviz.training.learner import Learner, State

RUNNING, PAUSED, FINISHED, STOPPED, FAILED = "running", "paused", "finished", "stopped", "failed"


class Worker:
    """Trains a learner in a thread of its own.

    steps: how many to take. scheduled: the steps to keep, beside the one at which the run pauses or ends. measure: returns
    what is measured of a kept state, by name. losses: of the steps taken so far. states: what is kept, by step. measured:
    what was measured of it, by step. status, error: "failed" has an error.
    """

    def __init__(
        self,
        learner: Learner,
        steps: int,
        scheduled: Iterable[int],
        measure: Callable[[State], dict[str, float]],
    ):
        self._learner: Learner | None = learner
        self._steps, self._scheduled, self._measure = steps, frozenset(scheduled), measure
        self._wish = RUNNING  # what the handle asks for: to run, to pause or to stop
        self._changed = threading.Condition()
        self.status: str = RUNNING
        self.error: Exception | None = None
        self.losses: list[float] = []
        self.states: dict[int, State] = {}
        self.measured: dict[int, dict[str, float]] = {}
        self.listeners: list[Callable[[], object]] = []
        self._keep(0)
        self._thread = threading.Thread(target=self._run, name="gptviz training", daemon=True)

    def start(self) -> None:
        """Begins to train."""
        self._thread.start()

    def ask(self, wish: str) -> None:
        """Asks the thread to run on, to pause or to stop."""
        with self._changed:
            if self._wish != STOPPED:
                self._wish = wish
            self._changed.notify_all()

    def wait_until(self, is_reached: Callable[[], bool], seconds: float | None = None) -> bool:
        """Waits until a condition holds, or for so many seconds; returns whether it holds."""
        with self._changed:
            return self._changed.wait_for(is_reached, seconds)

    def join(self) -> None:
        """Waits until the thread has ended."""
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def has_ended(self) -> bool:
        """Whether no further step will be taken."""
        return self.status in (FINISHED, STOPPED, FAILED)

    def _run(self) -> None:
        learner: Any = self._learner
        torch.set_num_threads(threads_for(sum(p.numel() for p in learner.model.parameters()), torch.get_num_threads()))
        status = FINISHED
        try:
            while len(self.losses) < self._steps:
                if not self._may_go_on():
                    status = STOPPED
                    break
                self._take_step(learner)
            self._keep(len(self.losses))
        except Exception as error:  # shown by the handle: a thread has nobody to raise it to
            status, self.error = FAILED, _at_step(len(self.losses), error)
        self._learner = None  # frees the optimizer's memory
        self._set_status(status)

    def _take_step(self, learner: Learner) -> None:
        step = len(self.losses)
        if step in self._scheduled:
            self._keep(step)
        loss = learner.step(step)
        with self._changed:
            self.losses.append(loss)
            self._changed.notify_all()

    def _may_go_on(self) -> bool:
        """Waits while the run is paused; returns whether to take the next step."""
        if self._wish == PAUSED:
            self._keep(len(self.losses))
            self._set_status(PAUSED)
            self.wait_until(lambda: self._wish != PAUSED)
            if self._wish == RUNNING:
                self._set_status(RUNNING)
        return self._wish != STOPPED

    def _keep(self, step: int) -> None:
        if step in self.states or self._learner is None:
            return
        state = self._learner.state()
        measured = self._measure(state)
        with self._changed:
            self.measured[step] = measured
            self.states[step] = state
            self._changed.notify_all()
        self._tell()

    def _set_status(self, status: str) -> None:
        with self._changed:
            self.status = status
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()


def _at_step(step: int, error: Exception) -> Exception:
    """Returns an error that says at which step a run failed."""
    if not isinstance(error, GPTVizError):
        return error
    return fail(f"{error.expected} at step {step}", error.got, error.remedy, type(error))


def schedule(steps: int, keep: int, nbytes: int, limit: int) -> list[int]:
    """Returns the steps to keep: evenly spaced from 0 to `steps`, and at most so many that they fit into memory.

    nbytes: of one. limit: bytes that all may have together; the first and the last are kept in any case.
    """
    count = max(2, min(keep, steps + 1, limit // max(nbytes, 1)))
    return sorted({int(step) for step in np.linspace(0, steps, count).round()})


def nbytes(state: State) -> int:
    """Returns the bytes of a state."""
    return sum(tensor.nbytes for tensor in state.values())
