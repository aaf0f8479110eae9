"""A trace in a file: written where the model is, opened where it is not, with the same numbers to the bit.

One safetensors file: what a Trace computes as float32 tensors, and as JSON the tokens, the merges, the neighbours, and
in words what the model's family refused. Opened, a `SavedForward` answers instead of the model; what the file does not
hold is refused in words. NumPy only: neither torch nor transformers is needed to open one, and nothing in it is run.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from gptviz.checks import check_index
from gptviz.errors import NotAvailable, OutOfRange, WrongType, fail
from gptviz.text.merges import Merge
from gptviz.text.tokens import Token, readable
from gptviz.trace.sources import EMBEDDINGS, Array, PassEdit, Readout
from gptviz.trace.trace import Trace

VERSION = 2
MOST_BYTES = 1_000_000_000  # of one file
LENS_BYTES = 64_000_000  # of logit lenses, those of the last tokens; at least the very last token's is kept
_ROLE = "role."  # begins the names of role scores
NEIGHBOURS, LEADERS = 32, 32  # of each token, and next tokens at each position whose unembedding is kept


def save(trace: Trace, path: str | os.PathLike[str], layers: Iterable[int] | None = None, neurons: bool = True) -> Path:
    """Write what `trace` knows into one file; see `Trace.save`."""
    target = Path(path)
    if not target.parent.is_dir():
        raise fail("a path in a folder that exists", f"{target}", "Make the folder first, or give another path.")
    kept = (
        range(trace.n_layers) if layers is None else sorted({check_index(i, trace.n_layers, "layer") for i in layers})
    )
    _check_size(trace, len(kept), neurons)
    writer = _Writer(trace)
    writer.everything(kept, neurons)
    metadata = {"gptviz": json.dumps(writer.about(kept, neurons), ensure_ascii=False)}
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        # save_file writes memory as it lies, whatever the strides
        save_file({name: np.ascontiguousarray(one) for name, one in writer.tensors.items()}, temporary, metadata)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _check_size(trace: Trace, layers: int, neurons: bool) -> None:
    tokens, heads = len(trace.tokens), trace.n_heads
    attention = layers * heads * tokens * (4 * tokens + trace.d_model + 3 * trace.d_head)
    stream = 8 * trace.n_layers * tokens * trace.d_model
    down = layers * _width(trace) * trace.d_model if neurons else 0
    size = 4 * (attention + stream + down + (tokens + trace.n_layers) * trace.vocab_size)
    if size > MOST_BYTES:
        fewer = f"Name fewer layers, such as layers=[0, {trace.n_layers - 1}], or trace a shorter text."
        remedy = f"Leave the neurons out, neurons=False. {fewer}" if 4 * down > size / 8 else fewer
        raise fail(f"at most {MOST_BYTES / 1e9:g} GB", f"about {size / 1e9:.1f} GB for {tokens} tokens", remedy)


def _width(trace: Trace) -> int:
    """Neurons of an MLP; 0 where they cannot be told apart."""
    try:
        return int(trace.mlp_activations(0).shape[1])
    except NotAvailable:
        return 0


class _Writer:
    """Gathers tensors by name, and the words of what was refused."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.tensors: dict[str, np.ndarray] = {}
        self.refused: dict[str, list[str]] = {}
        self.read: dict[str, Any] | None = None
        self.roles: list[str] = []

    def take(self, name: str, compute: Callable[..., Any], *arguments: Any) -> Any:
        """The value, put down under this name if it is an array; None where it is refused, in words that are kept."""
        try:
            value = compute(*arguments)
        except NotAvailable as error:
            self.refused[name] = [error.expected, error.got, error.remedy]
            return None
        if isinstance(value, np.ndarray):
            self.tensors[name] = value
        return value

    def everything(self, kept: Iterable[int], neurons: bool) -> None:
        trace, tokens, heads = self.trace, range(len(self.trace.tokens)), range(self.trace.n_heads)
        self.take("logits", lambda: trace.logits)
        for kind in EMBEDDINGS:
            self.take(f"embedding.{kind}", trace.embedding, kind)
        for layer in range(trace.n_layers + 1):
            self.take(f"residual.{layer}", trace.residual, layer)
        for layer in range(trace.n_layers):
            for name in ("attn_out", "mlp_out", "mlp_activations", "attn_in", "mlp_in"):
                self.take(f"{name}.{layer}", getattr(trace, name), layer)
            self.take(f"parallel.{layer}", lambda layer: np.array([trace.is_parallel(layer)], np.uint8), layer)
        for layer in kept:
            self.attention(layer, heads)
            if neurons and self.take(f"neurons.{layer}", trace.neurons, layer) is not None:
                self.tensors[f"neurons.{layer}"] = trace.neuron_rows(layer)
            if neurons:
                self.take(f"mlp_bias.{layer}", trace.mlp_bias, layer)
        turned = self.take("unrotated", trace.unrotated)
        if turned is not None:
            self.tensors |= {"unrotated.query": turned[0], "unrotated.key": turned[1]}
        self.lenses()
        self.readouts(tokens)
        self.model()

    def attention(self, layer: int, heads: range) -> None:
        trace = self.trace
        for name in ("q", "k", "v", "attention", "head_bias"):
            self.take(f"{name}.{layer}", getattr(trace, name), layer)
        outputs = [self.take(f"head_output.{layer}", trace.head_output, layer, head) for head in heads]
        if outputs[0] is not None:
            self.tensors[f"head_output.{layer}"] = np.stack(outputs)
        stages = [self.take(f"stages.{layer}", trace.score_stages, layer, head) for head in heads]
        if stages[0] is not None:
            for name in stages[0]:
                self.tensors[f"stage.{layer}.{name}"] = np.stack([one[name] for one in stages])
        sinks = [self.take(f"sink.{layer}", trace.sink, layer, head) for head in heads]
        if f"sink.{layer}" not in self.refused:
            self.tensors[f"sink.{layer}"] = np.array([np.nan if one is None else one for one in sinks])

    def lenses(self) -> None:
        """The logit lens of the last tokens, as many as there is room for: (tokens, n_layers + 1, vocab)."""
        last, count = self.take("lens", self.trace.logit_lens), len(self.trace.tokens)
        if last is not None:
            kept = range(count - max(1, min(count, LENS_BYTES // last.nbytes)), count)
            self.tensors["lens"] = np.stack([self.trace.logit_lens(position) for position in kept])

    def readouts(self, tokens: range) -> None:
        """The final norm at every token, and the unembedding's rows of the tokens that somebody will ask about."""
        trace = self.trace
        found = [self.take("readout", trace.readout, at) for at in tokens]
        if found[0] is None:
            return
        self.tensors["gain"] = np.stack([one.gain for one in found])
        self.tensors["offset"] = np.stack([one.offset for one in found])
        self.read = {"centred": [one.centred for one in found], "multiplier": found[0].multiplier, "cap": found[0].cap}
        wanted = {token.id for token in trace.tokens}
        for position in tokens:
            wanted |= {token.id for token, _ in trace.top(LEADERS, position)}
        rows = [trace.unembedding(id) for id in sorted(wanted)]
        self.tensors["rows"] = np.stack([row for row, _ in rows])
        self.tensors["row_ids"] = np.array(sorted(wanted), np.int64)
        self.tensors["row_biases"] = np.array([bias for _, bias in rows])

    def model(self) -> None:
        trace = self.trace
        points, shares = trace.token_plane()
        self.tensors |= {"plane": points, "plane_shares": shares}
        roles = trace.role_scores()
        self.roles = list(roles)
        self.tensors |= {_ROLE + name: scores for name, scores in roles.items()}
        vocabulary = [trace.vocab_token(id) for id in range(trace.vocab_size)]
        self.tensors["vocabulary"] = np.frombuffer(b"".join(token.bytes for token in vocabulary), np.uint8)
        self.tensors["vocabulary_ends"] = np.cumsum([len(token.bytes) for token in vocabulary], dtype=np.int64)
        self.tensors["vocabulary_special"] = np.array([token.special for token in vocabulary], np.uint8)

    def about(self, kept: Iterable[int], neurons: bool) -> dict[str, Any]:
        trace = self.trace
        merges: dict[str, Any] = {}
        for token in trace.tokens:
            found = self.take(f"merges.{token.position}", trace.merges, token.position)
            if found is not None:
                merges[str(token.position)] = [[stage.rank, list(stage.pieces)] for stage in found]
        ids = {token.id for token in trace.tokens}
        return {
            "version": VERSION,
            "model": trace.model_name,
            "text": trace.text,
            "tokens": [[t.id, base64.b64encode(t.bytes).decode(), t.special] for t in trace.tokens],
            "layers": trace.n_layers, "heads": trace.n_heads, "d_model": trace.d_model, "d_head": trace.d_head,
            "route": trace.route,
            "kept": list(kept), "neurons": neurons,
            "readout": self.read,
            "roles": self.roles,
            "merges": merges,
            "nearest": {str(id): [[t.id, c] for t, c in trace.nearest(id, NEIGHBOURS)] for id in sorted(ids)},
            "refused": self.refused,
        }  # fmt: skip


def open_trace(path: str | os.PathLike[str]) -> Trace:
    """The trace that `Trace.save` wrote: the same numbers, without the model.

    Generating, and tracing anything else, needs the model; so does what the file does not hold. Each is refused in words.
    """
    source = Path(path)
    if not source.is_file():
        raise fail(
            "a file that trace.save has written", f"{source}, which does not exist", "Check the path.", WrongType
        )
    try:
        file = safe_open(str(source), framework="numpy")
        about = json.loads((file.metadata() or {})["gptviz"])
    except (SafetensorError, KeyError, ValueError) as error:
        remedy = "Write one with trace.save(path)."
        raise fail(
            "a file that trace.save has written", f"{source.name}, which is another", remedy, WrongType
        ) from error
    if about.get("version") != VERSION:
        got = f"version {about.get('version')} of it"
        raise fail(f"a trace in version {VERSION} of the format", got, "Save it again with this version.", WrongType)
    forward = SavedForward(file, about)
    tokens = tuple(
        Token(id, readable(raw), raw, position, special)
        for position, (id, raw, special) in enumerate(
            (id, base64.b64decode(text), special) for id, text, special in about["tokens"]
        )
    )
    return Trace(SavedModel(forward, about), forward, tokens, about["text"])


class SavedForward:
    """Answers as `ForwardPass` does, from a file: arrays where that has tensors."""

    edits: tuple[PassEdit, ...] = ()

    def __init__(self, file: Any, about: dict[str, Any]):
        self._file, self._about = file, about
        self._names = set(file.keys())
        self.n_layers, self.n_heads = about["layers"], about["heads"]
        self.d_model, self.d_head = about["d_model"], about["d_head"]
        self.route: str = about["route"]
        self.logits = self.array("logits")

    @property
    def names(self) -> set[str]:
        """The names of all tensors in the file."""
        return self._names

    def array(self, name: str, refused: str | None = None) -> Array:
        """A tensor of the file, or in words why it is not there. refused: what a refusal was written down as."""
        if name in self._names:
            array: Array = self._file.get_tensor(name)
            array.flags.writeable = False
            return array
        words = self._about["refused"].get(refused or name)
        if words is not None:
            raise NotAvailable(*words)
        kept = ", ".join(map(str, self._about["kept"]))
        raise fail(
            "a number that this file of a trace holds",
            f"{name}, which it does not",
            f"It has the attention {'and neurons ' if self._about['neurons'] else ''}of layers {kept or 'none'}; save the "
            f"trace again with more of them{'' if self._about['neurons'] else ', or with neurons=True'}.",
            NotAvailable,
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the logits, which are held; everything else is read when it is asked for."""
        return int(self.logits.nbytes)

    def guarding_weights(self) -> AbstractContextManager[None]:
        """Does nothing: the file has no weights that could have changed."""
        return nullcontext()

    def queries(self, layer: int) -> Array:
        return self.array(f"q.{layer}")

    def keys(self, layer: int) -> Array:
        return self.array(f"k.{layer}")

    def values(self, layer: int) -> Array:
        return self.array(f"v.{layer}")

    def weights(self, layer: int, head: int | None = None) -> Array:
        maps = self.array(f"attention.{layer}")
        return maps if head is None else maps[head : head + 1]

    def stages(self, layer: int, head: int) -> dict[str, Array]:
        prefix = f"stage.{layer}."
        names = [name for name in ("raw", "scaled", "softcapped", "biased", "masked") if prefix + name in self._names]
        if not names:
            raise self.absent(f"stages.{layer}")
        return {name: self.array(prefix + name)[head] for name in names}

    def absent(self, name: str) -> NotAvailable:
        """The refusal of something that is not in the file."""
        try:
            self.array(name)
        except NotAvailable as error:
            return error
        raise AssertionError(name)

    def sink(self, layer: int, head: int) -> float | None:
        value = float(self.array(f"sink.{layer}")[head])
        return None if np.isnan(value) else value

    def mixed(self, layer: int, head: int) -> Array:
        values = self.array(f"v.{layer}")
        mix: Array = self.weights(layer, head)[0] @ values[head * len(values) // self.n_heads]
        return mix

    def edit_out(self, layer: int) -> Array:
        return np.zeros_like(self.residual(layer))

    def head_outputs(self, layer: int, head: int) -> tuple[Array, Array]:
        outputs = self.array(f"head_output.{layer}")
        return outputs[head : head + 1], self.array(f"head_bias.{layer}")

    def residual(self, layer: int) -> Array:
        return self.array(f"residual.{layer}")

    def attention_out(self, layer: int) -> Array:
        return self.array(f"attn_out.{layer}")

    def attention_in(self, layer: int) -> Array:
        return self.array(f"attn_in.{layer}")

    def mlp_in(self, layer: int) -> Array:
        return self.array(f"mlp_in.{layer}")

    def is_parallel(self, layer: int) -> bool:
        return bool(self.array(f"parallel.{layer}")[0])

    def mlp(self, layer: int) -> tuple[Array, Array | None]:
        name = f"mlp_activations.{layer}"
        return self.array(f"mlp_out.{layer}"), self.array(name) if name in self._names else None

    def mlp_bias(self, layer: int) -> Array:
        return self.array(f"mlp_bias.{layer}")

    def neuron_rows(self, layer: int) -> Array:
        return self.array(f"neurons.{layer}")

    def neurons(self, layer: int, position: int) -> Array:
        rows = self.neuron_rows(layer)
        added: Array = self.array(f"mlp_activations.{layer}")[position][:, None] * rows
        return added

    def embedding(self, kind: str) -> Array:
        return self.array(f"embedding.{kind}")

    def unrotated(self) -> tuple[Array, Array]:
        return self.array("unrotated.query", "unrotated"), self.array("unrotated.key", "unrotated")

    def lens(self, position: int) -> Array:
        kept = self.array("lens")
        first = len(self.logits) - len(kept)
        if position < first:
            which = "the last token" if len(kept) == 1 else f"the last {len(kept)} tokens"
            remedy = f"This file has the logit lens of {which} of the text."
            raise fail(f"a position from {first} on", f"{position}", remedy, NotAvailable)
        one: Array = kept[position - first]
        return one

    def readout(self, position: int) -> Readout:
        gain, offset = self.array("gain", "readout")[position], self.array("offset", "readout")[position]
        read = self._about["readout"]
        return Readout(gain, offset, read["centred"][position], read["multiplier"], read["cap"])

    def unembedding(self, id: int) -> tuple[Array, float]:
        ids = self.array("row_ids", "readout")
        at = np.flatnonzero(ids == id)
        if not len(at):
            got = f"token {id}, whose row of the unembedding it does not hold"
            raise fail("a likely next token of this saved trace", got, "Trace the text again.", NotAvailable)
        return self.array("rows")[at[0]], float(self.array("row_biases")[at[0]])


class SavedModel:
    """What of the model travelled with the trace: its name, its vocabulary, and what was measured on it."""

    can_run = False

    def __init__(self, forward: SavedForward, about: dict[str, Any]):
        self._forward, self._about = forward, about
        self.name: str = about["model"]
        self._bytes = forward.array("vocabulary").tobytes()
        self._ends = forward.array("vocabulary_ends")
        self._special = forward.array("vocabulary_special")
        self.vocab_size = len(self._ends)

    def token(self, id: int, position: int = -1) -> Token:
        """The token with this id."""
        id = check_index(id, self.vocab_size, "token id")
        raw = self._bytes[int(self._ends[id - 1]) if id else 0 : int(self._ends[id])]
        return Token(id, readable(raw), raw, position, bool(self._special[id]))

    def merges(self, _text: str, _tokens: tuple[Token, ...], position: int) -> list[Merge]:
        """The stages of the word that the token there belongs to."""
        stages = self._about["merges"].get(str(position))
        if stages is None:
            raise self._forward.absent(f"merges.{position}")
        return [Merge(tuple(pieces), rank) for rank, pieces in stages]

    def nearest(self, id: int, k: int = 10) -> list[tuple[int, float]]:
        """Nearest rows of the token table, for the tokens of the text."""
        found = self._about["nearest"].get(str(id))
        if found is None or k > len(found):
            got = f"{k} of token {id}"
            raise fail(f"at most {NEIGHBOURS} neighbours of a token of the text", got, "Load the model.", OutOfRange)
        return [(other, cosine) for other, cosine in found[:k]]

    def token_plane(self) -> tuple[Array, Array]:
        """The token table in a plane."""
        return self._forward.array("plane"), self._forward.array("plane_shares")

    def role_scores(self) -> dict[str, Array]:
        """What the heads do on random tokens said twice."""
        names = self._about.get("roles") or sorted(
            n.removeprefix(_ROLE) for n in self._forward.names if n.startswith(_ROLE)
        )
        return {name: self._forward.array(_ROLE + name) for name in names}
