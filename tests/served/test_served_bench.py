"""The sampling bench of a served model: what it sends and tabulates agrees with the same model here, and holds no key."""

import json
import math

import numpy as np
import pytest
from close import rounding

import gptviz
from gptviz.display.numbers import percent
from gptviz.errors import NotAvailable, WrongType
from gptviz.sampling import STAGES, distribution

PROMPT = "Once upon a time there was a"
KEY = "sk-sentinel-51d0"


@pytest.fixture
def revealed(server):
    return gptviz.connect(server.start(key=KEY), api_key=KEY).next_token(PROMPT)


def test_the_page_gets_the_leaders_and_the_kind_of_their_log_probabilities(revealed, gpt):
    trace = gpt.trace(PROMPT)
    about = gptviz.SamplingBench(revealed)._about
    assert [label["id"] for label in about["labels"]] == [token.id for token, _ in trace.top(20)]
    right = trace.logits[-1].astype(np.float64)
    right -= np.log(np.exp(right - right.max()).sum()) + right.max()
    near = rounding(1.0, trace.logits)
    assert about["revealed"]["logprobs"] == pytest.approx(np.sort(right)[::-1][:20].tolist(), abs=near)
    assert about["revealed"]["kind"] == "raw" and about["revealed"]["complete"]
    assert about["current"]["id"] == trace.tokens[-1].id and about["position"] == len(trace.tokens) - 1


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({}, STAGES),
        ({"temperature": 0.7}, ["model", "repetition_penalty"]),
        ({"temperature": 0.7, "top_k": 5}, ["model", "repetition_penalty", "top_k", "top_p", "min_p"]),
        ({"top_p": 0.5}, STAGES),
        ({"temperature": 0, "top_p": 0.9}, STAGES),
        ({"top_k": 21}, ["model", "repetition_penalty", "temperature"]),
        ({"repetition_penalty": 1.2}, ["model"]),
        ({"temperature": 0.4, "min_p": 0.2}, ["model", "repetition_penalty", "min_p"]),
    ],
    ids=str,
)
def test_the_table_has_the_local_numbers_where_they_are_known_and_nan_elsewhere(revealed, gpt, settings, known):
    logits = gpt.trace(PROMPT).logits[-1]
    right = distribution(logits, **settings)
    table = gptviz.SamplingBench(revealed, **settings).to_table()
    near = rounding(1.0, logits)
    for stage in STAGES:
        shares = [row[stage] for row in table]
        if stage in known:
            expected = [right.stages[stage][row["id"]] for row in table[:-1]]
            assert shares[:-1] == pytest.approx(expected, rel=near), stage
            assert shares[-1] == pytest.approx(max(0.0, 1 - sum(expected)), abs=near), stage
        else:
            assert all(map(math.isnan, shares)), stage


def test_the_still_picture_and_the_exported_page_name_the_rest_and_hold_no_key(revealed, tmp_path):
    bench = gptviz.SamplingBench(revealed)
    page = bench.save_html(tmp_path / "page.html").read_text("utf-8")
    written = json.dumps(bench.get_state(), allow_nan=False, default=repr)
    assert KEY not in written + page + repr(revealed) + bench.still()
    assert "not revealed" in bench.still() and percent(revealed.unrevealed) in bench.still()
    assert "url(#rest)" in bench.still()
    assert gptviz.SamplingBench(revealed, temperature=0.7).still().count(">–<") == 21
    assert "未透露" in gptviz.SamplingBench(revealed, language="zh").still()


def test_tokens_with_equal_texts_stay_apart_by_their_ids_and_make_settings_unknown_without(server, gpt):
    halves = [id for id in range(gpt.vocab_size) if gpt.tokenizer.decode([id]) == "\ufffd"][:3]
    address = server.start(bias=dict.fromkeys(halves, 60.0))
    about = gptviz.SamplingBench(gptviz.connect(address).next_token(PROMPT))._about
    assert {label["id"] for label in about["labels"][:3]} == set(halves) and about["revealed"]["complete"]
    address = server.start(bias=dict.fromkeys(halves, 60.0), tokenizer=False)
    revealed = gptviz.connect(address).next_token(PROMPT)
    about = gptviz.SamplingBench(revealed)._about
    assert not about["revealed"]["complete"] and about["current"] is None
    assert all(math.isnan(row["min_p"]) for row in gptviz.SamplingBench(revealed, top_k=2).to_table())
    with pytest.raises(NotAvailable, match="a list by texts"):
        revealed.after(top_k=2)


def test_what_needs_all_logits_is_refused_in_words(revealed, gpt):
    bench = gptviz.SamplingBench(revealed)
    with pytest.raises(NotAvailable, match="all logits, to compare two"):
        bench.beside = gpt.trace(PROMPT).next_token()
    with pytest.raises(NotAvailable, match="all logits, to name any token"):
        bench._answer_token(3)
    with pytest.raises(WrongType, match="next_token"):
        gptviz.SamplingBench(next_token="a")
    bench.next_token = gpt.trace(PROMPT).next_token()
    assert bench._about["revealed"] is None and bench._logits
    bench.next_token = revealed
    assert not bench._logits and not list(bench._page_questions())
