"""A Trace: what one forward pass computed, as NumPy arrays with named axes.

Every array is float32 and read-only (copy it to change it). Maps and probabilities are computed in float32 from upcast
arguments, whatever the model's dtype. A trace holds what is expensive to compute; the rest is computed when it is asked
for, without running a block again, and raises ModelChanged if the weights have changed since. Axes: T tokens, H heads,
H_kv key heads, L layers; a map's rows are queries, its columns keys. Layers, heads and positions are counted from 0.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, OutOfRange, WrongType, fail
from gptviz.text.merges import Merge
from gptviz.text.tokens import Token
from gptviz.text.visible import quoted
from gptviz.trace.available import available
from gptviz.trace.predictions import Predictions, as_array
from gptviz.trace.saving import save
from gptviz.trace.sources import EMBEDDINGS, Array, Contributions, ModelSource, PassEdit, PassSource

LEAVE_STACK_OUT = "Only an encoder-decoder has an encoder and cross attention; leave the stack out."


def describe_shape(heads: Sequence[int]) -> str:
    """Returns a model's layers and heads in words. heads: the number of heads of each layer."""
    at_most = "" if len(set(heads)) == 1 else "at most "
    return f"{len(heads)} layers × {at_most}{max(heads)} heads"


class Trace(Predictions):
    """What one pass of a model over one text computed; `GPT.trace` makes one, `open_trace` opens a saved one.

    text: the prompt; for ids, the text that is read as them. tokens: its tokens. prompt_text, prompt_tokens: what the model
    was given; the same, but in an encoder-decoder the source. stack: which stack of blocks it shows ("decoder"). stacks:
    those that it has; see `of_stack`. key_tokens: those that attention looks at, the same ones but in cross attention.
    has_stream: whether the stack has a stream and MLPs of its own, which cross attention lacks.
    n_layers, n_heads, d_model, d_head: the model's shape; n_heads and d_head are the largest of its layers, see `heads_in`.
    route: how attention maps are computed, "interface" or "eager"; on the eager route there are no queries and keys.

    A quantity that the model's family or a saved file does not have raises NotAvailable.
    """

    stack, has_stream = "decoder", True
    stacks: tuple[str, ...] = ("decoder",)
    cross_attention: "Trace | None" = None  # of a `SequenceTrace`: the trace of the second attention of its blocks

    def __init__(self, model: ModelSource, source: PassSource, tokens: tuple[Token, ...], text: str):
        self._model, self._source = model, source
        self.tokens, self.text = self.prompt_tokens, self.prompt_text = tokens, text
        self.key_tokens = tokens
        self.model_name = model.name
        self.n_layers, self.n_heads = source.n_layers, source.n_heads
        self.d_model, self.d_head = source.d_model, source.d_head
        self.route = source.route

    @property
    def is_causal(self) -> bool:
        """Whether a token looks at itself and what stands before it only; in an encoder and in cross attention it sees all."""
        return self.stack == "decoder"

    def __repr__(self) -> str:
        shape = describe_shape([self.heads_in(layer) for layer in range(self.n_layers)])
        edits = f", {len(self.edits)} edit{'s' * (len(self.edits) > 1)}" if self.edits else ""
        size = f"{self.nbytes / 1e6:.1f} MB"
        return f"Trace({quoted(self.text)}: {len(self.tokens)} tokens, {self.model_name}, {shape}, {size}{edits})"

    def of_stack(self, stack: str) -> "Trace":
        """Returns the trace of one stack of an encoder-decoder. A decoder-only model has the decoder's only."""
        if stack != "decoder":
            expected = f"stack 'decoder' for {self.model_name}, a decoder-only model"
            raise fail(expected, f"{stack!r:.60}", LEAVE_STACK_OUT, OutOfRange)
        return self

    def heads_in(self, layer: int) -> int:
        """Returns the number of heads of a layer: 0 if it has no attention, as in a hybrid model."""
        return self._source.heads_in(self._layer(layer))

    @property
    def gpt(self) -> ModelSource:
        """The model that was traced: a `GPT`, or what a saved file holds of it."""
        return self._model

    @property
    def edits(self) -> tuple[PassEdit, ...]:
        """The edits of this pass, in order. Every number of this trace is the edited pass's."""
        return self._source.edits

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors that this trace holds."""
        return self._source.nbytes

    def merges(self, position: int) -> list[Merge]:
        """Returns the byte-pair merges that made the word of the token at `position`; see `text/merges.py`."""
        position = self._position(position)
        return self._model.merges(self.text, self.tokens, position)

    # Attention

    def q(self, layer: int) -> Array:
        """Returns the queries as attention received them, after any rotation or norm: (H, T, d_head)."""
        return as_array(self._source.attention.queries(self._layer(layer)))

    def k(self, layer: int) -> Array:
        """Returns the keys as attention received them, after any rotation or norm: (H_kv, T, d_head)."""
        return as_array(self._source.attention.keys(self._layer(layer)))

    def v(self, layer: int) -> Array:
        """Returns the values as attention received them: (H_kv, T, d_value)."""
        return as_array(self._source.attention.values(self._layer(layer)))

    def unrotated(self) -> tuple[Array, Array]:
        """Returns block 0's queries and keys before they are rotated by position: (H, T, d_head) and (H_kv, T, d_head).

        The model computes them with every token at position 0, where the rotation does nothing; nothing else in block 0
        depends on position. For rotary families only. Source: Su et al. 2021, "RoFormer".
        """
        query, key = self._source.attention.unrotated()
        return as_array(query), as_array(key)

    def attention(self, layer: int | None = None, head: int | None = None) -> Array:
        """Returns attention weights, softmax(q·kᵀ·scaling + mask): (T, T), (H, T, T) of a layer, (L, H, T, T) of all.

        Rows (queries) sum to 1, or to less if the family has an attention sink that takes a share. Computed by the
        family's own eager attention function. Of all layers, NaN stands for what there is not: heads that only other
        layers have, layers without attention or that a saved file lacks. Source: Vaswani et al. 2017, eq. 1.
        """
        if layer is None:
            if head is not None:
                raise fail(
                    "a layer together with the head", f"head={head!r} alone", "Call attention(layer, head).", WrongType
                )
            return as_array(_all_maps(self))
        layer = self._layer(layer)
        if head is None:
            return as_array(self._source.attention.weights(layer))
        return as_array(self._source.attention.weights(layer, self._head(layer, head))[0])

    def score_stages(self, layer: int, head: int) -> dict[str, Array]:
        """Returns the head's scores after each step before the softmax, in the family's order: {name: (T, T)}.

        "raw" is q·kᵀ, "scaled" usually that divided by √d_head; "softcapped" or "biased" if the family does so;
        "masked" is -inf where a query may not look. The softmax of the last one, with `sink` if there is one, is the map.
        """
        stages = self._source.attention.stages(self._layer(layer), self._head(layer, head))
        return {name: as_array(stage) for name, stage in stages.items()}

    def scores(self, layer: int, head: int, stage: str = "raw") -> Array:
        """Returns one of `score_stages`: (T, T)."""
        stages = self.score_stages(layer, head)
        if not isinstance(stage, str) or stage not in stages:
            names = ", ".join(stages)
            raise fail(
                f"one of the stages {names}", f"{stage!r}", "The weights after the softmax are `trace.attention`."
            )
        return stages[stage]

    def sink(self, layer: int, head: int) -> float | None:
        """Returns the learned score that competes with the keys in every row's softmax, or None without a sink."""
        return self._source.attention.sink(self._layer(layer), self._head(layer, head))

    def head_mix(self, layer: int, head: int) -> Array:
        """Returns the values mixed by the head's weights, which enter the output projection, in some families through a
        gate: (T, d_value)."""
        return as_array(self._source.attention.mixed_values(self._layer(layer), self._head(layer, head)))

    def head_output(self, layer: int, head: int) -> Array:
        """Returns what the head alone adds to the residual stream, without the projection's bias: (T, d_model).

        The sum over all heads plus `head_bias` is `attn_out`. Source: Elhage et al. 2021, "A Mathematical Framework for
        Transformer Circuits".
        """
        return as_array(self._source.attention.head_outputs(self._layer(layer), self._head(layer, head))[0][0])

    def head_bias(self, layer: int) -> Array:
        """Returns what the output projection's bias adds to the residual stream at each token: (T, d_model)."""
        bias = as_array(self._source.attention.head_outputs(self._layer(layer), 0)[1])
        return np.broadcast_to(bias, (len(self.tokens), self.d_model))

    def contributions(self, layer: int) -> Contributions:
        """Returns what each head adds to the stream from each key, in factors; see `Contributions`.

        Raises NotAvailable unless the sum over heads and keys, and `head_bias`, is `attn_out`: on the eager route, for heads
        behind a gate, and where an edit has put other numbers in place of a head's output.
        """
        return Contributions(*map(as_array, self._source.attention.contributions(self._layer(layer))))

    # The residual stream

    def embedding(self, kind: str = "sum") -> Array:
        """Returns what enters block 0 ("sum"), or its "token" or "position" part: (T, d_model)."""
        if kind not in EMBEDDINGS:
            raise fail(f"one of the kinds {', '.join(EMBEDDINGS)}", f"{kind!r}", "Ask for one of those.")
        return as_array(self._source.embedding(kind))

    def residual(self, layer: int) -> Array:
        """Returns the stream entering block `layer`: (T, d_model). `residual(n_layers)` leaves the last, before the norm."""
        return as_array(self._source.residual(check_index(layer, self.n_layers + 1, "depth")))

    def attn_out(self, layer: int) -> Array:
        """Returns what attention adds to the stream, after any post-norm or multiplier: (T, d_model)."""
        return as_array(self._source.attention_out(self._layer(layer)))

    def mlp_out(self, layer: int) -> Array:
        """Returns what the MLP adds to the stream, after any post-norm or multiplier: (T, d_model)."""
        return as_array(self._source.mlp(self._layer(layer))[0])

    def edit_out(self, layer: int) -> Array:
        """Returns what edits added to the stream where it enters block `layer`, or leaves the last: (T, d_model).

        It is 0 if no edit acted. In an edited pass, the embedding, what the parts added and what edits added sum to
        `residual(n_layers)`.
        """
        return as_array(self._source.edit_out(check_index(layer, self.n_layers + 1, "depth")))

    def attn_in(self, layer: int) -> Array:
        """Returns what enters attention, after the norm before it if there is one: (T, d_model)."""
        return as_array(self._source.attention_in(self._layer(layer)))

    def mlp_in(self, layer: int) -> Array:
        """Returns what enters the MLP, after the norm before it if there is one: (T, d_model)."""
        return as_array(self._source.mlp_in(self._layer(layer)))

    def is_parallel(self, layer: int) -> bool:
        """Returns whether the block's MLP reads what enters the block, beside attention and not after it."""
        return self._source.is_parallel(self._layer(layer))

    def mlp_activations(self, layer: int) -> Array:
        """Returns the activations of the MLP's neurons, which enter its down projection: (T, d_mlp)."""
        activations = self._source.mlp(self._layer(layer))[1]
        if activations is None:
            raise fail(
                "an MLP with one down projection",
                f"block {layer} of {self.model_name}, whose MLP is of experts, has no single one or is changed by a hook",
                "`trace.mlp_out` has what it adds to the stream.",
                NotAvailable,
                code="no_neurons",
                layer=self._layer(layer),
                family=self.model_name,
            )
        return as_array(activations)

    def neurons(self, layer: int, position: int = -1) -> Array:
        """Returns what each neuron of the MLP adds to the stream at one token, without the bias: (d_mlp, d_model).

        It is the neuron's activation times its row of the down projection. The sum plus `mlp_bias` is `mlp_out`.
        """
        position = self._position(position)
        return as_array(self._source.neurons(self._layer(layer), position))

    def neuron_rows(self, layer: int) -> Array:
        """Returns what each neuron adds to the stream for one unit of activation, at any token: (d_mlp, d_model)."""
        return as_array(self._source.neuron_rows(self._layer(layer)))

    def mlp_bias(self, layer: int) -> Array:
        """Returns what the bias of the MLP's down projection adds to the stream at each token; 0 without one: (d_model,)."""
        return as_array(self._source.mlp_bias(self._layer(layer)))

    # The model and its weights

    def guarding_weights(self) -> AbstractContextManager[None]:
        """Takes the model's lock for a `with` block, so that what is computed in it belongs to this trace.

        Raises ModelChanged if the weights were written to or replaced since. A saved trace has no model to check.
        """
        return self._source.guarding_weights()

    def check_repeats(self) -> None:
        """Raises ModelChanged unless the model still computes this pass, so that another pass can be compared with it.

        Weights, settings, hooks and autocast may have changed, or the model draws random numbers. Runs the text again, once.
        """
        self._source.check_repeats()

    def nearest(self, id: int, k: int = 10) -> list[tuple[Token, float]]:
        """Returns the `k` tokens whose rows of the token table are most similar to this one's, with their cosines."""
        return [(self.vocab_token(other), cosine) for other, cosine in self._model.nearest(id, k)]

    def token_plane(self) -> tuple[Array, Array]:
        """Returns the token table along its two directions of greatest variance, (vocab, 2), and their shares of it, (2,)."""
        return self._model.token_plane()

    def role_scores(self) -> dict[str, Array]:
        """Returns the role scores of all heads, (L, H) for each role, NaN for no head; see `lens.role_scores`."""
        return self._model.role_scores()

    def save(self, path: str | os.PathLike[str], layers: Iterable[int] | None = None, neurons: bool = True) -> Path:
        """Saves the trace to one safetensors file, which `gptviz.open_trace` opens without the model.

        layers: whose attention is saved (maps, scores, queries, keys, values, head outputs); None for all. With several
        stacks they are the layers of each. neurons: whether
        to save these layers' down projections, which single neurons need.

        Raises GPTVizError if the file would be larger than 1 GB, and NotAvailable for a pass with edits, since a file
        cannot hold what made them.
        """
        if self.edits:
            remedy = "Save the plain pass; `gptviz.intervention.as_code(trace)` has the lines that edit it again."
            raise fail("a trace of a pass without edits", f"one with {len(self.edits)}", remedy, NotAvailable)
        return self._save(path, layers, neurons)

    def _save(self, path: str | os.PathLike[str], layers: Iterable[int] | None, neurons: bool) -> Path:
        return save(self, path, layers, neurons)

    def _layer(self, layer: Any) -> int:
        return check_index(layer, self.n_layers, "layer")

    def _head(self, layer: int, head: Any) -> int:
        """Returns the index of a head of a layer. For a layer without heads any will do: its source raises NotAvailable."""
        return check_index(head, self.heads_in(layer) or self.n_heads, "head", where=f" in layer {layer}")


def _all_maps(trace: Trace) -> Array:
    """Returns the maps of all layers, (L, H, T, T), NaN where there is none. In cross attention the keys are others' tokens."""
    of_layers = dict(available(trace.attention, range(trace.n_layers)))
    size = next(map.shape[1:] for map in of_layers.values()) if of_layers else (len(trace.tokens),) * 2
    maps = np.full((trace.n_layers, trace.n_heads, *size), np.nan, np.float32)
    for layer, map in of_layers.items():
        maps[layer, : len(map)] = map
    return maps
