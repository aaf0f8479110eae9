"""TrainingView: a training run, watched while it goes on and looked into at each kept step.

The view has a PromptBox whose model is the kept step that is shown, so other views that follow this box show one pass of
one step. The run trains in its own thread and sends nothing: the page asks for what is new, a few times a second. So the
view starts no thread and no run holds it.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index, short
from gptviz.display import still
from gptviz.display.numbers import significant
from gptviz.errors import GPTVizError, WrongType, error_for_page, fail
from gptviz.gpt import GPT
from gptviz.pages.answering import PageQuestion
from gptviz.training.run import Run
from gptviz.training.texts import naming
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.shared import cells
from gptviz.widgets.shared.view import View
from gptviz.widgets.training.models import Models, samples
from gptviz.widgets.training.news import Branch, describe, losses_at
from gptviz.widgets.training.phrases import PHRASES

_NEWEST = -1
_MOST_BARS = 12  # of the still picture


class TrainingView(View):
    """A training run: its loss and measures by step, and a scrubber over its kept steps.

    run: a Run of `gptviz.training`, which may still go on; set it to show another one, such as a fork. runs: all that the
    view has shown; a fork made in the page is one of them. box: the PromptBox that reads with the model of the step that
    is shown; other views follow it. A box that is given keeps its prompt, and its own model is in `earlier_model`. prompt:
    of a new box; "" is the beginning of a text like those that the run learns from. samples: texts that the model of each
    step continues, a list or one text; None continues the prompt of the box. step: the kept step that is shown; -1 is the
    newest, which the view then follows while the run goes on. A step that was not kept raises OutOfRange, which names its
    neighbours. Jupyter holds a view, and the view its runs, until `view.close()`: a run goes on until then, even if no
    variable has either.
    """

    _name = "training"
    _titles: ClassVar[dict[str, str]] = {"en": "Training", "zh": "训练"}
    _phrases = PHRASES
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "news": "_answer_news", "show": "_answer_show", "samples": "_answer_samples",
        "steer": "_answer_steer", "fork": "_answer_fork",
    }  # fmt: skip

    _shown = traitlets.Dict().tag(sync=True)  # run: its index; step; follows: whether the newest step is followed

    def __init__(
        self,
        run: Run,
        box: PromptBox | None = None,
        prompt: str = "",
        samples: str | Sequence[str] | None = None,
        *,
        step: int = _NEWEST,
        **keywords: Any,
    ):
        self._check_keywords(keywords)
        self._branches = [Branch(_checked(run))]
        self._samples = _checked_samples(samples)
        self._models = Models()
        self._written: dict[tuple[int, int], tuple[Any, list[dict[str, Any]]]] = {}  # by run and step: prompts, samples
        self._lock = threading.RLock()  # questions of the page may arrive in another thread than cells
        self._refused: tuple[int, int] | None = None  # the run and its newest step, if the box could not read with it
        self._problem: GPTVizError | None = None  # why not
        self.earlier_model = None if box is None else _checked_box(box, prompt).gpt
        self._box, kept = self._first_box(box, prompt or run.example, step, keywords)
        for i, text in enumerate(self._samples):
            with naming(f"samples[{i}]"):
                self._box.gpt.encode(text)
        self._shown = {"run": 0, "step": kept, "follows": step == _NEWEST}
        super().__init__(None, **{"selection": self._box.selection, **keywords})
        self._box.follow(self)

    def _first_box(
        self, box: PromptBox | None, prompt: str, step: int, keywords: dict[str, Any]
    ) -> tuple[PromptBox, int]:
        """Returns the box, which reads with a kept step, and the step: for -1 the newest whose numbers are finite."""
        run = self._branches[0].run
        if box is None and not prompt:
            raise fail("a prompt", "none, and the run has no example of its texts", 'Write prompt="…".')
        steps = run.steps_kept.tolist()[::-1] if step == _NEWEST else [run.kept_step(step)]
        for kept in steps:
            try:
                return self._reading(box, prompt, self._models.at(run, kept), keywords), kept
            except GPTVizError as error:
                self._refused = self._refused or (0, kept)
                self._problem = self._problem or error
        assert self._problem is not None
        raise self._problem

    def _reading(self, box: PromptBox | None, prompt: str, gpt: GPT, keywords: dict[str, Any]) -> PromptBox:
        """Returns a box that reads with a model: the given one, or a new one."""
        if box is None:
            return PromptBox(prompt, gpt=gpt, **keywords)
        box.use(gpt)
        return box

    def close(self) -> None:
        """Removes the view from every page. A run that nothing else holds ends after the cell."""
        super().close()
        cells.let_go(self)

    # What is shown

    @property
    def box(self) -> PromptBox:
        """The prompt box whose model is the step that is shown."""
        self._catch_up()
        return self._box

    @property
    def runs(self) -> list[Run]:
        """All runs of the view: the one that it was made for, forks, and others that were set."""
        return [branch.run for branch in self._branches]

    @property
    def run(self) -> Run:
        """The run that is shown; set it to show another one."""
        return self._branches[self._shown["run"]].run

    @run.setter
    def run(self, run: Run) -> None:
        if _checked(run) not in self.runs:
            self._branches.append(Branch(run))
        self._show(self.runs.index(run), _NEWEST)

    @property
    def step(self) -> int:
        """The kept step that is shown; set it to show another one, or to -1 to follow the newest."""
        self._catch_up()
        return int(self._shown["step"])

    @step.setter
    def step(self, step: int) -> None:
        self._show(self._shown["run"], step)

    def _show(self, index: int, step: int) -> None:
        """Gives the box the model of a step; if the box cannot read its prompt with it, what is shown stays."""
        with self._lock:
            run = self._branches[index].run
            kept = run.kept_step(step)
            gpt = self._models.at(run, kept)
            if self._box.gpt is not gpt:
                self._box.use(gpt)
            self._shown = {"run": index, "step": kept, "follows": step == _NEWEST}

    def _catch_up(self) -> None:
        """Shows the newest step if the view follows it, and the nearest one if the run has dropped the one that is shown."""
        with self._lock:
            index, shown, kept = self._shown["run"], self._shown["step"], self.run.steps_kept
            wanted = int(kept[-1] if self._shown["follows"] else kept[np.abs(kept - shown).argmin()])
            if wanted == shown or self._refused == (index, wanted):
                return
            try:
                self._show(index, _NEWEST if self._shown["follows"] else wanted)
            except GPTVizError as error:  # such as numbers that are no longer finite; the page says so
                self._refused, self._problem = (index, wanted), error

    def _fill(self) -> None:
        """Sets nothing: the page asks for all it draws, since a run goes on."""

    # Answers to the page

    def _page_questions(self) -> Iterator[PageQuestion]:
        yield "news", {"have": []}
        for index, branch in enumerate(self._branches):
            for step in branch.run.steps_kept.tolist():
                yield "samples", {"run": index, "step": step}

    @contextmanager
    def filming(self) -> Iterator[tuple[list[PageQuestion], PageQuestion | None]]:
        """Yields the questions that show each kept step of the run that is shown, and the one of the step that is shown."""
        before = dict(self._shown)
        questions = [("show", {"run": before["run"], "step": step}) for step in self.run.steps_kept.tolist()]
        try:
            yield questions, ("show", {"run": before["run"], "step": before["step"]})
        finally:
            self._show(before["run"], before["step"])
            self._shown = before

    def _answer_news(self, have: list[int]) -> dict[str, Any]:
        """Returns what is new of each run, and what is shown. have: how many whole points of each curve the page has."""
        self._catch_up()
        refused = self._shown["follows"] and self._refused == (self._shown["run"], self.run.kept_step(_NEWEST))
        problem = error_for_page(self._problem) if refused and self._problem else None
        counts = [check_index(count, None, "point") for count in have[: len(self._branches)]]
        counts += [0] * (len(self._branches) - len(counts))
        runs = [describe(branch, count) for branch, count in zip(self._branches, counts, strict=True)]
        return {"runs": runs, "shown": self._shown, "problem": problem}

    def _answer_show(self, run: int, step: int) -> dict[str, Any]:
        """Shows a step of a run; returns what is shown then."""
        self._show(check_index(run, len(self._branches), "run"), step)
        return dict(self._shown)

    def _answer_samples(self, run: int, step: int) -> list[dict[str, Any]]:
        """Returns what the model of a step writes after each sample; see `models.sample`."""
        return self._samples_at(check_index(run, len(self._branches), "run"), step)

    def _samples_at(self, index: int, step: int) -> list[dict[str, Any]]:
        run = self._branches[index].run
        step, tokens = run.kept_step(step), self._require_trace().tokens
        prompts: Any = self._samples or [tokens]
        known_prompts, written = self._written.get((index, step), (None, []))
        if known_prompts != prompts:
            with self._lock:
                gpt = self._models.at(run, step)
            written = samples(gpt, prompts)
            self._written[index, step] = prompts, written
        return list(written)

    def _answer_steer(self, action: str) -> dict[str, Any]:
        """Pauses, resumes or stops the run that is shown; returns what `news` does."""
        run = self.run
        actions = {"pause": run.pause, "resume": run.resume, "stop": run.stop}
        if action not in actions:
            raise fail(f"an action among {', '.join(actions)}", f"{action!r:.40}", "Reload the page.")
        actions[action]()
        return self._answer_news([])

    def _answer_fork(self, run: int, step: int, steps: str, learning_rate: str, seed: str) -> dict[str, Any]:
        """Forks a run at a kept step, and shows the fork. An empty text leaves a setting as it is."""
        typed = {"steps": steps, "learning_rate": learning_rate, "seed": seed}
        settings = {name: _number(text) for name, text in typed.items() if text.strip()}
        branch = self._branches[check_index(run, len(self._branches), "run")]
        fork = branch.run.fork(step, **settings)
        with self._lock:
            self._branches.append(Branch(fork, run, branch.offset + step))
            self._show(len(self._branches) - 1, _NEWEST)
        return self._answer_news([])

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        run = self.run
        losses = run.loss
        shapes = [
            still.words(self._phrase(run.status, taken=len(losses), steps=run.settings.steps, error=run.error or ""))
        ]
        if not len(losses):
            return [*shapes, still.words(self._phrase("no_losses"))]
        kept = run.steps_kept[run.steps_kept < len(losses)]
        chosen = kept[np.linspace(0, len(kept) - 1, min(_MOST_BARS, len(kept))).round().astype(int)]
        most = max(float(losses[chosen].max()), 1e-9)
        bars = [
            (self._phrase("step", step=step), float(losses[step]) / most, significant(float(losses[step])))
            for step in chosen.tolist()
        ]
        return [*shapes, still.words(self._phrase("losses")), still.bars(bars)]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each kept step of the run that is shown: step, loss (nats), each measure, and sample.

        loss: of the step's batch, before the step; None for the step that has learned from all batches. sample: what the
        step's model writes; a further text to continue has a column of its own, "sample 2" and so on.
        """
        run = self.run
        kept = run.steps_kept
        measures = run.measures_at(kept.tolist())
        rows = []
        for i, (step, loss) in enumerate(zip(kept.tolist(), losses_at(kept, run.loss), strict=True)):
            written = self._samples_at(self._shown["run"], step)
            names = ("sample", *(f"sample {number}" for number in range(2, len(written) + 1)))
            texts = {name: one["text"] for name, one in zip(names, written, strict=True)}
            measured = {name: float(values[i]) for name, values in measures.items()}
            rows.append({"step": step, "loss": loss, **measured, **texts})
        return rows


def _checked(run: Any) -> Run:
    if not isinstance(run, Run):
        remedy = "gptviz.training.pretrain() makes one, gptviz.training.open_run(folder) opens one."
        raise fail("a Run", type(run).__name__, remedy, WrongType)
    return run


def _checked_box(box: Any, prompt: str) -> PromptBox:
    if not isinstance(box, PromptBox):
        remedy = "Leave it out, and use view.box for other views."
        raise fail("a PromptBox as box", type(box).__name__, remedy, WrongType)
    if prompt:
        raise fail("a box or a prompt", "both", "Type the prompt into the box.", WrongType)
    return box


def _checked_samples(samples: Any) -> list[str]:
    texts = [samples] if isinstance(samples, str) else [] if samples is None else samples
    wrong = [texts] if not isinstance(texts, Sequence) else [text for text in texts if not isinstance(text, str)]
    if wrong:
        raise fail("texts as samples", short(wrong[0]), 'For example samples=["Once upon a time"].', WrongType)
    return list(texts)


def _number(text: str) -> int | float | str:
    """Returns what was typed as a number, if it is one; the settings refuse everything else."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text.strip()
