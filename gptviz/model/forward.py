"""Computes, from a recorded pass, everything that is not attention: embeddings, MLPs, the logit lens, the readout.

Each is computed from held inputs and the modules they went through, without running a block again; in an edited pass the
edits act again. Returns torch tensors; `trace.py` turns them into NumPy arrays.
"""

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.anatomy import run_chain
from gptviz.model.attention_of_pass import AttentionOfPass
from gptviz.model.capture import hooked
from gptviz.model.readout import frozen
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
            )
        if not self.anatomy.embedding_adds_up:
            raise fail(
                "an embedding that is the sum of a token's and a position's row",
                f"{self.family}, where the two do not sum to what enters block 0",
                "`trace.embedding('sum')` is exact; its parts are not shown.",
                NotAvailable,
            )
        with self.guarding_weights():
            if kind == "token":
                return self.anatomy.token_embedding(self.ids)[0]
            args, kwargs = self.position_inputs
            return table(*args, **kwargs).reshape(-1, self.d_model)

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
        """Returns what enters attention, after the norm before it: (T, d_model)."""
        self.parts(layer, "What enters attention")
        chain = self.anatomy.layers[layer].before_attention
        if chain is None:
            raise self._unknown_input(layer, "attention")
        with self.guarding_weights():
            return run_chain(chain, self.held("residual", layer)).reshape(-1, self.d_model)

    def attention_out(self, layer: int) -> Tensor:
        """Returns what attention adds to the stream: (T, d_model)."""
        part, _ = self.parts(layer, "Attention and MLP")
        out = self.held("attention_out", layer).reshape(-1, self.d_model)
        return out if part.scale == 1.0 else out * part.scale

    def mlp_in(self, layer: int) -> Tensor:
        """Returns what enters the MLP, after the norm before it: (T, d_model)."""
        self.parts(layer, "What enters the MLP")
        entering = self.held("mlp_in", layer)
        if entering.shape[-1] != self.d_model:
            raise self._unknown_input(layer, "MLP")
        return entering.reshape(-1, self.d_model)

    def mlp(self, layer: int) -> tuple[Tensor, Tensor | None]:
        """Returns what the MLP adds to the stream, (T, d_model), and its activations, (T, d_mlp), or None without any."""
        _, part = self.parts(layer, "Attention and MLP")
        down = self.anatomy.layers[layer].down_projection
        activations: list[Tensor] = []
        site = [] if down is None else [(down, "in", activations.append)]
        with self.guarding_weights(), hooked([*self.editing.hooks(), *site]):
            out = run_chain(part.chain, self.held("mlp_in", layer))
        out = out.reshape(-1, self.d_model) * part.scale
        return out, activations[0].reshape(out.shape[0], -1) if activations else None

    def neurons(self, layer: int, position: int) -> Tensor:
        """Returns what each neuron of the MLP adds to the stream at one token, without the bias: (d_mlp, d_model)."""
        rows = self.neuron_rows(layer)
        activations = self.mlp(layer)[1]
        assert activations is not None  # `neuron_rows` has checked that there is a down projection
        return activations[position][:, None].float() * rows

    def neuron_rows(self, layer: int) -> Tensor:
        """Returns what each neuron of the MLP adds to the stream for one unit of activation: (d_mlp, d_model)."""
        _, part = self.parts(layer, "Neurons")
        self.check_not_edited("mlp_out", layer, "MLP output", "`trace.mlp_out`")
        down = self.anatomy.layers[layer].down_projection
        if down is None or len(part.chain) > 1:
            raise fail(
                "an MLP whose down projection adds to the stream as it is",
                f"block {layer} of {self.family}",
                "`trace.mlp_out` has what all neurons add together.",
                NotAvailable,
            )
        with self.guarding_weights():
            matrix = next(down.parameters()).float()
            rows = matrix.T if isinstance(down, nn.Linear) else matrix  # Conv1D stores it transposed
            return rows * part.scale

    def mlp_bias(self, layer: int) -> Tensor:
        """Returns what the down projection's bias adds to the stream at each token: (d_model,)."""
        _, part = self.parts(layer, "Neurons")
        with self.guarding_weights():
            bias = getattr(self.anatomy.layers[layer].down_projection, "bias", None)
            return torch.zeros(self.d_model, dtype=torch.float32) if bias is None else bias.float() * part.scale

    def _unknown_input(self, layer: int, part: str) -> NotAvailable:
        return fail(
            f"a block whose {part} reads the stream through one norm",
            f"block {layer} of {self.family}, where something else lies between the two",
            "What it adds to the stream can be read.",
            NotAvailable,
        )  # type: ignore[return-value]

    # After the last block

    def lens(self, position: int) -> Tensor:
        """Returns the final norm and unembedding of the stream at every depth: (n_layers + 1, vocab)."""
        tail = self.anatomy.tail
        if tail is None:
            raise fail(
                "a model whose logits are a norm and an unembedding of the stream",
                f"{self.family}, where something else lies between them",
                "`trace.logits` is exact; the logit lens is not shown.",
                NotAvailable,
            )
        with self.guarding_weights():
            stream = torch.stack([self.residual(depth)[position] for depth in range(self.n_layers + 1)])[None]
            return tail.last_step(run_chain(tail.chain, stream))[0]

    def readout(self, position: int) -> Readout:
        """Returns how the stream that leaves the last block becomes logits at one token, the norm's scale frozen."""
        with self.guarding_weights():
            head = self.model.get_output_embeddings()  # type: ignore[operator]
            readout = frozen(self.anatomy.tail, head, self.residual(self.n_layers)[position])
        if readout is None:
            raise fail(
                "a model that reads its last stream through one norm and one unembedding",
                f"{self.family}, where something else lies between them",
                "`trace.logits` is exact; what each part contributed to them is not shown.",
                NotAvailable,
            )
        return readout

    def unembedding(self, id: int) -> tuple[Tensor, float]:
        """Returns the unembedding's row for a token, (d_model,), and its bias."""
        with self.guarding_weights():
            head = self.model.get_output_embeddings()  # type: ignore[operator]
            bias = getattr(head, "bias", None)
            return head.weight[id].float(), 0.0 if bias is None else float(bias[id])
