"""DrawingView: a drawing of the latest trace, which a question can cover. Made by `gptviz.lessons.picture`.

Python lays the drawing out, and the page gives it the colours of its theme.
"""

from typing import Any, ClassVar

import numpy as np
import traitlets

from gptviz.display import still
from gptviz.display.numbers import significant
from gptviz.drawings.canvas import WIDTH, Canvas, Drawing
from gptviz.errors import WrongType, fail
from gptviz.lessons.computed import ComputedView
from gptviz.lessons.question import error_text

_MAGNIFICATION = {"screen": 1.0, "projector": 1.5}
_TOKENS = ("token", "key", "at", "looks_at")  # the columns of tables that have tokens' texts


class DrawingView(ComputedView):
    """Shows a drawing with its numbers, if it has any, as a table. function: of the trace, or of nothing without a source.

    drawing: what is shown; None if it could not be made. until: the questions that must be answered before it is shown.
    """

    _name = "drawing"
    _titles: ClassVar[dict[str, str]] = {"en": "Drawing", "zh": "图"}
    _redraw_traits: ClassVar[tuple[str, ...]] = ("trace", "scale", "language")

    _about = traitlets.Dict().tag(sync=True)

    drawing: Drawing | None = None

    def _fill(self) -> None:
        """Draws what the lesson's function returns. An error in it is shown in the view."""
        self._about = {}
        try:
            self.drawing = self._compute()
            if not isinstance(self.drawing, Drawing):
                got = type(self.drawing).__name__
                raise fail("a drawing", got, "Return gptviz.drawings.angles(…) or another one.", WrongType)
        except Exception as error:
            self.drawing = None
            self._about = {"problem": error_text(error)}
            return
        canvas = self._canvas(WIDTH / _MAGNIFICATION[self.scale])
        self._title = self.drawing.title(canvas)
        rows = self.drawing.to_table() if self.drawing.has_numbers else []
        self._about = {
            "problem": "",
            "title": self._title,
            "width": canvas.width,
            "height": canvas.height,
            "marks": canvas.marks,
            "columns": [[canvas.phrase(column), column in _TOKENS] for column in (rows[0] if rows else {})],
            "rows": [[_cell(value) for value in row.values()] for row in rows],
        }

    def _canvas(self, width: float) -> Canvas:
        """Returns a canvas with the drawing."""
        canvas = Canvas(width, self.language)
        if self.drawing is not None:
            self.drawing.draw(canvas)
        return canvas

    def _shapes(self) -> list[still.Shape]:
        return [still.words(self._about["problem"]) if self.drawing is None else self._canvas(WIDTH).shape()]

    def to_table(self) -> list[dict[str, Any]]:
        """Returns the numbers that are drawn, as rows; no rows if there is no drawing."""
        return [] if self.drawing is None else self.drawing.to_table()


def _cell(value: Any) -> dict[str, str]:
    """Returns a value of a table as the page shows it: a text, and for a number a title with all its digits."""
    if value is None or isinstance(value, str):
        return {"text": value or ""}
    if isinstance(value, int):
        return {"text": f"{value:,}", "title": str(value)}
    text = significant(value) if np.isfinite(value) else str(value).replace("inf", "∞").replace("-", "−")
    return {"text": text, "title": str(value)}
