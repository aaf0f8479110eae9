"""The steps of one token through one block: every vector from the stream that enters to the stream that leaves.

A block of an encoder-decoder's decoder has cross attention between its attention and its MLP.
"""

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
    (d_model,), length, and head, or neuron and activation. The steps of cross attention have `cross` too. missing: {part:
    error as a page takes it}, for parts that the family, an edit or a saved trace does not have.
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

    def add_heads(shown: Trace, details: dict[str, Any]) -> None:
        outputs = [shown.head_output(layer, head)[position] for head in range(shown.heads_in(layer))]
        for head, output in enumerate(outputs):
            add("head", output, head=head, **details)
        if (bias := shown.head_bias(layer)[position]).any():
            add("bias", bias, **details)

    def add_attention(shown: Trace, name: str, details: dict[str, Any]) -> Array:
        output: Array = shown.attn_out(layer)[position]
        if shown is not trace.cross_attention:  # what enters cross attention is not recorded
            attempt(f"{name}_norm", lambda: add("norm", shown.attn_in(layer)[position], before=name))
        attempt(f"{name}_heads", lambda: add_heads(shown, details))
        add("attention", output, **details)
        return output

    def add_neurons() -> None:
        outputs, activations = trace.neurons(layer, position), trace.mlp_activations(layer)[position]
        strongest = np.argsort(-np.linalg.norm(outputs, axis=1), kind="stable")[:STRONGEST]
        for neuron in strongest:
            add("neuron", outputs[neuron], neuron=int(neuron), activation=float(activations[neuron]))
        rest = trace.mlp_out(layer)[position] - outputs[strongest].sum(0)
        add("others", rest, count=len(outputs) - len(strongest))

    def add_parts() -> None:
        mlp, cross = trace.mlp_out(layer)[position], trace.cross_attention
        middle = stream + add_attention(trace, "attention", {})
        if not trace.is_parallel(layer):
            add("middle", middle)
        if cross is not None:
            add("middle", middle + add_attention(cross, "cross", {"cross": True}), cross=True)
        attempt("mlp_norm", lambda: add("norm", trace.mlp_in(layer)[position], before="mlp"))
        attempt("neurons", add_neurons)
        add("mlp", mlp)

    stream = trace.residual(layer)[position]
    add("in", stream)
    attempt("parts", add_parts)
    # The stream that leaves the block is the one before any edit of the stream that enters the next block.
    add("out", trace.residual(layer + 1)[position] - trace.edit_out(layer + 1)[position])
    return steps, missing
