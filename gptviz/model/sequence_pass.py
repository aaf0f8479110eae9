"""One pass of an encoder-decoder, recorded as the passes of its three stacks.

The model runs once. The decoder's pass runs it and records all of it; the passes of the encoder and of cross attention hold
what went through their own blocks. Each is a `PassSource`, computed from by the same code as a decoder-only model's.
"""

import weakref
from typing import Any

from torch import Tensor, nn

from gptviz.intervention.edits import Edit
from gptviz.model.anatomy import Anatomy
from gptviz.model.calling import call_model
from gptviz.model.editing import Editing
from gptviz.model.editing_stacks import StackEditing
from gptviz.model.forward import ForwardPass
from gptviz.model.study_stacks import Stacks


class StackPass(ForwardPass):
    """The pass of another stack than the decoder's. It has no logits of its own."""

    def __init__(self, model: nn.Module, anatomy: Anatomy, ids: Tensor, editing: Editing):
        """Prepares the pass, which a `SequencePass` runs. ids: what the stack reads."""
        self._describe(model, anatomy, ids, editing)


class CrossPass(StackPass):
    """The pass of cross attention, which is a part of the decoder's blocks.

    What edits change in these blocks is known to the decoder's pass, so that it confirms their sums. A weak reference,
    because a reference cycle would delay freeing the pass.
    """

    def __init__(self, model: nn.Module, anatomy: Anatomy, decoder: "SequencePass", editing: Editing):
        super().__init__(model, anatomy, decoder.ids, editing)
        self._decoder = weakref.ref(decoder)

    def _confirm_sum(self, layer: int, mlp_out: Tensor | None = None) -> None:
        decoder = self._decoder()
        assert decoder is not None  # whoever holds this pass holds the decoder's too
        decoder._confirm_sum(layer)


class SequencePass(ForwardPass):
    """The decoder's pass over a target, and beside it those of the encoder and of cross attention.

    A block of the decoder adds three things to the stream; `cross.attention_out` is the third.
    """

    def __init__(self, model: nn.Module, stacks: Stacks, source: Tensor, ids: Tensor, editing: StackEditing):
        """Runs a target's ids, (1, T), through the model once, with the edits that were prepared for it.

        source: what the encoder reads; see `call_model`.
        """
        self.source, self.ids, self._edits = source, ids, editing.edits
        self.encoder = StackPass(model, stacks.encoder, source, editing.of["encoder"])
        self.cross = CrossPass(model, stacks.cross, self, editing.of["cross"])
        self.beside = self.encoder, self.cross
        super().__init__(model, stacks.decoder, ids, editing.of["decoder"])

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits of this pass in all stacks, in order."""
        return self._edits

    def _run(self) -> Any:
        return call_model(self.model, self.ids, self.source)
