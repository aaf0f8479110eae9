"""GenerationTimeline: generated text token by token, how sure the model was at each, and what else could have come.

It shows a Completion, or follows a PromptBox and generates anew for each prompt. Generation runs in a thread of its
own, so that neither the kernel nor the page waits; the page asks for what is new while it lasts, and for a step's
alternatives when that step is chosen. Not about how a token is chosen: see `generation.py`.
"""

import contextvars
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import traitlets

from gptviz import generation
from gptviz.completion import Completion, Step
from gptviz.errors import WrongType, fail
from gptviz.trace import Trace, check_index
from gptviz.widgets.base import View, describe
from gptviz.widgets.prompt import PromptBox


@dataclass
class _Run:
    """One generation, under way or over. steps: a list for each choice, which grows. completion: set at the end."""

    seed: int
    settings: dict[str, Any]
    prompt: str
    steps: list[list[Step]]
    completion: Completion | None = None
    problem: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)


class GenerationTimeline(View):
    """The steps of a completion. source: a Completion, or a PromptBox whose prompts are continued from then on.

    settings: those of `GPT.complete` (max_tokens, temperature, seed, …), with a PromptBox only; max_tokens is 40 here.
    choice: which of n choices is shown.
    """

    _name = "timeline"
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "news": "_answer_news", "alternatives": "_answer_alternatives",
        "again": "_answer_again", "stop": "_answer_stop",
    }  # fmt: skip

    choice = traitlets.Int(0).tag(sync=True)
    _can_generate = traitlets.Bool(False).tag(sync=True)

    def __init__(self, source: Completion | PromptBox, *, choice: int = 0, **settings: Any):
        if not isinstance(source, (Completion, PromptBox)):
            kind = type(source).__name__
            raise fail("a Completion or a PromptBox", kind, "gpt.complete(prompt) makes a Completion.", WrongType)
        of_view = {name: settings.pop(name) for name in ("scale", "language", "selection") if name in settings}
        self._gpt = source.gpt if isinstance(source, PromptBox) else None
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None
        if self._gpt is None and settings:
            remedy = "Give them to gpt.complete, or show a PromptBox."
            raise fail("no settings with a Completion, which has its own", next(iter(settings)), remedy, WrongType)
        if isinstance(source, PromptBox):
            of_view = {"selection": source.selection, **of_view}
            settings = {"max_tokens": 40, **settings}
            generation.checked(source.gpt, source.prompt, **settings)  # refuse now, not in the thread
        self._settings = settings
        super().__init__(None, choice=choice, **of_view)
        if isinstance(source, PromptBox):
            self._can_generate = True
            source.follow(self)
        else:
            self.completion = source

    @property
    def completion(self) -> Completion | None:
        """What is shown, None while it is being generated. Set it to show another one."""
        return self._run.completion if self._run else None

    @completion.setter
    def completion(self, completion: Completion) -> None:
        if not isinstance(completion, Completion):
            raise fail("a Completion", type(completion).__name__, "gpt.complete(prompt) makes one.", WrongType)
        steps = [list(choice.steps) for choice in completion.choices]
        self._show(_Run(completion.seed, completion.settings, completion.prompt, steps, completion))

    def wait(self, timeout: float | None = None) -> Completion:
        """The completion, once it is all there. timeout: seconds; GPTVizError when it takes longer."""
        if self._thread is not None:
            self._thread.join(timeout)
        if self.completion is None:
            problem = (self._run.problem if self._run else "") or "it is still being generated"
            raise fail("a completion", problem, "Wait longer, or run it again.")
        return self.completion

    def to_table(self) -> list[dict[str, Any]]:
        """One row a step of the shown choice: index, id, token, probabilities, entropy (bits), kept, kept_mass."""
        steps = self._run.steps[self.choice] if self._run else []
        return [
            {"index": s.index, "id": s.token.id, "token": s.token.text, "probability": s.probability,
             "sampling_probability": s.sampling_probability, "entropy": s.entropy, "kept": s.kept,
             "kept_mass": s.kept_mass}
            for s in list(steps)
        ]  # fmt: skip

    @traitlets.validate("choice")
    def _check_choice(self, proposal: dict[str, Any]) -> int:
        count = len(self._run.steps) if self._run else None
        return proposal["value"] if count is None else check_index(proposal["value"], count, "choice")

    # Generating

    def _fill(self) -> None:
        """A new prompt: continue it, with the same settings."""
        self._start(self._settings.get("seed"))

    def _start(self, seed: int | None) -> None:
        trace: Trace = self._shown()
        self._gpt = trace.gpt  # the box may have another model by now
        seed = secrets.randbelow(2**31) if seed is None else seed
        run = _Run(seed, {}, trace.text, [])
        ids = [token.id for token in trace.tokens]
        request = generation.checked(self._gpt, ids, **self._settings | {"seed": seed, "cancel": run.cancel})  # type: ignore[arg-type]
        run.settings, run.steps = request.settings._asdict(), [[] for _ in request.rows]
        self._show(run)
        # The context carries which cell or message this belongs to, so that what the thread prints goes there.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(_generate, request, run), daemon=True)
        self._thread.start()

    def _show(self, run: _Run) -> None:
        if self._run is not None:
            self._run.cancel.set()
        self._run = run
        with self.hold_sync():
            if self.choice >= len(run.steps):
                self.choice = 0
            self._source += 1

    # The page's questions

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        self.wait()
        yield "news", {"source": -1, "have": 0}
        yield from (("alternatives", {"step": step}) for step in range(len(self._current().steps[self.choice])))

    def _answer_news(self, source: int, have: int) -> dict[str, Any]:
        """What the page lacks of the run it shows, or of the present one from its start if that is another."""
        run = self._current()
        have = have if source == self._source else 0
        done = run.completion is not None or run.problem != ""  # before the steps are read: the last ones must be there
        steps = run.steps[self.choice]
        ended = run.completion.choices[self.choice] if run.completion else None
        return {
            "source": self._source,
            "steps": [_describe_step(step) for step in steps[have:]],
            "from": have,
            "prompt": run.prompt,
            "text": ended.text if ended else "".join(step.text for step in list(steps)),
            "finish_reason": ended.finish_reason if ended else None,
            "choices": len(run.steps),
            "seed": run.seed,
            "settings": run.settings,
            "done": done,
            "problem": run.problem,
        }

    def _answer_alternatives(self, step: int) -> list[dict[str, Any]]:
        steps = self._current().steps[self.choice]
        chosen = steps[check_index(step, len(steps), "step")]
        return [
            {"token": describe(a.token), "probability": a.probability, "sampling": a.sampling_probability}
            for a in chosen.alternatives
        ]

    def _answer_again(self) -> int:
        if self._gpt is None:
            raise fail("a view that follows a PromptBox", "one of a Completion", "Show a PromptBox to generate here.")
        self._settings["seed"] = secrets.randbelow(10_000)
        self._start(self._settings["seed"])
        return int(self._settings["seed"])

    def _answer_stop(self) -> None:
        self._current().cancel.set()

    def _current(self) -> _Run:
        if self._run is None:
            raise fail("a completion to show", "none yet", "Set view.completion, or run a prompt.")
        return self._run


def _generate(request: generation.Request, run: _Run) -> None:
    """In a thread: whatever happens is written down in the run."""
    try:
        for step in request.steps():
            run.steps[step.choice].append(step)
        run.completion = request.completion()
    except Exception as error:
        run.problem = f"{type(error).__name__}: {error}"


def _describe_step(step: Step) -> dict[str, Any]:
    return {
        "token": describe(step.token),
        "index": step.index,
        "probability": step.probability,
        "sampling": step.sampling_probability,
        "entropy": step.entropy,
        "kept": step.kept,
        "mass": step.kept_mass,
    }
