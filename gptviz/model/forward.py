"""One recorded forward pass: what is held of it, and what is computed from that when somebody asks.

Held, as references to the pass's own tensors: query, key, value and mask of every attention call; the stream that enters
each block; what attention adds to it; what enters each MLP; the logits. Had again on demand, from those and the modules
they went through, never by running a block again: maps, score stages, head outputs, MLP activations and outputs,
embeddings, the logit lens. What is had again of an edited pass is edited again, by the same hooks. Torch only;
`trace.py` turns what leaves here into NumPy arrays with named axes.
"""

import inspect
import math
import threading
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.weak import WeakIdKeyDictionary

from gptviz.errors import ModelChanged, NotAvailable, fail
from gptviz.intervention.edits import Edit
from gptviz.model.anatomy import Anatomy, Layer, close, run_chain
from gptviz.model.capture import AttentionCall, Hook, Sink, family_eager, hooked, modules_of, running, watched
from gptviz.model.editing import Editing, place
from gptviz.model.readout import Readout, frozen

Versions = tuple[tuple[int, int, int, int], ...]


_steps = WeakIdKeyDictionary()  # how often an optimizer has stepped each parameter: fused ones raise no version


def _count_step(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            _steps[parameter] = _steps.get(parameter, 0) + 1


register_optimizer_step_post_hook(_count_step)


def weight_versions(model: nn.Module) -> Versions:
    """Which parameters the model has, where they lie, and how often each was written to or stepped by an optimizer.

    Writes into `.data` or into NumPy's view of it leave no mark that PyTorch could be asked for.
    """
    parameters = (p for m in modules_of(model) for p in m._parameters.values() if p is not None)
    return tuple(
        (id(p), p.data_ptr(), 0 if p.is_inference() else p._version, _steps.get(p, 0) if _steps else 0)
        for p in parameters
    )


class ForwardPass:
    """What one pass over one text computed. Tensors are on the model's device and in its dtype unless said otherwise."""

    def __init__(self, model: nn.Module, anatomy: Anatomy, ids: Tensor, editing: Editing | None = None):
        """Run `ids` (1, T) through the model, once, with the edits that were made ready for it."""
        self.model, self.anatomy, self.ids = model, anatomy, ids
        self.n_layers, self.n_heads = len(anatomy.layers), anatomy.n_heads
        self.d_model, self.d_head = anatomy.d_model, anatomy.d_head
        self.route = anatomy.route
        self.editing = editing or Editing(model, anatomy, (), ids.shape[1])
        self._held: dict[tuple[str, int], Tensor] = {}
        self._positions: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        with running(model), hooked(self._sites()), self._position_inputs(), self._watched() as sink:
            eager = {"output_attentions": True} if anatomy.route == "eager" else {}
            result = model(ids, use_cache=False, **eager)
            self._versions = weight_versions(model)
        self.logits: Tensor = result.logits[0]  # (T, vocab)
        self._calls = {id(call.module): call for call in sink.calls}
        self._maps: tuple[Tensor, ...] = tuple(result.attentions) if eager else ()

    def _watched(self) -> AbstractContextManager[Sink]:
        return watched(self.model, self.anatomy.route, edits=self.editing.heads())

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What was edited in this pass."""
        return self.editing.edits

    def _sites(self) -> list[Hook]:
        """Hooks that hold what enters or leaves each named site, after the hooks that edit it."""
        sites: list[Hook] = []

        def hold(site: str, layer: int, module: nn.Module, end: str) -> None:
            moved = module in self.anatomy.moved

            def callback(tensor: Tensor) -> None:
                self._held[site, layer] = tensor.clone() if moved else tensor

            sites.append((module, end, callback))

        last = len(self.anatomy.layers)
        for i in range(last + 1):
            if self.editing.touches("residual", i):
                hold("residual_before_edits", i, *place(self.anatomy, "residual", i))
        sites += self.editing.hooks()
        for i, layer in enumerate(self.anatomy.layers):
            hold("residual", i, layer.block, "in")
            if layer.attention_part is not None:
                hold("attention_out", i, layer.attention_part.chain[-1], "out")
                if len(layer.attention_part.chain) > 1:
                    hold("attention_before_norm", i, layer.attention_part.chain[0], "out")
            if layer.mlp_part is not None:
                hold("mlp_in", i, layer.mlp_part.chain[0], "in")
        hold("residual", last, self.anatomy.layers[-1].block, "out")
        return sites

    @contextmanager
    def _position_inputs(self) -> Any:
        """Keep what the position table was asked for: its answer is cheap to have again."""
        module = self.anatomy.position_embedding
        if module is None:
            yield
            return

        mine = threading.get_ident()

        def keep(_module: nn.Module, args: Any, kwargs: Any) -> None:
            if threading.get_ident() == mine:
                self._positions = (args, kwargs)

        handle = module.register_forward_pre_hook(keep, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()

    @property
    def nbytes(self) -> int:
        """Bytes of every distinct storage that this pass holds."""
        tensors = [self.logits, *self._held.values(), *self._maps]
        for call in self._calls.values():
            tensors += [t for t in (call.query, call.key, call.value, call.mask) if isinstance(t, Tensor)]
        storages = {s.data_ptr(): s.nbytes() for s in (t.untyped_storage() for t in tensors)}
        return sum(storages.values())

    @contextmanager
    def guarding_weights(self) -> Any:
        """Alone with the model, which must still have the weights of this pass."""
        with running(self.model):
            if weight_versions(self.model) != self._versions:
                raise fail(
                    "the weights that this trace was made with",
                    "weights that were written to or replaced",
                    "So the model has changed since: trace again.",
                    ModelChanged,
                )
            yield

    # What attention was handed, and the maps

    def call(self, layer: int, what: str) -> AttentionCall:
        """What the attention function was handed in `layer`; refused, in words, where there is no such call."""
        if self.anatomy.route == "eager":
            raise fail(
                f"a family that hands its {what} to transformers' AttentionInterface",
                f"{type(self.model).__name__}, whose maps come by the eager route (output_attentions=True)",
                f"On this route {what} do not exist; attention maps, the stream and logits do.",
                NotAvailable,
                code="route",
                what=what,
                family=type(self.model).__name__,
            )
        module = self.anatomy.layers[layer].attention
        if module is None:
            raise self._no_attention(layer)
        return self._calls[id(module)]

    def queries(self, layer: int) -> Tensor:
        """Queries as attention received them: (H, T, d_head)."""
        return self.call(layer, "queries").query[0]

    def keys(self, layer: int) -> Tensor:
        """Keys as attention received them: (H_kv, T, d_head)."""
        return self.call(layer, "keys").key[0]

    def values(self, layer: int) -> Tensor:
        """Values as attention received them: (H_kv, T, d_value)."""
        return self.call(layer, "values").value[0]

    def _no_attention(self, layer: int) -> NotAvailable:
        return fail(
            "a layer with attention",
            f"layer {layer} of {type(self.model).__name__}, which mixes its tokens in another way",
            "Ask for a layer that has an attention module.",
            NotAvailable,
            code="no_attention",
            layer=layer,
            family=type(self.model).__name__,
        )  # type: ignore[return-value]

    def weights(self, layer: int, head: int | None = None) -> Tensor:
        """Attention weights in float32: (H, T, T), or (1, T, T) for one head."""
        module = self.anatomy.layers[layer].attention
        if module is None:
            raise self._no_attention(layer)
        if self.anatomy.route == "eager":
            with_attention = [one for one in self.anatomy.layers if one.attention is not None]
            one = self._maps[with_attention.index(self.anatomy.layers[layer])][0].float()
            return one if head is None else one[head : head + 1]
        with self.guarding_weights():
            return self._eager(layer, head)[1][0]

    def mixed(self, layer: int, head: int) -> Tensor:
        """The values that a head has mixed by its weights, before its projection, in float32: (T, d_value)."""
        self.call(layer, "mixed values")
        with self.guarding_weights():
            return self._eager(layer, head)[0][0, :, 0]

    def _eager(self, layer: int, head: int | None) -> tuple[Tensor, Tensor]:
        """Output (1, T, H, d) and weights (1, H, T, T) of a layer, of all heads or one, as this pass's edits leave them."""
        part = Slice(self._calls[id(self.anatomy.layers[layer].attention)], head)
        output, weights = self._family_eager(part)
        self.editing.rewrite_eager(layer, head, output, weights, part.value)
        return output, weights

    @staticmethod
    def _family_eager(part: "Slice") -> tuple[Tensor, Tensor]:
        """The family's own eager attention on the kept arguments in float32."""
        call = part.call
        eager = family_eager(call.module)
        if eager is None:
            raise fail(
                "a family with an `eager_attention_forward` of its own",
                f"{type(call.module).__module__}, which has none",
                "Maps of this family cannot be computed; queries, keys and the stream can be read.",
                NotAvailable,
            )
        return eager(part.module, part.query, part.key, part.value, part.mask, **part.kwargs)

    def stages(self, layer: int, head: int) -> dict[str, Tensor]:
        """The scores of one head on their way to the softmax, each (T, T), in the family's order; -inf where masked."""
        call = self.call(layer, "scores")
        with self.guarding_weights():
            part = Slice(call, head)
            raw = part.query @ part.key.transpose(2, 3)
            scaling = call.kwargs.get("scaling")
            stages = {"raw": raw, "scaled": raw * (part.query.shape[-1] ** -0.5 if scaling is None else scaling)}
            if (cap := call.kwargs.get("softcap")) is not None:
                stages["softcapped"] = cap * torch.tanh(stages["scaled"] / cap)
            last = list(stages.values())[-1]
            if (bias := part.kwargs.get("position_bias")) is not None:
                stages["biased"] = last = last + bias
            if part.mask is not None:
                allowed = part.mask > torch.finfo(torch.float32).min / 2
                stages["masked"] = torch.where(allowed, last + part.mask, -math.inf)
            weights = self._softmax(list(stages.values())[-1], self._sink(part))
            truth = self._family_eager(part)[1]
        if not torch.allclose(weights, truth, atol=1e-5):
            raise fail(
                "scores whose softmax is the family's own attention map",
                f"{type(call.module).__name__}, which does something more between scores and weights",
                "`trace.attention` is exact for it; its score stages are not shown.",
                NotAvailable,
            )
        return {name: stage[0, 0] for name, stage in stages.items()}

    @staticmethod
    def _sink(part: "Slice") -> Tensor | None:
        sink = part.kwargs.get("s_aux", getattr(part.module, "sinks", None))
        return sink if isinstance(sink, Tensor) else None

    @staticmethod
    def _softmax(scores: Tensor, sink: Tensor | None) -> Tensor:
        """Softmax over the keys; a sink is one more score that takes its share and is then dropped."""
        if sink is None:
            return scores.softmax(-1)
        column = sink.reshape(1, -1, 1, 1).expand(*scores.shape[:-1], 1)
        return torch.cat([scores, column], dim=-1).softmax(-1)[..., :-1]

    def sink(self, layer: int, head: int) -> float | None:
        """The learned score of the head's attention sink, or None where the family has none."""
        call = self.call(layer, "sinks")
        with self.guarding_weights():
            sink = self._sink(Slice(call, head))
        return None if sink is None else float(sink.reshape(-1)[0])

    # What the parts add to the stream

    def residual(self, layer: int) -> Tensor:
        """The stream entering block `layer`; `n_layers` is what leaves the last: (T, d_model)."""
        return self._held["residual", layer].reshape(-1, self.anatomy.d_model)

    def _layer(self, layer: int, what: str) -> Layer:
        found = self.anatomy.layers[layer]
        if found.attention_part is None or found.mlp_part is None:
            raise fail(
                "a block that adds its attention's and its MLP's output to the stream",
                f"block {layer} of {type(self.model).__name__}, where no two outputs sum to the change of the stream",
                f"{what} cannot be told apart here; `trace.residual` can be read.",
                NotAvailable,
            )
        return found

    def attention_out(self, layer: int) -> Tensor:
        """What attention adds to the stream: (T, d_model)."""
        part = self._layer(layer, "Attention and MLP").attention_part
        out = self._held["attention_out", layer].reshape(-1, self.anatomy.d_model)
        return out if part.scale == 1.0 else out * part.scale  # type: ignore[union-attr]

    def mlp(self, layer: int) -> tuple[Tensor, Tensor | None]:
        """What the MLP adds to the stream (T, d_model), and its activations (T, d_mlp) or None: run again on its input."""
        found = self._layer(layer, "Attention and MLP")
        activations: list[Tensor] = []
        site = [] if found.down_projection is None else [(found.down_projection, "in", activations.append)]
        with self.guarding_weights(), hooked([*self.editing.hooks(), *site]):
            out = run_chain(found.mlp_part.chain, self._held["mlp_in", layer])  # type: ignore[union-attr]
        out = out.reshape(-1, self.anatomy.d_model) * found.mlp_part.scale  # type: ignore[union-attr]
        return out, activations[0].reshape(out.shape[0], -1) if activations else None

    def head_outputs(self, layer: int, head: int | None = None) -> tuple[Tensor, Tensor]:
        """What each head adds to the stream, (H, T, d_model) or (1, T, d_model), and what the bias adds, (T, d_model).

        The output projection of one head's part of its input, carried through what lies between it and the stream.
        """
        call = self.call(layer, "head outputs")
        found = self._layer(layer, "Head outputs")
        if self.editing.touches("attn_out", layer):
            raise self._edited_away(layer, "attention output", "`trace.attn_out`")
        projection, part = found.out_projection, found.attention_part
        if projection is None or part is None:
            raise self._no_heads(layer, "no linear projection takes its heads' outputs side by side")
        with self.guarding_weights():
            mixed = self._eager(layer, head)[0][0]  # (T, H or 1, d_value)
            heads = range(call.query.shape[1]) if head is None else [head]
            side_by_side = mixed.new_zeros(len(heads) + 1, mixed.shape[0], call.query.shape[1], mixed.shape[-1])
            for i, h in enumerate(heads):
                side_by_side[i, :, h] = mixed[:, i]
            weight = next(projection.parameters())
            projected = projection(side_by_side.flatten(2).to(weight.dtype)).float()  # (heads + 1, T, d_model)
            bias = projected[-1]
            gain = self._frozen_gain(layer, part.chain[1:]) * part.scale
        return (projected[:-1] - bias) * gain, bias * gain

    def _frozen_gain(self, layer: int, after: tuple[nn.Module, ...]) -> Tensor | float:
        """The factor, per token and dimension, by which the modules after the projection scale what goes through them.

        A root-mean-square norm divides by one number a token and multiplies by one weight a dimension; with that number
        frozen at this pass's it is linear, and each head has its share. Confirmed on the whole, or refused.
        """
        if not after:
            return 1.0
        before, whole = (
            self._held["attention_before_norm", layer][0].float(),
            self._held["attention_out", layer][0].float(),
        )
        ones = torch.ones_like(self._held["attention_before_norm", layer][:, :1])
        per_dimension = run_chain(after, ones)[0].float()  # (1, d_model): the norm of a vector of ones is 1
        shaped = before * per_dimension
        per_token = (whole * shaped).sum(-1, keepdim=True) / (shaped * shaped).sum(-1, keepdim=True).clamp_min(1e-30)
        gain = per_dimension * per_token
        if not close((before * gain).to(self._held["attention_out", layer].dtype), whole):
            raise self._no_heads(layer, "what follows its attention is not a scaling")
        return gain

    def _no_heads(self, layer: int, why: str) -> NotAvailable:
        return fail(
            "a block whose attention output is a sum over heads",
            f"block {layer} of {type(self.model).__name__}: {why}",
            "`trace.attn_out` has the heads' joint output.",
            NotAvailable,
        )  # type: ignore[return-value]

    def _edited_away(self, layer: int, what: str, whole: str) -> NotAvailable:
        return fail(
            f"a block whose {what} is the sum of its own parts",
            f"block {layer} of a pass in which an edit has set it",
            f"{whole} has what it became.",
            NotAvailable,
        )  # type: ignore[return-value]

    def edit_out(self, layer: int) -> Tensor:
        """What edits of the stream added where it enters block `layer`, or leaves the last: (T, d_model)."""
        after = self.residual(layer)
        before = self._held.get(("residual_before_edits", layer))
        return torch.zeros_like(after) if before is None else after - before.reshape(after.shape)

    def attention_in(self, layer: int) -> Tensor:
        """What enters attention, after the norm before it: (T, d_model)."""
        found = self._layer(layer, "What enters attention")
        if found.before_attention is None:
            raise self._unknown_input(layer, "attention")
        with self.guarding_weights():
            entered = run_chain(found.before_attention, self._held["residual", layer])
        return entered.reshape(-1, self.anatomy.d_model)

    def mlp_in(self, layer: int) -> Tensor:
        """What enters the MLP, after the norm before it: (T, d_model)."""
        self._layer(layer, "What enters the MLP")
        entering = self._held["mlp_in", layer]
        if entering.shape[-1] != self.anatomy.d_model:
            raise self._unknown_input(layer, "MLP")
        return entering.reshape(-1, self.anatomy.d_model)

    def _unknown_input(self, layer: int, part: str) -> NotAvailable:
        return fail(
            f"a block whose {part} reads the stream through one norm",
            f"block {layer} of {type(self.model).__name__}, where the way into it is another",
            "What it adds to the stream can be read.",
            NotAvailable,
        )  # type: ignore[return-value]

    def is_parallel(self, layer: int) -> bool:
        """Whether the MLP reads what enters the block, beside attention and not after it."""
        return self._layer(layer, "The way to the MLP").parallel

    def neurons(self, layer: int, position: int) -> Tensor:
        """What each neuron of the MLP adds to the stream at one token: (d_mlp, d_model); without the bias."""
        rows = self.neuron_rows(layer)
        return self.mlp(layer)[1][position][:, None].float() * rows  # type: ignore[index]

    def neuron_rows(self, layer: int) -> Tensor:
        """What each neuron of the MLP adds to the stream for each unit of its activation: (d_mlp, d_model)."""
        found = self._layer(layer, "Neurons")
        if self.editing.touches("mlp_out", layer):
            raise self._edited_away(layer, "MLP output", "`trace.mlp_out`")
        part, down = found.mlp_part, found.down_projection
        if down is None or len(part.chain) > 1:  # type: ignore[union-attr]
            raise fail(
                "an MLP whose down projection adds to the stream as it is",
                f"block {layer} of {type(self.model).__name__}",
                "`trace.mlp_out` has what all neurons add together.",
                NotAvailable,
            )
        with self.guarding_weights():
            matrix = next(down.parameters()).float()
            rows = matrix.T if isinstance(down, nn.Linear) else matrix  # Conv1D keeps it the other way round
            return rows * part.scale  # type: ignore[union-attr]

    def mlp_bias(self, layer: int) -> Tensor:
        """What the down projection's bias adds to the stream at each token: (d_model,)."""
        found = self._layer(layer, "Neurons")
        part, down = found.mlp_part, found.down_projection
        with self.guarding_weights():
            bias = getattr(down, "bias", None)
            return torch.zeros(self.anatomy.d_model) if bias is None else bias.float() * part.scale  # type: ignore[union-attr]

    # Before the first block and after the last

    def embedding(self, kind: str) -> Tensor:
        """What enters block 0 ("sum"), or its "token" or "position" part: (T, d_model)."""
        table = self.anatomy.position_embedding
        if kind == "sum" or (kind == "token" and table is None):
            before = self._held.get(("residual_before_edits", 0))
            return self.residual(0) if before is None else before.reshape(-1, self.anatomy.d_model)
        if table is None:
            how = "rotating queries and keys" if self.anatomy.rotary else "what attention does with distance"
            raise fail(
                "a family that adds position embeddings to its token embeddings",
                f"{type(self.model).__name__}, where positions enter inside attention, by {how}",
                "`trace.embedding('sum')` is all that enters block 0.",
                NotAvailable,
            )
        if not self.anatomy.embedding_adds_up:
            raise fail(
                "an embedding that is the sum of a token's and a position's row",
                f"{type(self.model).__name__}, where the two do not add up to what enters block 0",
                "`trace.embedding('sum')` is exact; its parts are not shown.",
                NotAvailable,
            )
        with self.guarding_weights():
            if kind == "token":
                return self.anatomy.token_embedding(self.ids)[0]
            args, kwargs = self._positions
            return table(*args, **kwargs).reshape(-1, self.anatomy.d_model)

    def unrotated(self) -> tuple[Tensor, Tensor]:
        """Block 0's queries and keys with every token at position 0: (H, T, d_head), (key heads, T, d_head)."""
        self.call(0, "queries")
        takes_positions = "position_ids" in inspect.signature(self.model.forward).parameters
        if not (self.anatomy.rotary and takes_positions):
            raise fail(
                "a family that turns its queries and keys by their positions and lets positions be given",
                f"{type(self.model).__name__}, which does not",
                "`trace.q` and `trace.k` are what attention receives.",
                NotAvailable,
            )
        with self.guarding_weights(), hooked(self.editing.hooks()), self._watched() as sink:
            self.model(self.ids, position_ids=torch.zeros_like(self.ids), use_cache=False)
        call = next(one for one in sink.calls if one.module is self.anatomy.layers[0].attention)
        return call.query[0], call.key[0]

    def lens(self, position: int) -> Tensor:
        """Final norm and unembedding of the stream at every depth: (n_layers + 1, vocab)."""
        tail = self.anatomy.tail
        if tail is None:
            raise fail(
                "a model whose logits are a norm and an unembedding of the stream",
                f"{type(self.model).__name__}, where something else lies between them",
                "`trace.logits` is exact; the logit lens is not shown.",
                NotAvailable,
            )
        depths = range(len(self.anatomy.layers) + 1)
        with self.guarding_weights():
            stream = torch.stack([self.residual(depth)[position] for depth in depths])[None]
            return tail.last_step(run_chain(tail.chain, stream))[0]

    def readout(self, position: int) -> Readout:
        """How the stream that leaves the last block is read at one token: the final norm with its scale frozen."""
        return frozen(self, position)

    def unembedding(self, id: int) -> tuple[Tensor, float]:
        """The unembedding's row for a token (d_model,), and its bias."""
        with self.guarding_weights():
            head = self.model.get_output_embeddings()  # type: ignore[operator]
            bias = getattr(head, "bias", None)
            return head.weight[id].float(), 0.0 if bias is None else float(bias[id])


class Slice:
    """The arguments of an attention call in float32, for one head or for all, with the mask made additive."""

    def __init__(self, call: AttentionCall, head: int | None):
        self.call = call
        n_heads, n_kv = call.query.shape[1], call.key.shape[1]
        one = slice(None) if head is None else slice(head, head + 1)
        kv = slice(None) if head is None else slice(head * n_kv // n_heads, head * n_kv // n_heads + 1)
        self.query = call.query[:, one].float()
        self.key, self.value = call.key[:, kv].float(), call.value[:, kv].float()
        mask = self._additive(call)
        self.mask = mask[:, one] if mask is not None and mask.shape[1] == n_heads else mask
        self.kwargs = {name: self._of_heads(value, n_heads, one) for name, value in call.kwargs.items()} | {
            "dropout": 0.0
        }
        self.module = _AsIf(call.module, n_heads, one, single=head is not None)

    @staticmethod
    def _of_heads(value: Any, n_heads: int, one: slice) -> Any:
        """A keyword argument that has one entry a head, cut to the heads in question: (H,) or (1, H, T, T)."""
        if not isinstance(value, Tensor):
            return value
        if value.ndim == 1 and value.shape[0] == n_heads:
            return value[one].float()
        return value[:, one].float() if value.ndim == 4 and value.shape[1] == n_heads else value

    @staticmethod
    def _additive(call: AttentionCall) -> Tensor | None:
        """The mask as a float32 array to be added: 0 where a query may look, the lowest number where it may not.

        No mask means that the delegate was left to be causal by itself, within the window if it was given one.
        """
        lowest = torch.finfo(torch.float32).min
        n_query, n_key = call.query.shape[2], call.key.shape[2]
        if call.mask is not None and not isinstance(call.mask, Tensor):
            got = f"a {type(call.mask).__name__}, which {type(call.module).__name__} was handed"
            remedy = 'Load the model with attn_implementation="sdpa" to see its maps.'
            raise fail("a mask that is a tensor", got, remedy, NotAvailable)
        if call.mask is not None and call.mask.ndim == 4:
            mask = call.mask[..., :n_key]
            if mask.dtype == torch.bool:
                return torch.where(mask, 0.0, lowest)
            return torch.where(mask > torch.finfo(mask.dtype).min / 2, mask.float(), lowest)
        causal = call.kwargs.get("is_causal")
        if not (getattr(call.module, "is_causal", True) if causal is None else causal):
            return None
        distance = torch.arange(n_key - n_query, n_key)[:, None] - torch.arange(n_key)[None]
        allowed = (distance >= 0) & (distance < (call.kwargs.get("sliding_window") or math.inf))
        return torch.where(allowed, 0.0, lowest)[None, None].to(call.query.device)


class _AsIf:
    """An attention module as the family's eager function would see it if it had only the heads in question."""

    training = False

    def __init__(self, module: nn.Module, n_heads: int, one: slice, single: bool):
        self._module = module
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim == 1 and parameter.shape[0] == n_heads:
                setattr(self, name, parameter[one].float())
        if single:
            self.num_key_value_groups = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
