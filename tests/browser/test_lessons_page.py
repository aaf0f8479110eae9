"""Questions, checks, covers and the guessing game in a page of their own, and a whole notebook handed out as a page."""

import nbformat
import numpy as np
import pytest
import torch
from browser.axe import serious_violations
from browser.pages import HOLD_ANSWERS, settle
from families import tokenizer
from page_text import HOSTILE
from playwright.sync_api import expect
from shown import CSS_PERCENT
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.handout.handout import export_notebook
from gptviz.lessons.asking import ask, check
from gptviz.lessons.guesses import GuessingGame
from gptviz.lessons.progress import LessonProgress
from gptviz.text.visible import visible


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(2)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=264, n_embd=12, n_layer=2, n_head=3)).eval()
    with torch.no_grad():
        model.lm_head.weight.normal_(0, 2)
    return gptviz.wrap(model, tokenizer())


@pytest.fixture
def box(gpt):
    return gptviz.PromptBox("the thin owl", gpt=gpt)


def four(trace):
    return [token for token, _ in trace.top(4)]


def choice(box, **keywords):
    return ask("Which comes next?", answer=lambda trace: trace.top(1)[0][0], choices=four, source=box, **keywords)


def place_of(question, right=True):
    ids = [one.id for one in question.choices]
    leader = question.trace.top(1)[0][0].id
    return ids.index(leader) if right else (ids.index(leader) + 1) % len(ids)


def test_a_choice_from_wrong_to_right(shown, box):
    view = gptviz.SamplingBench(box)
    question = choice(
        box, covers=[view], hint=lambda given, trace: f"{trace.probabilities()[given.id]:.5f} is not the most"
    )
    page = shown(question, view)
    root, covered = page.page.locator(".gptviz-question"), page.page.locator(".gptviz-sampling")
    expect(covered).to_have_attribute("data-covered", "")
    assert covered.inner_text().strip() == "covered until you answer: Which comes next?"
    assert "%" not in covered.aria_snapshot()
    wrong = place_of(question, right=False)
    root.locator(".choices button").nth(wrong).click()
    expect(root.locator(".reaction")).to_contain_text("Not yet.")
    expect(root.locator(".hint")).to_have_text(
        f"{box.trace.probabilities()[question.choices[wrong].id]:.5f} is not the most"
    )
    expect(root.locator(".choices button").nth(wrong)).to_have_attribute("data-wrong", "")
    expect(root.locator("[data-right]")).to_have_count(0)
    root.locator(".choices button").nth(place_of(question)).click()
    expect(root.locator(".reaction")).to_contain_text("Right.")
    expect(root.locator(".choices button[data-right]")).to_have_count(1)
    page.update()
    expect(covered).not_to_have_attribute("data-covered", "")
    expect(covered.locator("tbody tr").first).to_be_visible()
    assert question.is_right


def test_a_new_prompt_resets_the_question(shown, box):
    view = gptviz.SamplingBench(box)
    question = choice(box, covers=[view])
    page = shown(question, view, box)
    root = page.page.locator(".gptviz-question")
    root.locator(".reveal").click()
    expect(root).to_have_attribute("data-phase", "revealed")
    page.update()
    box.run("thee")
    page.update()
    expect(root).to_have_attribute("data-phase", "open")
    expect(root.locator(".reaction")).to_be_empty()
    expect(page.page.locator(".gptviz-sampling")).to_have_attribute("data-covered", "")
    expect(root.locator(".choices button").first).to_be_enabled()


def test_a_refused_prompt_says_that_the_one_before_is_still_shown(shown, gpt, box):
    page = shown(box).page
    root, status = page.locator(".gptviz-prompt"), page.locator(".gptviz-prompt .status")
    expect(status).to_have_text(f"{gpt.name} reads {len(box.trace.tokens)} tokens")
    root.locator("textarea").fill("owl " * gpt.context_length)
    root.locator("textarea").press("Enter")
    expect(root.get_by_role("alert").first).to_contain_text("Shorten the prompt")
    kept = f"Views and questions still belong to the prompt “the thin owl” ({len(box.trace.tokens)} tokens)."
    expect(status).to_have_text(kept)
    root.locator("textarea").fill("the thin owl")
    root.locator("textarea").press("Enter")
    expect(status).to_have_text(f"{gpt.name} reads {len(box.trace.tokens)} tokens")


def test_an_empty_prompt_is_named(shown):
    model = GPT2LMHeadModel(GPT2Config(vocab_size=264, n_embd=12, n_layer=2, n_head=3)).eval()
    box = gptviz.PromptBox("", gpt=gptviz.wrap(model, tokenizer(start=True)))
    assert len(box.trace.tokens) == 1
    status = shown(box).page.locator(".gptviz-prompt .status")
    expect(status).to_contain_text(
        "reads 1 token. The prompt is empty: these are only the tokenizer’s own special tokens."
    )


def test_a_number_may_have_a_comma_and_other_text_is_refused(shown, box):
    question = ask("How much?", answer=lambda trace: 12.5, source=box, unit="%", tolerance=0.5)
    root = shown(question).page.locator(".gptviz-question")
    field, button = root.locator("input"), root.locator("form button")
    button.click()
    expect(root.get_by_role("alert").first).to_have_text("Type a number first.")
    field.fill("plenty")
    button.click()
    expect(root.get_by_role("alert").first).to_contain_text("Expected a number")
    field.fill("3,25")
    field.press("Enter")
    expect(root.locator(".reaction")).to_contain_text("Your guess: 3.25 %. The answer is higher.")
    field.fill("12,9 %")
    field.press("Enter")
    said = "Close enough. Your guess: 12.9 %. Answer, computed just now: 12.5 %."
    expect(root.locator(".reaction")).to_contain_text(said)


def test_a_ranking_by_the_keyboard(shown, box):
    question = ask("Order?", answer=four, choices=four, kind="ranking", source=box)
    page = shown(question)
    root, order = page.page.locator(".gptviz-question"), [question.choices.index(one) for one in four(box.trace)]
    for i, wanted in enumerate(order):
        now = root.locator(".ranking").evaluate(
            "(list) => [...list.children].map((item) => Number(item.dataset.choice))"
        )
        for step in range(now.index(wanted), i, -1):
            root.locator(".ranking li").nth(step).locator("button").first.focus()
            page.page.keyboard.press("Enter")
            if step > 1:
                expect(root.locator(".ranking li").nth(step - 1).locator("button").first).to_be_focused()
    root.get_by_role("button", name="guess this order").click()
    expect(root.locator(".reaction")).to_contain_text("Right.")


def test_a_head_is_the_one_that_is_open(shown, box):
    view = gptviz.AttentionView(box)
    question = ask("Which head?", answer=lambda trace: (1, 2), kind="head", source=view)
    page = shown(question, view).page
    root, grid = page.locator(".gptviz-question"), page.locator(".gptviz-attention .grid button")
    grid.nth(1).click()
    expect(root.locator(".head-form strong")).to_have_text("L0 · H1")
    root.get_by_role("button", name="answer with this head").click()
    expect(root.locator(".reaction")).to_contain_text("Not yet. Your guess: L0 · H1")
    assert "L1 · H2" not in root.inner_text()
    grid.nth(5).click()
    root.get_by_role("button", name="answer with this head").click()
    expect(root.locator(".reaction")).to_contain_text("Right.")


def test_a_prompt_without_a_clear_answer_is_rejected(shown, box):
    question = choice(box, margin=lambda trace: len(trace.text), smallest=13, instead="a much longer prompt")
    page = shown(question, box)
    root = page.page.locator(".gptviz-question")
    expect(root.locator(".reaction")).to_contain_text("two answers are almost tied")
    expect(root.locator(".choices button").first).to_be_disabled()
    root.get_by_role("button", name="try “a much longer prompt”").click()
    expect(page.page.locator(".gptviz-prompt")).to_be_visible()
    page.update()
    expect(root).to_have_attribute("data-phase", "open")
    assert box.prompt == "a much longer prompt"


def test_vote_counts_are_shown_beside_the_answer(shown, box):
    question = choice(box, tally=True)
    root = shown(question).page.locator(".gptviz-question")
    for i, hands in enumerate((3, 0, 7, 2)):
        root.locator(".tally input").nth(i).fill(str(hands))
    expect(root.locator(".tally .share").nth(2)).to_have_text("7 of 12")
    widths = root.locator(".tally .fill").evaluate_all("(fills) => fills.map((fill) => parseFloat(fill.style.width))")
    np.testing.assert_allclose(widths, np.array([3, 0, 7, 2]) / 12 * 100, atol=CSS_PERCENT)
    expect(root.locator(".tally li[data-right]")).to_have_count(0)
    root.locator(".reveal").click()
    expect(root.locator(".tally li").nth(place_of(question))).to_have_attribute("data-right", "")


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_equal_votes_are_bars_of_equal_length(shown, box, scale):
    """Answers differ much in length: bars still start at the same x, and wrapped lines are not indented."""
    answers = ["no", "yes, and by a good deal more than one would have thought at first", "perhaps", "a little more"]
    question = ask("Which?", answer=lambda trace: "no", choices=answers, source=box, tally=True, scale=scale)
    root = shown(question, width=900).page.locator(".gptviz-question")
    for i in range(4):
        root.locator(".tally input").nth(i).fill("6")
    expect(root.locator(".tally .share").nth(3)).to_have_text("6 of 24")
    places = "(all) => all.map((one) => one.getBoundingClientRect()).map((at) => [at.left, at.width])"
    for part in (".fill", ".track"):
        left, width = np.array(root.locator(f".tally {part}").evaluate_all(places)).T
        assert np.ptp(left) < 0.5 and np.ptp(width) < 0.5 and width.min() > 10, part
    field, reveal = root.locator(".choices").bounding_box(), root.locator(".reveal").bounding_box()
    assert reveal["y"] > field["y"] + field["height"] - 1
    assert reveal["x"] == pytest.approx(field["x"], abs=0.5)


def test_the_question_shows_the_error_of_its_function(shown, box):
    root = shown(ask("How much?", answer=lambda trace: 1 / 0, source=box)).page.locator(".gptviz-question")
    root.locator("input").fill("3")
    root.locator("form button").click()
    expect(root.get_by_role("alert").first).to_contain_text("ZeroDivisionError: division by zero")
    expect(root.locator("form button")).to_be_enabled()


def test_what_is_asked_twice_while_it_is_computed_is_computed_once(shown, box):
    """The kernel's answer is held back: "reveal" is off meanwhile, and a guess by the keyboard asks nothing."""
    question = ask("How much?", answer=lambda trace: 5, source=box)
    page = shown(question).page
    root, reveal = page.locator(".gptviz-question"), page.locator(".gptviz-question .reveal")
    page.evaluate(HOLD_ANSWERS, 0)
    reveal.click()
    expect(reveal).to_be_disabled()
    root.locator("input").fill("3")
    root.locator("input").press("Enter")
    assert page.evaluate("models[0].sent") == 1
    page.evaluate("release()")
    expect(root).to_have_attribute("data-phase", "revealed")
    expect(root).not_to_have_attribute("data-computing", "")
    expect(reveal).to_be_disabled()


def test_tokens_in_hints_and_explanations_are_chips(shown, box):
    mark = gptviz.lessons.chip
    question = ask(
        "How much?", answer=lambda trace: 5, source=box,
        hint=lambda given, trace: f"not {given:g}: {mark(trace.tokens[1])}", explain=f"{mark('<b>')} and {mark('x')}",
    )  # fmt: skip
    page = shown(question).page
    root = page.locator(".gptviz-question")
    root.locator("input").fill("3")
    root.locator("form button").click()
    expect(root.locator(".hint")).to_have_text(f"not 3: {visible(box.trace.tokens[1])}")
    root.locator(".reveal").click()
    expect(root.locator(".explain .chip")).to_have_text(["<b>", "x"])


def test_a_bar_shows_how_many_questions_are_answered(shown, box, monkeypatch):
    monkeypatch.setattr(LessonProgress, "_shared", None)
    questions = [ask(text, answer=lambda: 5) for text in ("One?", "Two?", "Three?")]
    page = shown(*questions).page
    bars = page.get_by_role("progressbar", name="0 of 3 questions answered")
    expect(bars).to_have_count(3)
    page.locator(".gptviz-question").nth(1).locator(".reveal").click()
    bars = page.get_by_role("progressbar", name="1 of 3 questions answered")
    expect(bars).to_have_count(3)
    width = bars.first.locator("span").evaluate("(fill) => fill.offsetWidth / fill.parentNode.offsetWidth")
    assert width == pytest.approx(1 / 3, abs=0.01)
    assert page.locator(".progress[tabindex], .progress [tabindex]").count() == 0


def test_a_printed_text_is_covered_and_says_when_it_is_of_another_prompt(shown, box):
    question = ask("One?", answer=lambda trace: 1, source=box)
    live = gptviz.lessons.printed(lambda trace: print(f"now <b>{len(trace.text)}"), box, until=[question])
    slow = gptviz.lessons.printed(lambda trace: print(f"slow {len(trace.text)}"), box, follows=False)
    page = shown(question, live, slow)
    first, second = page.page.locator(".gptviz-printed").first, page.page.locator(".gptviz-printed").last
    expect(first).to_have_attribute("data-covered", "")
    assert first.inner_text().strip() == "covered until you answer: One?"
    view, cover = first.bounding_box(), first.locator(".cover span").bounding_box()
    assert view["y"] <= cover["y"] and cover["y"] + cover["height"] <= view["y"] + view["height"]
    expect(second.locator(".stale")).to_be_hidden()
    page.page.locator(".gptviz-question .reveal").click()
    page.update()
    expect(first.locator("pre")).to_have_text("now <b>12")
    box.run("a fat black cat")
    page.update()
    expect(first).to_have_attribute("data-covered", "")
    expect(second.locator("pre")).to_have_text("slow 12")
    expect(second.locator(".stale")).to_contain_text("These numbers are of another prompt: “the thin owl”.")
    second.get_by_role("button", name="compute them for the new prompt").click()
    expect(second).not_to_have_attribute("data-computing", "")
    page.update()
    expect(second.locator("pre")).to_have_text("slow 15")
    expect(second.locator(".stale")).to_be_hidden()


def test_a_piece_shows_the_word_that_it_most_likely_becomes(shown, gpt, monkeypatch):
    monkeypatch.setattr(GuessingGame, "word", lambda self, opening, piece: f"{piece.text.strip()}erman")
    game = gptviz.lessons.guessing_game(["the"], gpt=gpt)
    root = shown(game).page.locator(".gptviz-guesses")
    root.get_by_role("button", name="ask the model").click()
    leader = gpt.trace("the").top(1)[0][0]
    expect(root.locator(".answers li").first).to_contain_text(f"{visible(leader)}→ {leader.text.strip()}erman")
    expect(root.locator(".answers")).to_contain_text("The word that a piece most likely becomes")
    left = root.locator(".answers .track").evaluate_all("(bars) => bars.map((bar) => bar.getBoundingClientRect().left)")
    assert len(left) == 8 and np.ptp(left) < 0.5, "bars begin one below the other"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(shown, gpt, text):
    question = ask(text, answer=lambda: text, choices=[text, "b"], explain=text, hint=text)
    game = gptviz.lessons.guessing_game([text], gpt=gpt)
    page = shown(question, check(text, 1, 2, hint=text, solution=text), game).page
    page.locator(".gptviz-question .choices button").nth(1).click()
    page.locator(".gptviz-question .choices button").nth(0).click()
    game_root = page.locator(".gptviz-guesses")
    game_root.locator("input").fill(text[:60])
    game_root.locator("form button").first.click()
    game_root.get_by_role("button", name="ask the model").click()
    expect(game_root.locator(".answers ol").last.locator("li")).to_have_count(8)
    expect(page.locator(".explain")).to_have_count(1)
    assert page.evaluate("window.hurt") is None
    assert page.locator("#views img, #views b").count() == 0


def test_checks_show_their_results(shown):
    truth = np.arange(6.0).reshape(2, 3)
    found = [
        check("Your sum", mine, truth, hint="Add rows.", solution="x = 1") for mine in (None, truth, truth + 1, truth.T)
    ]
    page = shown(*found).page
    said = page.locator(".gptviz-check")
    expect(said.nth(0)).to_contain_text("no value yet")
    expect(said.nth(1)).to_contain_text("the same as the model’s")
    expect(said.nth(2)).to_contain_text("The first difference is at [0, 0], where you have 1.00")
    expect(said.nth(2)).to_contain_text("Add rows.")
    expect(said.nth(3)).to_contain_text("the expected shape is (2, 3); yours is (3, 2)")
    for i in range(4):
        expect(said.nth(i).locator("pre")).to_be_hidden()


@pytest.mark.parametrize(
    "options", [{}, {"language": "zh", "scale": "projector"}], ids=["english", "chinese, projector"]
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(shown, gpt, dark, options):
    box = gptviz.PromptBox("the thin owl", gpt=gpt, **options)
    view = gptviz.SamplingBench(box, **options)
    stale = gptviz.lessons.printed(lambda trace: print("12 " * 90), box, follows=False, **options)
    stale._about = stale._about | {"stale": "once"}
    kinds = [
        choice(box, covers=[view], tally=True, hint="h", **options),
        ask("How much?", answer=lambda t: 3, source=box, unit="%", **options),
        ask("Order?", answer=four, choices=four, kind="ranking", source=box, **options),
        ask("Which head?", answer=lambda t: (0, 1), kind="head", source=box, **options),
        check("Your sum", 1, 2, hint="h", solution="s", **options),
        gptviz.lessons.guessing_game(["the"], gpt=gpt, **options),
        stale,
        ask("Done?", answer=lambda: "a", choices=["a", "b"], explain="e", **options),
    ]
    page = shown(view, *kinds, dark=dark, width=1240).page
    page.locator(".gptviz-question").first.locator(".choices button").nth(place_of(kinds[0], right=False)).click()
    page.locator(".gptviz-question").last.locator(".reveal").click()
    page.locator(".gptviz-guesses form button").nth(1).click()
    expect(page.locator(".gptviz-question").first).to_have_attribute("data-phase", "wrong")
    expect(page.locator(".gptviz-question").last).to_have_attribute("data-phase", "revealed")
    expect(page.locator(".gptviz-guesses .answers li")).to_have_count(8)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1240
    violations = serious_violations(page, ".gptviz")
    assert not violations, "\n".join(violations)


# Handed out


HANDED_OUT = [
    "import gptviz\ngpt = gptviz.load()\nbox = gptviz.PromptBox('Once upon a time', gpt=gpt)\nbox",
    "view = gptviz.AttentionView(box)\nchosen = [token for token, _ in box.trace.top(3)]",
    "gptviz.lessons.ask('Which?', answer=lambda t: t.top(1)[0][0], choices=chosen, source=box, "
    "covers=[view], explain='So it is.')",
    "how = gptviz.lessons.ask('How much?', answer=lambda t: 100 * t.top(1)[0][1], source=box, unit='%', tolerance=2)\nhow",
    "gptviz.lessons.ask('Which head?', answer=lambda t: (2, 3), source=view, kind='head')",
    "view",
    "gptviz.figures.probabilities([token.text for token in chosen], [0.5, 0.3, 0.2])",
    "gptviz.bertviz_views.head_view(box.trace, layers=[0, 1])",
    "gptviz.lessons.check('Your sum', 1, 1)",
    "gptviz.lessons.guessing_game(['Once upon a'], gpt=gpt)",
    "gptviz.lessons.picture(lambda t: gptviz.drawings.shares([2.0, 1.0], t.tokens[:2]), box, until=[how])",
    "gptviz.lessons.printed(lambda t: print(len(t.tokens), 'tokens'), box, until=[how])",
]


def test_a_handout_page_works_offline(opened, tmp_path):
    """One file has views, questions, a chart and BertViz; it uses no network and allows only hashed scripts."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in HANDED_OUT])
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    page = opened(export_notebook(tmp_path / "lesson.ipynb", tmp_path / "lesson.html"))
    trace = gptviz.load().trace("Once upon a time")
    which, how_much, head = (page.locator(".gptviz-question").nth(i) for i in range(3))
    view = page.locator(".gptviz-attention")
    expect(view).to_have_attribute("data-covered", "")
    which.locator(".choices button").nth(1).click()
    expect(which.locator(".reaction")).to_contain_text("Not yet.")
    which.locator(".choices button").nth(0).click()
    expect(which.locator(".reaction")).to_contain_text("Right.")
    expect(which.locator(".explain")).to_have_text("So it is.")
    expect(view).not_to_have_attribute("data-covered", "")
    view.locator('.grid button[title="L0 · H1"]').click()
    head.get_by_role("button", name="answer with this head").click()
    expect(head.locator(".reaction")).to_contain_text("Not yet. Your guess: L0 · H1")
    head.locator(".reveal").click()
    expect(head.locator(".reaction")).to_contain_text("L2 · H3")
    expect(head.locator(".head-form strong")).to_have_text("L2 · H3")  # it opens in the view, without a kernel
    picture, printed = page.locator(".gptviz-drawing"), page.locator(".gptviz-printed")
    expect(picture).to_have_attribute("data-covered", "")
    expect(printed).to_have_attribute("data-covered", "")
    expect(page.get_by_role("progressbar", name="2 of 3 questions answered")).to_have_count(3)
    how_much.locator("input").fill("7,5")
    how_much.locator("form button").click()
    expect(how_much.locator(".reaction")).to_contain_text(
        f"Your guess: 7,5 %. Answer, computed when this page was made: {100 * trace.top(1)[0][1]:.3g} %."
    )
    expect(picture).not_to_have_attribute("data-covered", "")
    expect(picture.locator("svg text", has_text="73.1 %")).to_be_visible()
    expect(printed.locator("pre")).to_have_text(f"{len(trace.tokens)} tokens")
    expect(page.get_by_role("progressbar", name="3 of 3 questions answered")).to_have_count(3)
    expect(page.locator("[data-plotly] .main-svg").first).to_be_visible()
    expect(page.locator("[data-plotly] .bars .point")).to_have_count(3)
    expect(page.frame_locator(".gptviz-bertviz").locator("svg").first).to_be_visible()
    expect(page.locator(".gptviz-check")).to_contain_text("the same as the model’s")
    page.locator(".gptviz-guesses form button").nth(1).click()
    expect(page.locator(".gptviz-guesses .answers li")).to_have_count(8)
