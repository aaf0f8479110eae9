"""In the flow view a control stays under the pointer when it is pressed: what a press adds has room of its own."""

import pytest
from browser.flow_page import PROMPT
from browser.pages import settle
from playwright.sync_api import expect

import gptviz

WIDTHS = [848, 1280]
LAYER = 2


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def corner(control):
    """Returns the top of a control, its left and its middle."""
    box = control.bounding_box()
    return box["y"], box["x"], box["x"] + box["width"] / 2


def press(page, control, *, times=2, by_event=False):
    """Presses a control, and again to take that back, and checks that it stays where it is.

    Where its text becomes another, as "cut" becomes "take back", its left or its middle stays. by_event: for a curve, of
    which the middle of its box may be empty.
    """
    for _ in range(times):
        before = corner(control)
        control.dispatch_event("click") if by_event else control.click()
        settle(page)
        moves = [abs(now - was) for now, was in zip(corner(control), before, strict=True)]
        assert moves[0] <= 1 and min(moves[1:]) <= 1, (control, moves)


def check_controls(page):
    """Checks the controls of the picture and of the table below it; they stay in place while cuts come and go."""
    flow = page.locator(".gptviz-flow").first
    for row in ("cut-attention", "cut-mlp"):
        for layer in (0, LAYER, 5):
            press(page, flow.locator(f"[data-row={row}] button").nth(layer))
    for layer in range(6):  # the list of cuts grows
        press(page, flow.locator("[data-row=cut-attention] button").nth(layer), times=1)
    expect(flow.locator(".cuts li")).to_have_count(6)
    flow.locator(".cuts").get_by_role("button", name="take all back").click()
    settle(page)
    press(page, flow.locator(".canvas .band.mlp").last, by_event=True)
    press(page, flow.locator(".canvas .curve.ribbon").first, by_event=True)
    for index in (1, 4):
        press(page, flow.locator(".bars button").nth(index))
    for key in ("lane", "fold"):
        press(page, flow.locator(f"[data-key={key}]"))
    names = flow.locator("button.name")
    press(page, names.nth(LAYER), times=3)
    head = flow.locator(".heads-of-block li").nth(1)
    press(page, head.locator("button").last)
    press(page, head.locator(".map"))
    press(page, names.nth(LAYER + 1))  # it opens its block and closes the other, then it closes its own
    page.mouse.move(2, 2)
    settle(page)
    widths = names.evaluate_all("(all) => all.map((name) => name.parentElement.offsetWidth)")
    assert max(widths) - min(widths) <= 1, "columns are equally wide again"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_pressed_control_stays_in_place(shown, gpt, width):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT)), width=width, height=2400).page
    settle(page)
    check_controls(page)
    page.locator(".gptviz-flow > .flow-own summary").click()
    rows = page.locator(".gptviz-flow > .flow-own > details tbody tr")
    for row in (0, 3):
        press(page, rows.nth(row).locator("button").first)
    stage = page.locator(".gptviz-flow .stage.beside")
    top, token = corner(stage)[0], page.locator(".gptviz-flow .sentence-row button").nth(6)
    press(page, token)
    assert corner(stage)[0] == pytest.approx(top, abs=1), "another caption is as high"
    press(page, page.locator(".gptviz-flow .player .play"))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_pressed_control_of_the_explorers_picture_stays_in_place(shown, gpt, width):
    page = shown(gptviz.explore(PROMPT, gpt=gpt), width=width, height=2400).page
    settle(page)
    check_controls(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_where_no_effect_is_shown_cut_and_take_back_have_one_place(shown, gpt, width):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT), effects=False), width=width, height=2400).page
    settle(page)
    for layer in range(6):
        press(page, page.locator("[data-row=cut-mlp] button").nth(layer))


def test_the_cuts_are_read_where_they_have_little_room(shown, gpt):
    """At 848 pixels their list is scrolled, and every chip can be reached and taken back."""
    last = len(gpt.trace(PROMPT).tokens) - 1
    edits = [gptviz.ablate_mlp(layer, position=i) for layer in range(6) for i in (last, last - 1)]
    view = gptviz.FlowView(gpt.trace(PROMPT), edits=edits)
    page = shown(view, width=848, height=900).page
    settle(page)
    cuts, aside = page.locator(".gptviz-flow .cuts"), page.locator(".gptviz-flow .aside").bounding_box()
    box = cuts.bounding_box()
    assert box["height"] >= 100
    assert box["y"] + box["height"] <= aside["y"] + aside["height"] + 1
    cuts.locator("li button").last.click()
    settle(page)
    assert view.edits == tuple(edits[:-1])
