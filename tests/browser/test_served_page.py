"""Views of a served model in Chromium: what the page shows agrees with the same model here, and what is not known is said."""

import re

import pytest
from browser.pages import settle
from close import rounding
from playwright.sync_api import expect
from shown import assert_shows

import gptviz
from gptviz.sampling import distribution

PROMPT = "Once upon a time there was a"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def assert_shares(texts, shares, logits):
    """Fails unless texts show these shares; they were computed twice."""
    assert len(texts) == len(shares)
    for text, share in zip(texts, shares, strict=True):
        assert_shows(text, 100 * share, 100 * rounding(share, share * abs(logits).max()))


def column(page, index):
    """Returns the texts of a column of the table, the last that of all other tokens."""
    return [text.strip() for text in page.locator(f"td.stage-{index}").all_inner_texts()]


def test_every_revealed_token_has_its_bar_and_the_rest_a_hatched_one(shown, served, gpt):
    logits = gpt.trace(PROMPT).logits[-1]
    right = distribution(logits)
    page = shown(gptviz.SamplingBench(served.next_token(PROMPT))).page
    settle(page)
    shares = right.probabilities[right.order[:20]]
    assert_shares(column(page, 0)[:-1], shares, logits)
    assert_shows(column(page, 0)[-1], 100 * (1 - shares.sum()), 100 * rounding(1.0, logits))
    assert column(page, 2) == column(page, 0)
    rest = page.locator(".rest tr")
    expect(rest.locator("th")).to_have_text("not revealed")
    assert "repeating-linear-gradient" in rest.locator(".bar").first.evaluate(
        "(bar) => getComputedStyle(bar).backgroundImage"
    )
    track, bar = (rest.locator(name).first.bounding_box() for name in (".track", ".bar"))
    assert (bar["x"] + bar["width"] - track["x"]) / track["width"] == pytest.approx(1 - shares.sum(), abs=0.02)
    expect(page.locator(".notes")).to_contain_text("reveals the 20 likeliest tokens")
    expect(page.locator(".notes")).to_contain_text("the model’s own log-probabilities (raw)")
    expect(page.locator(".notes .unknown")).to_be_hidden()
    expect(page.locator(".sentence")).to_contain_text("any token can be drawn, also one that is not revealed")
    expect(page.locator("thead th.logit")).to_have_text("log-prob.")
    sums = page.locator("tfoot td").all_inner_texts()
    assert [text.strip() for text in sums[:3]] == ["all"] * 3 and "–" in [text.strip() for text in sums[8:11]]


def test_settings_show_what_is_known_and_say_what_is_not(shown, served, gpt):
    page = shown(gptviz.SamplingBench(served.next_token(PROMPT))).page
    page.get_by_label("temperature", exact=True).fill("0.7")
    note = page.locator(".notes .unknown")
    expect(note).to_contain_text("A temperature changes every token, also those that are not revealed")
    expect(note).to_contain_text("With a top-k of at most 20, all is known.")
    assert set(column(page, 1)) == set(column(page, 2)) == {"–"}
    expect(page.get_by_role("button", name="draw once")).to_be_disabled()
    page.get_by_label("top-k", exact=True).fill("6")
    expect(note).to_contain_text("After the cuts all is known.")
    settle(page)
    logits = gpt.trace(PROMPT).logits[-1]
    right = distribution(logits, temperature=0.7, top_k=6)
    kept = [right.probabilities[id] for id in right.order[:6]]
    assert_shares(column(page, 2)[:6], kept, logits)
    assert column(page, 2)[6:] == ["top-k"] * 15 and set(column(page, 1)) == {"–"}
    draw = page.get_by_role("button", name="draw once")
    expect(draw).to_be_enabled()
    draw.click()
    rank = right.order.tolist().index(right.draw(0))
    expect(page.locator("tbody tr[data-drawn]")).to_have_count(1)
    assert (
        page.locator("tbody tr").evaluate_all("(rows) => rows.findIndex((row) => row.hasAttribute('data-drawn'))")
        == rank
    )
    page.get_by_role("button", name="show all stages").click()
    settle(page)
    assert column(page, 1)[0] != "–" and set(column(page, 2)) == {"–"}
    assert_shares(column(page, 3)[:6], kept, logits)


def test_a_draw_may_be_a_token_that_is_not_revealed(shown, served, gpt):
    right = distribution(gpt.trace(PROMPT).logits[-1])
    leaders = set(right.order[:20].tolist())
    seed = next(seed for seed in range(1000) if right.draw(seed) not in leaders)
    page = shown(gptviz.SamplingBench(served.next_token(PROMPT), seed=seed)).page
    page.get_by_role("button", name="draw once").click()
    expect(page.locator(".outcome")).to_contain_text("a token that is not revealed")
    expect(page.locator(".rest tr[data-drawn]")).to_have_count(1)
    page.get_by_role("button", name="draw 1,000").click()
    expect(page.locator(".tally li").last).to_contain_text("not revealed")


@pytest.mark.parametrize("options", [{"processed": True}, {"tokenizer": False, "strict": True, "most": 5}])
def test_other_servers_say_what_they_tell(shown, server, options):
    revealed = gptviz.connect(server.start(**options)).next_token(PROMPT)
    page = shown(gptviz.SamplingBench(revealed)).page
    kind = "after the settings (processed)" if options.get("processed") else "(raw)"
    expect(page.locator(".notes")).to_contain_text(kind)
    expect(page.locator("tbody tr")).to_have_count(options.get("most", 20) + 1)
    if not options.get("tokenizer", True):
        expect(page.locator(".sentence")).to_contain_text("After the prompt")


def test_it_is_chinese_too_and_works_in_an_exported_page(opened, served, tmp_path):
    bench = gptviz.SamplingBench(served.next_token(PROMPT), language="zh")
    page = opened(bench.save_html(tmp_path / "bench.html"))
    expect(page.locator(".rest th")).to_have_text("未透露")
    page.get_by_label("温度", exact=True).fill("0.7")
    expect(page.locator(".notes .unknown")).to_contain_text("无法得知")
    expect(page.locator(".notes")).to_contain_text("raw")
    assert not re.search("[a-z]{4,}", page.locator(".notes .unknown").inner_text())
    page.get_by_label("top-k", exact=True).fill("3")
    expect(page.locator("tfoot td.final").first).to_have_text("3")


def test_a_bench_can_go_from_a_served_model_to_one_here_and_back(shown, served, gpt):
    bench = gptviz.SamplingBench(served.next_token(PROMPT))
    views = shown(bench)
    page = views.page
    bench.next_token = gpt.trace(PROMPT).next_token()
    views.update()
    expect(page.locator("thead th.logit")).to_have_text("logit")
    expect(page.locator("tbody tr")).to_have_count(17)
    expect(page.locator(".notes")).to_be_hidden()
    bench.next_token = served.next_token(PROMPT)
    views.update()
    expect(page.locator("tbody tr")).to_have_count(21)
    expect(page.locator(".rest th")).to_have_text("not revealed")
