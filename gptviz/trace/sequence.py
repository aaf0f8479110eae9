"""SequenceTrace: what one pass of an encoder-decoder computed over a source and a target.

It has three stacks. The encoder reads the source, each token all of it. The decoder reads the target, each token what stands
before it. Cross attention is the decoder's second attention, from the target's tokens to the source's.
Source: Vaswani et al. 2017, "Attention Is All You Need".
"""

import inspect
import os
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

from gptviz.checks import did_you_mean
from gptviz.errors import OutOfRange, fail
from gptviz.text.tokens import Token
from gptviz.text.visible import quoted
from gptviz.trace.saving import save
from gptviz.trace.sources import Array, ModelSource, PassSource
from gptviz.trace.trace import Trace, describe_shape

STACKS = ("encoder", "decoder", "cross")
_WITH_STREAM = ("encoder", "decoder")


def _of_stack(method: Callable[..., Any], stacks: tuple[str, ...] = STACKS) -> Callable[..., Any]:
    """Returns a method of Trace with another keyword, stack. stacks: those that have this quantity."""

    @wraps(method)
    def of_stack(self: "SequenceTrace", *arguments: Any, stack: str = "decoder", **keywords: Any) -> Any:
        if stack == "cross" and stack not in stacks:
            raise fail(
                "a stack with a stream and MLPs of its own, encoder or decoder",
                "'cross'",
                "Cross attention is a part of the decoder's blocks: `trace.cross_out(layer)` is what it adds to their stream.",
                OutOfRange,
            )
        return method(self.of_stack(stack), *arguments, **keywords)

    signature = inspect.signature(method)
    keyword = inspect.Parameter("stack", inspect.Parameter.KEYWORD_ONLY, default="decoder", annotation=str)
    of_stack.__signature__ = signature.replace(parameters=[*signature.parameters.values(), keyword])  # type: ignore[attr-defined]
    return of_stack


class SequenceTrace(Trace):
    """What one pass of an encoder-decoder computed; `gptviz.wrap(model, tokenizer).trace(source, target)` makes one.

    source_text, source_tokens: what the encoder read, S tokens. text, tokens: the target, T tokens, from the start token on.
    stacks: "encoder", "decoder" and "cross". Methods of one stack take its name as `stack`; the default is the decoder.
    n_layers, n_heads, d_model, d_head are the decoder's, which are cross attention's too; `layers_in` and `heads_in` tell
    the encoder's.

    Maps are (S, S) in the encoder, (T, T) in the decoder, and (T, S) in cross attention, whose queries are the target's and
    whose keys and values are the source's. A block of the decoder adds `attn_out`, `cross_out` and `mlp_out` to its stream.
    Everything else is as in `Trace`.
    """

    stacks = STACKS

    def __init__(
        self,
        model: ModelSource,
        sources: tuple[Any, PassSource, Any],
        source: tuple[tuple[Token, ...], str],
        target: tuple[tuple[Token, ...], str],
    ):
        """sources: the passes of the three stacks, in the order of STACKS; only the decoder's has logits and what leads to
        them. source, target: tokens and text of each.
        """
        encoder, decoder, cross = sources
        super().__init__(model, decoder, *target)
        self.source_tokens, self.source_text = self.prompt_tokens, self.prompt_text = source
        self._others = {"encoder": Trace(model, encoder, *source), "cross": Trace(model, cross, *target)}
        for name, trace in self._others.items():
            trace.stack, trace.has_stream = name, name in _WITH_STREAM
            trace.key_tokens = self.source_tokens
        self.cross_attention = self._others["cross"]

    def __repr__(self) -> str:
        shape = describe_shape([self.heads_in(layer) for layer in range(self.n_layers)])
        counts = f"{len(self.source_tokens)} source tokens, {len(self.tokens)} target tokens"
        texts = f"{quoted(self.source_text)} to {quoted(self.text)}"
        size, edits = f"{self.nbytes / 1e6:.1f} MB", f", {len(self.edits)} edits" if self.edits else ""
        return f"SequenceTrace({texts}: {counts}, {self.model_name}, {shape}, {size}{edits})"

    def of_stack(self, stack: str) -> Trace:
        """Returns the trace of one stack. That of the decoder is this one."""
        if stack not in STACKS:
            remedy = did_you_mean(stack, STACKS) if isinstance(stack, str) else "Give the name of a stack."
            raise fail(f"one of the stacks {', '.join(STACKS)}", f"{stack!r:.60}", remedy, OutOfRange)
        return self if stack == "decoder" else self._others[stack]

    @property
    def encoder_input(self) -> Any:
        """What the encoder read, on the model's device: token ids, (1, S), or the features of a sound."""
        return self._source.source  # type: ignore[attr-defined]

    def layers_in(self, stack: str) -> int:
        """Returns the number of layers of a stack."""
        return self.of_stack(stack).n_layers

    heads_in = _of_stack(Trace.heads_in)

    q, k, v = _of_stack(Trace.q), _of_stack(Trace.k), _of_stack(Trace.v)
    attention = _of_stack(Trace.attention)
    score_stages = _of_stack(Trace.score_stages)
    scores = _of_stack(Trace.scores)
    sink = _of_stack(Trace.sink)
    head_mix = _of_stack(Trace.head_mix)
    head_output = _of_stack(Trace.head_output)
    head_bias = _of_stack(Trace.head_bias)
    contributions = _of_stack(Trace.contributions)
    attn_out = _of_stack(Trace.attn_out)
    attn_in = _of_stack(Trace.attn_in)

    embedding = _of_stack(Trace.embedding, _WITH_STREAM)
    residual = _of_stack(Trace.residual, _WITH_STREAM)
    edit_out = _of_stack(Trace.edit_out, _WITH_STREAM)
    mlp_out = _of_stack(Trace.mlp_out, _WITH_STREAM)
    mlp_in = _of_stack(Trace.mlp_in, _WITH_STREAM)
    mlp_activations = _of_stack(Trace.mlp_activations, _WITH_STREAM)
    mlp_bias = _of_stack(Trace.mlp_bias, _WITH_STREAM)
    neurons = _of_stack(Trace.neurons, _WITH_STREAM)
    neuron_rows = _of_stack(Trace.neuron_rows, _WITH_STREAM)
    is_parallel = _of_stack(Trace.is_parallel, _WITH_STREAM)

    def cross_out(self, layer: int) -> Array:
        """Returns what cross attention adds to the decoder's stream, after any post-norm or multiplier: (T, d_model).

        The decoder's embedding and all its blocks' `attn_out`, `cross_out` and `mlp_out` sum to `residual(n_layers)`.
        """
        return self._others["cross"].attn_out(layer)

    def _save(self, path: str | os.PathLike[str], layers: Iterable[int] | None, neurons: bool) -> Path:
        return save(self, path, layers, neurons, self._others)
