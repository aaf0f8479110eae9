"""Where heads looked when the token of a step was chosen: the questions that an exported page keeps, and their answer."""

from collections.abc import Iterator, Mapping, Sequence

from gptviz.errors import OutOfRange, fail
from gptviz.pages.answering import PageQuestion
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace


def attention_questions(
    heads_in: Sequence[int], opened: tuple[int, int], steps: Mapping[int, int], has_source: bool
) -> Iterator[PageQuestion]:
    """Yields a question for each head and step, those about the open head first.

    heads_in: the number of heads of each layer. opened: layer and head. steps: how many each branch has, in the order of the
    questions. has_source: whether the model is an encoder-decoder, whose cross attention is asked about too.
    """
    heads = [(layer, head) for layer, count in enumerate(heads_in) for head in range(count)]
    stacks: list[dict[str, str]] = [{}, {"stack": "cross"}] if has_source else [{}]
    for some_heads in ([head for head in heads if head == opened], [head for head in heads if head != opened]):
        for choice, count in steps.items():
            for stack in stacks:
                questions = ({"choice": choice, "layer": layer, "head": head} | stack for layer, head in some_heads)
                yield from (("attention", args | {"step": step}) for args in questions for step in range(count))


def attention_row(trace: Trace, position: int, layer: int, head: int, stack: str) -> Array:
    """Returns the head's weights at one token, of the tokens so far, or of the source's in cross attention: (keys,)."""
    if stack not in ("decoder", "cross"):
        raise fail("the stack decoder or cross", f"{stack!r:.60}", "Reload the page.", OutOfRange)
    shown = trace.of_stack(stack)
    row: Array = shown.attention(layer, head)[position]
    return row[: position + 1] if shown.is_causal else row
