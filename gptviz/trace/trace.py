"""A Trace: what one forward pass computed, as NumPy arrays with named axes.

Every array is float32 and read-only (copy it to change it). Maps and probabilities are computed in float32 from upcast
arguments whatever the model's dtype. What is dear is held from the pass; the rest is computed when asked for, without
running a block again, and refused if the weights have changed since. Axes: T tokens, H heads, L layers; a map's rows are
queries, its columns keys. Layers, heads and positions are counted from 0. Not about transformers: see `forward.py`.
"""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, WrongType, fail
from gptviz.sampling.next_token import NextToken
from gptviz.sampling.probabilities import softmax
from gptviz.text.merges import Merge
from gptviz.text.tokens import Token
from gptviz.trace.sources import EMBEDDINGS, Array, ModelSource, Numbers, PassEdit, PassSource, Readout


def as_array(numbers: Numbers) -> Array:
    """Returns the numbers of an array or a tensor as a read-only float32 array."""
    array: Array = numbers if isinstance(numbers, np.ndarray) else numbers.detach().float().cpu().numpy()
    array.flags.writeable = False
    return array


class Trace:
    """What one pass of `gpt` over one text computed; made by `GPT.trace`.

    text: the prompt, decoded if ids were given. tokens: its tokens. stack: which attention is meant ("decoder").
    """

    stack = "decoder"

    def __init__(self, model: ModelSource, source: PassSource, tokens: tuple[Token, ...], text: str):
        self._model, self._source = model, source
        self.tokens, self.text = tokens, text
        self.model_name = model.name
        self.n_layers, self.n_heads = source.n_layers, source.n_heads
        self.d_model, self.d_head = source.d_model, source.d_head
        self.route = source.route

    def __repr__(self) -> str:
        shape = f"{self.n_layers} layers × {self.n_heads} heads"
        edits = f", {len(self.edits)} edit{'s' * (len(self.edits) > 1)}" if self.edits else ""
        size = f"{self.nbytes / 1e6:.1f} MB"
        return f"Trace({self.text!r}: {len(self.tokens)} tokens, {self.model_name}, {shape}, {size}{edits})"

    @property
    def gpt(self) -> ModelSource:
        """The model that this is a trace of: a `GPT`, or what is known of it if the trace was opened from a file."""
        return self._model

    @property
    def edits(self) -> tuple[PassEdit, ...]:
        """What was edited in this pass, in order; every number of this trace is of the edited pass."""
        return self._source.edits

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors that this trace holds."""
        return self._source.nbytes

    @property
    def vocab_size(self) -> int:
        """Number of logits at each position."""
        return int(self._source.logits.shape[-1])

    def vocab_token(self, id: int) -> Token:
        """The token with this id, as the model's vocabulary has it (position -1)."""
        return self._model.token(id)

    def merges(self, position: int) -> list[Merge]:
        """How byte-pair encoding arrived at the token there: the stages of its word; see `gptviz.merges`."""
        position = check_index(position, len(self.tokens), "position", negative=True)
        return self._model.merges(self.text, self.tokens, position)

    # Attention

    def q(self, layer: int) -> Array:
        """Queries as attention received them, after any rotation or norm: (H, T, d_head)."""
        return as_array(self._source.queries(self._layer(layer)))

    def k(self, layer: int) -> Array:
        """Keys as attention received them, after any rotation or norm: (key heads, T, d_head)."""
        return as_array(self._source.keys(self._layer(layer)))

    def v(self, layer: int) -> Array:
        """Values as attention received them: (key heads, T, d_value)."""
        return as_array(self._source.values(self._layer(layer)))

    def attention(self, layer: int | None = None, head: int | None = None) -> Array:
        """Attention weights, softmax(q·kᵀ·scaling + mask): (T, T), (H, T, T) for a layer, (L, H, T, T) for all.

        Rows (queries) sum to 1, or to less where the family has an attention sink that takes a share.
        Source: Vaswani et al. 2017, eq. 1; computed by the family's own eager function.
        """
        if layer is None:
            if head is not None:
                raise fail(
                    "a layer together with the head", f"head={head!r} alone", "Call attention(layer, head).", WrongType
                )
            everything = np.stack([self.attention(i) for i in range(self.n_layers)])
            everything.flags.writeable = False
            return everything
        layer = self._layer(layer)
        if head is None:
            return as_array(self._source.weights(layer))
        return as_array(self._source.weights(layer, self._head(head))[0])

    def score_stages(self, layer: int, head: int) -> dict[str, Array]:
        """The head's scores on their way to the softmax, in the family's order: {name: (T, T)}.

        "raw" q·kᵀ, "scaled" (usually divided by √d_head), "softcapped" or "biased" where the family does so, and
        "masked", -inf where a query may not look. The softmax of the last one, with `sink` if there is one, is the map.
        """
        stages = self._source.stages(self._layer(layer), self._head(head))
        return {name: as_array(stage) for name, stage in stages.items()}

    def scores(self, layer: int, head: int, stage: str = "raw") -> Array:
        """One of `score_stages`: (T, T)."""
        stages = self.score_stages(layer, head)
        if not isinstance(stage, str) or stage not in stages:
            names = ", ".join(stages)
            raise fail(
                f"one of the stages {names}", f"{stage!r}", "The weights after the softmax are `trace.attention`."
            )
        return stages[stage]

    def sink(self, layer: int, head: int) -> float | None:
        """The learned score that competes with the keys in every row's softmax, or None where the family has none."""
        return self._source.sink(self._layer(layer), self._head(head))

    def head_mix(self, layer: int, head: int) -> Array:
        """The values that the head mixed by its weights, what its rows of the output projection receive: (T, d_value)."""
        return as_array(self._source.mixed(self._layer(layer), self._head(head)))

    def head_output(self, layer: int, head: int) -> Array:
        """What the head alone adds to the residual stream, without the projection's bias: (T, d_model).

        Over all heads these sum, with `head_bias`, to `attn_out`. Source: Elhage et al. 2021, "A Mathematical
        Framework for Transformer Circuits".
        """
        return as_array(self._source.head_outputs(self._layer(layer), self._head(head))[0][0])

    def head_bias(self, layer: int) -> Array:
        """What the output projection's bias adds to the residual stream at each token: (T, d_model)."""
        bias = as_array(self._source.head_outputs(self._layer(layer), 0)[1])
        return np.broadcast_to(bias, (len(self.tokens), self.d_model))

    # The residual stream

    def embedding(self, kind: str = "sum") -> Array:
        """What enters block 0 ("sum"), or its "token" or "position" part: (T, d_model)."""
        if kind not in EMBEDDINGS:
            raise fail(f"one of the kinds {', '.join(EMBEDDINGS)}", f"{kind!r}", "Ask for one of those.")
        return as_array(self._source.embedding(kind))

    def residual(self, layer: int) -> Array:
        """The stream entering block `layer`: (T, d_model); `residual(n_layers)` leaves the last, before the final norm."""
        return as_array(self._source.residual(check_index(layer, self.n_layers + 1, "depth")))

    def attn_out(self, layer: int) -> Array:
        """What attention adds to the stream, after any post-norm or multiplier: (T, d_model)."""
        return as_array(self._source.attention_out(self._layer(layer)))

    def mlp_out(self, layer: int) -> Array:
        """What the MLP adds to the stream, after any post-norm or multiplier: (T, d_model)."""
        return as_array(self._source.mlp(self._layer(layer))[0])

    def edit_out(self, layer: int) -> Array:
        """What edits added to the stream where it enters block `layer`, or leaves the last: (T, d_model).

        0 where none acted. With it, the embedding and what the parts added sum to `residual(n_layers)` in an edited pass.
        """
        return as_array(self._source.edit_out(check_index(layer, self.n_layers + 1, "depth")))

    def attn_in(self, layer: int) -> Array:
        """What enters attention, after the norm before it if there is one: (T, d_model)."""
        return as_array(self._source.attention_in(self._layer(layer)))

    def mlp_in(self, layer: int) -> Array:
        """What enters the MLP, after the norm before it if there is one: (T, d_model)."""
        return as_array(self._source.mlp_in(self._layer(layer)))

    def is_parallel(self, layer: int) -> bool:
        """Whether the block's MLP reads what enters the block, beside attention, rather than what attention left."""
        return self._source.is_parallel(self._layer(layer))

    def mlp_activations(self, layer: int) -> Array:
        """What enters the MLP's down projection: one number a neuron: (T, d_mlp)."""
        activations = self._source.mlp(self._layer(layer))[1]
        if activations is None:
            raise fail(
                "an MLP with one down projection",
                f"block {layer} of {self.model_name}, whose MLP is a mixture of experts or ends otherwise",
                "`trace.mlp_out` has what it adds to the stream.",
                NotAvailable,
            )
        return as_array(activations)

    def neurons(self, layer: int, position: int = -1) -> Array:
        """What each neuron of the MLP adds to the stream at one token, without the bias: (d_mlp, d_model).

        A neuron's activation times its row of the down projection; with the projection's bias they sum to `mlp_out`.
        """
        position = check_index(position, len(self.tokens), "position", negative=True)
        return as_array(self._source.neurons(self._layer(layer), position))

    def neuron_rows(self, layer: int) -> Array:
        """What each neuron adds to the stream for each unit of its activation, whatever the token: (d_mlp, d_model)."""
        return as_array(self._source.neuron_rows(self._layer(layer)))

    def mlp_bias(self, layer: int) -> Array:
        """What the bias of the MLP's down projection adds to the stream at each token; 0 without one: (d_model,)."""
        return as_array(self._source.mlp_bias(self._layer(layer)))

    # The next token

    @property
    def logits(self) -> Array:
        """Scores of every vocabulary entry as the next token after each position; only differences matter: (T, vocab)."""
        return as_array(self._source.logits)

    def probabilities(self, position: int = -1) -> Array:
        """Softmax of the logits at one position: the model's own distribution of the next token: (vocab,)."""
        logits = self.logits[check_index(position, len(self.tokens), "position", negative=True)]
        return as_array(softmax(logits).astype(np.float32))

    def top(self, k: int = 10, position: int = -1) -> list[tuple[Token, float]]:
        """The `k` likeliest next tokens with their probabilities, highest first; of equals the lower id first."""
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise fail("a whole number k", f"{k!r}", "Ask for how many tokens you want to see.", WrongType)
        if k < 1:
            raise fail("a k of at least 1", f"{k}", "Ask for how many tokens you want to see.")
        probabilities = self.probabilities(position)
        ids = np.argsort(-probabilities, kind="stable")[:k]
        return [(self.vocab_token(int(i)), float(probabilities[i])) for i in ids]

    def next_token(self, position: int = -1) -> NextToken:
        """The logits at one position and the tokens up to it, as a `SamplingBench` takes them."""
        position = check_index(position, len(self.tokens), "position", negative=True)
        return NextToken(self.logits[position], self.tokens[: position + 1], self.vocab_token)

    def logit_lens(self, position: int = -1) -> Array:
        """Final norm and unembedding applied to the stream at every depth: (n_layers + 1, vocab); the last row is `logits`.

        Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
        """
        return as_array(self._source.lens(check_index(position, len(self.tokens), "position", negative=True)))

    def readout(self, position: int = -1) -> Readout:
        """How the last stream becomes logits at one token, the final norm's scale frozen; see `gptviz.readout`."""
        found = self._source.readout(check_index(position, len(self.tokens), "position", negative=True))
        return replace(found, gain=as_array(found.gain), offset=as_array(found.offset))

    def unembedding(self, id: int) -> tuple[Array, float]:
        """The unembedding's row for a token, (d_model,), and its bias."""
        row, bias = self._source.unembedding(check_index(id, self.vocab_size, "token id"))
        return as_array(row), bias

    def unrotated(self) -> tuple[Array, Array]:
        """Block 0's queries and keys as they are before positions turn them: (H, T, d_head), (key heads, T, d_head).

        Computed by the model itself, with every token at position 0, where a rotation does nothing; in block 0 nothing
        else depends on position. For rotary families only. Source: Su et al. 2021, "RoFormer".
        """
        query, key = self._source.unrotated()
        return as_array(query), as_array(key)

    def guarding_weights(self) -> AbstractContextManager[None]:
        """Keeps the model to the caller inside a `with` block, to compute something that belongs to this trace.

        Raises ModelChanged where the block begins if the weights were written to or replaced since. Of a trace that was
        opened from a file there is no model, and nothing to check.
        """
        return self._source.guarding_weights()

    # Saving

    def save(self, path: str | os.PathLike[str], layers: Iterable[int] | None = None, neurons: bool = True) -> Path:
        """Write the trace into one safetensors file, to be opened by `gptviz.open_trace` without the model.

        layers: whose attention is kept (maps, scores, queries, keys, values, head outputs); None keeps all. neurons: keep
        these layers' down projections too, from which single neurons are had. A file of more than 1 GB is refused, and so
        is an edited pass: a file could not say what made it.
        """
        if self.edits:
            remedy = "Save the plain pass; `gptviz.intervention.as_code(trace)` has the lines that edit it again."
            raise fail("a trace of a pass without edits", f"one with {len(self.edits)}", remedy, NotAvailable)
        from gptviz.trace.opening import save

        return save(self, path, layers, neurons)

    # The model that was traced

    def nearest(self, id: int, k: int = 10) -> list[tuple[Token, float]]:
        """The `k` tokens whose rows of the token table point most nearly as this one's does, with their cosines."""
        return [(self.vocab_token(other), cosine) for other, cosine in self._model.nearest(id, k)]

    def token_plane(self) -> tuple[Array, Array]:
        """The token table along its two directions of greatest variance: points (vocab, 2), shares of variance (2,)."""
        return self._model.token_plane()

    def role_scores(self) -> dict[str, Array]:
        """Role scores of all heads, (L, H) each; see `lens.role_scores`."""
        return self._model.role_scores()

    def _layer(self, layer: Any) -> int:
        return check_index(layer, self.n_layers, "layer")

    def _head(self, head: Any) -> int:
        return check_index(head, self.n_heads, "head")
