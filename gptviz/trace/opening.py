"""Opens a saved trace without its model; `file_format.py` describes the file, `saving.py` writes it.

Needs NumPy only, neither torch nor transformers, and runs nothing that is in the file. `SavedPass` and `SavedModel` answer
in place of the pass and the model; what the file does not hold raises NotAvailable.
"""

import base64
import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, OutOfRange, WrongType, fail
from gptviz.files import check_path, shortened
from gptviz.text.merges import Merge
from gptviz.text.tokens import Token, guessed_bytes, token_of_bytes
from gptviz.trace.file_check import wrong_entry
from gptviz.trace.file_format import METADATA, NEIGHBOURS, ROLE, STAGES, VERSION, WITH_STACKS
from gptviz.trace.sequence import SequenceTrace
from gptviz.trace.sources import Array, PassEdit, Readout
from gptviz.trace.trace import Trace


def open_trace(path: str | os.PathLike[str]) -> Trace:
    """Opens a trace that `Trace.save` wrote: the same numbers to the bit, without the model.

    Generating text and tracing another text need the model; they raise NotAvailable, and so does every number that the
    file does not hold. Raises WrongType if the file is not a saved trace.
    """
    file = TraceFile(*_read_file(path))
    model, target = SavedModel(file), _tokens_and_text(file)
    if model.decoder_only:
        return Trace(model, SavedPass(file), *target)
    encoder, cross = file.stack("encoder"), file.stack("cross")
    sources = SavedStack(encoder), SavedPass(file), SavedStack(cross)
    return SequenceTrace(model, sources, _tokens_and_text(encoder), target)


def _read_file(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """Returns an open safetensors file and its metadata; raises WrongType if it is not a saved trace."""
    source, expected = check_path(path), "a file that trace.save has written"
    if not os.path.isfile(source):  # Path.is_file raises an error for a name that is too long
        got = f"{shortened(source)}, which {'is a folder' if os.path.isdir(source) else 'does not exist'}"
        raise fail(expected, got, "Check the path.", WrongType)
    try:
        file: Any = safe_open(str(source), framework="numpy")
        metadata = json.loads((file.metadata() or {})[METADATA])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        got = f"{source.name}, which is another kind of file"
        raise fail(expected, got, "Write one with trace.save(path).", WrongType) from error
    if isinstance(metadata, dict) and metadata.get("version") not in (VERSION, WITH_STACKS):
        got = f"format version {metadata.get('version')!r:.20}"
        remedy = "Save it again with this version of gptviz."
        raise fail(f"a trace in format version {VERSION} or {WITH_STACKS}", got, remedy, WrongType)
    shapes = {name: tuple(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
    if (wrong := wrong_entry(metadata, shapes)) is not None:
        got = f"{source.name}, in which {wrong!r:.60} is missing or wrong"
        raise fail(expected, got, "Save the trace again.", WrongType)
    return file, metadata


def _tokens_and_text(file: "TraceFile") -> tuple[tuple[Token, ...], str]:
    tokens = (
        token_of_bytes(id, base64.b64decode(text), position, special, *role)
        for position, (id, text, special, *role) in enumerate(file.metadata["tokens"])
    )
    return tuple(tokens), file.metadata["text"]


class TraceFile:
    """The tensors and the metadata of a saved trace, or of one of its stacks. Tensors are read when they are asked for.

    names: of the tensors; those of another stack than the decoder's have a prefix in the file, which they lack here.
    """

    def __init__(self, file: Any, metadata: dict[str, Any], prefix: str = ""):
        self._file, self.metadata, self._prefix = file, metadata, prefix
        self.names = frozenset(name.removeprefix(prefix) for name in file.keys() if name.startswith(prefix))  # noqa: SIM118

    def stack(self, name: str) -> "TraceFile":
        """Returns what the file holds of the encoder or of cross attention."""
        return TraceFile(self._file, self.metadata["stacks"][name], f"{name}.")

    def array(self, name: str, refused_as: str | None = None) -> Array:
        """Returns a tensor, read-only. refused_as: the name under which its refusal was saved, if that is another.

        Raises NotAvailable if the file does not hold it: with the reason of the model's family, or because it was left
        out when the trace was saved.
        """
        if name not in self.names:
            raise self.missing(name, refused_as)
        try:
            array: Array = self._file.get_tensor(self._prefix + name)
        except (SafetensorError, TypeError) as error:
            raise fail(f"numbers that NumPy can read as {name}", f"{error}", "Save the trace again.") from error
        array.flags.writeable = False
        return array

    def missing(self, name: str, refused_as: str | None = None) -> NotAvailable:
        """Returns the error to raise for a quantity that the file does not hold."""
        parts = self.metadata["refused"].get(refused_as or name)
        if parts is not None:
            expected, got, remedy, *rest = parts
            code, facts = rest or ("", {})
            return fail(expected, got, remedy, NotAvailable, code, **facts)  # type: ignore[return-value]
        layers, neurons = ", ".join(map(str, self.metadata["kept"])) or "none", self.metadata["neurons"]
        remedy = (
            f"It has the attention {'and neurons ' if neurons else ''}of layers {layers}; save the trace again with more "
            f"of them{'' if neurons else ', or with neurons=True'}."
        )
        got = f"{name}, which it does not hold"
        facts = {"name": name, "layers": self.metadata["kept"], "neurons": neurons}
        expected = "a number that this file of a trace holds"
        return fail(expected, got, remedy, NotAvailable, "not_in_file", **facts)  # type: ignore[return-value]


class SavedAttention:
    """Reads what attention computed; an `AttentionSource`, where each method is described."""

    def __init__(self, file: TraceFile):
        self._file = file

    def queries(self, layer: int) -> Array:
        return self._file.array(f"q.{layer}")

    def keys(self, layer: int) -> Array:
        return self._file.array(f"k.{layer}")

    def values(self, layer: int) -> Array:
        return self._file.array(f"v.{layer}")

    def unrotated(self) -> tuple[Array, Array]:
        return tuple(self._file.array(f"unrotated.{part}", "unrotated") for part in ("query", "key"))  # type: ignore[return-value]

    def weights(self, layer: int, head: int | None = None) -> Array:
        weights = self._file.array(f"attention.{layer}")
        return weights if head is None else weights[head : head + 1]

    def stages(self, layer: int, head: int) -> dict[str, Array]:
        names = [name for name in STAGES if f"stage.{layer}.{name}" in self._file.names]
        if not names:
            raise self._file.missing(f"stages.{layer}")
        return {name: self._file.array(f"stage.{layer}.{name}")[head] for name in names}

    def sink(self, layer: int, head: int) -> float | None:
        sink = float(self._file.array(f"sink.{layer}")[head])
        return None if np.isnan(sink) else sink

    def mixed_values(self, layer: int, head: int) -> Array:
        values, weights = self.values(layer), self._file.array(f"attention.{layer}")
        mixed: Array = weights[head] @ values[head * len(values) // len(weights)]
        return mixed

    def head_outputs(self, layer: int, head: int) -> tuple[Array, Array]:
        outputs = self._file.array(f"head_output.{layer}")
        return outputs[head : head + 1], self._file.array(f"head_bias.{layer}")

    def contributions(self, layer: int) -> tuple[Array, Array, Array]:
        refused_as, weights = f"contributions.{layer}", self._file.array(f"attention.{layer}")
        if f"head_value.{layer}" not in self._file.names and refused_as not in self._file.metadata["refused"]:
            raise fail(
                "a file that holds what each head adds to the stream from each key",
                f"one that an earlier gptviz saved, without head_value.{layer} and head_gain.{layer}",
                "Trace the text again with the model, and save that.",
                NotAvailable,
                code="older_file",
            )
        values, gain = (self._file.array(f"head_{name}.{layer}", refused_as) for name in ("value", "gain"))
        return weights, values, gain


class SavedStack:
    """Reads what a stack that predicts nothing computed; a `PassSource` without logits and what leads to them."""

    edits: tuple[PassEdit, ...] = ()  # a trace with edits is not saved

    def __init__(self, file: TraceFile):
        self._file = file
        self.n_layers, self.n_heads = file.metadata["layers"], file.metadata["heads"]
        self.d_model, self.d_head = file.metadata["d_model"], file.metadata["d_head"]
        self.route: str = file.metadata["route"]
        self.attention = SavedAttention(file)
        self._heads: list[int] = file.metadata.get("heads_in", [self.n_heads] * self.n_layers)

    def heads_in(self, layer: int) -> int:
        return self._heads[layer]

    def guarding_weights(self) -> AbstractContextManager[None]:
        """Does nothing: the file holds no weights that could have changed."""
        return nullcontext()

    def check_repeats(self) -> None:
        """Does nothing: no model can run."""

    def embedding(self, kind: str) -> Array:
        return self._file.array(f"embedding.{kind}")

    def residual(self, depth: int) -> Array:
        return self._file.array(f"residual.{depth}")

    def edit_out(self, depth: int) -> Array:
        return np.zeros_like(self.residual(depth))

    def attention_in(self, layer: int) -> Array:
        return self._file.array(f"attn_in.{layer}")

    def attention_out(self, layer: int) -> Array:
        return self._file.array(f"attn_out.{layer}")

    def mlp_in(self, layer: int) -> Array:
        return self._file.array(f"mlp_in.{layer}")

    def mlp(self, layer: int) -> tuple[Array, Array | None]:
        name = f"mlp_activations.{layer}"
        return self._file.array(f"mlp_out.{layer}"), self._file.array(name) if name in self._file.names else None

    def mlp_bias(self, layer: int) -> Array:
        return self._file.array(f"mlp_bias.{layer}")

    def neurons(self, layer: int, position: int) -> Array:
        rows = self.neuron_rows(layer)
        added: Array = self._file.array(f"mlp_activations.{layer}")[position][:, None] * rows
        return added

    def neuron_rows(self, layer: int) -> Array:
        return self._file.array(f"neurons.{layer}")

    def is_parallel(self, layer: int) -> bool:
        return bool(self._file.array(f"parallel.{layer}")[0])


class SavedPass(SavedStack):
    """Reads what a pass computed; a `PassSource`, where each method is described."""

    def __init__(self, file: TraceFile):
        super().__init__(file)
        self.logits = file.array("logits")

    @property
    def nbytes(self) -> int:
        """Bytes of the logits, which are in memory; everything else is read when it is asked for."""
        return int(self.logits.nbytes)

    def lens(self, positions: Sequence[int]) -> Array:
        lenses = self._file.array("lens")
        first, position = len(self.logits) - len(lenses), min(positions)
        if position < first:
            which = "the last token" if len(lenses) == 1 else f"the last {len(lenses)} tokens"
            remedy = f"This file has the logit lens of {which} of the text."
            facts = {"first": first, "position": position}
            raise fail(
                f"a position of at least {first}", f"{position}", remedy, NotAvailable, "no_lens_in_file", **facts
            )
        read: Array = lenses[np.array(positions) - first]
        return read

    def readout(self, position: int) -> Readout:
        gain, offset = (self._file.array(name, "readout")[position] for name in ("gain", "offset"))
        readout = self._file.metadata["readout"]
        return Readout(gain, offset, readout["centred"][position], readout["multiplier"], readout["cap"])

    def unembedding(self, id: int) -> tuple[Array, float]:
        matches = np.flatnonzero(self._file.array("row_ids", "readout") == id)
        if not len(matches):
            got = f"token {id}, whose row of the unembedding the file does not hold"
            expected, remedy = "a likely next token of this saved trace", "Trace the text again."
            raise fail(expected, got, remedy, NotAvailable, "no_row_in_file", id=id)
        index = matches[0]
        return self._file.array("rows")[index], float(self._file.array("row_biases")[index])


class SavedModel:
    """What the file holds of the model: its name, its vocabulary, and what was measured on it. A `ModelSource`."""

    can_run = False

    def __init__(self, file: TraceFile):
        self._file = file
        self.decoder_only = file.metadata["version"] == VERSION
        self.name: str = file.metadata["model"]
        self._bytes = file.array("vocabulary").tobytes()
        self._ends = file.array("vocabulary_ends")
        self._special = file.array("vocabulary_special")
        self.vocab_size = len(self._ends)

    def undefined_weight(self) -> str:
        """Returns "": the file does not hold the weights."""
        return ""

    def token(self, id: int, position: int = -1) -> Token:
        """Returns the token with this id."""
        id = check_index(id, self.vocab_size, "token id")
        start, end = int(self._ends[id - 1]) if id else 0, int(self._ends[id])
        raw = self._bytes[start:end]
        return token_of_bytes(id, raw, position, bool(self._special[id]))

    def merges(self, _text: str, tokens: tuple[Token, ...], position: int) -> list[Merge]:
        """Returns the merges of the word that the token at `position` belongs to, in the target or in the source."""
        is_target = [row[0] for row in self._file.metadata["tokens"]] == [token.id for token in tokens]
        file = self._file if self.decoder_only or is_target else self._file.stack("encoder")
        stages = file.metadata["merges"].get(str(position))
        if stages is None:
            raise file.missing(f"merges.{position}")
        return [_merge(*stage) for stage in stages]

    def nearest(self, id: int, k: int = 10) -> list[tuple[int, float]]:
        """Returns the nearest rows of the token table, for the tokens of the text."""
        neighbours = self._file.metadata["nearest"].get(str(id))
        if neighbours is None or k > len(neighbours):
            got = f"{k} of token {id}"
            raise fail(f"at most {NEIGHBOURS} neighbours of a token of the text", got, "Load the model.", OutOfRange)
        return [(other, cosine) for other, cosine in neighbours[:k]]

    def token_plane(self) -> tuple[Array, Array]:
        """Returns the token table in two dimensions, and the shares of variance."""
        return self._file.array("plane"), self._file.array("plane_shares")

    def role_scores(self) -> dict[str, Array]:
        """Returns the role scores of all heads."""
        if "roles" in self._file.metadata["refused"]:
            raise self._file.missing("roles")
        # Files of gptviz 0.1 do not list the roles.
        roles = self._file.metadata.get("roles") or sorted(
            name.removeprefix(ROLE) for name in self._file.names if name.startswith(ROLE)
        )
        return {role: self._file.array(ROLE + role) for role in roles}


def _merge(rank: int | None, pieces: list[str], raw: list[str] | None = None) -> Merge:
    """Returns one stage of a word's merges. Files of gptviz 0.1 do not have the bytes."""
    read = tuple(map(guessed_bytes, pieces)) if raw is None else tuple(map(bytes.fromhex, raw))
    return Merge(tuple(pieces), rank, read)
