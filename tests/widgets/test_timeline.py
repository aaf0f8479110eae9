"""The timeline's edges: the last token there is room for, text that a stop string held back, an end in mid-generation."""

import subprocess
import sys

import pytest
from families import build, tokenizer
from test_widgets import TEXT, question

import gptviz
from gptviz._paths import assets_dir


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(build("gpt2"), tokenizer())


def other_than_drawn(step):
    return next(one.token for one in step.alternatives if one.token.id != step.token.id)


def test_forcing_the_last_token_adds_none(gpt):
    completion = gpt.complete(TEXT, max_tokens=5, temperature=1.1, seed=6)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    other = other_than_drawn(completion.choices[0].steps[4])
    branch = view.force(4, other.id)
    view.wait(10)
    news = question(view, "news", source=-1, have=0, choice=branch)
    assert [s["token"]["id"] for s in news["steps"]] == [*completion.choices[0].token_ids[:4], other.id]
    assert news["done"] and news["finish_reason"] == "length"
    assert news["text"] == gpt.decode([*completion.choices[0].token_ids[:4], other.id])


@pytest.mark.parametrize("at", [2, 4])
def test_forcing_the_end_of_the_text_ends_it(gpt, monkeypatch, at):
    """Any of the model's ends, whether its tokenizer calls it special or not: no step more, and nothing of it in the text."""
    completion = gpt.complete(TEXT, max_tokens=5, temperature=1.1, seed=6)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    end, before = other_than_drawn(completion.choices[0].steps[at]), completion.choices[0].token_ids[:at]
    monkeypatch.setattr(gpt, "end_ids", gpt.end_ids | {end.id})
    branch = view.force(at, end.id)
    view.wait(10)
    news = question(view, "news", source=-1, have=0, choice=branch)
    assert [s["token"]["id"] for s in news["steps"]] == [*before, end.id]
    assert (news["done"], news["finish_reason"], news["text"]) == (True, "stop", gpt.decode(before))
    assert "".join(s["text"] for s in news["steps"]) == news["text"]


def test_what_a_stop_string_held_back_comes_with_the_forced_token(gpt):
    plain = gpt.complete(TEXT, max_tokens=8, temperature=1.1, seed=6).choices[0]
    stop = plain.steps[3].token.text + "\0"  # begins as step 3 does, and never ends
    completion = gpt.complete(TEXT, max_tokens=8, temperature=1.1, seed=6, stop=stop)
    assert completion.choices[0].steps[3].text == ""  # so step 3 is held back
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    branch = view.force(4, other_than_drawn(plain.steps[4]).id)
    view.wait(60)
    news = question(view, "news", source=-1, have=0, choice=branch)
    assert "".join(s["text"] for s in news["steps"]) == news["text"]


def test_the_still_picture_of_a_view_that_follows_a_box_has_its_tokens(gpt):
    view = gptviz.GenerationTimeline(gptviz.PromptBox(TEXT, gpt=gpt), max_tokens=4, seed=3)
    picture = view._repr_mimebundle_()[0]["image/svg+xml"]
    steps = view.wait(60).choices[0].steps
    assert len(steps) == 4
    assert all(f"{100 * step.probability:.0f} %" in picture for step in steps)


def test_python_ends_while_a_text_is_being_generated():
    program = f"""
import gptviz
box = gptviz.PromptBox("Once", gpt=gptviz.load({str(assets_dir() / "tales")!r}))
view = gptviz.GenerationTimeline(box, max_tokens=400, temperature=1.0, seed=1)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
