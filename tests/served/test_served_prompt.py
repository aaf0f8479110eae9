"""The prompt box of a served model, and the views that follow it: what the server reveals, and no key."""

import json
import math

import pytest
from close import rounding
from protocol_server import status
from waiting import LONGEST_WAIT

import gptviz
from gptviz.display.numbers import percent
from gptviz.errors import GPTVizError, NotAvailable, RequestRefused, WrongType
from gptviz.widgets.prompt.served import ServedPromptBox

PROMPT = "Tom and Mary went to the park."
KEY = "sk-sentinel-c3e8"
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


@pytest.fixture
def box(server):
    return gptviz.PromptBox(PROMPT, gpt=gptviz.connect(server.start(key=KEY), api_key=KEY))


def test_each_token_of_the_prompt_has_the_probability_that_the_model_gives_it(box, gpt):
    assert isinstance(box, ServedPromptBox) and isinstance(box, gptviz.PromptBox)
    trace = gpt.trace(PROMPT)
    assert [row["id"] for row in box.to_table()] == [token.id for token in trace.tokens]
    assert box._token_count == len(trace.tokens) and box._gpt_name == "little"
    right = [float(trace.probabilities(i)[token.id]) for i, token in enumerate(trace.tokens[1:])]
    near = rounding(1.0, trace.logits)
    assert [row["probability"] for row in box.to_table()[1:]] == pytest.approx(right, rel=near)
    assert math.isnan(box.to_table()[0]["probability"]) and box._revealed[0]["probability"] is None
    assert [one["probability"] for one in box._revealed[1:]] == pytest.approx(right, rel=near)
    assert percent(box.to_table()[1]["probability"]) in box.still()


def test_views_follow_it_and_those_of_the_inside_say_why_they_are_empty(box, gpt):
    bench = gptviz.SamplingBench(box)
    inside = [kind(box) for kind in (gptviz.AttentionView, gptviz.FlowView, gptviz.BlockView, gptviz.InterventionView)]
    box.run("Once upon a time there was a")
    assert [label["id"] for label in bench._about["labels"]][:3] == [
        token.id for token, _ in gpt.trace("Once upon a time there was a").top(3)
    ]
    for view in inside:
        assert view._is_unfilled and view.trace is None and view._source == 0
        assert "gptviz.load(name)" in view.still()
        with pytest.raises(
            NotAvailable, match=r"of which only tokens and probabilities are known\. Load the model here"
        ):
            view.to_table()
    inside[0].trace = gpt.trace(PROMPT)
    assert not inside[0]._is_unfilled and inside[0]._source == 1


def test_earlier_prompts_are_listed_once_and_forgotten(box):
    for prompt in ("Once upon a time", PROMPT, "Once upon a time"):
        box.run(prompt)
    assert box._history == ["Once upon a time", PROMPT]
    box.forget_prompts()
    assert box._history == ["Once upon a time"] and box.prompt == "Once upon a time"
    box.run(PROMPT)
    assert box._history == [PROMPT]


def test_a_drawn_token_is_appended_as_text(box, gpt):
    bench = gptviz.SamplingBench(box)
    token = box.reading.next_token.leaders[2].token
    assert bench._can_append
    bench._answer_append(id=2)
    assert box.prompt == PROMPT + token.text and box.typed == PROMPT
    assert bench.next_token is box.reading.next_token
    box.append(box.reading.next_token.leaders[0].token.id)
    with pytest.raises(NotAvailable, match="the id of a revealed next token"):
        box.append(-1)
    with pytest.raises(GPTVizError, match="token id"):
        bench._answer_append(id=20)


@pytest.mark.parametrize(
    ("options", "why"),
    [({"most": 0}, "hidden"), ({"echo": False}, "echo"), ({"tokenizer": False, "echo": False}, "echo")],
)
def test_a_server_that_reveals_less_is_no_error(server, options, why):
    box = gptviz.PromptBox(PROMPT, gpt=gptviz.connect(server.start(**options)))
    assert box._without_steps == why and not box._revealed
    assert all(math.isnan(row["probability"]) for row in box.to_table())
    assert (box._token_count == 0) == (options.get("tokenizer") is False)
    bench = gptviz.SamplingBench(box)
    assert bench._is_unfilled == (why == "hidden") and (bench.next_token is None) == (why == "hidden")
    box.still()


def test_messages_have_a_next_token_and_no_probabilities_of_their_own(server, monkeypatch):
    monkeypatch.setattr(server.gpt.tokenizer, "chat_template", TEMPLATE)
    box = gptviz.PromptBox([{"role": "user", "content": "Where is Tom?"}], gpt=gptviz.connect(server.start()))
    assert box._without_steps == "chat" and box.messages == [{"role": "user", "content": "Where is Tom?"}]
    assert len(box.reading.next_token.leaders) == 20
    with pytest.raises(NotAvailable, match="whole messages only"):
        box.append_token(box.reading.next_token.leaders[0].token)


def test_a_prompt_that_fails_leaves_the_one_before(box, server):
    server.order("/v1/completions", status(400, "too long"), status(400, "too long"))
    with pytest.raises(RequestRefused):
        box.run("Once")
    assert box.prompt == PROMPT and box._field == PROMPT
    with pytest.raises(GPTVizError, match="a prompt as text"):
        box.run(3)
    with pytest.raises(WrongType, match="another served model"):
        box.use(gptviz.load())


def test_no_key_is_in_states_pages_and_texts(box, tmp_path):
    views = [box, gptviz.SamplingBench(box), gptviz.FlowView(box), gptviz.GenerationTimeline(box, max_tokens=2, seed=1)]
    views[-1].wait(LONGEST_WAIT)
    for view in views:
        page = view.save_html(tmp_path / "page.html").read_text("utf-8")
        written = json.dumps(view.get_state(), allow_nan=False, default=repr)
        assert KEY not in page + written + repr(view) + repr(view.to_table() if view is not views[2] else "")
        assert KEY not in repr(vars(view).get("reading")) + repr(view.gpt if hasattr(view, "gpt") else "")
