"""Pictures of lessons in a page: their texts, their numbers, their colours, and the cover until a question is answered."""

import pytest
from browser.axe import serious_violations
from browser.pages import settle
from families import tokenizer
from page_text import HOSTILE, chip_text
from playwright.sync_api import expect
from small_models import gpt_for_any_text, strong_gpt2

import gptviz
from gptviz import drawings, lessons
from gptviz.display.numbers import significant

STORY = "When Tom and Mary went to the park, Tom gave a ball to"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(vocab_size=264), tokenizer())


def arrows(trace):
    return drawings.angles(trace.q(1)[0][-1], trace.k(1)[0][:2], trace.tokens[-1], trace.tokens[:2])


def row(trace):
    return drawings.shares(trace.score_stages(1, 0)["masked"][-1], trace.tokens, trace.tokens[-1])


def taken(trace):
    return drawings.mix(trace.attention(1, 0)[-1], trace.v(1)[0], trace.tokens, trace.tokens[-1])


def areas():
    return drawings.treemap({"token table": {"token table": 1234}, 0: {"attention": 400, "MLPs": 800}})


def signs():
    return drawings.heat([[-0.5, 0.25, 1]], ["L0"], ["H0", "H1", "H2"], title="Heads", scale="added to P")


def pictures(source, **options):
    heads = [drawings.CircuitHead(0, 1, 2, 1, 0.5, 0.25, (0.125, 0.5))]
    drawn = [lessons.picture(draw, source, **options) for draw in (arrows, row, taken)]
    drawn += [lessons.picture(draw, **options) for draw in (areas, signs)]
    return [*drawn, lessons.picture(lambda trace: drawings.circuit(trace.tokens, heads), source, **options)]


def test_texts_and_numbers_are_those_of_the_drawing(shown, gpt):
    views = pictures(gpt.trace("the thin owl"))
    page = shown(*views).page
    for i, view in enumerate(views):
        root = page.locator(".gptviz-drawing").nth(i)
        written = root.locator("svg text").evaluate_all("(all) => all.map((one) => one.textContent)")
        assert written == [mark["text"] for mark in view._about["marks"] if mark["tag"] == "text"]
        expect(root.locator("h3")).to_have_text(view.drawing.title(drawings.Canvas()))
        expect(root.get_by_role("img")).to_have_accessible_name(f"{view._title}. The table below has the numbers.")
        root.locator("summary").click()
        cells = root.locator("td").evaluate_all("(all) => all.map((one) => one.innerText)")
        expected = [value for line in view.to_table() for value in line.values()]
        assert len(cells) == len(expected)
        for cell, value in zip(cells, expected, strict=True):
            if isinstance(value, int):
                assert cell == f"{value:,}"
            elif isinstance(value, float):
                assert cell == significant(value)
            else:
                assert cell.replace("␣", " ").strip() == (value or "").strip()


def test_a_picture_of_texts_can_be_read_and_has_no_table(shown):
    view = lessons.picture(lambda: drawings.samples({"one": "a text"}, "Texts"))
    root = shown(view).page.locator(".gptviz-drawing")
    expect(root.get_by_role("group", name="Texts").get_by_text("a text")).to_be_visible()
    expect(root.locator("summary")).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "options", [{}, {"language": "zh", "scale": "projector"}], ids=["english", "chinese, projector"]
)
def test_axe_finds_nothing_serious_and_colours_follow_the_theme(shown, gpt, dark, options):
    page = shown(*pictures(gpt.trace("the thin owl"), **options), dark=dark, width=1240).page
    for summary in page.locator(".gptviz-drawing summary").all():
        summary.click()
    fill = "(one) => getComputedStyle(one)"
    colours = [
        page.locator(selector).first.evaluate(f"{fill}.{name}")
        for selector, name in (
            (".fill-ink", "fill"), (".stroke-query", "stroke"), (".fill-mlp", "fill"), (".fill-above", "fill"),
            (".fill-below", "fill"),
        )
    ]  # fmt: skip
    light = ["rgb(28, 31, 36)", "rgb(0, 114, 178)", "rgb(138, 95, 0)", "rgb(180, 98, 42)", "rgb(47, 111, 168)"]
    pale = ["rgb(231, 233, 236)", "rgb(95, 178, 230)", "rgb(240, 180, 41)", "rgb(224, 147, 92)", "rgb(91, 159, 208)"]
    assert colours == (pale if dark else light)
    size = page.locator("svg text").first.evaluate("(one) => one.getBoundingClientRect().height")
    assert (size > 18) == bool(options), "type on a projector is 1.5 times as large"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1240
    violations = serious_violations(page, ".gptviz")
    assert not violations, "\n".join(violations)


def test_a_picture_waits_for_its_question_and_follows_the_prompt(shown, gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    question = lessons.ask("One?", answer=lambda trace: 1, source=box)
    view = lessons.picture(row, box, until=[question])
    page = shown(question, view, box)
    root = page.page.locator(".gptviz-drawing")
    assert root.inner_text().strip() == "covered until you answer: One?"
    page.page.locator(".gptviz-question .reveal").click()
    page.update()
    expect(root).not_to_have_attribute("data-covered", "")
    expect(root.locator("svg")).to_be_visible()
    box.run("a fat cat")
    page.update()
    expect(root).to_have_attribute("data-covered", "")
    page.page.locator(".gptviz-question .reveal").click()
    page.update()
    root.locator("summary").click()
    expect(root.locator("tbody tr")).to_have_count(len(box.trace.tokens))
    expect(root.locator("tbody tr").last.locator("td").first).to_have_text(chip_text(box.trace.tokens[-1]))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_tokens_stay_text(shown, text):
    trace = gpt_for_any_text().trace(text)
    page = shown(lessons.picture(row, trace)).page
    settle(page)
    assert page.evaluate("window.hurt") is None
    assert page.locator("#views img, #views b, #views a").count() == 0


def test_the_picture_of_a_pass_tells_no_effect_before_a_cut(shown):
    """A lesson asks what a cut does: the page says it only after the learner has made the cut."""
    gpt = gptviz.load()
    view = gptviz.FlowView(gpt.trace(STORY), effects=False)
    assert not [args for name, args in view._page_questions() if name == "cuts"]
    page = shown(view).page
    settle(page)
    cells = page.locator(".gptviz-flow [data-row='cut-attention'] td button")
    assert cells.all_inner_texts() == ["cut"] * 6
    assert "%" not in "".join(page.locator("[data-row='cut-attention'], [data-row='cut-mlp']").all_inner_texts())
    expect(page.locator(".gptviz-flow .lesson")).to_be_empty()
    cells.nth(2).click()
    settle(page)
    left = gpt.trace(STORY, edits=[gptviz.ablate_attention(2, 14)]).probabilities()[view._leaders(14)[0][0].id]
    expect(page.locator(".gptviz-flow .next")).to_contain_text(f"{100 * left:.1f} %")
    expect(cells.nth(2)).to_have_text("take back")
