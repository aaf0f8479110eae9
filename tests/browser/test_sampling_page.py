"""The sampling bench in Chromium: what it shows is the distribution, to the digits shown, and no kernel is asked."""

import re

import pytest
from browser.pages import settle
from families import tokenizer
from page_text import digits, percent
from playwright.sync_api import expect
from shown import half_of_decimal

import gptviz
from gptviz import sampling
from gptviz.sampling.next_token import NextToken

TEXT = "the déjà-vu of the thin owl"
PENALTY = 1.3


@pytest.fixture(scope="module")
def trace():
    """A model whose next token is neither certain nor evenly spread, with a vocabulary of odd size."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(3)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=2_611, n_embd=24, n_layer=2, n_head=3, n_positions=64)).eval()
    with torch.no_grad():
        model.lm_head.weight.normal_(0, 0.45)
    return gptviz.wrap(model, tokenizer()).trace(TEXT)


@pytest.fixture
def shown_bench(shown, trace):
    """Shows a bench on the trace: `shown_bench(temperature=0.5)`. Returns the page."""

    def show(width=1100, height=800, source=trace, **settings):
        return shown(gptviz.SamplingBench(source, **settings), width=width, height=height).page

    return show


# How far a bar's right end is along its track, from 0 to 1.
FILLED = """(bar) => {
  const track = bar.parentElement.getBoundingClientRect();
  return (bar.getBoundingClientRect().right - track.left) / track.width;
}"""


def unfold(page):
    """Shows the settings that are folded where the controls stand above the table."""
    fold = page.locator(".gptviz-sampling button.fold")
    if fold.is_visible() and fold.get_attribute("aria-expanded") == "false":
        fold.click()


def agrees(page, trace, **settings):
    """Checks that the page shows this distribution: every number, every removed token, the sums below."""
    page.evaluate("() => new Promise(requestAnimationFrame)")  # the bench writes its texts once a frame
    previous = [token.id for token in trace.tokens]
    d = sampling.distribution(trace.logits[-1], previous, **settings)
    others = {name: 1 - stage[d.order[:16]].sum() for name, stage in d.stages.items()}
    cells = page.locator("td.stage")
    expect(cells).to_have_count(3 * 17)
    texts = [text.strip() for text in cells.all_inner_texts()]
    for rank in range(17):
        for column, name in enumerate(("model", "temperature", "min_p")):
            text = texts[3 * rank + column]
            p = d.stages[name][d.order[rank]] if rank < 16 else others[name]
            if column == 2 and rank >= d.kept:
                assert text in ("top-k", "top-p", "min-p", "greedy"), (rank, column)
            elif column == 1 and settings.get("temperature") == 0 and rank > 0:
                assert text == "greedy"
            else:
                assert text == percent(p), (rank, name)
    sums = page.locator("tfoot td.final").all_inner_texts()
    assert [text.strip() for text in sums] == [
        f"{d.kept:,}",
        percent(d.kept_mass),
        f"{digits(d.entropy)} bits",
        digits(d.effective_choices),
    ]
    return d


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.0},
        {"temperature": 0.8, "top_k": 12, "top_p": 0.9},
        {"temperature": 1.4, "top_k": 11, "min_p": 0.2, "repetition_penalty": PENALTY},
        {"temperature": 0.6, "top_p": 0.35, "repetition_penalty": 0.5},
    ],
    ids=str,
)
def test_every_number_shown_is_the_distributions(shown_bench, trace, settings):
    page = shown_bench(**settings)
    d = agrees(page, trace, **settings)
    cut = page.locator("tr[data-cut]")
    assert cut.count() == (1 if d.kept <= 16 else 0)
    assert page.locator("td[data-removed] .track").count() == page.locator("td[data-removed]").count()


def test_moving_the_controls_sends_no_message(shown_bench, trace):
    page = shown_bench()
    slider = page.get_by_role("slider", name="temperature, slider")
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("temperature", exact=True)).to_have_value("0.7")
    agrees(page, trace, temperature=0.7)
    page.get_by_label("top-k", exact=True).fill("9")
    page.get_by_label("repetition penalty", exact=True).fill("1.3")
    expect(page.locator("tfoot td.final").first).to_have_text("9")
    agrees(page, trace, temperature=0.7, top_k=9, repetition_penalty=1.3)
    expect(page.locator("code").first).to_have_text(
        "gpt.complete(prompt, temperature=0.7, top_k=9, repetition_penalty=1.3, seed=0)"
    )
    page.get_by_role("button", name="reset").click()
    expect(page.locator("tfoot td.final").first).to_have_text("2,611")
    agrees(page, trace)
    assert page.evaluate("[models[0].sent, saves]") == [0, 0]


def test_an_invalid_setting_is_refused_and_the_last_one_stays(shown_bench, trace):
    page = shown_bench(temperature=0.5)
    field = page.get_by_label("temperature", exact=True)
    field.fill("-1")
    expect(page.get_by_role("alert")).to_contain_text("0 or more")
    expect(field).to_have_attribute("aria-invalid", "true")
    agrees(page, trace, temperature=0.5)
    field.press("Tab")
    expect(field).to_have_value("0.5")
    expect(page.get_by_role("alert")).to_be_hidden()
    for name, value in (
        ("top-k", "0"),
        ("top-p", "1.5"),
        ("min-p", "-0.1"),
        ("repetition penalty", "0"),
        ("seed", "-3"),
    ):
        page.get_by_label(name, exact=True).fill(value)
        expect(page.get_by_role("alert")).to_contain_text("Expected")
        page.get_by_label(name, exact=True).press("Tab")
    agrees(page, trace, temperature=0.5)


def test_a_draw_is_pythons_draw(shown_bench, trace):
    settings = {"temperature": 1.2, "top_k": 30}
    page = shown_bench(seed=11, **settings)
    d = sampling.distribution(trace.logits[-1], **settings)
    for draw in range(6):
        page.get_by_role("button", name="draw once").click()
        expect(page.locator(".outcome")).to_contain_text(f"draw {draw + 1},")
        id = d.draw(11, draw=draw)
        rank = d.order.tolist().index(id)
        drawn = page.locator("tr[data-drawn]")
        expect(drawn).to_have_count(1)
        assert drawn.evaluate("(row) => [...row.parentNode.children].indexOf(row)") == (rank if rank < 16 else 0)
        assert drawn.evaluate("(row) => row.parentNode.className") == ("rest" if rank >= 16 else "")
    page.get_by_label("seed", exact=True).fill("12")
    expect(page.locator("tr[data-drawn]")).to_have_count(0)


def test_a_rare_token_that_is_drawn_gets_its_name(shown_bench, trace):
    page = shown_bench(temperature=1000.0, seed=5)
    d = sampling.distribution(trace.logits[-1], temperature=1000.0)
    page.get_by_role("button", name="draw once").click()
    expect(page.locator(".outcome .chip")).not_to_have_text(re.compile("#"))
    assert d.order.tolist().index(d.draw(5)) > 300
    assert page.evaluate("models[0].sent") == 1


def test_a_thousand_draws_stand_beside_what_was_expected(shown_bench, trace):
    page = shown_bench(temperature=0.8, seed=9)
    page.get_by_role("button", name="draw 1,000").click()
    d = sampling.distribution(trace.logits[-1], temperature=0.8)
    drawn = [d.draw(9, draw=draw) for draw in range(1000)]
    counted = page.locator(".tally li")
    expect(counted.first).not_to_contain_text("–")
    lines = page.locator("td.stage-2 .counted")
    for rank, id in enumerate(d.order[:16]):
        text = counted.nth(rank).locator(".number").inner_text()
        assert lines.nth(rank).evaluate(FILLED) == pytest.approx(drawn.count(id) / 1000, abs=0.01)
        p = d.probabilities[id]
        count, expected, error = (float(x.replace(",", "")) for x in re.findall(r"[\d,.]+", text))
        assert count == drawn.count(id)
        assert expected == pytest.approx(1000 * p, abs=half_of_decimal(0))
        assert error == pytest.approx((1000 * p * (1 - p)) ** 0.5, abs=half_of_decimal(0))
    rest = float(re.match(r"[\d,]+", counted.nth(16).locator(".number").inner_text())[0].replace(",", ""))
    assert rest == sum(id not in d.order[:16] for id in drawn)


PLACES = """() => [...document.querySelectorAll(".gptviz-sampling *")]
  .filter((node) => !node.matches(".counted, .tally .number"))
  .map((node) => { const { x, y, width, height } = node.getBoundingClientRect(); return [x, y, width, height]; })"""


@pytest.mark.parametrize(("width", "scale"), [(848, "projector"), (1000, "screen"), (1280, "projector")])
def test_a_thousand_draws_move_nothing(shown_bench, width, scale):
    page = shown_bench(width=width, height=720, scale=scale, temperature=0.1)  # the leader is drawn 1,000 times
    settle(page)
    expect(page.locator(".tally li .number").first).to_contain_text("– (")
    before = page.evaluate(PLACES)
    for _ in range(2):
        page.get_by_role("button", name="draw 1,000").click()
        settle(page)
        assert page.evaluate(PLACES) == before


def test_settings_kept_as_a_stand_beside_the_present_ones(shown_bench, trace):
    page = shown_bench(temperature=0.5, top_k=12)
    page.get_by_role("button", name="keep as A").click()
    page.get_by_label("temperature", exact=True).fill("1.5")
    page.get_by_label("repetition penalty", exact=True).fill(str(PENALTY))
    now = agrees(page, trace, temperature=1.5, top_k=12, repetition_penalty=PENALTY)
    kept = sampling.distribution(trace.logits[-1], temperature=0.5, top_k=12)
    shares = [kept.probabilities[id] for id in now.order[:16]]
    cells = page.locator("tbody td.more-kept")
    texts = [text.strip() for text in cells.all_inner_texts()]
    assert texts == [percent(p) if p else "top-k" for p in [*shares, 0]], "and of the others none is left"
    assert 0 < texts.count("top-k") < 16
    gone = cells.evaluate_all("(all) => all.map((one) => one.matches('[data-removed]'))")
    assert gone == [p == 0 for p in [*shares, 0]]
    sums = [text.strip() for text in page.locator("tfoot td.more-kept").all_inner_texts()]
    assert sums == ["12", percent(kept.kept_mass), f"{digits(kept.entropy)} bits", digits(kept.effective_choices)]
    assert "temperature=0.5, top_k=12" in page.locator("code").last.inner_text()
    page.get_by_role("button", name="forget A").click()
    expect(page.locator("td.more-kept").first).to_be_hidden()


def test_beside_all_stages_a_says_that_its_mass_is_of_all_cuts_together(shown_bench, trace):
    page = shown_bench(top_k=12, top_p=0.7)
    page.get_by_role("button", name="keep as A").click()
    mass = page.locator("tfoot tr").nth(1)
    expect(mass.locator("th")).not_to_contain_text("together")
    page.get_by_role("button", name="all stages").click()
    expect(page.locator("th.more-kept")).to_contain_text("all cuts together")
    expect(mass.locator("th")).to_contain_text("each column: that stage alone; column A: all cuts")
    d = sampling.distribution(trace.logits[-1], top_k=12, top_p=0.7)
    expect(mass.locator("td.more-kept")).to_have_text(percent(d.kept_mass))
    assert page.evaluate(CUT) == []
    page.get_by_role("button", name="forget A").click()
    expect(mass.locator("th")).not_to_contain_text("together")


LINES = """(node) => {
  const range = document.createRange();
  range.selectNodeContents(node);
  return new Set([...range.getClientRects()].map((box) => box.top)).size;
}"""
EDGES = """(row) => [...row.cells].filter((cell) => getComputedStyle(cell).position === "sticky")
  .map((cell) => getComputedStyle(cell).boxShadow.match(/-?\\d+px -?\\d+px/g).join(", "))"""


def test_a_drawn_rows_outline_goes_round_the_token_that_stays(shown_bench):
    page = shown_bench(temperature=1.2, top_k=30)
    page.get_by_role("button", name="draw once").click()
    drawn = page.locator("tr[data-drawn]")
    expect(drawn).to_have_css("outline", re.compile("2px"))
    assert drawn.evaluate(EDGES) == ["2px 0px, 0px 0px, 0px 2px, 0px 0px, 0px -2px, 0px 0px"]


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_chinese_names_are_not_broken(shown_bench, scale):
    page = shown_bench(width=1280, height=720, language="zh", scale=scale)
    logit = page.locator("thead th.logit")
    expect(logit).to_have_text("对数几率")
    assert logit.evaluate(LINES) == 1 and page.evaluate(CUT) == []
    assert "top-\u2060p" in page.locator(".knob label").nth(2).inner_text(), "no line ends at its hyphen"


def test_it_goes_without_a_trace(shown_bench):
    page = shown_bench()
    page.evaluate("models[0].cleanup()")
    expect(page.locator(".gptviz-sampling")).to_have_count(0)
    assert page.evaluate("[...models[0].listeners.values()].flat().length") == 0


def test_another_distribution_beside_is_seen_under_the_same_settings(shown_bench, trace):
    other = trace.next_token(3)
    page = shown_bench(temperature=0.6, top_k=40, beside=other)
    expected = sampling.distribution(other.logits, other.previous_ids, temperature=0.6, top_k=40).probabilities
    order = sampling.distribution(trace.logits[-1]).order[:16]
    cells = page.locator("tbody:not(.rest) td.more-kept")
    expect(cells.first).to_be_visible()
    assert [text.strip() for text in cells.all_inner_texts()] == [
        percent(expected[id]) if expected[id] else "top-k" for id in order
    ]
    rest = page.locator("tbody.rest td.more-kept").inner_text().strip()
    assert rest == percent(1 - expected[order].sum())
    expect(page.locator("th.more-kept")).to_contain_text("at position 3, with the same settings")
    leaders = page.locator("th.more-kept .leaders .nowrap")
    best = expected.argsort()[::-1][:3]
    assert set(best) - set(order), "leaders without a row"
    assert [text.split()[-2:] for text in leaders.all_inner_texts()] == [percent(expected[id]).split() for id in best]
    assert not any("#" in text for text in leaders.all_inner_texts())
    expect(page.get_by_role("button", name="keep as A")).to_be_hidden()


STAGES = ("model", "repetition_penalty", "temperature", "top_k", "top_p", "min_p")
WORDS = {"temperature": "greedy", "top_k": "top-k", "top_p": "top-p", "min_p": "min-p"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 1.4, "top_k": 11, "top_p": 0.85, "min_p": 0.3, "repetition_penalty": PENALTY},
        {"temperature": 0.0, "repetition_penalty": PENALTY},
        {"top_k": 14, "min_p": 0.4},
    ],
    ids=str,
)
def test_each_stage_has_its_column_its_line_and_its_sums(shown_bench, trace, settings):
    page = shown_bench(**settings)
    page.get_by_role("button", name="all stages").click()
    d = sampling.distribution(trace.logits[-1], [token.id for token in trace.tokens], **settings)
    cells, top = page.locator("td.stage"), d.order[:16]
    expect(cells).to_have_count(6 * 17)
    expect(page.locator("tfoot td.final").last).not_to_be_empty()
    texts = [text.strip() for text in cells.all_inner_texts()]
    left = [int((d.stages[name] > 0).sum()) for name in STAGES]
    for column, name in enumerate(STAGES):
        shares = [*(d.stages[name][id] for id in top), 1 - d.stages[name][top].sum()]
        for rank, p in enumerate(shares):
            remover = next((WORDS[one] for one, n in zip(STAGES[: column + 1], left, strict=False) if rank >= n), None)
            assert texts[6 * rank + column] == (remover or percent(p)), (rank, name)
        cut = column > 0 and left[column] < left[column - 1] and left[column] <= 16
        lines = page.locator(f"tbody tr td.stage-{column}[data-cut]")
        expect(lines).to_have_count(int(cut))
        if cut:
            assert (
                lines.evaluate("(cell) => [...cell.closest('tbody').rows].indexOf(cell.closest('tr'))")
                == left[column] - 1
            )
        before = d.stages[STAGES[max(0, column - 1)]]
        mass = before[d.order[: left[column]]].sum() if name in ("top_k", "top_p", "min_p") else 1
        sums = page.locator(f"tfoot td:nth-of-type({column + 1})").all_inner_texts()
        bits = sampling.entropy(d.stages[name])
        kept = percent(1 if left[column] == left[max(0, column - 1)] else mass)
        assert [text.strip() for text in sums] == [
            f"{left[column]:,}",
            kept,
            f"{digits(bits)} bits",
            digits(2**bits),
        ], name
    expect(page.locator("tr[data-cut]")).to_have_count(0)
    off = [name for name in STAGES[1:] if name not in settings]
    assert page.get_by_text("off: no change").count() == len(off)
    page.get_by_role("button", name="all stages").click()
    agrees(page, trace, **settings)
    assert page.evaluate("[models[0].sent, saves]") == [0, 0]


OVERLAPS = """(axis) => {
  const range = document.createRange();
  const seen = [...axis.children].filter((tick) => getComputedStyle(tick).visibility !== "hidden");
  const boxes = seen.map((tick) => (range.selectNodeContents(tick), range.getBoundingClientRect()));
  return boxes.some((box, i) => i && box.left < boxes[i - 1].right + 2);
}"""


@pytest.mark.parametrize("scale", ["screen", "projector"])
@pytest.mark.parametrize("width", [900, 1280])
def test_bars_are_long_enough_to_compare_and_nothing_is_scrolled_sideways(shown_bench, scale, width):
    page = shown_bench(width=width, height=720, scale=scale, temperature=1.4, top_k=11, repetition_penalty=PENALTY)
    unfold(page)
    for all in (False, True):
        if all:
            page.get_by_role("button", name="all stages").click()
        expect(page.locator("tfoot td.final").last).not_to_be_empty()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for axis in page.locator("th .percents:visible").all():
            assert not axis.evaluate(OVERLAPS)
        if width == 1280:
            assert page.locator(".results").evaluate("(node) => node.scrollWidth <= node.clientWidth")
            assert page.locator("td.stage .track").first.bounding_box()["width"] >= 80
        clipped = (
            "(nodes) => nodes.filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.textContent)"
        )
        assert page.locator("td.stage .number, tfoot .number").evaluate_all(clipped) == []


KNOBS = """() => [...document.querySelectorAll(".knob")].map((knob) => {
  const label = knob.querySelector("label"), field = knob.querySelector("input[type=number]");
  const line = document.createRange();
  line.selectNodeContents(label);
  return { top: knob.offsetTop, lines: new Set([...line.getClientRects()].map(({ top }) => top)).size,
    slider: knob.querySelector("[type=range]").offsetTop,
    free: field.getBoundingClientRect().left - line.getBoundingClientRect().right, cut: field.scrollWidth > field.clientWidth };
})"""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_every_knob_keeps_one_line_and_its_number_whole(shown_bench, scale, language):
    page = shown_bench(width=700, height=720, scale=scale, language=language, top_k=50000, min_p=0.025)
    for width in (700, 900, 1180, 1280, 1500):
        page.set_viewport_size({"width": width, "height": 720})
        settle(page)
        unfold(page)
        knobs = page.evaluate(KNOBS)
        assert [knob["lines"] for knob in knobs] == [1] * 5, width
        assert min(knob["free"] for knob in knobs) >= 0, width
        assert not any(knob["cut"] for knob in knobs), width
        for top in {knob["top"] for knob in knobs}:
            assert len({knob["slider"] for knob in knobs if knob["top"] == top}) == 1, width


CUT = """() => [...document.querySelectorAll(".stages :is(.number, th, td.logit)")].filter((node) => node.offsetParent
  && (node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight + 3)).map((node) => node.textContent)"""


@pytest.mark.parametrize("all_stages", [False, True])
@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_no_width_cuts_a_number_with_every_column_there_is(shown_bench, scale, all_stages):
    page = shown_bench(width=900, height=720, scale=scale, top_k=11, all_stages=all_stages)
    unfold(page)
    for name in ("keep as A", "draw 1,000"):
        page.get_by_role("button", name=name).click()
    expect(page.locator(".tally li .number").first).to_contain_text("±")
    for width in (900, 1180, 1280):
        page.set_viewport_size({"width": width, "height": 720})
        page.locator(".results").evaluate("(node) => { node.scrollLeft = 0; }")
        settle(page)
        unfold(page)
        check_no_number_is_cut(page)


def check_no_number_is_cut(page):
    """The numbers fit their cells, and where the table scrolls sideways its tokens stay and its end can be reached."""
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"
    assert page.locator(".tally .number").evaluate_all(cut) == []
    assert page.evaluate(CUT) == []
    results = page.locator(".results")
    if results.evaluate("(node) => node.scrollWidth > node.clientWidth"):
        expect(results).to_have_attribute("data-after", "")
        left = page.locator("tbody th.token").first.bounding_box()["x"]
        results.evaluate("(node) => { node.scrollLeft = node.scrollWidth; }")
        assert page.locator("tbody th.token").first.bounding_box()["x"] == pytest.approx(left, abs=1)
        last, edge = page.locator("td.more-kept .number").first.bounding_box(), results.bounding_box()
        assert last["x"] + last["width"] <= edge["x"] + edge["width"] + 1


# On a projector


# A page has a margin of 16 pixels on each side: the widths are those of JupyterLab's cells, with its file browser and without.
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "height", "bars"), [(1280, 720, 8), (1112, 620, 5), (848, 560, 3)])
def test_temperature_top_k_and_the_bars_are_on_one_screen(shown_bench, width, height, bars, language):
    page = shown_bench(width=width, height=height, scale="projector", top_p=0.9, language=language)
    settle(page)
    for index in (0, 1):
        knob = page.locator(".knob").nth(index)
        expect(knob.locator("input[type=range]")).to_be_in_viewport(ratio=1)
        expect(knob.locator("input[type=number]")).to_be_in_viewport(ratio=1)
    for row in range(bars):
        expect(page.locator("tbody tr").nth(row).locator("td.stage-2 .track")).to_be_in_viewport(ratio=1)
    expect(page.locator("button.fold")).to_contain_text("1")


def test_the_other_settings_unfold_with_the_keyboard_and_are_counted(shown_bench, trace):
    page = shown_bench(width=848, scale="projector", top_p=0.9)
    fold, top_p = page.locator("button.fold"), page.get_by_label("top-p", exact=True)
    expect(fold).to_have_text("more settings · 1 on")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(top_p).to_be_hidden()
    fold.focus()
    page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    for id in fold.get_attribute("aria-controls").split():
        expect(page.locator(f"#{id}")).to_be_visible()
    page.get_by_label("repetition penalty", exact=True).fill("1.3")
    expect(fold).to_have_text("more settings · 2 on")
    page.get_by_role("button", name="reset").click()
    expect(fold).to_have_text("more settings")
    fold.press("Space")
    expect(top_p).to_be_hidden()


def test_beside_the_table_every_setting_is_shown(shown_bench):
    page = shown_bench(width=1280)
    expect(page.locator("button.fold")).to_be_hidden()
    expect(page.locator(".knob:visible")).to_have_count(5)


def test_bars_can_be_scaled_to_the_largest_and_the_axis_says_so(shown_bench, trace):
    page = shown_bench(temperature=1.9, top_k=400)
    d = sampling.distribution(trace.logits[-1], temperature=1.9, top_k=400)
    shares = [d.stages[name][id] for id in d.order[:16] for name in ("model", "temperature", "min_p")]
    bars = page.locator("tbody:not(.rest) td.stage .bar")
    button, axes = page.get_by_role("button", name="scale to the largest"), page.locator("th .percents:visible")
    for end in (1, max(shares), 1):
        settle(page)
        assert bars.evaluate_all(f"(all) => all.map({FILLED})") == pytest.approx([p / end for p in shares], abs=0.01)
        texts = [text.split("\n") for text in axes.all_inner_texts()]
        assert {text[-1] for text in texts} == {"100 %" if end == 1 else f"largest: {percent(end)}"}
        beyond = [1 - sum(shares[column::3]) > end for column in range(3)]
        rest = page.locator("tbody.rest td.stage")
        assert rest.evaluate_all("(all) => all.map((one) => one.matches('[data-beyond]'))") == beyond
        button.click()
    assert any(1 - sum(shares[column::3]) > max(shares) for column in range(3)), "a bar that goes on beyond the axis"


def test_rows_that_neither_model_expects_are_folded_beside_another(shown_bench, trace):
    sharp = NextToken(8 * trace.logits[-1], trace.tokens, trace.vocab_token)
    other = NextToken(8 * trace.logits[3], trace.tokens[:4], trace.vocab_token)
    page = shown_bench(beside=other)
    expect(page.locator("tbody:not(.rest) tr")).to_have_count(16)
    page = shown_bench(source=sharp, beside=other)
    here, there = (sampling.distribution(one.logits) for one in (sharp, other))
    larger = [max(here.probabilities[id], there.probabilities[id]) for id in here.order[:16]]
    rows = max(rank for rank, share in enumerate(larger) if share >= 1e-5) + 1
    assert 1 <= rows < 12
    expect(page.locator("tbody:not(.rest) tr")).to_have_count(rows)
    expect(page.locator("tbody.rest th")).to_have_text(f"{2611 - rows:,} other tokens")
    rest = 1 - there.probabilities[here.order[:rows]].sum()
    expect(page.locator("tbody.rest td.more-kept .number")).to_have_text(percent(rest))


@pytest.mark.parametrize(("language", "words"), [("en", "whose sum is 0.9 or more"), ("zh", "总和不小于 0.9")])
def test_the_words_of_top_p_agree_with_the_sum_that_is_kept(shown_bench, trace, language, words):
    page = shown_bench(top_p=0.9, all_stages=True, language=language)
    expect(page.locator("thead th").nth(6)).to_contain_text(words)
    kept = sampling.distribution(trace.logits[-1], top_p=0.9).kept_mass
    assert kept > 0.9
    expect(page.locator("tfoot tr").nth(1).locator("td").nth(4)).to_have_text(percent(kept))
