"""Embedding, block, timeline and comparison in a page: their numbers in the DOM against independent results."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from browser.pages import OF_A_TRACE, settle
from close import approx_float32, assert_close, rounding
from families import build, tokenizer
from page_text import HOSTILE, chip_text, number
from playwright.sync_api import expect
from shown import approx_three_digits, assert_shows
from trained import training_view
from transformers import AutoModelForCausalLM
from waiting import LONGEST_WAIT

import gptviz
from gptviz._paths import assets_dir
from gptviz.widgets.embedding.embedding import map_figure

PROMPT = "Once upon a time there was a girl named Anna"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def close_to(text, value):
    """Checks that the text is the value in three significant digits."""
    assert_shows(text, value, rounding(value, 1.0))


# Block


def test_the_shown_parts_add_up_to_the_untouched_models_logit(shown, gpt):
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.BlockView(trace, layer=2)).page
    untouched = AutoModelForCausalLM.from_pretrained(assets_dir() / "tales")
    with torch.no_grad():
        logits = untouched(torch.tensor([gpt.encode(PROMPT)])).logits[0]
    for position, rank in ((len(gpt.encode(PROMPT)) - 1, 0), (4, 3)):
        page.locator(".sentence-row button").nth(position).click()
        expect(page.locator(".sentence-row button[aria-pressed=true]")).to_have_count(1)
        page.wait_for_function("() => !document.querySelector('[data-computing]')")
        page.locator(".ledger select").select_option(str(rank))
        page.wait_for_function("() => !document.querySelector('[data-computing]')")
        parts = page.locator(".ledger tbody td[title]:not(.total)").evaluate_all(
            "(all) => all.map((one) => Number(one.title))"
        )
        truth = float(logits[position].sort(descending=True).values[rank])
        assert sum(parts) == pytest.approx(truth, abs=rounding(parts, trace.logits))
        close_to(page.locator(".ledger .total").inner_text(), truth)
        assert len(parts) == 2 + 2 * gpt.n_layers + 1
        lengths = page.locator(".ledger .fill").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().width)"
        )
        sizes = np.abs(parts)
        one_scale = max(lengths) / sizes.max() * sizes  # pixels
        np.testing.assert_allclose(np.array(lengths)[sizes > 0.05], one_scale[sizes > 0.05], atol=0.6)


def test_the_ledgers_last_sum_and_the_logit_are_the_same_number(shown, gpt, monkeypatch):
    """A sum of 8.214998 and a logit of 8.215001 are written as the same number; a real difference stays visible."""

    def last_rows(logit):
        view = gptviz.BlockView(gpt.trace(PROMPT))
        answer = {"logit": logit, "probability": 0.5, "rounding": 1e-5, "steps": [None] * 40}
        share = {"part": "token", "value": 8.214998, "layer": None, "head": None}

        def answer_shares(self, layer: int, position: int, id: int):
            return {**answer, "shares": [share]}

        monkeypatch.setattr(gptviz.BlockView, "_answer_shares", answer_shares)
        page = shown(view).page
        return [
            page.locator(f".ledger tbody {row}").inner_text() for row in ("tr:nth-last-child(2) > .number", ".total")
        ]

    assert last_rows(8.215001) == ["8.22", "8.22"]
    assert last_rows(8.5) == ["8.21", "8.50"]


@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_the_step_titles_end_where_their_columns_end(shown, gpt, scale):
    page = shown(gptviz.BlockView(gpt.trace(PROMPT), scale=scale)).page
    for column in (".number", ".share"):
        ends = [
            page.locator(f".strip{row} > {column}").first.evaluate("(one) => one.getBoundingClientRect().right")
            for row in (".titles", "[data-step=attention]")
        ]
        assert ends[0] == pytest.approx(ends[1], abs=0.5)


def test_a_long_sentence_wraps_and_the_chosen_token_is_in_sight(shown, gpt):
    trace = gpt.trace("Once upon a time there was a girl named Anna. " * 9)
    page = shown(gptviz.EmbeddingView(trace, position=3)).page
    row = page.locator(".sentence-row")
    assert row.evaluate("(one) => one.scrollWidth <= one.clientWidth && one.scrollHeight > one.clientHeight")
    for chosen in (row.locator("button").last, row.locator("button").nth(50)):
        chosen.evaluate("(one) => one.click()")
        expect(chosen).to_have_attribute("aria-pressed", "true")
        box, inner = row.bounding_box(), chosen.bounding_box()
        assert box["y"] <= inner["y"] and inner["y"] + inner["height"] <= box["y"] + box["height"]


def test_the_blocks_steps_are_the_traces_vectors(shown, gpt):
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.BlockView(trace, layer=3)).page
    lengths = dict(zip(["in", "head", "attention", "middle", "mlp", "out"], [0] * 6, strict=True))
    for kind in lengths:
        row = page.locator(f".strip[data-step={kind}]").nth(2 if kind == "head" else 0)
        lengths[kind] = row.locator(":scope > .number").inner_text()
    close_to(lengths["in"], np.linalg.norm(trace.residual(3)[-1]))
    close_to(lengths["head"], np.linalg.norm(trace.head_output(3, 2)[-1]))
    close_to(lengths["attention"], np.linalg.norm(trace.attn_out(3)[-1]))
    close_to(lengths["middle"], np.linalg.norm(trace.residual(3)[-1] + trace.attn_out(3)[-1]))
    close_to(lengths["mlp"], np.linalg.norm(trace.mlp_out(3)[-1]))
    close_to(lengths["out"], np.linalg.norm(trace.residual(4)[-1]))
    activations = trace.mlp_activations(3)[-1]
    matrix = gpt.model.transformer.h[3].mlp.c_proj.weight.detach().numpy()
    strongest = int((np.abs(activations) * np.linalg.norm(matrix, axis=1)).argmax())
    expect(page.locator(".strip[data-step=neuron]").first).to_contain_text(f"neuron {strongest:,}")


def test_the_block_names_what_a_family_lacks(shown):
    trace = gptviz.wrap(build("opt_post_norm"), tokenizer()).trace("the owl")
    page = shown(gptviz.BlockView(trace)).page
    expect(page.locator(".journey")).to_contain_text("Expected")
    expect(page.locator(".ledger > p").first).to_contain_text("Expected")
    parallel = gptviz.wrap(build("gpt_neox"), tokenizer()).trace("the owl")
    page = shown(gptviz.BlockView(parallel)).page
    expect(page.get_by_text("reads the same stream as attention")).to_be_visible()
    expect(page.locator(".strip[data-step=middle]")).to_have_count(0)


# Embedding


def test_the_embeddings_strips_and_neighbours(shown, gpt):
    trace = gpt.trace(PROMPT)
    page = shown(gptviz.EmbeddingView(trace, position=8)).page
    lengths = [number(text.split()[-1]) for text in page.locator(".strips .strip > .number").all_inner_texts()]
    wte = gpt.model.transformer.wte.weight.detach().numpy()
    wpe = gpt.model.transformer.wpe.weight.detach().numpy()
    id = trace.tokens[8].id
    for found, vector in zip(lengths, [wte[id], wpe[8], wte[id] + wpe[8]], strict=True):
        assert found == approx_three_digits(np.linalg.norm(vector))
    expect(page.locator(".strips").first).to_contain_text(f"row {id:,} of the token table")
    expect(page.locator(".strips").first).to_contain_text("row 8 of the position table")
    cosines = wte @ wte[id] / np.linalg.norm(wte, axis=1) / np.linalg.norm(wte[id])
    cosines[id] = -1
    nearest = np.argsort(-cosines)[:8]
    assert page.locator(".near .chip").all_inner_texts() == [chip_text(gpt.token(int(i))) for i in nearest]
    drawn = page.locator(".near li").evaluate_all("(all) => all.map((one) => Number(one.title))")
    assert_close(drawn, cosines[nearest], scale=1.0)


def test_under_rotary_positions_the_turn_is_shown_instead(shown):
    gpt = gptviz.wrap(build("llama"), tokenizer())
    trace = gpt.trace("the thin owl")
    page = shown(gptviz.EmbeddingView(trace, position=7)).page
    expect(page.locator(".gptviz-embedding")).to_contain_text("Positions enter later, in attention")
    expect(page.locator(".gptviz-embedding")).not_to_contain_text("Expected")
    expect(page.locator(".rotation .strip")).to_have_count(4)
    attention, x = gpt.model.model.layers[0].self_attn, gpt.model.model.layers[0].input_layernorm(
        torch.tensor(trace.embedding())
    )  # fmt: skip
    with torch.no_grad():
        query = attention.q_proj(x).view(len(trace.tokens), trace.n_heads, trace.d_head)[7, 0].numpy()
    assert_close(trace.unrotated()[0][0, 7], query, scale=x)
    lengths = [number(text.split()[-1]) for text in page.locator(".rotation .strip > .number").all_inner_texts()]
    assert lengths[0] == approx_three_digits(np.linalg.norm(query), x)
    assert lengths[0] == lengths[1] and lengths[2] == lengths[3]


# Timeline


def test_a_token_forced_in_the_page_gives_the_same_branch_as_complete(shown, gpt):
    completion = gpt.complete(PROMPT, max_tokens=10, temperature=0.9, seed=5)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    showing = shown(view)
    page, steps = showing.page, completion.choices[0].steps
    page.locator(".steps li").nth(3).click()
    row = page.locator(".detail tbody tr:not([data-taken])").first
    row.get_by_role("button", name="force", exact=True).click()
    view.wait(LONGEST_WAIT)
    showing.update()
    other = next(a.token for a in steps[3].alternatives if a.token.id != steps[3].token.id)
    prefix = gpt.encode(PROMPT) + [s.token.id for s in steps[:3]] + [other.id]
    wanted = gpt.complete(prefix, max_tokens=6, temperature=0.9, seed=5).choices[0]
    expect(page.locator(".steps li")).to_have_count(4 + len(wanted.steps))
    text = page.locator(".gptviz-timeline > .text").evaluate("(node) => node.textContent")
    assert text == PROMPT + gpt.decode(prefix[-4:]) + wanted.text
    expect(page.locator(".steps li[data-forced]")).to_have_count(1)
    expect(page.locator(".tree button[aria-pressed=true]")).to_contain_text("Step 3")
    expect(page.locator(".comparison")).to_be_visible()
    assert page.locator(".comparison .text").nth(1).evaluate("(node) => node.textContent") == completion.choices[0].text


def test_scrubbing_stays_in_the_page(shown, gpt):
    completion = gpt.complete(PROMPT, max_tokens=12, temperature=0.9, seed=5)
    page = shown(gptviz.GenerationTimeline(completion, gpt=gpt)).page
    sent = page.evaluate("models[0].sent")
    slider = page.locator(".controls input")
    for step in (7, 2, 9):
        slider.fill(str(step))
        expect(page.locator(".detail h4")).to_contain_text(f"Step {step}")
        so_far = "".join(one.text for one in completion.choices[0].steps[: step + 1])
        assert page.locator(".written").evaluate("(node) => node.textContent") == so_far
        held, _ = completion.choices[0].steps[step].cached
        expect(page.locator(".detail")).to_contain_text(f"keys and values of {held} tokens")
        expect(page.locator(".detail")).to_contain_text(f"without the cache it would have read {held}")
    assert page.evaluate("models[0].sent") == sent
    page.get_by_role("button", name="play").click()
    expect(page.locator(".detail h4")).to_contain_text("Step 11")
    expect(page.get_by_role("button", name="play")).to_be_visible()


def test_heads_missing_from_a_file_are_hatched_and_labelled(shown, gpt, tmp_path):
    """The canvas is transparent there, so that the button's hatching is visible."""
    found = gptviz.open_trace(gpt.trace(PROMPT).save(tmp_path / "some.safetensors", layers=[1, 3]))
    page = shown(gptviz.AttentionView(found, layer=1, head=0)).page
    expect(page.locator(".gptviz-attention h3")).to_contain_text("L1 · H0")
    drawn = page.locator(".grid canvas").evaluate_all(
        "(all) => all.map((one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((x) => x > 0))"
    )
    assert drawn == [layer in (1, 3) for layer in range(gpt.n_layers) for _ in range(gpt.n_heads)]
    page.locator(".grid button").first.click()
    expect(page.locator(".problem").first).to_contain_text("attention and neurons of layers 1, 3")
    expect(page.locator(".gptviz-attention")).to_have_attribute("data-refused", "")
    page.locator(".grid button").nth(gpt.n_heads + 2).click()
    expect(page.locator(".gptviz-attention")).not_to_have_attribute("data-refused", "")


# Comparison


def test_two_prompts_side_by_side_move_together(shown, gpt):
    one, other = gpt.trace(PROMPT), gpt.trace("The king was old and the queen was young")
    page = shown(gptviz.compare(one, other)).page
    for view, trace in zip(page.locator(".gptviz-attention").all(), (one, other), strict=True):
        expect(view.locator(".readout .query")).to_have_text(f"{chip_text(trace.tokens[-1])}{len(trace.tokens) - 1}")
    expect(page.locator(".gptviz-compare > header")).to_contain_text("Each side starts at its own last token")
    page.locator(".gptviz-attention").last.locator(".grid button").nth(2 * gpt.n_heads + 5).click()
    for view, trace in zip(page.locator(".gptviz-attention").all(), (one, other), strict=True):
        expect(view.locator("h3")).to_contain_text("L2 · H5")
        expect(view.locator(".rowbars li .number").first).to_have_text(f"{trace.attention(2, 5)[-1].max():.3f}")


def test_the_comparison_names_what_both_prompts_predict(shown, gpt):
    texts = ("When Tom and Mary went to the park, Tom gave a ball to", 'Anna said, "')
    traces = [gpt.trace(text) for text in texts]
    page = shown(gptviz.compare(*traces)).page
    table = page.locator("table.next")
    assert table.locator("thead .text").all_inner_texts() == list(texts)
    assert page.locator(".benches .reads .text").all_inner_texts() == list(texts)
    for side, trace in enumerate(traces):
        shares = trace.probabilities().astype(float)
        for token, share in trace.top(10):
            row = table.locator("tbody tr").filter(
                has=page.locator(".chip", has_text=re.compile(f"^{re.escape(chip_text(token))}$"))
            )
            cell = row.locator("td").nth(side)
            assert float(cell.get_attribute("title")[:-2]) == approx_float32(100 * share)
            width = cell.locator(".fill").evaluate(
                "(n) => n.getBoundingClientRect().width / n.parentElement.clientWidth"
            )
            assert width == pytest.approx(share, abs=0.01)
        bits = -(shares[shares > 0] * np.log2(shares[shares > 0])).sum()
        told = table.locator("tfoot tr")
        close_to(told.nth(0).locator("td").nth(side).inner_text().split()[0], bits)
        close_to(told.nth(1).locator("td").nth(side).inner_text(), 2**bits)
        leading = table.locator("tr", has=page.locator(f"td:nth-of-type({side + 1})[data-leads]"))
        expect(leading.locator(".chip")).to_have_text(chip_text(trace.top(1)[0][0]))
        bench = page.locator(".gptviz-sampling").nth(side)
        expect(bench.locator(".sentence .chip").nth(1)).to_have_text(chip_text(trace.top(1)[0][0]))


def test_the_comparisons_rows_are_ordered_by_either_side(shown, gpt):
    traces = [gpt.trace(text) for text in COMPARED]
    compared = gptviz.compare(*traces)
    page = shown(compared).page
    names, orders = page.locator("table.next tbody th .chip"), page.locator("table.next .order")
    as_it_came = names.all_inner_texts()
    for side, trace in enumerate(traces):
        orders.nth(side).click()
        shares = trace.probabilities()
        listed = {token.id: chip_text(token) for other in traces for token, _ in other.top(10)}
        assert names.all_inner_texts() == [listed[one] for one in sorted(listed, key=lambda one: -shares[one])]
        expect(page.locator("table.next th[aria-sort=descending]")).to_have_count(1)
    assert names.all_inner_texts() != as_it_came
    orders.nth(1).click()
    assert names.all_inner_texts() == as_it_came
    expect(page.locator("table.next th[aria-sort]")).to_have_count(0)


def test_two_models_with_other_shapes_each_show_their_own(shown, gpt):
    other = gptviz.wrap(build("llama"), tokenizer())
    compared = gptviz.compare(gpt.trace("the owl"), other.trace("the owl"))
    page = shown(compared).page
    expect(page.get_by_text("differ in their layers and heads")).to_be_visible()
    page.locator(".gptviz-attention").first.locator(".grid button").last.click()
    own = compared.views[1]
    expect(page.locator(".gptviz-attention h3").last).to_contain_text(f"L{own.layer} · H{own.head}")
    expect(page.locator(".gptviz-sampling")).to_have_count(2)
    row = page.locator("table.next tr:has([data-unknown])").first
    expect(row.locator("[data-unknown]")).to_have_text("not in the vocabulary")


COMPARED = (
    "When Tom and Mary went to the park, Tom gave a ball to",
    "When Tom and Lucy went to the park, Lucy gave a ball to",
)
WIDTHS = {"screen": (860, 910, 1000, 1100, 1280, 1440, 1600, 1920), "projector": (1000, 1280, 1366, 1600, 1920)}


@pytest.mark.parametrize("scale", WIDTHS)
def test_at_every_width_the_maps_are_large_and_the_benches_whole(shown, gpt, scale):
    """The layout follows the width of the view, not of the window: JupyterLab's side bar takes some of it."""
    page = shown(gptviz.compare(*map(gpt.trace, COMPARED), scale=scale)).page
    page.set_viewport_size({"width": 1920, "height": 900})
    boxes = page.locator(".gptviz-attention, .gptviz-attention .one, .gptviz-sampling .results, table.next")
    ems = "(all) => all.map((one) => one.getBoundingClientRect().width / parseFloat(getComputedStyle(one).fontSize))"
    for width in WIDTHS[scale]:
        page.locator("#views").evaluate("(node, width) => { node.style.width = `${width}px`; }", width - 40)
        settle(page)
        assert max(boxes.evaluate_all("(all) => all.map((one) => one.scrollWidth - one.clientWidth)")) <= 1, width
        for drawn in page.locator(".gptviz-attention .map").all():
            assert drawn.bounding_box()["width"] >= 240, width
        assert min(page.locator(".gptviz-sampling tbody tr:first-child .track:visible").evaluate_all(ems)) > 4.8, width


def test_a_single_attention_view_uses_panes_while_its_map_stays_large(shown, gpt):
    page = shown(gptviz.AttentionView(gpt.trace(COMPARED[0]))).page
    columns = "(node) => getComputedStyle(node).gridTemplateColumns.split(' ').length"
    for width, panes in [(1280, 3), (1140, 3), (1000, 2), (700, 1)]:
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.locator(".panes").evaluate(columns) == panes, width
        assert page.locator(".map").first.bounding_box()["width"] >= 240, width


def test_the_next_tokens_bars_have_their_axis(shown, gpt):
    page = shown(gptviz.compare(*map(gpt.trace, COMPARED))).page
    table = page.locator("table.next")
    assert table.locator(".percents").all_inner_texts() == ["0\n50\n100 %"] * 2
    for side in range(2):
        axis, track = table.locator(".percents").nth(side), table.locator("tbody tr").first.locator(".track").nth(side)
        told, drawn = axis.bounding_box(), track.bounding_box()
        assert (told["x"], told["width"]) == pytest.approx((drawn["x"], drawn["width"]), abs=1.5)


def test_a_panes_title_stays_on_one_line(shown, gpt):
    page = shown(gptviz.compare(*map(gpt.trace, COMPARED), scale="projector")).page
    for title in page.locator(".gptviz-attention h3").all():
        assert (
            title.evaluate(
                "(node) => node.getBoundingClientRect().height / parseFloat(getComputedStyle(node).lineHeight)"
            )
            < 1.5
        )


# Pictures


@pytest.mark.parametrize("prompt", [PROMPT, HOSTILE[1], HOSTILE[5]])
def test_a_view_is_saved_as_a_picture_with_its_text_as_text(shown, gpt, prompt, tmp_path):
    trace = gpt.trace(prompt)
    timeline = gptviz.GenerationTimeline(gpt.complete(prompt, max_tokens=4, seed=1))
    page = shown(*(kind(trace) for kind in OF_A_TRACE), timeline, training_view()).page
    for i, button in enumerate(page.locator("#views > div > .gptviz > .save-picture").all()):
        with page.expect_download() as download:
            button.click()
        download.value.save_as(tmp_path / f"{i}.svg")
        root = ElementTree.parse(tmp_path / f"{i}.svg").getroot()
        names = {node.tag.rpartition("}")[2] for node in root.iter()}
        assert not names & {"script", "foreignObject", "a", "iframe"}
        assert not [node for node in root.iter() if any(name.lower().startswith("on") for name in node.attrib)]
        said = "".join("".join(node.itertext()) for node in root.iter() if node.tag.endswith("text"))
        if i == 0:
            assert chip_text(trace.tokens[2]) in said
        if i == 3:
            total = page.locator(".gptviz-block .total").inner_text()
            assert total in said
    assert page.evaluate("window.hurt") is None


def test_the_maps_labels_have_the_scales_type_size(shown, gpt):
    trace = gpt.trace(PROMPT)
    for scale, least in (("screen", 13), ("projector", 19)):
        page = shown(gptviz.EmbeddingView(trace, scale=scale)).page
        image = page.locator(".map img")
        expect(image).to_be_visible()
        drawn = image.evaluate(
            "(one) => [decodeURIComponent(one.src), one.getBoundingClientRect().width / one.naturalWidth]"
        )
        sizes = [drawn[1] * int(size) for size in re.findall(r'font-size="(\d+)"', drawn[0])]
        assert len(sizes) == len({token.id for token in trace.tokens}) and min(sizes) >= least
        layout = map_figure(trace, scale=scale).layout
        assert layout.font.size == {"screen": 13, "projector": 19.5}[scale]
        assert all(one.font.size is None for one in layout.annotations), "they take the layout's"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scale", ["screen", "projector"])
def test_the_blocks_numbers_and_its_last_row_have_room(shown, gpt, language, scale):
    page = shown(gptviz.BlockView(gpt.trace(PROMPT), language=language, scale=scale)).page
    total = page.locator("tr.sum th")
    expect(total).to_be_visible()
    one_line = total.evaluate(
        "(one) => [one.getBoundingClientRect().height, parseFloat(getComputedStyle(one).lineHeight)]"
    )
    assert one_line[0] < 1.9 * one_line[1]
    name = total.evaluate(
        "(one) => { const all = document.createRange(); all.selectNodeContents(one); return all.getBoundingClientRect().right; }"
    )
    assert (
        name
        < page.locator("tr.sum .total").bounding_box()["x"] + page.locator("tr.sum .total").bounding_box()["width"] - 60
    )
    masks = page.locator(".signed .fill").evaluate_all("(all) => all.map((one) => getComputedStyle(one).maskImage)")
    assert set(masks) == {"none"}, "a bar is drawn in full, to whichever side"
    edge = page.locator(".journey").bounding_box()
    longest = page.locator(".strip:not(.titles) .share .number").evaluate_all(
        """(all) => Math.max(...all.map((one) => {
          one.textContent = "−0.00000123";
          const drawn = document.createRange();
          drawn.selectNodeContents(one);
          return drawn.getBoundingClientRect().right;
        }))"""
    )
    assert 0 < longest <= edge["x"] + edge["width"] + 0.5
