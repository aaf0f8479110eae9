"""The attention view of encoder-decoders: each stack's numbers are those of transformers' own eager attention."""

import numpy as np
import pytest
from close import approx_float32, assert_close, assert_float32_close, assert_float32_softmax_close, rounding
from page_messages import ask
from sequences import HEADS, LAYERS, TARGET, encoder_heads, source_length, trace_of, truth_of
from shown import HALF_A_GREY

import gptviz
from gptviz.errors import OutOfRange
from gptviz.lens.opening import opening_head

T = len(TARGET)


def scores_of(trace, layer, head, stack):
    return list(trace.score_stages(layer, head, stack=stack).values())[1]


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
def test_a_page_has_the_maps_of_all_stacks(name):
    trace, s = trace_of(name), source_length(name)
    view = gptviz.AttentionView(trace, layer=1, head=2)
    shapes = {"encoder": (s, s), "decoder": (T, T), "cross": (T, s)}
    assert list(view._about["stacks"]) == list(shapes)
    for stack, shape in shapes.items():
        place = {"layer": 1, "head": 2} | ({} if stack == "decoder" else {"stack": stack})
        answer, truth = ask(view, "head", **place), truth_of(name).maps[stack][1, 2]
        truth = truth[np.tril_indices(T)] if stack == "decoder" else truth
        assert stack == "decoder" or answer.shape == shape
        assert_float32_softmax_close(answer, truth, scores_of(trace, 1, 2, stack))
        about = view._about["stacks"][stack]
        assert (len(about["tokens"]), len(about["keys"] or about["tokens"])) == shape
        assert (about["layers"], about["causal"]) == (trace.layers_in(stack), stack == "decoder")
        assert (about["keys"] is None) == (stack != "cross")
        raw = ask(view, "stage", **place, stage="raw")
        np.testing.assert_array_equal(raw, trace.score_stages(1, 2, stack=stack)["raw"])
        heads, side, columns = about["heads"], about["side"], about["columns"]
        count = about["layers"] * heads * side * columns
        cells = np.frombuffer(view._thumbnails, np.uint8)[about["start"] :][:count]
        small = cells.reshape(about["layers"], heads, side, columns)[1, 2]
        if max(shape) <= 32:
            np.testing.assert_allclose(small / 255, truth_of(name).maps[stack][1, 2], atol=HALF_A_GREY)
        else:  # each cell is the largest of its block
            assert small.max() == round(255 * float(truth_of(name).maps[stack][1, 2].max()))


@pytest.mark.parametrize("stack", ["encoder", "cross"])
def test_the_arithmetic_of_a_cell_leads_to_its_weight_also_after_the_query(stack):
    trace = trace_of("t5")
    view = gptviz.AttentionView(trace, stack=stack)
    cell = ask(view, "cell", layer=1, head=2, stack=stack, query=1, key=6)
    weight = float(truth_of("t5").maps[stack][1, 2, 1, 6])
    assert (
        cell["exponential"] / cell["sum"] == pytest.approx(weight, rel=rounding(1.0, scores_of(trace, 1, 2, stack)))
        and weight > 0
    )
    np.testing.assert_array_equal(np.float32(cell["k"]), trace.k(1, stack=stack)[2, 6])
    mix = ask(view, "mix", layer=1, head=2, stack=stack, query=1)
    assert sum(value["weight"] for value in mix["values"]) + mix["others"]["weight"] == approx_float32(1)
    assert_close(mix["mixed"], trace.head_mix(1, 2, stack=stack)[1], scale=trace.v(1, stack=stack)[2])
    np.testing.assert_array_equal(np.float32(mix["output"]), trace.head_output(1, 2, stack=stack)[1])
    stream = trace.residual(1, stack="encoder" if stack == "encoder" else "decoder")
    np.testing.assert_array_equal(np.float32(mix["stream"]), stream[1])


def test_the_stack_decides_the_table_the_picture_and_the_open_head():
    trace = trace_of("bart")
    view = gptviz.AttentionView(trace, stack="cross", layer=2, head=3)
    rows, truth = view.to_table(), truth_of("bart").maps["cross"][2, 3]
    assert [(row["query"], row["key"]) for row in rows] == list(np.ndindex(T, 7))
    weights = np.array([row["weight"] for row in rows], np.float32).reshape(T, 7)
    assert_float32_softmax_close(weights, truth, scores_of(trace, 2, 3, "cross"))
    assert rows[6]["key_text"] == trace.source_tokens[6].text and rows[6]["query_text"] == trace.tokens[0].text
    picture = view.still()
    assert "Cross attention, L2" in picture and picture.count("<rect") > T * 7
    view.stack = "encoder"  # it has fewer layers and heads
    assert (view.layer, view.head) == (1, 2) and len(view.to_table()) == 7 * 7
    view.language = "zh"
    assert "编码器 L1" in view.still()
    view.stack = "decoder"
    assert len(view.to_table()) == T * (T + 1) // 2


def test_a_view_of_cross_attention_opens_where_the_last_token_looks_most():
    opening = opening_head(trace_of("t5").of_stack("cross"))
    last = truth_of("t5").maps["cross"][:, :, -1, 1:]
    layer, head, key = np.unravel_index(last.argmax(), last.shape)
    assert (opening.layer, opening.head, opening.query, opening.key) == (layer, head, T - 1, key + 1)
    view = gptviz.AttentionView(trace_of("t5"), stack="cross")
    assert (view.layer, view.head) == (layer, head)
    bound = rounding(1.0, scores_of(trace_of("t5"), layer, head, "cross"))
    assert view._about["stacks"]["cross"]["opening"]["weight"] == pytest.approx(float(last.max()), rel=bound)


def test_a_saved_page_asks_for_every_head_of_every_stack():
    view = gptviz.AttentionView(trace_of("bart"), stack="cross", layer=2, head=3)
    questions = list(view._page_questions())
    heads = [args for name, args in questions if name == "head"]
    assert len(heads) == 2 * LAYERS * HEADS + 2 * encoder_heads("bart")
    assert heads[0] == {"layer": 2, "head": 3, "stack": "cross"}
    cells = [(args["query"], args["key"]) for name, args in questions if name == "cell"]
    assert sorted(cells) == list(np.ndindex(T, 7))
    assert len({str(question) for question in questions}) == len(questions)
    assert "roles" not in {name for name, _ in questions}


def test_a_stack_that_there_is_not_is_refused(gpt):
    view = gptviz.AttentionView(trace_of("t5"))
    with pytest.raises(OutOfRange, match="one of the stacks encoder, decoder, cross"):
        view.stack = "middle"
    with pytest.raises(OutOfRange, match="a decoder-only model"):
        gptviz.AttentionView(gpt.trace("the owl"), stack="cross")
    with pytest.raises(AssertionError, match="a position"):
        ask(view, "cell", layer=0, head=0, stack="cross", query=T, key=0)
    view.stack = "cross"
    view.trace = gpt.trace("the owl")
    assert view.stack == "decoder" and "stacks" not in view._about


def test_the_sampling_bench_shows_what_the_decoder_writes_next():
    bench = gptviz.SamplingBench(trace_of("bart"), position=2)
    logits = truth_of("bart").logits[2]
    assert_float32_close(np.frombuffer(bench._logits, np.float32), logits, factor=8)
    assert bench._about["position"] == 2 and bench._about["current"]["id"] == TARGET[2]


def test_a_saved_trace_shows_all_stacks(tmp_path):
    trace = trace_of("t5")
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    of_trace, of_file = (gptviz.AttentionView(each, stack="cross", layer=1, head=2) for each in (trace, opened))
    assert of_file._thumbnails == of_trace._thumbnails and of_file.to_table() == of_trace.to_table()
    question = {"layer": 1, "head": 2, "stack": "cross", "query": 3}
    assert ask(of_file, "mix", **question) == ask(of_trace, "mix", **question)
