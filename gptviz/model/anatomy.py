"""Where the parts of one model are: its blocks, attention modules, projections, norms and embeddings.

`study.py` finds them; `capture.py` and `editing.py` use them.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.checks import within_rounding
from gptviz.errors import NotAvailable, fail
from gptviz.model.capture import first_tensor
from gptviz.model.structure import Structure


@dataclass(frozen=True)
class Part:
    """One of the things that a block adds to the stream: `scale * chain(input)`, its modules called in turn."""

    chain: tuple[nn.Module, ...]
    scale: float = 1.0


@dataclass(frozen=True)
class Layer:
    """One block and its sites. A site that was not found, or that the numbers did not confirm, is None.

    block: the whole block. attention: the module that calls the attention function. out_projection: linear, from the
    heads' outputs, side by side, to the stream. ends_in_projection: whether what it returns is attention's own output.
    attention_part, mlp_part: what the block adds to the stream; each chain begins with the module whose output is
    attention's or the MLP's own. other_part: what a second attention of the block adds, as in the decoder of an
    encoder-decoder. down_projection: linear; its input is the MLP's activations, d_mlp of them a token.
    before_attention: what the stream goes through between the block's input and attention's. parallel: whether the MLP
    reads what enters the block, and not what attention has added to. n_heads: 0 without attention. gated: whether each
    number of the heads' outputs is multiplied by a positive gate before the projection.
    """

    block: nn.Module
    attention: nn.Module | None
    out_projection: nn.Module | None = None
    ends_in_projection: bool = False
    attention_part: Part | None = None
    mlp_part: Part | None = None
    down_projection: nn.Module | None = None
    d_mlp: int | None = None
    before_attention: tuple[nn.Module, ...] | None = None
    parallel: bool = False
    n_heads: int = 0
    gated: bool = False
    other_part: Part | None = None


@dataclass(frozen=True)
class Tail:
    """What lies between the last block and the logits: modules, then the family's last step (a bias, a soft cap or a scale).

    biased: the module whose buffer `final_logits_bias` is added to the scores; None without one.
    """

    chain: tuple[nn.Module, ...]
    multiplier: float = 1.0
    cap: float | None = None
    biased: nn.Module | None = None

    def bias(self) -> Tensor | None:
        """Returns what is added to the scores that the modules return, (vocab,), or None."""
        return None if self.biased is None else self.biased.final_logits_bias.reshape(-1)  # type: ignore[operator, union-attr]

    def last_step(self, x: Tensor, ids: slice = slice(None)) -> Tensor:
        """Returns the logits from the scores that the modules return. ids: the tokens whose scores these are."""
        bias = self.bias()
        x = x if bias is None else x + bias[ids].to(x.device)
        return x * self.multiplier if self.cap is None else self.cap * torch.tanh(x / self.cap)


@dataclass(frozen=True)
class Anatomy:
    """The parts of one model.

    route: "interface" if its attention calls transformers' AttentionInterface, else "eager". d_head: the largest of the
    layers. one_stream: whether one vector a token enters each block and leaves the last. vocab_size: the number of logits.
    embedding_adds_up: whether the token part and the position part sum to what enters block 0. tail: None if the numbers
    did not confirm one. takes_positions: whether the forward pass takes position_ids, which it counts from 0 when it is
    given none. overwritten: modules whose input or output is written into afterwards, so that it must be copied to be held.
    structure: the modules and settings for which all of this was found. causal: whether no token may look at later ones.
    """

    route: str
    layers: tuple[Layer, ...]
    d_head: int
    d_model: int
    one_stream: bool
    vocab_size: int
    token_embedding: nn.Module | None
    position_embedding: nn.Module | None
    embedding_adds_up: bool
    rotary: bool
    tail: Tail | None
    takes_positions: bool
    overwritten: frozenset[nn.Module]
    structure: Structure
    causal: bool = True

    def cache_fits(self, config: Any) -> bool:
        """Returns whether a cache that is made by this config has a place of its own for each layer's attention.

        Layers that were left out or copied keep the numbers of their places.
        """
        numbers = [getattr(layer.attention, "layer_idx", i) for i, layer in enumerate(self.layers) if layer.attention]
        count = getattr(config, "num_hidden_layers", None) or len(self.layers)
        if len(self.layers) > count or not all(isinstance(number, int) and number < count for number in numbers):
            return False
        return len(set(numbers)) == len(numbers)

    def check_readable(self, id: int) -> None:
        """Raises NotAvailable for an id that the model has a logit for, and no row in its token table."""
        rows = self.token_embedding.weight.shape[0]  # type: ignore[union-attr, index]
        if id >= rows:
            raise fail(
                f"tokens among the {rows:,} rows of the token table",
                f"id {id:,}, which only the output head has",
                "Give the output head as many rows as the token table.",
                NotAvailable,
                code="no_row",
                id=id,
                rows=rows,
            )

    @property
    def n_heads(self) -> int:
        """The largest number of heads of a layer."""
        return max(layer.n_heads for layer in self.layers)


def no_attention(layer: int, family: str) -> NotAvailable:
    """Returns the error to raise for what only a layer with attention has. family: the name of the model's class."""
    return fail(
        "a layer with attention",
        f"layer {layer} of {family}, which mixes its tokens in another way",
        "Ask for a layer that has an attention module.",
        NotAvailable,
        code="no_attention",
        layer=layer,
        family=family,
    )  # type: ignore[return-value]


def check_one_stream(anatomy: Anatomy, family: str) -> None:
    """Raises NotAvailable for a model whose blocks pass on anything but one vector a token."""
    if not anatomy.one_stream:
        raise fail(
            "a residual stream of one vector a token",
            f"{family}, whose blocks pass on something else, such as several vectors a token",
            "Attention maps, heads and logits can be read; the stream and its edits cannot.",
            NotAvailable,
            code="streams",
            family=family,
        )


def run_chain(chain: tuple[nn.Module, ...], x: Tensor) -> Tensor:
    """Calls the modules in turn, each with the first tensor that the one before returned; returns the last one's."""
    for module in chain:
        x = first_tensor(module(x))  # type: ignore[assignment]
    return x


def close(a: Tensor, b: Tensor) -> bool:
    """Returns whether two tensors are equal up to rounding in the coarser of their two dtypes."""
    epsilon = max(torch.finfo(a.dtype).eps, torch.finfo(b.dtype).eps)
    return a.shape == b.shape and within_rounding(a.float(), b.float(), epsilon)
