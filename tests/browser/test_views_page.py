"""The views in a page of their own, in Chromium: visible text and pixels against the trace, hostile text, the keyboard.

The truth is the trace; what is read is what a person sees. The views in JupyterLab: test_views_lab.py.
"""

import re

import numpy as np
import pytest
import torch
from browser.pages import OF_A_TRACE, colour_table, settle
from close import rounding
from families import build, tokenizer
from page_text import HOSTILE_PAIRS, chip_text
from playwright.sync_api import expect
from shown import assert_shows
from small_models import gpt_for_any_text
from trained import training_view
from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM
from waiting import LONGEST_WAIT

import gptviz
from gptviz._paths import assets_dir
from gptviz.lens.opening import opening_head


@pytest.fixture(scope="module")
def gpt():
    return gpt_for_any_text()


@pytest.mark.parametrize("prompt", HOSTILE_PAIRS)
def test_hostile_text_is_text_in_every_view(shown, gpt, prompt):
    box = gptviz.PromptBox(prompt, gpt=gpt)
    timeline = gptviz.GenerationTimeline(gpt.complete(prompt, max_tokens=3, seed=1))
    page = shown(box, *(kind(box) for kind in OF_A_TRACE), timeline).page
    expected = [chip_text(token) for token in box.trace.tokens]
    assert page.locator(".gptviz-tokens li .chip").all_inner_texts() == expected
    assert page.locator(".gptviz-attention .line .chip").all_inner_texts() == expected
    assert page.locator(".gptviz-block .sentence-row .chip").all_inner_texts() == expected
    assert page.locator(".gptviz-embedding .sentence-row .chip").all_inner_texts() == expected
    assert page.locator(".gptviz-flow .sentence-row .chip").all_inner_texts() == expected
    assert page.locator(".gptviz-prompt textarea").input_value() == prompt
    expect(page.locator(".gptviz-timeline .steps li")).to_have_count(3)
    assert page.evaluate("window.hurt") is None
    assert page.locator("#views script, #views img:not(.gptviz-embedding .map img)").count() == 0


@pytest.mark.parametrize("prompt", HOSTILE_PAIRS)
def test_hostile_text_is_text_on_the_path_and_side_by_side(shown, gpt, prompt):
    explorer = gptviz.explore(prompt, gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    explorer.prompt = "Once"
    explorer.prompt = prompt
    explorer._stations["generation"].wait(LONGEST_WAIT)
    trace = explorer.trace
    page = shown(explorer, gptviz.compare(trace, gpt.trace("Once"))).page
    for button in page.locator(".rail button").all():
        button.click()
    last = chip_text(trace.tokens[-1])
    assert page.locator(".station-embedding > .head .chip").inner_text() == last
    leader = page.locator(".station-sampling > .head .chip").last  # the first is the token that it comes after
    assert leader.inner_text() == chip_text(trace.top(1)[0][0])
    expected = [chip_text(token) for token in trace.tokens]
    assert page.locator(".station-attention .line .chip").all_inner_texts() == expected
    assert page.locator(".gptviz-compare .line:not([hidden])").first.locator(".chip").all_inner_texts() == expected
    earlier = (
        page.get_by_label("earlier prompts").locator("option").evaluate_all("(all) => all.map((one) => one.value)")
    )
    assert earlier[1:] == ["Once"]
    assert prompt in page.locator(".gptviz-compare").evaluate("(node) => node.textContent")
    expect(page.locator(".station-generation .steps li").first).to_be_visible()
    assert page.evaluate("window.hurt") is None
    assert page.locator("#views script, #views img:not(.gptviz-embedding .map img)").count() == 0


# Attention


def cell_colours(page, cells):
    """Returns [r, g, b] in the middle of each (query, key) of the map."""
    return page.locator("canvas.map").evaluate(
        """(canvas, [cells, size]) => {
            const context = canvas.getContext("2d"), cell = canvas.width / size;
            const pixel = (q, k) => context.getImageData(Math.floor((k + 0.4) * cell), Math.floor((q + 0.6) * cell), 1, 1);
            return cells.map(([q, k]) => [...pixel(q, k).data].slice(0, 3));
        }""",
        [cells, int(page.locator(".gptviz-attention .line .chip").count())],
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pixels_are_the_weights_at_asymmetric_places(shown, gpt, dark):
    trace = gpt.trace("Once upon a time there was a cat")
    page = shown(gptviz.AttentionView(trace, layer=1, head=2), dark=dark).page
    weights = trace.attention(1, 2)
    cells = [(q, k) for q in (3, 5, 7) for k in range(q + 1)]
    table = colour_table(page, "weightColours", "dark" if dark else "light")
    wanted = [table[round(255 * float(weights[q, k]))] for q, k in cells]
    np.testing.assert_allclose(cell_colours(page, cells), wanted, atol=2)
    assert len({tuple(colour) for colour in wanted}) > 5, "the map is too even to test anything"


def test_what_a_sliding_window_hides_is_hatched_and_not_a_small_weight(shown):
    """With a window of 4, row 7 has four weights; earlier keys have no colour of the map."""
    torch.manual_seed(3)
    config = MistralConfig(
        vocab_size=4096, hidden_size=24, intermediate_size=40, num_hidden_layers=1, num_attention_heads=3,
        num_key_value_heads=3, sliding_window=4, max_position_embeddings=64,
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(assets_dir() / "tales")
    trace = gptviz.wrap(MistralForCausalLM(config).eval(), tokenizer).trace("Once upon a time there was a cat")
    view = gptviz.AttentionView(trace, head=1)
    page = shown(view).page
    expect(page.locator(".rowbars p").first).to_have_text("its 4 weights")
    expect(page.locator(".rowbars p").last).to_contain_text("1.000")
    weights, table = trace.attention(0, 1), colour_table(page, "weightColours", "light")
    wanted = [table[round(255 * float(weights[8, k]))] for k in (5, 6, 7, 8)]
    np.testing.assert_allclose(cell_colours(page, [(8, k) for k in (5, 6, 7, 8)]), wanted, atol=2)
    hidden = {tuple(colour) for colour in cell_colours(page, [(q, k) for q in (6, 7, 8) for k in range(q - 3)])}
    future = {tuple(colour) for colour in cell_colours(page, [(q, k) for q in (2, 3, 4) for k in range(q + 1, 9)])}
    assert hidden <= future
    assert {(row["query"], row["key"]) for row in view.to_table() if row["query"] == 7} == {
        (7, k) for k in (4, 5, 6, 7)
    }
    page.get_by_role("button", name="masked").click()
    masked = {tuple(colour) for colour in cell_colours(page, [(q, k) for q in (6, 7, 8) for k in range(q - 3)])}
    assert masked <= future


def test_the_stages_are_drawn_on_the_same_cells_and_read_out(shown, gpt):
    trace = gpt.trace("Once upon a time there was a cat")
    page = shown(gptviz.AttentionView(trace, layer=0, head=1)).page
    buttons = page.locator(".stages button")
    expect(buttons).to_have_text(["q·k", "÷ √d", "masked", "softmax"])
    table = np.array(colour_table(page, "signedColours", "light"))
    for index, stage in enumerate(trace.score_stages(0, 1).values()):
        buttons.nth(index).click()
        expect(page.locator(".readout")).to_contain_text(buttons.nth(index).inner_text())
        limit = np.abs(stage[np.isfinite(stage)]).max()
        future = [(1, 5), (2, 7), (0, 3)] if np.isfinite(stage).all() else []
        cells = [(4, 1), (7, 2), (7, 6), (2, 0), *future]
        wanted = [table[round(127.5 + 127.5 * float(stage[q, k]) / float(limit))] for q, k in cells]
        np.testing.assert_allclose(cell_colours(page, cells), wanted, atol=2)
        assert bool(future) == (index < 2), "the mask acts in the last stage"
    above = [(q, k) for q in range(8) for k in range(q + 1, 9)]
    hatched = cell_colours(page, above)
    buttons.nth(3).click()
    expect(page.locator(".readout")).not_to_contain_text("masked")
    assert hatched == cell_colours(page, above)
    assert len({tuple(one) for one in hatched}) <= 3, "paper, ink, and what lies between"


def test_a_long_text_can_be_zoomed_and_moved(shown, gpt):
    trace = gpt.trace("the cat and the owl " * 40)
    size = len(trace.tokens)
    page = shown(gptviz.AttentionView(trace, layer=1, head=2)).page
    assert "pooled from" in page.locator(".heads").inner_text()
    page.locator(".line .chip").nth(size // 2).click()
    for _ in range(4):
        page.get_by_role("button", name="zoom in").click()
    labels = page.locator(".queries .chip")
    expect(labels).to_have_count(round(size / 16))
    first = size // 2 - round(size / 32)
    assert abs([chip_text(t) for t in trace.tokens].index(labels.first.inner_text(), first - 1) - first) <= 1
    stage = page.locator(".stage").bounding_box()
    readout = page.locator(".readout .query sub")
    before = int(readout.inner_text())
    page.mouse.move(stage["x"] + 30, stage["y"] + stage["height"] - 4)
    page.mouse.down()
    page.mouse.move(stage["x"] + 30, stage["y"] + 4, steps=4)
    page.mouse.up()
    page.mouse.move(stage["x"] + 30, stage["y"] + stage["height"] - 3)
    assert int(readout.inner_text()) > before + 3
    for _ in range(5):
        page.get_by_role("button", name="zoom out").click()
    expect(page.locator(".stage[data-part]")).to_have_count(0)


def test_every_step_of_the_arithmetic_is_the_untouched_models(shown, gpt):
    """Queries, keys and values come from the model's own matrices; the test computes everything after them."""
    trace, (layer, head) = gpt.trace("Once upon a time there was a cat"), (1, 2)
    size, width, block = len(trace.tokens), trace.d_head, gpt.model.transformer.h[layer]
    with torch.no_grad():
        ids = torch.tensor([[token.id for token in trace.tokens]])
        stream = gpt.model(ids, output_hidden_states=True).hidden_states[layer][0]
        parts = block.attn.c_attn(block.ln_1(stream)).split(trace.d_model, dim=-1)
        q, k, v = (part.view(size, trace.n_heads, width)[:, head].double().numpy() for part in parts)
        output = block.attn.c_proj.weight[head * width : (head + 1) * width].double().numpy()
    view = gptviz.AttentionView(trace, layer=layer, head=head)
    page = shown(view).page
    page.locator("summary").click()

    for query, key in ((6, 2), (8, 8), (4, 0), (0, 0)):
        page.evaluate(
            "([name, query, key]) => Object.entries({ query, key }).forEach(([what, at]) => selections[name].set(what, at))",
            [view._selection, query, key],
        )
        expect(page.locator(".cell .query sub")).to_have_text(str(query))
        expect(page.locator(".cell .key sub")).to_have_text(str(key))
        page.wait_for_function("() => !document.querySelector('[data-asking]')")
        raw = q[query] @ k[key]
        row = np.array([q[query] @ k[one] for one in range(query + 1)]) / np.sqrt(width)
        exponentials = np.exp(row - row.max())
        weights = exponentials / exponentials.sum()
        bound = rounding(1.0, np.abs(q[query]) @ np.abs(k[: query + 1]).T)
        steps = page.locator(".arithmetic li .number").all_inner_texts()
        for text, value in zip(steps, [raw, row[key], row[key], exponentials[key], weights[key]], strict=True):
            assert_shows(text, value, bound)
        words = page.locator(".arithmetic li .muted").all_inner_texts()
        assert words[:3] == ["q·k", f"÷ √{width} = {np.sqrt(width):.3g}", "masked"]
        powers = re.findall(r"\(?−?[\d.]+\)?", words[3].split("^")[1])[:2]
        for text, value in zip(powers, (row[key], row.max()), strict=True):
            assert_shows(text.strip("()"), value, bound)
        assert_shows(re.search(r"÷ ([\d.]+)", words[4])[1], exponentials.sum(), (query + 1) * bound)
        products = page.locator(".cell .strip").nth(2).locator(":scope > .number").inner_text()
        assert_shows(products.split()[-1], raw, bound)
        heaviest = np.argsort(-weights, kind="stable")
        heaviest = heaviest if len(heaviest) <= 6 else heaviest[:5]
        names = page.locator(".mix .strip .value").all_inner_texts()
        assert [int(re.search(r"\d+$", name)[0]) for name in names] == heaviest.tolist()
        for name, weight in zip(names, weights[heaviest], strict=True):
            assert_shows(name.split(" ")[0], weight, bound)
        added = (weights @ v[: query + 1]) @ output
        lengths = re.findall(r"length (\d[\d.]*\d)", page.locator(".mix > p").inner_text())
        for text, vector in zip(lengths, (stream[query].double().numpy(), added), strict=True):
            assert_shows(text, np.linalg.norm(vector), rounding(stream[query]))


def test_a_family_without_queries_says_so(shown):
    trace = gptviz.wrap(build("bloom"), tokenizer()).trace([5, 9, 2, 31])
    page = shown(gptviz.AttentionView(trace)).page
    expect(page.locator(".stages button")).to_have_count(0)
    page.locator("summary").click()
    expect(page.locator(".detail")).to_contain_text("eager")
    expect(page.locator(".cell")).to_be_hidden()


def test_pointing_in_one_view_moves_the_other_without_a_message(shown, gpt):
    box = gptviz.PromptBox("Once upon a time there was a cat", gpt=gpt)
    first, second = gptviz.AttentionView(box), gptviz.AttentionView(box)
    page = shown(first, second).page
    sent = page.evaluate("models.map((model) => model.sent)")
    page.locator(".gptviz-attention").first.locator(".stage").hover(position={"x": 30, "y": 130})
    texts = page.locator(".gptviz-attention .readout").all_inner_texts()
    assert texts[0] == texts[1]
    assert "₀" not in texts[0]
    assert page.evaluate("models.map((model) => model.sent)") == sent
    page.locator(".gptviz-attention").last.locator(".grid button").nth(4).click()
    expect(page.locator(".gptviz-attention h3").first).to_contain_text("L1 · H1")
    assert (box.selection.layer, box.selection.head) == (1, 1)
    page.evaluate("models[0].cleanup(), models[1].cleanup()")
    left = page.evaluate("Object.values(selections).flatMap((one) => [...one.listeners.values()].flat()).length")
    assert left == 0


def test_the_keyboard_reaches_cells_heads_and_steps(shown, gpt):
    trace = gpt.trace("Once upon a time there was a cat")
    completion = gpt.complete("Once", max_tokens=5, seed=2)
    page = shown(gptviz.AttentionView(trace, layer=0, head=0), gptviz.GenerationTimeline(completion)).page
    page.locator(".stage").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".readout .query sub")).to_have_text(str(len(trace.tokens) - 2))
    page.locator(".grid button[data-open]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L1 · H1")
    page.locator(".steps li[data-chosen]").focus()
    page.keyboard.press("End")
    expect(page.locator(".gptviz-timeline .detail h4").first).to_contain_text("Step 4")


def test_the_view_says_why_it_opened_at_a_head_and_keeps_the_space_for_it(shown, gpt):
    trace = gpt.trace("Once upon a time there was a cat")
    view = gptviz.AttentionView(trace)
    page = shown(view).page
    note, opening = page.locator(".gptviz-attention .opening"), opening_head(trace)
    query, key = (chip_text(trace.tokens[at]) + str(at) for at in (opening.query, opening.key))
    expect(page.locator(".gptviz-attention h3")).to_contain_text(f"L{opening.layer} · H{opening.head}")
    expect(note).to_contain_text(f"{query} gives {key} {opening.weight:.3f}, the largest weight in any head")
    before = page.locator("canvas.map").bounding_box()
    page.locator(".grid button:not([data-open])").first.click()
    settle(page)
    expect(note).not_to_be_visible()
    assert page.locator("canvas.map").bounding_box() == before
    page.locator(".grid button").nth(opening.layer * trace.n_heads + opening.head).click()
    expect(note).to_be_visible()
    page = shown(gptviz.AttentionView(trace, layer=opening.layer, head=opening.head)).page
    expect(page.locator(".gptviz-attention .opening")).to_be_hidden()


# The Explorer


def test_the_block_that_is_open_is_marked_and_no_other(shown, gpt):
    explorer = gptviz.explore("Once upon a time there was a cat", gpt=gpt)
    page = shown(explorer).page
    marked, sentence = page.locator(".stack button[data-open]"), page.locator(".station-attention .sentence")
    expect(marked).to_have_count(0)
    layer, head = explorer.selection.layer, explorer.selection.head
    expect(sentence).to_contain_text(f"is in L{layer} · H{head}:")
    page.locator(".at-attention button").click()
    expect(marked).to_have_text(f"block {layer}")
    expect(page.locator(".station-attention .gptviz-attention h3")).to_contain_text(f"L{layer} · H{head}")
    page.locator(".at-tokens button").click()
    expect(marked).to_have_count(0)
    expect(page.locator(".stack button[aria-current=true]")).to_have_count(0)


def test_the_path_opens_in_place_and_goes_round_again(shown, gpt):
    explorer = gptviz.explore("Once upon a time there was a cat", gpt=gpt)
    view = shown(explorer)
    page = view.page
    expect(page.locator(".station")).to_have_count(6)
    leader, share = explorer.trace.top(1)[0]
    expect(page.locator(".station-sampling .sentence")).to_contain_text(chip_text(leader))
    expect(page.locator(".station-sampling .sentence")).to_contain_text(f"{100 * share:.3g}")
    expect(page.locator(".stack button")).to_have_text(["block 1", "block 0"])
    page.locator(".at-attention button").click()
    page.locator(".stack button").first.click()
    expect(page.locator(".station-attention .gptviz-attention h3")).to_contain_text(f"L1 · H{explorer.selection.head}")
    page.locator(".at-sampling button").click()
    page.get_by_role("button", name="draw once").click()
    page.get_by_role("button", name="append to the prompt").click()
    settle(page)
    view.update()
    expect(page.locator(".station-tokens .sentence")).to_contain_text(f"{len(explorer.trace.tokens) - 1} tokens")
    expect(page.locator(".station-attention .line .chip")).to_have_count(len(explorer.trace.tokens))
    assert len(explorer.trace.tokens) == 10


def test_a_presenter_goes_from_station_to_station_by_keys(shown, gpt):
    page = shown(gptviz.explore("Once upon a time", gpt=gpt)).page
    page.get_by_role("button", name="present").click()
    visible = page.locator(":is(.station > .head h4, .gptviz-flow h3):visible")
    expect(visible).to_have_text("A text flowing through the model")
    for _ in range(3):
        page.keyboard.press("Space")
    expect(visible).to_have_text("Text to tokens")
    for title in ("Tokens to numbers", "Tokens to numbers", "Blocks"):
        page.keyboard.press("Space")
        expect(visible).to_have_text(title)
    expect(page.locator(".station-attention canvas.map")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(visible).to_have_text("Tokens to numbers")
    page.get_by_role("button", name="freeze").click()
    assert page.locator(".stations").get_attribute("inert") is not None
    page.locator(".gptviz-explorer").press("Escape")
    expect(page.locator(".rail button:visible")).to_have_count(6)
    assert page.locator(".stations").get_attribute("inert") is None


def test_views_in_chinese_have_no_english_sentence(shown, gpt):
    """Only names of settings and formulas may be in English."""
    trace = gpt.trace("Once upon a time")
    completion = gpt.complete("Once", max_tokens=4, seed=2)
    timeline = gptviz.GenerationTimeline(completion, gpt=gpt, language="zh")
    timeline.force(2, completion.choices[0].steps[2].alternatives[-1].token.id)
    timeline.wait(LONGEST_WAIT)
    other = gptviz.compare(trace, gpt.trace("Once more"), language="zh")
    explorer = gptviz.explore("Once upon a time", gpt=gpt, language="zh")
    explorer._stations["generation"].wait(LONGEST_WAIT)
    run = training_view(language="zh")
    page = shown(*(kind(trace, language="zh") for kind in OF_A_TRACE), timeline, other, run, explorer).page
    for button in page.locator(".rail button").all():
        button.click()
    own_text = page.locator(".written, .text, .beginning, .comparison .sentence")
    # Text that the model wrote is not part of the interface.
    own_text.evaluate_all("nodes => nodes.forEach((node) => node.remove())")
    for shown_text in page.locator("h3, h4, label, p, th, summary, button, figcaption").all_inner_texts():
        text = re.sub(r"softmax|logits?|top-[kp]|min-p|gpt\.complete.*|L\d · H\d|q·k|<\|.*\|>", "", shown_text)
        assert not re.search(r"[a-z]{3,} [a-z]{3,}", text), text


def test_errors_are_shown_in_chinese(shown, gpt):
    plain = gptviz.wrap(build("gpt2"), tokenizer())  # its tokenizer adds no start token
    eager = gptviz.wrap(build("bloom"), tokenizer()).trace("the owl")
    boxes = [gptviz.PromptBox("the owl", gpt=one, language="zh") for one in (gpt, plain)]
    page = shown(
        *boxes, gptviz.TokensView(gpt.trace("Once"), language="zh"), gptviz.AttentionView(eager, language="zh")
    ).page
    for box, text, words in ((0, "owl " * 500, "提示最多 400 个词元"), (1, "", "提示至少要有一个词元")):
        prompt = page.locator(".gptviz-prompt").nth(box)
        prompt.get_by_role("textbox").fill(text)
        prompt.get_by_role("button", name="运行").click()
        expect(prompt.locator(".problem:visible")).to_contain_text(words)
    page.locator(".gptviz-tokens .row button").first.click()
    expect(page.locator(".merges")).to_contain_text("特殊词元")
    page.locator(".detail summary").click()
    expect(page.locator(".detail")).to_contain_text("只返回注意力权重（eager 路线）")
    page.evaluate("models[0].emit('msg:custom', { kind: 'refused', error: 'Expected x', code: '', facts: {} }, [])")
    expect(page.locator(".gptviz-prompt .refusal").first).to_have_text("出错了，原因只有英文：Expected x")


def test_the_merges_name_their_token_and_its_chip_stays_marked(shown, gpt):
    trace = gpt.trace("Once upon a time")
    page = shown(gptviz.TokensView(trace)).page
    chips, merges = page.locator(".gptviz-tokens .row button"), page.locator(".gptviz-tokens .merges")
    chips.nth(2).click()
    told = trace.tokens[2].text.replace(" ", "␣")
    expect(merges.locator("p")).to_have_text(re.compile(rf"^{re.escape(told)} at position 2: how its word"))
    chips.nth(4).hover()
    expect(page.locator(".gptviz-tokens .about")).to_contain_text("position 4")
    expect(merges.locator("p")).to_contain_text("at position 2")
    assert chips.evaluate_all("(all) => all.map((one) => one.ariaPressed)") == [
        "false",
        "false",
        "true",
        "false",
        "false",
    ]
    assert chips.nth(2).evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    chips.nth(3).click()
    expect(merges.locator("p")).to_contain_text("at position 3")
    assert page.locator(".gptviz-tokens [aria-pressed='true']").count() == 1
