"""Applies edits to an encoder-decoder: each acts in its own stack, and all act in one pass."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import nn

from gptviz.intervention.edits import Edit
from gptviz.model.changes import Block
from gptviz.model.editing import Editing, RowsEdit, acting, check_edit
from gptviz.model.study_stacks import Stacks


class Lengths(NamedTuple):
    """How many tokens the encoder and the decoder read."""

    source: int
    target: int

    def of(self, stack: str) -> tuple[int, int | None]:
        """Returns the number of a stack's queries, and of the keys that each of them sees; None for those before it."""
        return (self.source if stack == "encoder" else self.target, None if stack == "decoder" else self.source)


class StackEditing:
    """Edits that were checked against one encoder-decoder and are ready for its passes; see `Editing`.

    of: the edits of each stack. edits: all of them, in order.
    """

    def __init__(
        self, model: nn.Module, stacks: Stacks, edits: Iterable[RowsEdit], lengths: Lengths, source_rows: int = 1
    ):
        """source_rows: how many rows the batch has that the encoder reads."""
        self._model, self._stacks, self._source_rows = model, stacks, source_rows
        rows_edits = tuple(edits)
        self.edits = tuple(edit for _, edit in rows_edits)
        self.of: Mapping[str, Editing] = {
            stack: Editing(
                model,
                anatomy,
                [each for each in rows_edits if each[1].stack == stack],
                *lengths.of(stack),
                stack,
            )
            for stack, anatomy in stacks._asdict().items()
        }

    def acting(self, rows: int = 1, start: int = 0) -> Block[None]:
        """Applies the edits to every pass inside the block; see `Editing.acting`. The encoder reads its source as a whole."""
        hooks = self.of["encoder"].hooks(self._source_rows)
        heads = self.of["encoder"].heads()
        for stack in ("decoder", "cross"):
            hooks += self.of[stack].hooks(rows, start)
            heads |= self.of[stack].heads(start)
        return acting(self._model, self._stacks.decoder, bool(self.edits), hooks, heads)


def check_edit_of_stack(edit: Edit, model: nn.Module, stacks: Stacks, lengths: Lengths) -> None:
    """Raises an error if the edit does not fit its stack or the texts."""
    check_edit(edit, model, getattr(stacks, edit.stack), *lengths.of(edit.stack), edit.stack)
