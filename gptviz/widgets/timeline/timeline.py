"""GenerationTimeline: generated text token by token, with how certain the model was and what else it could have drawn.

It shows a Completion, or follows a PromptBox and generates for each prompt. At any step another token can be forced: the
text branches there and the model continues from it. Of an encoder-decoder, it shows the target, which is written token by
token to one source. Each generation runs in a thread, so that neither the kernel nor the
page waits; the page asks for new steps while it runs.
"""

import secrets
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import WrongType, fail
from gptviz.generation.completion import Choice, Completion
from gptviz.pages.answering import PageQuestion, PageWidget
from gptviz.sampling.next_token import NextToken
from gptviz.served.next_token import RevealedNextToken
from gptviz.served.reading import ServedReading, is_served
from gptviz.trace.runnable import RunnableModel, rerunning_model, writing_model
from gptviz.trace.trace import Trace
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.sampling.sampling import SamplingBench
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View
from gptviz.widgets.timeline.branches import PATIENCE, Branch, Run, ending_ids, fork, run_of, start_generating
from gptviz.widgets.timeline.generations import (
    cancel_with,
    check_not_served,
    check_settings_of_box,
    generation_of,
    to_continue,
)
from gptviz.widgets.timeline.looking import attention_questions, attention_row
from gptviz.widgets.timeline.news import is_served_step, news
from gptviz.widgets.timeline.revealed_step import revealed_of_step
from gptviz.widgets.timeline.tables import chips_of, table_of

_NOT_FOR_THE_PAGE = ("edits", "stop", "n", "cancel")  # settings that a page which runs the model does not have
_VIEW_KEYWORDS = ("scale", "language", "selection")


class GenerationTimeline(View):
    """The steps of a completion. source: a Completion, or a PromptBox whose prompts are continued from then on.

    A completion of a served model shows what its server revealed; "–" is for the rest.
    settings: those of `GPT.complete` (max_tokens, temperature, seed, …), with a PromptBox only; max_tokens is 40 here.
    An encoder-decoder continues the target that was given, or begins one. gpt: the model that a Completion came from, needed
    to force a token and to show a step's attention or bench. A served model forces a token by continuing the text before
    it, and shows no attention.
    choice: which choice or branch is shown; branches are numbered after the choices.
    """

    _name = "timeline"
    _titles: ClassVar[dict[str, str]] = {"en": "Generation", "zh": "生成"}
    _shows_stacks = True
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "news": "_answer_news", "again": "_answer_again", "stop": "_answer_stop",
        "force": "_answer_force", "opening": "_answer_opening", "attention": "_answer_attention", "bench": "_answer_bench",
    }  # fmt: skip

    choice = traitlets.Int(0).tag(sync=True)
    _can_generate = traitlets.Bool(False).tag(sync=True)
    _can_force = traitlets.Bool(False).tag(sync=True)
    _prompt: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)  # its tokens
    _settings = traitlets.Dict().tag(sync=True)  # with which a page that runs the model continues a prompt
    _source_tokens: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)  # of an encoder-decoder
    _heads = traitlets.List(traitlets.Int()).tag(sync=True)  # how many each layer has; 0 without attention

    def __init__(
        self, source: Completion | PromptBox, *, choice: int = 0, gpt: RunnableModel | None = None, **settings: Any
    ):
        if not isinstance(source, (Completion, PromptBox)):
            kind = type(source).__name__
            raise fail("a Completion or a PromptBox", kind, "gpt.complete(prompt) makes a Completion.", WrongType)
        view_keywords = {name: settings.pop(name) for name in _VIEW_KEYWORDS if name in settings}
        self._gpt: Any = source.gpt if isinstance(source, PromptBox) else gpt
        self._run: Run | None = None
        self._traced: tuple[Branch, int, Trace] | None = None  # a branch, how many tokens were traced, their trace
        self._compared: set[int] = set()  # the positions of that trace that were compared with their steps
        self._bench: SamplingBench | None = None
        self._box = source if isinstance(source, PromptBox) else None
        self._threads: list[threading.Thread] = []
        if isinstance(source, Completion) and settings:
            remedy = "Give them to gpt.complete, or show a PromptBox."
            raise fail("no settings with a Completion, which has its own", next(iter(settings)), remedy, WrongType)
        if isinstance(source, PromptBox):
            view_keywords = {"selection": source.selection, **view_keywords}
            settings = {"max_tokens": 40, **settings}
            check_settings_of_box(source, settings)  # raises here rather than in the thread
        self._given = settings
        super().__init__(None, choice=choice, **view_keywords)
        self._settings = {name: value for name, value in settings.items() if name not in _NOT_FOR_THE_PAGE}
        if isinstance(source, PromptBox):
            self._can_generate = True
            source.follow(self)
        else:
            self.completion = source

    @property
    def completion(self) -> Completion | None:
        """The completion shown; None while it is being generated. Set it to show another one."""
        return self._run.completion if self._run else None

    @completion.setter
    def completion(self, completion: Completion) -> None:
        if not isinstance(completion, Completion):
            raise fail("a Completion", type(completion).__name__, "gpt.complete(prompt) makes one.", WrongType)
        if self._gpt is not None:
            self._gpt = writing_model(self._gpt, completion)
        self._show_run(run_of(completion))

    def wait(self, timeout: float | None = None) -> Completion:
        """Waits until the completion and all branches are finished, and returns the completion.

        timeout: seconds to wait for each; GPTVizError if that is not enough.
        """
        for thread in self._threads:
            thread.join(timeout)
        if self.completion is None or any(thread.is_alive() for thread in self._threads):
            problems = [branch.problem for branch in self._run.branches if branch.problem] if self._run else []
            problem = problems[0] if problems else "it is still being generated"
            raise fail("a completion", problem, "Wait longer, or run it again.")
        return self.completion

    def progress(self) -> dict[str, Any]:
        """Returns the first choice's steps so far, done, and finish_reason, which is None while it is generated."""
        branch = self._require_run().branches[0]
        done = branch.done
        return {"steps": len(branch.steps), "done": done, "finish_reason": branch.finish_reason}

    def force(self, step: int, id: int, text: str = "") -> int:
        """Replaces the token of a step of the shown branch, and generates a new branch from there.

        id: one of the step's alternatives; -1 with its text for a token whose id a server does not report. Shows the new branch
        and returns its number, the value of `choice`. The branch is the text that `complete` gives for the prompt, the steps
        before and this token, with the same seed and settings, and up to `max_tokens` tokens in all. An end-of-text token
        ends it, as one that is drawn does.
        """
        run, gpt = self._require_run(), self._require_model("force another token")
        branch = fork(run, int(self.choice), step, id, gpt, text)
        remaining = run.limits["max_tokens"] - len(branch.steps)
        prompt = to_continue(gpt, [*run.prompt_tokens, *(step.token for step in branch.steps)])
        run.branches.append(branch)
        if id in ending_ids(run, gpt):
            branch.choice = Choice(0, "", "stop", ())
        elif remaining:
            self._generate(prompt, run.settings | run.limits | {"max_tokens": remaining}, [branch])
        else:
            branch.choice = Choice(0, "", "length", ())
        self.choice = len(run.branches) - 1
        return int(self.choice)

    @traitlets.validate("choice")
    def _check_choice(self, proposal: dict[str, Any]) -> int:
        count = len(self._run.branches) if self._run else None
        return proposal["value"] if count is None else check_index(proposal["value"], count, "choice")

    # Generating

    def _fill(self) -> None:
        """Continues a new prompt with the same settings."""
        trace = self._require_trace()
        self._gpt = gpt = rerunning_model(trace)  # the box may have another model by now
        self._prompt_of_box = trace.tokens if self._box is None else self._box.given_tokens(trace)
        is_whole = self._prompt_of_box is trace.tokens
        self._text_of_box = trace.text if is_whole else gpt.decode(token.id for token in self._prompt_of_box)
        self._start(self._given.get("seed"))

    def show_served(self, reading: ServedReading) -> None:
        """Continues the prompt of a served model."""
        self._gpt = self._box.gpt if self._box else self._gpt
        self._prompt_of_box, self._text_of_box = reading.prompt, reading.text
        self._start(self._given.get("seed"))

    def _start(self, seed: int | None) -> None:
        settings = self._given | {"seed": secrets.randbelow(2**31) if seed is None else seed}
        run = generation_of(self._gpt, self._prompt_of_box, settings).new_run(self._text_of_box)
        self._show_run(run)
        self._generate(self._prompt_of_box, settings, run.branches)

    def _generate(self, prompt: Any, settings: dict[str, Any], branches: list[Branch]) -> None:
        """Continues a prompt in a thread, with a branch for each choice. prompt: see `generation_of`."""
        run = self._require_run()
        settings = {"seed": run.seed} | settings | {"cancel": cancel_with(branches)}
        generation = generation_of(self._require_model("generate"), prompt, settings)
        still_running = [thread for thread in self._threads if thread.is_alive()]
        self._threads = [*still_running, start_generating(generation, run, branches)]

    def _show_run(self, run: Run) -> None:
        for branch in self._run.branches if self._run else []:
            branch.cancel.set()
        self._run, self._traced = run, None
        gpt = self._gpt
        with self.hold_sync():
            self._can_force = gpt is not None
            self._prompt = [describe(token) for token in run.prompt_tokens]
            self._source_tokens = [describe(token) for token in run.source_tokens]
            layers = range(0 if gpt is None or is_served(gpt) else gpt.n_layers)
            self._heads = [gpt.heads_in(layer) for layer in layers]
            if self.choice >= len(run.branches):
                self.choice = 0
            self._source += 1

    def _require_model(self, purpose: str) -> Any:
        if self._gpt is None:
            remedy = "Write GenerationTimeline(completion, gpt=gpt)."
            raise fail(f"the model, to {purpose}", "a Completion alone", remedy)
        return self._gpt

    def _require_run(self) -> Run:
        if self._run is None:
            raise fail("a completion to show", "none yet", "Set view.completion, or run a prompt.")
        return self._run

    def close(self) -> None:
        """Closes the view and the bench in it."""
        if getattr(self, "_bench", None) is not None:  # an error in __init__ closes a view that has no bench yet
            self._bench.close()  # type: ignore[union-attr]
        super().close()

    def live_children(self) -> dict[str, PageWidget]:
        """Returns the bench on which a step is shown."""
        self.wait()
        self._answer_bench(0)
        assert self._bench is not None
        return {"bench": self._bench}

    # Answers to the page

    def _page_questions(self) -> Iterator[PageQuestion]:
        self.wait()
        branches = self._require_run().branches
        choices = sorted(range(len(branches)), key=lambda choice: choice != self.choice)  # the one shown first
        yield from (("news", {"source": -1, "have": 0, "choice": choice}) for choice in choices)
        if self._gpt is None or is_served(self._gpt):
            return
        if branches[choices[0]].steps and any(self._heads):
            yield "opening", {"choice": choices[0]}
        counts = {choice: len(branches[choice].steps) for choice in choices}
        opened = int(self.selection.layer), int(self.selection.head)
        yield from attention_questions(self._heads, opened, counts, bool(self._source_tokens))

    def _answer_news(self, source: int, have: int, choice: int) -> dict[str, Any]:
        """Returns the steps of a branch from `have` on, or all of them if the page shows another run."""
        run = self._require_run()
        choice = check_index(choice, len(run.branches), "choice")
        return {"source": self._source, **news(run, choice, have if source == self._source else 0)}

    def _answer_again(self) -> int:
        """Generates once more with another seed, and returns the seed."""
        if not self._can_generate:
            raise fail("a view that follows a PromptBox", "one of a Completion", "Show a PromptBox to generate here.")
        self._given["seed"] = secrets.randbelow(10_000)
        self._start(self._given["seed"])
        return int(self._given["seed"])

    def _answer_stop(self) -> None:
        self._require_run().branches[self.choice].cancel.set()

    def _answer_force(self, step: int, id: int, text: str = "") -> int:
        return self.force(step, id, text)

    def _answer_attention(self, choice: int, step: int, layer: int, head: int, stack: str = "decoder") -> np.ndarray:
        """Returns the head's weights at the token that the step's token was predicted from; see `attention_row`."""
        return attention_row(*self._trace_of(choice, step), layer, head, stack)

    def _answer_opening(self, choice: int) -> dict[str, Any]:
        """Opens the head at which views of attention open, as the last step of a branch sees it, unless one was chosen.

        layer, head: the open head. opening: the weight that chose it, or None; tokens: the two that it is about.
        """
        trace, _ = self._trace_of(choice, len(self._require_run().branches[choice].steps) - 1)
        self.selection.open_head(trace)
        opening = self.selection.opening_for_page(trace)
        positions = [opening[end] for end in ("query", "key")] if opening else []
        tokens = {str(position): describe(trace.tokens[position]) for position in positions}
        return {"layer": self.selection.layer, "head": self.selection.head, "opening": opening, "tokens": tokens}

    def _answer_bench(self, step: int) -> str:
        """Shows the step on a sampling bench, and returns the bench's reference for the page's host."""
        run = self._require_run()
        next_token = self._next_token_of(step)
        if self._bench is None:
            self._bench = SamplingBench(next_token, scale=self.scale, language=self.language)
        self._bench.next_token = next_token
        for name, value in (run.settings | {"seed": run.seed}).items():
            setattr(self._bench, name, value)
        return f"anywidget:{self._bench.model_id}"

    def _next_token_of(self, step: int) -> NextToken | RevealedNextToken:
        """Returns what a step of the shown branch was drawn from, as far as a server reveals it."""
        run = self._require_run()
        steps = run.branches[self.choice].steps
        if is_served_step(steps[check_index(step, len(steps), "step")]):
            return revealed_of_step([*run.prompt_tokens, *(earlier.token for earlier in steps[:step])], steps[step])
        trace, position = self._trace_of(self.choice, step)
        return trace.next_token(position)

    def _trace_of(self, choice: int, step: int) -> tuple[Trace, int]:
        """Returns a trace of a branch's text that includes the step, and the position that its token was drawn after.

        It is of the whole text, or of as much of it as is read with the rotations that the step was read with (longrope).
        """
        run, gpt = self._require_run(), self._require_model("look at the attention of a step")
        check_not_served(gpt)
        gpt.check_weight_versions(run.weights)
        branch = run.branches[check_index(choice, len(run.branches), "choice")]
        steps = list(branch.steps)
        position = len(run.prompt_tokens) + check_index(step, len(steps), "step") - 1
        prompt, continuation = run.prompt_tokens, [step.token for step in steps[:-1]]
        short = gpt.length_of_short_texts
        if short is not None and position < short:
            continuation = continuation[: short - len(prompt)]
        length = len(prompt) + len(continuation)
        if self._traced is None or self._traced[0] is not branch or not position < self._traced[1] <= length:
            trace = gpt.trace_continued(prompt, continuation, run.limits["edits"])
            self._traced, self._compared = (branch, length, trace), set()
        trace = self._traced[2]
        if position not in self._compared:  # each step once, however many heads are asked for
            gpt.check_step(steps[step], trace.next_token(position))
            self._compared.add(position)
        return trace, position

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        for thread in self._threads:
            thread.join(PATIENCE)
        run = self._require_run()
        branch = run.branches[self.choice]
        source = [still.words(f"{run.source} →")] if run.source_tokens else []
        return [*source, still.words(run.prompt), still.words(branch.text, 16), chips_of(list(branch.steps))]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each step of the shown branch: index, id, token, probabilities, entropy (bits), kept, kept_mass."""
        return table_of(list(self._run.branches[self.choice].steps)) if self._run else []
