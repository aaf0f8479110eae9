"""The intervention view of an encoder-decoder in a page: the parts of each stack are squares that switch off."""

import pytest
from browser.axe import serious_violations
from browser.pages import settle
from close import assert_close
from playwright.sync_api import expect
from shown import approx_three_digits

import gptviz

SOURCE = "the small white house"


@pytest.fixture(scope="module")
def translator():
    return gptviz.load("translator")


@pytest.fixture(scope="module")
def trace(translator):
    return translator.trace(SOURCE, "la petite")


def shown_change(page):
    """Returns the probabilities of the followed token before and after, as the table has them."""
    row = page.locator(".gptviz-intervention tbody tr[data-watched]")
    return [float(row.locator(f"td.{when}").get_attribute("title").split()[0]) / 100 for when in ("before", "after")]


def test_parts_of_each_stack_are_switched_off_by_clicks(shown, translator, trace):
    view = gptviz.InterventionView(trace)
    page_view = shown(view)
    page = page_view.page
    squares, menu = page.locator(".gptviz-intervention .grid button"), page.get_by_label("attention:")
    expect(squares).to_have_count(2 * 5)
    menu.select_option("cross")
    expect(squares).to_have_count(2 * 4)
    expect(page.locator(".parts")).to_contain_text("Click a square to switch this head off")
    squares.nth(4 + 2).click()
    settle(page)
    assert view.edits == (gptviz.ablate_head(1, 2, stack="cross"),)
    expect(page.locator(".edits li")).to_contain_text("cross L1 · H2 off")
    menu.select_option("encoder")
    expect(squares).to_have_count(2 * 5)
    squares.nth(4).click()
    settle(page)
    edits = [gptviz.ablate_head(1, 2, stack="cross"), gptviz.ablate_mlp(0, stack="encoder")]
    assert view.edits == tuple(edits)
    expect(page.locator(".edits li").last).to_contain_text("encoder L0 · MLP off")
    after = translator.trace(SOURCE, "la petite", edits=edits)
    id = trace.top(1)[0][0].id
    assert_close(shown_change(page), [trace.probabilities()[id], after.probabilities()[id]])
    texts = page.locator(".gptviz-intervention > .sentence-row .chip").all_inner_texts()
    assert [text.replace("␣", " ") for text in texts[: len(trace.source_tokens)]] == [
        t.text for t in trace.source_tokens
    ]
    assert not serious_violations(page, "#views")


def test_the_effect_of_each_head_of_cross_attention(shown, translator, trace):
    view = gptviz.InterventionView(trace, stack="cross")
    page = shown(view).page
    page.locator(".show button").last.click()
    settle(page)
    labels = page.locator(".gptviz-intervention .grid button").evaluate_all("(all) => all.map((one) => one.title)")
    id, before = trace.top(1)[0][0].id, trace.top(1)[0][1]
    for index, label in enumerate(labels):
        edit = gptviz.ablate_head(*divmod(index, 4), stack="cross")
        change = translator.trace(SOURCE, "la petite", edits=[edit]).probabilities()[id] - before
        assert label.startswith(f"cross L{index // 4} · H{index % 4}: ")
        number = float(label.split(": ")[1].split(" points")[0].replace("−", "-").replace("+", ""))
        assert number == approx_three_digits(100 * float(change), 100 * before)


def test_a_row_of_cross_attention_is_rewritten(shown, trace):
    view = gptviz.InterventionView(trace, stack="cross")
    page = shown(view).page
    page.locator("details summary").last.click()
    keys = page.locator("details .sentence-row li")
    expect(keys).to_have_count(len(trace.source_tokens))
    settle(page)
    keys.nth(3).locator("button").click()
    page.locator("details").last.locator("form button").last.click()
    settle(page)
    (edit,) = view.edits
    assert (edit.stack, edit.query, edit.weights) == ("cross", 2, (0, 0, 0, 1, 0))


def test_a_saved_page_in_chinese(opened, trace, tmp_path):
    view = gptviz.InterventionView(trace, language="zh")
    page = opened(view.save_html(tmp_path / "intervention.html"))
    page.get_by_label("注意力：").select_option("cross")
    page.locator(".gptviz-intervention .grid button").nth(1).click()
    expect(page.locator(".edits li")).to_contain_text("交叉 L0 · H1")
    expect(page.locator(".gptviz-intervention tbody tr").first.locator("td.after .number")).to_be_visible()
    page.close()
