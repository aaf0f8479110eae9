"""The Explorer in a page and on a projector: what is open, what stays in sight, which keys work."""

import dataclasses
import re

import numpy as np
import pytest
from browser.pages import HOLD_ANSWERS, settle
from close import approx_float32
from families import TEXT, build, tokenizer
from playwright.sync_api import expect
from shown import approx_three_digits
from waiting import LONGEST_WAIT

import gptviz
from gptviz.pages.stored import state_of

PROMPT = "Once upon a time there was a girl named Anna. One day Anna"
GIFT = "When Tom and Mary went to the park, Tom gave a ball to"
SCROLLED_ON = """(before) => scrollY > before
    || scrollY + innerHeight >= document.documentElement.scrollHeight - 1"""
WIDTH, HEIGHT = 1280, 720


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture
def on_screen(shown):
    """Shows views at projector size. Returns the page."""
    return lambda *views: shown(*views, width=WIDTH, height=HEIGHT).page


@pytest.fixture
def page(on_screen, gpt):
    explorer = gptviz.explore(PROMPT, gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    return on_screen(explorer)


def box(locator):
    found = locator.bounding_box()
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def scored(page):
    """Returns the rows of the score chart: (text, filled share of the track, number)."""
    return page.locator(".scores li").evaluate_all(
        """(rows) => rows.map((row) => [row.querySelector(".chip").textContent,
            row.querySelector(".fill").getBoundingClientRect().width / row.querySelector(".track").getBoundingClientRect().width,
            Number(row.querySelector(".number").textContent.replace("−", "-"))])"""
    )


# The path


def test_one_station_is_open_and_the_others_are_their_names(page):
    for name in ("tokens", "sampling", "logits"):
        page.locator(f".at-{name} button").click()
        expect(page.locator(".station .body:visible")).to_have_count(1)
        expect(page.locator(f".station-{name} .body")).to_be_visible()
    page.locator(".at-logits button").click()
    expect(page.locator(".station .body:visible")).to_have_count(0)


def edges(page, selector):
    """Returns [left, right] of the first element in pixels."""
    found = page.locator(selector).first.bounding_box()
    return found["x"], found["x"] + found["width"]


@pytest.mark.parametrize("width", [1280, 848])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_screen_is_the_picture_with_its_sentence_and_its_bars(shown, gpt, width, language):
    page = shown(gptviz.explore(GIFT, gpt=gpt, language=language), width=width, height=HEIGHT).page
    settle(page)
    expect(page.locator(".station:visible")).to_have_count(0)
    for part in (".sentence-row .chip >> nth=-1", ".gptviz-flow .heads", ".stage", ".next li >> nth=-1"):
        assert box(page.locator(f".gptviz-flow {part}" if not part.startswith(".gptviz") else part))[3] <= HEIGHT, part
    assert edges(page, ".stage")[1] < edges(page, ".gptviz-flow .next")[0], "the bars are beside the picture"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1280, 848])
def test_a_name_is_under_the_part_of_the_picture_that_it_is_about(shown, gpt, width):
    page = shown(gptviz.explore(GIFT, gpt=gpt), width=width, height=HEIGHT).page
    settle(page)
    (left, right), bars = edges(page, ".gptviz-flow .canvas"), edges(page, ".gptviz-flow .next")
    for name in ("tokens", "embedding"):
        assert edges(page, f".at-{name} button")[1] <= left + 8, name
    assert edges(page, ".at-attention") == pytest.approx((left, right), abs=1)
    for name in ("logits", "sampling", "generation"):
        start, end = edges(page, f".at-{name} button")
        assert bars[0] - 8 <= start and end <= bars[1] + 1, name
    top = box(page.locator(".gptviz-flow .picture"))[3]
    assert all(top <= box(name)[1] < top + 80 for name in page.locator(".rail button").all())


def test_a_name_shows_its_sentence_when_it_is_pointed_at_or_focused(page, gpt):
    line = page.locator(".rail .sentence")
    hint = line.inner_text()
    _leader, share = gpt.trace(PROMPT).top(1)[0]
    page.locator(".at-sampling button").hover()
    expect(line).to_contain_text(f"leads with {100 * share:.3g} %")
    page.mouse.move(2, 2)
    expect(line).to_have_text(hint)
    page.locator(".at-logits button").focus()
    expect(line).to_contain_text(f"{gpt.trace(PROMPT).vocab_size:,} tokens")
    page.keyboard.press("Enter")
    expect(page.locator(".at-logits button")).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".at-logits button")).to_be_focused()
    expect(page.locator(".station-logits .sentence")).to_be_visible()
    expect(line).to_have_text(hint)


@pytest.mark.parametrize("size", [(1280, 720), (848, 560)], ids=str)
def test_a_station_opens_below_the_picture_in_sight_with_the_names_above_it(shown, gpt, size):
    explorer = gptviz.explore(GIFT, gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    page = shown(explorer, width=size[0], height=size[1]).page
    for name in ("attention", "tokens", "generation", "logits", "sampling", "embedding"):
        page.locator(f".at-{name} button").click()
        settle(page)
        top = box(page.locator(f".station-{name}"))[1]
        assert box(page.locator(".rail"))[3] <= top + 1 < 0.7 * size[1], name
        assert box(page.locator(f".at-{name} button"))[1] >= box(page.locator(".gptviz-explorer > .box"))[3], name
        expect(page.locator(".gptviz-flow :is(.blocks, .lens, .legend):visible")).to_have_count(0)
    page.get_by_role("button", name="close: Tokens to numbers").click()
    expect(page.locator(".station:visible")).to_have_count(0)
    expect(page.locator(".gptviz-flow .blocks")).to_be_visible()


def test_a_station_is_drawn_when_it_is_first_opened(page):
    expect(page.locator(".station .gptviz")).to_have_count(0)
    page.locator(".at-attention button").click()
    expect(page.locator(".station .gptviz")).to_have_count(2)


def test_the_picture_shows_a_token_that_was_drawn_and_appended(shown, gpt):
    explorer = gptviz.explore("Once upon a time", gpt=gpt)
    view = shown(explorer, width=WIDTH, height=HEIGHT)
    page = view.page
    page.locator(".at-sampling button").click()
    page.get_by_role("button", name="draw once").click()
    page.get_by_role("button", name="append to the prompt").click()
    settle(page)
    view.update()
    drawn = explorer.trace.tokens[-1]
    expect(page.locator(".gptviz-flow .sentence-row .chip")).to_have_count(drawn.position + 1)
    expect(page.locator(".gptviz-flow .label [aria-pressed=true] sub")).to_have_text(str(drawn.position))
    _leader, share = explorer.trace.top(1)[0]
    expect(page.locator(".gptviz-flow .next .bar-row .number").first).to_have_text(f"{100 * share:.3g} %")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_where_there_is_no_credit_the_picture_draws_weights_and_says_so(shown, language):
    eager = gptviz.wrap(build("bloom"), tokenizer())
    explorer = gptviz.explore(TEXT, gpt=eager, language=language)
    page = shown(explorer, width=848, height=560).page
    settle(page)
    expect(page.locator(".gptviz-flow .caption")).to_contain_text("attention" if language == "en" else "注意力")
    assert page.locator(".gptviz-flow path.curve").count() > 0
    expect(page.locator(".gptviz-flow .notes p")).not_to_have_count(0)
    expect(page.locator(".gptviz-flow .next li")).not_to_have_count(0)
    for name in page.locator(".rail button").all():
        name.click()
        expect(page.locator(".station:visible .body")).not_to_be_empty()


def test_a_cut_in_the_picture_stays_while_a_station_is_open(shown, gpt):
    explorer = gptviz.explore(GIFT, gpt=gpt)
    page = shown(explorer, width=WIDTH, height=HEIGHT).page
    page.locator("tr[data-row=cut-attention] button").nth(2).click()
    settle(page)
    page.locator(".at-sampling button").click()
    (edit,) = explorer._stations["flow"].edits
    after = gpt.trace(GIFT, edits=[edit]).probabilities()
    leader, share = gpt.trace(GIFT).top(1)[0]
    expected = f"{100 * share:.4g} → {100 * after[leader.id]:.3g} %"
    expect(page.locator(".gptviz-flow .next .bar-row .number").first).to_have_text(expected)


def test_scores_are_drawn_as_leads_over_the_mean(page, gpt):
    logits = gpt.trace(PROMPT).logits[-1].astype(np.float64)
    page.locator(".at-logits button").click()
    order = np.argsort(-logits, kind="stable")[:10]
    rows = scored(page)
    assert [number for _, _, number in rows] == [approx_three_digits(logit) for logit in logits[order]]
    lead = logits[order] - logits.mean()
    assert [share for _, share, _ in rows] == pytest.approx(lead / lead[0], abs=0.01)
    expect(page.locator(".highest")).to_contain_text(f"{logits.mean():.3g}".replace("-", "−"))


def test_the_stack_stays_in_sight_below_the_prompt(page):
    page.locator(".at-attention button").click()
    page.locator(".gptviz-attention canvas.map").wait_for()
    page.mouse.move(600, 500)
    for _ in range(4):
        before = page.evaluate("scrollY")
        page.mouse.wheel(0, 250)
        page.wait_for_function(SCROLLED_ON, arg=before)
        below = box(page.locator(".gptviz-explorer > .box"))[3]
        for block in page.locator(".stack button").all():
            _, top, _, bottom = box(block)
            assert top >= below and bottom <= HEIGHT


def test_a_block_keeps_the_focus_when_it_is_opened(page):
    page.locator(".at-attention button").click()
    page.locator(".stack button").nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".stack button").nth(2)).to_have_attribute("aria-current", "true")
    expect(page.locator(".stack button").nth(2)).to_be_focused()


def test_one_picture_can_be_saved(page):
    page.locator(".at-tokens button").click()
    expect(page.locator(".gptviz-tokens li").first).to_be_visible()
    expect(page.locator(".save-picture:visible")).to_have_count(1)


# The prompt


def test_a_prompt_of_two_lines_is_two_lines(on_screen, gpt):
    prompt = gptviz.PromptBox("line one\nline two", gpt=gpt)
    tokens = len(prompt.trace.tokens)
    page = on_screen(prompt)
    field = page.locator(".gptviz-prompt textarea")
    field.press("Enter")
    settle(page)
    assert (prompt.prompt, len(prompt.trace.tokens)) == ("line one\nline two", tokens)
    field.press("End")
    field.press("Shift+Enter")
    page.keyboard.type("three")
    field.press("Enter")
    page.wait_for_function("() => !document.querySelector('[data-computing]')")
    assert prompt.prompt.count("\n") == 2 and "three" in prompt.prompt


LONG = (
    "Once upon a time there was a girl named Anna who lived in a small house by the sea with her brother Tom and her old "
    "grey cat, and every morning they walked along the beach to look for shells and for the boat of their father."
)


def is_whole(page):
    """Returns whether the box shows all lines of its prompt, wrapped ones too."""
    return page.locator(".gptviz-prompt textarea").evaluate("(box) => box.scrollHeight <= box.clientHeight")


def test_a_wrapped_prompt_is_fully_visible(on_screen, gpt):
    explorer = gptviz.explore(LONG, gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    page = on_screen(explorer)
    field = page.locator(".gptviz-prompt textarea")
    low = field.bounding_box()["height"]
    assert is_whole(page)
    page.set_viewport_size({"width": 620, "height": HEIGHT})
    assert is_whole(page) and field.bounding_box()["height"] > low
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.get_by_role("button", name="present").click()
    assert is_whole(page)
    field.fill("line\n" * 40)
    assert not is_whole(page), "then it is scrolled"
    assert field.bounding_box()["height"] < HEIGHT / 2
    field.fill("a")
    assert is_whole(page) and field.bounding_box()["height"] < 60


def test_a_presented_prompt_takes_three_lines_at_most_and_its_end_is_seen(on_screen, gpt):
    page = on_screen(gptviz.explore(LONG + " " + LONG, gpt=gpt))
    field = page.locator(".gptviz-prompt textarea")
    assert is_whole(page)
    page.get_by_role("button", name="present").click()
    settle(page)
    lines = "(box) => box.clientHeight / Number.parseFloat(getComputedStyle(box).lineHeight)"
    assert 3 <= field.evaluate(lines) < 3.5
    assert field.evaluate("(box) => box.scrollTop + box.clientHeight >= box.scrollHeight - 1")


def test_a_refused_prompt_stays_in_the_box(on_screen, gpt):
    explorer = gptviz.explore("the owl", gpt=gpt)
    page = on_screen(explorer)
    field, prompt = page.locator(".gptviz-prompt textarea"), page.locator(".gptviz-prompt")
    far_too_long = "owl " * (gpt.context_length + 9)
    for presenting in (False, True):
        if presenting:
            page.get_by_role("button", name="present").click()
        field.fill(far_too_long)
        if presenting:
            field.press("Enter")
        else:
            prompt.get_by_role("button", name="Run").click()
        expect(prompt.get_by_text("Shorten the prompt")).to_be_visible()
        expect(field).to_have_value(far_too_long)
    field.fill("a king")
    field.press("Enter")
    expect(prompt.get_by_text("Shorten the prompt")).to_be_hidden()
    assert explorer.prompt == "a king"


def test_the_kernels_prompt_replaces_a_half_typed_one(on_screen, gpt):
    prompt = gptviz.PromptBox("the owl", gpt=gpt)
    page = on_screen(prompt)
    field = page.locator(".gptviz-prompt textarea")
    field.fill("half typed")
    field.blur()
    for text in ("the king", "a cat"):
        prompt.prompt = text
        page.evaluate("(a) => update(...a)", [0, *state_of(prompt)])
        expect(field).to_have_value(text)
        field.focus()


def test_a_broken_character_is_shown_in_the_field_as_its_bytes(on_screen, gpt):
    owl = [token for token in gpt.trace("🦉").tokens if not token.special]
    explorer = gptviz.explore("the owl ", gpt=gpt)
    for token in owl[:-1]:
        explorer.box.append(token.id)
    read = [token.id for token in explorer.box.trace.tokens]
    page = on_screen(explorer)
    field = page.locator(".gptviz-prompt textarea")
    spelled = b"".join(token.bytes for token in owl[:-1]).hex(" ")
    expect(field).to_have_value(f"the owl ⟨{spelled}⟩")
    field.press("Enter")
    page.wait_for_function("() => !document.querySelector('[data-computing]')")
    assert [token.id for token in explorer.box.trace.tokens] == read
    for station in page.locator(".rail button").all():
        station.click()
        settle(page)
        assert "\ufffd" not in page.locator(".gptviz-explorer").inner_text()
    assert "\ufffd" not in explorer.box.still()


@pytest.mark.parametrize("is_typed", [True, False])
def test_the_latest_prompt_wins(on_screen, gpt, is_typed):
    """Of prompts that are typed or chosen from the earlier ones while the model reads, only the last is read."""
    box = gptviz.PromptBox("the owl", gpt=gpt)
    for text in ("three", "two", "one", "the owl") if not is_typed else ():
        box.run(text)
    read = []
    box.observe(lambda change: read.append(change["new"]), "prompt")
    page = on_screen(box)
    page.evaluate(HOLD_ANSWERS, 0)
    field, earlier = page.locator(".gptviz-prompt textarea"), page.get_by_label("earlier prompts")
    for text in ("one", "two", "three"):
        if is_typed:
            field.fill(text)
            field.press("Enter")
        else:
            earlier.select_option(text)
    expect(page.locator(".gptviz-prompt .computing")).to_be_visible()
    page.evaluate("release()")
    expect(page.locator(".gptviz-prompt .computing")).to_be_hidden()
    assert read == ["one", "three"]


def test_another_model_is_waited_for(on_screen, gpt):
    explorer = gptviz.explore("the owl", gpt=gpt)
    page = on_screen(explorer)
    menu = page.locator(".tools select")
    offered = [
        f"{one['name']} · {one['download']:,} MB to download" if one["download"] else one["name"]
        for one in explorer._models
    ]
    expect(menu.locator("option")).to_have_text(offered)
    page.evaluate(HOLD_ANSWERS, 0)
    menu.dispatch_event("change")  # the present model again
    computing = page.locator(".gptviz-explorer > header .computing")
    expect(computing).to_be_visible()
    page.evaluate("release()")
    expect(computing).to_be_hidden()


@pytest.mark.parametrize(("make", "language", "menu", "button"), [
    (gptviz.PromptBox, "en", "earlier prompts", "forget them"), (gptviz.PromptBox, "zh", "之前的提示", "清空"),
    (gptviz.explore, "en", "earlier prompts", "forget them"),
])  # fmt: skip
def test_a_button_empties_the_earlier_prompts(shown, gpt, make, language, menu, button):
    """It is in every prompt box, as long as there are some. One of them can be run again from the menu."""
    view = make("the owl", gpt=gpt, language=language)
    box = getattr(view, "box", view)
    on_page = shown(view)
    earlier, forget = on_page.page.get_by_label(menu), on_page.page.get_by_role("button", name=button)
    expect(forget).to_be_hidden()
    box.run("one")
    on_page.update()
    earlier.select_option("the owl")
    expect(on_page.page.locator(".gptviz-prompt")).not_to_have_attribute("data-computing", "")
    on_page.update()
    expect(on_page.page.locator(".gptviz-prompt textarea")).to_have_value("the owl")
    expect(earlier.locator("option")).to_have_text([menu, "one"])
    forget.click()
    on_page.update()
    expect(earlier).to_be_hidden()
    expect(forget).to_be_hidden()
    assert box._history == ["the owl"]


def test_a_model_that_needs_a_download_is_refused_in_chinese_where_there_is_no_hub(on_screen, gpt, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    page = on_screen(gptviz.explore("the owl", gpt=gpt, language="zh"))
    away = next(model.name for model in gptviz.models() if not model.here)
    page.locator(".tools select").select_option(away)
    expect(page.get_by_text(f"{away} 需要下载，而现在连不上模型库。")).to_be_visible()


# On a projector


STEPS = [
    "flow",
    "effects",
    "early",
    "tokens",
    "embedding",
    "table",
    "attention",
    "arithmetic",
    "mix",
    "block",
    "ledger",
    "logits",
    "sampling",
    "generation",
]


PICTURE = "A text flowing through the model"
TITLES = dict.fromkeys(STEPS[:3], PICTURE) | {
    "tokens": "Text to tokens", "embedding": "Tokens to numbers", "table": "Tokens to numbers",
    **dict.fromkeys(("attention", "arithmetic", "mix", "block", "ledger"), "Blocks"),
    "logits": "Scores", "sampling": "Probabilities", "generation": "The loop",
}  # fmt: skip


def test_a_title_is_the_same_in_the_list_and_when_it_is_presented(page):
    names = page.locator(".rail button").evaluate_all("(all) => all.map((one) => one.lastChild.textContent)")
    assert names == list(dict.fromkeys(title for title in TITLES.values() if title != PICTURE))
    assert page.locator(".station > .head h4").all_text_contents() == names


def check_screen_is_filled_and_nothing_scrolls(page, step):
    assert page.locator(".gptviz-explorer").evaluate("(one) => one.offsetHeight") == HEIGHT, step
    view = page.locator(".gptviz-explorer :is(.station .body > *, .view-flow) > .gptviz:visible")
    assert view.evaluate_all("(all) => all.filter((one) => one.scrollHeight > one.clientHeight).length") == 0, step


def test_a_step_has_one_view_and_fits_the_screen(page):
    page.get_by_role("button", name="present").click()
    for index, step in enumerate(STEPS):
        expect(page.locator(".steer .count")).to_have_text(f"{index + 1} / {len(STEPS)}")
        expect(page.locator(".gptviz-explorer")).to_have_attribute("data-step", step)
        settle(page)
        views = page.locator(".gptviz-explorer .way .gptviz:visible")
        expect(views).to_have_count(0 if step == "logits" else 1)
        expect(page.locator(".save-picture:visible")).to_have_count(0)
        assert is_whole(page), "the prompt is seen on every step"
        if step != STEPS[-1]:  # that shows a text and all its tokens, so its height varies
            check_screen_is_filled_and_nothing_scrolls(page, step)
        assert box(page.locator(":is(.station, .view-flow):visible"))[1] < 60, "the prompt takes one line"
        assert (
            page.locator(":is(.station > .head h4, .gptviz-flow h3):visible").inner_text().strip(" ↺") == TITLES[step]
        )
        if step == "attention":
            left, _top, right, bottom = box(page.locator("canvas.map"))
            assert bottom <= HEIGHT and right - left >= 290
            expect(page.locator(".gptviz-attention .queries > span")).to_have_count(15)
            assert left > box(page.locator(".gptviz-attention .grid"))[2]
            assert box(page.locator(".gptviz-attention .panes > .row"))[0] > right
            assert box(page.locator(".gptviz-attention .bars li").last)[3] <= HEIGHT
            caption = page.locator(".gptviz-attention .caption:visible")
            expect(caption).to_contain_text("Every row sums to 1.")
            assert box(caption)[3] <= HEIGHT
        for part, other in (("cell", "mix"), ("mix", "cell")):
            if step == {"cell": "arithmetic", "mix": "mix"}[part]:
                expect(page.locator(f".gptviz-attention .{other}")).to_be_hidden()
                assert box(page.locator(f".gptviz-attention .{part}"))[3] <= HEIGHT
                assert page.locator(f".gptviz-attention .{part} .strip").count() >= 3
        if step == "sampling":
            page.get_by_role("button", name="draw once").click()
            settle(page)
            assert box(page.locator(".gptviz-sampling tbody tr").nth(4))[3] <= HEIGHT
            for shown in (".rest tr", "tfoot tr:last-child", ".controls button:visible >> nth=-1"):
                assert box(page.locator(f".gptviz-sampling {shown}"))[3] <= HEIGHT
        if step == "block":
            expect(page.locator(".gptviz-block .ledger")).to_be_hidden()
            assert box(page.locator(".gptviz-block .journey .strip").last)[3] <= HEIGHT
        if step == "ledger":
            expect(page.locator(".gptviz-block .journey")).to_be_hidden()
            assert box(page.locator(".gptviz-block .ledger .total"))[3] <= HEIGHT
        if step == "flow":
            assert box(page.locator(".stage"))[3] <= HEIGHT and box(page.locator(".legend"))[3] <= HEIGHT
            assert box(page.locator(".next li").last)[3] <= HEIGHT
        if step == "effects":
            assert box(page.locator(".gptviz-flow .lesson"))[3] <= HEIGHT
        if step == "early":
            assert box(page.locator(".gptviz-flow .lens > p"))[3] <= HEIGHT
        page.keyboard.press("Space")
    sizes = page.locator(".side :is(button, select, .count)").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).fontSize)"
    )
    assert set(sizes) == {"16.5px"}, "the smallest of the four sizes, 1.5 times as large"


OF_THREE_LINES = LONG + " One day Anna and Tom found a big red ball in the sand, and Tom gave it to Anna."


def way(page):
    """Returns the steps through a block: (kind, name, length)."""
    return page.locator(".gptviz-block .strip[data-step]").evaluate_all(
        """(rows) => rows.map((row) => [row.dataset.step, row.querySelector(".name").textContent,
            Number(row.querySelector(":scope > .number").textContent)])"""
    )


@pytest.mark.parametrize(("prompt", "language"), [(LONG, "zh"), (OF_THREE_LINES, "en"), (OF_THREE_LINES + LONG, "zh")])
def test_a_step_fits_the_screen_however_many_lines_the_prompt_has(shown, gpt, prompt, language):
    explorer = gptviz.explore(PROMPT, gpt=gpt, language=language)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    view_page = shown(explorer, width=WIDTH, height=HEIGHT)
    page = view_page.page
    page.locator(".presenter button").last.click()
    field = page.locator(".gptviz-prompt textarea")
    field.fill(prompt)
    field.press("Enter")
    settle(page)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    view_page.update()
    expect(field).to_have_value(prompt)
    for step in STEPS[:-1]:  # the last step shows a text and all its tokens, so its height varies
        expect(page.locator(".gptviz-explorer")).to_have_attribute("data-step", step)
        settle(page)
        check_screen_is_filled_and_nothing_scrolls(page, step)
        page.keyboard.press("Space")


def test_a_shortened_list_says_so_and_counts_the_rest_as_others(shown, gpt):
    explorer = gptviz.explore(OF_THREE_LINES, gpt=gpt)
    page = shown(explorer, width=WIDTH, height=HEIGHT - 160).page
    page.get_by_role("button", name="present").click()
    for _ in range(STEPS.index("attention")):
        page.keyboard.press("Space")
    settle(page)
    bars = page.locator(".gptviz-attention .bars li").count() - 1
    tokens = len(explorer.box.trace.tokens)
    assert 4 <= bars <= 9
    expect(page.locator(".gptviz-attention .rowbars")).to_contain_text(f"the {bars} largest of its {tokens} weights")
    expect(page.locator(".gptviz-attention .bars li").last).to_contain_text(f"{tokens - bars} others")
    for _ in range(STEPS.index("block") - STEPS.index("attention")):
        page.keyboard.press("Space")
    settle(page)
    steps = way(page)
    neurons = [int(re.search(r"neuron (\d+)", name)[1]) for kind, name, _ in steps if kind == "neuron"]
    assert 1 <= len(neurons) < 8
    trace, last = explorer.box.trace, tokens - 1
    layer = explorer.selection.layer
    rest = trace.mlp_out(layer)[last] - trace.neurons(layer, last)[neurons].sum(0)
    ((name, length),) = [(name, length) for kind, name, length in steps if kind == "others"]
    assert f"{len(trace.neurons(layer, last)) - len(neurons):,} other" in name
    assert length == approx_three_digits(float(np.linalg.norm(rest)), trace.mlp_out(layer)[last])
    page.keyboard.press("Escape")
    page.locator(".at-attention button").click()
    expect(page.locator(".gptviz-block .strip[data-step=neuron]")).to_have_count(8)
    expect(page.locator(".gptviz-attention .bars li")).to_have_count(10)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_presented_knobs_keep_one_line(on_screen, gpt, language):
    page = on_screen(gptviz.explore(PROMPT, gpt=gpt, language=language))
    page.locator(".presenter button").last.click()
    for _ in range(STEPS.index("sampling")):
        page.keyboard.press("Space")
    settle(page)
    page.locator(".gptviz-sampling button.fold").click()
    knobs = page.locator(".gptviz-sampling .knob")
    expect(page.locator(".gptviz-sampling .knob:visible")).to_have_count(5)
    assert knobs.evaluate_all("(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length") == 0
    heights = {round(label.bounding_box()["height"]) for label in knobs.locator("label").all()}
    assert max(heights) < 30
    assert len({round(slider.bounding_box()["y"]) for slider in knobs.locator("input[type=range]").all()}) <= 2


def test_the_bench_has_all_its_rows_again_after_presenting(page):
    page.locator(".at-sampling button").click()
    rows = page.locator(".gptviz-sampling tbody:not(.rest) tr")
    expect(rows).to_have_count(16)
    page.get_by_role("button", name="present").click()
    for _ in range(STEPS.index("sampling")):
        page.keyboard.press("Space")
    page.wait_for_function("document.querySelectorAll('.gptviz-sampling tbody:not(.rest) tr').length < 12")
    page.keyboard.press("Escape")
    expect(rows).to_have_count(16)


def test_the_space_bar_and_escape_work_after_any_click(page):
    page.get_by_role("button", name="present").click()
    count = page.locator(".steer .count")
    page.locator(".gptviz-flow .next button").nth(2).click()
    page.keyboard.press("Space")
    page.get_by_role("button", name="freeze").click()
    page.keyboard.press("Space")
    expect(count).to_have_text("3 / 14")
    page.get_by_role("button", name="freeze").click()
    for _ in range(STEPS.index("attention") - 2):
        page.keyboard.press("Space")
    page.locator(".gptviz-attention .grid button").nth(9).click()
    page.keyboard.press("Space")
    expect(count).to_have_text("8 / 14")
    page.keyboard.press("ArrowLeft")
    page.locator(".gptviz-attention .stage").click(position={"x": 20, "y": 100})
    page.keyboard.press("ArrowRight")
    expect(count).to_have_text("8 / 14")
    page.get_by_role("button", name="start over").click()
    page.keyboard.press("Space")
    expect(count).to_have_text("2 / 14")
    page.locator(".gptviz-explorer .box textarea").fill("Once upon")
    page.keyboard.press("Enter")
    expect(page.locator(".gptviz-explorer")).to_be_focused()
    page.get_by_role("button", name="freeze").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".rail button:visible")).to_have_count(6)
    expect(page.locator(".gptviz-explorer[data-presenting], .gptviz-explorer[data-frozen]")).to_have_count(0)


def test_another_step_ends_a_pass_that_is_played(page):
    page.get_by_role("button", name="present").click()
    settle(page)
    page.locator(".gptviz-flow .player .play").click()
    expect(page.locator(".gptviz-flow[data-playing]")).to_have_count(1)
    page.locator(".steer button").last.click()
    expect(page.locator(".steer .count")).to_have_text("2 / 14")
    expect(page.locator(".gptviz-flow[data-playing]")).to_have_count(0)
    expect(page.locator(".gptviz-flow .blocks")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".steer .count")).to_have_text("1 / 14")
    page.locator(".gptviz-flow .player .play").click()
    expect(page.locator(".gptviz-flow[data-playing]")).to_have_count(1)
    expect(page.locator(".gptviz-flow .caption")).to_be_hidden()
    assert page.locator(".gptviz-flow .stage").bounding_box()["y"] < HEIGHT / 2, (
        "the picture that is played is on the screen"
    )


def test_a_played_pass_and_an_open_block_have_the_keys_before_the_presentation(shown, gpt):
    """After any mouse click Space and the arrows steer the pass; Escape leaves what is open first, then the presentation."""
    page = shown(gptviz.explore(PROMPT, gpt=gpt), width=848, height=560).page
    page.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('refused')); }")
    presenting = page.locator(".gptviz-explorer[data-presenting]")
    page.get_by_role("button", name="present").click()
    settle(page)
    play, done = page.locator(".gptviz-flow .player .play"), page.locator(".gptviz-flow .player progress")
    play.click()
    page.keyboard.press("Space")
    expect(play).to_contain_text("go on")
    before = done.evaluate("(one) => one.value")
    page.locator(".gptviz-explorer .side").click(position={"x": 2, "y": 2})
    page.keyboard.press("ArrowRight")
    assert done.evaluate("(one) => one.value") == before + 1
    expect(page.locator(".steer .count")).to_have_text("1 / 14")
    page.keyboard.press("Escape")
    expect(page.locator(".gptviz-flow[data-playing]")).to_have_count(0)
    page.locator(".gptviz-flow button.name").nth(2).click()
    page.locator(".heads-of-block .map").nth(1).click()
    expect(page.locator(".open-head .stage")).to_be_visible()
    settle(page)
    view = page.locator(".view-flow > .gptviz").bounding_box()
    assert view["y"] + view["height"] <= 561
    for part in (".open-head", ".open-block"):
        page.keyboard.press("Escape")
        expect(page.locator(f"{part}:visible")).to_have_count(0)
        expect(presenting).to_have_count(1)
    page.keyboard.press("Escape")
    expect(presenting).to_have_count(0)


def test_the_last_token_is_followed_again_from_an_earlier_one_and_by_starting_over(page):
    page.get_by_role("button", name="present").click()
    settle(page)
    followed = page.locator(".gptviz-flow .caption sub")
    last = followed.inner_text()
    earlier = page.locator(".gptviz-flow .label[data-kind=token] button[aria-pressed=false]").first
    for way in (page.locator(".gptviz-flow [data-key=last]"), page.get_by_role("button", name="start over")):
        earlier.click()
        expect(followed).not_to_have_text(last)
        way.click()
        expect(followed).to_have_text(last)
    page.locator(".gptviz-flow [data-key=lane]").click()
    expect(page.locator(".gptviz-flow .label[data-kind=rest]")).to_have_count(0)
    page.get_by_role("button", name="start over").click()
    expect(page.locator(".gptviz-flow .label[data-kind=rest]")).to_have_count(1)


FILLS = "() => document.fullscreenElement?.matches('.gptviz-explorer[data-presenting]') ?? false"
# What lies beyond the edges of the screen or of its view, or under something else, as [text, place].
HIDDEN_PARTS = """() => {
  const root = document.querySelector(".gptviz-explorer"), faults = [];
  const side = root.querySelector(".side").getBoundingClientRect();
  const stations = root.querySelector(".stations").getBoundingClientRect();
  if (side.right > stations.left + 1) faults.push(["side", side.right, stations.left]);
  if (document.documentElement.scrollWidth > innerWidth) faults.push(["wide", document.documentElement.scrollWidth]);
  for (const node of root.querySelectorAll(".body:not([hidden]) .gptviz, .body:not([hidden]) .highest, .gptviz-flow")) {
    if (!node.offsetParent) continue;
    const box = node.getBoundingClientRect();
    if (node.scrollHeight > node.clientHeight || box.bottom > innerHeight + 1) faults.push(["high", node.className, box.bottom]);
    for (const part of node.querySelectorAll("p, h3, h4, li, td, th, button, canvas, select, input")) {
      const place = part.getBoundingClientRect();
      if (place.width && (place.right > box.right + 1 || place.left < box.left - 1) && !part.closest(".sentence, .stages, .line"))
        faults.push(["part", part.className, part.textContent.slice(0, 30), place.left, place.right]);
    }
  }
  return faults;
}"""


def test_presenting_fills_the_screen_and_escape_leaves(page):
    page.get_by_role("button", name="present").click()
    page.wait_for_function(FILLS)
    page.get_by_role("button", name="leave").click()
    page.wait_for_function("() => document.fullscreenElement === null")
    page.get_by_role("button", name="present").click()
    page.wait_for_function(FILLS)
    page.evaluate(
        "document.exitFullscreen()"
    )  # as the browser does for its own Escape key, of which a page learns nothing
    expect(page.locator(".gptviz-explorer[data-presenting]")).to_have_count(0)
    expect(page.locator(".rail button:visible")).to_have_count(6)


def test_buttons_step_forward_and_back(page):
    back, forward, count = (page.locator(f".steer {part}") for part in ("button >> nth=0", "button >> nth=1", ".count"))
    expect(forward).to_be_hidden()
    page.get_by_role("button", name="present").click()
    expect(back).to_have_attribute("aria-disabled", "true")
    forward.click()
    forward.click()
    expect(count).to_have_text("3 / 14")
    back.focus()
    page.keyboard.press("Enter")
    expect(count).to_have_text("2 / 14")
    page.keyboard.press("PageDown")
    expect(count).to_have_text("3 / 14")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_step_fits_a_part_of_the_window_where_full_screen_is_refused(shown, gpt, language):
    explorer = gptviz.explore(PROMPT, gpt=gpt, language=language)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    page = shown(explorer, width=848, height=560).page
    page.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('refused')); }")
    page.locator(".presenter button").last.click()
    for index, step in enumerate(STEPS):
        expect(page.locator(".gptviz-explorer")).to_have_attribute("data-step", step)
        settle(page)
        assert page.evaluate("document.fullscreenElement") is None
        assert page.evaluate(HIDDEN_PARTS) == [], step
        expect(page.locator(".steer .count")).to_have_text(f"{index + 1} / {len(STEPS)}")
        if step == STEPS[-1]:
            check_other_tokens(page, explorer._stations["generation"].completion.choices[0].steps[0])
        else:
            page.locator(".steer button").last.click()


def check_other_tokens(page, step):
    """The table of a presented step may have fewer rows: all other tokens are counted in its last row."""
    shown = page.locator(".gptviz-timeline .detail tbody th .chip").count()
    assert 3 <= shown <= len(step.alternatives)
    rest = page.locator(".gptviz-timeline tfoot td[title]").first.get_attribute("title")
    listed = {alternative.token.id: alternative.probability for alternative in step.alternatives[:shown]}
    if step.token.id not in listed:  # the drawn token has a row in place of the least likely one
        listed.popitem()
        listed[step.token.id] = step.probability
    others = 1 - sum(listed.values())
    assert float(rest.removesuffix(" %")) / 100 == approx_float32(others, 1.0)


# The generation


def test_the_sentence_says_how_many_tokens_were_generated(on_screen, gpt):
    explorer = gptviz.explore("owl " * 20, gpt=gpt)
    steps = explorer._stations["generation"].wait(LONGEST_WAIT).choices[0].steps
    sentence = on_screen(explorer).locator(".station-generation .sentence")
    drawn = "1 token was" if len(steps) == 1 else f"{len(steps)} tokens were"
    expect(sentence).to_contain_text(f"{drawn} drawn and appended")
    expect(sentence).to_contain_text(
        "the length limit was reached" if steps[-1].finish_reason == "length" else "ended the text itself"
    )


def test_an_unfinished_character_is_shown_as_its_bytes(on_screen, gpt):
    """The steps' bytes end inside a character, as from a model that has rarely seen it."""
    completion = gpt.complete("🦉", max_tokens=8, seed=1)
    owl = [gpt.token(token.id) for token in gpt.trace("🦉").tokens if not token.special]
    assert len(owl) > 1
    steps = tuple(
        dataclasses.replace(step, token=token, text="\ufffd" if token is owl[-2] else "", finish_reason=None)
        for step, token in zip(completion.choices[0].steps, owl[:-1], strict=False)
    )
    choice = dataclasses.replace(completion.choices[0], steps=steps, text="\ufffd", finish_reason="length")
    page = on_screen(gptviz.GenerationTimeline(dataclasses.replace(completion, choices=(choice,))))
    expect(page.locator(".steps li")).to_have_count(len(owl) - 1)
    expect(page.locator(".written .chip")).to_have_text(b"".join(token.bytes for token in owl[:-1]).hex(" "))
    assert "\ufffd" not in page.locator(".gptviz-timeline").inner_text()
