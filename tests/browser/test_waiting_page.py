"""While the kernel computes, a view dims its old numbers at once; when the kernel refuses, the view shows the reason."""

import pytest
import torch
from browser.pages import HOLD_ANSWERS
from playwright.sync_api import expect
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz._paths import assets_dir

# The opacity with which an element is drawn: its own times those of all its ancestors.
OPACITY = """(node) => {
  let opacity = 1;
  for (let one = node; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
  return opacity;
}"""


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(5)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=4096, n_embd=24, n_layer=2, n_head=3, n_positions=200)).eval()
    return gptviz.wrap(model, AutoTokenizer.from_pretrained(assets_dir() / "tales"))


def is_dim(page, *selectors, word):
    for selector in selectors:
        assert page.locator(selector).first.evaluate(OPACITY) < 0.5, selector
    expect(page.locator(word).first).to_be_visible()
    expect(page.locator(word).first).to_have_text("computing…")


def is_bright(page, *selectors, word):
    for selector in selectors:
        element = page.locator(selector).first
        expect(element).to_be_visible()
        page.wait_for_function(f"(node) => ({OPACITY})(node) === 1", arg=element.element_handle())
    expect(page.locator(word).first).to_be_hidden()


def test_the_arithmetic_is_dim_until_the_new_cells_arrives(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace("the owl and the king"))).page
    page.locator(".detail summary").click()
    numbers = (".detail .arithmetic", ".detail .mix")
    is_bright(page, *numbers, word=".detail > .computing")
    page.evaluate(HOLD_ANSWERS, 0)
    page.locator("[role=application]").focus()
    page.keyboard.press("ArrowUp")
    is_dim(page, *numbers, word=".detail > .computing")
    assert page.locator(".readout").first.evaluate(OPACITY) == 1, "the new cell's weight is known in the page"
    page.evaluate("release()")
    is_bright(page, *numbers, word=".detail > .computing")


def test_the_order_by_role_says_that_it_is_being_computed(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace("the owl and the king"))).page
    page.evaluate(HOLD_ANSWERS, 0)
    page.locator(".heads select").select_option("induction")
    is_dim(page, ".heads .grid", word=".heads > .computing")
    page.evaluate("release()")
    expect(page.locator(".grid .scored")).to_have_count(6)
    is_bright(page, ".heads .grid", word=".heads > .computing")


def test_merges_and_an_appended_token_say_that_they_are_being_computed(shown, gpt):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    page = shown(gptviz.TokensView(box), gptviz.SamplingBench(box)).page
    page.locator(".gptviz-tokens .row button").nth(2).click()
    expect(page.locator(".merges li").first).to_be_visible()
    page.evaluate(HOLD_ANSWERS, 0)
    page.locator(".gptviz-tokens .row button").nth(1).click()
    is_dim(page, ".merges ol", word=".merges > .computing")
    page.evaluate("release()")
    is_bright(page, ".merges ol", word=".merges > .computing")
    page.evaluate(HOLD_ANSWERS, 1)
    page.get_by_role("button", name="draw once").click()
    page.get_by_role("button", name="append to the prompt").click()
    is_dim(page, ".gptviz-sampling table", word=".results > .computing")
    page.evaluate("release()")
    is_bright(page, ".gptviz-sampling table", word=".results > .computing")


FOLLOWERS = {
    gptviz.TokensView: ".row",
    gptviz.AttentionView: ".panes",
    gptviz.EmbeddingView: ".strips",
    gptviz.BlockView: ".panes",
    gptviz.SamplingBench: "table",
    gptviz.FlowView: ".flow",
    gptviz.GenerationTimeline: ".text",
}


@pytest.mark.parametrize("kind", FOLLOWERS)
def test_a_follower_is_dim_while_its_box_is_at_work(shown, gpt, kind):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    view = kind(box, seed=1, max_tokens=3) if kind is gptviz.GenerationTimeline else kind(box)
    page = shown(view)
    root, told = f".gptviz-{kind._name}", []
    view.observe(lambda change: told.append(change["new"]), "_waiting")
    trace = gpt.trace

    def at_the_trace(*args, **keywords):
        told.append("trace")
        return trace(*args, **keywords)

    gpt.trace = at_the_trace
    try:
        box.prompt = "the king"
        box.append(5)
        with pytest.raises(gptviz.GPTVizError):
            box.run("owl " * 400)
    finally:
        del gpt.trace
    assert told == [True, "trace", False] * 3
    is_bright(page.page, f"{root} {FOLLOWERS[kind]}", word=f"{root} > .waiting")
    view._waiting = True
    page.update()
    is_dim(page.page, f"{root} {FOLLOWERS[kind]}", word=f"{root} > .waiting")
    view._waiting = False
    page.update()
    is_bright(page.page, f"{root} {FOLLOWERS[kind]}", word=f"{root} > .waiting")


def test_the_paths_sentences_are_dim_while_the_prompt_is_read(shown, gpt):
    explorer = gptviz.explore("the owl", gpt=gpt)
    page = shown(explorer)
    explorer._waiting = True
    page.update()
    is_dim(page.page, ".station .sentence", word=".gptviz-explorer > .waiting")


def test_the_view_shows_why_a_selection_was_refused(shown, gpt):
    view = gptviz.AttentionView(gpt.trace("the owl"), layer=1)
    page = shown(view).page
    page.evaluate("(name) => { const s = selections[name]; s.set('layer', 999); s.save_changes(); }", view._selection)
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("a layer from 0 to 1")
    assert view.layer == 1
