"""A printed text follows its prompt, waits for its questions, and says so if it is of an earlier prompt."""

import pytest
from page_messages import ask as ask_as_page

from gptviz import lessons
from gptviz.errors import WrongType


def count(trace):
    print(f"{len(trace.text)} characters")
    print("end")


def test_a_new_prompt_is_printed(box, capsys):
    view = lessons.printed(count, box)
    assert view.text == "12 characters\nend"
    box.run("a fat black cat")
    assert view.text == "15 characters\nend" and not view.is_of_another_prompt
    assert view.to_table() == [{"line": "15 characters"}, {"line": "end"}]
    assert "15 characters" in view.still()
    assert capsys.readouterr().out == ""


def test_without_a_source_nothing_is_handed_over():
    assert lessons.printed(lambda: print("once")).text == "once"


def test_a_text_waits_for_its_questions_at_every_prompt(box):
    question = lessons.ask("One?", answer=lambda trace: 1, source=box)
    view = lessons.printed(count, box, until=[question])
    assert view._covered_by == ["One?"] and "12 characters" not in view.still()
    question.reveal()
    assert view._covered_by == [] and "12 characters" in view.still()
    box.run("a fat black cat")
    assert view._covered_by == ["One?"]


def test_a_long_computation_keeps_its_text_marked_until_it_is_asked_for_again(box):
    computed = []

    def slow(trace):
        computed.append(trace.text)
        count(trace)

    view = lessons.printed(slow, box, follows=False)
    box.run("a fat black cat")
    assert view.text == "12 characters\nend" and view.is_of_another_prompt
    assert view._about["stale"] == "the thin owl"
    box.run("the thin owl")
    assert not view.is_of_another_prompt, "the text is of this prompt again"
    box.run("a fat black cat")
    assert computed == ["the thin owl"]
    assert ask_as_page(view, "again") is True
    assert view.text == "15 characters\nend" and not view.is_of_another_prompt
    assert computed == ["the thin owl", "a fat black cat"]


def test_an_error_is_shown_below_what_was_printed(box):
    def fails_for_cats(trace):
        count(trace)
        if "cat" in trace.text:
            raise ZeroDivisionError("no cats")

    view = lessons.printed(fails_for_cats, box)
    box.run("a cat")
    assert (view.text, view._about["problem"]) == ("5 characters\nend", "ZeroDivisionError: no cats")
    box.run("an owl")
    assert view._about["problem"] == ""


def test_arguments_are_checked(box):
    with pytest.raises(WrongType, match="a function that prints"):
        lessons.printed("text")
    with pytest.raises(WrongType, match="questions to wait for"):
        lessons.printed(count, box, until=[box])
