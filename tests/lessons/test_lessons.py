"""Questions and checks from Python: which answers are right, what is shown, and that nothing gives an answer away."""

import json
import re

import numpy as np
import pytest
import torch
from close import FACTOR, rounding
from families import build, tokenizer
from hypothesis import given
from hypothesis import strategies as st
from properties import ANY_MACHINE

import gptviz
from gptviz.errors import GPTVizError
from gptviz.lessons.asking import ask, check
from gptviz.lessons.judging import read_number
from gptviz.lessons.progress import LessonProgress
from gptviz.loading import CHOSEN


@pytest.fixture(scope="module")
def tales():
    return gptviz.load("tales")


def likeliest_token(trace):
    return trace.top(1)[0][0]


def question_of_next_token(box, **keywords):
    return ask(
        "Which comes next?",
        answer=likeliest_token,
        choices=lambda trace: [token for token, _ in trace.top(4)],
        source=box,
        **keywords,
    )


def sent_to_the_page(question):
    """Returns everything that the page is sent."""
    return json.dumps(question.get_state(["_about", "_state", "tally"]), default=str)


# Guessing


def test_a_wrong_guess_gets_a_hint_about_itself_and_a_right_one_reveals(box):
    question = question_of_next_token(box, hint=lambda given, trace: f"{given.text} has {trace.probabilities()[given.id]:.4f}",
                         explain=lambda trace: f"{trace.top(1)[0][1]:.6f}")  # fmt: skip
    right = likeliest_token(box.trace)
    wrong = next(token for token in question.choices if token.id != right.id)
    assert question.guess(wrong) is False
    assert question._state["hint"] == f"{wrong.text} has {box.trace.probabilities()[wrong.id]:.4f}"
    assert not question.is_right and question.truth is None
    assert question.guess(right) is True
    assert question.is_right and question.truth.id == right.id
    assert question._state["explain"] == f"{box.trace.top(1)[0][1]:.6f}"


def test_the_page_gets_the_answer_only_with_the_reveal(box):
    computed = []

    def answer(trace):
        computed.append(trace)
        return 12.34567

    question = ask("How much?", answer=answer, source=box, explain="It is 12.34567, surely.")
    assert not computed, "the answer was computed before the first guess"
    assert "12.3" not in sent_to_the_page(question)
    question.guess(3)
    assert "12.3" not in sent_to_the_page(question)
    assert "12.3" not in repr(question) and "12.3" not in question.still()
    question.reveal()
    assert "12.34567" in sent_to_the_page(question)
    assert len(computed) == 1


def test_a_revealed_answer_does_not_count_as_right(box):
    question = question_of_next_token(box)
    assert question.reveal().id == likeliest_token(box.trace).id
    assert not question.is_right
    assert question.guess(likeliest_token(box.trace)) is False, "after the reveal there is nothing left to guess"


def test_a_new_prompt_resets_the_question_and_covers_its_views(box):
    view = gptviz.AttentionView(box)
    question = question_of_next_token(box, covers=[view])
    assert view._covered_by == [question.text]
    question.guess(likeliest_token(box.trace))
    assert view._covered_by == []
    box.run("another owl")
    assert question.truth is None and not question.is_right
    assert view._covered_by == [question.text]
    assert question.guess(likeliest_token(box.trace))


def test_a_view_of_two_questions_is_covered_until_both_are_answered(box):
    view = gptviz.SamplingBench(box)
    first = ask("First?", answer=lambda trace: 1, source=box, covers=[view])
    second = ask("Second?", answer=lambda trace: 2, source=box, covers=[view])
    ask("Second?", answer=lambda trace: 2, source=box, covers=[view])  # as when its cell is run again
    first.guess(1)
    assert view._covered_by == ["Second?"]
    assert "Covered until" in view.still()
    second.reveal()
    assert view._covered_by == []
    assert "Covered until" not in view.still()


def test_a_ranking_is_right_only_in_order(gpt):
    trace = gpt.trace("the owl")
    order = ["first", "second", "third", "fourth"]
    question = ask("Order?", answer=lambda trace: order, choices=order, kind="ranking", source=trace)
    assert question.choices != order, "the order shown is the answer"
    assert (
        question.choices == ask("Order?", answer=lambda t: order, choices=order, kind="ranking", source=trace).choices
    )
    assert not question.guess(order[::-1])
    with pytest.raises(GPTVizError, match="each of the 4 choices once"):
        question.guess(["first", "first", "second", "third"])
    assert question.guess(order)


def test_any_of_several_heads_is_right(box):
    view = gptviz.AttentionView(box)
    question = ask("Which head?", answer=lambda trace: [(0, 1), (1, 2)], kind="head", source=view)
    assert question.selection is view.selection
    assert not question.guess((0, 0))
    assert question.guess((1, 2))
    assert question.truth == [(0, 1), (1, 2)]
    box.run("another")
    assert question.truth is None, "the view's new trace asks anew"


@pytest.mark.parametrize("guess, opened", [((1, 2), (1, 2)), (None, (0, 1))], ids=["guessed", "revealed"])
def test_the_right_head_opens_with_the_answer(box, guess, opened):
    view = gptviz.AttentionView(box, layer=1, head=0)
    question = ask("Which head?", answer=lambda trace: [(0, 1), (1, 2)], kind="head", source=box)
    question.guess((1, 1))
    assert (view.layer, view.head) == (1, 0), "a wrong guess opens nothing"
    question.guess(guess) if guess else question.reveal()
    assert (view.layer, view.head) == opened
    view.layer, view.head = 1, 0
    question.reveal()
    assert (view.layer, view.head) == (1, 0), "what somebody opens afterwards stays"


def test_the_lessons_own_function_opens_the_place_of_an_answer_once(box):
    opened = []
    question = ask(
        "How much?", answer=lambda trace: 5, source=box, opens=lambda answer, trace: opened.append((answer, trace))
    )
    plain = ask("And how much?", answer=lambda: 6, opens=opened.append)
    list(question.answers_for_a_page())
    question.guess(3)
    assert opened == [], "no answer was revealed"
    question.guess(5)
    question.reveal()
    plain.reveal()
    assert opened == [(5, box.trace), 6]


@pytest.mark.parametrize(
    "text, number",
    [("0,5", 0.5), ("0.5", 0.5), (" 43 % ", 43), ("−3", -3), ("1,234.5", 1234.5), ("1e-3", 0.001), (np.float32(2), 2)],
)
def test_numbers_as_people_type_them(text, number):
    assert read_number(text, "%") == number


@pytest.mark.parametrize("text", ["", "five", "1/2", "nan", "inf", None, True, [1], "1,2,3"])
def test_text_that_is_not_a_number_is_refused(text):
    with pytest.raises(GPTVizError, match="Expected a number"):
        read_number(text)


TYPED_DECIMALS = 1e-9  # of a number: a guess of 0.3 is not 0.1 + 0.2, and still within a tolerance of 0


@ANY_MACHINE
@given(st.floats(-1e6, 1e6), st.floats(0, 10), st.floats(-20, 20))
def test_the_tolerance_is_absolute(truth, tolerance, off):
    question = ask("How much?", answer=lambda: truth, tolerance=tolerance)
    allowed = tolerance + TYPED_DECIMALS * max(1, abs(truth))
    assert question.guess(truth + off) == (abs(truth + off - truth) <= allowed)


def test_a_wrong_number_is_told_where_the_right_one_is():
    question = ask("How much?", answer=lambda: 15, tolerance=1, hint="Count.")
    for guess, where in ((13, "higher"), (17.5, "lower")):
        assert not question.guess(guess)
        assert question._state["direction"] == where
    assert question.guess(14)
    assert question._state["direction"] == ""
    choice = ask("Which?", answer=lambda: "b", choices=["a", "b"])
    assert not choice.guess("a") and choice._state["direction"] == ""


def test_a_published_answer_names_its_source():
    assert ask("Who?", answer=lambda: "b", choices=["a", "b"], published="A paper")._about["published"] == "A paper"
    assert ask("Who?", answer=lambda: "b", choices=["a", "b"])._about["published"] == ""


def test_a_tolerance_may_depend_on_the_prompt(box):
    question = ask("How long?", answer=lambda t: len(t.text), source=box, tolerance=lambda t: 0.1 * len(t.text))
    length = len(box.prompt)
    assert not question.guess(length + 3)
    box.run("a prompt of fifty characters, which is much longer")
    assert question.guess(50 + 3) and length < 30


# Prompts that do not decide a question


def test_a_question_too_close_to_call_offers_another_prompt(box):
    question = question_of_next_token(
        box, margin=lambda trace: 0.5 if trace.text == "the clear one" else 0.001, smallest=0.1, instead="the clear one"
    )
    assert question.is_too_close
    assert not question.guess(likeliest_token(box.trace)) and question.truth is None
    question._answer_instead()
    assert box.prompt == "the clear one"
    assert not question.is_too_close
    assert question.guess(likeliest_token(box.trace))


def test_only_a_question_with_a_prompt_box_can_say_that_another_prompt_may_be_tried(box, gpt):
    for source, has_box in (
        (box, True),
        (gpt.trace("Once"), False),
        (None, False),
        (gptviz.TokensView(gpt.trace("Once")), False),
    ):
        question = ask("How many?", lambda *trace: 1, kind="number", source=source, margin=lambda *trace: 0, smallest=1)
        assert question.is_too_close
        assert question._about["has_box"] == has_box


def test_a_prompt_without_a_clear_answer_need_not_have_choices(box):
    question = ask(
        "Which word?", lambda trace: trace.text.split()[0], lambda trace: trace.text.split(), source=box,
        margin=lambda trace: len(trace.text.split()), smallest=2,
    )  # fmt: skip
    box.run("alone")
    assert question.is_too_close and not question.can_be_asked and question.choices == []
    box.run("two words")
    assert question.can_be_asked and sorted(question.choices) == ["two", "words"]


# Failures


@pytest.mark.parametrize(("given", "right"), [(3, True), (4, False), (None, False)])
def test_a_guess_is_noted_until_the_answer_is_known_and_the_views_can_be_watched(box, given, right):
    known, view = [], gptviz.TokensView(box)
    question = ask("How many?", lambda: known[0], kind="number", covers=[view], hint="Look.", known=lambda: bool(known))
    assert view._covered_by == ["How many?"]
    for _ in range(2):
        if given is None:
            assert question.reveal() is None
        else:
            assert question.guess(given) is False
        assert question._state["phase"] == "noted" and question._state["given"] == given
        assert question._answer_again()["phase"] == "noted" and view._covered_by == []
        assert list(question.answers_for_a_page()) == []
    known.append(3)
    assert question._answer_again()["phase"] == "revealed" and view._covered_by == []
    assert (question.truth, question.is_right, question._state["given"]) == (3, right, given)


def test_a_guess_whose_answer_is_known_is_not_noted(box):
    view = gptviz.TokensView(box)
    question = ask("How many?", lambda: 3, kind="number", covers=[view], hint="Look.", known=lambda: True)
    assert question.guess(4) is False and question._state["phase"] == "wrong" and view._covered_by
    assert question._answer_again()["phase"] == "wrong"


def test_a_failing_function_is_reported_and_the_question_works_on(box):
    calls = []

    def answer(trace):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("division by zero")
        return 5

    question = ask("How much?", answer=answer, source=box, hint=lambda given, trace: given["no"])
    assert question.guess(3) is False
    assert question._state["problem"] == "ZeroDivisionError: division by zero"
    assert question.guess(3) is False
    assert "TypeError" in question._state["problem"]
    assert question.guess(5) is True
    broken = ask("Which?", answer=lambda trace: 1, choices=lambda trace: trace.nothing, source=box)
    assert "nothing" in broken._state["problem"]
    odd = ask("Which?", answer=lambda trace: "c", choices=["a", "b"], source=box)
    odd.guess("a")
    assert "one of the choices 'a', 'b'" in odd._state["problem"]


def test_malformed_guesses_are_refused(box):
    question, sent = question_of_next_token(box), []
    question.send = lambda content, buffers=None: sent.append(content)
    for args in ({"value": 99}, {"value": "x"}, {"value": None}, {}, {"other": 1}):
        question._on_message(question, {"kind": "ask", "id": 1, "name": "guess", "args": args}, [])
        assert sent[-1].get("error") or sent[-1]["value"]["phase"] == "wrong", args
    assert not question.is_right and question.truth is None


@pytest.mark.parametrize(
    "keywords, expected",
    [
        ({"answer": 5}, "a function that computes the answer"),
        ({"kind": "essay"}, "a kind among choice, number, ranking, head"),
        ({"choices": "ab"}, "choices as a list"),
        ({"choices": ["a"]}, "two or more choices"),
        ({"choices": ["a", "a"]}, "two or more choices"),
        ({"kind": "ranking"}, "choices only for a choice or a ranking"),
        ({"kind": "number", "choices": ["a", "b"]}, "choices only for a choice or a ranking"),
        ({"tally": True}, "a tally for a question with choices"),
        ({"tolerance": -1}, "a tolerance of 0 or more"),
        ({"kind": "head"}, "a source whose selection has a head"),
        ({"instead": "Once"}, "a PromptBox as source"),
        ({"margin": 0.3}, "a margin as a function"),
        ({"opens": 3}, "a function that opens"),
        ({"hint": 3}, "a hint as text or a function"),
        ({"covers": ["view"]}, "views to cover"),
        ({"source": "text"}, "something that it shows"),
        ({"scael": "screen"}, "keywords of Question"),
        ({"text": " "}, "the question's text"),
    ],
)
def test_arguments_that_do_not_make_a_question_are_refused(keywords, expected):
    with pytest.raises(GPTVizError, match=expected):
        ask(**{"text": "How much?", "answer": lambda: 1} | keywords)


# Checks


TRUTH = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    "mine, kind",
    [
        (None, "nothing"), (..., "nothing"), (TRUTH, "right"), (TRUTH + 1e-6, "right"), (TRUTH.tolist(), "right"),
        (torch.tensor(TRUTH, requires_grad=True), "right"), (TRUTH.T, "shape"), (3.0, "shape"), (TRUTH + 1e-4, "value"),
        (np.where(TRUTH == 7, np.nan, TRUTH), "value"), ("text", "unread"), ([[1], [1, 2]], "unread"), (print, "unread"),
        (TRUTH * 1j, "unread"), ({"a": 1}, "unread"), ([], "shape"),
    ],
)  # fmt: skip
def test_a_check_reports_any_value_and_never_raises(mine, kind):
    result = check("your numbers", mine, TRUTH)
    assert result.comparison["result"] == kind
    assert result.ok == (kind == "right")


def test_a_check_shows_the_wrong_number_and_its_place_but_not_the_right_one():
    mine = TRUTH.copy()
    mine[1, 2], mine[2, 0] = -5, 99
    result = check("your numbers", mine, TRUTH + 0.12345, tolerance=0.2)
    assert result.comparison == {"result": "value", "index": [1, 2], "mine": -5.0, "count": 2, "size": 12}
    assert "6.12345" not in json.dumps(result.get_state(["_about"]))


def test_texts_and_single_numbers_can_be_checked():
    assert check("your pieces", ["a", "b"], ["a", "b"]).ok
    assert check("your pieces", ["a", "x"], ["a", "b"]).comparison["index"] == [1]
    right = check("your sum", 0.1 + 0.2, 0.3)
    assert right.ok and right.comparison["mine"] == 0.1 + 0.2
    assert "mine" not in check("your sums", [0.3], [0.3]).comparison
    assert check("your sum", 5, 3).comparison == {"result": "value", "index": [], "mine": 5.0, "count": 1, "size": 1}
    assert check("your answer", True, 1).ok
    with pytest.raises(GPTVizError, match="tolerance of 0 or more"):
        check("your sum", 1, 1, tolerance=-1)


# The guessing game


def test_a_guess_has_the_probability_of_all_its_tokens(gpt):
    game = gptviz.lessons.guessing_game(["the thin", "owl "], gpt=gpt)
    opening = gpt.trace("the thin")
    ids = [token.id for token in opening.tokens]
    product = 1.0
    for id in gpt.encode(" owl"):
        product *= float(gpt.trace(ids).probabilities()[id])
        ids.append(int(id))
    assert game.share(0, "owl") == pytest.approx(
        product, rel=rounding(opening.residual(2), factor=4 * FACTOR)
    )  # 4 tokens
    assert game._rate(1, "x")["pieces"][0]["text"] == "x", "the opening already ends with a space"
    for bad in ("", "  ", "x" * 100, None):
        with pytest.raises(GPTVizError):
            game.share(0, bad)
    with pytest.raises(GPTVizError, match="opening"):
        game.share(7, "x")
    with pytest.raises(GPTVizError, match="a list of openings"):
        gptviz.lessons.guessing_game("Once", gpt=gpt)


def test_the_word_that_a_piece_becomes_is_the_models_greedy_continuation(tales):
    """`transformers` itself generates the reference: the letters that follow the piece, up to the first other character."""
    opening = "There was once a poor"
    game = gptviz.lessons.guessing_game([opening], gpt=tales)
    pieces = 0
    for token, _ in game.likeliest(0):
        ids = torch.tensor([[*tales.encode(opening), token.id]])
        with torch.no_grad():
            out = tales.model.generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)[0, ids.shape[1] :]
        following = re.match(r"[\w'’-]*", tales.tokenizer.decode(out)).group()
        assert game.word(0, token) == token.text.strip() + following
        pieces += following != ""
    assert pieces, "no piece to complete"
    assert game.word(0, tales.token(tales.encode(".", add_special_tokens=False)[0])) == "."


def test_a_word_without_end_is_marked(gpt, monkeypatch):
    monkeypatch.setattr("gptviz.lessons.guesses._length_in_word", lambda token: len(token.text))
    game = gptviz.lessons.guessing_game(["the owl"], gpt=gpt)
    assert game.word(0, gpt.token(gpt.encode("x")[0])).endswith("…")


# Another model


def test_an_environment_variable_chooses_the_model(tmp_path, monkeypatch):
    build("llama").save_pretrained(tmp_path / "llama")
    tokenizer(start=True).save_pretrained(tmp_path / "llama")
    monkeypatch.setenv(CHOSEN, str(tmp_path / "llama"))
    assert gptviz.load().name == "llama"
    assert gptviz.load("tales").name == "tales"
    monkeypatch.setenv(CHOSEN, "")
    assert gptviz.load().name == "tales"
    monkeypatch.setenv(CHOSEN, str(tmp_path / "nowhere"))
    with pytest.raises(GPTVizError, match="nowhere"):
        gptviz.load()


# Tokens in texts, and the lesson's progress


def test_a_token_in_a_text_is_marked_for_the_page(gpt):
    token = gpt.trace("the owl").tokens[1]
    assert gptviz.lessons.chip(token) == f"\ufdd0{token.text}\ufdd1" == gptviz.lessons.chip(token.text)


@pytest.fixture
def progress(monkeypatch):
    """The progress of a lesson that begins here."""
    monkeypatch.setattr(LessonProgress, "_shared", None)
    return LessonProgress.shared()


def test_the_progress_counts_each_question_that_can_be_answered_once(progress, box):
    one = ask("One?", answer=lambda trace: 1, source=box)
    ask("Two?", answer=lambda: 2)
    close = ask("Close?", answer=lambda trace: 3, source=box, margin=lambda trace: len(trace.text) - 12, smallest=1)
    assert progress._answered == {"One?": False, "Two?": False}
    one.guess(7)
    assert progress._answered == {"One?": False, "Two?": False}
    one.guess(1)
    assert progress._answered == {"One?": True, "Two?": False}
    again = ask("Two?", answer=lambda: 2)  # as when its cell is run again
    again.reveal()
    assert progress._answered == {"One?": True, "Two?": True}
    box.run("a long prompt with one clear answer")
    assert progress._answered == {"One?": False, "Two?": True, "Close?": False}
    close.close()
    assert progress._answered == {"One?": False, "Two?": True}
    assert one._progress == again._progress == progress.reference


def test_a_question_that_was_made_anew_stays_when_the_old_one_closes(progress):
    old = ask("One?", answer=lambda: 1)
    new = ask("One?", answer=lambda: 1)
    old.close()
    assert progress._answered == {"One?": False}
    new.close()
    assert progress._answered == {}
    new.open()
    assert progress._answered == {"One?": False}
