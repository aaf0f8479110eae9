"""The interfaces behind a Trace: what a recorded pass and a model must answer, and the values passed between them.

A Trace reads its numbers from a `PassSource` and asks a `ModelSource` about the model. A pass that was just made and one
that was opened from a file both implement these; another kind of pass is one more class. `runnable.py` has the interface
of a model that can run. No torch: wherever `Numbers` stands, a source returns NumPy arrays or torch tensors.

Axes: T tokens, H heads, H_kv key heads, L layers. Layers, heads and positions arrive checked and counted from 0.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gptviz.text.merges import Merge
from gptviz.text.tokens import Token

Array = npt.NDArray[np.float32]
Numbers = Any  # a NumPy array, or a torch tensor on the model's device and in its dtype
EMBEDDINGS = ("sum", "token", "position")


@dataclass(frozen=True)
class Readout:
    """How the stream x that leaves the last block becomes a logit at one token, with the final norm's scale frozen.

    norm(x) = gain * (x - mean(x) if `centred` else x) + offset
    logit = cap(multiplier * (row . norm(x) + bias)), with cap(y) = cap * tanh(y / cap), or y if there is no cap.

    gain, offset: (d_model,) tensors or arrays.
    """

    gain: Numbers
    offset: Numbers
    centred: bool
    multiplier: float
    cap: float | None


@dataclass(frozen=True)
class Contributions:
    """What each head adds to the stream from each key, in factors: `gain[i] * weights[h, i, j] * values[h, j]`, (d_model,).

    i, j: query and key. The sum over heads and keys, and the output projection's bias times `gain`, is what attention adds.

    weights: with which the values are mixed; those of the map, unless an edit switched the head off or scaled it: (H, T, T).
    values: what the output projection makes of each head's value at each key, without its bias: (H, T, d_model). gain: by
    what the projection's output is multiplied on its way to the stream: a multiplier, a post-norm with its scale frozen at
    this pass's value for each token; 1 without either, 0 where an edit switched attention off: (T, d_model).
    """

    weights: Numbers
    values: Numbers
    gain: Numbers


class PassEdit(Protocol):
    """One edit of a pass, as far as a trace needs to know it; `gptviz.intervention` has the real ones."""

    @property
    def layer(self) -> int:
        """The block that it acts in; at the site "residual", L is the stream that leaves the last block."""
        ...

    @property
    def site(self) -> str:
        """Where in the block it acts: "residual", "head_output", "attn_out", "mlp_out" or "neurons"."""
        ...

    @property
    def stack(self) -> str:
        """The stack that it acts in: "decoder", or of an encoder-decoder also "encoder" or "cross"."""
        ...

    def code(self, named: Callable[[Any], str] = ...) -> str:
        """Returns the line of Python that makes this edit. named: returns the variable that holds a trace or vector."""
        ...


class AttentionSource(Protocol):
    """What attention was given and computed in one pass. What a family or a file does not have raises NotAvailable."""

    def queries(self, layer: int) -> Numbers:
        """Returns the queries as attention received them: (H, T, d_head)."""
        ...

    def keys(self, layer: int) -> Numbers:
        """Returns the keys as attention received them: (H_kv, T, d_head)."""
        ...

    def values(self, layer: int) -> Numbers:
        """Returns the values as attention received them: (H_kv, T, d_value)."""
        ...

    def weights(self, layer: int, head: int | None = None) -> Numbers:
        """Returns the attention weights: (H, T, T), or (1, T, T) for one head."""
        ...

    def stages(self, layer: int, head: int) -> dict[str, Numbers]:
        """Returns the head's scores before the softmax, stage by stage: {name: (T, T)}; -inf where masked."""
        ...

    def sink(self, layer: int, head: int) -> float | None:
        """Returns the learned score of the head's attention sink, or None."""
        ...

    def mixed_values(self, layer: int, head: int) -> Numbers:
        """Returns the values mixed by the head's weights: (T, d_value)."""
        ...

    def head_outputs(self, layer: int, head: int) -> tuple[Numbers, Numbers]:
        """Returns what the head adds to the stream, (1, T, d_model), and what the bias adds, (T or 1, d_model)."""
        ...

    def contributions(self, layer: int) -> tuple[Numbers, Numbers, Numbers]:
        """Returns the three factors of `Contributions`: (H, T, T), (H, T, d_model) and (T, d_model)."""
        ...

    def unrotated(self) -> tuple[Numbers, Numbers]:
        """Returns block 0's queries and keys without rotation: (H, T, d_head) and (H_kv, T, d_head)."""
        ...


class PassSource(Protocol):
    """One forward pass over one text. What a family or a file does not have raises NotAvailable."""

    n_layers: int
    n_heads: int  # the largest of the layers
    d_model: int
    d_head: int  # the largest of the layers
    route: str  # "interface" or "eager": how the attention maps are computed
    logits: Numbers  # (T, vocab)

    def heads_in(self, layer: int) -> int:
        """Returns the number of heads of a layer: 0 if it has no attention. The same in all layers unless overridden."""
        return self.n_heads

    @property
    def attention(self) -> AttentionSource:
        """What attention did."""
        ...

    @property
    def edits(self) -> tuple[PassEdit, ...]:
        """The edits of this pass, in order."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the pass holds."""
        ...

    def guarding_weights(self) -> AbstractContextManager[None]:
        """Gives the caller exclusive use of the model inside the block.

        Raises ModelChanged if its weights are not those of this pass.
        """
        ...

    def check_repeats(self) -> None:
        """Raises ModelChanged unless the model still computes this pass."""
        ...

    def embedding(self, kind: str) -> Numbers:
        """Returns what enters block 0, or the part of it that `kind`, one of EMBEDDINGS, names: (T, d_model)."""
        ...

    def residual(self, depth: int) -> Numbers:
        """Returns the stream that enters block `depth`; depth L leaves the last block: (T, d_model)."""
        ...

    def edit_out(self, depth: int) -> Numbers:
        """Returns what edits added to the stream at this depth: (T, d_model)."""
        ...

    def attention_in(self, layer: int) -> Numbers:
        """Returns what enters attention, after the norm before it: (T, d_model)."""
        ...

    def attention_out(self, layer: int) -> Numbers:
        """Returns what attention adds to the stream: (T, d_model)."""
        ...

    def mlp_in(self, layer: int) -> Numbers:
        """Returns what enters the MLP, after the norm before it: (T, d_model)."""
        ...

    def mlp(self, layer: int) -> tuple[Numbers, Numbers | None]:
        """Returns what the MLP adds to the stream, (T, d_model), and its activations, (T, d_mlp) or None."""
        ...

    def mlp_bias(self, layer: int) -> Numbers:
        """Returns what the bias of the MLP's down projection adds at each token: (d_model,)."""
        ...

    def neurons(self, layer: int, position: int) -> Numbers:
        """Returns what each neuron adds to the stream at one token: (d_mlp, d_model)."""
        ...

    def neuron_rows(self, layer: int) -> Numbers:
        """Returns what each neuron adds to the stream for one unit of activation: (d_mlp, d_model)."""
        ...

    def is_parallel(self, layer: int) -> bool:
        """Returns whether the MLP reads what enters the block, beside attention and not after it."""
        ...

    def lens(self, positions: Sequence[int]) -> Numbers:
        """Returns the logit lens at every depth: (positions, L + 1, vocab)."""
        ...

    def readout(self, position: int) -> Readout:
        """Returns how the last stream becomes logits at one token."""
        ...

    def unembedding(self, id: int) -> tuple[Numbers, float]:
        """Returns the unembedding's row for a token, (d_model,), and its bias."""
        ...


class ModelSource(Protocol):
    """What a trace may ask about its model, whether the model is loaded or only its trace was opened from a file."""

    name: str
    vocab_size: int
    can_run: bool  # whether it is a `RunnableModel` (see `runnable.py`)
    decoder_only: bool = True  # False for an encoder-decoder

    def token(self, id: int, position: int = -1) -> Token:
        """Returns the token with this id."""
        ...

    def undefined_weight(self) -> str:
        """Returns the name of the first weight that holds NaN or infinity; "" if there is none, or no model is loaded."""
        return ""

    def merges(self, text: str, tokens: tuple[Token, ...], position: int) -> list[Merge]:
        """Returns the merges of the word that the token at `position` belongs to, first to last."""
        ...

    def nearest(self, id: int, k: int = 10) -> list[tuple[int, float]]:
        """Returns the `k` nearest rows of the token table, as (id, cosine), nearest first."""
        ...

    def token_plane(self) -> tuple[Array, Array]:
        """Returns the token table in two dimensions, (vocab, 2), and the shares of variance, (2,)."""
        ...

    def role_scores(self) -> dict[str, Array]:
        """Returns how strongly each head plays each role: {role: (L, H)}; NaN where a layer has no such head."""
        ...
