"""The decode loop against transformers' own `generate` and processors, and against `gptviz.sampling`."""

import pickle
import threading

import numpy as np
import pytest
import torch
from close import approx_float64, rounding
from families import END, IDS, build, tokenizer
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

import gptviz
from gptviz.errors import GPTVizError, ModelChanged, WrongType
from gptviz.generation import loop as generation
from gptviz.generation.stopping import ContinuationText
from gptviz.sampling.drawing import draw
from gptviz.sampling.settings import Settings
from gptviz.sampling.stages import distribution


def long_model(name: str):
    """A model with room for 64 tokens after the prompt, whose texts no end token cuts short."""
    gpt = gptviz.wrap(build(name, context=96), tokenizer())
    gpt.end_ids = frozenset()
    return gpt


@pytest.fixture(scope="module")
def gpt():
    return long_model("gpt2")


@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "gpt_neox", "gpt_neo", "bloom"])
def test_greedy_decoding_gives_the_tokens_of_generate(name):
    gpt = long_model(name)
    expected = gpt.model.generate(
        torch.tensor([IDS]), do_sample=False, max_new_tokens=64, eos_token_id=None, pad_token_id=0
    )
    choice = gpt.complete(IDS, max_tokens=64, temperature=0).choices[0]
    assert list(choice.token_ids) == expected[0, len(IDS) :].tolist() and len(choice.token_ids) == 64
    assert choice.finish_reason == "length" and all(s.kept == 1 and s.entropy == 0 for s in choice.steps)


SETTINGS = [
    {},
    {"temperature": 0.6},
    {"temperature": 1.4, "top_k": 7},
    {"top_p": 0.8},
    {"min_p": 0.05, "repetition_penalty": 1.3},
    {"temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2},
    {"temperature": 0},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("vocab", [269, 50_257])
def test_a_draw_equals_that_of_the_sampling_package(settings, vocab):
    logits = torch.randn(vocab, generator=torch.Generator().manual_seed(vocab)) * 3
    logits[5] = logits[9]  # a tie
    truth = distribution(logits.numpy(), IDS, **settings)
    bound = rounding(1.0, logits / (settings.get("temperature") or 1.0), dtype=np.float64)
    for step in range(12):
        drawn = draw(logits, torch.tensor(IDS), Settings(**({"temperature": 1.0} | settings)), 11, 2, step)
        assert drawn.id == truth.draw(11, 2, step)
        assert drawn.sampling_probability == pytest.approx(truth.probabilities[drawn.id], rel=bound)
        assert drawn.probability == pytest.approx(truth.stages["model"][drawn.id], rel=bound)
        assert (drawn.kept, drawn.entropy) == (truth.kept, pytest.approx(truth.entropy, rel=bound))
        assert drawn.kept_mass == pytest.approx(truth.kept_mass, rel=bound)
        leading = np.argsort(-truth.stages["model"], kind="stable")[:10]
        assert [i for i, _, _ in drawn.alternatives] == leading.tolist()


def test_step_probabilities_equal_those_of_transformers_processors(gpt):
    settings = {"temperature": 0.8, "top_k": 30, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2}
    choice = gpt.complete(IDS, max_tokens=12, seed=5, **settings).choices[0]
    processors = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(1.2),
            TemperatureLogitsWarper(0.8),
            TopKLogitsWarper(30),
            TopPLogitsWarper(0.9),
            MinPLogitsWarper(0.02),
        ]
    )
    bound = rounding(gpt.trace(IDS).residual(3))
    for step in choice.steps:
        ids = torch.tensor([[*IDS, *choice.token_ids[: step.index]]])
        with torch.no_grad():
            logits = gpt.model(ids).logits[:, -1]
        expected = processors(ids, logits.clone()).softmax(-1)[0]
        model = logits.softmax(-1)[0]
        assert step.probability == pytest.approx(float(model[step.token.id]), rel=bound)
        assert step.sampling_probability == pytest.approx(float(expected[step.token.id]), rel=bound)
        assert step.kept == int((expected > 0).sum())
        for other in step.alternatives:
            assert other.probability == pytest.approx(float(model[other.token.id]), rel=bound)
            assert other.sampling_probability == pytest.approx(float(expected[other.token.id]), rel=bound)


def test_a_seed_gives_the_same_text_alone_and_among_others(gpt):
    alone = gpt.complete(IDS, max_tokens=20, seed=3).choices[0]
    three = gpt.complete(IDS, max_tokens=20, seed=3, n=3)
    assert three.choices[0].token_ids == alone.token_ids
    assert len({c.token_ids for c in three.choices}) == 3
    again = gpt.complete(IDS, max_tokens=20, seed=three.seed, n=3)
    assert [c.token_ids for c in again.choices] == [c.token_ids for c in three.choices]
    free = gpt.complete(IDS, max_tokens=8)
    assert gpt.complete(IDS, max_tokens=8, seed=free.seed).choices[0].text == free.choices[0].text


def test_choices_share_the_prompts_pass(gpt):
    lengths = []
    handle = gpt.model.transformer.h[0].register_forward_pre_hook(lambda m, args: lengths.append(args[0].shape[:2]))
    try:
        gpt.complete(IDS, max_tokens=4, n=3, seed=1)
    finally:
        handle.remove()
    assert [tuple(s) for s in lengths] == [(1, len(IDS)), (3, 1), (3, 1), (3, 1)]


def test_the_reply_has_the_shape_of_an_openai_completion(gpt):
    import json

    reply = gpt.complete("Ada", max_tokens=5, n=2, seed=1)
    data = json.loads(json.dumps(reply.to_dict()))
    assert data["object"] == "text_completion" and data["id"].startswith("cmpl-") and data["model"] == gpt.name
    assert data["usage"] == {"prompt_tokens": 3, "completion_tokens": 10, "total_tokens": 13}
    assert [c["index"] for c in data["choices"]] == [0, 1]
    assert {c["finish_reason"] for c in data["choices"]} == {"length"}
    logprob = data["choices"][1]["logprobs"]["token_logprobs"][2]
    assert np.exp(logprob) == approx_float64(reply.choices[1].steps[2].probability)


def test_stop_strings_end_a_text_and_are_not_in_it(gpt):
    full = gpt.complete(IDS, max_tokens=40, seed=9)
    text = full.choices[0].text
    stop = text[9:12]  # straddles tokens: this tokenizer has mostly one byte a token
    cut = gpt.complete(IDS, max_tokens=40, seed=9, stop=["never in it", stop]).choices[0]
    assert cut.finish_reason == "stop" and cut.text == text[: text.index(stop)]
    assert "".join(step.text for step in cut.steps) == cut.text
    assert cut.token_ids == full.choices[0].token_ids[: len(cut.steps)]


@pytest.mark.parametrize(
    ("pieces", "stops", "text", "stopped"),
    [
        (["ab", "cd"], ("bc",), "a", True),
        (["ab", "b", "x"], ("bbx",), "a", True),
        (["aab", "aac"], ("aac",), "aab", True),
        (["ab", "d"], ("bc",), "abd", False),
        (["🦉", "!"], ("!",), "🦉", True),
        (["end"], ("end",), "", True),
        (["one two"], ("two", "one"), "", True),
    ],
)
def test_text_is_released_only_when_it_can_no_longer_be_a_stop_string(gpt, pieces, stops, text, stopped):
    release = ContinuationText(gpt.decoding, [], [], stops)
    ids = [id for piece in pieces for id in gpt.encode(piece)]
    shown = ""
    for index, id in enumerate(ids):
        shown += release.add(release.end().add(id), last=index == len(ids) - 1)
        assert not any(stop in shown for stop in stops) and text.startswith(shown)
    assert (shown, release.stopped) == (text, stopped) and release.released == text == release.final(ids, stopped)


def test_every_end_token_ends_a_choice_and_is_not_in_the_text(gpt):
    greedy = gpt.complete(IDS, max_tokens=10, temperature=0).choices[0]
    end_id = greedy.token_ids[3]
    first = greedy.token_ids.index(end_id)
    gpt.end_ids = frozenset({END, end_id})
    try:
        choice = gpt.complete(IDS, max_tokens=10, temperature=0).choices[0]
    finally:
        gpt.end_ids = frozenset()
    assert choice.finish_reason == "stop" and len(choice.steps) == first + 1
    assert choice.text == gpt.decode(greedy.token_ids[:first])


def test_choices_that_end_do_not_change_the_others(gpt):
    free = gpt.complete(IDS, max_tokens=16, seed=4, n=3)
    end_id = free.choices[1].token_ids[2]
    gpt.end_ids = frozenset({end_id})
    try:
        cut = gpt.complete(IDS, max_tokens=16, seed=4, n=3)
    finally:
        gpt.end_ids = frozenset()
    assert len(cut.choices[1].steps) <= 3 and cut.choices[1].finish_reason == "stop"
    for before, after in zip(free.choices, cut.choices, strict=True):
        assert before.token_ids[: len(after.steps)] == after.token_ids


def test_a_text_that_fills_the_context_ends_with_length(gpt):
    prompt = list(range(gpt.context_length - 3))
    prompt = [i % 250 for i in prompt]
    assert [len(gpt.complete(prompt, seed=1).choices[0].steps)] == [3]
    full = gpt.complete([i % 250 for i in range(gpt.context_length)], seed=1).choices[0]
    assert (full.finish_reason, full.text, full.steps) == ("length", "", ())


def test_an_interrupt_returns_the_steps_so_far(gpt, monkeypatch):
    whole = gpt.complete(IDS, max_tokens=10, seed=2)
    forward, calls = generation._forward, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return forward(*arguments)

    monkeypatch.setattr(generation, "_forward", interrupted)
    part = gpt.complete(IDS, max_tokens=10, seed=2)
    assert part.choices[0].finish_reason == "interrupted"
    assert part.choices[0].token_ids == whole.choices[0].token_ids[:4]
    monkeypatch.undo()
    assert gpt.complete(IDS, max_tokens=10, seed=2).choices[0].token_ids == whole.choices[0].token_ids


def test_cancel_ends_every_choice_at_its_step(gpt):
    cancel = threading.Event()
    steps = []
    for step in gpt.stream(IDS, max_tokens=10, seed=2, cancel=cancel):
        steps.append(step)
        if len(steps) == 3:
            cancel.set()
    assert len(steps) == 3
    assert gpt.complete(IDS, max_tokens=10, cancel=cancel).choices[0].finish_reason == "interrupted"


def test_a_stream_yields_the_completions_steps_and_can_be_closed_early(gpt):
    whole = gpt.complete(IDS, max_tokens=8, seed=6).choices[0]
    steps = list(gpt.stream(IDS, max_tokens=8, seed=6))
    assert steps == list(whole.steps) and steps[-1].finish_reason == "length"
    stream = gpt.stream(IDS, max_tokens=8, seed=6)
    next(stream)
    stream.close()
    assert gpt.model.training is False and gpt.model.config._attn_implementation == "sdpa"


def test_traces_during_a_generation_change_nothing_and_are_not_changed(gpt):
    expected_tokens = gpt.complete(IDS, max_tokens=30, seed=8).choices[0].token_ids
    expected_maps = gpt.trace(IDS).attention()
    maps, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            maps.append(gpt.trace(IDS).attention())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        tokens = gpt.complete(IDS, max_tokens=30, seed=8).choices[0].token_ids
    finally:
        stop.set()
        thread.join()
    assert tokens == expected_tokens and len(maps) > 0
    assert all(np.array_equal(each, expected_maps) for each in maps)


def test_a_failing_step_leaves_the_models_modes_as_they_were(gpt, monkeypatch):
    gpt.model.train()
    monkeypatch.setattr(generation, "draw", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gpt.complete(IDS, max_tokens=3)
    assert gpt.model.training and gpt.model.transformer.h[1].training
    gpt.model.eval()


@pytest.mark.parametrize(
    ("settings", "kind", "part"),
    [
        ({"max_tokens": 0}, GPTVizError, "max_tokens"),
        ({"max_tokens": 1.5}, WrongType, "1.5"),
        ({"n": 0}, GPTVizError, "n of at least 1"),
        ({"n": True}, WrongType, "True"),
        ({"stop": ""}, GPTVizError, "at least one character"),
        ({"stop": ["x", ""]}, GPTVizError, "at least one character"),
        ({"stop": 3}, WrongType, "3"),
        ({"temperature": -0.1}, GPTVizError, "-0.1"),
        ({"temperature": float("nan")}, GPTVizError, "nan"),
        ({"temperature": float("inf")}, GPTVizError, "inf"),
        ({"top_k": 0}, GPTVizError, "top_k"),
        ({"top_p": 0}, GPTVizError, "top_p"),
        ({"top_p": 1.1}, GPTVizError, "top_p"),
        ({"min_p": -0.1}, GPTVizError, "min_p"),
        ({"min_p": 1.1}, GPTVizError, "min_p"),
        ({"repetition_penalty": 0}, GPTVizError, "repetition_penalty"),
        ({"seed": -1}, GPTVizError, "seed"),
        ({"temprature": 1}, WrongType, "temperature"),
        ({"logit_bias": {}}, WrongType, "logit_bias"),
    ],
)
def test_bad_settings_are_refused_at_the_call(gpt, settings, kind, part):
    for call in (gpt.complete, gpt.stream):  # stream refuses at the call, not at its first step
        with pytest.raises(kind) as caught:
            call("Ada", **settings)
        assert part in str(caught.value) and "Expected" in str(caught.value) and caught.value.remedy
    assert gpt.complete("Ada", max_tokens=2, seed=1).choices[0].finish_reason == "length"


def test_a_family_without_a_cache_reads_the_whole_text_at_each_step():
    gpt = gptviz.wrap(build("openai_gpt"), tokenizer())
    gpt.end_ids = frozenset()
    completion = gpt.complete(IDS, max_tokens=6, n=2, temperature=0, seed=1)
    ids = list(IDS)
    for _ in range(6):
        with torch.no_grad():
            ids.append(int(gpt.model(torch.tensor([ids])).logits[0, -1].argmax()))
    assert [list(choice.token_ids) for choice in completion.choices] == [ids[len(IDS) :]] * 2


def test_a_cache_that_cannot_be_copied_changes_no_token(gpt, monkeypatch):
    settings = {"max_tokens": 8, "n": 3, "temperature": 1.5, "seed": 2}
    expected = [choice.token_ids for choice in gpt.complete(IDS, **settings).choices]
    monkeypatch.setattr(generation, "repeat_cache", lambda cache, rows: False)
    assert [choice.token_ids for choice in gpt.complete(IDS, **settings).choices] == expected


def write_a_weight(model):
    with torch.no_grad():
        model.lm_head.weight[5] += 1


def looks_the_same(gpt, done, step):
    """Returns whether a step that is looked at again has the probability that it was drawn with."""
    drawn, logits = done.choices[0].steps[step], gpt.next_token(done, step).logits
    again = float(torch.softmax(torch.tensor(logits), -1)[drawn.token.id])
    return again == pytest.approx(drawn.probability, rel=rounding(logits))


def test_a_text_is_refused_when_the_weights_have_changed_since():
    gpt = long_model("llama")
    done = gpt.complete(IDS, max_tokens=3, seed=1)
    view = gptviz.GenerationTimeline(done, gpt=gpt)
    stream = gpt.stream(IDS, max_tokens=3, seed=1)
    first, other = next(stream), done.choices[0].steps[1].alternatives[1].token.id
    assert looks_the_same(gpt, done, 0) and first.probability == done.choices[0].steps[0].probability
    write_a_weight(gpt.model)
    for question in (
        lambda: next(stream),
        lambda: gpt.next_token(done, 0),
        lambda: view.force(1, other),
        lambda: view._answer_attention(0, 1, 0, 0),
        lambda: view._answer_bench(1),
    ):
        with pytest.raises(ModelChanged, match="generate again"):
            question()
    assert looks_the_same(gpt, gpt.complete(IDS, max_tokens=3, seed=1), 2)


def test_a_completion_that_was_stored_can_be_looked_at_again(gpt):
    done = pickle.loads(pickle.dumps(gpt.complete(IDS, max_tokens=2, seed=1)))
    assert done.weight_versions is None
    assert looks_the_same(gpt, done, 1)
