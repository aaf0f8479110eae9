"""Compares a trace of a family's small model with the untouched model: each quantity is exact, refused in words, or wrong.

The truth is in `zoo_truth.py`. Where a module must be named, its path is looked up in the model that was traced.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from close import assert_close, assert_softmax_close, rounding
from families import IDS, tokenizer
from torch import nn
from zoo_models import build, class_name
from zoo_truth import Hook, T, Truth, at_input, at_output

import gptviz
from gptviz import lens
from gptviz.errors import GPTVizError, NotAvailable
from gptviz.lens import attribution, run_edited

OTHER = [72, 258, 31, 9, 201, 17, 72, 40, 119, 31, 77]  # as long as IDS
NEW_TOKENS = 6
AT = 4  # a position in the middle

Check = Callable[[], None]


class Remark(Exception):
    """A quantity is exact, but there is something to say about it."""


@dataclass(frozen=True)
class Outcome:
    """What became of one quantity.

    mark: "exact", "exact in 2 of 3" (layers or other parts), "refused" or "wrong". reasons: why parts of it were refused,
    what is wrong, or what else there is to say, each once.
    """

    mark: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """What became of all quantities of a family. route: how its maps are computed, "" where it was refused at wrap."""

    family: str
    model_class: str
    route: str
    outcomes: dict[str, Outcome]

    @property
    def wrong(self) -> list[str]:
        """What is wrong, in words; empty if each quantity is exact or refused with a reason of gptviz."""
        return [f"{name}: {'; '.join(o.reasons)}" for name, o in self.outcomes.items() if o.mark == "wrong"]


def row_of(family: str) -> Row:
    """Compares everything in a family. Raises NotBuilt, with the reason, if there is no small model of it that runs."""
    model, truth = build(family), Truth(family)
    try:
        gpt = gptviz.wrap(model, tokenizer())
        traces = Traces(gpt, gpt.trace(IDS), truth)
    except Exception as error:
        whole = _outcome([partial(_raise, error)], class_name(family))
        return Row(family, class_name(family), "", dict.fromkeys(QUANTITIES, whole))
    outcomes = {name: _outcome(checks(traces), class_name(family)) for name, checks in QUANTITIES.items()}
    return Row(family, class_name(family), traces.trace.route, outcomes)


def _raise(error: Exception) -> None:
    raise error


def _outcome(checks: Any, model_class: str) -> Outcome:
    """Runs checks, a list or an iterator, and sums up how they ended."""
    exact, total, refused, wrong, remarks = 0, 0, [], [], []
    try:
        for check in checks:
            total += 1
            try:
                check()
                exact += 1
            except Remark as remark:
                exact += 1
                remarks.append(str(remark))
            except GPTVizError as error:
                refused.append(_in_words(error, model_class))
    except AssertionError as error:
        wrong.append(" ".join(str(error).split())[:200] or "a comparison failed")
    except Exception as error:
        wrong.append(f"{type(error).__name__}: {error}".splitlines()[0][:200])
    if wrong:
        return Outcome("wrong", tuple(wrong))
    if not refused:
        return Outcome("exact", tuple(remarks))
    return Outcome(f"exact in {exact} of {total}" if exact else "refused", tuple(dict.fromkeys(refused)))


def _in_words(error: GPTVizError, model_class: str) -> str:
    """Returns a refusal's reason without the numbers and names of one model, so that equal reasons read equal."""
    text = f"gptviz expects {error.expected}; this is {error.got}"
    text = text.replace(model_class, "the family")
    text = re.sub(r"\b(block|layer) \d+\b", r"a \1", text)
    text = re.sub(r"gptviz\.patch\((\"\w+\"), .*?\)", r"a patch of \1", text)
    return re.sub(r"(moves an earlier logit) by .*", r"\1", text)


@dataclass
class Traces:
    """A wrapped model, its trace of IDS, and the truth about it."""

    gpt: Any
    trace: Any
    truth: Truth

    @property
    def layers(self) -> range:
        return range(self.trace.n_layers)

    @cached_property
    def scale(self) -> list[np.ndarray]:
        """The numbers whose size decides how near two results must be: the stream that goes into all of them."""
        return [*self.truth.stream, self.truth.logits]

    def close(self, actual: Any, expected: Any, *scale: Any) -> None:
        assert_close(actual, expected, scale=[*self.scale, *scale])

    def anatomy(self, layer: int) -> Any:
        return self.gpt._anatomy.layers[layer]

    def twin(self, module: nn.Module) -> nn.Module:
        """Returns the untouched copy of a module of the model that was traced."""
        path = next(name for name, each in self.gpt.model.named_modules() if each is module)
        return self.truth.model.get_submodule(path)

    def edited(self, *edits: Any) -> np.ndarray:
        return self.gpt.trace(IDS, edits=list(edits)).logits

    def heads(self, layer: int) -> int:
        return self.trace.attention(layer).shape[0]


def _logits(t: Traces) -> Iterator[Check]:
    yield lambda: t.close(t.trace.logits, t.truth.logits)


def _maps(t: Traces) -> Iterator[Check]:
    with_attention = [layer for layer in t.layers if t.anatomy(layer).attention is not None]

    def check(layer: int) -> None:
        actual = t.trace.attention(layer)
        maps = t.truth.maps
        assert len(maps) in (len(with_attention), len(t.layers)), f"transformers returns {len(maps)} maps"
        expected = maps[layer if len(maps) == len(t.layers) else with_attention.index(layer)]
        assert actual.shape == expected.shape, f"maps of shape {actual.shape}, where the family has {expected.shape}"
        assert actual.shape[1:] == (T, T) and not np.triu(actual, 1).any(), "weight on later tokens"
        assert actual.min() >= 0 and actual.sum(-1).max() < 1 + rounding(1.0), "rows that are no shares of attention"
        assert_softmax_close(actual, expected, [*t.scale, *_scores(t, layer)])
        assert_softmax_close(t.trace.attention(layer, 1), expected[1], [*t.scale, *_scores(t, layer)])

    for layer in t.layers:
        yield partial(check, layer)


def _scores(t: Traces, layer: int) -> list[np.ndarray]:
    """Returns the scaled scores of a layer, whose size decides how near two maps can be, where there are any."""
    try:
        return [t.trace.scores(layer, head, "scaled") for head in range(t.heads(layer))]
    except NotAvailable:
        return []


def _stream(t: Traces) -> Iterator[Check]:
    def check(depth: int) -> None:
        actual = t.trace.residual(depth)
        t.close(actual, t.truth.stream[depth])

    assert len(t.truth.blocks) == len(t.layers), f"{len(t.layers)} layers, where the model has {len(t.truth.blocks)}"
    yield lambda: t.close(t.trace.embedding(), t.truth.stream[0])
    for depth in range(t.trace.n_layers + 1):
        yield partial(check, depth)


def _parts(t: Traces) -> Iterator[Check]:
    def check(layer: int) -> None:
        attention, mlp = t.trace.attn_out(layer), t.trace.mlp_out(layer)
        assert min(abs(attention).max(), abs(mlp).max()) > 1e-3, "a part that is 0"
        before, after = t.truth.stream[layer : layer + 2]
        t.close(before + attention + mlp, after, attention, mlp)

    for layer in t.layers:
        yield partial(check, layer)


def _heads(t: Traces) -> Iterator[Check]:
    def check(layer: int) -> None:
        heads = [t.trace.head_output(layer, head) for head in range(t.heads(layer))]
        t.close(np.sum(heads, axis=0) + t.trace.head_bias(layer), t.trace.attn_out(layer), *heads)
        assert max(abs(head).max() for head in heads) > 1e-3, "heads that add nothing"
        t.close(t.edited(gptviz.ablate_head(layer, 1)), _without_head(t, layer, 1))

    for layer in t.layers:
        yield partial(check, layer)


def _without_head(t: Traces, layer: int, head: int) -> np.ndarray:
    """Returns the untouched model's logits with one head's part of the projection's input at 0."""
    n_heads = t.heads(layer)

    def silence(x: torch.Tensor) -> torch.Tensor:
        x.unflatten(-1, (n_heads, -1))[..., head, :] = 0
        return x

    return t.truth.run(at_input(t.twin(t.anatomy(layer).out_projection), silence))


def _neurons(t: Traces) -> Iterator[Check]:
    def check(layer: int) -> None:
        neurons, bias = t.trace.neurons(layer, AT), t.trace.mlp_bias(layer)
        t.close(neurons.sum(0) + bias, t.trace.mlp_out(layer)[AT], neurons)
        down = t.twin(t.anatomy(layer).down_projection)
        entered: list[np.ndarray] = []
        t.truth.run(at_input(down, lambda x: entered.append(x.numpy())))
        t.close(t.trace.mlp_activations(layer), entered[0].reshape(T, -1))

        def silence(x: torch.Tensor) -> torch.Tensor:
            x[..., 7] = 0
            return x

        t.close(t.edited(gptviz.ablate_neuron(layer, 7)), t.truth.run(at_input(down, silence)))

    for layer in t.layers:
        yield partial(check, layer)


def _lens(t: Traces) -> Iterator[Check]:
    """The lens at a depth is what the model says if the stream of that depth leaves its last block."""
    read = partial(t.trace.logit_lens, AT)

    def check(depth: int) -> None:
        stream = torch.tensor(t.truth.stream[depth])
        t.close(read()[depth], t.truth.run(at_output(t.truth.blocks[-1], stream.reshape_as))[AT])

    yield lambda: t.close(read()[-1], t.truth.logits[AT])
    for depth in range(t.trace.n_layers + 1):
        yield partial(check, depth)


def _shares(t: Traces) -> Iterator[Check]:
    def check(id: int, position: int) -> None:
        shares = [share.value for share in attribution(t.trace, id, position)]
        assert max(map(abs, shares)) > 1e-3, "shares that are 0"
        bound = rounding(*t.scale, shares)
        assert abs(sum(shares) - t.truth.logits[position, id]) <= bound, "the shares do not sum to the logit"

    yield partial(check, 3, -1)
    yield partial(check, 31, AT)


def _flow(t: Traces) -> Iterator[Check]:
    """The shares of one token's attention node in each block, against the formula over every head and key."""

    def check() -> None:
        flow = lens.flow(t.trace)
        for layer in t.layers:
            factors, mlp = t.trace.contributions(layer), t.trace.mlp_out(layer)[AT]
            added = factors.gain[AT] * factors.weights[:, AT, :, None] * factors.values.astype(np.float64)
            beside = [
                t.trace.residual(layer)[AT],
                t.trace.head_bias(layer)[AT],
                *([mlp] if flow.parallel[layer] else []),
            ]
            t.close(added.sum((0, 1)) + beside[1], t.trace.attn_out(layer)[AT], added)
            parts = np.array([*beside, *added.reshape(-1, t.trace.d_model)])
            whole = parts.sum(0)
            lengths = np.abs(parts).sum(-1)
            near = np.maximum(0, np.abs(whole).sum() - np.abs(whole - parts).sum(-1))
            divided = near if near.any() else lengths
            shares = [
                flow.residual[layer, AT],
                flow.bias[layer, AT],
                *([flow.mlp[layer, AT]] if len(beside) == 3 else []),
            ]
            expected, scale = divided / divided.sum(), lengths.sum() / divided.sum()
            assert_close([*shares, *flow.heads(layer)[:, AT].ravel()], expected, scale=scale)

    yield check


def _edits_of_the_stream(t: Traces) -> Iterator[Check]:
    vector = np.linspace(-2, 1, t.trace.d_model)

    def steer(depth: int) -> None:
        actual = t.edited(gptviz.steer(depth, vector, 0.7))
        t.close(actual, t.truth.run(_at_depth(t, depth, lambda x: x + 0.7 * torch.tensor(vector).to(x))))

    def patch() -> None:
        source = t.gpt.trace(OTHER)
        actual = t.edited(gptviz.patch("residual", 2, AT, source=source))
        other = torch.tensor(t.truth.stream_of(OTHER)[2][AT])

        def replace(x: torch.Tensor) -> torch.Tensor:
            x[:, AT] = other
            return x

        t.close(actual, t.truth.run(_at_depth(t, 2, replace)))

    def rows() -> None:
        edits = [[gptviz.steer(1, vector)], [], [gptviz.steer(2, -vector)]]
        batch = run_edited(t.gpt, IDS, edits)
        t.close(batch, [t.edited(*each)[-1] for each in edits])

    yield from (partial(steer, depth) for depth in (1, t.trace.n_layers))
    yield patch
    yield rows


def _at_depth(t: Traces, depth: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Hook:
    blocks = t.truth.blocks
    return at_output(blocks[-1], change) if depth == len(blocks) else at_input(blocks[depth], change)


def _edits_of_parts(t: Traces) -> Iterator[Check]:
    def check(layer: int, which: str) -> None:
        source = t.gpt.trace(OTHER)
        actual = t.edited(gptviz.patch(which, layer, AT, source=source))
        part = getattr(t.anatomy(layer), "attention_part" if which == "attn_out" else "mlp_part")
        module = t.twin(part.chain[-1])
        other: list[torch.Tensor] = []
        t.truth.run(at_output(module, lambda x: other.append(x.reshape(T, -1)[AT])), ids=OTHER)

        def replace(x: torch.Tensor) -> torch.Tensor:
            x.view(T, -1)[AT] = other[0]
            return x

        t.close(actual, t.truth.run(at_output(module, replace)))

    for layer in t.layers:
        yield partial(check, layer, "attn_out")
        yield partial(check, layer, "mlp_out")


def _text(t: Traces) -> Iterator[Check]:
    """Greedy text equals that of `generate`, or where that is not the model's own forward pass, of the latter."""

    def check() -> None:
        choice = t.gpt.complete(IDS, max_tokens=NEW_TOKENS, temperature=0).choices[0]
        ids, read_anew = list(choice.token_ids), t.truth.read_anew(NEW_TOKENS)
        try:
            generated = t.truth.generated(NEW_TOKENS)
        except Exception as error:
            assert ids == read_anew, f"the ids {ids}, where greedy decoding gives {read_anew}"
            raise Remark(
                f"`generate` raises {type(error).__name__}; this is greedy decoding without a cache"
            ) from error
        assert ids in (generated, read_anew), f"the ids {ids}, where generate gives {generated}"
        if ids != generated:
            raise Remark("`generate` gives another text than the model's forward pass; this is the latter's")
        if ids != read_anew:
            raise Remark("as `generate`, which reads from the cache; the whole text read again gives another one")

    yield check


QUANTITIES: dict[str, Callable[[Traces], Iterator[Check]]] = {
    "Logits": _logits,
    "Maps": _maps,
    "Stream": _stream,
    "Parts": _parts,
    "Heads": _heads,
    "Neurons": _neurons,
    "Lens": _lens,
    "Shares": _shares,
    "Flow": _flow,
    "Edits of the stream": _edits_of_the_stream,
    "Edits of parts": _edits_of_parts,
    "Text": _text,
}
