"""BlockView: one token's way through one block, and what each part of the model contributes to the next token's logit.

What cannot be had for a family is refused by the trace, in words; the view shows those words in its place.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import GPTVizError
from gptviz.lens.shares import attribution, direction, parts_at
from gptviz.text.visible import visible
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

STRONGEST = 8  # neurons that are shown one by one
LEADERS = 12  # next tokens that are offered to be explained


class BlockView(View):
    """One block of a trace. source: a Trace, or a PromptBox to follow.

    layer: which block is open. position: whose way it is, -1 for the last token. Both are kept in the view's selection.
    """

    _name = "block"
    _titles: ClassVar[dict[str, str]] = {"en": "Block", "zh": "块"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "way": "_answer_way", "strips": "_answer_strips", "leaders": "_answer_leaders",
        "shares": "_answer_shares",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any = None, *, layer: int | None = None, position: int | None = None, **keywords: Any):
        self._held: dict[Any, Any] = {}
        super().__init__(source, **keywords)
        for name, value in (("layer", layer), ("position", position)):
            if value is not None:
                setattr(self, name, value)

    @property
    def layer(self) -> int:
        """The open block; set it to open another."""
        return min(int(self.selection.layer), self._require_trace().n_layers - 1)

    @layer.setter
    def layer(self, value: int) -> None:
        self.selection.layer = check_index(value, self._require_trace().n_layers, "layer")

    @property
    def position(self) -> int:
        """The token whose way is shown; -1 is the last."""
        return int(self.selection.query)

    @position.setter
    def position(self, value: int) -> None:
        self.selection.query = check_index(value, len(self._require_trace().tokens), "position", negative=True)

    def _fill(self) -> None:
        trace = self._require_trace()
        self._held = {}
        self.selection.layer = min(self.selection.layer, trace.n_layers - 1)
        if self.selection.query >= len(trace.tokens):
            self.selection.query = -1
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "layers": trace.n_layers,
            "heads": trace.n_heads,
            "width": trace.d_model,
        }

    # The page's questions

    def _answer_way(self, layer: int, position: int) -> dict[str, Any]:
        """The steps of the way, without their vectors; `strips` has those, a row a step."""
        trace = self._require_trace()
        steps, missing = self._way(layer, self._position(position))
        told = [{name: value for name, value in step.items() if name != "vector"} for step in steps]
        return {"steps": told, "missing": missing, "parallel": _or_none(lambda: trace.is_parallel(layer))}

    def _answer_strips(self, layer: int, position: int) -> Array:
        return np.stack([step["vector"] for step in self._way(layer, self._position(position))[0]])

    def _answer_leaders(self, position: int) -> list[dict[str, Any]]:
        leaders = self._require_trace().top(LEADERS, self._position(position))
        return [{"token": describe(token), "probability": p} for token, p in leaders]

    def _answer_shares(self, layer: int, position: int, id: int) -> dict[str, Any]:
        """What everything contributes to the logit of one next token, and what each step of one block's way does."""
        trace, position = self._require_trace(), self._position(position)
        along = direction(trace, id, position)
        steps, _ = self._way(layer, position)
        parts = self._hold("parts", position, lambda trace: parts_at(trace, position))
        return {
            "logit": float(trace.logits[position, id]),
            "probability": float(trace.probabilities(position)[id]),
            "shares": [asdict(share) for share in attribution(trace, id, position, parts=parts)],
            "steps": [None if step["kind"] == "norm" else float(step["vector"] @ along) for step in steps],
        }

    def _way(self, layer: int, position: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
        found: tuple[list[dict[str, Any]], dict[str, str]]
        found = self._hold(layer, position, lambda trace: way(trace, layer, position))
        return found

    def _hold(self, name: Any, position: int, compute: Callable[[Trace], Any]) -> Any:
        """What does not depend on the next token, kept as long as questions are about one position of one trace."""
        trace, held = self._require_trace(), self._held
        if held.get("of") != (trace, position):
            held = self._held = {"of": (trace, position)}
        if name not in held:
            held[name] = compute(trace)
        return held[name]

    def _position(self, position: int) -> int:
        return check_index(position, len(self._require_trace().tokens), "position")

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every block of the last token's way first, for its likeliest successor; then the tokens before it."""
        trace = self._require_trace()
        layers = sorted(range(trace.n_layers), key=lambda layer: layer != self.layer)
        for position in range(len(trace.tokens) - 1, -1, -1):
            yield "leaders", {"position": position}
            for rank, (token, _) in enumerate(trace.top(LEADERS, position)):
                for layer in layers:
                    at = {"layer": layer, "position": position}
                    if rank == 0:
                        yield from ((name, at) for name in ("way", "strips"))
                    if rank == 0 or position == len(trace.tokens) - 1:
                        yield "shares", at | {"id": token.id}

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        leader, probability = trace.top(1, self.position)[0]
        told = self._phrase("ledger", token=visible(leader), share=f"{100 * probability:.3g}")
        try:
            shares = attribution(trace, leader.id, self.position)
        except GPTVizError as error:
            return [still.chips(trace.tokens), still.words(str(error))]
        sums: dict[str, float] = {}
        for share in shares:
            part = "block mlp" if share.part == "mlp" else "block attention"
            name = self._phrase(share.part if share.layer is None else part, layer=share.layer)
            sums[name] = sums.get(name, 0.0) + share.value
        rows = [(name, value, f"{value:+.3g}") for name, value in sums.items()]
        total = sum(sums.values())
        return [
            still.chips(trace.tokens),
            still.words(told),
            still.bars(rows, signed=True),
            still.words(self._phrase("sum", total=f"{total:.4g}")),
        ]

    def to_table(self) -> list[dict[str, Any]]:
        """One row a part: what it contributes to the logit of the likeliest next token; they sum to that logit."""
        trace = self._require_trace()
        leader, _ = trace.top(1, self.position)[0]
        return [{"token": leader.text, **asdict(share)} for share in attribution(trace, leader.id, self.position)]


def way(trace: Trace, layer: int, position: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One token's way through one block: its steps in order, and in words what the family does not let be seen.

    A step: kind ("in", "norm", "head", "bias", "attention", "middle", "neuron", "others", "mlp", "out"), vector
    (d_model,), length, and head, or neuron and activation. missing: {part: the refusal}.
    """
    steps: list[dict[str, Any]] = []
    missing: dict[str, str] = {}

    def add(kind: str, vector: Array, **about: Any) -> None:
        steps.append({"kind": kind, "vector": vector, "length": float(np.linalg.norm(vector)), **about})

    def tried(part: str, steps_of: Callable[[], None]) -> None:
        try:
            steps_of()
        except GPTVizError as error:
            missing[part] = str(error)

    def heads() -> None:
        outputs = [trace.head_output(layer, head)[position] for head in range(trace.n_heads)]
        for head, output in enumerate(outputs):
            add("head", output, head=head)
        if (bias := trace.head_bias(layer)[position]).any():
            add("bias", bias)

    def neurons() -> None:
        added, activations = trace.neurons(layer, position), trace.mlp_activations(layer)[position]
        order = np.argsort(-np.linalg.norm(added, axis=1), kind="stable")[:STRONGEST]
        for neuron in order:
            add("neuron", added[neuron], neuron=int(neuron), activation=float(activations[neuron]))
        rest = trace.mlp_out(layer)[position] - added[order].sum(0)
        add("others", rest, count=len(added) - len(order))

    def parts() -> None:
        attention, mlp = trace.attn_out(layer)[position], trace.mlp_out(layer)[position]
        tried("attention_norm", lambda: add("norm", trace.attn_in(layer)[position], before="attention"))
        tried("heads", heads)
        add("attention", attention)
        if not trace.is_parallel(layer):
            add("middle", stream + attention)
        tried("mlp_norm", lambda: add("norm", trace.mlp_in(layer)[position], before="mlp"))
        tried("neurons", neurons)
        add("mlp", mlp)

    stream = trace.residual(layer)[position]
    add("in", stream)
    tried("parts", parts)
    # What leaves the block is there before an edit of the stream that enters the next.
    add("out", trace.residual(layer + 1)[position] - trace.edit_out(layer + 1)[position])
    return steps, missing


def _or_none(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except GPTVizError:
        return None
