"""Computes a layer's attention again with the family's eager function, and confirms that it is what the pass computed.

A user may have registered an attention function of their own, and a family may do something between the function and its
projection. What the eager function gives is used only if it leads to the attention output of the pass.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.capture import AttentionCall, family_eager
from gptviz.model.confirming import agree, is_causal_map, is_map
from gptviz.model.head_arguments import HeadArguments, family_attention
from gptviz.model.linear_maps import LinearMap
from gptviz.model.recorded_pass import RecordedPass


@dataclass(frozen=True)
class _Check:
    """What the numbers say of one layer.

    is_map: whether its maps are those of its stack, which looks at no later tokens if it is causal. dtype: in which it
    computes the pass's output; None for the dtypes of the pass.
    """

    is_map: bool
    matches_pass: bool
    dtype: torch.dtype | None = torch.float32


class EagerAttention:
    """The attention of one layer of a recorded pass. The caller holds the model's lock and has checked the weights."""

    def __init__(self, recorded: RecordedPass, layer: int, call: AttentionCall):
        """Takes the pass, the layer, and what its attention function was given."""
        self._pass, self._layer, self._call = recorded, layer, call
        self._sites = recorded.anatomy.layers[layer]
        self._fresh: tuple[Tensor, Tensor] | None = None  # what the check computed, for all heads in float32

    def weights(self, head: int | None) -> Tensor:
        """Returns the attention weights in float32, after this pass's edits: (H or 1, T, T)."""
        self.confirm()
        return self._edited(head, torch.float32)[1][0]

    def mixed_values(self, head: int | None) -> Tensor:
        """Returns the values mixed by the heads' weights, after this pass's edits: (T, H or 1, d_value)."""
        return self._edited(head, self.confirm())[0][0]

    def projected_values(self, head: int | None) -> Tensor:
        """Returns what enters the output projection of each head: its mixed values, gated in some families.

        (T, H or 1, d_value).
        """
        if not self._sites.gated:
            return self.mixed_values(head)
        self.confirm()
        gated = self._pass.held("gated_heads", self._layer).float()
        gated = gated.reshape(-1, self._call.query.shape[1], self._call.value.shape[-1])
        return gated if head is None else gated[:, head : head + 1]

    def project(self, mixed: Tensor, groups: Sequence[Iterable[int]]) -> tuple[Tensor, Tensor]:
        """Returns what the output projection makes of each group of heads alone, (groups, T, d), and its bias, (T, d).

        mixed: what enters the projection of all heads, (T, H, d_value).
        """
        side_by_side = mixed.new_zeros(len(groups) + 1, *mixed.shape)
        for i, group in enumerate(groups):
            side_by_side[i, :, list(group)] = mixed[:, list(group)]
        projected = self._linear()(side_by_side.flatten(2))
        bias = projected[-1]  # the last input is 0
        return projected[:-1] - bias, bias

    def _linear(self) -> LinearMap:
        """Returns the output projection, from the heads' outputs side by side."""
        projection: nn.Module = self._sites.out_projection  # type: ignore[assignment]
        return LinearMap(projection, self._call.query.shape[1] * self._call.value.shape[-1], self._call.value)

    def _left_by_edits(self, added: Tensor) -> Tensor:
        """Returns what attention gave, (T, d), after the edits that switch it off at some tokens.

        Where a norm follows, they act after it, and what is held of attention is what it gave before.
        """
        left = self._pass.editing.rows_left(self._layer, len(added))
        has_norm = len(self._sites.attention_part.chain) > 1  # type: ignore[union-attr]
        return added if left is None or has_norm else added * left.to(added)

    def heads_sum_up(self) -> bool:
        """Returns whether what two halves of the heads give, and the bias, sum to what attention gave in the pass."""

        def check() -> bool:
            mixed = self.projected_values(None)
            projected, bias = self.project(mixed, [range(first, mixed.shape[1], 2) for first in (0, 1)])
            added = self._left_by_edits(projected.sum(0) + bias)
            return agree(added, self._attention_output(), *projected, bias, exponent=self._largest_score())

        return self._pass.confirmations.result(("heads", self._layer), [self._sites.block], check)

    def contributions(self) -> tuple[Tensor, Tensor] | None:
        """Returns the weights with which each key's value reaches each head's output, and what the output projection makes
        of the value: (H, T, T) and (H, T, d). None unless the two, and the bias, give what attention gave in the pass.
        """
        call, (_, n_heads, tokens, _) = self._call, self._call.query.shape
        weights = self._pass.editing.carried(self._layer, family_attention(HeadArguments(call, None))[1][0])
        values = call.value[0].float().repeat_interleave(n_heads // call.value.shape[1], 0)  # (H, T, d_value)
        linear = self._linear()
        rows = linear.matrix.reshape(n_heads, values.shape[-1], -1)

        def check() -> bool:
            mixed, offset, exponent = self.mixed_values(None), linear.offset, self._largest_score()
            with _without_autocast(values):
                again = (weights @ values).transpose(0, 1)  # (T, H, d_value)
                by_head = torch.einsum("thv,hvd->htd", again, rows)
            largest = values.abs().amax().expand(tokens, 1)
            is_a_mix = agree(again.flatten(1), mixed.flatten(1), largest, exponent=exponent)
            added = self._left_by_edits(by_head.sum(0) + offset)
            return is_a_mix and agree(added, self._attention_output(), *by_head, offset[None], exponent=exponent)

        if not self._pass.confirmations.result(("contributions", self._layer), [self._sites.block], check):
            return None
        with _without_autocast(values):
            return weights, values @ rows

    def confirm(self) -> torch.dtype | None:
        """Raises NotAvailable unless the eager function computes what the pass did, and its maps are those of such a stack.

        Returns the dtype to compute in: in half precision, an eager pass rounds its scores before the softmax.
        """
        module = self._call.module
        name, modules = ("attention", self._layer, family_eager(module)), [module]
        result: _Check = self._pass.confirmations.result(name, modules, self._check)
        check_maps(self._pass, self._layer, result.is_map)
        if not result.matches_pass:
            function = getattr(getattr(self._call.module, "config", None), "_attn_implementation", None)
            by = f' with the attention function "{function}"' if function else ""
            raise fail(
                "attention whose output is that of its family's eager attention function",
                f"layer {self._layer} of {self._pass.family}{by}, whose output is another",
                'Load the model with attn_implementation="eager" to look into its attention.',
                NotAvailable,
                code="other_attention",
                layer=self._layer,
                family=self._pass.family,
                function=function or "",
            )
        return result.dtype

    def _check(self) -> _Check:
        output, weights = family_attention(HeadArguments(self._call, None))
        if not self._is_eager_in_float32():
            return _Check(is_map=True, matches_pass=False)
        is_right = is_causal_map if self._pass.anatomy.causal else is_map
        has_maps = is_right(weights[0], self._call.query.shape[2])
        self._fresh = self._edited(None, torch.float32) if self._has_edits() else (output, weights)
        if self._matches_pass(output, self._fresh[0]):
            return _Check(has_maps, True)
        if self._call.value.dtype == torch.float32:
            return _Check(has_maps, False)
        output = family_attention(HeadArguments(self._call, None, None))[0]
        return _Check(has_maps, self._matches_pass(output, self._edited(None, None)[0]), None)

    def _is_eager_in_float32(self) -> bool:
        """Returns whether the attention function of a pass in half precision computes in float32 what the eager one does.

        In half precision rounding would hide a small difference between the two, such as another scaling. A function of
        transformers that takes half precision only is trusted.
        """
        call, function = self._call, self._call.function
        if function is None or call.value.dtype == torch.float32:
            return True
        arguments = HeadArguments(call, None)
        is_additive = call.mask is not None and call.mask.is_floating_point()
        mask = arguments.mask if is_additive else call.mask
        inputs = arguments.query, arguments.key, arguments.value, mask
        with _without_autocast(call.value):
            expected = family_attention(arguments)[0][0].flatten(1)
            try:
                output = function(arguments.module, *inputs, **arguments.kwargs)[0][0].flatten(1)
            except Exception:  # it may take half precision only
                return _is_transformers(function)
        largest = arguments.value.abs().amax().expand(len(expected), 1)
        return agree(output, expected, largest, exponent=self._largest_score())

    def _has_edits(self) -> bool:
        return self._pass.editing.touches("head_output", self._layer)

    def _edited(self, head: int | None, dtype: torch.dtype | None) -> tuple[Tensor, Tensor]:
        """Returns the output, (1, T, H or 1, d_value), and weights, (1, H or 1, T, T), after this pass's edits."""
        if head is None and dtype == torch.float32 and self._fresh is not None:
            return self._fresh
        arguments = HeadArguments(self._call, head, dtype)
        output, weights = family_attention(arguments)
        self._pass.editing.rewrite_eager(self._layer, head, output, weights, arguments.value)
        return output, weights

    def _matches_pass(self, output: Tensor, edited_output: Tensor) -> bool:
        """Returns whether the heads' outputs, (1, T, H, d_value), before and after edits, are those of the pass.

        If these were not kept, what the output projection makes of them is compared.
        """
        exponent = self._largest_score()
        if self._call.output is not None:
            largest = self._call.value.abs().amax().expand(output.shape[1], 1)
            return agree(output[0].flatten(1), self._call.output[0].flatten(1), largest, exponent=exponent)
        projected, bias = self.project(edited_output[0], [range(output.shape[2])])
        return agree(projected[0] + bias, self._attention_output(), bias, exponent=exponent)

    def _attention_output(self) -> Tensor:
        """Returns what the attention module output in the pass, before any norm that follows it: (T, d)."""
        chain = self._sites.attention_part.chain  # type: ignore[union-attr]
        output = self._pass.held("attention_before_norm" if len(chain) > 1 else "attention_out", self._layer)
        return output.reshape(-1, output.shape[-1])

    def _largest_score(self) -> float:
        """Returns a bound of the scores: by the lengths of queries and keys, and the largest biases that are added."""
        call = self._call
        longest = call.query.float().norm(dim=-1).amax() * call.key.float().norm(dim=-1).amax()
        score = float(longest) * float(call.kwargs.get("scaling") or call.query.shape[-1] ** -0.5)
        for added in (call.mask, call.kwargs.get("position_bias")):
            if isinstance(added, Tensor) and added.is_floating_point():
                biases = added[added > torch.finfo(added.dtype).min / 2]
                score += float(biases.abs().max()) if biases.numel() else 0.0
        return score


def _without_autocast(tensor: Tensor) -> torch.autocast:
    """Returns the block in which torch computes in the dtypes of its arguments on this tensor's device."""
    return torch.autocast(tensor.device.type, enabled=False)


def _is_transformers(function: Callable[..., Any]) -> bool:
    """Returns whether an attention function is one of transformers' own, perhaps with some arguments set."""
    plain = function.func if isinstance(function, partial) else function
    # Not `__module__`, which can be copied from another function.
    return str(getattr(plain, "__globals__", {}).get("__name__", "")).startswith("transformers.")


def check_maps(recorded: RecordedPass, layer: int, are_right: bool) -> None:
    """Raises NotAvailable for a layer whose maps are not those of its stack, such as a causal one."""
    if not are_right:
        later = " and give nothing to later tokens" if recorded.anatomy.causal else ""
        raise fail(
            f"attention maps whose rows sum to at most 1{later}",
            f"layer {layer} of {recorded.family}, whose maps do not",
            "Its stream and its logits can be read.",
            NotAvailable,
            code="no_causal_map",
            layer=layer,
            family=recorded.family,
        )
