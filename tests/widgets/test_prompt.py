"""The prompt box: its followers, refused prompts, and a model and a prompt that come at the same time."""

import gc
import threading
import weakref

import pytest
from families import TEXT, build, tokenizer
from page_messages import ask

import gptviz
from gptviz.errors import GPTVizError, WrongType


def test_every_follower_shows_the_new_prompt_and_closed_ones_are_let_go(gpt):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    views = [gptviz.TokensView(box), gptviz.AttentionView(box), gptviz.SamplingBench(box)]
    sources = [view._source for view in views]
    ask(box, "run", prompt=TEXT)
    assert all(view.trace is box.trace for view in views)
    assert [view._source for view in views] > sources
    assert [d["id"] for d in views[0]._tokens] == [token.id for token in gpt.trace(TEXT).tokens]
    views[0].close()
    reference = weakref.ref(views.pop(0))
    box.prompt = "the thin owl"
    assert views[0].trace.text == "the thin owl"
    gc.collect()
    assert reference() is None or reference().trace.text == TEXT


def test_a_prompt_that_is_refused_leaves_all_as_it_was(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    view = gptviz.TokensView(box)
    with pytest.raises(AssertionError, match="200"):
        ask(box, "run", prompt="owl " * 400)
    assert box.prompt == TEXT
    assert view.trace.text == TEXT
    with pytest.raises(GPTVizError):
        box.run("")
    assert box.trace.text == TEXT


def test_the_box_refuses_what_is_no_text_and_no_gpt(gpt):
    with pytest.raises(WrongType, match="text"):
        gptviz.PromptBox([1, 2], gpt=gpt)
    with pytest.raises(WrongType, match="GPT"):
        gptviz.PromptBox("a", gpt=gpt.model)


class Held:
    """A model that reads on only when it is let go."""

    name = "held"

    def __init__(self, gpt):
        self.gpt, self.began, self.go = gpt, threading.Event(), threading.Event()

    def trace(self, prompt):
        self.began.set()
        assert self.go.wait(60)
        return self.gpt.trace(prompt)


def meanwhile(box, held, act, *given):
    """Let the box use a model, and do something else in another thread while that model still reads."""
    other = threading.Thread(target=box.use, args=(held,))
    other.start()
    assert held.began.wait(60)
    prompt = threading.Thread(target=act, args=given)
    prompt.start()
    prompt.join(0.3)
    held.go.set()
    other.join(60)
    prompt.join(60)


def test_a_prompt_and_a_model_at_once_end_as_one_trace_of_both(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    held = Held(gptviz.wrap(build("llama"), tokenizer()))
    meanwhile(box, held, box._answer_run, "a quite new one")
    assert box.gpt is held
    assert box.prompt == box.trace.text == "a quite new one"
    assert box.trace.gpt is held.gpt


def test_a_prompt_set_while_a_model_reads_is_read_by_it_too(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    held = Held(gptviz.wrap(build("llama"), tokenizer()))
    meanwhile(box, held, setattr, box, "prompt", "a new one")
    assert (box.prompt, box.trace.text, box.trace.gpt) == ("a new one", "a new one", held.gpt)


def test_a_refused_prompt_does_not_stand_beside_the_trace_before_it(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    with pytest.raises(GPTVizError):
        box.prompt = "owl " * 100
    assert box.prompt == box.trace.text == "the thin owl"
