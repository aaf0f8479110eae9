"""gptviz: see inside a GPT, live, in a notebook.

`gptviz.load()` gives the embedded model, `gptviz.wrap(model, tokenizer)` any causal language model of transformers.
Names are resolved when they are first used, so that importing gptviz imports neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "GPT": "gptviz.gpt",
    "load": "gptviz.loading",
    "wrap": "gptviz.loading",
    "models": "gptviz.loading",
    "Trace": "gptviz.trace",
    "open_trace": "gptviz.saved",
    "Token": "gptviz.tokens",
    "NextToken": "gptviz.next_token",
    "Completion": "gptviz.completion",
    "ablate_head": "gptviz.intervention",
    "scale_head": "gptviz.intervention",
    "set_attention": "gptviz.intervention",
    "patch": "gptviz.intervention",
    "ablate_mlp": "gptviz.intervention",
    "ablate_neuron": "gptviz.intervention",
    "steer": "gptviz.intervention",
    "GPTVizError": "gptviz.errors",
    "set_language": "gptviz.language",
    "set_scale": "gptviz.scale",
    "PromptBox": "gptviz.widgets.prompt",
    "TokensView": "gptviz.widgets.tokens",
    "AttentionView": "gptviz.widgets.attention",
    "EmbeddingView": "gptviz.widgets.embedding",
    "BlockView": "gptviz.widgets.block",
    "InterventionView": "gptviz.widgets.intervention",
    "SamplingBench": "gptviz.widgets.sampling",
    "GenerationTimeline": "gptviz.widgets.timeline",
    "Comparison": "gptviz.widgets.compare",
    "compare": "gptviz.widgets.compare",
    "Explorer": "gptviz.widgets.explorer",
    "explore": "gptviz.widgets.explorer",
}
_MODULES = ("bertviz_views", "errors", "figures", "intervention", "lens", "lessons", "sampling")

__all__ = [*_HOME, *_MODULES]

if TYPE_CHECKING:
    from gptviz import bertviz_views, errors, figures, intervention, lens, lessons, sampling
    from gptviz.completion import Completion
    from gptviz.errors import GPTVizError
    from gptviz.gpt import GPT
    from gptviz.intervention import ablate_head, ablate_mlp, ablate_neuron, patch, scale_head, set_attention, steer
    from gptviz.language import set_language
    from gptviz.loading import load, models, wrap
    from gptviz.next_token import NextToken
    from gptviz.saved import open_trace
    from gptviz.scale import set_scale
    from gptviz.tokens import Token
    from gptviz.trace import Trace
    from gptviz.widgets.attention import AttentionView
    from gptviz.widgets.block import BlockView
    from gptviz.widgets.compare import Comparison, compare
    from gptviz.widgets.embedding import EmbeddingView
    from gptviz.widgets.explorer import Explorer, explore
    from gptviz.widgets.intervention import InterventionView
    from gptviz.widgets.prompt import PromptBox
    from gptviz.widgets.sampling import SamplingBench
    from gptviz.widgets.timeline import GenerationTimeline
    from gptviz.widgets.tokens import TokensView


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
