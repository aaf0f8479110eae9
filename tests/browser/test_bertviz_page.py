"""BertViz's three views beside each other, offline: what they draw is counted, and what they need is in the page."""

import numpy as np
import pytest
from families import build, tokenizer
from playwright.sync_api import expect
from shown import half_of_decimal

import gptviz
from gptviz import bertviz_views
from gptviz.errors import GPTVizError, NotAvailable, WrongType

PROMPT = "the </script><b onmouseover=alert(1)> owl <!-- of"


def test_three_views_draw_beside_each_other(shown_outputs):
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace(PROMPT)
    count, heads, layers = len(trace.tokens), trace.n_heads, trace.n_layers
    page = shown_outputs(
        bertviz_views.head_view(trace, layer=1), bertviz_views.model_view(trace), bertviz_views.neuron_view(trace)
    )
    head, model, neuron = (page.frame_locator("iframe").nth(i) for i in range(3))
    expect(head.locator("#vis svg line")).to_have_count(count * count * heads)
    expect(head.locator("#vis text").first).to_be_visible()
    labels = head.locator("#vis text").all_text_contents()
    assert [label.strip() for label in labels[:count]] == [t.text.replace(" ", "␣") for t in trace.tokens]
    lines = head.locator("#vis svg line")
    drawn = lines.evaluate_all("(all) => all.map((one) => Number(getComputedStyle(one).strokeOpacity))")
    np.testing.assert_allclose(np.sort(drawn), np.sort(trace.attention(1).ravel()) / heads, atol=half_of_decimal(4))
    expect(model.locator("svg line")).to_have_count(layers * heads * count * count)
    expect(neuron.locator("#collapsed text").first).to_be_visible()
    assert neuron.locator("#collapsed text").count() == 2 * count
    assert neuron.locator("#collapsed line").count() > count
    for frame in (head, model, neuron):
        assert frame.locator("b").count() == 0


def test_the_frame_can_reach_nothing(shown_outputs):
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace("the owl")
    page = shown_outputs(bertviz_views.head_view(trace))
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    source = page.locator("iframe").get_attribute("srcdoc")
    assert "default-src 'none'" in source
    assert "cdnjs" not in source


def test_the_neuron_views_numbers_are_the_traces_queries_and_keys(shown_outputs):
    trace = gptviz.wrap(build("llama"), tokenizer()).trace("the owl")
    page = shown_outputs(bertviz_views.neuron_view(trace, layers=[2], layer=2, head=3))
    params = page.frames[1].evaluate("window.bertviz_params.attention.all")
    np.testing.assert_allclose(params["queries"][0], trace.q(2), atol=half_of_decimal(4))
    np.testing.assert_allclose(params["keys"][0], np.repeat(trace.k(2), 2, axis=0), atol=half_of_decimal(4))
    np.testing.assert_allclose(params["attn"][0], trace.attention(2), atol=half_of_decimal(4))


def test_a_model_view_just_within_its_limit_draws(shown_outputs):
    """6 layers, 8 heads, 35 tokens: 58,800 lines."""
    trace = gptviz.load().trace([7] * 35)
    frame = shown_outputs(bertviz_views.model_view(trace)).frame_locator("iframe")
    expect(frame.locator("svg line")).to_have_count(6 * 8 * 35 * 35, timeout=30_000)
    with pytest.raises(GPTVizError, match=r"layers=range\(5\)"):
        bertviz_views.model_view(gptviz.load().trace([7] * 36))


def test_past_the_limits_a_clear_message():
    trace = gptviz.load().trace([7] * 200)
    with pytest.raises(GPTVizError, match=r"layers=range\(2\)"):
        bertviz_views.head_view(trace)
    with pytest.raises(GPTVizError, match=r"at most 60,000 .*Trace a shorter text"):
        bertviz_views.model_view(trace)
    assert "iframe" in bertviz_views.head_view(trace, layers=[0]).data
    with pytest.raises(NotAvailable, match="root of d_head"):
        bertviz_views.neuron_view(gptviz.wrap(build("gpt_oss"), tokenizer()).trace("the"))
    with pytest.raises(NotAvailable, match="eager"):
        bertviz_views.neuron_view(gptviz.wrap(build("gpt_neo"), tokenizer()).trace("the"))
    with pytest.raises(GPTVizError, match="light or dark"):
        bertviz_views.model_view(gptviz.load().trace("the"), theme="blue")


CONTRAST = """(all) => all.map((one) => {
  const part = (name, of) => {
    const [r, g, b] = getComputedStyle(of)[name].match(/[\\d.]+/g).map(Number);
    return [r, g, b].map((x) => x / 255).map((x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
      .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  };
  const [dark, light] = [part("fill", one), part("backgroundColor", document.body)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
})"""


# An SVG cuts off what extends past its edge unless overflow is visible.
CUT_AT_THE_LEFT = """(all) => all.filter((one) => {
  const { left, width } = one.getBoundingClientRect(), svg = one.ownerSVGElement;
  const edge = getComputedStyle(svg).overflow === "visible" ? 0 : svg.getBoundingClientRect().left;
  return width && left < edge + 2;
}).map((one) => one.textContent)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_is_legible_and_the_whole_view_in_its_frame(shown_outputs, theme):
    trace = gptviz.load().trace("Once upon a time there was a girl named Anna. One day Anna")
    views = [
        view(trace, theme=theme)
        for view in (bertviz_views.head_view, bertviz_views.model_view, bertviz_views.neuron_view)
    ]
    page = shown_outputs(*views)
    assert len({frame.get_attribute("title") for frame in page.locator("iframe[title]").all()}) == 3
    for i, least in enumerate((2 * 15, 2 + 6 + 8, 2 * 15)):
        texts = page.frame_locator("iframe").nth(i).locator("svg text")
        expect(texts.nth(least - 1)).to_be_attached()
        assert min(texts.evaluate_all(CONTRAST)) >= 4.5
        assert page.frames[1 + i].evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert texts.evaluate_all(CUT_AT_THE_LEFT) == []


def test_layers_keep_their_numbers_and_invalid_ones_are_refused(shown_outputs):
    trace = gptviz.load().trace("the owl")
    page = shown_outputs(
        bertviz_views.neuron_view(trace, layers=[2, 5], layer=5), bertviz_views.neuron_view(trace, layers=[4])
    )
    layer = page.frame_locator("iframe").first.locator("#layer")
    expect(layer.locator("option")).to_have_text(["2", "5"])
    assert layer.evaluate("(menu) => menu.selectedOptions[0].text") == "5"
    expect(page.frame_locator("iframe").last.locator("#layer option")).to_have_text(["4"])
    for view in (bertviz_views.head_view, bertviz_views.neuron_view):
        with pytest.raises(GPTVizError, match=r"a layer among those of the view\. Got 0"):
            view(trace, layers=[3], layer=0)
    for view in (bertviz_views.head_view, bertviz_views.model_view, bertviz_views.neuron_view):
        with pytest.raises(WrongType, match=r"a Trace\. Got str"):
            view("x")
        with pytest.raises(WrongType, match=r"a list of layers\. Got 3"):
            view(trace, layers=3)
    with pytest.raises(WrongType, match=r"a list of heads\. Got 'a'"):
        bertviz_views.head_view(trace, heads="a")
