"""Computes, from a recorded pass, everything that is not attention: embeddings, MLPs, the logit lens, the readout.

Each is computed from held inputs and the modules they went through, without running a block again; in an edited pass the
edits act again. What does not agree with the numbers of the pass is refused; see `confirming.py`. Returns torch tensors;
`trace.py` turns them into NumPy arrays.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gptviz.errors import ModelChanged, NotAvailable, fail
from gptviz.model.anatomy import run_chain
from gptviz.model.attention_of_pass import AttentionOfPass
from gptviz.model.capture import hooked
from gptviz.model.confirming import agree
from gptviz.model.linear_maps import LinearMap
from gptviz.model.readout import final_norm, frozen
from gptviz.model.recorded_pass import RecordedPass
from gptviz.trace.sources import Readout


class ForwardPass(RecordedPass):
    """One pass over one text, with everything that it computed. A `PassSource`."""

    @property
    def attention(self) -> AttentionOfPass:
        """What attention did. Created on each access, because a reference cycle would delay freeing the pass."""
        return AttentionOfPass(self)

    # Before the first block

    def embedding(self, kind: str) -> Tensor:
        """Returns what enters block 0 ("sum"), or its "token" or "position" part: (T, d_model)."""
        table = self.anatomy.position_embedding
        if kind == "sum" or (kind == "token" and table is None):
            return self.residual_before_edits(0)
        if table is None:
            how = "rotating queries and keys" if self.anatomy.rotary else "what attention does with distance"
            raise fail(
                "a family that adds position embeddings to its token embeddings",
                f"{self.family}, where positions enter inside attention, by {how}",
                "`trace.embedding('sum')` is all that enters block 0.",
                NotAvailable,
                code="no_position_part",
                family=self.family,
                rotary=self.anatomy.rotary,
            )
        if self.anatomy.embedding_adds_up:
            with (guard := self.guarding_weights()), guard:
                args, kwargs = self.position_inputs
                token: Tensor = self.anatomy.token_embedding(self.ids)[0]  # type: ignore[misc]
                position: Tensor = table(*args, **kwargs).reshape(-1, self.d_model)
            if agree(token.float() + position.float(), self.residual_before_edits(0), token, position):
                return token if kind == "token" else position
        raise fail(
            "an embedding that is the sum of a token's and a position's row",
            f"{self.family}, where the two do not sum to what enters block 0",
            "`trace.embedding('sum')` is exact; its parts are not shown.",
            NotAvailable,
            code="no_embedding_parts",
            family=self.family,
        )

    # What the parts of a block read and add

    def edit_out(self, depth: int) -> Tensor:
        """Returns what edits of the stream added where it enters block `depth`, or leaves the last: (T, d_model)."""
        after = self.residual(depth)
        if not self.editing.touches("residual", depth):
            return torch.zeros_like(after)
        return after - self.residual_before_edits(depth)

    def is_parallel(self, layer: int) -> bool:
        """Returns whether the MLP reads what enters the block, beside attention and not after it."""
        self.parts(layer, "The inputs of attention and MLP")
        return self.anatomy.layers[layer].parallel

    def attention_in(self, layer: int) -> Tensor:
        """Returns what enters attention, after the norm before it: (T, d_model).

        It is computed again from the stream, or was held if a hook of the user's own may change it.
        """
        self.parts(layer, "What enters attention")
        chain = self.anatomy.layers[layer].before_attention
        if chain is None:
            raise self._unknown_input(layer, "attention")
        if self.holds("attention_in", layer):
            return self.held("attention_in", layer).reshape(-1, self.d_model)
        with (guard := self.guarding_weights()), guard:
            if not self.enters_attention_as_then(layer):
                raise fail(
                    "a norm before attention with the settings and hooks that it had in this pass",
                    f"others in block {layer} of {self.family}",
                    "What enters attention cannot be computed again: trace again.",
                    ModelChanged,
                )
            return run_chain(chain, self.held("residual", layer)).reshape(-1, self.d_model)

    def attention_out(self, layer: int) -> Tensor:
        """Returns what attention adds to the stream: (T, d_model)."""
        self._confirm_sum(layer)
        return self._attention_added(layer)

    def _attention_added(self, layer: int) -> Tensor:
        part, _ = self.parts(layer, "Attention and MLP")
        out = self.held("attention_out", layer).reshape(-1, self.d_model)
        return out if part.scale == 1.0 else out * part.scale

    def _other_added(self, layer: int) -> list[Tensor]:
        """Returns what the second attention of a block adds to the stream, (T, d_model), in a list; [] if it has one only."""
        part = self.anatomy.layers[layer].other_part
        return [] if part is None else [self.held("other_out", layer).reshape(-1, self.d_model) * part.scale]

    def mlp_in(self, layer: int) -> Tensor:
        """Returns what enters the MLP, after the norm before it: (T, d_model)."""
        self.parts(layer, "What enters the MLP")
        entering = self.held("mlp_in", layer)
        if entering.shape[-1] != self.d_model:
            raise self._unknown_input(layer, "MLP")
        return entering.reshape(-1, self.d_model)

    def mlp(self, layer: int) -> tuple[Tensor, Tensor | None]:
        """Returns what the MLP adds to the stream, (T, d_model), and its activations, (T, d_mlp), or None without any."""
        out, activations = self._run_mlp(layer)
        self._confirm_sum(layer, out)
        return out, activations

    def _run_mlp(self, layer: int) -> tuple[Tensor, Tensor | None]:
        """Runs the MLP on what entered it. An output that was held counts; then activations are known if they lead to it."""
        _, part = self.parts(layer, "Attention and MLP")
        down = self.anatomy.layers[layer].down_projection
        activations: list[Tensor] = []
        site = [] if down is None else [(down, "in", activations.append)]
        with (guard := self.guarding_weights()), guard, hooked([*self.editing.hooks(), *site]):
            out: Tensor = run_chain(part.chain, self.held("mlp_in", layer)).reshape(-1, self.d_model)
        if self.holds("mlp_out", layer):
            computed, out = out, self.held("mlp_out", layer).reshape(-1, self.d_model)
            activations = activations if agree(computed, out) else []
        return out * part.scale, activations[0].reshape(out.shape[0], -1) if activations else None

    def _confirm_sum(self, layer: int, mlp_out: Tensor | None = None) -> None:
        """Raises NotAvailable unless stream in + attention + MLP is stream out. mlp_out: what the MLP adds, if known."""

        def adds_up() -> bool:
            before, after = self.residual(layer), self.stream_after(layer)
            attention, mlp = self._attention_added(layer), self._run_mlp(layer)[0] if mlp_out is None else mlp_out
            parts = [attention, *self._other_added(layer), mlp]
            return agree(sum((part.float() for part in parts), before.float()), after, before, *parts)

        self.parts(layer, "Attention and MLP")
        if not self.confirmations.result(("sum", layer), [self.anatomy.layers[layer].block], adds_up):
            raise fail(
                "a block whose attention and MLP sum to what it added to the stream in this pass",
                f"block {layer} of {self.family}, where they do not",
                "A hook adds something more, or a part has been switched since: `trace.residual` can be read.",
                NotAvailable,
                code="no_parts",
                layer=layer,
                family=self.family,
            )

    def neurons(self, layer: int, position: int) -> Tensor:
        """Returns what each neuron of the MLP adds to the stream at one token, without the bias: (d_mlp, d_model)."""
        rows = self.neuron_rows(layer)
        activations = self.mlp(layer)[1]
        if activations is None:  # a hook may do something else at each call
            raise self._no_neurons(layer)
        return activations[position][:, None].float() * rows

    def neuron_rows(self, layer: int) -> Tensor:
        """Returns what each neuron of the MLP adds to the stream for one unit of activation: (d_mlp, d_model)."""
        down = self._down_projection(layer)
        with (guard := self.guarding_weights()), guard:
            return down.matrix * self.parts(layer, "Neurons")[1].scale

    def mlp_bias(self, layer: int) -> Tensor:
        """Returns what the down projection's bias adds to the stream at each token: (d_model,)."""
        down = self._down_projection(layer)
        with (guard := self.guarding_weights()), guard:
            return down.offset * self.parts(layer, "Neurons")[1].scale

    def _down_projection(self, layer: int) -> LinearMap:
        """Returns the down projection; raises NotAvailable unless neurons and bias sum to what the MLP added."""
        _, part = self.parts(layer, "Neurons")
        self.check_not_edited("mlp_out", layer, "MLP output", "`trace.mlp_out`")
        down = self.anatomy.layers[layer].down_projection

        def confirmed_map() -> LinearMap | None:
            out, activations = self.mlp(layer)
            if down is None or activations is None:
                return None
            with (guard := self.guarding_weights()), guard:
                linear = LinearMap(down, activations.shape[-1], activations.new_empty(0))
                matrix, x = linear.matrix, activations.float()
                added, largest = x @ matrix + linear.offset, x.abs() @ matrix.abs()
            return (
                linear if agree(added * part.scale, out, largest * part.scale, linear.offset.expand_as(out)) else None
            )

        name, block = ("neurons", layer), self.anatomy.layers[layer].block
        linear: LinearMap | None = self.confirmations.result(name, [block], confirmed_map)
        if linear is None:
            raise self._no_neurons(layer)
        return linear

    def _no_neurons(self, layer: int) -> NotAvailable:
        return fail(
            "an MLP whose neurons and bias sum to what it adds to the stream",
            f"block {layer} of {self.family}",
            "`trace.mlp_out` has what all neurons add together.",
            NotAvailable,
            code="no_neurons",
            layer=layer,
            family=self.family,
        )  # type: ignore[return-value]

    def _unknown_input(self, layer: int, part: str) -> NotAvailable:
        return fail(
            f"a block whose {part} reads the stream through one norm",
            f"block {layer} of {self.family}, where something else lies between the two",
            "What it adds to the stream can be read.",
            NotAvailable,
            code="no_input",
            layer=layer,
            family=self.family,
            part=part,
        )  # type: ignore[return-value]

    # After the last block

    def lens(self, positions: Sequence[int]) -> Tensor:
        """Returns the final norm and unembedding of the stream at every depth: (positions, n_layers + 1, vocab)."""
        tail = self.anatomy.tail
        if tail is not None:
            with (guard := self.guarding_weights()), guard:
                depths = [self.residual(depth)[positions] for depth in range(self.n_layers + 1)]
                scores: Tensor = run_chain(tail.chain, torch.stack(depths, 1))
                lens = tail.last_step(scores)
            if agree(lens[:, -1], self.logits[positions], scores[:, -1]):
                return lens
        raise fail(
            "a model whose logits are a norm and an unembedding of the stream",
            f"{self.family}, where something else lies between them",
            "`trace.logits` is exact; the logit lens is not shown.",
            NotAvailable,
            code="no_readout",
            family=self.family,
        )

    def readout(self, position: int) -> Readout:
        """Returns how the stream that leaves the last block becomes logits at one token, the norm's scale frozen."""
        with (guard := self.guarding_weights()), guard:
            head = self.model.get_output_embeddings()  # type: ignore[operator]
            readout = frozen(self.anatomy.tail, head, self.residual(self.n_layers)[position])
        if readout is None:
            raise self._no_readout()
        return readout

    def unembedding(self, id: int) -> tuple[Tensor, float]:
        """Returns the unembedding's row for a token, (d_model,), and its bias.

        Raises NotAvailable unless the row times the normed stream, and the bias, are the logits of that token.
        """
        tail, head = self.anatomy.tail, self.model.get_output_embeddings()  # type: ignore[operator]

        def unembedding() -> tuple[LinearMap, Tensor] | None:
            normed = final_norm(tail, head, self.residual(self.n_layers))
            return None if normed is None else (LinearMap(head, normed.shape[-1], normed.new_empty(0)), normed.float())

        with (guard := self.guarding_weights()), guard:
            modules = [] if tail is None else tail.chain
            known: tuple[LinearMap, Tensor] | None = self.confirmations.result("unembedding", modules, unembedding)
            if known is None:
                raise self._no_readout()
            (linear, normed), logits = known, self.logits[:, id : id + 1]
            row, bias = linear.column(id), linear.offset[id]
            scores, largest = (normed @ row + bias)[:, None], (normed.abs() @ row.abs() + bias.abs())[:, None]
            last_step = tail.last_step(scores, slice(id, id + 1))  # type: ignore[union-attr]
            if not agree(last_step, logits, largest * tail.multiplier):  # type: ignore[union-attr]
                raise self._no_readout()
            after_head = tail.bias()  # type: ignore[union-attr]
            return row, float(bias if after_head is None else bias + after_head[id])

    def _no_readout(self) -> NotAvailable:
        return fail(
            "a model that reads its last stream through one norm and one unembedding",
            f"{self.family}, where something else lies between them",
            "`trace.logits` is exact; what each part contributed to them is not shown.",
            NotAvailable,
            code="no_readout",
            family=self.family,
        )  # type: ignore[return-value]
