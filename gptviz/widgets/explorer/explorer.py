"""Explorer: the whole path from a text to its next token on one page, a sentence a station, each opening in place.

It holds the views and says in this prompt's numbers what each would show; the page lays them out. Drawing a token on
the bench appends it, and the path goes round again. Not about what the views draw: each knows its own.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.display import still
from gptviz.errors import GPTVizError
from gptviz.gpt import GPT
from gptviz.trace.trace import Trace
from gptviz.widgets.attention.attention import AttentionView
from gptviz.widgets.block.block import BlockView
from gptviz.widgets.embedding.embedding import EmbeddingView
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.sampling.sampling import SamplingBench
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View
from gptviz.widgets.timeline.timeline import GenerationTimeline
from gptviz.widgets.tokens.tokens import TokensView

HISTORY = 12  # earlier prompts to go back to
HIGHEST = 10  # scores that the station of the scores draws


class Explorer(View):
    """The linked page. Made by `gptviz.explore`.

    prompt: set it to go down the path with another one. gpt: the model; the page's menu changes it. box: the PromptBox
    that every station follows; its `trace` is what is shown.
    """

    _name = "explorer"
    _titles: ClassVar[dict[str, str]] = {"en": "From a text to its next token", "zh": "从一段文字到下一个词元"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "use": "_answer_use", "run": "_answer_run", "written": "_answer_written",
    }  # fmt: skip

    _children = traitlets.Dict().tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)
    # Of each model its name, and the megabytes to download, 0 if it is here.
    _models: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    # What is read, and earlier prompts as they were typed.
    _history: traitlets.List[str] = traitlets.List().tag(sync=True)
    _written = traitlets.Int(0).tag(sync=True)  # grows when another text is being generated

    def __init__(self, prompt: str = "Once upon a time there was a", gpt: GPT | None = None, **keywords: Any):
        self._check_keywords(keywords)
        self.box = PromptBox(prompt, gpt=gpt, **keywords)
        shared = {**keywords, "selection": self.box.selection}
        self._timeline = GenerationTimeline(self.box, seed=1, **keywords)
        self._stations: dict[str, View] = {
            "prompt": self.box,
            "tokens": TokensView(self.box, **keywords),
            "embedding": EmbeddingView(self.box, **keywords),
            "attention": AttentionView(self.box, **keywords),
            "block": BlockView(self.box, **keywords),
            "sampling": SamplingBench(self.box, **keywords),
            "generation": self._timeline,
        }
        super().__init__(None, **shared)
        self._children = {name: f"anywidget:{view.model_id}" for name, view in self._stations.items()}
        self._typed: list[str] = []
        self._timeline.observe(self._count_written, "_source")
        self.box.follow(self)

    @property
    def gpt(self) -> GPT:
        """The model that reads the prompt."""
        return self.box.gpt

    @property
    def prompt(self) -> str:
        """What is read."""
        return str(self.box.prompt)

    @prompt.setter
    def prompt(self, prompt: str) -> None:
        self.box.run(prompt)

    def _fill(self) -> None:
        from gptviz.loading import models

        trace = self._require_trace()
        self._about = station_numbers(trace)
        others = [model for model in models() if model.name != self.gpt.name]
        needed = [{"name": model.name, "download": 0 if model.here else model.download} for model in others]
        self._models = [{"name": self.gpt.name, "download": 0}, *needed]
        self._typed = list(dict.fromkeys([self.box.typed, *self._typed]))[:HISTORY]
        self._history = list(dict.fromkeys([trace.text, *self._typed]))[:HISTORY]

    def _count_written(self, _change: Any) -> None:
        self._written += 1

    def family(self) -> list[View]:
        """This view and its stations."""
        return [self, *self._stations.values()]

    def _answer_use(self, name: str) -> str:
        from gptviz.loading import load

        self.box.use(self.gpt if name == self.gpt.name else load(name))
        return self.gpt.name

    def _answer_run(self, prompt: str) -> int:
        return len(self.box.run(prompt).tokens)

    def _answer_written(self) -> dict[str, Any]:
        """How many tokens the last station has drawn; finish_reason: None while it still draws."""
        return self._timeline.progress()

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        self._timeline.wait()
        yield "written", {}

    def _shapes(self) -> list[still.Shape]:
        return [shape for view in self._stations.values() for shape in view._shapes()]

    def to_table(self) -> list[dict[str, Any]]:
        """One row a station: its name and the numbers of its sentence."""
        return [{"station": name, **numbers} for name, numbers in station_numbers(self._require_trace()).items()]


def explore(prompt: str = "Once upon a time there was a", gpt: GPT | None = None, **keywords: Any) -> Explorer:
    """The linked page: prompt, model menu, and every station from the text to the next token.

    gpt: the model; None loads the embedded one. scale, language: as for every view.
    """
    return Explorer(prompt, gpt, **keywords)


def station_numbers(trace: Trace) -> dict[str, dict[str, Any]]:
    """What each station's sentence says, in numbers: {station: {name: number}}."""
    last = len(trace.tokens) - 1
    (leader, probability), *_ = trace.top(1)
    logits = trace.logits[-1]
    shares = trace.probabilities().astype(np.float64)
    shares = shares[shares > 0]
    stream = [float(np.linalg.norm(trace.residual(layer)[last])) for layer in (0, trace.n_layers)]
    return {
        "tokens": {
            "characters": len(trace.text),
            "tokens": sum(not token.special for token in trace.tokens),
            "marks": sum(token.special for token in trace.tokens),
        },
        "embedding": {
            "token": describe(trace.tokens[last]),
            "id": trace.tokens[last].id,
            "position": last if _has_positions(trace) else None,
            "numbers": trace.d_model,
        },
        "attention": {"layers": trace.n_layers, "heads": trace.n_heads, "stream": stream, **_strongest(trace)},
        "logits": {
            "vocabulary": trace.vocab_size,
            "leader": describe(leader),
            "logit": float(logits.max()),
            "mean": float(logits.mean(dtype=np.float64)),
            "highest": [{"token": describe(one), "logit": float(logits[one.id])} for one, _ in trace.top(HIGHEST)],
        },
        "sampling": {
            "leader": describe(leader),
            "probability": probability,
            "entropy": float(-(shares * np.log2(shares)).sum()),
        },
    }


def _has_positions(trace: Trace) -> bool:
    try:
        trace.embedding("position")
    except GPTVizError:
        return False
    return True


def _strongest(trace: Trace) -> dict[str, Any]:
    """Where the last token looks most, of all heads, at a token of the text other than itself."""
    last = len(trace.tokens) - 1
    keys = [token.position for token in trace.tokens[:last] if not token.special]
    found: dict[str, Any] = {"weight": 0.0, "layer": 0, "head": 0, "key": None, "query": last}
    for layer in range(trace.n_layers if keys else 0):
        rows = trace.attention(layer)[:, last][:, keys]
        head, key = np.unravel_index(int(rows.argmax()), rows.shape)
        if rows[head, key] > found["weight"]:
            found |= {"weight": float(rows[head, key]), "layer": layer, "head": int(head), "key": keys[int(key)]}
    return {
        **found,
        "looking": describe(trace.tokens[last]),
        "looked": None if found["key"] is None else describe(trace.tokens[found["key"]]),
    }
