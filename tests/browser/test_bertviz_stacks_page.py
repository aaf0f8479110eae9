"""BertViz's views of encoder-decoders: what they draw is transformers' own attention, in all three stacks."""

import numpy as np
import pytest
from close import rounding
from families import build, tokenizer
from playwright.sync_api import expect
from sequences import HEADS, LAYERS, SOURCE, TARGET, trace_of, truth_of
from shown import half_of_decimal

import gptviz
from gptviz import bertviz_views
from gptviz.errors import GPTVizError, NotAvailable, OutOfRange, WrongType

SIZES = {
    "Encoder": (len(SOURCE), len(SOURCE)),
    "Decoder": (len(TARGET), len(TARGET)),
    "Cross": (len(TARGET), len(SOURCE)),
}
# BertViz is sent four decimals. The truth is another program's, whose scores, of up to 16, were rounded too.
FOUR_DECIMALS = half_of_decimal(4) + rounding(16.0)
HOSTILE = "</script><b onmouseover=alert(1)>"


def weights_of(stack, layer):
    """Returns transformers' own maps of a layer with all the heads that the view draws: 0 for those that are not there."""
    maps = truth_of("bart").maps[stack]
    rows, columns = maps.shape[2:]
    drawn = np.zeros((HEADS, rows, columns))
    if layer < len(maps):
        drawn[: maps.shape[1]] = maps[layer]
    return drawn


def test_a_menu_shows_the_heads_of_each_attention(shown_outputs):
    frame = shown_outputs(bertviz_views.head_view(trace_of("bart"), layer=1)).frame_locator("iframe")
    menu, lines = frame.locator("#filter"), frame.locator("#vis svg line")
    expect(menu.locator("option")).to_have_text(list(SIZES))
    for name, (rows, columns) in SIZES.items():
        menu.select_option(label=name)
        expect(lines).to_have_count(rows * columns * HEADS)
        drawn = lines.evaluate_all("(all) => all.map((one) => Number(getComputedStyle(one).strokeOpacity))")
        expected = np.sort(weights_of(name.lower(), 1).ravel()) / HEADS
        np.testing.assert_allclose(np.sort(drawn), expected, atol=FOUR_DECIMALS)
    labels = [text.strip() for text in frame.locator("#vis text").all_text_contents()]
    texts = [
        token.text.replace(" ", "␣").strip() for token in (*trace_of("bart").tokens, *trace_of("bart").source_tokens)
    ]
    assert [label for label in labels if label] == [text for text in texts if text]
    expect(frame.locator("p")).to_have_text("The encoder has 2 layers of 3 heads: others are empty here.")
    frame.locator("#layer").select_option("2")
    menu.select_option(label="Encoder")
    opacities = lines.evaluate_all("(all) => all.map((one) => Number(getComputedStyle(one).strokeOpacity))")
    assert len(opacities) == HEADS * len(SOURCE) ** 2 and not any(opacities)


def test_all_heads_of_each_attention_are_drawn_small(shown_outputs):
    trace = trace_of("bart")
    page = shown_outputs(
        bertviz_views.model_view(trace), bertviz_views.model_view(trace, stacks=["cross"], theme="dark")
    )
    frame, only = (page.frame_locator("iframe").nth(i) for i in range(2))
    for name, (rows, columns) in SIZES.items():
        frame.locator("#filter").select_option(label=name)
        expect(frame.locator("svg line")).to_have_count(LAYERS * HEADS * rows * columns)
    drawn = frame.locator("svg line").evaluate_all(
        "(all) => all.map((one) => Number(one.getAttribute('stroke-opacity')))"
    )
    assert np.max(drawn) == pytest.approx(float(truth_of("bart").maps["cross"].max()), abs=FOUR_DECIMALS)
    expect(only.locator("#filter")).to_have_count(0)
    expect(only.locator("svg line")).to_have_count(LAYERS * HEADS * len(TARGET) * len(SOURCE))
    for index in (1, 2):
        assert page.frames[index].evaluate("document.documentElement.scrollHeight <= innerHeight")


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
def test_the_neuron_view_has_the_queries_and_keys_of_one_attention(shown_outputs, stack):
    trace = trace_of("bart")
    page = shown_outputs(bertviz_views.neuron_view(trace, stack=stack, layer=1, head=2))
    params = page.frames[1].evaluate("window.bertviz_params")
    attention = params["attention"]["all"]
    np.testing.assert_allclose(attention["attn"][1], truth_of("bart").maps[stack][1], atol=FOUR_DECIMALS)
    np.testing.assert_allclose(attention["queries"][1], trace.q(1, stack=stack), atol=FOUR_DECIMALS)
    np.testing.assert_allclose(attention["keys"][1], trace.k(1, stack=stack), atol=FOUR_DECIMALS)
    rows, columns = SIZES[stack.capitalize()]
    assert (len(attention["left_text"]), len(attention["right_text"])) == (rows, columns)
    assert params["bidirectional"] == (stack != "decoder")
    texts = page.frame_locator("iframe").locator("#collapsed text")
    expect(texts.first).to_be_visible()
    assert texts.count() == rows + columns
    assert page.frames[1].evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_hostile_texts_stay_texts(shown_outputs):
    trace = gptviz.wrap(trace_of("bart").gpt.model, tokenizer()).trace(HOSTILE, f"the {HOSTILE}")
    views = (
        bertviz_views.head_view(trace),
        bertviz_views.model_view(trace),
        bertviz_views.neuron_view(trace, stack="cross"),
    )
    page = shown_outputs(*views)
    for index in range(3):
        frame = page.frame_locator("iframe").nth(index)
        expect(frame.locator("svg text").first).to_be_attached()
        assert frame.locator("b").count() == 0


def test_the_first_stack_decides_the_layer_that_opens(shown_outputs):
    view = bertviz_views.head_view(trace_of("t5"), stacks=["cross", "decoder"])
    frame = shown_outputs(view).frame_locator("iframe")
    last = truth_of("t5").maps["decoder"][:, :, -1, 1:-1].max((1, 2))
    expect(frame.locator("#layer")).to_have_value(str(int(last.argmax())))
    expect(frame.locator("#filter option")).to_have_text(["Decoder", "Cross"])
    expect(frame.locator("p")).to_have_count(0)


def test_stacks_that_cannot_be_shown_are_refused():
    trace, gpt = trace_of("t5"), gptviz.wrap(build("gpt2"), tokenizer())
    with pytest.raises(NotAvailable, match="root of d_head"):
        bertviz_views.neuron_view(trace, stack="cross")
    for view in (bertviz_views.head_view, bertviz_views.model_view):
        with pytest.raises(OutOfRange, match="one of the stacks"):
            view(trace, stacks=["middle"])
        with pytest.raises(WrongType, match="a list of stacks"):
            view(trace, stacks="cross")
        with pytest.raises(OutOfRange, match="at least one stack"):
            view(trace, stacks=[])
        with pytest.raises(OutOfRange, match="a decoder-only model"):
            view(gpt.trace("the"), stacks=["cross"])
    with pytest.raises(OutOfRange, match="a layer"):
        bertviz_views.head_view(trace, layer=3)
    long = gptviz.load("translator").trace([31] * 60, [1] + [31] * 60)
    with pytest.raises(GPTVizError, match=r'name fewer stacks, such as stacks=\["cross"\]'):
        bertviz_views.model_view(long)
    assert "iframe" in bertviz_views.model_view(long, stacks=["cross"]).data
