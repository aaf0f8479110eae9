"""A picture in a lesson follows its prompt, waits for its questions, and shows an error of the lesson's function."""

import json

import pytest

from gptviz import drawings, lessons
from gptviz.errors import GPTVizError, WrongType


def row(trace):
    return drawings.shares(trace.score_stages(0, 0)["masked"][-1], trace.tokens, trace.tokens[-1])


def marks(view):
    return json.dumps(view._about["marks"], allow_nan=False)


def test_a_new_prompt_is_drawn(box):
    view = lessons.picture(row, box)
    assert [one["token"] for one in view.to_table()] == [token.text for token in box.trace.tokens]
    before = marks(view)
    box.run("a fat cat")
    assert marks(view) != before
    assert [one["token"] for one in view.to_table()] == [token.text for token in box.trace.tokens]
    assert view._about["columns"][:2] == [["token", True], ["score", False]]


def test_a_projector_gets_a_narrower_canvas_so_that_type_is_larger(box):
    view = lessons.picture(row, box)
    assert view._about["width"] == 840
    view.scale = "projector"
    assert view._about["width"] == 560


def test_titles_follow_the_language(box):
    view = lessons.picture(row, box)
    view.language = "zh"
    assert view._title == view._about["title"] == view.drawing.title(drawings.Canvas(language="zh"))
    assert view._title in view.still()


def test_a_picture_waits_for_all_of_its_questions(box):
    first, second = (lessons.ask(text, answer=lambda trace: 1, source=box) for text in ("One?", "Two?"))
    second.reveal()
    view = lessons.picture(row, box, until=[first, second])
    assert view._covered_by == ["One?"] and "Covered until" in view.still()
    assert first._about["covers"] == [f"anywidget:{view.model_id}"]
    first.reveal()
    assert view._covered_by == []
    box.run("a fat cat")
    assert sorted(view._covered_by) == ["One?", "Two?"], "a new prompt asks both again"
    first.guess(1), second.guess(1)
    assert view._covered_by == []


def test_a_drawing_that_needs_no_trace_has_no_source():
    view = lessons.picture(lambda: drawings.treemap({0: {"MLPs": 3}}))
    assert view.to_table() == [{"column": 0, "part": "MLPs", "parameters": 3, "share": 1.0}]


def test_a_drawing_of_texts_has_no_table_below_it_that_repeats_them():
    view = lessons.picture(lambda: drawings.samples({"one": "a text"}, "Texts"))
    assert view._about["rows"] == view._about["columns"] == []
    assert view.to_table() == [{"sample": "one", "text": "a text"}]


def test_infinity_is_written_for_the_page(gpt):
    view = lessons.picture(lambda trace: drawings.shares([float("-inf"), 1.0], trace.tokens[:2]), gpt.trace("the owl"))
    assert view._about["rows"][0][1] == {"text": "−∞", "title": "-inf"}
    json.dumps(view._about, allow_nan=False)


def test_an_error_in_the_function_is_shown_and_the_next_prompt_is_drawn(box):
    def fails_for_cats(trace):
        if "cat" in trace.text:
            raise ZeroDivisionError("no cats")
        return row(trace)

    view = lessons.picture(fails_for_cats, box)
    box.run("a fat cat")
    assert view._about == {"problem": "ZeroDivisionError: no cats"}
    assert view.to_table() == [] and "no cats" in view.still()
    box.run("an owl")
    assert view._about["problem"] == ""
    assert "a drawing" in lessons.picture(lambda trace: 7, box)._about["problem"]


def test_arguments_are_checked(box):
    with pytest.raises(WrongType, match="a function that draws"):
        lessons.picture(7)
    with pytest.raises(WrongType, match="questions to wait for"):
        lessons.picture(row, box, until=[box])
    with pytest.raises(GPTVizError, match="keywords of DrawingView among"):
        lessons.picture(row, box, colour="red")
