"""A hundred and twenty prompts in one box with four views: nothing of an earlier prompt is kept."""

import gc
from collections import Counter

import plotly.graph_objects as go
import torch
from families import TEXT, build, tokenizer
from ipywidgets.widgets.widget import _instances
from page_messages import ask

import gptviz
from gptviz.model.recorded_pass import RecordedPass

KINDS = (gptviz.Trace, RecordedPass, torch.Tensor, go.FigureWidget)


def alive():
    """Returns how many objects of each kind are alive, and how many widgets are open."""
    gc.collect()
    objects = gc.get_objects()
    counts = {kind.__name__: sum(issubclass(type(o), kind) for o in objects) for kind in KINDS}
    return Counter(counts | {"widgets": len(_instances)})


def test_the_memory_of_many_prompts_is_flat():
    box = gptviz.PromptBox(TEXT, gpt=gptviz.wrap(build("llama"), tokenizer()))
    attention, tokens = gptviz.AttentionView(box), gptviz.TokensView(box)
    embedding, block = gptviz.EmbeddingView(box), gptviz.BlockView(box)

    def run(number):
        ask(box, "run", prompt=f"the owl {number:03d}")
        if number % 10 == 0:
            ask(attention, "head", layer=1, head=number % 4)
            ask(block, "path", layer=0, position=2)
        if number % 30 == 0:
            ask(embedding, "map", theme="light")
            ask(embedding, "turned", position=1, head=0)

    for number in range(31):
        run(number)
    early = alive()
    for number in range(31, 121):
        run(number)
    late = alive()
    assert not late - early, "more than before"
    assert len(tokens.trace.tokens) == len(box.trace.tokens)
