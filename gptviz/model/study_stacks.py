"""Finds the parts of an encoder-decoder: its encoder, its decoder, and the cross attention from the one to the other.

One pass is watched whose source and target have different lengths. So the lengths of queries and keys tell what an
attention module looks at, whatever its name is: an encoder's has the length of the source twice, a decoder's own that of
the target twice, and cross attention has queries of the target and keys of the source.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.model.anatomy import Anatomy
from gptviz.model.capture import running
from gptviz.model.requirements import check_forward
from gptviz.model.structure import Structure
from gptviz.model.studied_pass import StudiedPass, same_numbers, watch
from gptviz.model.study import Calls, anatomy_of, check_attention


class Stacks(NamedTuple):
    """The parts of the three stacks of an encoder-decoder; `cross` has the decoder's blocks, with their second attention."""

    encoder: Anatomy
    decoder: Anatomy
    cross: Anatomy


def reads_sound(model: nn.Module) -> bool:
    """Returns whether the encoder reads features of a sound, and not token ids."""
    return getattr(model, "main_input_name", "input_ids") == "input_features"


def study_stacks(model: nn.Module) -> Stacks:
    """Runs a short source and a target of four tokens through the model and returns where the parts of its stacks are.

    Raises NotAvailable if its attention does not call transformers' AttentionInterface, or if it has other stacks, and
    GPTVizError if it cannot be run or its decoder is not causal.
    """
    source, ids = _example(model)
    with (block := running(model)), block:
        check_forward(model, ids, source)
        studied = watch(model, ids, "interface", source)
        check_attention(studied)
        encoder, decoder, cross = _calls_by_stack(studied, ids.shape[1], source)
        structure = Structure(model)
        read = next(call.query.shape[2] for call in encoder.values() if call)
        table = _token_table(studied, ids)
        return Stacks(
            anatomy_of(
                studied, "interface", encoder, _token_table(studied, source), None, structure, read, causal=False
            ),
            anatomy_of(studied, "interface", decoder, table, cross, structure),
            anatomy_of(studied, "interface", cross, table, decoder, structure, ids.shape[1], causal=False),
        )


def _example(model: nn.Module) -> tuple[Tensor, Tensor]:
    """Returns a source, five token ids (1, 5) or features of a sound (1, bins, frames), and a target of four token ids (1, 4)."""
    table, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight  # type: ignore[operator, union-attr]
    rows = min(len(table), len(head))
    ids = torch.tensor([[rows // 7, rows // 3, rows // 2, rows // 5]], device=table.device)
    if not reads_sound(model):
        return torch.tensor([[len(table) // n for n in (7, 3, 2, 5, 4)]], device=table.device), ids
    config: Any = model.config
    noise = torch.Generator().manual_seed(0)
    return torch.randn(1, config.num_mel_bins, 2 * config.max_source_positions, generator=noise).to(table), ids


def _calls_by_stack(studied: StudiedPass, length: int, source: Tensor) -> tuple[Calls, Calls, Calls]:
    """Returns the calls of the encoder's attention, of the decoder's own and of cross attention. length: of the target."""
    encoder: Calls = {}
    decoder: Calls = {}
    cross: Calls = {}
    source_lengths = set()
    for call in studied.attention_calls:
        queries, keys = call.query.shape[2], call.key.shape[2]
        calls = encoder if queries != length else decoder if keys == length else cross
        calls[id(call.module)] = call
        source_lengths |= {queries, keys} if calls is encoder else {keys} if calls is cross else set()
    has_tokens = source.is_floating_point() or source_lengths == {source.shape[1]}
    if not (encoder and decoder and cross and len(source_lengths) == 1 and has_tokens):
        counts = f"{len(encoder)}, {len(decoder)} and {len(cross)}"
        raise fail(
            "an encoder-decoder whose attention, through transformers' AttentionInterface, looks from source to source, "
            "from target to target, and from target to source",
            f"{type(studied.model).__name__}, with {counts} attention modules that do",
            "gptviz cannot look into this architecture; it can look into T5, BART, Marian, M2M-100 and Pegasus.",
            NotAvailable,
        )
    return encoder, decoder, cross


def _token_table(studied: StudiedPass, ids: Tensor) -> nn.Module | None:
    """Returns the first table that was asked for the rows of these ids; None for a stack that reads no tokens."""
    tables = (call for call in studied.module_calls if isinstance(call.module, nn.Embedding))
    return next((call.module for call in tables if same_numbers(call.input, ids)), None)
