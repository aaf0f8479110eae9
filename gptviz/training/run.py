"""Run: the handle of a training that goes on in a thread of its own."""

import atexit
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gptviz.checks import check_index, check_number, short
from gptviz.errors import GPTVizError, NotAvailable, OutOfRange, WrongType, fail
from gptviz.gpt import GPT
from gptviz.progress import progress
from gptviz.training.learner import Learner, State
from gptviz.training.measuring import Measuring
from gptviz.training.record import Record
from gptviz.training.saving import save_run
from gptviz.training.settings import Settings
from gptviz.training.states import copy_of, load_weights, weights_of
from gptviz.training.tasks import MakeTask, Task
from gptviz.training.worker import FAILED, PAUSED, RUNNING, STOPPED, Worker, nbytes, schedule

KEPT_BYTES = 1 << 29  # that the kept steps of a run may have together
_POLL = 0.2  # seconds between two looks at the progress
_AT_EXIT = 30  # seconds that Python waits for the end of a step: a batch of the user's may never come
_live: "weakref.WeakSet[Worker]" = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Ends the threads before Python does, which must not happen in the middle of a step."""
    for worker in list(_live):
        worker.ask(STOPPED)
    for worker in list(_live):
        worker.join(_AT_EXIT)


class Run:
    """A training run, made by `pretrain`, `finetune` or `prefer`; it trains while other code runs.

    settings: how it trains. example: the beginning of a text like those that it learns from, or "". A step is counted from 0:
    step s is the model that has learned from s batches, so `at(0)` is the model before. Steps are kept evenly spaced, as many
    as `settings.keep` and together at most 512 MiB; two in any case. The newest is also kept whenever the run pauses or ends.
    A step whose weights or whose loss are no numbers ends the run, and is not kept.
    If there is no room for it, the step of an earlier pause makes room: the one whose neighbours are closest to each other.

    A run ends when it is finished, stopped, or no longer held by anything. A view on a page holds it until `view.close()`.
    """

    def __init__(
        self,
        before: GPT,
        make_task: MakeTask | None,
        settings: Settings,
        record: Record | None = None,
        given: Mapping[str, Any] | None = None,
    ):
        self._before, self.settings = before, settings
        self._make_task = make_task
        self.example = ""
        self._source: Worker | Record
        if record is not None:
            self._source, self.example = record, record.example
        elif make_task is not None:
            task = make_task(before, settings)
            task.check_settings(given or {})
            worker = _worker(before, task, settings)
            self._source, self.example = worker, task.example
            weakref.finalize(self, worker.ask, STOPPED)  # before the thread begins: an interrupt may come in between
            worker.start()

    # What has been computed

    @property
    def loss(self) -> np.ndarray:
        """The loss of each step's batch in nats, before the step: loss[s] is that of `at(s)`. float64, (steps taken,).

        Of a model in half precision it is that of the weights in training, which `at(s)` rounds to the model's dtype: on small
        models the two losses differed by up to 0.0013 nats in float16, and 0.0075 in bfloat16.
        """
        return np.array(self._source.losses, np.float64)

    @property
    def measures(self) -> dict[str, np.ndarray]:
        """What was measured of the kept steps, by name: float64, as many as there are in `steps_kept`."""
        return self.measures_at(self.steps_kept.tolist())

    def measures_at(self, steps: Iterable[int]) -> dict[str, np.ndarray]:
        """Returns what was measured of some kept steps, by name: float64, as many as steps."""
        measured = [self._source.measured[step] for step in steps]
        names = self._source.measured[0]
        return {name: np.array([of_step[name] for of_step in measured], np.float64) for name in names}

    @property
    def steps_kept(self) -> np.ndarray:
        """The steps that are kept, in order: int64."""
        return np.array(list(self._source.states), np.int64)

    @property
    def status(self) -> str:
        """One of "running", "paused", "finished", "stopped" and "failed"."""
        return self._source.status

    @property
    def error(self) -> GPTVizError | None:
        """Why the run failed, and at which step; its `__cause__` is what was raised. None if it did not fail."""
        return self._source.error

    @property
    def can_fork(self) -> bool:
        """Whether the run has its data, so that it can be forked; one that was opened from a folder has not."""
        return self._make_task is not None

    @property
    def nbytes(self) -> int:
        """The bytes of the kept steps."""
        return sum(nbytes(state) for state in list(self._source.states.values()))

    def __repr__(self) -> str:
        steps, kept = len(self._source.losses), len(self._source.states)
        loss = f", loss {self._source.losses[-1]:.4g}" if steps else ""
        size = f"{kept} kept steps of {self.nbytes / 1e6:.3g} MB together"
        return f"Run({self.status}, step {steps} of {self.settings.steps}{loss}, {size})"

    # Models

    def at(self, step: int) -> GPT:
        """Returns the model at a kept step, as a new GPT at each call: whatever is done to one changes no other.

        -1 is the newest kept step. The tokenizer is shared. Raises OutOfRange for a step that was not kept, and names its
        neighbours.
        """
        number, state = self._kept(step)
        return self._with_weights(number, state, f"step {number}")

    @property
    def before(self) -> GPT:
        """The model that the run began with, as a new GPT; see `at`."""
        return copy_of(self._before)

    @property
    def gpt(self) -> GPT:
        """The model at the newest kept step, as a new GPT; see `at`."""
        return self.at(-1)

    def strength(self, x: float) -> GPT:
        """Returns a model between the one before (x = 0) and the newest kept step (x = 1).

        Its weights are before + x (newest - before). x beyond 1 overshoots. Raises WrongType for what is no number, and
        GPTVizError for one that is so large that some weight would be infinite.
        """
        remedy = "0 is the model before, 1 the newest step."
        x, (step, state) = check_number(x, "strength", remedy), self._kept(-1)
        mixed = self._with_weights(step, state, f"{x:g} of step {step}", x)
        if weight := mixed.undefined_weight():
            raise fail("a strength with which all weights are numbers", f"{x:g}: NaN or infinity in {weight}", remedy)
        return mixed

    def _with_weights(self, step: int, state: State, name: str, strength: float = 1.0) -> GPT:
        gpt = copy_of(self._before, f"{self._before.name}, {name}")
        if step:
            load_weights(gpt, weights_of(self._before, state, self.settings.method), strength)
        return gpt

    def kept_step(self, step: int) -> int:
        """Returns a step that was kept; -1 is the newest. Raises OutOfRange for any other step, and names its neighbours."""
        return self._kept(step)[0]

    def _kept(self, step: int) -> tuple[int, State]:
        """Returns a kept step and its state, which the thread may drop at any time."""
        states = dict(self._source.states)
        kept = list(states)
        number = kept[-1] if isinstance(step, (int, np.integer)) and step == -1 else check_index(step, None, "step")
        if number in states:
            return number, states[number]
        neighbours = [*[k for k in kept if k < number][-1:], *[k for k in kept if k > number][:1]]
        nearest = " and ".join(map(str, neighbours))
        facts = {"step": number, "nearest": nearest}
        remedy = f"The nearest that were kept: {nearest}."
        raise fail("a step that was kept", short(number), remedy, OutOfRange, "step_not_kept", **facts)

    # Steering

    def pause(self) -> "Run":
        """Pauses the run after the present step, which is kept. Returns the run."""
        self._ask(PAUSED)
        return self

    def _ask(self, wish: str) -> None:
        """Asks the thread, and waits until it does so, or does what another thread of the user's has asked for since."""
        if isinstance(worker := self._source, Worker):
            worker.ask(wish)
            worker.settle()

    def resume(self) -> "Run":
        """Lets a paused run go on, exactly as if it had not been paused. Returns the run.

        Raises NotAvailable for a run that has ended.
        """
        worker = self._source
        if worker.has_ended or not isinstance(worker, Worker):
            remedy = "Fork it from a kept step."
            raise fail("a run that is paused", f"one that is {self.status}", remedy, NotAvailable, "run_has_ended")
        self._ask(RUNNING)
        return self

    def stop(self) -> "Run":
        """Ends the run after the present step, which is kept. Returns the run. To go on from there, `fork` it."""
        if isinstance(self._source, Worker):
            self._source.ask(STOPPED)
            self._source.join()
        return self

    def wait(self) -> "Run":
        """Waits until the run has ended or is paused, with a progress bar, and returns it.

        An interrupt pauses the run; nothing is lost. Raises the error of a run that failed.
        """
        if isinstance(self._source, Worker):
            try:
                self._watch(self._source)
            except KeyboardInterrupt:
                self.pause()
        if self.error is not None:
            raise self.error
        return self

    def _watch(self, worker: Worker) -> None:
        with progress(self.settings.steps, "step") as advance:
            shown = 0
            while True:
                ended = worker.wait_until(lambda: worker.has_ended or worker.status == PAUSED, _POLL)
                steps = len(worker.losses)
                advance(steps - shown)
                shown = steps
                if ended:
                    break
        if worker.has_ended:
            worker.join()

    def fork(self, step: int, **settings: Any) -> "Run":
        """Starts another run from a kept step, with other settings: `steps`, `seed`, `learning_rate` and so on.

        The new run counts from 0, begins with a fresh optimizer, and has this step's model as its own `before`. This run goes on.
        Batches of a generator go to the run that asks for one first: none is learned by both, and the losses of both depend on
        their speed. The reference of `prefer` stays the model that was handed in to the first run.
        Raises OutOfRange for a step that was not kept, WrongType for a name that is no setting, and NotAvailable for a run
        that was opened from a folder, which holds no data. WrongType also for a setting that changes nothing: the batch or
        the seed of batches that a generator makes.
        """
        (step, state), changed = self._kept(step), self.settings.changed(settings)
        if self._make_task is None:
            remedy = "Start a new one: gptviz.training.finetune(run.at(step), texts)."
            got = "one that was opened from a folder"
            raise fail("a run whose data is here", got, remedy, NotAvailable, "run_without_data")
        return Run(self._with_weights(step, state, f"step {step}"), self._make_task, changed, given=settings)

    def on_change(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Calls a function, in the run's thread, when a step was kept or the status changed. Returns what ends that.

        A function that raises an error is not called again: the error is printed, and the run goes on. Raises WrongType for
        what is no function.
        """
        if not callable(listener):
            got, remedy = short(listener), "For example run.on_change(lambda: print(run.status))."
            raise fail("a function without arguments", f"{got} ({type(listener).__name__})", remedy, WrongType)
        if not isinstance(self._source, Worker):
            return lambda: None
        listeners = self._source.listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def save(self, folder: Any) -> Path:
        """Saves the run into a folder: the model before, the kept steps (safetensors) and run.json. Returns the folder.

        `gptviz.training.open_run(folder)` opens it. A run that still trains is saved as far as it is. Not saved: the settings
        of transformers' own `generate`, of which gptviz uses the end tokens alone, and saves them. Raises GPTVizError if the
        folder exists and holds something else, FileNotWritten if it cannot be written.
        """
        source = self._source
        status = source.status if source.has_ended else STOPPED
        error = source.error if status == FAILED else None  # a run may fail meanwhile
        states = dict(source.states)  # before the losses, of which there are as many as the newest step says
        measured = {step: source.measured[step] for step in states}
        record = Record(list(source.losses), states, measured, status, error, self.example)
        return save_run(folder, self._before, self.settings, record)


def _worker(before: GPT, task: Task, settings: Settings) -> Worker:
    """Creates a learner and its worker, which has not begun yet."""
    learner = Learner(before.model, task.loss, settings)
    steps = schedule(settings.steps, settings.keep, nbytes(learner.state()), KEPT_BYTES)
    worker = Worker(learner, settings.steps, steps, Measuring(before, task.measure, settings.method))
    _live.add(worker)
    return worker
