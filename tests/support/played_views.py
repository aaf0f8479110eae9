"""Makes every view of a trace and asks it everything that an exported page would ask."""

import json

import numpy as np
from view_classes import views_of_a_trace

from gptviz.errors import GPTVizError


def play(view):
    """Draws a view, and returns its answers as {question: answer}; fails if a page could not read one as JSON.

    An answer may be a GPTVizError, which the page shows.
    """
    json.dumps(view.get_state(), allow_nan=False, default=lambda value: type(value).__name__)
    view.still()
    answers = {}
    for name, args, answer in view.answers_for_a_page():
        if not isinstance(answer, (np.ndarray, GPTVizError)):
            json.dumps(answer, allow_nan=False)
        answers[name, json.dumps(args)] = answer
    return answers


def play_all(trace):
    """Plays every public view of a trace; returns the classes that refuse it in words."""
    refused = set()
    for kind in views_of_a_trace():
        try:
            view = kind(trace)
        except GPTVizError:
            refused.add(kind.__name__)
            continue
        play(view)
        try:
            view.to_table()
        except GPTVizError:
            refused.add(f"{kind.__name__}.to_table")
    return refused
