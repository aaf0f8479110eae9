"""The intervention view in Chromium: its text is compared with a model that the test edits by its own hook.

Clicks, the keyboard, hostile text, late answers, and what a saved page cannot do.
"""

import re

import numpy as np
import pytest
from browser.pages import settle
from close import assert_close
from page_text import HOSTILE, chip_text
from playwright.sync_api import expect
from shown import approx_three_digits, assert_shows
from small_models import HEADS, LAYERS, silenced_probabilities, strong_gpt2
from tales_bound import TALES_BOUND
from transformers import AutoTokenizer

import gptviz
from gptviz._paths import assets_dir
from gptviz.widgets.selection import Selection

PROMPT, OTHER = "Once upon a time there was a cat", "Once upon a time there was a dog"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(
        strong_gpt2(vocab_size=4096, n_positions=256), AutoTokenizer.from_pretrained(assets_dir() / "tales")
    )


def square(page, layer, head=None):
    """Returns the locator of a part's square: a head's, or the MLP's when head is None."""
    at = layer * (HEADS + 1) + (HEADS if head is None else head)
    return page.locator(".gptviz-intervention .grid button").nth(at)


def settled(page):
    busy = "[data-computing], .gptviz-intervention .grid[aria-busy=true]"
    page.wait_for_function("(busy) => !document.querySelector(busy)", arg=busy)


def rows(page):
    """Returns the table's visible texts, row by row: token, before, after (if shown), difference."""
    settled(page)
    read = "(row) => [...row.querySelectorAll('.chip, td .number, td.difference')].map((one) => one.textContent)"
    return page.locator(".gptviz-intervention tbody").evaluate(f"(body) => [...body.children].map({read})")


def close_to(text, value, *parts):
    """Checks a percentage of three digits against a share. parts: the probabilities of which the share is made."""
    assert_shows(text, 100 * value, 100 * TALES_BOUND * sum(abs(part) for part in parts or [value]))


def agrees(page, gpt, before, after):
    """Checks that the table shows these two distributions: the largest changes in order, each number, each bar."""
    table, movers = rows(page), np.argsort(-np.abs(after - before), kind="stable")[:12]
    leader = int(before.argmax())
    token_ids = [leader, *(int(id) for id in movers if id != leader)]
    assert [token for token, *_ in table] == [chip_text(gpt.token(id)) for id in token_ids]
    for (_, was, now, change), id in zip(table, token_ids, strict=True):
        close_to(was, before[id])
        close_to(now, after[id])
        close_to(change, after[id] - before[id], after[id], before[id])
    read = "(all) => all.map((one) => one.getBoundingClientRect().width / one.parentElement.clientWidth)"
    np.testing.assert_allclose(page.locator("tbody td.after .bar").evaluate_all(read), after[token_ids], atol=0.02)
    rest = [1 - before[token_ids].sum(), 1 - after[token_ids].sum()]
    name, was, now, change = page.locator("tfoot").locator("th, td .number, td.difference").all_inner_texts()
    assert name == f"{len(before) - len(token_ids):,} other tokens"
    close_to(was, rest[0])
    close_to(now, rest[1])
    close_to(change, rest[1] - rest[0], *rest)
    signed = np.append(after[token_ids] - before[token_ids], rest[1] - rest[0])
    drawn = """(all) => all.map((one) => {
        const bar = one.getBoundingClientRect(), box = one.parentElement.getBoundingClientRect(), middle = box.x + box.width / 2;
        return [2 * (bar.left - middle) / box.width, 2 * (bar.right - middle) / box.width];
    })"""
    ends = np.stack([np.minimum(signed, 0), np.maximum(signed, 0)], 1) / np.abs(signed).max()
    np.testing.assert_allclose(page.locator(".signed i").evaluate_all(drawn), ends, atol=0.03)


def effect(page, layer, head=None):
    """Returns the number in a square's title."""
    return square(page, layer, head).get_attribute("title").split(": ")[1].split(" points")[0]


def test_clicks_switch_heads_and_mlps_off_and_on_again(shown, gpt):
    ids, view = gpt.encode(PROMPT), gptviz.InterventionView(gpt.trace(PROMPT))
    page, before = shown(view).page, silenced_probabilities(gpt, ids)
    expect(page.locator(".gptviz-intervention .made")).to_contain_text("None")
    assert [token for token, *_ in rows(page)] == [chip_text(token) for token, _ in gpt.trace(PROMPT).top(12)]
    square(page, 1, 2).click()
    agrees(page, gpt, before, silenced_probabilities(gpt, ids, 1, 2))
    expect(square(page, 1, 2)).to_have_attribute("aria-pressed", "true")
    expect(square(page, 1, 2)).to_have_text("off")
    assert "gradient" in square(page, 1, 2).evaluate("(node) => getComputedStyle(node).backgroundImage")
    assert view.edits == (gptviz.ablate_head(1, 2),)
    square(page, 1, 2).click()
    square(page, 0).click()
    agrees(page, gpt, before, silenced_probabilities(gpt, ids, 0))
    assert view.edits == (gptviz.ablate_mlp(0),)
    page.get_by_role("button", name="remove all").click()
    settled(page)
    assert view.edits == ()
    expect(page.locator(".made")).to_contain_text("None")
    expect(page.locator("tbody td.difference").first).to_have_text("–")


def test_the_outcome_is_described_in_words(shown, gpt):
    ids = gpt.encode(PROMPT)
    page, before = shown(gptviz.InterventionView(gpt.trace(PROMPT))).page, silenced_probabilities(gpt, ids)
    leader, summary = int(before.argmax()), page.locator(".summary")
    expect(summary).to_contain_text(
        f"{chip_text(gpt.token(leader))} is the next token with a probability of {100 * before.max():#.3g} %"
    )
    for layer, head in ((1, 0), (0, 1), (1, None)):
        square(page, layer, head).click()
        expect(page.locator(".edit")).to_have_count(1)
        settled(page)
        after = silenced_probabilities(gpt, ids, layer, head)
        was, now = (f"{100 * shares[leader]:#.3g} %" for shares in (before, after))
        went = f"{'fell' if after[leader] < before[leader] else 'rose'} from {was} to {now}"
        expect(summary).to_contain_text(f"stays at {was}" if was == now else went)
        if after.argmax() != leader:
            leads = f"{chip_text(gpt.token(int(after.argmax())))} leads now, with {100 * after.max():#.3g} %"
            expect(summary).to_contain_text(leads)
        moved = f"{50 * np.abs(after - before).sum():#.3g} % of the probability"
        expect(page.locator(".outcome")).to_contain_text(moved)
        square(page, layer, head).click()
        expect(page.locator(".edit")).to_have_count(0)
        settled(page)


def test_everything_works_with_the_keyboard_alone(shown, gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT))
    page = shown(view).page
    square(page, 0, 0).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    settled(page)
    assert view.edits == (gptviz.ablate_head(1, 2),)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    settled(page)
    assert view.edits == (gptviz.ablate_head(1, 2), gptviz.ablate_mlp(1))
    page.locator(".edit").first.get_by_role("button").last.focus()
    page.keyboard.press("Enter")
    settled(page)
    assert view.edits == (gptviz.ablate_mlp(1),)
    assert page.locator(".grid button[tabindex='0']").count() == 1


def test_edits_from_python_are_chips_with_their_code(shown, gpt):
    source = gpt.trace(OTHER)
    edits = [
        gptviz.scale_head(1, 1, 0.25), gptviz.patch("residual", 1, 3, source=source),
        gptviz.set_attention(0, 2, 4, [0, 0, 1, 0, 0]), gptviz.steer(1, np.ones(24), 2.0),
        gptviz.ablate_neuron(0, 7), gptviz.ablate_head(0, 1, "mean", source), gptviz.patch("mlp_out", 1, None, source),
        gptviz.scale_head(1, 0, 1 / 3),
    ]  # fmt: skip
    view = gptviz.InterventionView(gpt.trace(PROMPT))
    showing = shown(view)
    page = showing.page
    view.edits = edits
    showing.update()
    chips = page.locator(".edit")
    expect(chips).to_have_count(8)
    at = [chip_text(token) for token in source.tokens]
    expect(chips.nth(0)).to_contain_text("L1 · H1 × 0.250")
    expect(chips.nth(1)).to_contain_text(f"stream entering block 1 at {at[3]}3")
    expect(chips.nth(2)).to_contain_text(f"L0 · H2 at {at[4]}4")
    texts = ["stream entering block 1 + 2.00 × vector", "L0 · MLP neuron 7 off", "L0 · H1 set to its mean",
            "MLP output 1 at every position patched", "L1 · H0 × 0.333"]  # fmt: skip
    for i, text in enumerate(texts):
        expect(chips.nth(3 + i)).to_contain_text(text)
    for i, edit in enumerate(edits):
        expect(chips.nth(i).locator("> span")).to_have_attribute("title", repr(edit))
    after = gpt.trace(PROMPT, edits=edits).probabilities()
    agrees(page, gpt, silenced_probabilities(gpt, gpt.encode(PROMPT)), after.astype(float))
    names = {"gpt": gpt, "gptviz": gptviz}
    exec(page.locator("pre").inner_text(), names)
    np.testing.assert_array_equal(names["trace"].probabilities(), after)
    page.get_by_role("button", name="copy").click()
    assert page.evaluate("getSelection().toString()").strip() == page.locator("pre").inner_text().strip()
    chips.nth(1).get_by_role("button").last.click()
    settled(page)
    assert view.edits == (edits[0], *edits[2:])


def test_a_position_is_patched_from_another_prompt(shown, gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT))
    page, count = shown(view).page, len(gpt.encode(PROMPT))
    page.locator("summary").first.click()
    field, note = page.get_by_role("textbox", name="another prompt"), page.locator(".note").first
    assert field.input_value() == PROMPT
    field.fill("A longer text that has more tokens than the other one has")
    page.get_by_role("button", name="read", exact=True).click()
    expect(note).to_contain_text(f"Expected a text of {count} tokens")
    field.fill(OTHER)
    page.get_by_role("button", name="read", exact=True).click()
    expect(note).to_be_hidden()
    differing = page.locator(".pairs button", has_text="≠")
    expect(differing).to_have_count(1)
    expect(differing).to_have_attribute("aria-pressed", "true")  # the first differing position is selected
    for menu, option in zip(page.locator(".controls select").all(), ("head_output", "1", "2"), strict=True):
        menu.select_option(option)
    for _ in range(2):  # the same edit is not added twice
        page.get_by_role("button", name="patch", exact=True).click()
        settled(page)
    expect(page.locator(".edit")).to_have_count(1)
    patch = gptviz.patch("head_output", 1, count - 1, source=gpt.trace(OTHER), head=2)
    after = gpt.trace(PROMPT, edits=[patch]).probabilities()
    agrees(page, gpt, silenced_probabilities(gpt, gpt.encode(PROMPT)), after.astype(float))
    assert f'gpt.trace("{OTHER}")' in page.locator("pre").inner_text()


def test_a_row_of_attention_is_rewritten(shown, gpt):
    trace = gpt.trace(PROMPT)
    view = gptviz.InterventionView(trace, selection=Selection(layer=0, head=0))
    page = shown(view).page
    page.locator(".gptviz-intervention > .sentence-row button").nth(4).click()
    page.locator("summary").last.click()
    field = page.get_by_role("textbox", name="weights")
    expect(field).not_to_have_value("")
    read = [float(one) for one in field.input_value().split()]
    assert read == [approx_three_digits(weight) for weight in trace.attention(0, 0)[4, :5]]
    field.fill("1 2")
    page.get_by_role("button", name="set the row").click()
    expect(page.locator(".note").last).to_contain_text("Expected 5 numbers")
    for row in ("0 0 0 0 0", "3 -1 0 0 0", "1e308 1e308 0 0 0"):
        field.fill(row)
        page.get_by_role("button", name="set the row").click()
        expect(page.locator(".note").last).to_contain_text("at least one above 0")
        expect(page.locator(".edit")).to_have_count(0)
    page.locator("details .sentence-row button").nth(1).click()
    expect(field).to_have_value("0 1 0 0 0")
    page.get_by_role("button", name="set the row").click()
    settled(page)
    assert view.edits == (gptviz.set_attention(0, 0, 4, [0, 1, 0, 0, 0]),)
    after = gpt.trace(PROMPT, edits=list(view.edits)).probabilities()
    agrees(page, gpt, silenced_probabilities(gpt, gpt.encode(PROMPT)), after.astype(float))


@pytest.mark.parametrize(
    ("scale", "dark"), [("screen", False), ("screen", True), ("projector", False), ("projector", True)]
)
def test_each_token_has_its_weight_below_it(shown, gpt, scale, dark):
    """Each weight of the selected row is shown in full below its token's chip."""
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.InterventionView(trace, scale=scale), dark=dark, width=700).page
    page.locator("summary").last.click()
    items = page.locator("details .sentence-row li")
    expect(items).to_have_count(len(trace.tokens))
    square(page, 1, 2).click()
    page.locator(".gptviz-intervention > .sentence-row button").nth(5).click()
    expect(items).to_have_count(6)
    expect(items.last.locator(".number")).not_to_have_text("")
    row = trace.attention(1, 2)[5, :6]
    expected = [f"{w:.3f}" if w >= 0.0005 else "<0.001" for w in row]
    assert items.locator(".number").all_inner_texts() == expected
    assert_close([float(title) for title in items.evaluate_all("(all) => all.map((one) => one.title)")], row)
    boxes = items.evaluate_all("""(all) => all.map((item) => {
        const range = document.createRange();
        range.selectNodeContents(item.lastElementChild);
        const [chip, number, whole] = [item.querySelector(".chip"), range, item].map((one) => one.getBoundingClientRect());
        return [number.top - chip.bottom, number.left - whole.left, whole.right - number.right, whole.bottom - number.bottom];
    })""")
    assert np.min(boxes) > -1
    size, colour = items.first.locator(".number").evaluate(
        "(one) => [getComputedStyle(one).fontSize, getComputedStyle(one).color]"
    )
    assert size == ("11px" if scale == "screen" else "16.5px")
    assert colour == page.locator(".gptviz-intervention").evaluate("(one) => getComputedStyle(one).color")


def test_the_squares_show_the_effect_of_switching_each_part_off(shown, gpt):
    ids = gpt.encode(PROMPT)
    view = gptviz.InterventionView(gpt.trace(PROMPT), watch=" king")
    page, watched, before = shown(view).page, view.watch.id, silenced_probabilities(gpt, ids)
    page.get_by_role("button", name="effect on").click()
    settled(page)
    places = [(layer, head) for layer in range(LAYERS) for head in (*range(HEADS), None)]
    effects = {place: silenced_probabilities(gpt, ids, *place)[watched] - before[watched] for place in places}
    for place in places:
        close_to(effect(page, *place), effects[place], before[watched], effects[place])
    strongest = max(places, key=lambda place: abs(effects[place]))
    read = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data]"
    colour = square(page, *strongest).locator("canvas").evaluate(read)
    assert colour[:3] == ([138, 58, 0] if effects[strongest] > 0 else [6, 62, 116])
    expect(page.locator(".legend")).to_contain_text(effect(page, *strongest).strip("+−"))
    square(page, 0, 1).hover()
    expect(page.locator(".gptviz-intervention .readout")).to_contain_text(f"L0 · H1: {effect(page, 0, 1)}")
    leader = int(before.argmax())
    page.locator(".follow select").select_option(str(leader))
    settled(page)
    expect(page.get_by_role("button", name="effect on")).to_contain_text(chip_text(gpt.token(leader)))
    silenced = silenced_probabilities(gpt, ids, 1, 1)[leader]
    close_to(effect(page, 1, 1), silenced - before[leader], silenced, before[leader])
    page.get_by_role("button", name="attention maps").click()
    expect(page.locator(".legend")).to_contain_text("weight 0")
    assert square(page, 1, 1).get_attribute("title") == "L1 · H1"


def test_another_token_is_followed_by_its_text(shown, gpt):
    view, ids = gptviz.InterventionView(gpt.trace(PROMPT)), gpt.encode(PROMPT)
    page = shown(view).page
    field = page.get_by_role("textbox", name="another token")
    field.fill(" kingqueen")
    field.press("Enter")
    expect(page.locator(".gptviz-intervention > .problem").first).to_contain_text("one token")
    field.fill(" king")
    field.press("Enter")
    expect(page.locator("tr[data-watched] .chip")).to_have_text("␣king")
    assert view.watch.text == " king"
    close_to(rows(page)[0][1], silenced_probabilities(gpt, ids)[view.watch.id])
    square(page, 0, 2).click()
    close_to(rows(page)[0][2], silenced_probabilities(gpt, ids, 0, 2)[view.watch.id])


def test_a_late_answer_is_never_shown_as_current(shown, gpt):
    """The answer to the first click arrives after the second click; it is not shown."""
    ids = gpt.encode(PROMPT)
    page = shown(gptviz.InterventionView(gpt.trace(PROMPT))).page
    page.evaluate("""() => {
        const model = models[0], answer = model.answer;
        globalThis.held = [];
        model.answer = (message) => new Promise((done) => held.push(async () => done(await answer(message))));
    }""")
    old, waiting = page.locator("tbody").inner_text(), page.locator(".gptviz-intervention[data-computing]")
    square(page, 0, 1).click()
    expect(waiting).to_have_count(1)
    expect(page.locator(".outcome")).to_have_css("opacity", "0.4")
    expect(page.locator(".gptviz-intervention .computing").first).to_be_visible()
    square(page, 1, 0).click()
    square(page, 0, 1).click()
    page.evaluate("held.shift()()")
    page.wait_for_function("held.length > 0")
    assert page.locator("tbody").inner_text() == old
    expect(waiting).to_have_count(1)
    assert page.evaluate("held.length") == 1  # the intermediate list was never requested
    page.evaluate("held.shift()()")
    agrees(page, gpt, silenced_probabilities(gpt, ids), silenced_probabilities(gpt, ids, 1, 0))


def test_a_refused_edit_shows_its_error_and_leaves_no_number(shown, gpt):
    ids, view = gpt.encode(PROMPT), gptviz.InterventionView(gpt.trace(PROMPT), watch=" king")
    page, before = shown(view).page, silenced_probabilities(gpt, gpt.encode(PROMPT))
    problem = page.locator(".gptviz-intervention > .problem").first
    square(page, 1, 1).click()
    settled(page)
    bad = (
        '{ kind: "ablate_head", layer: 40, head: 0 }',
        '{ kind: "set_attention", layer: 0, head: 0, query: 1, weights: [0, 0] }',
    )
    for edit, told in zip(
        bad, ("Expected a layer from 0 to 1", "Give at least one key a positive weight"), strict=True
    ):
        page.evaluate(f"""models[0].set("_edits", [...models[0].get("_edits"), {edit}]); models[0].save_changes()""")
        expect(problem).to_contain_text(told)
        settled(page)
        expect(page.locator(".edit")).to_have_count(1)  # the edit is undone: the page shows what Python holds
        assert view.edits == (gptviz.ablate_head(1, 1),)
        expect(page.locator("tr[data-watched] .chip")).to_have_text("␣king")
        close_to(rows(page)[0][2], silenced_probabilities(gpt, ids, 1, 1)[view.watch.id])
    square(page, 0, 2).click()
    settled(page)
    expect(problem).to_be_hidden()
    assert view.edits == (gptviz.ablate_head(1, 1), gptviz.ablate_head(0, 2))
    page.get_by_role("button", name="remove all").click()
    close_to(rows(page)[0][1], before[view.watch.id])
    page.evaluate("""models[0].send({ kind: "ask", id: "x", name: 3 })""")
    expect(page.locator(".problem:visible").last).to_contain_text("Expected an update or a question")


def test_a_new_prompt_keeps_head_edits_and_names_those_it_removed(shown, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    edits = [gptviz.ablate_head(1, 1), gptviz.set_attention(0, 0, 2, [1, 0, 0])]
    view = gptviz.InterventionView(box, edits=edits)
    showing = shown(box, view)
    page, text = showing.page, "The king was old"
    box.run(text)
    showing.update()
    expect(page.locator(".edit")).to_have_count(1)
    expect(page.get_by_text("Removed, because")).to_contain_text(repr(edits[1]))
    agrees(
        page, gpt, silenced_probabilities(gpt, gpt.encode(text)), silenced_probabilities(gpt, gpt.encode(text), 1, 1)
    )
    chips = page.locator(".gptviz-intervention > .sentence-row .chip").all_inner_texts()
    assert chips == [chip_text(token) for token in box.trace.tokens]


def test_a_square_and_a_name_move_linked_views(shown, gpt):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    page = shown(gptviz.AttentionView(box), gptviz.InterventionView(box)).page
    title = page.locator(".gptviz-attention h3")
    square(page, 1, 2).click()
    expect(title).to_contain_text("L1 · H2")
    square(page, 0, 1).click()
    expect(title).to_contain_text("L0 · H1")
    page.locator(".edit .name").first.click()
    expect(title).to_contain_text("L1 · H2")


@pytest.mark.parametrize("prompt", HOSTILE)
def test_hostile_text_is_text(shown, gpt, prompt):
    trace = gpt.trace(prompt)
    last = len(trace.tokens) - 1
    patch = gptviz.patch("mlp_out", 1, last, source=trace)
    page = shown(gptviz.InterventionView(trace, edits=[patch], watch=trace.tokens[2])).page
    expected = [chip_text(token) for token in trace.tokens]
    assert page.locator(".gptviz-intervention > .sentence-row .chip").all_inner_texts() == expected
    assert page.locator(".edit .chip").inner_text() == expected[last]
    assert page.locator("tr[data-watched] .chip").inner_text() == expected[2]
    names = {"gpt": gpt, "gptviz": gptviz}
    exec(page.locator("pre").evaluate("(node) => node.textContent"), names)
    assert names["trace"].tokens == trace.tokens
    page.locator("summary").first.click()
    page.get_by_role("textbox", name="another prompt").fill(prompt)
    page.get_by_role("button", name="read", exact=True).click()
    page.locator("summary").last.click()
    page.get_by_role("textbox", name="another token").fill(prompt)
    page.get_by_role("button", name="follow", exact=True).click()
    settle(page)
    assert page.evaluate("window.hurt") is None
    assert page.locator(".gptviz img, .gptviz script").count() == 0


@pytest.mark.parametrize("options", [{}, {"scale": "projector"}, {"scale": "projector", "language": "zh"}], ids=str)
def test_nothing_scrolls_sideways_and_no_number_is_cut(shown, gpt, options):
    edits = [gptviz.ablate_head(1, 1), gptviz.ablate_mlp(0)]
    page = shown(gptviz.InterventionView(gpt.trace(PROMPT), edits=edits, **options), width=1280).page
    page.locator("summary").last.click()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    read = "(all) => all.filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.textContent)"
    assert page.locator("tbody td .number, tbody td.difference").evaluate_all(read) == []


WIDTHS = {
    "screen": (420, 560, 640, 740, 780, 860, 900, 940, 980, 1000, 1100, 1180, 1440),
    "projector": (900, 1144, 1280, 1334, 1366, 1500, 1710, 1920),
}


@pytest.mark.parametrize("scale", WIDTHS)
def test_at_every_width_numbers_are_whole_and_bars_can_be_read(shown, gpt, scale):
    """Measures the text itself, because overflow is cut whatever size the cell reports."""
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(1, 1)], scale=scale)
    page = shown(view, width=WIDTHS[scale][0]).page
    for width in WIDTHS[scale]:
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        found = page.locator(".gptviz-intervention table").evaluate("""(table) => {
            const box = (node) => {
                const range = document.createRange();
                range.selectNodeContents(node);
                return range.getBoundingClientRect();
            };
            const visible = (nodes) => [...nodes].filter((node) => node.getClientRects().length);
            const all = visible(table.querySelectorAll("td .number, td.difference, thead th, tfoot th"));
            const cut = all.filter((node) => {
                const text = box(node), cell = node.closest("td, th").getBoundingClientRect();
                return text.left < cell.left - 0.5 || text.right > cell.right + 0.5;
            });
            const gaps = [...table.querySelectorAll("thead .percents")].flatMap((axis) => {
                const ticks = visible(axis.children).map(box);
                return ticks.slice(1).map((tick, i) => tick.left - ticks[i].right);
            });
            const em = parseFloat(getComputedStyle(table).fontSize);
            const tracks = [...table.querySelectorAll(".track")].map((track) => track.getBoundingClientRect().width / em);
            return { cut: cut.map((node) => node.textContent), gaps: Math.min(...gaps), track: Math.min(...tracks) };
        }""")
        assert found["cut"] == [], width
        assert found["gaps"] > 6, width  # px between neighbouring numbers of the axis
        assert found["track"] > 4.8, width


def test_on_a_projector_the_first_movers_are_seen_beside_the_squares(shown, gpt):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(1, 1)], scale="projector")
    page = shown(view, width=1280).page
    settled(page)
    squares, row = page.locator(".grid").bounding_box(), page.locator("tbody tr").nth(4).bounding_box()
    assert row["x"] > squares["x"] + squares["width"]
    assert row["y"] + row["height"] < 720


def test_no_line_break_separates_a_number_from_its_percent_sign(shown, gpt):
    page = shown(gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(1, 1)])).page
    settled(page)
    told = page.locator(".summary").evaluate("(node) => node.textContent")
    assert "\u00a0% to " in told
    assert " %" not in told


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_an_axis_is_as_long_as_its_bars_and_small_shares_end_where_large_ones_do(shown, gpt, scale):
    view = gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_mlp(0)], scale=scale)
    page = shown(view).page
    for which in (0, 1):
        axis, row = page.locator("table .percents").nth(which), page.locator("tbody tr").first
        told, drawn = axis.bounding_box(), row.locator(".track").nth(which).bounding_box()
        assert (told["x"], told["width"]) == pytest.approx((drawn["x"], drawn["width"]), abs=1.5)
    for share in page.locator("td.before .number").all():
        assert share.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1 && one.clientWidth > 0")


def test_differences_start_at_a_line_in_the_middle(shown, gpt):
    page = shown(gptviz.InterventionView(gpt.trace(PROMPT), edits=[gptviz.ablate_head(1, 1)])).page
    settled(page)
    read = "(node) => ['Position', 'Size', 'Repeat'].map((name) => getComputedStyle(node)['background' + name].split(', ')[0])"
    line = page.locator("tbody .signed").first.evaluate(read)  # one line, not one in each half
    assert line == ["50% 0px", "1px 100%", "no-repeat"]


def test_a_vectors_numbers_take_one_line_and_are_copied_whole(shown, gpt):
    edit = gptviz.steer(1, np.linspace(0, 1, 24), 2.0)
    page = shown(gptviz.InterventionView(gpt.trace(PROMPT), edits=[edit]), width=900).page
    settled(page)
    line = page.locator("pre .folded")
    height = page.locator("pre").evaluate("(node) => parseFloat(getComputedStyle(node).lineHeight)")
    assert line.bounding_box()["height"] < 1.5 * height
    assert line.evaluate("(node) => node.scrollWidth > node.clientWidth")
    page.get_by_role("button", name="copy").click()
    names = {"gpt": gpt, "gptviz": gptviz}
    exec(page.evaluate("getSelection().toString()"), names)
    assert names["trace"].edits == (edit,)


def test_a_saved_page_has_each_part_switched_off_alone(opened, gpt, tmp_path):
    ids = gpt.encode(PROMPT)
    before = silenced_probabilities(gpt, ids)
    page = opened(gptviz.InterventionView(gpt.trace(PROMPT)).save_html(tmp_path / "page.html"))
    for layer, head in ((1, 1), (0, None)):
        square(page, layer, head).click()
        agrees(page, gpt, before, silenced_probabilities(gpt, ids, layer, head))
        square(page, layer, head).click()
    page.get_by_role("button", name="effect on").click()
    settled(page)
    close_to(effect(page, 1, 2), silenced_probabilities(gpt, ids, 1, 2)[before.argmax()] - before.max())
    square(page, 0, 0).click()
    settled(page)
    expect(square(page, 0, 1)).to_be_disabled()  # no outcome of two parts together was saved
    expect(square(page, 0, 1)).to_have_attribute("title", re.compile("Not in this page"))
    square(page, 0, 1).click(force=True)
    expect(page.locator(".edit")).to_have_count(1)
    close_to(rows(page)[0][2], silenced_probabilities(gpt, ids, 0, 0)[before.argmax()])
