"""Edits that are refused: each message says what was expected, what came and what to do."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from families import IDS, build, tokenizer
from hooked import LAYERS, SHORT, WIDTH, T, gpt_of, trace_of

import gptviz
from gptviz.errors import GPTVizError, OutOfRange, WrongType


@pytest.mark.parametrize(
    "make, kind, words",
    [
        (lambda: gptviz.ablate_head(-1, 0), OutOfRange, "a layer of at least 0"),
        (lambda: gptviz.ablate_head(0, 1.5), WrongType, "a whole number as head"),
        (lambda: gptviz.ablate_head(True, 1), WrongType, "a whole number as layer"),
        (lambda: gptviz.ablate_head(0, 1, to="one"), GPTVizError, 'to="zero" or to="mean"'),
        (lambda: gptviz.ablate_head(0, 1, to="mean"), WrongType, "a trace as reference"),
        (lambda: gptviz.ablate_head(0, 1, reference=trace_of("gpt2")), GPTVizError, "no reference"),
        (lambda: gptviz.scale_head(0, 1, "2"), WrongType, "a number as factor"),
        (lambda: gptviz.scale_head(0, 1, float("inf")), GPTVizError, "a finite factor"),
        (lambda: gptviz.scale_head(0, 1, 10**400), GPTVizError, "a finite factor"),
        (lambda: gptviz.scale_head(0, 1, 10**5000), GPTVizError, "a finite factor"),
        (lambda: gptviz.scale_head(0, 1, torch.tensor(True)), WrongType, "a number as factor"),
        (lambda: gptviz.scale_head(0, 1, torch.ones(1)), WrongType, "a number as factor"),
        (lambda: gptviz.set_attention(0, 1, 2, [1, 0]), GPTVizError, "3 weights"),
        (lambda: gptviz.set_attention(0, 1, 2, [0, 0, 0]), GPTVizError, "a positive sum"),
        (lambda: gptviz.set_attention(0, 1, 2, [2, -1, 0]), GPTVizError, "at least 0"),
        (lambda: gptviz.set_attention(0, 1, 1, [1, 1, 1]), GPTVizError, "no weight after position 1"),
        (lambda: gptviz.set_attention(0, 1, 0, [float("nan")]), GPTVizError, "finite weights"),
        (lambda: gptviz.set_attention(0, 1, 1, [[1, 1]]), WrongType, "in one row"),
        (lambda: gptviz.set_attention(0, 1, 1, "ab"), WrongType, "numbers as weights"),
        (lambda: gptviz.patch("stream", 0, 1, source=trace_of("gpt2")), GPTVizError, "one of the sites"),
        (lambda: gptviz.patch("residual", 0, 1, source="text"), WrongType, "a trace as source"),
        (lambda: gptviz.patch("residual", 0, T, source=trace_of("gpt2")), OutOfRange, "a position"),
        (lambda: gptviz.patch("residual", 0, 1.0, source=trace_of("gpt2")), WrongType, "a whole number as position"),
        (lambda: gptviz.patch("head_output", 0, 1, source=trace_of("gpt2")), GPTVizError, "a head only with site="),
        (lambda: gptviz.patch("mlp_out", 0, 1, source=trace_of("gpt2"), head=1), GPTVizError, "a head only with site="),
        (lambda: gptviz.ablate_mlp(0, position=-1), OutOfRange, "a position of at least 0"),
        (lambda: gptviz.ablate_attention(0, position=1.5), WrongType, "a whole number as position"),
        (lambda: gptviz.ablate_key(0, 2, 3), GPTVizError, "a key up to position 2"),
        (lambda: gptviz.ablate_key(0, 2, -1), OutOfRange, "a key of at least 0"),
        (lambda: gptviz.steer(0, [1, float("inf")]), GPTVizError, "finite vector"),
        (lambda: gptviz.steer(0, [1.0, 10**400]), GPTVizError, "finite vector"),
        (lambda: gptviz.steer(0, [1.0, 10**5000]), GPTVizError, "finite vector"),
        (lambda: gptviz.steer(0, [1.0, 2.0], 10**400), GPTVizError, "a finite strength"),
        (lambda: gptviz.ablate_head(-(10**5000), 0), OutOfRange, "a layer of at least 0"),
        (lambda: gptviz.ablate_head(0, 0, to=10**5000), GPTVizError, 'to="zero" or'),
        (lambda: gptviz.ablate_mlp(0, stack=10**5000), GPTVizError, "one of the stacks"),
        (lambda: gptviz.patch(10**5000, 0, 1, source=trace_of("gpt2")), GPTVizError, "one of the sites"),
        (lambda: gptviz.steer(0, None), WrongType, "vector"),
        (lambda: gptviz.steer(0, [1.0], "strong"), WrongType, "a number as strength"),
    ],
)
def test_an_edit_that_no_model_could_do_is_refused_when_it_is_made(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert len(caught.value.got) and len(caught.value.remedy) > 5


@pytest.mark.parametrize("make", [float, np.float32, np.array, torch.tensor, Fraction])
def test_an_edits_number_may_come_from_any_library(make):
    assert gptviz.scale_head(0, 0, make(0.5)) == gptviz.scale_head(0, 0, 0.5)
    assert gptviz.steer(0, [1.0, 2.0], make(0.5)) == gptviz.steer(0, [1.0, 2.0], 0.5)
    assert type(gptviz.scale_head(0, 0, make(0.5)).factor) is float


@pytest.mark.parametrize(
    "edits, kind, words",
    [
        (lambda: [gptviz.ablate_head(3, 0)], OutOfRange, "a layer from 0 to 2. Got 3"),
        (lambda: [gptviz.ablate_mlp(0), gptviz.ablate_head(0, 4)], OutOfRange, "a head from 0 to 3"),
        (lambda: [gptviz.ablate_neuron(0, 56)], OutOfRange, "a neuron from 0 to 55"),
        (lambda: [gptviz.patch("residual", 4, 0, source=trace_of("gpt2"))], OutOfRange, "a depth from 0 to 3"),
        (lambda: [gptviz.patch("mlp_out", 3, 0, source=trace_of("gpt2"))], OutOfRange, "a layer from 0 to 2"),
        (lambda: [gptviz.set_attention(0, 1, T, [1] * (T + 1))], OutOfRange, "a position from 0 to 10"),
        (lambda: [gptviz.ablate_mlp(0, position=T)], OutOfRange, "a position from 0 to 10"),
        (lambda: [gptviz.ablate_attention(0, position=T)], OutOfRange, "a position from 0 to 10"),
        (lambda: [gptviz.ablate_key(0, T, 1)], OutOfRange, "a position from 0 to 10"),
        (lambda: [gptviz.ablate_key(0, 2, 1, head=4)], OutOfRange, "a head from 0 to 3"),
        (
            lambda: [gptviz.patch("residual", 1, 3, source=gpt_of("gpt2").trace(SHORT))],
            GPTVizError,
            "a source of 11 tokens",
        ),
        (lambda: [gptviz.patch("residual", 1, 3, source=trace_of("llama"))], GPTVizError, "a source of 3 layers"),
        (lambda: [gptviz.ablate_head(1, 3, "mean", trace_of("llama"))], GPTVizError, "a source of 3 layers"),
        (lambda: [gptviz.steer(0, [1.0] * 23)], GPTVizError, "a vector of d_model, 24 numbers. Got 23"),
        (lambda: gptviz.ablate_head(0, 0), WrongType, "edits as a list"),
        (lambda: ["ablate_head(0, 0)"], WrongType, "edits, such as"),
        (lambda: [10**5000], WrongType, "edits, such as"),
        (lambda: [gptviz.ablate_head], WrongType, "edits, such as"),
        (lambda: None, WrongType, "edits as a list"),
    ],
)
def test_an_edit_that_this_model_cannot_do_is_refused_before_the_pass(edits, kind, words):
    for call in (gpt_of("gpt2").trace, gpt_of("gpt2").complete, gpt_of("gpt2").stream):
        with pytest.raises(kind, match=words) as caught:
            call(IDS, edits=edits())
        assert len(caught.value.remedy) > 5


@pytest.mark.parametrize(
    "edit",
    [gptviz.scale_head(0, 0, 1e300), gptviz.steer(1, np.full(WIDTH, 1e20)), gptviz.steer(LAYERS, [3e38] * WIDTH)],
)
def test_edits_that_overflow_are_refused_after_the_pass(edit):
    gpt = gptviz.wrap(build("gpt2"), tokenizer())
    before = gpt.trace(IDS).logits
    for call in (gpt.trace, gpt.complete, lambda ids, edits: list(gpt.stream(ids, edits=edits))):
        with pytest.raises(GPTVizError, match=r"edits that leave the logits finite.*Take a smaller factor or strength"):
            call(IDS, edits=[edit])
    assert (gpt.trace(IDS).logits == before).all()
