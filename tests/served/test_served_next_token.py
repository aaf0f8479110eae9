"""What a server reveals of one token: leaders and the rest, raw or processed, equal texts, a given text, and no inside."""

import copy
import math
import re

import numpy as np
import pytest
from close import rounding
from shown import half_of_decimal

import gptviz
from gptviz.display.numbers import percent
from gptviz.errors import NotAvailable
from gptviz.sampling import distribution
from gptviz.served.model import ServedModel

PROMPT = "Once upon a time there was a"


def test_the_leaders_are_the_model_s_and_the_rest_is_one_share(server, gpt):
    revealed = gptviz.connect(server.url).next_token(PROMPT)
    trace = gpt.trace(PROMPT)
    probabilities, near = trace.probabilities(), rounding(1.0, trace.logits)
    assert [token.id for token, _ in revealed.top(20)] == [token.id for token, _ in trace.top(20)]
    assert [share for _, share in revealed.top(20)] == pytest.approx(
        [float(probabilities[token.id]) for token, _ in revealed.top(20)], rel=near
    )
    rest = 1 - np.sort(probabilities.astype(np.float64))[-20:].sum()
    assert revealed.unrevealed == pytest.approx(rest, abs=near) and 0.001 < rest < 0.9
    assert revealed.leaders[0].token.position == len(trace.tokens)
    assert f"not revealed: {percent(rest)}" in repr(revealed) and "␣" in repr(revealed)


def test_its_picture_has_a_hatched_bar_for_the_rest(server):
    revealed = gptviz.connect(server.url).next_token(PROMPT)
    bars = re.findall(r'height="12.00" fill="([^"]+)"', revealed._repr_svg_())
    widths = re.findall(r'width="([\d.]+)" height="12.00"', revealed._repr_svg_())
    tracks, drawn = [float(width) for width in widths[::2]], [float(width) for width in widths[1::2]]
    shares = [*(share for _, share in revealed.top(20)), revealed.unrevealed]
    expected = [share * track for share, track in zip(shares, tracks, strict=True)]
    assert drawn == pytest.approx(expected, abs=half_of_decimal(2))
    assert [fill for fill in bars if "url" in fill] == [bars[-1]] and len(bars) == 42
    gptviz.set_language("zh")
    try:
        assert "未透露" in revealed._repr_svg_()
    finally:
        gptviz.set_language("en")


@pytest.mark.parametrize(("options", "kind"), [({}, "raw"), ({"processed": True}, "processed")])
@pytest.mark.parametrize("extra", [{}, {"strict": True, "tokenizer": False, "most": 5}])
def test_raw_and_processed_log_probabilities_are_told_apart_by_two_temperatures(server, options, kind, extra):
    served = gptviz.connect(server.start(**options, **extra))
    assert served.log_probabilities == kind and served.next_token(PROMPT).log_probabilities == kind
    assert served.reveals.leaders == extra.get("most", 20) and served.reveals.ids == (not extra)
    temperatures = [body["temperature"] for body in server.bodies("/v1/completions")]
    assert temperatures.count(0.5) == 1


def test_where_two_temperatures_tell_nothing_the_kind_is_unknown(server, gpt):
    certain = {gpt.encode(" cat", add_special_tokens=False)[0]: 1e4}  # all other logits are equal beside it
    served = gptviz.connect(server.start(bias=certain))
    assert served.log_probabilities == "unknown"
    step = served.complete(PROMPT, max_tokens=1, temperature=0.5).choices[0].steps[0]
    assert math.isnan(step.probability) and math.isnan(step.sampling_probability)
    assert served.complete(PROMPT, max_tokens=1, temperature=1.0).choices[0].steps[0].probability == 1.0


def test_settings_act_on_the_leaders_as_far_as_these_tell(server, gpt):
    revealed = gptviz.connect(server.url).next_token(PROMPT)
    logits = gpt.trace(PROMPT).logits[-1]
    for settings in ({"temperature": 0.5, "top_k": 6}, {"top_k": 9, "top_p": 0.5, "min_p": 0.1}, {"temperature": 0}):
        right = distribution(logits, **settings).probabilities
        for alternative in revealed.after(**settings):
            expected = right[alternative.token.id]
            assert alternative.sampling_probability == pytest.approx(expected, rel=rounding(1.0, logits))
    with pytest.raises(NotAvailable, match=r"depends on the other tokens too \(\d.* % together\). Add top_k=20"):
        revealed.after(temperature=0.5)
    with pytest.raises(NotAvailable, match=r"top_p=0\.99"):
        revealed.after(temperature=0.5, top_p=0.99)


@pytest.mark.parametrize("ids", [True, False])
def test_leaders_with_equal_texts(server, gpt, ids):
    """Halves of characters are decoded alike. By their ids they stay apart; by their texts one hides the others."""
    halves = [id for id in range(gpt.vocab_size) if gpt.tokenizer.decode([id]) == "\ufffd"][:3]
    server.start(bias=dict.fromkeys(halves, 60.0), tokenizer=ids)
    served = gptviz.connect(server.url)
    logits = server.logits(gpt.encode(PROMPT))[-1]
    order = logits.argsort(descending=True).tolist()
    assert set(order[:3]) == set(halves)
    step = served.complete(PROMPT, max_tokens=1, temperature=0.7, top_k=3, seed=1).choices[0].steps[0]
    if ids:
        assert [one.token.id for one in step.alternatives] == order[:10]
        right = distribution(logits.numpy(), temperature=0.7, top_k=3).probabilities
        for one in step.alternatives:
            assert one.sampling_probability == pytest.approx(right[one.token.id], rel=rounding(1.0, logits))
    else:
        assert len({one.token.text for one in step.alternatives}) == len(step.alternatives)
        assert math.isnan(step.sampling_probability) and math.isnan(step.kept)


@pytest.mark.parametrize("options", [{}, {"strict": True, "tokenizer": False, "most": 5}])
def test_a_given_text_has_the_probability_of_each_of_its_tokens(server, gpt, options):
    text = "Tom and Mary went to the park."
    steps = gptviz.connect(server.start(**options)).score(text)
    trace = gpt.trace(text)
    assert [step.token.text for step in steps] == [token.text for token in trace.tokens]
    assert math.isnan(steps[0].probability) and not steps[0].alternatives
    near = rounding(1.0, trace.logits)
    for step, token in zip(steps[1:], trace.tokens[1:], strict=True):
        right = trace.probabilities(token.position - 1)
        assert step.probability == pytest.approx(float(right[token.id]), rel=near)
        assert step.alternatives[0].probability == pytest.approx(float(right.max()), rel=near)
        assert step.token.position == token.position


def test_a_server_without_echo_is_refused_in_words(server):
    with pytest.raises(NotAvailable, match=r"echoes a prompt.*leaves the prompt out"):
        gptviz.connect(server.start(echo=False)).score(PROMPT)


def test_what_needs_the_inside_is_refused_with_a_reason(server, gpt):
    served = gptviz.connect(server.url)
    public = {name for name in [*dir(gpt), *vars(gpt)] if not name.startswith("_")}
    inside = public - set(dir(ServedModel)) - set(vars(served))
    assert {"trace", "n_layers", "model", "encode", "role_scores"} <= inside
    for name in inside:
        assert not hasattr(served, name)
        with pytest.raises(NotAvailable, match=rf"for {name}\. Got .*reveals tokens and probabilities only"):
            getattr(served, name)
    with pytest.raises(NotAvailable, match=r"gptviz\.load"):
        served.trace(PROMPT)
    with pytest.raises(AttributeError, match=r"Did you mean complete\?"):
        served.complet(PROMPT)
    with pytest.raises(NotAvailable, match="for edits"):
        served.complete(PROMPT, edits=[gptviz.ablate_head(0, 1)])
    for view in (gptviz.AttentionView, gptviz.FlowView, gptviz.BlockView, gptviz.TokensView):
        with pytest.raises(NotAvailable, match=f"for {view.__name__}.*tokens and probabilities only"):
            view(served)
    assert not hasattr(served, "_repr_html_")
    assert copy.copy(served).next_token(PROMPT).leaders == served.next_token(PROMPT).leaders
