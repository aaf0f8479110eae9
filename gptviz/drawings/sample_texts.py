"""Samples: texts below each other, each with what it is a sample of, such as a step of a training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gptviz.drawings.canvas import Canvas, Drawing, room, wrapped
from gptviz.errors import fail
from gptviz.text.visible import drawable

_SIZE, _LINE, _GAP = 13, 20.0, 12.0


def samples(texts: Mapping[str, str], title: str) -> "Samples":
    """Returns a drawing of texts by name. A line break is drawn as a mark.

    Raises GPTVizError if there is no text.
    """
    if not texts:
        raise fail("texts by name", "none", 'For example {"step 0": "…"}.')
    return Samples(tuple(texts.items()), title)


@dataclass(frozen=True)
class Samples(Drawing):
    """Texts with their names, in order. They are drawn whole, so that a table would only repeat them."""

    has_numbers: ClassVar[bool] = False

    texts: tuple[tuple[str, str], ...]
    name: str

    def title(self, canvas: Canvas) -> str:
        return self.name

    def draw(self, canvas: Canvas) -> None:
        left = max(room(name, _SIZE) for name, _ in self.texts) + 30  # bold names are wider than `room` says
        y = 0.0
        for name, text in self.texts:
            canvas.text(0, y + _LINE / 2, name, bold=True, size=_SIZE)
            for line in _lines(text, canvas.width - left):
                canvas.text(left, y + _LINE / 2, line, size=_SIZE)
                y += _LINE
            y += _GAP

    def to_table(self) -> list[dict[str, Any]]:
        return [{"sample": name, "text": text} for name, text in self.texts]


def _lines(text: str, width: float) -> list[str]:
    """Returns the lines of a text. A line without a space, as in the text of an untrained model, is cut where it is full."""
    most = max(1, int(width / room("m", _SIZE)))
    lines = wrapped(drawable(text.replace("\n", "⏎")), _SIZE, width)
    return [line[i : i + most] for line in lines for i in range(0, max(1, len(line)), most)]
