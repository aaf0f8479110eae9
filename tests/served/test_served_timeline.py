"""The timeline of a completion of a served model: what was revealed, no number that was not, and no key."""

import json

import pytest

import gptviz
from gptviz.display.numbers import percent
from gptviz.errors import NotAvailable

PROMPT = "Once upon a time there was a"
KEY = "sk-sentinel-7b31"


@pytest.fixture
def completion(server):
    served = gptviz.connect(server.start(key=KEY, tokenizer=False), api_key=KEY)
    return served.complete(PROMPT, max_tokens=4, n=2, temperature=0.7, seed=2)


def test_the_page_gets_the_numbers_that_are_known_and_null_for_the_others(completion, tmp_path):
    view = gptviz.GenerationTimeline(completion)
    news = view._answer_news(source=-1, have=0, choice=1)
    written = json.dumps([news, view.get_state()], allow_nan=False, default=repr)
    assert KEY not in written and KEY not in view.save_html(tmp_path / "page.html").read_text("utf-8")
    steps = completion.choices[1].steps
    assert [step["probability"] for step in news["steps"]] == [step.probability for step in steps]
    assert all(step["served"] and step["kept"] is step["entropy"] is step["sampling"] is None for step in news["steps"])
    view.choice = 1
    assert "nan" not in view.still() and percent(steps[0].probability) in view.still()


def test_a_local_completion_is_not_marked_as_served(gpt):
    view = gptviz.GenerationTimeline(gpt.complete(PROMPT, max_tokens=2, temperature=0))
    assert not any(step["served"] for step in view._answer_news(source=-1, have=0, choice=0)["steps"])


def test_the_inside_of_a_step_is_refused_in_words(server, completion):
    with pytest.raises(NotAvailable, match="tokens and probabilities only"):
        gptviz.GenerationTimeline(completion, gpt=gptviz.connect(server.url, api_key=KEY))
