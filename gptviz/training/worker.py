"""The thread of a run: it takes the steps, keeps some, and waits while it is paused. It does not know the run's handle.

So a run that nobody holds any more ends: the handle stops the thread when it is collected.
"""

import math
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch

from gptviz.checks import described
from gptviz.errors import GPTVizError, fail
from gptviz.model.threads import threads_for
from gptviz.training.learner import Learner, State

RUNNING, PAUSED, FINISHED, STOPPED, FAILED = "running", "paused", "finished", "stopped", "failed"
ENDED = (FINISHED, STOPPED, FAILED)
_LISTENER_FAILED = "A listener of a training run raised an error. It is not called again; the run goes on.\n"


class Worker:
    """Trains a learner in a thread of its own.

    steps: how many to take. scheduled: the steps to keep, beside the one at which the run pauses or ends; no more than there
    are of them are kept together, see `surplus`. measure: returns what is measured of a kept state, by name. losses: of the
    steps taken so far. states: what is kept, by step. measured: what was measured of each step that was ever kept. status,
    error: "failed" has an error. Step 0 is kept at once; raises what its measures raise. Any other is kept only if its weights
    and a loss with them are numbers: that of its batch, or of the batch before where the run pauses or ends.
    """

    def __init__(
        self,
        learner: Learner,
        steps: int,
        scheduled: Iterable[int],
        measure: Callable[[State], dict[str, float]],
    ):
        self._learner: Any = learner
        self._steps, self._scheduled, self._measure = steps, frozenset(scheduled), measure
        self._wish = RUNNING  # what the handle asked for last: to run, to pause or to stop
        self._changed = threading.Condition()
        self.status: str = RUNNING
        self.error: GPTVizError | None = None
        self.losses: list[float] = []
        self.states: dict[int, State] = {}
        self.measured: dict[int, dict[str, float]] = {}
        self.listeners: list[Callable[[], object]] = []
        self._thread = threading.Thread(target=self._run, name="gptviz training", daemon=True)
        try:
            self._keep(0)
        except Exception as error:
            raise at_step(0, error) from error

    def start(self) -> None:
        """Begins to train."""
        self._thread.start()

    def ask(self, wish: str) -> None:
        """Asks the thread to run on, to pause or to stop."""
        with self._changed:
            if self._wish != STOPPED:
                self._wish = wish
            self._changed.notify_all()

    def settle(self) -> None:
        """Waits until the thread does what was last asked of it, or has ended."""
        if not self._is_this_thread():
            self.wait_until(lambda: self.has_ended or self.status == self._wish)

    def wait_until(self, is_reached: Callable[[], bool], seconds: float | None = None) -> bool:
        """Waits until a condition holds, or for so many seconds; returns whether it holds."""
        with self._changed:
            return self._changed.wait_for(is_reached, seconds)

    def join(self, seconds: float | None = None) -> None:
        """Waits until the thread has ended, or for so many seconds."""
        if self._thread.ident is not None and not self._is_this_thread():
            self._thread.join(seconds)

    @property
    def has_ended(self) -> bool:
        """Whether no further step will be taken."""
        return self.status in ENDED

    def _is_this_thread(self) -> bool:
        """Returns whether a listener or a measure is asking, which must not wait for itself."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        failure = None
        try:
            status = self._train()
        except BaseException as error:  # shown by the handle: a thread has nobody to raise it to
            status, failure = FAILED, at_step(len(self.losses), error)
            self._keep_last()
        self._learner = None  # frees the optimizer's memory
        self._set_status(status, failure)

    def _train(self) -> str:
        """Takes the steps; returns the status in the end."""
        parameters = sum(parameter.numel() for parameter in self._learner.model.parameters())
        torch.set_num_threads(threads_for(parameters, torch.get_num_threads()))
        while len(self.losses) < self._steps and self._may_go_on():
            self._take_step()
        self._keep_newest()
        return FINISHED if len(self.losses) == self._steps else STOPPED

    def _take_step(self) -> None:
        step = len(self.losses)
        if step in self._scheduled:
            self._learner.read(step)
            self._keep(step)
        loss = self._learner.step(step)
        with self._changed:
            self.losses.append(loss)
            self._changed.notify_all()

    def _may_go_on(self) -> bool:
        """Waits while the run is paused; returns whether to take the next step."""
        if self._wish == PAUSED:
            self._keep_newest()
            self._set_status(PAUSED)
            self.wait_until(lambda: self._wish != PAUSED)
            if self._wish == RUNNING:
                self._set_status(RUNNING)
        return self._wish != STOPPED

    def _keep(self, step: int) -> None:
        if step not in self.states:
            state = self._learner.state()
            self._store(step, state, self._measure(state))

    def _keep_newest(self) -> None:
        step = len(self.losses)
        if step not in self.states:
            self._learner.check(step - 1)
            self._keep(step)

    def _keep_last(self) -> None:
        """Keeps the step at which the run failed, if its weights and its loss are numbers. What cannot be measured is NaN."""
        step = len(self.losses)
        if step in self.states:
            return
        with suppress(Exception):
            self._learner.check(step - 1)
        with suppress(Exception):
            state = self._learner.state()
            try:
                measured = self._measure(state)
            except BaseException:
                measured = dict.fromkeys(self.measured[0], math.nan)
            self._store(step, state, measured)

    def _store(self, step: int, state: State, measured: dict[str, float]) -> None:
        with self._changed:
            self.measured[step] = measured
            self.states[step] = state
            if (dropped := surplus(list(self.states), self._scheduled)) is not None:
                del self.states[dropped]
            self._changed.notify_all()
        self._notify_listeners()

    def _set_status(self, status: str, error: GPTVizError | None = None) -> None:
        with self._changed:
            if status == PAUSED and self._wish != PAUSED:
                return  # somebody has asked for something else meanwhile
            self.error = error  # first: who reads "failed" finds the error
            self.status = status
            self._changed.notify_all()
        self._notify_listeners()

    def _notify_listeners(self) -> None:
        for listener in list(self.listeners):
            try:
                listener()
            except BaseException:  # a mistake of a listener's must not end the run
                print(_LISTENER_FAILED + traceback.format_exc(), file=sys.stderr)
                with suppress(ValueError):  # it may have ended by itself
                    self.listeners.remove(listener)


def at_step(step: int, error: BaseException) -> GPTVizError:
    """Returns an error that says at which step a run failed; its cause is the one that was raised."""
    if isinstance(error, GPTVizError):
        result = fail(f"{error.expected} at step {step}", error.got, error.remedy, type(error))
    else:
        remedy = "What was computed before is kept. Correct what raised it, then start again, or fork from a kept step."
        result = fail(f"no error at step {step}", described(error), remedy)
    result.__cause__ = error
    cause: BaseException | None = error
    while cause is not None:  # else the error would hold the learner and models as long as the run lives
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__
    return result


def schedule(steps: int, keep: int, nbytes: int, limit: int) -> list[int]:
    """Returns the steps to keep: evenly spaced from 0 to `steps`, and at most so many that they fit into memory.

    nbytes: of one. limit: bytes that all may have together; the first and the last are kept in any case.
    """
    count = max(2, min(keep, steps + 1, limit // max(nbytes, 1)))
    return sorted({int(step) for step in np.linspace(0, steps, count).round()})


def surplus(kept: Sequence[int], scheduled: Collection[int]) -> int | None:
    """Returns the step to drop so that no more are kept than were scheduled; None if there is room.

    It is one at which the run paused: the one whose neighbours are closest to each other. The newest stays.
    """
    if len(kept) <= len(scheduled):
        return None
    between = zip(kept, kept[1:], kept[2:], strict=False)
    return min((after - before, step) for before, step, after in between if step not in scheduled)[1]


def nbytes(state: State) -> int:
    """Returns the bytes of a state."""
    return sum(tensor.nbytes for tensor in state.values())
