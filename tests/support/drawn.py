"""What a drawing draws: its marks and texts."""

from shown import half_of_decimal

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


def share_error(length, decimals=2, parts=3):
    """Returns how far a share that was read from a drawing may be from its number: one part of `length`, divided by `length`.

    decimals: with how many a drawing writes its numbers, 1 in paths. parts: of how many rounded numbers the length is made,
    and the other end of the part.
    """
    return (1 + parts) * half_of_decimal(decimals) / length


def check_texts_are_inside(canvas, width, turned=1.0):
    """Checks that no text leaves the canvas. turned: the share of its length that a turned text takes sideways."""
    for mark in canvas.marks:
        if mark["tag"] == "text":
            wide = room(mark["text"], mark["font-size"], mark["code"]) * (turned if "transform" in mark else 1)
            left = mark["x"] - wide * {"start": 0, "middle": 0.5, "end": 1}[mark["text-anchor"]]
            assert left >= -1 and left + wide <= width + 8, mark
            assert mark["y"] <= canvas.height, mark
