"""The timeline of a completion of a served model: what was revealed, no number that was not, and no key."""

import json

import pytest
from close import rounding
from waiting import LONGEST_WAIT

import gptviz
from gptviz.display.numbers import percent
from gptviz.errors import GPTVizError, NotAvailable, OutOfRange

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
    view = gptviz.GenerationTimeline(completion, gpt=gptviz.connect(server.url, api_key=KEY))
    assert view._heads == []
    with pytest.raises(NotAvailable, match=r"tokens and probabilities only\. Load it here, with gptviz\.load"):
        view._answer_attention(choice=0, step=0, layer=0, head=0)


@pytest.mark.parametrize("tokenizer", [True, False])
def test_forcing_a_token_continues_the_text_before_it(server, gpt, tokenizer):
    served = gptviz.connect(server.start(key=KEY, tokenizer=tokenizer), api_key=KEY)
    settings = {"max_tokens": 6, "temperature": 0, "seed": 3}
    view = gptviz.GenerationTimeline(served.complete(PROMPT, **settings), gpt=served)
    other = view.completion.choices[0].steps[2].alternatives[1].token
    assert (other.id >= 0) == tokenizer
    view.force(2, other.id, other.text)
    view.wait(LONGEST_WAIT)
    local = gptviz.GenerationTimeline(gpt.complete(PROMPT, **settings), gpt=gpt)
    local.force(2, gpt.complete(PROMPT, **settings).choices[0].steps[2].alternatives[1].token.id)
    local.wait(LONGEST_WAIT)
    assert [row["token"] for row in view.to_table()] == [row["token"] for row in local.to_table()]
    assert view._run.branches[1].text == local._run.branches[1].text
    asked = server.bodies("/v1/completions")[-1]
    assert isinstance(asked["prompt"], list) == tokenizer
    with pytest.raises(OutOfRange, match="one of the step's alternatives"):
        view.force(2, -1, "no such token")


def test_a_served_prompt_is_continued_and_again(server, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gptviz.connect(server.start(key=KEY), api_key=KEY))
    view = gptviz.GenerationTimeline(box, max_tokens=5, temperature=0)
    assert view.wait(LONGEST_WAIT).choices[0].text == gpt.complete(PROMPT, max_tokens=5, temperature=0).choices[0].text
    box.run("Tom and Mary")
    assert view.wait(LONGEST_WAIT).prompt == "Tom and Mary"
    seed = view._answer_again()
    assert view.wait(LONGEST_WAIT).seed == seed
    with pytest.raises(GPTVizError, match="max_tokens"):
        gptviz.GenerationTimeline(box, max_tokens=0)


def test_a_step_is_on_the_bench_with_what_was_revealed_of_it(server, gpt):
    served = gptviz.connect(server.start(key=KEY), api_key=KEY)
    view = gptviz.GenerationTimeline(served.complete(PROMPT, max_tokens=3, temperature=0.7, seed=5))
    view._answer_bench(1)
    bench = view._bench
    right = gpt.trace(
        [token.id for token in (*view.completion.prompt_tokens, view.completion.choices[0].steps[0].token)]
    )
    near = rounding(1.0, right.logits)
    table = bench.to_table(temperature=1)
    assert [row["model"] for row in table[:-1]] == pytest.approx(
        [float(right.probabilities()[row["id"]]) for row in table[:-1]], rel=near
    )
    assert len(table) == 11 and bench.temperature == 0.7
    processed = gptviz.connect(server.start(processed=True))
    view = gptviz.GenerationTimeline(processed.complete(PROMPT, max_tokens=3, temperature=0.7, seed=5))
    with pytest.raises(NotAvailable, match="the model's own probabilities"):
        view._answer_bench(1)
