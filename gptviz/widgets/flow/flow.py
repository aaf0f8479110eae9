"""FlowView: one picture of the whole pass, from the tokens at the left to the next token at the right.

Its widths are credit: `gptviz.lens.flow` says where what stands in a token after the last block comes from. Beside each
share stands what a real cut does, from `gptviz.lens.cuts`. The shares of all tokens are sent to the page, which follows
another token by itself. Where the family has no values to compute shares from, attention weights are drawn and named so.

An open head is shown by an AttentionView, which is made when the page first asks for it.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz import lens
from gptviz.checks import check_index
from gptviz.display import still
from gptviz.display.numbers import or_none, percent
from gptviz.errors import NotAvailable, error_for_page
from gptviz.lens.cutting import cuts_of
from gptviz.model.looking import looking_once
from gptviz.pages.answering import PageQuestion
from gptviz.sampling.probabilities import likeliest
from gptviz.text.visible import visible
from gptviz.trace.available import available
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.attention.attention import AttentionView
from gptviz.widgets.flow.early import early_probabilities, first_early, reads_back_its_token
from gptviz.widgets.flow.open_blocks import OpenBlocks
from gptviz.widgets.flow.phrases import PHRASES
from gptviz.widgets.flow.playing import describe_draw, describe_last_row, longer_pass
from gptviz.widgets.flow.shares import (
    ColumnShares,
    attention_weights,
    column_shares,
    first_drawn,
    kinds_of_attention,
    layer_ranges,
)
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.edit_list import Spec
from gptviz.widgets.shared.edited import EditedView
from gptviz.widgets.shared.opened import OpensPosition

LEADERS = 8  # likeliest next tokens that have a bar and can be followed


class FlowView(EditedView, OpensPosition):
    """The whole pass as one picture. source: a Trace, or a PromptBox to follow.

    position: the followed token, -1 for the last; stored in the view's selection. edits: what is cut; clicks in the page
    change them, and views of the same PromptBox share them. effects: whether the page says what each cut does before it is
    made; a lesson that asks about it sets False. attention: a view of the same source that shows the open heads; None makes
    one when a head is first opened. Up to 256 tokens and 8 columns are drawn: blocks of a deeper model are pooled by
    multiplying their share matrices, and the page says so; a click on their name shows them one by one. The page's player
    shows the pass step by step, then a token drawn with seed 0 and the pass after it.
    """

    _name = "flow"
    _titles: ClassVar[dict[str, str]] = {"en": "A text flowing through the model", "zh": "一段文字流过模型"}
    _phrases = PHRASES
    _answers: ClassVar[dict[str, str]] = {
        **EditedView._answers, "cuts": "_answer_cuts", "outcome": "_answer_outcome", "lens": "_answer_lens",
        "maps": "_answer_maps", "block": "_answer_block", "draw": "_answer_draw", "next_pass": "_answer_next_pass",
        "column": "_answer_column", "heads": "_answer_heads", "attention": "_answer_attention",
    }  # fmt: skip

    effects = traitlets.Bool(True).tag(sync=True)
    _about = traitlets.Dict().tag(sync=True)
    _carried = traitlets.Bytes().tag(sync=True)  # by attention: float32 (columns, T (T + 1) / 2)
    _kept = traitlets.Bytes().tag(sync=True)  # by the token: stream, bias, MLP: float32 (columns, 3, T)
    _probabilities = traitlets.Bytes().tag(sync=True)  # of the likeliest next tokens: float32 (T, leaders)
    _lens = traitlets.Bytes().tag(sync=True)  # the same at every depth: float32 (T, leaders, L + 1), NaN if not read

    def __init__(
        self, source: Any = None, *, position: int | None = None, edits: Iterable[Any] = (),
        attention: AttentionView | None = None, **keywords: Any,
    ):  # fmt: skip
        self.attention = attention
        self._own_attention: AttentionView | None = None
        super().__init__(source, edits=edits, **keywords)
        self._set_given(position=position)

    def family(self) -> list[Any]:
        """Returns this view, and the view of open heads if there is one."""
        attention = self.attention or self._own_attention
        return [self] if attention is None else [self, attention]

    def page_family(self) -> list[Any]:
        """Returns this view and the view of open heads, if this model has attention maps."""
        with suppress(NotAvailable):
            self._require_trace()
            self._attention_view()
        return self.family()

    def close(self) -> None:
        """Closes the view and the view of open heads that it has made."""
        attention: AttentionView | None = getattr(self, "_own_attention", None)  # none if __init__ raised an error
        if attention is not None:
            attention.close()
        super().close()

    def _attention_view(self) -> AttentionView:
        """Returns the view of open heads. Raises NotAvailable if no layer has attention maps."""
        if self.attention is not None:
            return self.attention
        if self._own_attention is None:
            self._own_attention = AttentionView(self._plain, selection=self.selection)
            for name in ("scale", "language"):
                traitlets.dlink((self, name), (self._own_attention, name))
        return self._own_attention

    def _fill(self) -> None:
        with (block := looking_once()), block as looks:  # for the hundreds of questions that the picture has
            self._fill_from(self._require_trace())
        looks.check()

    def _fill_from(self, trace: Trace) -> None:
        self._start_edits(trace)
        plain = self._plain
        if self._own_attention is not None:
            self._own_attention.trace = plain
        if self.selection.query >= len(trace.tokens):
            self.selection.query = -1
        self._ranges = layer_ranges(trace.n_layers)
        self._flow, refusal = self._compute_flow(plain)
        self._blocks = OpenBlocks(plain, self._flow)
        self._shares = self._column_shares(plain, self._flow, self._ranges)
        self._kinds = ["held"] * trace.n_layers if self._flow else kinds_of_attention(plain)
        self._carried, self._kept = self._shares.packed()
        positions = range(first_drawn(len(trace.tokens)), len(trace.tokens))
        probabilities = [plain.probabilities(position) for position in positions]
        ids = [likeliest(row, LEADERS) for row in probabilities]
        hidden = len(self._shares.stream[0]) - len(positions)  # 1 if a token stands for the earlier ones
        shares = np.stack([row[some] for row, some in zip(probabilities, ids, strict=True)])
        self._probabilities = np.concatenate([np.zeros((hidden, len(ids[0])), np.float32), shares]).tobytes()
        lens_refusal = self._fill_lens(plain, positions, ids, hidden)
        tokens = [describe(trace.tokens[position]) for position in positions]
        earlier = {"id": -1, "text": "", "position": positions[0] - 1, "earlier": positions[0]}
        self._about = {
            "tokens": [earlier, *tokens] if hidden else tokens,
            "layers": trace.n_layers,
            "columns": self._ranges,
            "vocab": trace.vocab_size,
            "start": 0 if trace.tokens[0].special and not hidden and len(tokens) > 1 else None,
            "leaders": [*([ids[0]] if hidden else []), *ids],
            "vocabulary": {str(id): describe(plain.vocab_token(id)) for id in dict.fromkeys(chain(*ids))},
            "tied": lens_refusal is None and reads_back_its_token(plain),
            "attention": self._kinds,
            "refusal": refusal,
            "lensRefusal": lens_refusal,
            "runs": trace.gpt.can_run,
            "cutsHeads": trace.gpt.can_run and plain.route == "interface",
            "byLength": 0 if self._flow is None else len(self._flow.by_length),
            "width": trace.d_model,
            "parallel": [_is_parallel(plain, layer) for layer in range(trace.n_layers)],
        }

    def _compute_flow(self, trace: Trace) -> tuple["lens.Flow | None", dict[str, Any] | None]:
        """Returns the credit of a trace, or None and why there is none, as the page shows it."""
        try:
            return lens.flow(trace), None
        except NotAvailable as error:
            return None, error_for_page(error)

    def _column_shares(self, trace: Trace, flow: "lens.Flow | None", ranges: list[tuple[int, int]]) -> ColumnShares:
        """Returns what is drawn: shares, or attention weights, beside which nothing stays with the token.

        ranges: the first and last layer of each column.
        """
        if flow is not None:
            return column_shares(flow, ranges)
        weights = attention_weights(trace, ranges)
        return ColumnShares(weights, *np.zeros((3, *weights.shape[:2])))

    def _fill_lens(self, trace: Trace, positions: range, ids: list[list[int]], hidden: int) -> dict[str, Any] | None:
        """Sets the probabilities read early; returns why there are none, as the page shows it."""
        self._lens, self._unread = b"", set[int]()  # unread: positions that the page has to ask about
        try:
            shares = first_early(trace, positions, ids)
        except NotAvailable as error:
            return error_for_page(error)
        self._lens = np.concatenate([np.full((hidden, *shares.shape[1:]), np.nan, np.float32), shares]).tobytes()
        self._unread = {position for position, row in zip(positions, shares, strict=True) if np.isnan(row).any()}
        return None

    # Answers to the page

    def _answer_cuts(self, position: int) -> list[dict[str, list[float | None]]]:
        """Returns what the probability of each of the likeliest next tokens is with a block's part cut at `position`.

        attention, mlp: one number for each layer, each of a real pass; None where there is nothing to cut.
        """
        position = self._check_position(position)
        of_each = cuts_of(self._plain, position, [token.id for token, _ in self._leaders(position)])
        return [{"attention": [*map(or_none, cuts.attention)], "mlp": [*map(or_none, cuts.mlp)]} for cuts in of_each]

    def _answer_outcome(self, edits: list[Spec], position: int) -> dict[str, Any]:
        """Returns the next token's probabilities after `position` with these cuts.

        leaders: of the likeliest before, in order. leader: the likeliest with the cuts, before and after them.
        """
        position = self._check_position(position)
        before, after = self._plain.probabilities(position), self._edited_trace(edits).probabilities(position)
        id = int(after.argmax())
        leader = {
            "token": describe(self._plain.vocab_token(id)),
            "before": float(before[id]),
            "after": float(after[id]),
        }
        return {"leaders": [float(after[token.id]) for token, _ in self._leaders(position)], "leader": leader}

    def _answer_lens(self, position: int) -> Array:
        """Returns the likeliest next tokens' probabilities at every depth: (leaders, L + 1)."""
        position = self._check_position(position)
        return early_probabilities(self._plain, [position], [[token.id for token, _ in self._leaders(position)]])[0]

    def _answer_maps(self, layer: int) -> Array:
        return self._blocks.maps(layer)

    def _answer_block(self, layer: int, position: int) -> dict[str, Any]:
        return self._blocks.at(layer, self._check_position(position))

    def _answer_column(self, column: int) -> Array:
        """Returns what is drawn of each block of a column, in the order of `ColumnShares.rows`."""
        first, last = self._ranges[check_index(column, len(self._ranges), "column")]
        return self._column_shares(self._plain, self._flow, [(layer, layer) for layer in range(first, last + 1)]).rows()

    def _answer_heads(self, layer: int) -> Array:
        return self._blocks.parts(layer)

    def _answer_attention(self) -> str:
        """Returns the reference of the view of open heads, for the page's host."""
        return f"anywidget:{self._attention_view().model_id}"

    def _answer_draw(self) -> dict[str, Any]:
        """Returns the token that the player draws after the last one, and how; see `describe_draw`."""
        return describe_draw(self._plain)

    def _answer_next_pass(self) -> dict[str, Any]:
        """Returns the row that the drawn token adds to the pass; see `describe_last_row`.

        token: the drawn one, at its position. leaders: the likeliest tokens after it, each with its probability.
        """
        trace = longer_pass(self._plain)
        shares = self._column_shares(trace, None if self._flow is None else lens.flow(trace), self._ranges)
        leaders = [
            {"token": describe(token), "before": share} for token, share in trace.top(min(LEADERS, trace.vocab_size))
        ]
        row = describe_last_row(shares, len(self._about["tokens"]))
        return {"token": describe(trace.tokens[-1]), "leaders": leaders, **row}

    def _leaders(self, position: int) -> list[tuple[Any, float]]:
        return self._plain.top(min(LEADERS, self._plain.vocab_size), position)

    def _page_questions(self) -> Iterator[PageQuestion]:
        """Yields the present cuts' outcome, then of the last tokens first: the effects, and the outcome of each cut alone."""
        positions = sorted(self._page_positions(), key=lambda position: position != self._shown_position())
        if self._edits:
            yield "outcome", {"edits": self._edits, "position": positions[0]}
        yield "draw", {}
        if self._plain.gpt.can_run:
            yield "next_pass", {}
        for position in positions:
            if self.effects:
                yield "cuts", {"position": position}
            if position in self._unread:
                yield "lens", {"position": position}
        if len(self.family()) > 1:
            yield "attention", {}
        for column, (first, last) in enumerate(self._ranges):
            if first < last:
                yield "column", {"column": column}
        position = positions[0]
        for layer in range(self._plain.n_layers):
            for kind in ("ablate_attention", "ablate_mlp"):
                spec = {"kind": kind, "layer": layer, "position": position}
                yield "outcome", {"edits": [spec], "position": position}
            yield "maps", {"layer": layer}
            yield "heads", {"layer": layer}
            yield "block", {"layer": layer, "position": position}

    def _shown_position(self) -> int:
        return check_index(self.position, len(self._require_trace().tokens), "position", negative=True)

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        trace, position = self._require_trace(), self._shown_position()
        token, is_credit = visible(trace.tokens[position]), self._flow is not None
        credit = self._credit(position)
        shares = [float(share) for share in (credit[0] if is_credit else np.nanmax(credit, 0))]
        drawn = max(position, first_drawn(len(trace.tokens))) - len(trace.tokens)  # from the end
        rows = []
        for (first, last), weights in zip(self._ranges, self._shares.attention[:, drawn], strict=True):
            if "held" not in self._kinds[first : last + 1]:
                continue
            share = float(weights.sum() if is_credit else weights.max())
            name = self._phrase("block" if first == last else "blocks", first=first, last=last)
            rows.append((name, share, percent(share)))
        cuts = "; ".join(repr(edit) for edit in self.edits)
        return [
            still.words(self._phrase("credit" if is_credit else "weights", token=token)),
            still.chips(trace.tokens, [percent(share) for share in shares], shares),
            still.words(self._phrase("attention" if is_credit else "look", token=token)),
            still.bars(rows),
            *([still.words(self._phrase("cuts", edits=cuts))] if cuts else []),
            still.words(self._phrase("next_cut" if cuts else "next", token=token)),
            still.bars([(visible(one), p, percent(p)) for one, p in self.after.top(LEADERS, position)]),
        ]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each depth and token: its share of what stands in the followed token after the last block.

        Depth 0 is the embedding; the shares of a depth sum to 1. Where attention weights are drawn, a row has the weight
        that the block at that depth gives the token, if it is known. `gptviz.lens.cuts` has the numbers of the cuts.
        """
        trace, name = self._require_trace(), "weight" if self._flow is None else "credit"
        return [
            {"depth": depth, "position": token.position, "token": token.text, name: float(row[token.position])}
            for depth, row in enumerate(self._credit(self._shown_position()))
            for token in trace.tokens
            if not np.isnan(row[token.position])
        ]

    def _credit(self, position: int) -> Array:
        """Returns the credit at each depth, (L + 1, T), or the weights that each block gives, (L, T), NaN without a map."""
        if self._flow is not None:
            return self._flow.at(position).importance
        trace = self._plain
        rows = available(lambda layer: trace.attention(layer)[:, position].mean(0), range(trace.n_layers))
        weights = np.full((trace.n_layers, len(trace.tokens)), np.nan, np.float32)
        for layer, row in rows:
            weights[layer] = row
        return weights


def _is_parallel(trace: Trace, layer: int) -> bool:
    """Returns whether attention and the MLP of a block work at the same time; no, where that is not known."""
    with suppress(NotAvailable):
        return trace.is_parallel(layer)
    return False
