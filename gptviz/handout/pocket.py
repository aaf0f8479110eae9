"""The pocket page: a model with its views in one HTML file, which works without Python and without a network."""

import os
from pathlib import Path
from typing import Any

from gptviz.display.preferences import chosen_language
from gptviz.loading import load
from gptviz.pages.live_page import save_live_html
from gptviz.pages.model_files import check_model, round_weights
from gptviz.widgets.attention.attention import AttentionView
from gptviz.widgets.block.block import BlockView
from gptviz.widgets.embedding.embedding import EmbeddingView
from gptviz.widgets.flow.flow import FlowView
from gptviz.widgets.intervention.intervention import InterventionView
from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.sampling.sampling import SamplingBench
from gptviz.widgets.shared.view import View
from gptviz.widgets.timeline.timeline import GenerationTimeline
from gptviz.widgets.tokens.tokens import TokensView

SEED = 1  # of the text that is generated after each prompt
OPENING = "Once upon a time there was a"
TITLES = {"en": "A GPT in one file", "zh": "一个文件里的 GPT"}


def pocket_views(gpt: Any, prompt: str = OPENING, **keywords: Any) -> list[View]:
    """Returns the views of a pocket page, from top to bottom; all follow its prompt box."""
    box = PromptBox(prompt, gpt=gpt, **keywords)
    flow = FlowView(box, **keywords)
    flow.attention = attention = AttentionView(box, **keywords)  # one view of heads for both
    return [
        box,
        flow,
        TokensView(box, **keywords),
        EmbeddingView(box, **keywords),
        attention,
        BlockView(box, **keywords),
        SamplingBench(box, **keywords),
        GenerationTimeline(box, seed=SEED, **keywords),
        InterventionView(box, **keywords),
    ]


def save_pocket(
    path: str | os.PathLike[str] = "gptviz.html",
    model: Any = None,
    *,
    prompt: str = OPENING,
    language: str | None = None,
) -> tuple[Path, float]:
    """Writes the pocket page of a model, and returns its path with the largest change of a weight by float16.

    model: a GPT, or the folder of one; None is the embedded model. language: in which the page opens, "en" or "zh"; its
    buttons change it. Raises GPTVizError for a model that a page cannot run: see `pages.model_files`.
    """
    gpt = load(*([] if model is None else [model])) if model is None or isinstance(model, (str, os.PathLike)) else model
    check_model(gpt)
    change = round_weights(gpt)
    language = language or chosen_language()
    views = pocket_views(gpt, prompt, language=language)
    return save_live_html(path, *views, gpt=gpt, title=TITLES[language], asks=True), change
