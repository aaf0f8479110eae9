"""What the parts of a model do, measured: shares of a logit, role scores of heads, sweeps, neighbours among embeddings.

Direct logit attribution: the last stream is a sum of what the parts added to it, and a logit is linear in that stream
once the final norm's scale is frozen, so that each part has its share. Role scores: a text of random tokens said twice
has no meaning to help, so what a head attends to shows its role. Sources: Elhage et al. 2021, "A Mathematical Framework
for Transformer Circuits"; Olsson et al. 2022, "In-context Learning and Induction Heads"; Wang et al. 2022,
"Interpretability in the Wild" (name movers). What is done to a pass at every place is in `sweep.py`, and found here too.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gptviz.checks import check_index
from gptviz.errors import GPTVizError, NotAvailable
from gptviz.lens.sweep import Sweep, ablation_sweep, logit_difference, patch_sweep, probability_of, run_edited
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

__all__ = [
    "Share", "Sweep", "ablation_sweep", "attribution", "direction", "logit_difference", "nearest", "patch_sweep",
    "principal_plane", "probability_of", "role_scores", "run_edited",
]  # fmt: skip

if TYPE_CHECKING:
    from gptviz.gpt import GPT


@dataclass(frozen=True)
class Share:
    """What one part contributes to a logit.

    part: "token", "position" or "embedding" (both together), "head", "head_bias", "attention" (where heads cannot be told
    apart), "mlp", or "neuron" and "mlp_bias", "edit" (what edits of the stream added), "norm_bias", "unembedding_bias",
    "softcap". layer, head, neuron: counted from 0, None where there is none.
    """

    part: str
    value: float
    layer: int | None = None
    head: int | None = None
    neuron: int | None = None


Part = tuple[str, int | None, int | None, Array]  # what it is, its layer, its head, what it adds: (d_model,)


def attribution(
    trace: Trace, id: int, position: int = -1, neurons: bool = False, parts: list[Part] | None = None
) -> tuple[Share, ...]:
    """What each part of the model contributes to the logit of token `id` after `position`; they sum to the logit.

    neurons: tell each MLP's neurons apart, with what its bias adds, where it has one down projection. parts: those of
    `parts_at(trace, position)`, which are the same for every token that could come next. Direct contributions
    only: what a part does through later parts is counted there. Refused where the stream is not a sum of its parts, or is
    read in another way than through one norm. Sums are taken in float64.
    """
    position = check_index(position, len(trace.tokens), "position", negative=True)
    id = check_index(id, trace.vocab_size, "token id")
    readout, (row, bias) = trace.readout(position), trace.unembedding(id)
    along = direction(trace, id, position)
    parts = parts_at(trace, position) if parts is None else parts
    shares = [Share(part, float(vector @ along), layer, head) for part, layer, head, vector in parts]
    if neurons:
        shares = [one for share in shares for one in _by_neuron(trace, share, along, position)]
    shares.append(Share("norm_bias", float(readout.offset.astype(np.float64) @ row) * readout.multiplier))
    shares.append(Share("unembedding_bias", bias * readout.multiplier))
    if readout.cap is not None:
        before = sum(share.value for share in shares)
        shares.append(Share("softcap", float(readout.cap * np.tanh(before / readout.cap) - before)))
    always = ("token", "position", "head", "mlp", "neuron")
    return tuple(share for share in shares if share.value or share.part in always)


def _by_neuron(trace: Trace, share: Share, along: np.ndarray, position: int) -> list[Share]:
    """An MLP's share as its neurons' and its bias's; any other share as it is."""
    if share.part != "mlp" or share.layer is None:
        return [share]
    try:
        values = trace.neurons(share.layer, position) @ along
    except NotAvailable:
        return [share]
    each = [Share("neuron", float(value), share.layer, neuron=neuron) for neuron, value in enumerate(values)]
    return [*each, Share("mlp_bias", float(trace.mlp_bias(share.layer) @ along), share.layer)]


def direction(trace: Trace, id: int, position: int = -1) -> np.ndarray:
    """The vector whose dot product with a part of the last stream is its share of the logit of token `id`: (d_model,).

    The unembedding's row, seen back through the final norm with its scale frozen at `position`; float64.
    """
    readout, (row, _) = trace.readout(position), trace.unembedding(id)
    along = readout.gain.astype(np.float64) * row
    return (along - along.mean() if readout.centred else along) * readout.multiplier


def parts_at(trace: Trace, position: int) -> list[Part]:
    """Everything that is summed in the last stream at one token."""
    parts: list[Part] = []
    try:
        parts += [(kind, None, None, trace.embedding(kind)[position]) for kind in ("token", "position")]
    except NotAvailable:
        parts = [("embedding", None, None, trace.embedding()[position])]
    for layer in range(trace.n_layers):
        try:
            heads: list[Part] = [
                ("head", layer, head, trace.head_output(layer, head)[position]) for head in range(trace.n_heads)
            ]
            parts += [*heads, ("head_bias", layer, None, trace.head_bias(layer)[position])]
        except NotAvailable:
            parts.append(("attention", layer, None, trace.attn_out(layer)[position]))
        parts.append(("mlp", layer, None, trace.mlp_out(layer)[position]))
    if trace.edits:
        added = np.sum([trace.edit_out(depth)[position] for depth in range(trace.n_layers + 1)], axis=0)
        parts.append(("edit", None, None, added))
    return parts


def nearest(gpt: "GPT", id: int, k: int = 10) -> list[tuple[int, float]]:
    """The `k` tokens whose rows of the token table point most nearly the same way: (id, cosine), nearest first."""
    rows = _directions(gpt)
    cosines = rows @ rows[check_index(id, len(rows), "token id")]
    order = np.argsort(-cosines, kind="stable")
    return [(int(other), float(cosines[other])) for other in order if other != id][:k]


def _directions(gpt: "GPT") -> Array:
    """The token table with each row divided by its length: (vocab, d_model)."""
    table = gpt.token_table()
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)


def principal_plane(gpt: "GPT") -> tuple[Array, Array]:
    """The token table seen along its two directions of greatest variance (PCA): points (vocab, 2), shares of variance (2,).

    Each direction's sign is such that its largest coordinate is positive.
    """
    table = gpt.token_table().astype(np.float64)
    table = table - table.mean(0)
    variances, axes = np.linalg.eigh(table.T @ table)  # ascending
    axes = axes[:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    return (table @ axes).astype(np.float32), (variances[:-3:-1] / variances.sum()).astype(np.float32)


ROLES = ("previous", "induction", "first", "same", "name_mover")
PERIOD = 40  # random tokens that are said twice
GIVING = "When {x} and {y} went to the park, {giver} gave a book to"
NAMES = (
    "Mary",
    "John",
    "Anna",
    "Paul",
    "Kate",
    "David",
    "Laura",
    "Peter",
    "Alice",
    "James",
    "Emma",
    "Robert",
    "Jane",
    "Simon",
)
PAIRS = 3  # pairs of names in whose sentences name movers are looked for


def role_scores(gpt: "GPT", seed: int = 0) -> dict[str, Array]:
    """For each role the share of attention that every head gives it: {role: (L, H)}, each from 0 to 1.

    previous: the token before. induction: the token that followed the same token when it came first. first: the first
    token of the text. same: the same token when it came first (a duplicate token head's). Means over the queries of the
    second time. name_mover: in sentences in which one of two people gives something, from the last token to the name of
    the other, whose turn it is; there only if the tokenizer has names that are one token. What a head looks at is not yet
    what it does: `ablation_sweep` asks that.
    """
    marks, said = _random_tokens(gpt, seed)
    trace = gpt.trace([*marks, *said, *said])
    queries = len(marks) + len(said) + np.arange(len(said))
    keys = {
        "previous": queries - 1,
        "induction": queries - len(said) + 1,
        "first": np.zeros_like(queries),
        "same": queries - len(said),
    }
    scores = {role: np.zeros((trace.n_layers, trace.n_heads), np.float32) for role in keys}
    for layer in range(trace.n_layers):
        maps = trace.attention(layer)
        for role in keys:
            scores[role][layer] = maps[:, queries, keys[role]].mean(-1)
    moving = _name_mover_scores(gpt)
    return scores if moving is None else scores | {"name_mover": moving}


def _name_mover_scores(gpt: "GPT") -> Array | None:
    """From the last token of each sentence to the name that should come next: means, (L, H); None without names."""
    sentences = _sentences_of_giving(gpt)
    if not sentences:
        return None
    scores = np.zeros((gpt.n_layers, gpt.n_heads), np.float32)
    for ids, receiver in sentences:
        trace = gpt.trace(ids)
        for layer in range(trace.n_layers):
            scores[layer] += trace.attention(layer)[:, -1, receiver] / len(sentences)
    return scores


def _sentences_of_giving(gpt: "GPT") -> list[tuple[list[int], int]]:
    """Ids of sentences in which either of two people gives, and where the other's name stands in each."""
    names = {name: ids for name in NAMES if len(ids := gpt.encode(" " + name, add_special_tokens=False)) == 1}
    found = []
    for x, y in list(zip(list(names)[::2], list(names)[1::2], strict=False))[:PAIRS]:
        for giver, receiver in ((x, y), (y, x)):
            ids = gpt.encode(GIVING.format(x=x, y=y, giver=giver), truncate="left")
            if ids.count(names[giver][0]) == 2 and ids.count(names[receiver][0]) == 1:
                found.append((ids, ids.index(names[receiver][0])))
    return found


def _random_tokens(gpt: "GPT", seed: int) -> tuple[list[int], list[int]]:
    """Ids of the start marks, if the tokenizer has some, and of random tokens, of which twice as many fit."""
    try:
        marks = gpt.encode("")
    except GPTVizError:
        marks = []
    special = set(gpt.tokenizer.all_special_ids)
    plain = [id for id in range(min(gpt.vocab_size, len(gpt.tokenizer))) if id not in special]
    room = PERIOD if gpt.context_length is None else (gpt.context_length - len(marks)) // 2
    count = min(PERIOD, room, len(plain))
    return marks, np.random.default_rng(seed).choice(plain, count, replace=False).tolist()
