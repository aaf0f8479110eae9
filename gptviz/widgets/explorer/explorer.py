"""Explorer: the whole path from a text to its next token on one page, as a picture whose parts open in place.

The picture is a FlowView. It and the views of the stations follow one prompt box. This class computes the numbers of each
station's sentence; the page lays them out. A token drawn on the bench is appended to the text, and the path starts again.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.display import still
from gptviz.loading import load, models
from gptviz.pages.answering import PageQuestion
from gptviz.pages.live_page import save_live_html
from gptviz.text.messages import Message
from gptviz.trace.runnable import RunnableModel
from gptviz.widgets.attention.attention import AttentionView
from gptviz.widgets.block.block import BlockView
from gptviz.widgets.embedding.embedding import EmbeddingView
from gptviz.widgets.explorer.stations import station_numbers
from gptviz.widgets.flow.flow import FlowView
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.sampling.sampling import SamplingBench
from gptviz.widgets.shared.view import View
from gptviz.widgets.timeline.timeline import GenerationTimeline
from gptviz.widgets.tokens.tokens import TokensView

OPENING = "Once upon a time there was a"


class Explorer(View):
    """The linked page: the picture of the whole pass, and views that open from it. Made by `gptviz.explore`.

    prompt: the text; set it, or chat messages, to follow another one. gpt: the model; the page's menu changes it. box: the
    PromptBox that every station follows; its `trace` is what is shown.
    """

    _name = "explorer"
    _titles: ClassVar[dict[str, str]] = {"en": "From a text to its next token", "zh": "从一段文字到下一个词元"}
    _answers: ClassVar[dict[str, str]] = {**View._answers, "use": "_answer_use", "written": "_answer_written"}

    _children = traitlets.Dict().tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)
    # The name of each model, and the megabytes to download, 0 if it is on this machine.
    _models: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    _written = traitlets.Int(0).tag(sync=True)  # grows when another text is being generated

    def __init__(self, prompt: str | Sequence[Message] = OPENING, gpt: RunnableModel | None = None, **keywords: Any):
        self._check_keywords(keywords)
        self.box = PromptBox(prompt, gpt=gpt, **keywords)
        self._flow = FlowView(self.box, **keywords)  # the first that follows the box: the page draws it first
        self._timeline = GenerationTimeline(self.box, seed=1, **keywords)
        self._flow.attention = attention = AttentionView(self.box, **keywords)  # one view of heads for both
        self._stations: dict[str, View] = {
            "prompt": self.box,
            "flow": self._flow,
            "tokens": TokensView(self.box, **keywords),
            "embedding": EmbeddingView(self.box, **keywords),
            "attention": attention,
            "block": BlockView(self.box, **keywords),
            "sampling": SamplingBench(self.box, **keywords),
            "generation": self._timeline,
        }
        super().__init__(None, **{**keywords, "selection": self.box.selection})
        self._children = {name: f"anywidget:{view.model_id}" for name, view in self._stations.items()}
        self._timeline.observe(self._count_written, "_source")
        self.box.follow(self)

    @property
    def gpt(self) -> RunnableModel:
        """The model that reads the prompt."""
        return self.box.gpt

    @property
    def prompt(self) -> str:
        """The text that is shown."""
        return str(self.box.prompt)

    @prompt.setter
    def prompt(self, prompt: str | Sequence[Message]) -> None:
        self.box.run(prompt)

    def forget_prompts(self) -> None:
        """Empties the list of earlier prompts, so that a page that is saved afterwards does not have them."""
        self.box.forget_prompts()

    def save_html(self, path: str | os.PathLike[str], title: str = "gptviz", *, live: bool = False) -> Path:
        """Writes the page as one HTML file of at most 20 MB that works without network and kernel; returns its path.

        live: put the model into the file too, so that it reads new prompts there. Raises GPTVizError for a model that a page
        cannot run: it runs a GPT-2 of at most 7 million parameters in float16.
        """
        return save_live_html(path, self, gpt=self.gpt, title=title) if live else super().save_html(path, title)

    def family(self) -> list[View]:
        """Returns this view and its stations."""
        return [self, *self._stations.values()]

    def _fill(self) -> None:
        trace = self._require_trace()
        self._about = station_numbers(trace)
        others = [model for model in models() if model.decoder_only and model.name != self.gpt.name]
        downloads = [{"name": model.name, "download": 0 if model.here else model.download} for model in others]
        self._models = [{"name": self.gpt.name, "download": 0}, *downloads]

    def _count_written(self, _change: Any) -> None:
        self._written += 1

    # Answers to the page

    def _answer_use(self, name: str) -> str:
        """Changes the model; returns its name."""
        self.box.use(self.gpt if name == self.gpt.name else load(name))
        return self.gpt.name

    def _answer_written(self) -> dict[str, Any]:
        """Returns how many tokens the last station has generated, and finish_reason, None while it still generates."""
        return self._timeline.progress()

    def _page_questions(self) -> Iterator[PageQuestion]:
        self._timeline.wait()
        yield "written", {}

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        return [shape for view in self._stations.values() for shape in view._shapes()]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for the picture, and one for each station: its name and the numbers of its sentence.

        credit: of each token in the followed one, at the embedding. Where attention weights are drawn, weight: the largest
        that a block gives each token.
        """
        stations = station_numbers(self._require_trace())
        return [self._picture_row(), *({"station": name, **numbers} for name, numbers in stations.items())]

    def _picture_row(self) -> dict[str, Any]:
        rows = self._flow.to_table()
        if "credit" in rows[0]:
            return {"station": "flow", "credit": [row["credit"] for row in rows if row["depth"] == 0]}
        weights = np.array([row["weight"] for row in rows]).reshape(-1, len(self._require_trace().tokens))
        return {"station": "flow", "weight": weights.max(0).tolist()}


def explore(prompt: str | Sequence[Message] = OPENING, gpt: RunnableModel | None = None, **keywords: Any) -> Explorer:
    """Shows the linked page: prompt, model menu, the picture of the pass, and every station from text to next token.

    prompt: a text, or chat messages. gpt: the model; None loads the embedded one. scale, language: as for every view.
    """
    return Explorer(prompt, gpt, **keywords)
