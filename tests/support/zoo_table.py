"""Writes and reads `docs/families.md`: a row for each family, and the reasons of all refusals, numbered."""

import re
from pathlib import Path

import transformers
from zoo_checks import QUANTITIES, Outcome, Row

PAGE = Path(__file__).parents[2] / "docs" / "families.md"

_INTRODUCTION = """\
# Families of models

Every family in the list of causal language models of transformers {version}. A small model of each was built with random
weights and traced, and what the trace says was compared with the untouched model. `make zoo` does this again and writes
this page; do not edit it by hand.

- **exact**: equal to transformers' own numbers, to rounding. *exact in 1 of 3* where only some layers have the quantity.
- **refused**: gptviz says that it cannot show the quantity. The numbers in brackets are the reasons and remarks below.
- **Route**: how attention maps are computed. *interface*: from the queries and keys that the family gives to transformers'
  `AttentionInterface`. *eager*: by the family itself (`output_attentions=True`). None where the model cannot be wrapped.

What is compared: the logits; attention maps with the family's own eager attention; the stream with what enters and leaves
the blocks; its parts (attention and MLP) with the change of the stream; heads and neurons with what they sum to, and with
the model with one of them silenced by a hook; the logit lens with the model whose last block returns the stream of each
depth; shares with the logit that they sum to; the flow's shares with their formula over every head and key; edits with
hooks that do the same; greedy text with `generate`.

Where the flow is exact, `FlowView` draws credit. Where it is refused, the view says why, and draws attention weights
instead if there are maps.
"""

_ENCODER_DECODERS = """\

## Encoder-decoders

`gptviz.wrap(model, tokenizer)` takes these too, and `trace(source, target)` traces them. `tests/model/test_sequences.py` compares
small models with random weights with transformers' own numbers: the logits; the maps of the encoder, of the decoder and of
cross attention with `output_attentions` of its eager attention; both streams with what enters and leaves the blocks; the parts
(attention, cross attention and MLP) with the stream that they sum to; heads with what they sum to, and with their maps, values
and projections; the logit lens with the family's own norm, scale, unembedding and bias at each depth; shares with the logit
that they sum to; greedy text with `generate`, and drawn text with the probabilities of its trace. BART is compared with a
forward pass in NumPy too. Where parts are refused, a norm follows each sum.

| Family | Class | Logits | Maps of three stacks | Streams | Parts | Heads | Lens | Shares | Text |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| t5 | T5ForConditionalGeneration | exact | exact | exact | exact | exact | exact | exact | exact |
| mt5 | MT5ForConditionalGeneration | exact | exact | exact | exact | exact | exact | exact | exact |
| bart | BartForConditionalGeneration | exact | exact | exact | refused | refused | exact | refused | exact |
| marian | MarianMTModel | exact | exact | exact | refused | refused | exact | refused | exact |
| m2m_100 | M2M100ForConditionalGeneration | exact | exact | exact | exact | exact | exact | exact | exact |
| pegasus | PegasusForConditionalGeneration | exact | exact | exact | exact | exact | exact | exact | exact |
| whisper | WhisperForConditionalGeneration | exact | exact | exact | exact | exact | exact | exact | exact |

Other encoder-decoders are wrapped if their attention calls transformers' `AttentionInterface`; what the numbers of a pass do not
confirm is refused. Edits and sweeps of all three stacks are compared with hooks, saved files with the traces that they hold, and
what the views show of them with transformers' own numbers. The flow of credit, the flow picture, the comparison, the embedding
view and the explorer are for decoder-only models so far.
"""


def page(rows: list[Row], not_built: dict[str, str]) -> str:
    """Returns the page. not_built: the reason for each family of which there is no small model."""
    reasons = {reason: i for i, reason in enumerate(_reasons(rows), start=1)}
    lines = [_INTRODUCTION.format(version=transformers.__version__)]
    header = ["Family", "Class", "Route", *QUANTITIES]
    lines += [_line(header), _line("---" for _ in header), *(_line(_cells(row, reasons)) for row in rows)]
    if reasons:
        lines += ["", "## Reasons and remarks", "", *(f"{i}. {reason}." for reason, i in reasons.items())]
    if not_built:
        lines += ["", "## Families that were not traced", "", _line(["Family", "Why"]), _line(["---", "---"])]
        lines += [_line([family, reason]) for family, reason in not_built.items()]
    return "\n".join(lines) + "\n" + _ENCODER_DECODERS


def rows_by_family(text: str) -> dict[str, list[str]]:
    """Returns the cells after each traced family's name on a page, with the reasons themselves in place of their numbers."""
    reasons = dict(re.findall(r"^(\d+)\. (.*)\.$", text, re.MULTILINE))
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    traced = [line for line in lines if len(line) == len(QUANTITIES) + 3 and line[0] not in ("Family", "---")]
    in_words = lambda cell: re.sub(r"\d+(?=[,)])", lambda number: reasons[number[0]], cell)  # noqa: E731
    return {family: [in_words(cell) for cell in cells] for family, *cells in traced}


def _reasons(rows: list[Row]) -> list[str]:
    """Returns all reasons, each once, in the order of the rows."""
    return list(dict.fromkeys(reason for row in rows for o in row.outcomes.values() for reason in o.reasons))


def _cells(row: Row, reasons: dict[str, int]) -> list[str]:
    return [row.family, row.model_class, row.route or "none", *(_cell(o, reasons) for o in row.outcomes.values())]


def _cell(outcome: Outcome, reasons: dict[str, int]) -> str:
    numbers = ", ".join(str(reasons[reason]) for reason in outcome.reasons)
    return f"{outcome.mark} ({numbers})" if numbers else outcome.mark


def _line(cells) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"
