"""The block view of an encoder-decoder in a page: the steps of both attentions, and a ledger with a column for each."""

import pytest
from browser.axe import serious_violations
from browser.pages import settle
from close import approx_float32, approx_float64
from playwright.sync_api import expect
from sequences import trace_of

import gptviz
from gptviz.lens import attribution

SOURCE = "the small white house"


@pytest.fixture(scope="module")
def trace():
    return gptviz.load("translator").trace(SOURCE, "la petite")


def test_cross_attention_has_its_steps_and_its_column(shown, trace):
    page = shown(gptviz.BlockView(trace, layer=1)).page
    settle(page)
    names = page.locator(".gptviz-block .strips .strip:not(.titles) > span:first-child").all_inner_texts()
    assert [name for name in names if "cross" in name] == [
        *(f"+ cross L1 · H{head}" for head in range(4)), "= cross attention output"
    ]  # fmt: skip
    assert names.index("stream + attention") < names.index("= cross attention output") < names.index("stream + both")
    expect(page.locator(".gptviz-block thead th")).to_have_text(["", "attention", "cross attention", "MLP", "so far"])
    leader, _ = trace.top(1)[0]
    shares = attribution(trace, leader.id)
    row = page.locator(".gptviz-block tbody tr[data-open] td")
    sums = {"head": 0.0, "cross_head": 0.0, "mlp": 0.0}
    for share in shares:
        if share.layer == 1:
            sums[share.part.replace("_bias", "")] += share.value
    for i, value in enumerate(sums.values()):
        assert float(row.nth(i).get_attribute("title")) == approx_float64(value, [share.value for share in shares])
    total = page.locator(".gptviz-block tr.sum .total").get_attribute("title")
    assert float(total) == approx_float32(float(trace.logits[-1].max()))
    expect(page.locator(".gptviz-block")).to_contain_text("These are the blocks of the decoder")
    assert not serious_violations(page, "#views")


def test_a_saved_page_in_chinese_has_every_block(opened, trace, tmp_path):
    page = opened(gptviz.BlockView(trace, language="zh").save_html(tmp_path / "block.html"))
    expect(page.locator(".gptviz-block thead th").nth(2)).to_have_text("交叉注意力")
    page.locator(".blocks button").nth(1).click()
    expect(page.locator(".gptviz-block h3")).to_have_text("第 1 块")
    expect(page.locator(".gptviz-block")).to_contain_text("= 交叉注意力的输出")
    page.close()


def test_what_a_post_norm_family_lacks_is_said(shown):
    page = shown(gptviz.BlockView(trace_of("bart"))).page
    expect(page.locator(".journey")).to_contain_text("Got block")
    expect(page.locator(".ledger table")).to_be_hidden()
