"""EmbeddingView: how a token becomes numbers: its row of the table, its position's, their sum, and what lies near it.

Where positions are not added but turn queries and keys, that is shown instead, on block 0. The map of the whole table
is a plotly figure; where no kernel runs, its picture stands there.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.display.phrases import phrase
from gptviz.errors import GPTVizError, NotAvailable
from gptviz.text.visible import visible
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.view import View

NEAREST = 8
MAP_TYPE = {"screen": 14, "projector": 24}  # pixels of the picture, which the page shows somewhat smaller


class EmbeddingView(View):
    """The embedding of a trace's tokens. source: a Trace, or a PromptBox to follow.

    position: which token is shown, -1 for the last; kept in the view's selection.
    """

    _name = "embedding"
    _titles: ClassVar[dict[str, str]] = {"en": "Embedding", "zh": "嵌入"}
    _answers: ClassVar[dict[str, str]] = {
        **View._answers, "rows": "_answer_rows", "neighbours": "_answer_neighbours", "turned": "_answer_turned",
        "map": "_answer_map",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any = None, *, position: int | None = None, **keywords: Any):
        self._figure: Any = None
        self._drawn: tuple[Any, ...] = ()  # what the figure shows, and how
        super().__init__(source, **keywords)
        if position is not None:
            self.position = position

    @property
    def position(self) -> int:
        """The token that is shown; -1 is the last."""
        return int(self.selection.query)

    @position.setter
    def position(self, value: int) -> None:
        self.selection.query = check_index(value, len(self._require_trace().tokens), "position", negative=True)

    def _fill(self) -> None:
        trace = self._require_trace()
        if self.selection.query >= len(trace.tokens):
            self.selection.query = -1
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "width": trace.d_model,
            "parts": parts_of(trace)[0],
            "heads": trace.n_heads if _turns(trace) else 0,
        }

    def close(self) -> None:
        """Take the view, and the figure in it, away."""
        if getattr(self, "_figure", None) is not None:  # a view that was refused is closed half made
            self._figure.close()
            self._figure = None
        super().close()

    # The page's questions

    def _answer_rows(self, position: int) -> Array:
        """What enters block 0 at this token and its parts, in the order of `parts`: (parts, d_model)."""
        trace, position = self._require_trace(), self._position(position)
        return np.stack([trace.embedding(kind)[position] for kind in parts_of(trace)[0]])

    def _answer_neighbours(self, position: int) -> list[dict[str, Any]]:
        trace = self._require_trace()
        near = trace.nearest(trace.tokens[self._position(position)].id, NEAREST)
        return [{"token": describe(token), "cosine": cosine} for token, cosine in near]

    def _answer_turned(self, position: int, head: int) -> Array:
        """The head's query and key, each before and after its position turned it: (4, d_head)."""
        trace, position = self._require_trace(), self._position(position)
        head = check_index(head, trace.n_heads, "head")
        queries, keys = trace.unrotated()
        group = head // (trace.n_heads // len(keys))
        after = trace.q(0)[head, position], trace.k(0)[group, position]
        return np.stack([queries[head, position], after[0], keys[group, position], after[1]])

    def _answer_map(self, theme: str) -> dict[str, Any]:
        """The map of the table: the plotly figure, for a page that can draw it, and its picture."""
        trace = self._require_trace()
        wanted = trace, theme, self.scale, self.language
        if self._figure is None or self._drawn != wanted:
            import plotly.graph_objects as go

            if self._figure is not None:
                self._figure.close()
            # Made whole: what is told to a figure later is lost on a page that is just drawing it.
            self._figure, self._drawn = go.FigureWidget(map_figure(*wanted)), wanted
        return {
            "figure": f"anywidget:{self._figure.model_id}",
            "picture": still.picture("", _map_shape(trace, theme, self.scale), theme=theme),
        }

    def _position(self, position: int) -> int:
        return check_index(position, len(self._require_trace().tokens), "position")

    def _page_questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        trace = self._require_trace()
        yield from (("map", {"theme": theme}) for theme in ("light", "dark"))
        for position in range(len(trace.tokens) - 1, -1, -1):
            yield "rows", {"position": position}
            yield "neighbours", {"position": position}
        if _turns(trace):
            for position in range(len(trace.tokens) - 1, -1, -1):
                yield from (("turned", {"position": position, "head": head}) for head in range(trace.n_heads))

    def to_table(self) -> list[dict[str, Any]]:
        """One row a number of the shown token's embedding: dimension, and a column for each part."""
        trace = self._require_trace()
        parts = parts_of(trace)[0]
        columns = {kind: trace.embedding(kind)[self.position] for kind in parts}
        return [{"dimension": i, **{kind: float(columns[kind][i]) for kind in parts}} for i in range(trace.d_model)]

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        shown = trace.tokens[self.position]
        rows = [(visible(t), max(0.0, c), f"{c:.3f}") for t, c in trace.nearest(shown.id, NEAREST)]
        told = self._phrase("near", token=visible(shown))
        return [still.chips(trace.tokens), still.words(told), still.bars(rows), _map_shape(trace)]


def parts_of(trace: Trace) -> tuple[list[str], str]:
    """Which kinds of embedding there are to show, the whole last; and in words why there is only the whole."""
    try:
        trace.embedding("position")
    except NotAvailable as error:
        return ["sum"], str(error)
    return ["token", "position", "sum"], ""


def map_figure(trace: Trace, theme: str = "light", scale: str = "screen", language: str = "en") -> Any:
    """The map of the token table with this text's tokens marked, as a plotly Figure."""
    from gptviz.figures import embedding_map

    points, shares = trace.token_plane()
    labels = [trace.vocab_token(id).text for id in range(len(points))]
    figure = embedding_map(points, labels, marked=[token.id for token in trace.tokens], theme=theme, scale=scale)
    across, down = (phrase(language, "direction", number=i + 1, share=f"{100 * shares[i]:.1f}") for i in range(2))
    height = figure.layout.height - figure.layout.margin.t + 10  # the plane stays as high as its names want it
    return figure.update_layout(title=None, margin_t=10, height=height, xaxis_title=across, yaxis_title=down)


def _turns(trace: Trace) -> bool:
    try:
        trace.unrotated()
    except GPTVizError:
        return False
    return True


def _map_shape(trace: Trace, theme: str = "light", scale: str = "screen") -> still.Shape:
    names = {token.id: visible(token) for token in trace.tokens}
    return still.scatter(trace.token_plane()[0], names, theme, MAP_TYPE[scale])
