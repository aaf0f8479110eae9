"""The block view of encoder-decoders: the decoder's blocks with their cross attention, against hooks and exact sums."""

import numpy as np
import pytest
from close import approx_float32, assert_float32_close
from page_messages import ask
from sequences import HEADS, LAYERS, TARGET, trace_of, truth_of

import gptviz
from gptviz.errors import NotAvailable

LAYER, POSITION = 1, 3


@pytest.fixture(params=["t5", "m2m_100", "pegasus", "whisper"])
def name(request):
    return request.param


def of_kind(steps, strips, kind, cross=False):
    return [strips[i] for i, step in enumerate(steps) if step["kind"] == kind and step.get("cross", False) == cross]


def test_a_block_has_both_attentions_and_they_sum_to_its_stream(name):
    view = gptviz.BlockView(trace_of(name), layer=LAYER, position=POSITION)
    path = ask(view, "path", layer=LAYER, position=POSITION)
    strips, steps = ask(view, "strips", layer=LAYER, position=POSITION), path["steps"]
    assert path["missing"] == {} and view._about["has_cross"]
    order = [
        (step["kind"], step.get("cross", False)) for step in steps if step["kind"] not in ("head", "bias", "neuron")
    ]
    assert order == [
        ("in", False), ("norm", False), ("attention", False), ("middle", False), ("attention", True),
        ("middle", True), ("norm", False), ("others", False), ("mlp", False), ("out", False),
    ]  # fmt: skip
    truth = truth_of(name)
    streams = [truth.streams["decoder"][LAYER + i][POSITION].numpy() for i in range(2)]
    scale = [truth.streams["decoder"][LAYERS].numpy()]
    (entering,), (leaving,) = of_kind(steps, strips, "in"), of_kind(steps, strips, "out")
    assert_float32_close(entering, streams[0], scale=scale)
    assert_float32_close(leaving, streams[1], scale=scale)
    (cross,) = of_kind(steps, strips, "attention", cross=True)
    assert_float32_close(cross, truth.cross_out[LAYER][POSITION].numpy(), scale=scale)
    parts = [of_kind(steps, strips, kind, is_cross)[0] for kind, is_cross in
             (("attention", False), ("attention", True), ("mlp", False))]  # fmt: skip
    assert_float32_close(entering + np.sum(parts, axis=0), leaving, scale=scale)
    for is_cross in (False, True):
        heads = of_kind(steps, strips, "head", is_cross)
        bias = of_kind(steps, strips, "bias", is_cross)
        assert len(heads) == HEADS
        (attention,) = of_kind(steps, strips, "attention", is_cross)
        assert_float32_close(np.sum([*heads, *bias], axis=0), attention, scale=scale)


def test_the_shares_sum_to_the_logit_and_those_of_cross_attention_are_apart(name):
    view = gptviz.BlockView(trace_of(name), layer=LAYER, position=POSITION)
    id = int(truth_of(name).logits[POSITION].argmax())
    shares = ask(view, "shares", layer=LAYER, position=POSITION, id=id)
    logit = float(truth_of(name).logits[POSITION, id])
    parts = [share["value"] for share in shares["shares"]]
    assert sum(parts) == approx_float32(logit, parts, trace_of(name).residual(LAYERS))
    cross = [
        share["value"] for share in shares["shares"] if share["part"].startswith("cross_") and share["layer"] == LAYER
    ]
    path = ask(view, "path", layer=LAYER, position=POSITION)["steps"]
    (of_step,) = [
        shares["steps"][i] for i, step in enumerate(path) if step["kind"] == "attention" and step.get("cross")
    ]
    assert of_step == approx_float32(sum(cross), parts)
    rows = view.to_table()
    assert sum(row["value"] for row in rows) == approx_float32(logit, parts, trace_of(name).residual(LAYERS))
    assert f"block {LAYER}, cross attention" in view.still()
    view.language = "zh"
    assert f"第 {LAYER} 块，交叉注意力" in view.still()


def test_where_a_norm_follows_each_sum_the_view_says_that_there_are_no_parts():
    view = gptviz.BlockView(trace_of("bart"))
    path = ask(view, "path", layer=LAYER, position=POSITION)
    assert [step["kind"] for step in path["steps"]] == ["in", "out"]
    assert path["missing"]["parts"]["code"] == "no_parts"
    with pytest.raises(NotAvailable):
        view.to_table()


def test_a_saved_page_has_the_answers_of_the_kernel():
    view = gptviz.BlockView(trace_of("m2m_100"), layer=LAYER)
    other = gptviz.BlockView(trace_of("m2m_100"), layer=LAYER)
    paths = [(args, answer) for name, args, answer in view.answers_for_a_page() if name == "path"]
    assert len(paths) == LAYERS * len(TARGET)
    for args, answer in paths:
        assert answer == other._answer({"kind": "ask", "id": 0, "name": "path", "args": args})
