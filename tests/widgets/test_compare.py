"""Two traces side by side: rows of two vocabularies are joined by their tokens' bytes, never by ids."""

import math
import re

import pytest
from close import rounding
from families import build, tokenizer
from small_models import strong_gpt2

import gptviz
from gptviz.display.numbers import percent, significant
from gptviz.errors import WrongType


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def probability_of_text(trace, text):
    """Returns the probability of all ids whose bytes are those of the text, or None where there are none."""
    ids = [id for id in range(trace.vocab_size) if trace.vocab_token(id).bytes == text.encode()]
    return float(trace.probabilities()[ids].sum()) if ids else None


def test_tokens_of_two_vocabularies_of_one_size_are_kept_apart(gpt):
    other = gptviz.wrap(strong_gpt2(vocab_size=gpt.vocab_size), tokenizer())
    one, two = gpt.trace("Once upon"), other.trace("the owl")
    assert one.vocab_size == two.vocab_size
    rows = gptviz.compare(one, two)._about["next"]["rows"]
    leaders = [trace.top(1)[0] for trace in (one, two)]
    for side, (trace, (leader, _)) in enumerate(zip((one, two), leaders, strict=True)):
        (row,) = [row for row in rows if row["leads"][side]]
        assert row["token"]["text"] == leader.text
        assert row["shares"][side] == pytest.approx(probability_of_text(trace, leader.text), rel=rounding(1.0))
    assert any(None in row["shares"] for row in rows)


def test_each_side_has_its_leaders_and_its_entropy(gpt):
    """The still picture also names the prompt of each map and of each set of bars."""
    one, two = gpt.trace("The cat is"), gpt.trace('Anna said, "')
    beside = gptviz.compare(one, two)
    next_tokens = beside._about["next"]
    picture = " ".join(re.findall(r">([^<>]+)</text>", beside.still()))
    for side, trace in enumerate((one, two)):
        shares = trace.probabilities().tolist()
        bits = -sum(p * math.log2(p) for p in shares if p)
        assert next_tokens["entropy"][side] == pytest.approx(bits, rel=rounding(1.0))
        listed = {row["token"]["id"]: row["shares"][side] for row in next_tokens["rows"]}
        assert {token.id for token, _ in trace.top(10)} <= set(listed)
        assert all(share == pytest.approx(shares[id], rel=rounding(1.0)) for id, share in listed.items())
        assert next_tokens["others"][side] == pytest.approx(1 - sum(listed.values()), abs=rounding(1.0))
        share = trace.top(1)[0][1]
        assert (
            f"with {percent(share)}. The entropy is {significant(bits)} bits, as for {significant(2**bits)} equally likely "
            "tokens" in picture
        )
    first, second = (picture.index(text) for text in ("The cat is", "Anna said, &quot;"))
    opened = f"L{beside.views[0].layer} · H{beside.views[0].head}"
    maps = [match.start() for match in re.finditer(opened, picture)]
    assert first < maps[0] < picture.index("most probable next token") < second < maps[1]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_rows_are_joined_by_the_tokens_bytes(gpt, family):
    other = gptviz.wrap(build(family), tokenizer())
    one, two = gpt.trace("the owl"), other.trace("the owl")
    rows = gptviz.compare(one, two).to_table()
    assert {token.text for trace in (one, two) for token, _ in trace.top(10)} <= {row["token"] for row in rows}
    plain = [row for row in rows if row["token"].strip().isalpha()]
    assert len(plain) > 5
    for row in plain:
        for trace, share in ((one, row["one"]), (two, row["other"])):
            expected = probability_of_text(trace, row["token"])
            assert share == (None if expected is None else pytest.approx(expected, rel=rounding(1.0)))
    shared = [row for row in plain if row["one"] is not None and row["other"] is not None]
    assert shared, "both know single letters"


def test_two_saved_traces_of_one_model_are_joined(gpt, tmp_path):
    one, two = (gptviz.open_trace(gpt.trace(t).save(tmp_path / f"{t}.safetensors")) for t in ("Once", "The king"))
    beside = gptviz.compare(one, two)
    assert all(None not in row["shares"] for row in beside._about["next"]["rows"])
    leader, share = two.top(1)[0]
    assert {row["token"]: row["other"] for row in beside.to_table()}[leader.text] == share


def test_only_traces_can_be_compared(gpt):
    with pytest.raises(WrongType, match="two traces"):
        gptviz.compare(gpt.trace("Once"), "Once more")
