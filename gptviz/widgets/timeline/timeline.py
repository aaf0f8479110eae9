"""GenerationTimeline: generated text token by token, how sure the model was at each, and what else could have come.

It shows a Completion, or follows a PromptBox and generates anew for each prompt. Another token than the one drawn can
be forced at any step: the text branches there, and the model goes on from it. Generation runs in a thread of its own,
so that neither the kernel nor the page waits; the page asks for what is new while it lasts. Not about how a token is
chosen: see `generation.py`.
"""

import atexit
import contextvars
import secrets
import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import OutOfRange, WrongType, fail
from gptviz.generation.completion import Choice, Completion, Step
from gptviz.generation.request import Request, check_request
from gptviz.text.tokens import Token
from gptviz.trace.runnable import RunnableModel, running_model
from gptviz.trace.trace import Trace
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.sampling.sampling import SamplingBench
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

if TYPE_CHECKING:
    from gptviz.gpt import GPT


PATIENCE = 2.0  # seconds that a still picture, or the end of Python, waits for what is being generated
_generating: "weakref.WeakKeyDictionary[threading.Thread, threading.Event]" = weakref.WeakKeyDictionary()


@atexit.register
def _end_all() -> None:
    """A thread that is inside torch when Python ends would abort it."""
    running = list(_generating.items())
    for _, cancel in running:
        cancel.set()
    for thread, _ in running:
        thread.join(PATIENCE)


@dataclass
class _Branch:
    """One line of text from the prompt on. steps: all of it, also what it shares with the branch it came from.

    parent: that branch, None for the choices of the completion; at: the step that was forced. before: the text of the
    steps up to it. choice: what was generated after it, once it is over.
    """

    steps: list[Step]
    parent: int | None = None
    at: int = -1
    before: str = ""
    choice: Choice | None = None
    problem: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def text(self) -> str:
        own = self.steps[self.at + 1 :]
        return self.before + (self.choice.text if self.choice else "".join(step.text for step in own))

    @property
    def done(self) -> bool:
        """Whether no step will follow; to be asked before the steps are read, so that the last ones are among them."""
        return self.choice is not None or self.problem != ""

    @property
    def finish_reason(self) -> str | None:
        return self.choice.finish_reason if self.choice else None


@dataclass
class _Run:
    """One generation and its branches; the first of them are the choices. completion: set when these have ended."""

    seed: int
    settings: dict[str, Any]
    limits: dict[str, Any]
    prompt: str
    prompt_tokens: tuple[Token, ...]
    branches: list[_Branch]
    completion: Completion | None = None


class GenerationTimeline(View):
    """The steps of a completion. source: a Completion, or a PromptBox whose prompts are continued from then on.

    settings: those of `GPT.complete` (max_tokens, temperature, seed, …), with a PromptBox only; max_tokens is 40 here.
    gpt: the model that a Completion came from, for what needs it: forcing another token, a step's attention, its bench.
    choice: which of n choices is shown, or which of the branches that were forced, counted on from them.
    """

    _name = "timeline"
    _titles: ClassVar[dict[str, str]] = {"en": "Generation", "zh": "生成"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "news": "_answer_news", "again": "_answer_again", "stop": "_answer_stop",
        "force": "_answer_force", "attention": "_answer_attention", "bench": "_answer_bench",
    }  # fmt: skip

    choice = traitlets.Int(0).tag(sync=True)
    _can_generate = traitlets.Bool(False).tag(sync=True)
    _can_force = traitlets.Bool(False).tag(sync=True)
    _prompt: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)  # its tokens
    _heads = traitlets.List(traitlets.Int(), [0, 0]).tag(sync=True)  # layers, heads

    def __init__(self, source: Completion | PromptBox, *, choice: int = 0, gpt: "GPT | None" = None, **settings: Any):
        if not isinstance(source, (Completion, PromptBox)):
            kind = type(source).__name__
            raise fail("a Completion or a PromptBox", kind, "gpt.complete(prompt) makes a Completion.", WrongType)
        of_view = {name: settings.pop(name) for name in ("scale", "language", "selection") if name in settings}
        self._gpt: RunnableModel | None = source.gpt if isinstance(source, PromptBox) else gpt
        self._run: _Run | None = None
        self._traced: tuple[_Branch, int, Trace] | None = None
        self._bench: SamplingBench | None = None
        self._threads: list[threading.Thread] = []
        if isinstance(source, Completion) and settings:
            remedy = "Give them to gpt.complete, or show a PromptBox."
            raise fail("no settings with a Completion, which has its own", next(iter(settings)), remedy, WrongType)
        if isinstance(source, PromptBox):
            of_view = {"selection": source.selection, **of_view}
            settings = {"max_tokens": 40, **settings}
            check_request(source.gpt, source.prompt, **settings)  # refuse now, not in the thread
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
        branches = [_Branch(list(choice.steps), choice=choice) for choice in completion.choices]
        limits = {"max_tokens": completion.max_tokens, "stop": completion.stop or None, "edits": completion.edits}
        self._show(
            _Run(
                completion.seed,
                completion.settings,
                limits,
                completion.prompt,
                completion.prompt_tokens,
                branches,
                completion,
            )
        )

    def wait(self, timeout: float | None = None) -> Completion:
        """The completion, once it and all branches are there. timeout: seconds; GPTVizError when it takes longer."""
        for thread in self._threads:
            thread.join(timeout)
        if self.completion is None or any(thread.is_alive() for thread in self._threads):
            problems = [branch.problem for branch in self._run.branches if branch.problem] if self._run else []
            problem = problems[0] if problems else "it is still being generated"
            raise fail("a completion", problem, "Wait longer, or run it again.")
        return self.completion

    def force(self, step: int, id: int) -> int:
        """Put another token in the place of a step of the shown branch, and let the model go on from there.

        id: one of the step's alternatives. The new branch is shown; its number, which `choice` takes, comes back. It is
        the text that `complete` gives for the prompt, the steps before and this token, with the same seed and settings,
        and as many tokens as there were to be in all (`max_tokens`). An end-of-text token ends it, as one that is drawn.
        """
        run, gpt = self._current(), self._model("force another token")
        parent = run.branches[self.choice]
        step = check_index(step, len(parent.steps), "step")
        found = next((one for one in parent.steps[step].alternatives if one.token.id == id), None)
        if found is None:
            known = ", ".join(str(one.token.id) for one in parent.steps[step].alternatives)
            raise fail("one of the step's alternatives", f"token {id}", f"They are {known}.", OutOfRange)
        kept = parent.steps[:step]
        ended = id in gpt.end_ids
        before = gpt.decode([one.token.id for one in kept] + [id] * (not ended))
        forced = replace(
            parent.steps[step], token=replace(found.token, position=len(run.prompt_tokens) + step),
            probability=found.probability, sampling_probability=found.sampling_probability, finish_reason=None,
            text=before[sum(len(one.text) for one in kept) :],  # with what a stop string had held back
        )  # fmt: skip
        branch = _Branch([*kept, forced], self.choice, step, before)
        run.branches.append(branch)
        left = run.limits["max_tokens"] - len(branch.steps)
        if ended:
            branch.choice = Choice(0, "", "stop", ())
        elif left:
            ids = [token.id for token in run.prompt_tokens] + [one.token.id for one in branch.steps]
            self._generate(ids, run.settings | run.limits | {"max_tokens": left}, [branch])
        else:
            branch.choice = Choice(0, "", "length", ())
        self.choice = len(run.branches) - 1
        return int(self.choice)

    def to_table(self) -> list[dict[str, Any]]:
        """One row a step of the shown choice: index, id, token, probabilities, entropy (bits), kept, kept_mass."""
        steps = self._run.branches[self.choice].steps if self._run else []
        return [
            {"index": i, "id": s.token.id, "token": s.token.text, "probability": s.probability,
             "sampling_probability": s.sampling_probability, "entropy": s.entropy, "kept": s.kept,
             "kept_mass": s.kept_mass}
            for i, s in enumerate(list(steps))
        ]  # fmt: skip

    def _shapes(self) -> list[still.Shape]:
        for thread in self._threads:
            thread.join(PATIENCE)
        run = self._current()
        branch = run.branches[self.choice]
        steps = list(branch.steps)
        shares = [step.probability for step in steps]
        chips = still.chips([step.token for step in steps], [f"{100 * share:.0f} %" for share in shares], shares)
        return [still.words(run.prompt), still.words(branch.text, 16), chips]

    @traitlets.validate("choice")
    def _check_choice(self, proposal: dict[str, Any]) -> int:
        count = len(self._run.branches) if self._run else None
        return proposal["value"] if count is None else check_index(proposal["value"], count, "choice")

    # Generating

    def _fill(self) -> None:
        """A new prompt: continue it, with the same settings."""
        self._start(self._settings.get("seed"))

    def _start(self, seed: int | None) -> None:
        trace: Trace = self._require_trace()
        self._gpt = running_model(trace)  # the box may have another model by now
        seed = secrets.randbelow(2**31) if seed is None else seed
        settings = self._settings | {"seed": seed}
        request = check_request(self._gpt, [token.id for token in trace.tokens], **settings)  # type: ignore[arg-type]
        limits = {"max_tokens": request.max_tokens, "stop": request.stop or None, "edits": request.editing.edits}
        branches = [_Branch([]) for _ in request.rows]
        self._show(_Run(seed, request.settings._asdict(), limits, trace.text, trace.tokens, branches))
        self._generate([token.id for token in trace.tokens], settings, branches)

    def _generate(self, ids: list[int], settings: dict[str, Any], branches: list[_Branch]) -> None:
        """Continue these ids in a thread, a branch a choice."""
        run, cancel = self._current(), branches[0].cancel
        for branch in branches:
            branch.cancel = cancel
        wanted = {"seed": run.seed} | settings | {"cancel": cancel}
        request = check_request(self._gpt, ids, **wanted)  # type: ignore[arg-type]
        # The context carries which cell or message this belongs to, so that what the thread prints goes there.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(_consume, request, run, branches), daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        _generating[thread] = cancel
        thread.start()

    def _show(self, run: _Run) -> None:
        for branch in self._run.branches if self._run else []:
            branch.cancel.set()
        self._run, self._traced = run, None
        gpt = self._gpt
        with self.hold_sync():
            self._can_force = gpt is not None
            self._prompt = [describe(token) for token in run.prompt_tokens]
            self._heads = [gpt.n_layers, gpt.n_heads] if gpt else [0, 0]
            if self.choice >= len(run.branches):
                self.choice = 0
            self._source += 1

    def close(self) -> None:
        """Take the view, and the bench in it, away."""
        if getattr(self, "_bench", None) is not None:  # a view that was refused is closed half made
            self._bench.close()  # type: ignore[union-attr]
        super().close()

    # The page's questions

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        self.wait()
        branches = self._current().branches
        shown_first = sorted(range(len(branches)), key=lambda i: i != self.choice)
        yield from (("news", {"source": -1, "have": 0, "choice": i}) for i in shown_first)
        if self._gpt is None:
            return
        layers, heads = self._heads
        opened = self.selection.layer, self.selection.head
        others = [one for one in product(range(layers), range(heads)) if one != opened]
        for some in ([opened], others):
            for choice in shown_first:
                steps = range(len(branches[choice].steps))
                asked = ({"choice": choice, "layer": layer, "head": head} for layer, head in some)
                yield from (("attention", one | {"step": step}) for one in asked for step in steps)

    def _answer_news(self, source: int, have: int, choice: int) -> dict[str, Any]:
        """What the page lacks of a branch, or all of it if the page shows another run."""
        run = self._current()
        branch = run.branches[check_index(choice, len(run.branches), "choice")]
        have = have if source == self._source else 0
        done = branch.done
        return {
            "source": self._source,
            "choice": choice,
            "steps": [_describe_step(step) for step in branch.steps[have:]],
            "from": have,
            "prompt": run.prompt,
            "prompt_spelled": _spelling(run.prompt, run.prompt_tokens),
            "text": branch.text,
            "finish_reason": branch.finish_reason,
            "branches": [_describe_branch(run, one) for one in run.branches],
            "seed": run.seed,
            "settings": run.settings,
            "done": done,
            "problem": branch.problem,
        }

    def progress(self) -> dict[str, Any]:
        """Of the first choice: how many steps there are; done; finish_reason: None while it is still drawn."""
        branch = self._current().branches[0]
        done = branch.done
        return {"steps": len(branch.steps), "done": done, "finish_reason": branch.finish_reason}

    def _answer_again(self) -> int:
        if not self._can_generate:
            raise fail("a view that follows a PromptBox", "one of a Completion", "Show a PromptBox to generate here.")
        self._settings["seed"] = secrets.randbelow(10_000)
        self._start(self._settings["seed"])
        return int(self._settings["seed"])

    def _answer_stop(self) -> None:
        self._current().branches[self.choice].cancel.set()

    def _answer_force(self, step: int, id: int) -> int:
        return self.force(step, id)

    def _answer_attention(self, choice: int, step: int, layer: int, head: int) -> np.ndarray:
        """What a head looked at when the step's token was chosen: the row of the token before it, a number a token."""
        trace, at = self._trace_of(choice, step)
        layer, head = check_index(layer, trace.n_layers, "layer"), check_index(head, trace.n_heads, "head")
        row: np.ndarray = trace.attention(layer, head)[at, : at + 1]
        return row

    def _answer_bench(self, step: int) -> str:
        """Put the step on a sampling bench; how the page's host calls that."""
        run = self._current()
        trace, at = self._trace_of(self.choice, step)
        if self._bench is None:
            self._bench = SamplingBench(trace.next_token(at), scale=self.scale, language=self.language)
        self._bench.next_token = trace.next_token(at)
        for name, value in (run.settings | {"seed": run.seed}).items():
            setattr(self._bench, name, value)
        return f"anywidget:{self._bench.model_id}"

    def _trace_of(self, choice: int, step: int) -> tuple[Trace, int]:
        """One trace of a branch's text that has the step, and the position that the step's token was drawn after."""
        run, gpt = self._current(), self._model("look at the attention of a step")
        branch = run.branches[check_index(choice, len(run.branches), "choice")]
        steps = list(branch.steps)
        at = len(run.prompt_tokens) + check_index(step, len(steps), "step") - 1
        if self._traced is None or self._traced[0] is not branch or self._traced[1] <= at:
            prompt, more = [token.id for token in run.prompt_tokens], [one.token.id for one in steps[:-1]]
            trace = gpt.trace_continued(prompt, more, run.limits["edits"])
            self._traced = branch, len(trace.tokens), trace
        return self._traced[2], at

    def _model(self, purpose: str) -> RunnableModel:
        if self._gpt is None:
            remedy = "Write GenerationTimeline(completion, gpt=gpt)."
            raise fail(f"the model, to {purpose}", "a Completion alone", remedy)
        return self._gpt

    def _current(self) -> _Run:
        if self._run is None:
            raise fail("a completion to show", "none yet", "Set view.completion, or run a prompt.")
        return self._run


def _consume(request: Request, run: _Run, branches: list[_Branch]) -> None:
    """In a thread: whatever happens is written down in the branches."""
    from gptviz.generation.loop import steps  # needs torch

    try:
        for step in steps(request):
            branches[step.choice].steps.append(step)
        completion = request.completion()
        if branches[0].parent is None:
            run.completion = completion
        for branch, choice in zip(branches, completion.choices, strict=True):
            branch.choice = choice
    except Exception as error:
        for branch in branches:
            branch.problem = f"{type(error).__name__}: {error}"


def _describe_branch(run: _Run, branch: _Branch) -> dict[str, Any]:
    forced = None if branch.parent is None else describe(branch.steps[branch.at].token)
    text, tokens = branch.text, [step.token for step in list(branch.steps)]
    spelled = _spelling(text, tokens)
    return {"parent": branch.parent, "at": branch.at, "token": forced, "text": text, "spelled": spelled}


def _spelling(text: str, tokens: Iterable[Token]) -> list[dict[str, Any]]:
    """The tokens of a text in which some bytes are no character, so that the page can show these; none of another."""
    return [describe(token) for token in tokens] if "\ufffd" in text else []


def _describe_step(step: Step) -> dict[str, Any]:
    return {
        "token": describe(step.token),
        "probability": step.probability,
        "sampling": step.sampling_probability,
        "entropy": step.entropy,
        "kept": step.kept,
        "mass": step.kept_mass,
        "text": step.text,
        "cached": step.cached,
        "alternatives": [
            {"token": describe(one.token), "probability": one.probability, "sampling": one.sampling_probability}
            for one in step.alternatives
        ],
    }
