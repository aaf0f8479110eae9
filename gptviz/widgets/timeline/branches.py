"""Branches of generated text, and the threads that generate them."""

import atexit
import contextvars
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from gptviz.checks import check_index
from gptviz.errors import OutOfRange, fail
from gptviz.generation.completion import Choice, Completion, Step
from gptviz.generation.request import end_ids_after
from gptviz.served.reading import is_served
from gptviz.text.tokens import Token

PATIENCE = 2.0  # seconds that a still picture, or the end of Python, waits for a running generation
_generating: WeakKeyDictionary[threading.Thread, threading.Event] = WeakKeyDictionary()


@atexit.register
def _stop_all() -> None:
    """Stops every generation: a thread that is inside torch when Python ends would abort the process."""
    running = list(_generating.items())
    for _, cancel in running:
        cancel.set()
    for thread, _ in running:
        thread.join(PATIENCE)


@dataclass
class Branch:
    """One continuation of the prompt. steps: all of its steps, including those that it shares with its parent.

    parent: the index of the branch that it was forked from. at: the step that was forced. before: the text of the steps up
    to that one. choice: what was generated after it, set at the end. problem: the error that ended the generation. cancel:
    set it to end the generation.
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
        """The text so far."""
        own = self.steps[self.at + 1 :]
        return self.before + (self.choice.text if self.choice else "".join(step.text for step in own))

    @property
    def done(self) -> bool:
        """Whether no step will follow. Read it before the steps, so that the last steps are not missed."""
        return self.choice is not None or self.problem != ""

    @property
    def finish_reason(self) -> str | None:
        """Why the text ended; None while it is being generated."""
        return self.choice.finish_reason if self.choice else None


@dataclass
class Run:
    """One generation and its branches; the first branches are the choices.

    settings: of sampling. limits: max_tokens, stop and edits. prompt: the text that is continued; of an encoder-decoder, what
    was given of the target. source, source_tokens: what its encoder reads; "" and none of a decoder-only model. weights: what
    `gpt.weight_versions()` was; None if unknown. completion: set when all choices have ended.
    """

    seed: int
    settings: dict[str, Any]
    limits: dict[str, Any]
    prompt: str
    prompt_tokens: tuple[Token, ...]
    branches: list[Branch]
    weights: object
    completion: Completion | None = None
    source: str = ""
    source_tokens: tuple[Token, ...] = ()


def run_of(completion: Completion) -> Run:
    """Returns a finished completion as a run with a branch for each choice."""
    branches = [Branch(list(choice.steps), choice=choice) for choice in completion.choices]
    limits = {"max_tokens": completion.max_tokens, "stop": completion.stop or None, "edits": completion.edits}
    c = completion
    prompt, source = ("", c.prompt) if c.source_tokens else (c.prompt, "")
    run = Run(c.seed, c.settings, limits, prompt, c.prompt_tokens, branches, c.weight_versions, c)
    return replace(run, source=source, source_tokens=c.source_tokens)


class Generation:
    """What generates the steps of a run or a branch."""

    def steps(self) -> Iterator[Step]:
        """Generates the steps, one after the other."""
        raise NotImplementedError

    def completion(self) -> Completion:
        """Returns what was generated."""
        raise NotImplementedError


def fork(run: Run, parent: int, step: int, id: int, gpt: Any, text: str = "") -> Branch:
    """Returns a new branch: the steps of `parent` before `step`, then the token `id`, one of the step's alternatives.

    text: of the token, where a server does not report ids, which are -1 then.
    """
    if not is_served(gpt):
        gpt.check_weight_versions(run.weights)
    steps = run.branches[parent].steps
    step = check_index(step, len(steps), "step")
    alternatives = steps[step].alternatives
    same = (one for one in alternatives if one.token.id == id and (id >= 0 or one.token.text == text))
    forced = next(same, None)
    if forced is None:
        known = ", ".join(str(alternative.token.id) for alternative in alternatives)
        raise fail("one of the step's alternatives", f"token {id}", f"They are {known}.", OutOfRange)
    kept = steps[:step]
    shown = [earlier.token for earlier in kept] + [forced.token] * (id not in ending_ids(run, gpt))
    before = _added_text(run, shown, gpt)
    last = replace(
        steps[step],
        token=replace(forced.token, position=len(run.prompt_tokens) + step, role=steps[step].token.role),
        probability=forced.probability, sampling_probability=forced.sampling_probability, finish_reason=None,
        text=before[sum(len(earlier.text) for earlier in kept) :],  # includes what a possible stop string held back
    )  # fmt: skip
    return Branch([*kept, last], parent, step, before)


def ending_ids(run: Run, gpt: Any) -> frozenset[int]:
    """Returns the tokens that end the text; none for a served model, whose server does not report them."""
    return frozenset() if is_served(gpt) else end_ids_after(run.prompt_tokens, gpt)


def _added_text(run: Run, tokens: list[Token], gpt: Any) -> str:
    """Returns what tokens add to the text of the prompt."""
    if is_served(gpt):
        return b"".join(token.bytes for token in tokens).decode(errors="replace")
    added: str = gpt.decoding.added([token.id for token in run.prompt_tokens], [token.id for token in tokens])
    return added


def start_generating(generation: Generation, run: Run, branches: list[Branch]) -> threading.Thread:
    """Starts a thread that adds the steps of each choice of `generation` to its branch; returns the thread."""
    # A copy of the context keeps the running cell or message, so that what the thread prints appears there.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_generate, generation, run, branches), daemon=True)
    _generating[thread] = branches[0].cancel
    thread.start()
    return thread


def _generate(generation: Generation, run: Run, branches: list[Branch]) -> None:
    """Runs in the thread. Any error is stored in the branches, and the page shows it."""
    try:
        for step in generation.steps():
            branches[step.choice].steps.append(step)
        completion = generation.completion()
        if branches[0].parent is None:
            run.completion = completion
        for branch, choice in zip(branches, completion.choices, strict=True):
            branch.choice = choice
    except Exception as error:
        for branch in branches:
            branch.problem = f"{type(error).__name__}: {error}"
