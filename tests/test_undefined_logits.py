"""Logits that are NaN or infinite are named wherever they would show, with their likely cause; no page gets such a number."""

import json
import math
import re

import numpy as np
import pytest
import torch
from families import IDS, build, tokenizer

import gptviz
from gptviz import lens
from gptviz.bertviz_views import head_view
from gptviz.errors import GPTVizError, error_for_page
from gptviz.pages.export import page
from gptviz.pages.wire import json_ready
from gptviz.sampling import distribution

named = pytest.raises(
    GPTVizError, match=r"NaN or infinity among them.*(The likely cause is the dtype|The weight .* holds|A weight is)"
)


def broken(bad, dtype=torch.float32):
    """Returns a GPT whose logits are `bad`, or both NaN and infinite in float16."""
    model = build("llama", dtype=dtype)
    with torch.no_grad():
        if bad is None:
            model.lm_head.weight.mul_(60_000)  # overflows in float16
        else:
            model.model.norm.weight[3] = bad
    return gptviz.wrap(model, tokenizer())


@pytest.fixture(scope="module", params=[(math.nan, torch.float32), (math.inf, torch.float32), (None, torch.float16)])
def gpt(request):
    return broken(*request.param)


@pytest.mark.parametrize("temperature", [0, 0.7])
@pytest.mark.parametrize("penalty", [1.0, 1.2])
def test_no_token_is_drawn_from_undefined_logits(gpt, temperature, penalty):
    with named:
        gpt.complete(IDS, max_tokens=3, temperature=temperature, repetition_penalty=penalty, seed=1)
    with named:
        next(gpt.stream(IDS, max_tokens=3, temperature=temperature, repetition_penalty=penalty, seed=1))


SHOWN = {
    "top": lambda trace: trace.top(3),
    "probabilities": lambda trace: trace.probabilities(4),
    "next_token": lambda trace: trace.next_token(),
    "softmax": lambda trace: gptviz.sampling.softmax(trace.logits),
    "a sweep": lambda trace: lens.ablation_sweep(trace, lens.probability_of(5)),
    "run_edited": lambda trace: lens.run_edited(trace.gpt, IDS, [[]]),
    "the tokens": gptviz.TokensView,
    "the embedding": gptviz.EmbeddingView,
    "attention": gptviz.AttentionView,
    "a block": gptviz.BlockView,
    "interventions": gptviz.InterventionView,
    "the bench": gptviz.SamplingBench,
    "the timeline": lambda trace: gptviz.GenerationTimeline(trace.gpt.complete(IDS, max_tokens=1), gpt=trace.gpt),
    "the prompt box": lambda trace: gptviz.PromptBox("the owl", gpt=trace.gpt),
    "the Explorer": lambda trace: gptviz.explore("the owl", gpt=trace.gpt),
    "a comparison": lambda trace: gptviz.compare(trace, trace),
    "BertViz": head_view,
    "a lens figure": lambda trace: gptviz.figures.logit_lens(trace.logits, ["a"], ids=[5]),
}


@pytest.mark.parametrize("what", SHOWN)
def test_undefined_logits_are_named_wherever_they_would_show(gpt, what):
    trace = gpt.trace(IDS)
    with named:
        SHOWN[what](trace)


def test_the_trace_itself_can_be_looked_into():
    trace = broken(math.nan).trace(IDS)
    assert np.isnan(trace.logits).all()
    assert all(np.isfinite(trace.residual(layer)).all() for layer in range(4))  # so the final norm is to blame


def test_the_dtype_is_named():
    with pytest.raises(GPTVizError, match="among them in float16") as caught:
        broken(None, torch.float16).trace(IDS).top(2)
    told = error_for_page(caught.value)
    assert (told["code"], told["facts"]) == ("undefined_logits", {"dtype": "float16", "weight": ""})


LOOKED_AT = {
    "complete": lambda gpt: gpt.complete(IDS, max_tokens=2),
    "top": lambda gpt: gpt.trace(IDS).top(2),
    "run_edited": lambda gpt: lens.run_edited(gpt, IDS, [[]]),
}


@pytest.mark.parametrize("what", LOOKED_AT)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_weight_to_blame_is_named(bad, what):
    gpt = broken(bad)
    gpt.model.lm_head.bias = torch.nn.Parameter(torch.full((269,), -math.inf))  # is no fault
    gpt.model.lm_head.bias.data[:264] = 0
    with pytest.raises(
        GPTVizError, match=r"in float32\. The weight model\.norm\.weight holds NaN or infinity"
    ) as caught:
        LOOKED_AT[what](gptviz.wrap(gpt.model, gpt.tokenizer))
    assert error_for_page(caught.value)["facts"] == {"dtype": "float32", "weight": "model.norm.weight"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_such_a_weight_a_wide_dtype_is_not_to_blame(dtype):
    model = build("llama", dtype=dtype)
    model.lm_head.weight.data.mul_(3e38).clamp_(-3e38, 3e38)
    with pytest.raises(GPTVizError, match="A weight is probably too large, or this text") as caught:
        gptviz.wrap(model, tokenizer()).complete(IDS, max_tokens=2)
    assert caught.value.facts["weight"] == "" and "dtype=" not in str(caught.value)


def test_a_box_keeps_its_trace_where_the_next_model_has_undefined_logits():
    good = gptviz.wrap(build("llama"), tokenizer())
    box = gptviz.PromptBox("the owl", gpt=good)
    view, before = gptviz.SamplingBench(box), box.trace
    with named:
        box.use(broken(math.nan))
    assert box.gpt is good and box.trace is before and view.trace is before


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_of_ones_own_are_refused_with_the_cause(bad):
    with pytest.raises(GPTVizError, match=f"{bad} at 1.*likely cause is the dtype"):
        distribution([0.5, bad, 1.0])


def test_tokens_that_cannot_come_next_are_no_fault():
    """Some models give -inf to the rows that belong to no token."""
    model = build("llama")
    bias = torch.zeros(269)
    bias[264:] = -math.inf
    model.lm_head.register_forward_hook(lambda _module, _args, out: out + bias)
    gpt = gptviz.wrap(model, tokenizer())
    assert gpt.complete(IDS, max_tokens=4, temperature=3.0, seed=2).usage.completion_tokens == 4
    trace = gpt.trace(IDS, edits=[gptviz.ablate_head(0, 0)])
    assert trace.probabilities()[264:].tolist() == [0.0] * 5
    assert gptviz.SamplingBench(trace).to_table()


def test_only_the_position_with_undefined_logits_is_refused():
    model = build("llama")

    def spoil(_module, _args, out):
        copy = out.clone()
        copy[:, 5:] = math.nan
        return copy

    gpt = gptviz.wrap(model, tokenizer())
    model.lm_head.register_forward_hook(spoil)
    trace = gpt.trace(IDS)
    assert len(trace.top(3, position=4)) == 3
    with named:
        trace.top(3, position=5)


# JSON


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


def test_json_has_null_for_numbers_that_it_cannot_write():
    value = {"a": [1.5, math.nan, (np.float64("inf"), -math.inf)], "b": "nan", "c": 3, "d": None, "e": True}
    assert json_ready(value) == {"a": [1.5, None, [None, None]], "b": "nan", "c": 3, "d": None, "e": True}


@pytest.fixture
def spoiled_view():
    """A view whose state and answers hold NaN."""
    view = gptviz.AttentionView(gptviz.wrap(build("llama"), tokenizer()).trace(IDS))
    view._about = view._about | {"odd": math.nan}
    view._answer_roles = lambda: {"previous": [0.25, math.nan, math.inf]}
    return view


def test_messages_to_a_page_hold_no_nan(spoiled_view):
    sent = []
    spoiled_view.send = lambda content, buffers=None: sent.append(content)
    spoiled_view._on_message(spoiled_view, {"kind": "ask", "id": 1, "name": "roles", "args": {}}, [])
    assert sent[0]["value"] == {"previous": [0.25, None, None]}
    assert spoiled_view.get_state("_about")["_about"]["odd"] is None


def test_a_saved_page_holds_no_nan(spoiled_view):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page(spoiled_view))[1]
    data = json.loads(text, parse_constant=refuse_constant)
    (widget,) = data["widgets"].values()
    assert widget["state"]["_about"]["odd"] is None
    assert widget["answers"]["roles []"] == {"value": {"previous": [0.25, None, None]}}
