"""The attention view of an encoder-decoder on the page: what is drawn is transformers' own map of the chosen stack."""

import numpy as np
import pytest
from browser.pages import colour_table
from close import approx_float32
from playwright.sync_api import expect
from sequences import SOURCE, TARGET, trace_of, truth_of

import gptviz

CELLS = """(canvas) => {
    const [columns, rows] = [%d, %d];
    const context = canvas.getContext("2d");
    return Array.from({ length: rows * columns }, (_, i) => {
        const x = ((i %% columns) + 0.5) * canvas.width / columns;
        return [...context.getImageData(x, (Math.floor(i / columns) + 0.5) * canvas.height / rows, 1, 1).data.slice(0, 3)];
    });
}"""


def drawn_cells(page, rows, columns):
    cells = page.locator("canvas.map").evaluate(CELLS % (columns, rows))
    return np.array(cells).reshape(rows, columns, 3)


def test_the_menu_shows_each_stack_in_a_saved_page(opened, new_page, tmp_path):
    trace, (layer, head) = trace_of("t5"), (1, 2)
    view = gptviz.AttentionView(trace, stack="cross", layer=layer, head=head)
    page = opened(view.save_html(tmp_path / "stacks.html"))
    menu, caption, readout = (
        page.get_by_label("attention:"),
        page.locator(".one .caption").last,
        page.locator(".readout"),
    )
    expect(menu.locator("option")).to_have_count(3)
    expect(menu).to_have_value("cross")
    table = np.array(colour_table(new_page(300, 300), "weightColours", "light"))
    s, t = len(SOURCE), len(TARGET)

    def check_map(stack, rows, columns):
        truth = truth_of("t5").maps[stack][layer, head]
        seen = np.tri(t, dtype=bool) if stack == "decoder" else np.ones((rows, columns), bool)
        expected = table[np.round(255 * truth).astype(int)]
        np.testing.assert_allclose(drawn_cells(page, rows, columns)[seen], expected[seen], atol=3)
        box = page.locator("canvas.map").bounding_box()
        assert box["width"] / columns == pytest.approx(box["height"] / rows, abs=0.01)  # cells are squares

    check_map("cross", t, s)
    expect(caption).to_contain_text("each column is a token of the source looked at (key). Nothing is hidden")
    expect(page.locator(".sentence .line")).to_have_count(2)
    expect(page.locator(".sentence .line:visible")).to_have_count(2)
    row = truth_of("t5").maps["cross"][layer, head][1]
    key = int(row.argmax())
    box = page.locator("canvas.map").bounding_box()
    page.mouse.click(box["x"] + (key + 0.5) * box["width"] / s, box["y"] + 1.5 * box["height"] / t)
    expect(readout.locator(".query sub")).to_have_text("1")
    expect(readout.locator(".key sub")).to_have_text(str(key))
    assert float(readout.locator("strong").get_attribute("title")) == approx_float32(float(row[key]), 1.0)
    expect(page.locator(".sentence svg path")).to_have_count(int((row >= 0.01).sum()))

    menu.select_option("encoder")
    expect(caption).to_contain_text("each column is a token looked at (key). Nothing is hidden")
    check_map("encoder", s, s)
    expect(page.locator(".sentence .line:visible")).to_have_count(1)
    expect(page.locator(".grid button:not([data-none])")).to_have_count(2 * 4)

    menu.select_option("decoder")
    expect(caption).to_contain_text("Hatched")
    check_map("decoder", t, t)
    page.close()


def test_a_sounds_frames_are_columns_with_their_seconds(shown):
    """50 frames and five tokens: a row is as high as a label."""
    page = shown(gptviz.AttentionView(trace_of("whisper"), stack="cross", language="zh")).page
    box = page.locator("canvas.map").bounding_box()
    assert box["height"] / len(TARGET) >= 11 and box["width"] / 50 < 13
    texts = page.locator(".keys .chip").all_inner_texts()
    assert texts[0].replace("␣", " ") == "0.00 s" and len(texts) > 10
    assert "交叉注意力" in page.locator(".stack option").nth(2).inner_text()
    page.close()
