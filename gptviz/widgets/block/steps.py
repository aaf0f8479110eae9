"""The steps of one token through one block: every vector from the stream that enters to the stream that leaves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gptviz.errors import GPTVizError, error_for_page
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

STRONGEST = 8  # neurons that are shown one by one


def block_steps(trace: Trace, layer: int, position: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Returns the steps of one token through one block in order, and the reasons why some are missing.

    A step: kind ("in", "norm", "head", "bias", "attention", "middle", "neuron", "others", "mlp", "out"), vector
    (d_model,), length, and head, or neuron and activation. missing: {part: error as a page takes it}, for parts that the
    family, an edit or a saved trace does not have.
    """
    steps: list[dict[str, Any]] = []
    missing: dict[str, Any] = {}

    def add(kind: str, vector: Array, **details: Any) -> None:
        steps.append({"kind": kind, "vector": vector, "length": float(np.linalg.norm(vector)), **details})

    def attempt(part: str, add_steps: Callable[[], None]) -> None:
        try:
            add_steps()
        except GPTVizError as error:
            missing[part] = error_for_page(error)

    def add_heads() -> None:
        outputs = [trace.head_output(layer, head)[position] for head in range(trace.heads_in(layer))]
        for head, output in enumerate(outputs):
            add("head", output, head=head)
        if (bias := trace.head_bias(layer)[position]).any():
            add("bias", bias)

    def add_neurons() -> None:
        outputs, activations = trace.neurons(layer, position), trace.mlp_activations(layer)[position]
        strongest = np.argsort(-np.linalg.norm(outputs, axis=1), kind="stable")[:STRONGEST]
        for neuron in strongest:
            add("neuron", outputs[neuron], neuron=int(neuron), activation=float(activations[neuron]))
        rest = trace.mlp_out(layer)[position] - outputs[strongest].sum(0)
        add("others", rest, count=len(outputs) - len(strongest))

    def add_parts() -> None:
        attention, mlp = trace.attn_out(layer)[position], trace.mlp_out(layer)[position]
        attempt("attention_norm", lambda: add("norm", trace.attn_in(layer)[position], before="attention"))
        attempt("heads", add_heads)
        add("attention", attention)
        if not trace.is_parallel(layer):
            add("middle", stream + attention)
        attempt("mlp_norm", lambda: add("norm", trace.mlp_in(layer)[position], before="mlp"))
        attempt("neurons", add_neurons)
        add("mlp", mlp)

    stream = trace.residual(layer)[position]
    add("in", stream)
    attempt("parts", add_parts)
    # The stream that leaves the block is the one before any edit of the stream that enters the next block.
    add("out", trace.residual(layer + 1)[position] - trace.edit_out(layer + 1)[position])
    return steps, missing
