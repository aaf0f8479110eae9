"""The attention view from Python: what it sends to the page, and what it refuses."""

import numpy as np
import pytest
from families import TEXT
from page_messages import ask
from shown import HALF_A_GREY

import gptviz
from gptviz.display.pooling import pooled
from gptviz.errors import GPTVizError
from gptviz.widgets.shared.thumbnails import THUMBNAIL


def test_a_thumbnails_cell_is_the_largest_weight_of_its_block():
    rng = np.random.default_rng(0)
    maps = rng.random((2, 70, 70)).astype(np.float32)
    small = pooled(maps, THUMBNAIL)
    assert small.shape == (2, THUMBNAIL, THUMBNAIL) or small.shape[-1] <= THUMBNAIL
    assert small.max() == maps.max()
    np.testing.assert_array_equal(pooled(maps[:, :20, :20], THUMBNAIL), maps[:, :20, :20])
    marked = np.zeros((1, 70, 70), np.float32)
    marked[0, 69, 3] = 1
    assert pooled(marked, THUMBNAIL)[0, -1, 0:3].max() == 1


@pytest.mark.parametrize("text", [TEXT, "the owl " * 24])
def test_thumbnails_maps_and_stages_are_the_traces_numbers(gpt, text):
    trace = gpt.trace(text)
    view = gptviz.AttentionView(trace, layer=1, head=2)
    side = view._about["side"]
    small = np.frombuffer(view._thumbnails, np.uint8).reshape(2, 3, side, side)
    np.testing.assert_allclose(small[1, 2] / 255, pooled(trace.attention(1), THUMBNAIL)[2], atol=HALF_A_GREY)
    rows, columns = np.tril_indices(len(trace.tokens))
    np.testing.assert_array_equal(ask(view, "head", layer=0, head=1), trace.attention(0, 1)[rows, columns])
    scaled = ask(view, "stage", layer=1, head=2, stage="scaled")
    np.testing.assert_array_equal(scaled, trace.scores(1, 2, "scaled"))
    masked = ask(view, "stage", layer=1, head=2, stage="masked")
    np.testing.assert_array_equal(masked, trace.scores(1, 2, "masked")[rows, columns])
    rows = view.to_table()
    assert rows[-1]["weight"] == float(trace.attention(1, 2)[-1, -1])
    assert len(rows) == len(trace.tokens) * (len(trace.tokens) + 1) // 2


def test_a_saved_page_has_all_stages_and_the_open_heads_arithmetic(gpt):
    trace = gpt.trace(TEXT)
    questions = list(gptviz.AttentionView(trace, layer=1, head=2)._page_questions())
    names = [name for name, _ in questions]
    stages = [i for i, name in enumerate(names) if name == "stage"]
    assert len(stages) == 2 * 3 * len(trace.score_stages(0, 0))
    before = [args for name, args in questions[: stages[-1]] if name in ("mix", "cell")]
    assert all((args["layer"], args["head"], args["query"]) == (1, 2, len(trace.tokens) - 1) for args in before)
    keys = [args["key"] for name, args in questions[: stages[0]] if name == "cell"]
    assert keys == list(range(len(trace.tokens) - 1, -1, -1)), "a page of any size has the open row's cells"
    assert len({str(question) for question in questions}) == len(questions)
    assert names.count("cell") == len(trace.tokens) ** 2
    cells = [args for name, args in questions if name in ("mix", "cell")]
    assert {(args["layer"], args["head"]) for args in cells} == {(1, 2)}, "those of all heads would be too large"


def test_a_layer_that_does_not_exist_is_refused_and_the_old_one_stays(gpt):
    view = gptviz.AttentionView(gpt.trace(TEXT), layer=1)
    with pytest.raises(GPTVizError, match="2 layers"):
        view.layer = 2
    assert view.layer == 1


@pytest.mark.parametrize("wrong", [99, -1, "0", 0.5, None])
def test_questions_about_heads_and_rows_that_do_not_exist_are_refused(gpt, wrong):
    view = gptviz.AttentionView(gpt.trace("the owl sat"))
    questions = {
        "head": {},
        "stages": {},
        "stage": {"stage": "raw"},
        "cell": {"query": 1, "key": 0},
        "mix": {"query": 1},
    }
    for name, more in questions.items():
        right = {"layer": 0, "head": 0, **more}
        view._answer({"kind": "ask", "id": 1, "name": name, "args": right})
        for argument in right:
            with pytest.raises(GPTVizError, match=r"Expected .* Got "):
                view._answer({"kind": "ask", "id": 1, "name": name, "args": right | {argument: wrong}})
