"""Saves a trace to a safetensors file; `file_format.py` describes the file, `opening.py` opens it."""

import base64
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, fail
from gptviz.files import check_target, write_file
from gptviz.text.tokens import Token
from gptviz.trace import file_format
from gptviz.trace.available import available
from gptviz.trace.savable import SavableTrace
from gptviz.trace.sources import EMBEDDINGS


def save(
    trace: SavableTrace,
    path: str | os.PathLike[str],
    layers: Iterable[int] | None,
    neurons: bool,
    others: "Mapping[str, SavableTrace] | None" = None,
) -> Path:
    """Saves a trace to one file; see `Trace.save`. others: the encoder and the cross attention of an encoder-decoder."""
    target, stacks = check_target(path), [trace, *(others or {}).values()]
    most = max(stack.n_layers for stack in stacks)
    chosen = {check_index(layer, most, "layer") for layer in (range(most) if layers is None else layers)}
    kept = [sorted(layer for layer in chosen if layer < stack.n_layers) for stack in stacks]
    _check_size(list(zip(stacks, kept, strict=True)), neurons)
    contents = _Contents(trace, kept[0], neurons)
    metadata, tensors = contents.metadata(), contents.tensors
    for (name, stack), layers_of_stack in zip((others or {}).items(), kept[1:], strict=True):
        part = _StackContents(stack, layers_of_stack, neurons)
        metadata.setdefault("stacks", {})[name] = part.metadata()
        tensors |= {f"{name}.{of_stack}": tensor for of_stack, tensor in part.tensors.items()}
    if others:
        metadata["version"] = file_format.WITH_STACKS
    texts = {file_format.METADATA: json.dumps(metadata, ensure_ascii=False)}
    # save_file writes an array's memory as it is and ignores its strides.
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}

    def write(file: Path) -> None:
        try:
            save_file(tensors, file, texts)
        except SafetensorError as error:  # it wraps the system's error
            raise OSError(str(error)) from error

    return write_file(target, write)


def _check_size(stacks: Sequence[tuple[SavableTrace, Sequence[int]]], neurons: bool) -> None:
    """Raises GPTVizError if the file would be too large, from an estimate that computes next to nothing.

    stacks: each with the layers whose attention is saved; the first one has the logits.
    """
    trace, tokens, down_projections = stacks[0][0], len(stacks[0][0].tokens), 0
    count = (tokens + trace.n_layers) * trace.vocab_size
    for stack, layers in stacks:
        queries, keys = len(stack.tokens), len(stack.key_tokens)
        heads, longer = sum(stack.heads_in(layer) for layer in layers), max(queries, keys)
        count += heads * (4 * queries * keys + longer * (2 * stack.d_model + 3 * stack.d_head))
        count += 8 * stack.n_layers * queries * stack.d_model
        if neurons and stack.has_stream:
            down_projections += len(layers) * _neuron_count(stack, layers) * stack.d_model
    size = 4 * (count + down_projections)
    if size > file_format.MAX_BYTES:
        remedy = f"Name fewer layers, such as layers=[0, {trace.n_layers - 1}], or trace a shorter text."
        if 4 * down_projections > size / 8:
            remedy = f"Leave the neurons out, neurons=False. {remedy}"
        limit = f"at most {file_format.MAX_BYTES / 1e9:g} GB"
        raise fail(limit, f"about {size / 1e9:.1f} GB for {tokens} tokens", remedy)


def _neuron_count(trace: SavableTrace, layers: Sequence[int]) -> int:
    """Returns the number of neurons of the first MLP whose activations are available, or 0 without one."""
    try:
        return next((int(activations.shape[1]) for _, activations in available(trace.mlp_activations, layers)), 0)
    except NotAvailable:
        return 0


class _StackContents:
    """The tensors and the metadata of one stack, collected from its trace.

    tensors: by name. refused: for each name whose quantity is not available, the parts of the error.
    """

    def __init__(self, trace: SavableTrace, kept: Sequence[int], neurons: bool):
        self.trace, self.kept, self.neurons = trace, kept, neurons
        self.tensors: dict[str, np.ndarray] = {}
        self.refused: dict[str, list[Any]] = {}
        for layer in range(trace.n_layers):
            for name in ("attn_in", "attn_out"):
                self._collect(f"{name}.{layer}", getattr(trace, name), layer)
        if trace.has_stream:
            self._collect_stream()
        for layer in kept:
            self._collect_attention(layer)
            if neurons and trace.has_stream:
                self._collect_neurons(layer)

    def _collect(self, name: str, compute: Callable[..., Any], *arguments: Any) -> Any:
        """Returns the value, kept under `name` if it is an array; None if it is not available, with the reason kept."""
        try:
            value = compute(*arguments)
        except NotAvailable as error:
            self.refused[name] = [error.expected, error.got, error.remedy, error.code, error.facts]
            return None
        if isinstance(value, np.ndarray):
            self.tensors[name] = value
        return value

    def _collect_stream(self) -> None:
        trace = self.trace
        for kind in EMBEDDINGS:
            self._collect(f"embedding.{kind}", trace.embedding, kind)
        for depth in range(trace.n_layers + 1):
            self._collect(f"residual.{depth}", trace.residual, depth)
        for layer in range(trace.n_layers):
            for name in ("mlp_out", "mlp_activations", "mlp_in"):
                self._collect(f"{name}.{layer}", getattr(trace, name), layer)
            parallel = self._collect(f"parallel.{layer}", trace.is_parallel, layer)
            if parallel is not None:
                self.tensors[f"parallel.{layer}"] = np.array([parallel], np.uint8)
        unrotated = self._collect("unrotated", trace.unrotated)
        if unrotated is not None:
            self.tensors |= {"unrotated.query": unrotated[0], "unrotated.key": unrotated[1]}

    def _collect_attention(self, layer: int) -> None:
        trace = self.trace
        heads = range(trace.heads_in(layer) or 1)  # without attention, head 0 says why it is not available
        for name in ("q", "k", "v", "attention", "head_bias"):
            self._collect(f"{name}.{layer}", getattr(trace, name), layer)
        outputs = [self._collect(f"head_output.{layer}", trace.head_output, layer, head) for head in heads]
        if outputs[0] is not None:
            self.tensors[f"head_output.{layer}"] = np.stack(outputs)
        contributions = self._collect(f"contributions.{layer}", trace.contributions, layer)
        if contributions is not None:  # without its weights, which are the attention map in a pass without edits
            self.tensors[f"head_value.{layer}"], self.tensors[f"head_gain.{layer}"] = (
                contributions.values,
                contributions.gain,
            )
        stages = [self._collect(f"stages.{layer}", trace.score_stages, layer, head) for head in heads]
        if stages[0] is not None:
            for name in stages[0]:
                self.tensors[f"stage.{layer}.{name}"] = np.stack([of_head[name] for of_head in stages])
        sinks = [self._collect(f"sink.{layer}", trace.sink, layer, head) for head in heads]
        if f"sink.{layer}" not in self.refused:
            self.tensors[f"sink.{layer}"] = np.array([np.nan if sink is None else sink for sink in sinks])

    def _collect_neurons(self, layer: int) -> None:
        # A neuron's row is kept once, not its product with every token's activation.
        if self._collect(f"neurons.{layer}", self.trace.neurons, layer) is not None:
            self.tensors[f"neurons.{layer}"] = self.trace.neuron_rows(layer)
        self._collect(f"mlp_bias.{layer}", self.trace.mlp_bias, layer)

    def metadata(self) -> dict[str, Any]:
        """Returns what the file holds of the stack besides tensors, as JSON-ready values."""
        trace = self.trace
        return {
            "text": trace.text,
            "tokens": [_token_row(token) for token in trace.tokens],
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "heads_in": [trace.heads_in(layer) for layer in range(trace.n_layers)],
            "d_model": trace.d_model,
            "d_head": trace.d_head,
            "route": trace.route,
            "kept": list(self.kept),
            "neurons": self.neurons,
            "merges": self._merges(),
            "refused": self.refused,
        }

    def _merges(self) -> dict[str, Any]:
        """Returns the merges of each token's word, by position, if they are available."""
        merges: dict[str, Any] = {}
        for token in self.trace.tokens if self.trace.has_stream else ():
            if token.id < 0:
                continue  # a frame of a sound
            stages = self._collect(f"merges.{token.position}", self.trace.merges, token.position)
            if stages is not None:
                merges[str(token.position)] = [
                    [stage.rank, list(stage.pieces), [raw.hex() for raw in stage.raw]] for stage in stages
                ]
        return merges


class _Contents(_StackContents):
    """The same for the stack that predicts the next token, with what it predicts and what is kept of the model."""

    def __init__(self, trace: SavableTrace, kept: Sequence[int], neurons: bool):
        super().__init__(trace, kept, neurons)
        self.readout: dict[str, Any] | None = None
        self.roles: list[str] = []
        self._collect("logits", lambda: trace.logits)
        self._collect_lenses()
        self._collect_readouts()
        self._collect_model()

    def _collect_lenses(self) -> None:
        """Collects the logit lenses of as many of the last tokens as there is room for."""
        last, tokens = self._collect("lens", self.trace.logit_lens), len(self.trace.tokens)
        if last is not None:
            count = max(1, min(tokens, file_format.LENS_BYTES // last.nbytes))
            positions = range(tokens - count, tokens)
            self.tensors["lens"] = np.stack([self.trace.logit_lens(position) for position in positions])

    def _collect_readouts(self) -> None:
        """Collects the final norm at every token, and the unembedding's rows of the tokens that views ask about."""
        trace, positions = self.trace, range(len(self.trace.tokens))
        ids = {token.id for token in trace.tokens}
        for position in positions:
            ids |= {token.id for token, _ in trace.top(file_format.LEADERS, position)}
        readouts = [self._collect("readout", trace.readout, position) for position in positions]
        rows = [self._collect("readout", trace.unembedding, id) for id in sorted(ids)]
        if "readout" in self.refused:
            return
        self.tensors["gain"] = np.stack([readout.gain for readout in readouts])
        self.tensors["offset"] = np.stack([readout.offset for readout in readouts])
        self.readout = {
            "centred": [readout.centred for readout in readouts],
            "multiplier": readouts[0].multiplier,
            "cap": readouts[0].cap,
        }
        self.tensors["rows"] = np.stack([row for row, _ in rows])
        self.tensors["row_ids"] = np.array(sorted(ids), np.int64)
        self.tensors["row_biases"] = np.array([bias for _, bias in rows])

    def _collect_model(self) -> None:
        trace = self.trace
        plane = self._collect("plane", trace.token_plane)
        if plane is not None:
            self.tensors |= {"plane": plane[0], "plane_shares": plane[1]}
        scores = self._collect("roles", trace.role_scores) or {}
        self.roles = list(scores)
        self.tensors |= {file_format.ROLE + role: scores[role] for role in scores}
        vocabulary = [trace.vocab_token(id) for id in range(trace.vocab_size)]
        self.tensors["vocabulary"] = np.frombuffer(b"".join(token.bytes for token in vocabulary), np.uint8)
        self.tensors["vocabulary_ends"] = np.cumsum([len(token.bytes) for token in vocabulary], dtype=np.int64)
        self.tensors["vocabulary_special"] = np.array([token.special for token in vocabulary], np.uint8)

    def metadata(self) -> dict[str, Any]:
        """Returns what the file holds besides tensors, as JSON-ready values."""
        trace = self.trace
        ids = sorted({token.id for token in trace.tokens})
        return {
            "version": file_format.VERSION,
            "model": trace.model_name,
            "readout": self.readout,
            "roles": self.roles,
            "nearest": {
                str(id): [[token.id, cosine] for token, cosine in trace.nearest(id, file_format.NEIGHBOURS)]
                for id in ids
            },
            **super().metadata(),
        }


def _token_row(token: Token) -> list[Any]:
    row = [token.id, base64.b64encode(token.bytes).decode(), token.special]
    return row if token.role is None else [*row, token.role]
