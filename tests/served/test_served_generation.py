"""What a served model generates, against the same model here: texts, tokens, probabilities, settings."""

import json
import math
import threading

import numpy as np
import pytest
from close import rounding

import gptviz
from gptviz.errors import GPTVizError, NotAvailable, WrongType
from gptviz.sampling import distribution

PROMPT = "Once upon a time there was a"
MESSAGES = [{"role": "user", "content": "Good day, Mary. Where is the castle?"}]
# How a server may be started, and whether it reports ids.
FORMS = {
    "vLLM": ({}, True),
    "without a tokenizer": ({"tokenizer": False}, False),
    "OpenAI": ({"strict": True, "tokenizer": False, "most": 5, "late": True}, False),
    "llama.cpp": ({"tokenizer": False, "content": True}, False),
    "processed": ({"processed": True}, True),
}


def bound(gpt, text):
    """Returns the bound, relative to each, for probabilities that two programs computed from the same weights."""
    return rounding(1.0, gpt.trace(text).logits)


def plain(tokens):
    """Returns what a server tells of tokens: not which of them are special, nor their roles."""
    return [(token.id, token.text, token.bytes, token.position) for token in tokens]


@pytest.mark.parametrize("form", FORMS)
def test_greedy_text_and_probabilities_are_the_model_s_own(server, gpt, form):
    options, has_ids = FORMS[form]
    served = gptviz.connect(server.start(**options))
    local, completion = (model.complete(PROMPT, max_tokens=12, temperature=0, stop=["."]) for model in (gpt, served))
    assert (
        completion.choices == served.complete(PROMPT, max_tokens=12, temperature=0, stop=["."], truncate="left").choices
    )
    (expected,), (choice,) = local.choices, completion.choices
    assert choice.text == expected.text and choice.finish_reason == expected.finish_reason
    assert completion.usage == local.usage and completion.prompt == local.prompt and completion.model == "little"
    assert [step.finish_reason for step in choice.steps] == [step.finish_reason for step in expected.steps]
    assert "".join(step.text for step in choice.steps) == choice.text
    near = bound(gpt, PROMPT + expected.text)
    for step, own in zip(choice.steps, expected.steps, strict=True):
        assert (step.token.text, step.token.bytes, step.index) == (own.token.text, own.token.bytes, own.index)
        assert (step.sampling_probability, step.kept, step.entropy, step.kept_mass) == (1.0, 1, 0.0, 1.0)
        if options.get("processed"):  # the model's own are not among what such a server tells
            assert math.isnan(step.probability)
        else:
            assert step.probability == pytest.approx(own.probability, rel=near)
            told = [alternative.probability for alternative in step.alternatives]
            assert told == pytest.approx([one.probability for one in own.alternatives[: len(told)]], rel=near)
        assert [one.token.text for one in step.alternatives] == [
            one.token.text for one in own.alternatives[: len(step.alternatives)]
        ]
        assert len(step.alternatives) == min(10, server.options.most)
        if has_ids:
            assert step.token == own.token
    if has_ids:
        assert plain(completion.prompt_tokens) == plain(local.prompt_tokens)
    json.dumps(completion.to_dict(), allow_nan=False)


# Settings, and which numbers a server of raw log-probabilities leaves unknown.
SETTINGS = [
    ({"temperature": 1.0}, {"kept", "entropy"}),
    ({"temperature": 0.6, "top_k": 7}, {"kept_mass"}),
    ({"temperature": 1.0, "top_k": 7, "top_p": 0.7}, set()),
    ({"temperature": 1.0, "top_p": 0.3}, set()),
    ({"temperature": 0.6, "min_p": 0.3}, {"kept_mass"}),
    ({"temperature": 0.6, "top_p": 0.8}, {"kept", "kept_mass", "entropy", "sampling"}),
    ({"temperature": 1.0, "repetition_penalty": 1.3}, {"kept", "kept_mass", "entropy", "sampling"}),
]


@pytest.mark.parametrize(("settings", "unknown"), SETTINGS)
def test_each_step_has_the_numbers_of_the_sampling_stages_or_none(server, gpt, settings, unknown):
    completion = gptviz.connect(server.url).complete(PROMPT, max_tokens=4, n=2, seed=3, **settings)
    prompt = [token.id for token in completion.prompt_tokens]
    compared = 0
    for choice in completion.choices:
        for step in choice.steps:
            before = [*prompt, *choice.token_ids[: step.index]]
            logits = server.logits(before)[-1].numpy()
            right, near = distribution(logits, before, **settings), rounding(1.0, logits)
            model = distribution(logits)
            assert step.probability == pytest.approx(model.probabilities[step.token.id], rel=near)
            kept = right.probabilities[right.probabilities > 0]
            told = {"kept": step.kept, "entropy": step.entropy, "kept_mass": step.kept_mass}
            told["sampling"] = step.sampling_probability
            assert {name for name, value in told.items() if math.isnan(value)} >= unknown
            if not math.isnan(step.kept):
                assert step.kept == len(kept)
                entropy = -(kept * np.log2(kept)).sum()
                assert step.entropy == pytest.approx(
                    entropy, abs=near * (entropy + 2)
                )  # d(p log₂ p) = dp (log₂ p + 1.44)
            if not math.isnan(step.kept_mass):  # only at temperature 1
                assert step.kept_mass == pytest.approx(model.probabilities[right.probabilities > 0].sum(), rel=near)
            if not math.isnan(step.sampling_probability):
                compared += 1
                assert step.sampling_probability == pytest.approx(right.probabilities[step.token.id], rel=near)
                for alternative in step.alternatives:
                    expected = right.probabilities[alternative.token.id]
                    assert alternative.sampling_probability == pytest.approx(expected, rel=near)
    assert (compared > 0) == ("sampling" not in unknown)


def test_processed_log_probabilities_are_those_after_the_settings(server, gpt):
    settings = {"temperature": 0.6, "top_k": 7}
    completion = gptviz.connect(server.start(processed=True)).complete(PROMPT, max_tokens=3, seed=3, **settings)
    prompt = [token.id for token in completion.prompt_tokens]
    for step in completion.choices[0].steps:
        before = [*prompt, *completion.choices[0].token_ids[: step.index]]
        logits = server.logits(before)[-1].numpy()
        right = distribution(logits, before, **settings).probabilities
        assert step.sampling_probability == pytest.approx(right[step.token.id], rel=rounding(1.0, logits))
        assert math.isnan(step.probability) and step.kept == 7


def test_settings_reach_the_server_and_neutral_ones_do_too(server):
    served = gptviz.connect(server.url)
    served.complete(PROMPT, max_tokens=2, temperature=0, top_k=5, stop="zebra", seed=8, add_special_tokens=False)
    body = server.bodies("/v1/completions")[-1]
    expected = {"top_k": 5, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0, "stop": ["zebra"], "seed": 8, "n": 1}
    assert expected.items() <= body.items()
    assert body["add_special_tokens"] is False and body["max_tokens"] == 2


def test_a_server_that_refuses_a_setting_says_which(server):
    served = gptviz.connect(server.start(strict=True))
    with pytest.raises(NotAvailable, match="top_k"):
        served.complete(PROMPT, top_k=5)
    assert served.complete(PROMPT, max_tokens=2, top_p=0.9).choices[0].steps


def test_choices_stops_and_seeds(server):
    served = gptviz.connect(server.url)
    first, again, other = (served.complete(PROMPT, max_tokens=6, n=3, temperature=1.2, seed=seed) for seed in (5, 5, 6))
    texts = [choice.text for choice in first.choices]
    assert [choice.index for choice in first.choices] == [0, 1, 2] and len(set(texts)) > 1
    assert texts == [choice.text for choice in again.choices] != [choice.text for choice in other.choices]
    assert first.seed == 5 and isinstance(served.complete(PROMPT, max_tokens=1).seed, int)
    greedy = served.complete(PROMPT, max_tokens=6, temperature=0).choices[0].text
    stopped = served.complete(PROMPT, max_tokens=6, temperature=0, stop=[greedy[4:8]]).choices[0]
    assert stopped.text == greedy[: greedy.index(greedy[4:8])] and stopped.finish_reason == "stop"


def test_a_stream_has_the_steps_of_the_completion(server):
    served = gptviz.connect(server.url)
    steps = list(served.stream(PROMPT, max_tokens=5, temperature=0))
    assert steps == list(served.complete(PROMPT, max_tokens=5, temperature=0).choices[0].steps) and len(steps) == 5
    with pytest.raises(WrongType, match="Did you mean temperature"):
        served.stream(PROMPT, temperatur=1)
    with pytest.raises(WrongType, match='truncate="left" or None'):
        served.stream(PROMPT, truncate="right")


def test_an_answer_to_a_chat_is_that_of_the_model_here(server, gpt):
    served = gptviz.connect(server.url)
    local, answer = (model.chat(MESSAGES, max_tokens=8, temperature=0, stop="\n") for model in (gpt, served))
    assert answer.choices[0].text == local.choices[0].text
    assert answer.choices[0].message["role"] == "assistant" and len(answer.choices[0].message["content"]) > 3
    assert plain(answer.prompt_tokens) == plain(local.prompt_tokens)
    near = bound(gpt, local.prompt + local.choices[0].text)
    for step, own in zip(answer.choices[0].steps, local.choices[0].steps, strict=True):
        assert step.token.role == own.token.role == "assistant"
        assert step.probability == pytest.approx(own.probability, rel=near)
    assert served.complete(MESSAGES, max_tokens=8, temperature=0, stop="\n").choices == answer.choices
    with pytest.raises(GPTVizError, match="answer of the assistant"):
        served.chat([*MESSAGES, answer.choices[0].message])
    untold = gptviz.connect(server.start(tokenizer=False)).chat(MESSAGES, max_tokens=2, temperature=0)
    assert untold.prompt == "user: " + MESSAGES[0]["content"] and untold.prompt_tokens[0].role == "user"


def test_a_prompt_may_be_token_ids_where_the_server_tells_them(server, gpt):
    ids = gpt.encode(PROMPT)
    served = gptviz.connect(server.url)
    assert served.complete(np.array(ids), max_tokens=3, temperature=0).choices == (
        served.complete(PROMPT, max_tokens=3, temperature=0).choices
    )
    with pytest.raises(NotAvailable, match="does not report"):
        gptviz.connect(server.start(tokenizer=False)).complete(ids)
    with pytest.raises(WrongType, match="token ids"):
        served.complete(3.5)


def test_a_cancelled_completion_keeps_what_arrived(server):
    served, cancel, steps = gptviz.connect(server.url), threading.Event(), []
    for step in served.stream(PROMPT, max_tokens=300, temperature=0, cancel=cancel):
        steps.append(step)
        cancel.set()
    assert 1 <= len(steps) < 300
    cancelled = served.complete(PROMPT, max_tokens=300, cancel=cancel)
    assert cancelled.choices[0].finish_reason == "interrupted"


def test_a_model_that_reveals_nothing_still_writes(server, gpt):
    served = gptviz.connect(server.start(most=0, tokenizer=False))
    completion = served.complete(PROMPT, max_tokens=6, temperature=0)
    assert completion.choices[0].text == gpt.complete(PROMPT, max_tokens=6, temperature=0).choices[0].text
    assert all(math.isnan(step.probability) and not step.alternatives for step in completion.choices[0].steps)
    assert completion.usage.completion_tokens == 6 and served.reveals.leaders == 0
    assert completion.to_dict()["choices"][0]["logprobs"]["token_logprobs"] == [None] * len(completion.choices[0].steps)
    with pytest.raises(NotAvailable, match="reveals log-probabilities"):
        served.next_token(PROMPT)
    with pytest.raises(NotAvailable, match="reveals log-probabilities"):
        served.score(PROMPT)
