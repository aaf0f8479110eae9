"""gptviz: see inside a GPT, live, in a notebook.

`gptviz.load()` loads the embedded model; `gptviz.wrap(model, tokenizer)` takes any causal language model of transformers, and
encoder-decoders; `gptviz.connect(base_url)` asks a model on a server.
Names are imported when they are first used, so that importing gptviz imports neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "GPT": "gptviz.gpt",
    "load": "gptviz.loading",
    "wrap": "gptviz.loading",
    "models": "gptviz.loading",
    "connect": "gptviz.served.connecting",
    "Trace": "gptviz.trace.trace",
    "open_trace": "gptviz.trace.opening",
    "Token": "gptviz.text.tokens",
    "NextToken": "gptviz.sampling.next_token",
    "Completion": "gptviz.generation.completion",
    "ablate_head": "gptviz.intervention.edits",
    "scale_head": "gptviz.intervention.edits",
    "set_attention": "gptviz.intervention.edits",
    "patch": "gptviz.intervention.edits",
    "ablate_mlp": "gptviz.intervention.edits",
    "ablate_attention": "gptviz.intervention.attention_edits",
    "ablate_key": "gptviz.intervention.attention_edits",
    "ablate_neuron": "gptviz.intervention.edits",
    "steer": "gptviz.intervention.edits",
    "GPTVizError": "gptviz.errors",
    "set_language": "gptviz.display.preferences",
    "set_scale": "gptviz.display.preferences",
    "set_threads": "gptviz.model.threads",
    "PromptBox": "gptviz.widgets.prompt.prompt",
    "TokensView": "gptviz.widgets.tokens.tokens",
    "AttentionView": "gptviz.widgets.attention.attention",
    "EmbeddingView": "gptviz.widgets.embedding.embedding",
    "BlockView": "gptviz.widgets.block.block",
    "FlowView": "gptviz.widgets.flow.flow",
    "InterventionView": "gptviz.widgets.intervention.intervention",
    "SamplingBench": "gptviz.widgets.sampling.sampling",
    "GenerationTimeline": "gptviz.widgets.timeline.timeline",
    "TrainingView": "gptviz.widgets.training.training",
    "Comparison": "gptviz.widgets.compare.comparison",
    "compare": "gptviz.widgets.compare.comparison",
    "Explorer": "gptviz.widgets.explorer.explorer",
    "explore": "gptviz.widgets.explorer.explorer",
}
_MODULES = ("bertviz_views", "drawings", "errors", "figures", "intervention", "lens", "lessons", "sampling", "training")

__all__ = [*_HOME, *_MODULES]

if TYPE_CHECKING:
    from gptviz import bertviz_views, drawings, errors, figures, intervention, lens, lessons, sampling, training
    from gptviz.display.preferences import set_language, set_scale
    from gptviz.errors import GPTVizError
    from gptviz.generation.completion import Completion
    from gptviz.gpt import GPT
    from gptviz.intervention.attention_edits import ablate_attention, ablate_key
    from gptviz.intervention.edits import (
        ablate_head,
        ablate_mlp,
        ablate_neuron,
        patch,
        scale_head,
        set_attention,
        steer,
    )
    from gptviz.loading import load, models, wrap
    from gptviz.model.threads import set_threads
    from gptviz.sampling.next_token import NextToken
    from gptviz.served.connecting import connect
    from gptviz.text.tokens import Token
    from gptviz.trace.opening import open_trace
    from gptviz.trace.trace import Trace
    from gptviz.widgets.attention.attention import AttentionView
    from gptviz.widgets.block.block import BlockView
    from gptviz.widgets.compare.comparison import Comparison, compare
    from gptviz.widgets.embedding.embedding import EmbeddingView
    from gptviz.widgets.explorer.explorer import Explorer, explore
    from gptviz.widgets.flow.flow import FlowView
    from gptviz.widgets.intervention.intervention import InterventionView
    from gptviz.widgets.prompt.prompt import PromptBox
    from gptviz.widgets.sampling.sampling import SamplingBench
    from gptviz.widgets.timeline.timeline import GenerationTimeline
    from gptviz.widgets.tokens.tokens import TokensView
    from gptviz.widgets.training.training import TrainingView


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(f"gptviz.{name}")
    else:
        raise AttributeError(f"module 'gptviz' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
