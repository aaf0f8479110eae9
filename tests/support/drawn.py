"""What a drawing draws: its marks and texts."""

from gptviz.drawings import Canvas


def drawn(drawing, width=840, language="en"):
    canvas = Canvas(width, language)
    drawing.draw(canvas)
    return canvas


def marks(drawing, **wanted):
    """Returns the marks of a drawing that have these attributes."""
    return [mark for mark in drawn(drawing).marks if all(mark.get(name) == value for name, value in wanted.items())]


def texts(drawing):
    return [mark["text"] for mark in marks(drawing, tag="text")]
