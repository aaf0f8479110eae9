"""What a drawing draws: its marks and texts."""

from gptviz.drawings import Canvas
from gptviz.drawings.canvas import room


def drawn(drawing, width=840, language="en"):
    canvas = Canvas(width, language)
    drawing.draw(canvas)
    return canvas


def marks(drawing, **wanted):
    """Returns the marks of a drawing that have these attributes."""
    return [mark for mark in drawn(drawing).marks if all(mark.get(name) == value for name, value in wanted.items())]


def texts(drawing):
    return [mark["text"] for mark in marks(drawing, tag="text")]


def check_texts_are_inside(canvas, width, turned=1.0):
    """Checks that no text leaves the canvas. turned: the share of its length that a turned text takes sideways."""
    for mark in canvas.marks:
        if mark["tag"] == "text":
            wide = room(mark["text"], mark["font-size"], mark["code"]) * (turned if "transform" in mark else 1)
            left = mark["x"] - wide * {"start": 0, "middle": 0.5, "end": 1}[mark["text-anchor"]]
            assert left >= -1 and left + wide <= width + 8, mark
            assert mark["y"] <= canvas.height, mark
