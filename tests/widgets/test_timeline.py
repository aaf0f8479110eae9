"""The generation timeline from Python: steps, forced tokens and branches, and how texts end."""

import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest
from close import assert_close, assert_softmax_close
from families import TEXT
from page_messages import ask
from waiting import LONGEST_WAIT

import gptviz
from gptviz._paths import assets_dir
from gptviz.display.numbers import percent
from gptviz.errors import GPTVizError, WrongType
from gptviz.generation import loop
from gptviz.widgets.selection import Selection


def test_a_timeline_sends_the_steps_of_its_completion(gpt):
    completion = gpt.complete(TEXT, max_tokens=6, n=2, seed=3, top_k=20)
    view = gptviz.GenerationTimeline(completion, choice=1)
    steps = completion.choices[1].steps
    news = ask(view, "news", source=-1, have=0, choice=1)
    assert news["done"] and len(news["branches"]) == 2 and news["seed"] == 3
    assert news["text"] == completion.choices[1].text
    assert [s["token"]["id"] for s in news["steps"]] == [step.token.id for step in steps]
    assert [s["probability"] for s in news["steps"]] == [step.probability for step in steps]
    assert [row["sampling_probability"] for row in view.to_table()] == [step.sampling_probability for step in steps]
    later = ask(view, "news", source=news["source"], have=4, choice=1)
    assert later["from"] == 4 and len(later["steps"]) == len(steps) - 4
    alternatives = news["steps"][2]["alternatives"]
    assert [(a["token"]["id"], a["probability"], a["sampling"]) for a in alternatives] == [
        (a.token.id, a.probability, a.sampling_probability) for a in steps[2].alternatives
    ]
    with pytest.raises(AssertionError, match="gpt=gpt"):
        ask(view, "force", step=2, id=alternatives[1]["token"]["id"])


def test_a_forced_tokens_branch_equals_a_completion_of_that_prefix(gpt):
    settings = {"temperature": 1.1, "top_k": 40, "seed": 6}
    completion = gpt.complete(TEXT, max_tokens=12, n=2, stop="zzz", **settings)
    view = gptviz.GenerationTimeline(completion, gpt=gpt, choice=1)
    steps = completion.choices[1].steps
    other = next(a.token for a in steps[4].alternatives if a.token.id != steps[4].token.id)
    assert view.force(4, other.id) == 2 == view.choice
    view.wait(LONGEST_WAIT)
    prefix = [t.id for t in completion.prompt_tokens] + [s.token.id for s in steps[:4]] + [other.id]
    wanted = gpt.complete(prefix, max_tokens=12 - 5, stop="zzz", **settings).choices[0]
    news = ask(view, "news", source=-1, have=0, choice=2)
    assert [s["token"]["id"] for s in news["steps"]] == [*prefix[-5:], *wanted.token_ids]
    assert news["text"] == gpt.decode(prefix[-5:]) + wanted.text
    assert news["finish_reason"] == wanted.finish_reason
    forced = next(a for a in steps[4].alternatives if a.token.id == other.id)
    assert news["steps"][4]["probability"] == forced.probability
    branch = news["branches"][2]
    assert (branch["parent"], branch["at"], branch["token"]["id"]) == (1, 4, other.id)
    deeper = next(a.token for a in wanted.steps[1].alternatives if a.token.id != wanted.steps[1].token.id)
    view.force(6, deeper.id)
    view.wait(LONGEST_WAIT)
    news = ask(view, "news", source=-1, have=0, choice=3)
    prefix += [wanted.steps[0].token.id, deeper.id]
    expected = gpt.complete(prefix, max_tokens=12 - 7, stop="zzz", **settings).choices[0]
    assert [s["token"]["id"] for s in news["steps"]][7:] == list(expected.token_ids)
    assert ask(view, "news", source=-1, have=0, choice=1)["text"] == completion.choices[1].text
    with pytest.raises(GPTVizError, match="alternatives"):
        view.force(0, gpt.vocab_size - 1)


def test_a_steps_attention_and_bench_have_the_numbers_of_a_trace(gpt):
    completion = gpt.complete(TEXT, max_tokens=8, seed=2, temperature=0.9)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    ids = [t.id for t in completion.prompt_tokens] + list(completion.choices[0].token_ids)
    for step in (5, 0):
        at = len(completion.prompt_tokens) + step
        row = ask(view, "attention", choice=0, step=step, layer=1, head=2)
        whole = gpt.trace(ids[:at])
        assert_softmax_close(row, whole.attention(1, 2)[-1], whole.scores(1, 2, "scaled"))
        ask(view, "bench", step=step)
        assert_close(view._bench.next_token.logits, whole.logits[-1], scale=whole.residual(2))
        assert (view._bench.temperature, view._bench.seed) == (0.9, 2)
        assert view._bench.next_token.previous_ids == ids[:at]


@pytest.mark.parametrize("chosen", [{}, {"layer": 1}])
def test_the_first_head_is_that_of_views_of_attention(gpt, chosen):
    """The one that looks most at another token than itself and the first, as the last step sees it, unless one was chosen."""
    completion = gpt.complete(TEXT, max_tokens=8, seed=2, temperature=0.9)
    view = gptviz.GenerationTimeline(completion, gpt=gpt, selection=Selection(**chosen))
    answer = ask(view, "opening", choice=0)
    if chosen:
        assert (answer["layer"], answer["head"], answer["opening"], answer["tokens"]) == (1, 0, None, {})
        return
    trace = gpt.trace([t.id for t in completion.prompt_tokens] + list(completion.choices[0].token_ids[:-1]))
    last = len(trace.tokens) - 1
    weights = trace.attention()[:, :, last, 1:last]
    layer, head, key = map(int, np.unravel_index(weights.argmax(), weights.shape))
    assert (answer["layer"], answer["head"]) == (view.selection.layer, view.selection.head) == (layer, head)
    opening = answer["opening"]
    assert (opening["query"], opening["key"]) == (last, key + 1)
    assert_softmax_close(opening["weight"], weights.max(), trace.scores(layer, head, "scaled"))
    assert {int(at): one["text"] for at, one in answer["tokens"].items()} == {
        at: trace.tokens[at].text for at in (last, key + 1)
    }


def test_the_cache_of_a_step_holds_the_tokens_before_it(gpt):
    completion = gpt.complete(TEXT, max_tokens=5, n=3, seed=2)
    prompt, config = len(completion.prompt_tokens), gpt.model.config
    for choice in completion.choices:
        for step in choice.steps:
            held, size = step.cached
            assert held == prompt + step.index
            assert size == held * config.n_layer * 2 * config.n_embd * 4


def test_a_timeline_of_a_box_generates_what_complete_generates(gpt):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    view = gptviz.GenerationTimeline(box, max_tokens=9, temperature=1.1, seed=4)
    wanted = gpt.complete("the owl", max_tokens=9, temperature=1.1, seed=4).choices[0]
    assert view.wait(LONGEST_WAIT).choices[0].token_ids == wanted.token_ids
    box.prompt = TEXT
    wanted = gpt.complete(TEXT, max_tokens=9, temperature=1.1, seed=4).choices[0]
    assert view.wait(LONGEST_WAIT).choices[0].token_ids == wanted.token_ids
    news = ask(view, "news", source=0, have=5, choice=0)
    assert news["from"] == 0, "the page showed another generation: it gets this one from its start"
    seed = ask(view, "again")
    assert view.wait(LONGEST_WAIT).seed == seed
    assert view.completion.choices[0].token_ids == gpt.complete(
        TEXT, max_tokens=9, temperature=1.1, seed=seed
    ).choices[0].token_ids  # fmt: skip


def test_a_generation_can_be_stopped_and_a_new_prompt_stops_the_old_one(gpt, monkeypatch):
    forward, passes = loop._forward, itertools.count()
    fourth_pass, is_stopped = threading.Event(), threading.Event()

    def wait_in_fourth_pass(*arguments):
        if next(passes) == 3:
            fourth_pass.set()
            assert is_stopped.wait(LONGEST_WAIT)
        return forward(*arguments)

    monkeypatch.setattr(loop, "_forward", wait_in_fourth_pass)
    box = gptviz.PromptBox("the", gpt=gpt)
    view = gptviz.GenerationTimeline(box, max_tokens=190, seed=1)
    (thread,) = view._threads
    assert fourth_pass.wait(LONGEST_WAIT)
    ask(view, "stop")
    is_stopped.set()
    stopped = view.wait(LONGEST_WAIT).choices[0]
    assert stopped.finish_reason == "interrupted" and 3 <= len(stopped.steps) <= 4
    box.prompt = "the owl"
    second = view._run
    box.prompt = TEXT
    assert second.branches[0].cancel.is_set()
    thread.join(LONGEST_WAIT)
    assert view.wait(LONGEST_WAIT).prompt == TEXT


def test_a_failure_during_generation_is_reported(gpt, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of memory")

    box = gptviz.PromptBox("the", gpt=gpt)
    monkeypatch.setattr(loop, "_forward", broken)
    view = gptviz.GenerationTimeline(box, max_tokens=5, seed=1)
    view._threads[0].join(LONGEST_WAIT)
    news = ask(view, "news", source=-1, have=0, choice=0)
    assert news["done"] and "out of memory" in news["problem"]
    with pytest.raises(GPTVizError, match="out of memory"):
        view.wait()


def test_bad_settings_are_refused_when_the_timeline_is_made(gpt):
    box = gptviz.PromptBox("the", gpt=gpt)
    with pytest.raises(WrongType, match="Did you mean temperature"):
        gptviz.GenerationTimeline(box, temperatur=1)
    with pytest.raises(GPTVizError, match="top_p"):
        gptviz.GenerationTimeline(box, top_p=0)
    with pytest.raises(WrongType, match="Completion"):
        gptviz.GenerationTimeline(gpt.trace("the"))
    with pytest.raises(WrongType, match="PromptBox"):
        gptviz.GenerationTimeline(gpt.complete("the", max_tokens=2), seed=3)
    view = gptviz.GenerationTimeline(gpt.complete("the", max_tokens=2))
    with pytest.raises(GPTVizError, match="choice"):
        view.choice = 1


def alternative_to(step):
    """Returns the likeliest token that the step did not draw."""
    return next(one.token for one in step.alternatives if one.token.id != step.token.id)


def test_forcing_the_last_token_adds_no_step(gpt):
    completion = gpt.complete(TEXT, max_tokens=5, temperature=1.1, seed=6)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    other = alternative_to(completion.choices[0].steps[4])
    branch = view.force(4, other.id)
    view.wait(LONGEST_WAIT)
    news = ask(view, "news", source=-1, have=0, choice=branch)
    assert [s["token"]["id"] for s in news["steps"]] == [*completion.choices[0].token_ids[:4], other.id]
    assert news["done"] and news["finish_reason"] == "length"
    assert news["text"] == gpt.decode([*completion.choices[0].token_ids[:4], other.id])


@pytest.mark.parametrize("at", [2, 4])
def test_forcing_an_end_token_ends_the_text(gpt, monkeypatch, at):
    """Any end token of the model does, special to its tokenizer or not: no step follows, and it adds nothing to the text."""
    completion = gpt.complete(TEXT, max_tokens=5, temperature=1.1, seed=6)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    end, before = alternative_to(completion.choices[0].steps[at]), completion.choices[0].token_ids[:at]
    monkeypatch.setattr(gpt, "end_ids", gpt.end_ids | {end.id})
    branch = view.force(at, end.id)
    view.wait(LONGEST_WAIT)
    news = ask(view, "news", source=-1, have=0, choice=branch)
    assert [s["token"]["id"] for s in news["steps"]] == [*before, end.id]
    assert (news["done"], news["finish_reason"], news["text"]) == (True, "stop", gpt.decode(before))
    assert "".join(s["text"] for s in news["steps"]) == news["text"]


def test_text_that_a_stop_string_held_back_is_released_by_a_forced_token(gpt):
    plain = gpt.complete(TEXT, max_tokens=8, temperature=1.1, seed=6).choices[0]
    stop = plain.steps[3].token.text + "\0"  # begins as step 3 does, and never ends
    completion = gpt.complete(TEXT, max_tokens=8, temperature=1.1, seed=6, stop=stop)
    assert completion.choices[0].steps[3].text == ""  # so step 3 is held back
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    branch = view.force(4, alternative_to(plain.steps[4]).id)
    view.wait(LONGEST_WAIT)
    news = ask(view, "news", source=-1, have=0, choice=branch)
    assert "".join(s["text"] for s in news["steps"]) == news["text"]


def test_the_still_picture_of_a_boxs_timeline_has_its_steps(gpt):
    view = gptviz.GenerationTimeline(gptviz.PromptBox(TEXT, gpt=gpt), max_tokens=4, seed=3)
    picture = view._repr_mimebundle_()[0]["image/svg+xml"]
    steps = view.wait(LONGEST_WAIT).choices[0].steps
    assert len(steps) == 4
    assert all(percent(step.probability) in picture for step in steps)


def test_python_ends_while_a_text_is_being_generated():
    program = f"""
import gptviz
box = gptviz.PromptBox("Once", gpt=gptviz.load({str(assets_dir() / "tales")!r}))
view = gptviz.GenerationTimeline(box, max_tokens=400, temperature=1.0, seed=1)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LONGEST_WAIT)
    assert (ended.returncode, ended.stderr) == (0, "")
