"""The flow view's player in a page: every number that its sentences say, what moves, keys, and how it ends."""

import numpy as np
import pytest
from browser.axe import serious_violations
from browser.pages import ViewPage, settle
from close import approx_float32, assert_close, rounding
from families import IDS, build, tokenizer
from page_text import HOSTILE, chip_text
from playwright.sync_api import expect
from shown import assert_shows, half_of_decimal
from small_models import gpt_for_any_text
from tales_bound import TALES_BOUND

import gptviz
from gptviz import lens
from gptviz.widgets.flow import flow as flow_module

PROMPT = "When Tom and Mary went to the park, Tom gave a ball to"
SHORT = "Tom gave a ball to"
NEXT_PASS_IS_KNOWN = "() => !document.querySelector('.gptviz-flow .player label').hidden"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def play(page, until=NEXT_PASS_IS_KNOWN):
    """Starts a play, pauses it at its first step, and waits until all steps are known."""
    page.locator(".gptviz-flow .player .play").click()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(until)
    return page.locator(".gptviz-flow .player progress")


def steps(page):
    """Yields the kind of each step that is left, beginning with the present one, while it is shown."""
    count = int(page.locator(".gptviz-flow .player progress").get_attribute("max"))
    for _ in range(int(page.locator(".gptviz-flow .player progress").get_attribute("value")), count + 1):
        yield page.locator(".gptviz-flow").get_attribute("data-step")
        page.keyboard.press("ArrowRight")


def said(page):
    """Returns a step's sentence: its tokens, as (text, position or None), and its numbers with all their digits."""
    says = page.locator(".gptviz-flow .play-says")
    tokens = says.locator(".nowrap").evaluate_all(
        "(all) => all.map((one) => [one.querySelector('.chip').textContent, one.querySelector('sub')?.textContent ?? null])"
    )
    numbers = says.locator(".number").evaluate_all(
        "(all) => all.map((one) => [one.textContent, parseFloat(one.title) / (one.title.endsWith('%') ? 100 : 1)])"
    )
    for text, value in numbers:  # what is read has the digits of the number behind it
        assert_shows(text, 100 * value if "%" in text else value)
    return [(text, place and int(place)) for text, place in tokens], [value for _, value in numbers]


def placed(trace, position):
    return chip_text(trace.tokens[position]), position


def largest_source(row, position):
    """Returns the earlier token with the largest share of a row."""
    return int(np.argmax(row[:position]))


def check_credit(sentence, trace, layer, is_first):
    tokens, numbers = sentence
    flow = lens.flow(trace)
    moved = np.tril(flow.importance[layer + 1][:, None] * flow.attention(layer), -1)
    target, source = np.unravel_index(moved.argmax(), moved.shape)
    assert tokens[1 if is_first else 0 :] == [placed(trace, target), placed(trace, source)]
    assert_close(numbers, [moved.sum(), moved.max()], scale=1.0)


def check_again(sentence, after, layer):
    tokens, numbers = sentence
    row = lens.flow(after).attention(layer)[-1]
    source = largest_source(row, len(row) - 1)
    assert tokens == [placed(after, len(row) - 1), placed(after, source)]
    assert_close(numbers, [row[source]], scale=1.0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_number_of_every_sentence_is_the_traces(shown, gpt, language):
    trace = gpt.trace(PROMPT)
    last, layers = len(trace.tokens) - 1, trace.n_layers
    page = shown(gptviz.FlowView(trace, language=language)).page
    play(page)
    flow, top = lens.flow(trace), trace.top(2)
    drawn = gpt.complete(PROMPT, max_tokens=1, temperature=1.0, seed=0).choices[0].steps[0]
    after = gpt.trace([*(token.id for token in trace.tokens), drawn.token.id])
    forward, back, again = (iter(range(layers)) for _ in range(3))
    mlps = iter(range(layers))
    kinds = []
    for kind in steps(page):
        kinds.append(kind)
        sentence = said(page)
        tokens, numbers = sentence
        if kind == "embedding":
            expect(page.locator(".play-says")).to_contain_text(f"{last + 1} ")
            expect(page.locator(".play-says")).to_contain_text(f" {trace.d_model} ")
        elif kind == "attention":
            row = flow.attention(next(forward))[last]
            source = largest_source(row, last)
            assert tokens == [placed(trace, last), placed(trace, source)]
            assert_close(numbers, [row[source], row.sum()], scale=1.0)
        elif kind == "mlp":
            assert_close(numbers, [flow.mlp[next(mlps), last]], scale=1.0)
        elif kind == "prediction":
            assert tokens == [placed(trace, last), *((chip_text(token), None) for token, _ in top)]
            np.testing.assert_allclose(numbers, [share for _, share in top], rtol=TALES_BOUND)
        elif kind == "credit":
            step = next(back)
            check_credit(sentence, trace, layers - 1 - step, step == 0)
        elif kind == "picture":
            order = np.argsort(-flow.importance[0], kind="stable")[:2]
            assert tokens[1:] == [placed(trace, position) for position in order]
            assert_close(numbers, flow.importance[0][order], scale=1.0)
        elif kind == "draw":
            assert tokens == [(chip_text(drawn.token), None)]
            np.testing.assert_allclose(numbers, [gptviz.sampling.uniform(0), drawn.probability], rtol=TALES_BOUND)
        elif kind == "append":
            expect(page.locator(".play-says")).to_contain_text(str(last + 1))
        elif kind == "next":
            assert tokens == [placed(after, last + 1)]
        elif kind == "again":
            check_again(sentence, after, next(again))
        elif kind == "more":
            assert tokens[1:] == [(chip_text(token), None) for token, _ in after.top(2)]
            np.testing.assert_allclose(numbers, [share for _, share in after.top(2)], rtol=TALES_BOUND)
    passed = ["embedding", *["attention", "mlp"] * layers, "prediction", *["credit"] * layers, "picture"]
    assert kinds == [*passed, "draw", "append", "next", *["again"] * layers, "more"]


def test_every_width_of_the_played_rows_is_its_share(shown, gpt):
    trace = gpt.trace(SHORT)
    page = shown(gptviz.FlowView(trace)).page
    play(page)
    drawn = gpt.complete(SHORT, max_tokens=1, temperature=1.0, seed=0).choices[0].steps[0].token.id
    flow = lens.flow(gpt.trace([*(token.id for token in trace.tokens), drawn]))
    count = len(trace.tokens)
    ribbons = page.locator(".play-layer .curve.ribbon").evaluate_all(
        "(all) => all.map((one) => [...['column', 'to', 'from', 'share'].map((name) => Number(one.dataset[name])), "
        "Number(one.getAttribute('stroke-width'))])"
    )
    mlps = page.locator(".play-layer .band.mlp").evaluate_all(
        "(all) => all.map(({ dataset: { column, to, share } }) => [column, to, share].map(Number))"
    )
    whole = float(page.locator(".play-layer .band.after").first.get_attribute("height"))
    drawn_ribbons = {(int(column), int(to), int(source)): share for column, to, source, share, _ in ribbons}
    for layer in range(trace.n_layers):
        shares = flow.attention(layer)
        for i in range(count + 1):
            for j in range(1, i + 1):  # what comes from the first token is a stub
                if abs(shares[i, j] * whole - 1) > rounding(whole):
                    assert ((layer, i, j) in drawn_ribbons) == (shares[i, j] * whole >= 1), (layer, i, j)
                if (layer, i, j) in drawn_ribbons:
                    assert drawn_ribbons[layer, i, j] == approx_float32(shares[i, j], 1.0)
    for _, _, _, share, width in ribbons:
        assert width == pytest.approx(share * whole, abs=half_of_decimal(2))
    layers = page.locator(".play-layer").evaluate_all(
        "(all) => all.map((one) => [...one.querySelectorAll('.curve, .band:not(.plain)')].map(({ tagName }) => tagName))"
    )
    for shapes in layers:
        assert shapes == sorted(shapes, reverse=True) and set(shapes) == {"rect", "path"}, "ribbons are above the bands"
    assert len(mlps) == (flow.mlp > 0).sum()
    for layer, i, share in mlps:
        assert share == approx_float32(flow.mlp[int(layer), int(i)], 1.0)


WINDOWS = "() => ['text', 'next'].map((name) => document.querySelector(`[data-layer=${name}]`).style.transform)"


@pytest.mark.parametrize("cached", [True, False])
def test_with_a_cache_only_the_new_row_moves_and_without_it_all_rows(shown, gpt, cached):
    page = shown(gptviz.FlowView(gpt.trace(SHORT))).page
    play(page)
    for kind in steps(page):
        if kind == "append":
            break
    before = page.evaluate(WINDOWS)
    switch = page.get_by_role("switch", name="without the KV cache")
    if not cached:
        switch.press("Space")
    windows = [page.evaluate(WINDOWS) for kind in steps(page) if kind == "again"]
    texts, nexts = zip(*windows, strict=True)
    assert len(set(nexts)) == len(nexts)
    assert set(texts) == {before[0]} if cached else len(set(texts)) == len(texts)
    assert texts[-1] == before[0]
    switch.press("Space")
    expect(page.locator(".gptviz-flow")).to_have_attribute("data-step", "next")
    arrived = page.locator(".sentence-row .play-arrived")
    assert arrived.evaluate("(one) => getComputedStyle(one).opacity") == "1"


def test_the_same_steps_come_with_and_without_movement(shown, new_page, gpt):
    view = gptviz.FlowView(gpt.trace(SHORT))
    still = shown(view).page
    moving = new_page(reduced_motion="no-preference")
    ViewPage(moving, [view])
    told = []
    for page in (still, moving):
        play(page)
        told.append([(kind, page.locator(".play-says").inner_text()) for kind in steps(page)])
    assert told[0] == told[1]
    window = still.evaluate(WINDOWS)
    moving.wait_for_function(f"(window) => String(({WINDOWS})()) === String(window)", arg=window)


def test_it_goes_on_by_itself_pauses_and_starts_again(shown, gpt):
    page = shown(gptviz.FlowView(gpt.trace(SHORT))).page
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # milliseconds; from here on only `run_for` moves it
    button = page.locator(".player .play")
    button.focus()
    page.keyboard.press("Space")
    page.wait_for_function(NEXT_PASS_IS_KNOWN)
    progress = page.locator(".player progress")
    for _ in range(60):
        page.clock.run_for(100)
    expect(progress).to_have_attribute("value", "2")
    expect(button).to_contain_text("pause")
    page.keyboard.press("Space")
    expect(button).to_contain_text("go on")
    for _ in range(60):
        page.clock.run_for(100)
    expect(progress).to_have_attribute("value", "2")
    speed = page.locator(".player [data-action=speed]")
    reached = {}
    for times in ("½ ×", "1 ×", "2 ×"):  # the first step takes 3.3 s, the second as long
        while speed.inner_text() != times:
            speed.click()
        page.locator(".player [data-action=restart]").click()
        for _ in range(40):
            page.clock.run_for(100)
        reached[times] = progress.get_attribute("value")
    assert reached == {"½ ×": "1", "1 ×": "2", "2 ×": "3"}
    button.focus()
    page.keyboard.press("Space")
    for _ in steps(page):
        pass
    expect(button).to_contain_text("play again")
    page.keyboard.press("Space")
    expect(progress).to_have_attribute("value", "1")
    expect(button).to_be_focused()


OVERLAID = """() => {
  const seen = (selector) => {
    const node = document.querySelector(`.gptviz-flow ${selector}`), { visibility, opacity } = getComputedStyle(node);
    return visibility === "hidden" ? 0 : Number(opacity);
  };
  return [seen(".labels"), seen(".play-names"), seen(".labels .share") && seen(".labels")];
}"""


def test_names_and_numbers_of_two_pictures_are_never_over_one_another(shown, new_page, gpt):
    """Going forward quickly too, when a step begins before the one before it has moved."""
    page = new_page(reduced_motion="no-preference")
    page.clock.install(time=0)
    ViewPage(page, [gptviz.FlowView(gpt.trace(SHORT))])
    page.clock.pause_at(1000)
    page.locator(".player .play").click()
    page.wait_for_function(NEXT_PASS_IS_KNOWN)
    kinds, with_numbers = set(), set()
    for _ in range(int(page.locator(".player progress").get_attribute("max"))):
        kind = page.locator(".gptviz-flow").get_attribute("data-step")
        for _ in range(3):
            page.clock.run_for(48)
            names, play_names, numbers = page.evaluate(OVERLAID)
            assert not (names and play_names), kind
            kinds.add((kind, names > 0))
            if numbers:
                with_numbers.add(kind)
        page.keyboard.press("ArrowRight")
    assert {("credit", True), ("more", False)} <= kinds
    assert with_numbers == {"picture", "draw", "append"}


def test_escape_ends_it_the_focus_stays_and_the_ordinary_picture_is_there_again(shown, gpt):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT))).page
    settle(page)
    ordinary = page.locator(".gptviz-flow").inner_text()
    drawn = page.locator(".gptviz-flow .stage").inner_html()
    play(page)
    for kind in steps(page):
        if kind == "again":
            break
    page.get_by_role("button", name="step forward").focus()
    page.keyboard.press("Escape")
    settle(page)
    assert page.locator(".gptviz-flow").inner_text() == ordinary
    assert page.locator(".gptviz-flow .stage").inner_html().replace(' style=""', "") == drawn
    expect(page.locator(".player .play")).to_be_focused()
    expect(page.locator("[data-playing], .play-arrived, .play-scene, .play-flight")).to_have_count(0)


@pytest.mark.parametrize("change", ["prompt", "edit", "token"])
def test_a_new_prompt_an_edit_and_another_token_end_it(shown, gpt, change):
    box = gptviz.PromptBox(PROMPT, gpt=gpt)
    view = gptviz.FlowView(box)
    showing = shown(view)
    page = showing.page
    play(page)
    list(zip(range(14), steps(page), strict=False))
    if change == "prompt":
        box.run(SHORT)
    elif change == "edit":
        view.edits = [gptviz.ablate_mlp(2)]
    else:
        view.position = 3
    showing.update()
    if change == "token":
        page.evaluate("selections[models[0].get('_selection')].set('query', 3)")
    settle(page)
    expect(page.locator("[data-playing], .play-arrived, .play-scene")).to_have_count(0)
    expect(page.locator(".gptviz-flow .caption")).to_be_visible()
    expect(page.locator(".sentence-row li")).to_have_count(len(box.trace.tokens))
    play(page)
    count = len(box.trace.tokens)
    expect(page.locator(".play-says")).to_contain_text(f"{count} tokens")
    expect(page.locator(".play-says")).to_contain_text("cuts" if change == "edit" else "embedding")


def test_a_saved_trace_plays_to_the_draw_and_says_what_the_next_pass_needs(shown, gpt, tmp_path):
    saved = gptviz.open_trace(gpt.trace(SHORT).save(tmp_path / "trace.safetensors"))
    page = shown(gptviz.FlowView(saved)).page
    play(page, "() => document.querySelector('.gptviz-flow .player progress').max > 21")
    kinds = list(steps(page))
    assert kinds[-3:] == ["draw", "append", "stop"]
    expect(page.locator(".play-says")).to_contain_text("needs the model")


def test_attention_weights_are_played_and_labelled_without_credit(shown):
    trace = gptviz.wrap(build("gpt_neo"), tokenizer()).trace(IDS)
    page = shown(gptviz.FlowView(trace)).page
    play(page)
    last, layers = len(IDS) - 1, iter(range(trace.n_layers))
    kinds = []
    for kind in steps(page):
        kinds.append(kind)
        if kind == "attention":
            row = trace.attention(next(layers)).mean(0)[last]
            tokens, numbers = said(page)
            source = largest_source(row, last)
            assert tokens == [placed(trace, last), placed(trace, source)]
            assert_close(numbers, [row[source]], scale=1.0)
            expect(page.locator(".play-says")).to_contain_text("attention weight")
    assert "credit" not in kinds and kinds[-1] == "more"


def test_an_exported_page_plays_to_its_end(opened, gpt, tmp_path):
    trace = gpt.trace(SHORT)
    page = opened(gptviz.FlowView(trace).save_html(tmp_path / "play.html"))
    play(page)
    assert list(steps(page))[-1] == "more"
    drawn = gpt.complete(SHORT, max_tokens=1, temperature=1.0, seed=0).choices[0].steps[0].token.id
    after = gpt.trace([*(token.id for token in trace.tokens), drawn])
    assert said(page)[0][1] == (chip_text(after.top(1)[0][0]), None)


@pytest.mark.parametrize("prompt", HOSTILE)
def test_hostile_tokens_are_text(shown, prompt):
    trace = gpt_for_any_text().trace(prompt)
    page = shown(gptviz.FlowView(trace)).page
    play(page)
    last = len(trace.tokens) - 1
    for kind in steps(page):
        if kind == "attention":
            assert said(page)[0][0] == placed(trace, last)
    assert page.evaluate("window.hurt") is None
    assert page.locator("#views script, #views img").count() == 0


@pytest.mark.parametrize(
    "dark, options", [(False, {}), (True, {"language": "zh", "scale": "projector"})], ids=["light", "dark, chinese"]
)
def test_axe_finds_nothing_serious_while_it_plays(shown, gpt, dark, options):
    page = shown(gptviz.FlowView(gpt.trace(SHORT), **options), dark=dark).page
    play(page)
    seen = set()
    for kind in steps(page):
        if kind in {"attention", "credit", "more"} - seen:
            seen.add(kind)
            assert serious_violations(page, ".gptviz") == [], kind
    assert len(seen) == 3


OVERFLOW = """() => {
  const { right } = document.querySelector(".gptviz-flow").getBoundingClientRect();
  return [...document.querySelectorAll(".player *, .play-says, .play-says *, .play-label")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > right + 1)
    .map((node) => node.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("options", [{}, {"scale": "projector"}, {"language": "zh"}], ids=str)
def test_nothing_is_cut_off_in_a_narrow_page(shown, gpt, options):
    page = shown(gptviz.FlowView(gpt.trace(PROMPT), **options), width=848).page
    play(page)
    for _ in steps(page):
        assert page.evaluate(OVERFLOW) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


COUNT_FRAMES = """() => {
  const real = requestAnimationFrame;
  globalThis.frames = 0;
  globalThis.requestAnimationFrame = (run) => { frames += 1; return real(run); };
  globalThis.afterFrames = (count) => new Promise((done) => {
    const wait = () => (count-- ? real(wait) : done(frames));
    wait();
  });
}"""


def test_a_removed_view_asks_for_no_more_frames(new_page, gpt):
    page = new_page(reduced_motion="no-preference")
    ViewPage(page, [gptviz.FlowView(gpt.trace(SHORT))])
    page.evaluate(COUNT_FRAMES)
    page.locator(".player .play").click()
    page.wait_for_function("() => frames > 5")
    page.evaluate("models[0].cleanup()")
    before = page.evaluate("frames")
    assert page.evaluate("afterFrames(5)") == before
    expect(page.locator(".gptviz-flow")).to_have_count(0)


def test_a_refused_next_pass_is_asked_for_again_by_the_next_play(shown, gpt, monkeypatch):
    page = shown(gptviz.FlowView(gpt.trace(SHORT))).page

    def refuse(_):
        raise ValueError("not now")

    with monkeypatch.context() as during:
        during.setattr(flow_module, "longer_pass", refuse)
        play(page, "() => document.querySelector('.gptviz-flow .player progress').max > 21")
        list(steps(page))
        expect(page.locator(".play-says")).to_contain_text("not now")
        page.keyboard.press("Escape")
    play(page)
    assert list(steps(page))[-1] == "more"


def test_keys_steer_after_a_click_on_the_picture_and_nothing_under_the_play_has_the_focus(shown, gpt):
    view = gptviz.FlowView(gpt.trace(SHORT))
    page = shown(view).page
    done = play(page)
    for part in (".stage", ".sentence-row", ".play-says"):
        before = done.evaluate("(one) => one.value")
        box = page.locator(f".gptviz-flow {part}").first.bounding_box()
        page.mouse.click(box["x"] + 8, box["y"] + 8)
        page.keyboard.press("ArrowRight")
        assert done.evaluate("(one) => one.value") == before + 1, part
        page.keyboard.press("Space")
        expect(page.locator(".player .play")).to_contain_text("pause")
        page.keyboard.press("Space")
        expect(page.locator(".player .play")).not_to_contain_text("pause")
        page.keyboard.press("ArrowLeft")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('.panes, .sentence-row, .player')?.className"))
    assert "player" in reached and not reached & {"panes", "sentence-row"}, reached
    page.locator(".player .play").focus()
    page.keyboard.press("Escape")
    page.locator(".gptviz-flow .stage").focus()
    assert page.evaluate("document.activeElement.className") == "stage beside"


def test_a_change_of_scale_keeps_what_is_open_and_the_play(shown, gpt):
    view = gptviz.FlowView(gpt.trace(SHORT))
    showing = shown(view)
    page = showing.page
    settle(page)
    page.get_by_role("button", name="block 3", exact=True).click()
    page.locator(".gptviz-flow .bars button").nth(2).click()
    settle(page)
    height = page.locator(".gptviz-flow .stage").bounding_box()["height"]
    view.scale = "projector"
    showing.update()
    settle(page)
    expect(page.locator(".open-block canvas")).to_have_count(8)
    expect(page.locator(".bars li:nth-child(3) button")).to_have_attribute("aria-pressed", "true")
    assert page.locator(".gptviz-flow .stage").bounding_box()["height"] > 1.2 * height
    done = play(page)
    page.keyboard.press("ArrowRight")
    view.scale = "screen"
    showing.update()
    assert done.get_attribute("value") == "2"
