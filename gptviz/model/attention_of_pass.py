"""Computes what attention did in a recorded pass: maps, score stages, sinks, and what each head adds to the stream.

Everything is computed in float32 from the arguments that each attention call was given, by the eager attention function
of the model's own family, so that what a family does differently is exact; see `eager_attention.py`. A layer whose
attention function computed something else in the pass is refused.
"""

import math

import torch
from torch import Tensor, nn

from gptviz.checks import within_rounding
from gptviz.errors import NotAvailable, fail
from gptviz.model.anatomy import close, run_chain
from gptviz.model.capture import AttentionCall, hooked, takes
from gptviz.model.confirming import agree, is_causal_map
from gptviz.model.eager_attention import EagerAttention, check_maps
from gptviz.model.head_arguments import HeadArguments, family_attention
from gptviz.model.recorded_pass import RecordedPass


class AttentionOfPass:
    """What attention was given and computed in one pass. Holds nothing of its own."""

    def __init__(self, recorded: RecordedPass):
        self._pass = recorded

    def queries(self, layer: int) -> Tensor:
        """Returns the queries as attention received them: (H, T, d_head)."""
        return self._call(layer, "queries").query[0]

    def keys(self, layer: int) -> Tensor:
        """Returns the keys as attention received them: (H_kv, T, d_head)."""
        return self._call(layer, "keys").key[0]

    def values(self, layer: int) -> Tensor:
        """Returns the values as attention received them: (H_kv, T, d_value)."""
        return self._call(layer, "values").value[0]

    def unrotated(self) -> tuple[Tensor, Tensor]:
        """Returns block 0's queries and keys with every token at position 0: (H, T, d_head) and (H_kv, T, d_head)."""
        self._call(0, "queries")
        recorded, model = self._pass, self._pass.model
        takes_positions = takes(model.forward, "position_ids")
        if not (recorded.anatomy.rotary and takes_positions):
            raise fail(
                "a family that rotates its queries and keys by their positions, and takes position_ids",
                f"{recorded.family}, which does not",
                "`trace.q` and `trace.k` are what attention receives.",
                NotAvailable,
                code="not_rotated",
                family=recorded.family,
            )
        with (
            (guard := recorded.guarding_weights()),
            guard,
            hooked(recorded.editing.hooks()),
            recorded.recording() as recorder,
        ):
            model(recorded.ids, position_ids=torch.zeros_like(recorded.ids), use_cache=False)
        call = next(call for call in recorder.calls if call.module is recorded.anatomy.layers[0].attention)
        in_pass = self._call(0, "queries")
        if not all(agree(a[0, :, 0], b[0, :, 0]) for a, b in ((call.query, in_pass.query), (call.key, in_pass.key))):
            raise fail(
                "queries and keys that are not rotated at position 0",
                f"{recorded.family}, whose first token has others in this pass",
                "`trace.q` and `trace.k` are what attention receives.",
                NotAvailable,
                code="not_rotated",
                family=recorded.family,
            )
        return call.query[0], call.key[0]

    def weights(self, layer: int, head: int | None = None) -> Tensor:
        """Returns the attention weights in float32: (H, T, T), or (1, T, T) for one head."""
        recorded = self._pass
        recorded.attention_module(layer)
        if recorded.route == "eager":
            recorded.held("residual", layer)  # raises for a block that this pass left out
            if layer not in recorded.maps:
                raise fail(
                    "one attention map from each layer with attention",
                    f"another number of maps from {recorded.family}",
                    "The stream and the logits can be read.",
                    NotAvailable,
                    code="no_map",
                    layer=layer,
                    family=recorded.family,
                )
            as_returned = recorded.maps[layer][0]
            tokens = recorded.ids.shape[1]
            is_causal = recorded.confirmations.result(("map", layer), [], lambda: is_causal_map(as_returned, tokens))
            check_maps(recorded, layer, is_causal)
            weights = as_returned.float()
            return weights if head is None else weights[head : head + 1]
        with (guard := recorded.guarding_weights()), guard:
            return self._eager(layer, "maps").weights(head)

    def mixed_values(self, layer: int, head: int) -> Tensor:
        """Returns the values mixed by the head's weights, before the output projection, in float32: (T, d_value)."""
        with (guard := self._pass.guarding_weights()), guard:
            return self._eager(layer, "mixed values").mixed_values(head)[:, 0].float()

    def stages(self, layer: int, head: int) -> dict[str, Tensor]:
        """Returns the head's scores before the softmax, stage by stage, each (T, T), in the family's order.

        Raises NotAvailable if the softmax of the last stage is not the map that the family itself computes.
        """
        call = self._call(layer, "scores")
        with (guard := self._pass.guarding_weights()), guard:
            self._eager(layer, "scores").confirm()
            arguments = HeadArguments(call, head)
            stages = _score_stages(arguments)
            last = list(stages.values())[-1]
            weights, map_of_family = _softmax(last, _sink(arguments)), family_attention(arguments)[1]
        # A rounding error in a score is, in proportion, an error in the weight: the scores' magnitude counts.
        magnitude = max(1.0, float(last[last.isfinite()].abs().max()))
        if not within_rounding(weights, map_of_family, torch.finfo(torch.float32).eps, magnitude):
            raise fail(
                "scores whose softmax is the family's own attention map",
                f"{type(call.module).__name__}, which does something else between scores and weights",
                "`trace.attention` is exact for it; its score stages are not shown.",
                NotAvailable,
                code="other_scores",
                module=type(call.module).__name__,
            )
        return {name: stage[0, 0] for name, stage in stages.items()}

    def sink(self, layer: int, head: int) -> float | None:
        """Returns the learned score of the head's attention sink, or None if the family has none."""
        call = self._call(layer, "sinks")
        with (guard := self._pass.guarding_weights()), guard:
            sink = _sink(HeadArguments(call, head))
        return None if sink is None else float(sink.reshape(-1)[0])

    def head_outputs(self, layer: int, head: int | None = None) -> tuple[Tensor, Tensor]:
        """Returns what each head adds to the stream, (H or 1, T, d_model), and what the bias adds, (T, d_model).

        Each head's part of the output projection's input goes through the projection alone, then through what lies
        between the projection and the stream. Raises NotAvailable unless heads and bias sum to what attention added.
        """
        n_heads = self._call(layer, "head outputs").query.shape[1]
        with (guard := self._pass.guarding_weights()), guard:
            eager = self._heads_that_sum_up(layer)
            heads = list(range(n_heads)) if head is None else [head]
            some = eager.projected_values(head)  # (T, H or 1, d_value)
            mixed = some.new_zeros(some.shape[0], n_heads, some.shape[2])
            mixed[:, heads] = some
            projected, bias = eager.project(mixed, [[head] for head in heads])
            gain = self._gain(layer)
        return projected * gain, bias * gain

    def contributions(self, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the factors of what each head adds to the stream from each key; see `sources.Contributions`.

        Raises NotAvailable unless heads and keys and the bias sum to what attention added.
        """
        self._call(layer, "values")
        with (guard := self._pass.guarding_weights()), guard:
            eager = self._heads_that_sum_up(layer)
            if self._pass.anatomy.layers[layer].gated:
                raise self._no_keys(layer, "a gate multiplies what each of its heads has mixed")
            factors = eager.contributions()
            if factors is None:
                raise self._no_keys(layer, "what its heads give is not their values, mixed by their weights")
            gain = torch.as_tensor(self._gain(layer), device=factors[1].device)
        return *factors, gain.expand(factors[0].shape[1], self._pass.d_model)

    def _heads_that_sum_up(self, layer: int) -> EagerAttention:
        """Returns a layer's attention; raises NotAvailable unless heads and bias sum to what attention added."""
        recorded = self._pass
        recorded.parts(layer, "Head outputs")
        if recorded.editing.rows_left(layer, 1) is None:
            recorded.check_not_edited("attn_out", layer, "attention output", "`trace.attn_out`")
        if recorded.anatomy.layers[layer].out_projection is None:
            raise self._no_heads(layer, "no linear projection takes the outputs of its heads side by side")
        eager = self._eager(layer, "head outputs")
        if not eager.heads_sum_up():
            raise self._no_heads(layer, "what its heads and its bias give does not sum to what attention added")
        return eager

    def _gain(self, layer: int) -> Tensor | float:
        """Returns the factor by which what the output projection gives reaches the stream: a number, or (T, d_model)."""
        recorded, (part, _) = self._pass, self._pass.parts(layer, "Head outputs")
        gain = self._frozen_gain(layer, part.chain[1:]) * part.scale
        if not recorded.editing.touches("attn_out", layer):
            return gain
        left = recorded.editing.rows_left(layer, recorded.ids.shape[1])
        return gain if left is None else gain * left.to(recorded.held("attention_out", layer).device)

    def _frozen_gain(self, layer: int, norms: tuple[nn.Module, ...]) -> Tensor | float:
        """Returns the factor, (T, d_model), by which the norms after the output projection scale what goes through them.

        A root-mean-square norm divides by one number a token and multiplies by one weight a dimension. With that number
        frozen at this pass's value it is linear, so that each head has its share. Raises NotAvailable unless this gives
        back the whole attention output.
        """
        if not norms:
            return 1.0
        before_norm, attention_out = (
            self._pass.held(site, layer)[0] for site in ("attention_before_norm", "attention_out")
        )
        before, after = before_norm.float(), attention_out.float()
        # The root mean square of a vector of ones is 1, so that the norm gives back its weights.
        per_dimension = run_chain(norms, torch.ones_like(before_norm[None, :1]))[0].float()  # (1, d_model)
        shaped = before * per_dimension
        per_token = (after * shaped).sum(-1, keepdim=True) / (shaped * shaped).sum(-1, keepdim=True).clamp_min(1e-30)
        gain = per_dimension * per_token
        if not close((before * gain).to(attention_out.dtype), after):
            raise self._no_heads(layer, "what follows its attention is not a scaling")
        return gain

    def _call(self, layer: int, quantity: str) -> AttentionCall:
        """Returns what the attention function was given in `layer`. quantity: what the caller wants, for the error.

        Raises NotAvailable on the eager route, and for a layer without attention.
        """
        if self._pass.route == "eager":
            family = self._pass.family
            raise fail(
                f"a family that gives its {quantity} to transformers' AttentionInterface",
                f"{family}, whose maps come by the eager route (output_attentions=True)",
                f"On this route {quantity} do not exist; attention maps, the stream and logits do.",
                NotAvailable,
                code="route",
                what=quantity,
                family=family,
            )
        module = self._pass.attention_module(layer)
        self._pass.held("residual", layer)  # raises for a block that this pass left out
        if id(module) not in self._pass.calls:
            raise fail(
                "an attention module that calls its attention function once in a pass",
                f"layer {layer} of {self._pass.family}, which did not in this one",
                "The stream and the logits can be read.",
                NotAvailable,
                code="no_map",
                layer=layer,
                family=self._pass.family,
            )
        return self._pass.calls[id(module)]

    def _eager(self, layer: int, quantity: str) -> EagerAttention:
        return EagerAttention(self._pass, layer, self._call(layer, quantity))

    def _no_keys(self, layer: int, reason: str) -> NotAvailable:
        return fail(
            "a block whose attention output is a sum over heads and keys",
            f"block {layer} of {self._pass.family}: {reason}",
            "`trace.head_output` has what each head adds.",
            NotAvailable,
            code="no_sum_over_keys",
            layer=layer,
            family=self._pass.family,
            reason=reason,
        )  # type: ignore[return-value]

    def _no_heads(self, layer: int, reason: str) -> NotAvailable:
        return fail(
            "a block whose attention output is a sum over heads",
            f"block {layer} of {self._pass.family}: {reason}",
            "`trace.attn_out` has what all heads add together.",
            NotAvailable,
            code="no_sum_over_heads",
            layer=layer,
            family=self._pass.family,
            reason=reason,
        )  # type: ignore[return-value]


def _score_stages(arguments: HeadArguments) -> dict[str, Tensor]:
    """Returns the scores after each step from q·k to the softmax: {name: (1, 1, T, T)}; -inf where masked."""
    raw = arguments.query @ arguments.key.transpose(2, 3)
    scaling = arguments.kwargs.get("scaling")
    stages = {"raw": raw, "scaled": raw * (arguments.query.shape[-1] ** -0.5 if scaling is None else scaling)}
    last = stages["scaled"]
    if (cap := arguments.kwargs.get("softcap")) is not None:
        stages["softcapped"] = last = cap * torch.tanh(last / cap)
    if (bias := arguments.kwargs.get("position_bias")) is not None:
        stages["biased"] = last = last + bias
    if arguments.mask is not None:
        allowed = arguments.mask > torch.finfo(torch.float32).min / 2
        stages["masked"] = torch.where(allowed, last + arguments.mask, -math.inf)
    return stages


def _sink(arguments: HeadArguments) -> Tensor | None:
    sink = arguments.kwargs.get("s_aux", getattr(arguments.module, "sinks", None))
    return sink if isinstance(sink, Tensor) else None


def _softmax(scores: Tensor, sink: Tensor | None) -> Tensor:
    """Returns the softmax over the keys. A sink is one more score: it takes its share, which is then dropped."""
    if sink is None:
        return scores.softmax(-1)
    column = sink.reshape(1, -1, 1, 1).expand(*scores.shape[:-1], 1)
    return torch.cat([scores, column], dim=-1).softmax(-1)[..., :-1]
