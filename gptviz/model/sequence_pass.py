"""One pass of an encoder-decoder, recorded as the passes of its three stacks.

The model runs once. The decoder's pass runs it and records all of it; the passes of the encoder and of cross attention hold
what went through their own blocks. Each is a `PassSource`, computed from by the same code as a decoder-only model's.
"""

from typing import Any

from torch import Tensor, nn

from gptviz.model.anatomy import Anatomy
from gptviz.model.calling import call_model
from gptviz.model.forward import ForwardPass
from gptviz.model.study_stacks import Stacks


class StackPass(ForwardPass):
    """The pass of another stack than the decoder's. It has no logits of its own."""

    def __init__(self, model: nn.Module, anatomy: Anatomy, ids: Tensor):
        """Prepares the pass, which a `SequencePass` runs. ids: what the stack reads."""
        self._describe(model, anatomy, ids)


class SequencePass(ForwardPass):
    """The decoder's pass over a target, and beside it those of the encoder and of cross attention.

    A block of the decoder adds three things to the stream; `cross.attention_out` is the third.
    """

    def __init__(self, model: nn.Module, stacks: Stacks, source: Tensor, ids: Tensor):
        """Runs a target's ids, (1, T), through the model once. source: what the encoder reads; see `call_model`."""
        self.source = source
        self.encoder, self.cross = StackPass(model, stacks.encoder, source), StackPass(model, stacks.cross, ids)
        self.beside = self.encoder, self.cross
        super().__init__(model, stacks.decoder, ids)

    def _run(self) -> Any:
        return call_model(self.model, self.ids, self.source)
