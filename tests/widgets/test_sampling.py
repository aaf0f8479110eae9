"""The sampling bench from Python: what it sends to the page, its table, and what it refuses."""

import numpy as np
import pytest
from close import approx_float64
from families import TEXT

import gptviz
from gptviz import sampling
from gptviz.errors import GPTVizError
from gptviz.widgets.sampling import sampling as sampling_view

VOCAB = 907


@pytest.fixture(scope="module")
def trace(gpt):
    return gpt.trace(TEXT)


@pytest.mark.parametrize("position", [-1, 2, -4])
def test_the_page_gets_the_traces_logits_and_tokens(trace, position):
    bench = gptviz.SamplingBench(trace, position=position)
    place = position % len(trace.tokens)
    np.testing.assert_array_equal(np.frombuffer(bench._logits, "<f4"), trace.logits[position])
    assert bench._about["position"] == place
    assert bench._about["current"]["id"] == trace.tokens[place].id
    assert bench._about["previous"] == sorted({token.id for token in trace.tokens[: place + 1]})
    for label in bench._about["labels"]:
        token = trace.vocab_token(label["id"])
        assert label["text"] == token.text or label["bytes"] == token.bytes.hex(" ")


@pytest.mark.parametrize("penalty", [0.01, 0.7, 1.0, 1.3, 50.0])
def test_every_row_has_its_label_whatever_the_penalty(trace, penalty, monkeypatch):
    monkeypatch.setattr(sampling_view, "LABELS", 64)
    bench = gptviz.SamplingBench(trace, rows=64)
    labelled = {label["id"] for label in bench._about["labels"]}
    assert len(labelled) < VOCAB / 3
    previous = bench._about["previous"]
    order = sampling.distribution(trace.logits[-1], previous, repetition_penalty=penalty).order
    assert set(order[:64].tolist()) <= labelled


def test_the_table_is_the_distribution(trace):
    bench = gptviz.SamplingBench(trace, rows=5, temperature=0.7, top_k=9, seed=4)
    table = bench.to_table(min_p=0.05)
    expected = sampling.distribution(trace.logits[-1], temperature=0.7, top_k=9, min_p=0.05)
    assert [row["id"] for row in table[:-1]] == expected.order[:5].tolist()
    for row in table[:-1]:
        assert row["token"] == trace.vocab_token(row["id"]).text
        assert row["logit"] == trace.logits[-1][row["id"]]
        assert row["temperature"] == expected.stages["temperature"][row["id"]]
        assert row["min_p"] == expected.probabilities[row["id"]]
    for stage in sampling.STAGES:
        assert sum(row[stage] for row in table) == approx_float64(1)
    assert f"{VOCAB - 5} other tokens" in table[-1]["token"]


def test_a_bench_follows_a_prompt_box(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    bench = gptviz.SamplingBench(box, position=20)
    box.run("the owl")
    short = gpt.trace("the owl")
    np.testing.assert_array_equal(np.frombuffer(bench._logits, "<f4"), short.logits[-1])
    assert bench._about["position"] == len(short.tokens) - 1
    bench.trace = gpt.trace("in the thin")
    assert bench._about["current"]["position"] == len(bench.trace.tokens) - 1


@pytest.mark.parametrize(
    "wrong, words",
    [
        (dict(temperature=-1), "0 or more"),
        (dict(top_k=0), "1 or more"),
        (dict(top_p=1.2), "at most 1"),
        (dict(min_p="x"), "number"),
        (dict(repetition_penalty=0), "above 0"),
        (dict(seed=-1), "seed"),
        (dict(position=99), "position"),
        (dict(rows=0), "rows"),
        (dict(temprature=1), "Did you mean temperature"),
    ],
    ids=str,
)
def test_bad_settings_are_refused_and_the_bench_works_on(trace, wrong, words):
    with pytest.raises(GPTVizError, match=words):
        gptviz.SamplingBench(trace, **wrong)
    bench = gptviz.SamplingBench(trace, temperature=0.5)
    for name, value in wrong.items():
        if bench.has_trait(name) and name != "rows":
            with pytest.raises(GPTVizError, match=words):
                setattr(bench, name, value)
    assert (bench.temperature, bench.seed, bench.position) == (0.5, 0, -1)
    assert len(bench.to_table()) == 17


def test_a_bench_takes_logits_of_any_origin(trace):
    other = gptviz.NextToken(trace.logits[2] * 0.5, trace.tokens[:3], trace.vocab_token)
    bench = gptviz.SamplingBench(other, beside=trace.next_token())
    np.testing.assert_array_equal(np.frombuffer(bench._logits, "<f4"), other.logits)
    np.testing.assert_array_equal(np.frombuffer(bench._beside_logits, "<f4"), trace.logits[-1])
    assert bench._about["position"] == 2 and bench._about["beside"]["position"] == len(trace.tokens) - 1
    assert bench.to_table()[0]["model"] == sampling.distribution(other.logits).probabilities.max()
    bench.trace = trace
    np.testing.assert_array_equal(np.frombuffer(bench._logits, "<f4"), trace.logits[-1])


def test_two_vocabularies_are_not_compared(trace):
    shorter = gptviz.NextToken(trace.logits[-1][:50], trace.tokens, trace.vocab_token)
    bench = gptviz.SamplingBench(trace)
    with pytest.raises(GPTVizError, match=r"same vocabulary, 907 logits\. Got 50"):
        bench.beside = shorter
    with pytest.raises(GPTVizError, match="tokens before"):
        gptviz.NextToken(trace.logits[-1], (), trace.vocab_token)
