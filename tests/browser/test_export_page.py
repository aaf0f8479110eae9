"""Saved pages, opened from a file without a network: same numbers, linked views, and a message for what they lack."""

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from browser.axe import RULES_ABOUT_COLOURS, serious_violations
from browser.pages import OF_A_TRACE, PAGE_SCRIPT, settle
from close import assert_close, assert_softmax_close
from page_text import HOSTILE, chip_text
from playwright.sync_api import expect
from small_models import gpt_for_any_text
from trained import training_view
from transformers import GPT2Config, GPT2LMHeadModel
from waiting import LONGEST_WAIT

import gptviz
from gptviz.errors import GPTVizError
from gptviz.pages.export import MOST_BYTES, save_html
from gptviz.pages.stored import question_key

PROMPT = "Once upon a time there was a girl named Anna"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def views(gpt, prompt, **options):
    """Yields one view of each kind."""
    yield gptviz.PromptBox(prompt, gpt=gpt, **options)
    trace = gpt.trace(prompt)
    for kind in OF_A_TRACE:
        yield kind(trace, **options)
    yield gptviz.GenerationTimeline(gpt.complete(prompt, max_tokens=6, seed=2), gpt=gpt, **options)
    yield gptviz.compare(trace, gpt.trace("Once more"), **options)
    yield training_view(**options)


def test_every_view_is_alive_in_its_page(opened, gpt, tmp_path):
    trace = gpt.trace(PROMPT)
    for view in views(gpt, PROMPT):
        page = opened(view.save_html(tmp_path / f"{view._name}.html"))
        expect(page.locator(f".gptviz-{view._name}")).to_have_count(1)
        if view._name == "tokens":
            page.locator(".row li").nth(8).click()
            expect(page.locator(".merges li")).to_have_count(len(trace.merges(8)))
        if view._name == "attention":
            page.get_by_text("Step by step").click()
            weights = page.locator(".arithmetic li .number")
            expect(weights.last).to_have_text(f"{trace.attention(view.layer, view.head)[-1].max():.3f}")
            page.locator(".grid button").nth(2 * trace.n_heads + 5).click()
            row = trace.attention(2, 5)[-1]
            expect(page.locator(".rowbars li .number").first).to_have_text(f"{row.max():.3f}")
            expect(page.locator(".detail > p")).to_contain_text("Not in this page")
        if view._name == "block":
            page.locator(".blocks button").nth(3).click()
            expect(page.locator(".gptviz-block h3")).to_have_text("Block 3")
            expect(page.locator("tr.sum .total")).to_have_attribute("title", str(float(trace.logits[-1].max())))
        if view._name == "embedding":
            expect(page.locator(".near li")).to_have_count(8)
            expect(page.locator(".map img")).to_be_visible()
        if view._name == "compare":
            page.locator(".gptviz-attention").first.locator(".grid button").nth(9).click()
            expect(page.locator(".gptviz-attention h3").last).to_contain_text("L1 · H1")
        if view._name == "timeline":
            page.locator("summary").click()
            expect(page.locator(".looked li")).to_have_count(len(trace.tokens))
            choice = view.completion.choices[0]
            assert page.locator(".written").evaluate("(node) => node.textContent") == choice.text
            check_refusal_is_in_sight(page)
            page.locator(".steps li").nth(3).click()
            expect(page.locator(".detail tbody .token").first).to_have_text(
                chip_text(choice.steps[3].alternatives[0].token)
            )
        with page.expect_download() as download:
            page.locator(".save-picture:visible").last.click()
        download.value.save_as(tmp_path / "picture.svg")
        assert ElementTree.parse(tmp_path / "picture.svg").getroot().tag.endswith("svg")


def check_refusal_is_in_sight(page):
    """A refused button shows its error beside itself, for that step only."""
    page.evaluate("document.querySelector('.gptviz-timeline').dataset.scale = 'projector'")
    page.set_viewport_size({"width": 1280, "height": 720})
    settle(page)
    for button in (page.locator(".detail tbody button:visible").first, page.locator(".bench")):
        expect(button).to_be_disabled()
        # A refusal is seen where it is answered, as a kernel may answer one.
        button.evaluate("(node) => { node.removeAttribute('data-absent'); node.click(); }")
        problem = page.locator(".gptviz-timeline .problem:visible")
        expect(problem).to_contain_text("Not in this page")
        expect(problem).to_be_in_viewport(ratio=1)
        problem_box, button_box = problem.bounding_box(), button.bounding_box()
        assert problem_box["y"] >= 0 and problem_box["y"] + problem_box["height"] <= 720
        assert abs(problem_box["y"] - button_box["y"]) < 400
        page.get_by_role("button", name="step forward").click()
        expect(problem).to_have_count(0)
        settle(page)  # the next step's attention arrives above the buttons and moves them
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.querySelector('.gptviz-timeline').dataset.scale = 'screen'")


def test_branches_are_compared_and_every_head_looked_through_in_the_page(opened, gpt, tmp_path):
    view = gptviz.GenerationTimeline(gpt.complete(PROMPT, max_tokens=7, temperature=0.9, seed=5), gpt=gpt)
    for step in (2, 4):
        view.choice = 0
        drawn = view.completion.choices[0].steps[step].token.id
        view.force(
            step, next(a.token.id for a in view.completion.choices[0].steps[step].alternatives if a.token.id != drawn)
        )
        view.wait(LONGEST_WAIT)
    page = opened(view.save_html(tmp_path / "branches.html"))
    shown = [branch.text for branch in view._run.branches]
    texts = page.locator(".comparison .text")
    for other in (0, 1):
        page.locator(".branches select").select_option(str(other))
        expect(texts.nth(1)).to_have_text(shown[other])
        expect(texts.nth(0)).to_have_text(shown[2])
    page.locator(".tree button").first.click()
    expect(texts.nth(0)).to_have_text(shown[0])
    expect(texts.nth(1)).to_have_text(shown[1])
    page.locator(".attention summary").click()
    page.locator(".attention select").nth(0).select_option("2")
    page.locator(".attention select").nth(1).select_option("5")
    page.locator(".steps li").nth(3).click()
    trace = gpt.trace([*gpt.encode(PROMPT), *view.completion.choices[0].token_ids[:3]])
    row = trace.attention(2, 5)[-1]
    expect(page.locator(".looked li")).to_have_count(len(row))
    told = page.locator(".looked li").evaluate_all("(all) => all.map((one) => Number(one.title))")
    assert_softmax_close(told, row, trace.scores(2, 5, "scaled")[-1])
    assert [one for one in page.locator(".problem").all() if one.is_visible()] == []


@pytest.fixture(scope="module")
def explorers_page(gpt, tmp_path_factory):
    """(explorer, path of its saved page)."""
    explorer = gptviz.explore(PROMPT, gpt=gpt)
    return explorer, explorer.save_html(tmp_path_factory.mktemp("explorer") / "explorer.html")


def test_a_page_with_space_left_has_the_stages_of_other_heads(opened, gpt, explorers_page):
    trace = gpt.trace(PROMPT)
    _explorer, path = explorers_page
    page = opened(path)
    assert path.stat().st_size < 0.75 * MOST_BYTES
    for button in page.locator(".rail button").all():
        button.click()
    page.locator(".at-attention button").click()
    page.locator(".stack button").first.click()
    page.locator(".gptviz-attention .grid button").nth(4 * trace.n_heads + 7).click()
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L4 · H7")
    stages = page.locator(".gptviz-attention .stages button")
    expect(stages).to_have_count(len(trace.score_stages(4, 7)) + 1)
    stages.first.click()
    expect(stages.first).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".gptviz-attention")).not_to_contain_text("Not in this page")


def test_space_that_a_view_leaves_goes_to_those_that_were_cut(gpt, tmp_path, monkeypatch):
    """Space that a small view does not use is shared by the two large views."""
    monkeypatch.setattr("gptviz.pages.export.MOST_BYTES", 1_000_000)
    trace = gpt.trace(PROMPT)
    path = save_html(
        tmp_path / "cut.html", gptviz.BlockView(trace), gptviz.TokensView(trace), gptviz.AttentionView(trace)
    )
    assert 950_000 < path.stat().st_size <= 1_000_000
    data = json.loads(re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)[1])
    block, tokens, attention = (
        sum(map(len, map(json.dumps, one["answers"].values()))) for one in data["widgets"].values()
    )
    assert tokens < 20_000
    assert block == pytest.approx(attention, rel=0.15)


def test_progress_names_the_view_and_its_answers(gpt, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gptviz.pages.export.PROGRESS_AFTER", 0)
    gptviz.TokensView(gpt.trace(PROMPT)).save_html(tmp_path / "told.html")
    assert re.search(r"TokensView: \d+ answers", capsys.readouterr().err)


def test_the_bench_computes_in_its_page(opened, gpt, tmp_path):
    trace = gpt.trace(PROMPT)
    page = opened(gptviz.SamplingBench(trace).save_html(tmp_path / "bench.html"))
    page.get_by_role("spinbutton", name="temperature").fill("1.7")
    leader, _ = trace.top(1)[0]
    share = gptviz.sampling.distribution(trace.logits[-1], temperature=1.7).probabilities[leader.id]
    expect(page.locator("tbody tr").first.locator(".stage-1 .number")).to_have_text(f"{100 * share:.3g} %")
    page.get_by_role("button", name="draw once").click()
    expect(page.locator("output, .outcome").first).to_contain_text("random number")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_explorers_page_is_whole_and_linked(opened, gpt, explorers_page, dark):
    explorer, path = explorers_page
    page = opened(path, dark)
    for button in page.locator(".rail button").all():
        button.click()
    expect(page.locator(".gptviz-attention")).to_have_attribute("data-theme", "dark" if dark else "light")
    page.locator(".at-attention button").click()
    page.locator(".stack button").first.click()
    opened = f"L{explorer.trace.n_layers - 1} · H{explorer.selection.head}"
    expect(page.locator(".gptviz-attention h3")).to_contain_text(opened)
    page.locator(".gptviz-attention .grid button").nth(explorer.trace.n_heads + 1).click()
    expect(page.locator(".stack button[data-open]")).to_have_text("block 1")
    page.get_by_role("button", name="close: Blocks").click()
    leader, before = explorer.trace.top(1)[0]
    cut = gptviz.ablate_attention(0, len(explorer.trace.tokens) - 1)
    after = gpt.trace(PROMPT, edits=[cut]).probabilities()[leader.id]
    page.locator(".gptviz-flow tr[data-row=cut-attention] button").first.click()
    moved = page.locator(".gptviz-flow .next .bar-row .number").first
    expect(moved).to_contain_text("→")
    told = [float(part.strip(" %")) / 100 for part in moved.get_attribute("title").split("→")]
    assert_softmax_close(told, [before, after], explorer.trace.logits[-1])
    page.locator(".gptviz-prompt textarea").fill("another prompt")
    page.locator(".gptviz-prompt textarea").press("Enter")
    expect(page.locator(".gptviz-prompt [role=alert]").first).to_contain_text("Not in this page")
    assert path.stat().st_size <= MOST_BYTES


@pytest.fixture(scope="module")
def small_gpt():
    return gpt_for_any_text()


@pytest.mark.parametrize("prompt", HOSTILE)
def test_hostile_text_stays_text_in_a_page(opened, small_gpt, tmp_path, prompt):
    path = save_html(tmp_path / "hostile.html", *views(small_gpt, prompt), title=prompt)
    page = opened(path)
    assert page.evaluate("window.hurt") is None
    assert page.locator("img:not(.map img)").count() == 0
    assert prompt[:5] in page.title()
    expect(page.locator(".gptviz-tokens .row .chip")).to_have_count(len(small_gpt.trace(prompt).tokens))


def test_the_policy_lets_nothing_else_run(opened, gpt, tmp_path):
    page = opened(gptviz.TokensView(gpt.trace("Once")).save_html(tmp_path / "tokens.html"))
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_large_model_stays_below_the_limit_and_says_what_is_missing(opened, tmp_path):
    """12 × 12 heads and 64 tokens of a 50,257-entry vocabulary: every map, but not every cell's arithmetic."""
    torch.manual_seed(1)
    model = GPT2LMHeadModel(GPT2Config(n_embd=144, n_layer=12, n_head=12)).eval()
    gpt = gptviz.wrap(model, gptviz.load().tokenizer)
    trace = gpt.trace([i % 4000 for i in range(64)])
    path = gptviz.AttentionView(trace, layer=7, head=2).save_html(tmp_path / "large.html")
    assert path.stat().st_size <= MOST_BYTES
    page = opened(path)
    page.locator(".grid button").nth(143).click()
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L11 · H11")
    row = trace.attention(11, 11)[-1]
    drawn = page.locator(".rowbars li").evaluate_all("(items) => items.map((item) => Number(item.title))")
    assert_close(drawn[:9], np.sort(row)[::-1][:9], scale=1.0)
    expect(page.locator(".detail summary")).to_have_attribute("aria-disabled", "true")
    expect(page.locator(".detail summary")).to_contain_text("Not in this page")


def test_python_and_the_page_write_the_same_question_key(new_page):
    page = new_page()
    page.evaluate(PAGE_SCRIPT + "\nglobalThis.key = questionKey; null")
    whole = {"edits": [{"strength": 2.0, "at": (1, 0.5)}]}
    for name, args in [
        ("cell", {"query": 3, "layer": 1, "head": 0, "key": 2}),
        ("a", {}),
        ("s", {"stage": 'é"\\ <'}),
        ("w", whole),
    ]:
        assert page.evaluate("([name, args]) => key(name, args)", [name, args]) == question_key(name, args)


def test_bad_paths_and_parts_are_refused(gpt, tmp_path):
    view = gptviz.TokensView(gpt.trace("Once"))
    with pytest.raises(GPTVizError, match="folder that exists"):
        view.save_html(tmp_path / "nowhere" / "page.html")
    with pytest.raises(GPTVizError, match="views and HTML"):
        save_html(tmp_path / "page.html", 3)


# Accessibility


@pytest.fixture(scope="module", params=["en", "zh"])
def page_of_all_views(request, gpt, tmp_path_factory):
    """(path, language) of a saved page that has every view."""
    path = tmp_path_factory.mktemp("page") / "all.html"
    return save_html(path, *views(gpt, "Once upon a time", language=request.param)), request.param


def test_axe_finds_nothing_serious_in_a_page_which_says_its_language(opened, page_of_all_views):
    """In light, and in dark all that another theme can break."""
    path, language = page_of_all_views
    page = opened(path, bypass_csp=True)  # axe-core is a script that the page's own policy forbids
    assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-Hans"}[language]
    assert page.locator("main .gptviz").count() > 8
    assert serious_violations(page) == []
    picture = page.locator(".gptviz-embedding .map img")
    expect(picture).to_have_attribute("src", re.compile("%23ffffff"))
    page.emulate_media(color_scheme="dark")
    expect(picture).to_have_attribute("src", re.compile("%23111317"))
    settle(page)
    assert serious_violations(page, rules=RULES_ABOUT_COLOURS) == []


# Uses every control of the page once that is not turned off, and under every heading, such as that of another token; of
# controls that differ in their numbers it uses one. Returns those that are answered by a refusal, or ask what the page does
# not know. The last control is used first, so that what a control shows is used before the next one replaces it.
REFUSED_CONTROLS = """async () => {
  const nameOf = (node) => [
    node.closest(".gptviz").className,
    node.closest(":has(> h4)")?.querySelector("h4").textContent,
    node.closest("select")?.getAttribute("aria-label"),
    node.getAttribute("aria-label") ?? node.textContent,
  ].join(" | ").replaceAll(/[\\d.]+/g, "#");
  const isOffered = (node) =>
    (node.closest("select") ?? node).checkVisibility({ visibilityProperty: true }) && !node.closest(":disabled") &&
    !node.closest("[aria-disabled=true], [inert], .save-picture");
  const use = (node) => {
    if (node.tagName !== "OPTION") return node.click();
    node.selected = true;
    node.parentElement.dispatchEvent(new Event("change"));
  };
  const used = new Set(), known = new WeakSet(), refused = [];
  let name = "";
  console.debug = (text) => refused.push([name, text]);
  const isNew = (node) => {
    if (known.has(node)) return false;
    if (used.has(nameOf(node))) known.add(node);
    return !known.has(node);
  };
  const next = () => [...document.querySelectorAll(".gptviz :is(button, summary, option)")]
    .findLast((node) => isNew(node) && isOffered(node));
  for (let node = next(); node; node = next()) {
    name = nameOf(node);
    used.add(name);
    use(node);
    await new Promise((resolve) => setTimeout(resolve)); // an answer of the page comes without a frame
    const alerts = [...document.querySelectorAll("[role=alert]")].filter((one) => one.checkVisibility() && one.textContent);
    if (alerts.length) refused.push([name, ...alerts.map((one) => one.textContent)]);
    alerts.forEach((one) => { one.hidden = true; });
  }
  return [[...used], refused];
}"""


def test_no_control_of_a_page_is_answered_by_a_refusal(opened, page_of_all_views):
    """A control whose question has no answer in the page is turned off and says why; the others have one."""
    path, language = page_of_all_views
    page = opened(path)
    absent = {"en": "Not in this page", "zh": "此页面中没有"}[language]
    off = page.locator(".gptviz button[data-absent]").filter(visible=True)
    titles = off.evaluate_all("(all) => all.map((one) => [one.textContent, one.title])")
    needing_a_kernel = [text for text, title in titles if absent in title]
    assert len(needing_a_kernel) >= 4 and {"en": "Run", "zh": "运行"}[language] in needing_a_kernel
    if language == "en":
        used, refused = page.evaluate(REFUSED_CONTROLS)
        assert refused == []
        assert len(used) > 100
        bars = {name.split(" | ")[1] for name in used if "gptviz-flow" in name and "next token after" in name}
        assert len(bars) == 5, "the bars after each token are used"


def test_a_page_works_with_the_keyboard_alone(opened, gpt, tmp_path):
    """Tab reaches the map and the grid, arrow keys move in them, and the space bar does what a click does."""
    page = opened(gptviz.AttentionView(gpt.trace(PROMPT), layer=1, head=3).save_html(tmp_path / "keys.html"))
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("() => document.activeElement.closest('.grid, .stage, .line, details')?.className ?? ''")
        )
        if "grid" in reached[-1]:
            break
    page.keyboard.press("ArrowDown")
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L2 · H3")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L2 · H4")
    for key in ("ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L1 · H3")  # the head whose arithmetic the page has
    page.locator(".gptviz-attention .stage").focus()
    before = page.locator(".readout").inner_text()
    page.keyboard.press("ArrowUp")
    assert page.locator(".readout").inner_text() != before
    page.locator("summary").first.focus()
    page.keyboard.press("Space")
    expect(page.locator(".arithmetic").first).to_be_visible()


REACHABLE = """() => [...document.querySelectorAll("button, input, select, textarea, summary, [tabindex='0']")]
    .filter((node) => node.tabIndex >= 0 && !node.disabled && !("reached" in node.dataset))
    .filter((node) => node.checkVisibility({ visibilityProperty: true }))
.map((node) => node.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    "name", ["tokens", "embedding", "block", "sampling", "flow", "intervention", "timeline", "compare"]
)
def test_tab_reaches_every_control(opened, gpt, tmp_path, monkeypatch, name):
    """Keys do the same as a click."""
    monkeypatch.setattr("gptviz.pages.export.MOST_BYTES", 5_000_000)
    view = next(view for view in views(gpt, PROMPT) if view._name == name)
    page = opened(view.save_html(tmp_path / "keys.html"))
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate(
            "() => { document.activeElement.dataset.reached = ''; return document.activeElement === document.body; }"
        ):
            break
    assert page.evaluate(REACHABLE) == []
    if name == "embedding":
        page.locator(".sentence-row button").nth(4).press("Enter")
        expect(page.locator(".strips").first).to_contain_text(f"row {view.trace.tokens[4].id:,} of the token table")
    if name == "block":
        page.locator(".blocks button").nth(3).press("Space")
        expect(page.locator(".gptviz-block h3")).to_have_text("Block 3")
    if name == "sampling":
        page.locator("input[type=range]").first.press("ArrowRight")
        expect(page.get_by_role("spinbutton", name="temperature")).not_to_have_value("1")
    if name == "timeline":
        page.locator(".steps li[data-chosen]").press("ArrowRight")
        expect(page.locator(".detail h4")).to_contain_text("Step 1")
        page.keyboard.press("End")
        expect(page.locator(".detail h4")).to_contain_text("Step 5")
    if name == "compare":
        opened_at = view.views[0]
        key, layer = ("ArrowUp", opened_at.layer - 1) if opened_at.layer else ("ArrowDown", 1)
        page.locator(".grid button[tabindex='0']").first.press(key)
        expect(page.locator(".gptviz-attention h3").last).to_contain_text(f"L{layer} · H{opened_at.head}")


def test_missing_content_is_reported_in_the_pages_language(opened, gpt, tmp_path):
    page = opened(gptviz.PromptBox("Once", gpt=gpt, language="zh").save_html(tmp_path / "box.html"))
    page.locator(".gptviz-prompt textarea").fill("Twice")
    page.locator(".gptviz-prompt textarea").press("Enter")
    expect(page.locator(".gptviz-prompt [role=alert]").first).to_contain_text("此页面中没有")
