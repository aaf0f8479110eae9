"""EmbeddingView: a token's embedding, its parts, and the nearest rows of the token table.

The parts are the token's row of the table and its position's row, which add up to the embedding. In models with rotary
positions the view shows instead how positions rotate queries and keys in block 0. The map of the whole token table is a
plotly figure, and a still picture where no kernel runs.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.checks import check_index
from gptviz.display import still
from gptviz.errors import GPTVizError, NotAvailable, fail
from gptviz.pages.answering import PageQuestion
from gptviz.text.visible import visible
from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace
from gptviz.widgets.embedding.phrases import PHRASES
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.opened import OpensPosition

NEAREST = 8
THEMES = ("light", "dark")
MAP_TYPE = {"screen": 14, "projector": 24}  # font size in pixels of the still picture, which the page scales down


class EmbeddingView(OpensPosition):
    """The embedding of a trace's tokens. source: a Trace, or a PromptBox to follow.

    position: the token shown, -1 for the last; stored in the view's selection.
    """

    _name = "embedding"
    _titles: ClassVar[dict[str, str]] = {"en": "Embedding", "zh": "嵌入"}
    _phrases = PHRASES
    _answers: ClassVar[dict[str, str]] = {
        **OpensPosition._answers, "rows": "_answer_rows", "neighbours": "_answer_neighbours", "turned": "_answer_turned",
        "map": "_answer_map",
    }  # fmt: skip

    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any = None, *, position: int | None = None, **keywords: Any):
        self._figure: Any = None
        self._drawn: tuple[Any, ...] = ()  # the arguments that the figure was made with
        self._kept: tuple[Any, Any] = (None, None)  # a trace, and its `unrotated`
        super().__init__(source, **keywords)
        self._set_given(position=position)

    def _fill(self) -> None:
        trace = self._require_trace()
        if self.selection.query >= len(trace.tokens):
            self.selection.query = -1
        self._about = {
            "tokens": [describe(token) for token in trace.tokens],
            "width": trace.d_model,
            "parts": parts_of(trace)[0],
            "heads": trace.heads_in(0) if self._is_rotary() else 0,
        }

    def close(self) -> None:
        """Closes the view and the figure in it."""
        if getattr(self, "_figure", None) is not None:  # an error in __init__ closes a view that has no figure yet
            self._figure.close()
            self._figure = None
        super().close()

    # Answers to the page

    def _answer_rows(self, position: int) -> Array:
        """Returns the parts of the embedding at this token, in the order of `parts_of`: (parts, d_model)."""
        trace, position = self._require_trace(), self._check_position(position)
        return np.stack([trace.embedding(kind)[position] for kind in parts_of(trace)[0]])

    def _answer_neighbours(self, position: int) -> list[dict[str, Any]]:
        trace = self._require_trace()
        near = trace.nearest(trace.tokens[self._check_position(position)].id, NEAREST)
        return [{"token": describe(token), "cosine": cosine} for token, cosine in near]

    def _answer_turned(self, position: int, head: int) -> Array:
        """Returns the head's query before and after its position rotates it, then its key before and after: (4, d_head)."""
        trace, position = self._require_trace(), self._check_position(position)
        queries, keys = self._unrotated()
        head = check_index(head, len(queries), "head")
        group = head // (len(queries) // len(keys))
        rotated_query, rotated_key = trace.q(0)[head, position], trace.k(0)[group, position]
        return np.stack([queries[head, position], rotated_query, keys[group, position], rotated_key])

    def _unrotated(self) -> tuple[Array, Array]:
        """Returns `Trace.unrotated`, for which the model runs once for each trace and not for each question."""
        trace = self._require_trace()
        if self._kept[0] is not trace:
            self._kept = trace, trace.unrotated()
        queries, keys = self._kept[1]
        return queries, keys

    def _is_rotary(self) -> bool:
        try:
            self._unrotated()
        except GPTVizError:
            return False
        return True

    def _answer_map(self, theme: str) -> dict[str, Any]:
        """Returns the map of the token table: a reference to the plotly figure, and its still picture.

        In an exported page there is no figure; see `answers_for_a_page`.
        """
        if theme not in THEMES:
            raise fail(f"a theme among {', '.join(THEMES)}", f"{theme!r:.40}", "Reload the page.")
        trace = self._require_trace()
        arguments = trace, theme, self.scale, self.language
        if self._figure is None or self._drawn != arguments:
            # A new figure each time: a page that is still drawing a figure loses changes made to it.
            before, figure = self._figure, _figure_class()(map_figure(*arguments))
            self._figure, self._drawn = figure, arguments
            if before is not None:
                before.close()
        return {"figure": f"anywidget:{self._figure.model_id}", "picture": self._map_picture(theme)}

    def _map_picture(self, theme: str) -> str:
        return still.picture("", _map_shape(self._require_trace(), theme, self.scale), theme=theme)

    def answers_for_a_page(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Yields the answers for an exported page, where the map is a picture: only a kernel can draw the figure."""
        for theme in THEMES:
            try:
                yield "map", {"theme": theme}, {"figure": None, "picture": self._map_picture(theme)}
            except NotAvailable as error:  # a table with NaN has no map
                yield "map", {"theme": theme}, error
        yield from super().answers_for_a_page()

    def _page_questions(self) -> Iterator[PageQuestion]:
        trace = self._require_trace()
        for position in self._page_positions():
            yield "rows", {"position": position}
            yield "neighbours", {"position": position}
        if self._is_rotary():
            for position in self._page_positions():
                yield from (("turned", {"position": position, "head": head}) for head in range(trace.heads_in(0)))

    # The still picture and the table

    def _shapes(self) -> list[still.Shape]:
        trace = self._require_trace()
        token = trace.tokens[self.position]
        rows = [(visible(t), max(0.0, c), f"{c:.3f}") for t, c in trace.nearest(token.id, NEAREST)]
        caption = self._phrase("near", token=visible(token))
        shapes = [still.chips(trace.tokens), still.words(caption), still.bars(rows)]
        with suppress(NotAvailable):  # a table with NaN has no map
            shapes.append(_map_shape(trace))
        return shapes

    def to_table(self) -> list[dict[str, Any]]:
        """Returns a row for each dimension of the shown token's embedding, with a column for each part."""
        trace = self._require_trace()
        parts = parts_of(trace)[0]
        columns = {kind: trace.embedding(kind)[self.position] for kind in parts}
        return [{"dimension": i, **{kind: float(columns[kind][i]) for kind in parts}} for i in range(trace.d_model)]


@cache
def _figure_class() -> Any:
    """Returns plotly's FigureWidget with its page side as text.

    Where it is a file, anywidget keeps every figure alive: each waits for changes of the file.
    """
    import plotly.graph_objects as go  # here since it is slow to import, and few pages open the map

    return type("MapFigure", (go.FigureWidget,), {"_esm": str(go.FigureWidget._esm)})


def parts_of(trace: Trace) -> tuple[list[str], str]:
    """Returns the kinds of embedding that the trace has, "sum" last, and the reason if "sum" is the only one."""
    try:
        trace.embedding("position")
    except NotAvailable as error:
        return ["sum"], str(error)
    return ["token", "position", "sum"], ""


def map_figure(trace: Trace, theme: str = "light", scale: str = "screen", language: str = "en") -> Any:
    """Returns the map of the token table, with this text's tokens marked, as a plotly Figure."""
    from gptviz.figures import embedding_map  # here since it imports plotly, which is slow to import

    points, shares = trace.token_plane()
    labels = [trace.vocab_token(id).text for id in range(len(points))]
    figure = embedding_map(points, labels, marked=[token.id for token in trace.tokens], theme=theme, scale=scale)
    template = PHRASES[language]["direction"]
    x_title, y_title = (template.format(number=i + 1, share=f"{100 * shares[i]:.1f}") for i in range(2))
    height = figure.layout.height - figure.layout.margin.t + 10  # removes the title's margin; the plane stays as high
    return figure.update_layout(title=None, margin_t=10, height=height, xaxis_title=x_title, yaxis_title=y_title)


def _map_shape(trace: Trace, theme: str = "light", scale: str = "screen") -> still.Shape:
    names = {token.id: visible(token) for token in trace.tokens}
    return still.scatter(trace.token_plane()[0], names, theme, MAP_TYPE[scale])
