"""The timeline while it is scrubbed: what changes in place, what the kernel is asked, what stays visible, colours."""

import dataclasses
import html

import pytest
from close import approx_float32, assert_softmax_close, rounding
from playwright.sync_api import expect
from shown import half_of_decimal
from waiting import LONGEST_WAIT

import gptviz

PROMPT = "Once upon a time there was a girl named Anna"
SCRUB = """(steps) => {
    const slider = document.querySelector(".controls input");
    for (const step of steps) {
        slider.value = step;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
}"""
CHIPS = """(items) => items.map((item) => {
    const chip = item.querySelector(".chip"), style = getComputedStyle(chip), mark = chip.querySelector("i") ?? chip;
    const bar = style.backgroundSize.split(", ")[0].split(" ")[0];
    return { ground: style.backgroundColor, inks: [style.color, getComputedStyle(mark).color], bar,
        ink: style.backgroundImage.match(/rgb[^)]*\\)/)[0], number: item.querySelector(".number").textContent };
})"""


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module")
def completion(gpt):
    return gpt.complete(PROMPT, max_tokens=16, temperature=1.0, seed=5)


def rgb(text):
    return [float(x) for x in text[4:-1].split(",")]


def contrast(one, other):
    """Returns the contrast ratio of WCAG 2."""

    def light(colour):
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in (c / 255 for c in colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    brighter, darker = sorted([light(one), light(other)], reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def steps_like(completion, probabilities):
    """Returns the completion with these probabilities in its steps."""
    choice = completion.choices[0]
    steps = [dataclasses.replace(s, probability=p) for s, p in zip(choice.steps, probabilities, strict=False)]
    return dataclasses.replace(completion, choices=(dataclasses.replace(choice, steps=tuple(steps)),))


def test_another_step_changes_the_table_in_place(shown, gpt):
    # With this seed each token is among its alternatives, so that all tables have the same number of rows.
    completion = gpt.complete(PROMPT, max_tokens=12, top_k=5, seed=5)
    page = shown(gptviz.GenerationTimeline(completion, gpt=gpt)).page
    page.evaluate("""() => {
        globalThis.made = [];
        const tell = (changes) => changes.forEach(({ addedNodes }) => made.push(...[...addedNodes].map((node) => node.nodeName)));
        new MutationObserver(tell).observe(document.querySelector(".gptviz-timeline"), { childList: true, subtree: true });
    }""")
    page.evaluate(SCRUB, [7, 2, 11])
    expect(page.locator(".detail h4")).to_contain_text("Step 11")
    made = set(page.evaluate("made"))
    assert not made & {"TR", "TD", "TH", "BUTTON", "LI"}, made
    alternatives = completion.choices[0].steps[11].alternatives
    titles = page.locator(".detail tbody td[title]").evaluate_all(
        "(all) => all.map((one) => parseFloat(one.title) / 100)"
    )
    wanted = [p for one in alternatives for p in (one.probability, one.sampling_probability)]
    assert titles[: len(wanted)] == pytest.approx(wanted, rel=rounding(1.0))
    lengths = page.locator(".detail tbody .fill").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().width / one.parentElement.clientWidth)"
    )
    assert lengths[: len(wanted)] == pytest.approx(wanted, abs=0.01)


def test_a_nearly_certain_token_is_not_written_as_certain(shown, completion):
    shares = [0.99997, 0.9996, 0.123456, 1e-9]
    written = [">99.99 %", "99.96 %", "12.3 %", "<0.001 %"]
    view = gptviz.GenerationTimeline(steps_like(completion, shares))
    expect(shown(view).page.locator(".steps li .number")).to_have_text(written)
    assert all(html.escape(text) in view.still() for text in written)


def test_what_a_server_does_not_reveal_is_a_dash_and_never_a_number(shown, completion):
    unknown = {"sampling_probability": float("nan")}
    hidden = unknown | {"entropy": float("nan"), "model_entropy": float("nan"), "kept": float("nan"), "cached": None}
    first, *others = completion.choices[0].steps
    without_id = {one.token.id: dataclasses.replace(one.token, id=-1) for one in (first, *first.alternatives)}
    alternatives = [dataclasses.replace(one, token=without_id[one.token.id], **unknown) for one in first.alternatives]
    step = dataclasses.replace(first, token=without_id[first.token.id], alternatives=tuple(alternatives[:5]), **hidden)
    later = [dataclasses.replace(other, probability=float("nan"), **hidden) for other in others]
    choice = dataclasses.replace(completion.choices[0], steps=(step, *later))
    page = shown(gptviz.GenerationTimeline(dataclasses.replace(completion, choices=(choice,)))).page
    numbers = page.locator(".steps li .number")
    expect(numbers.nth(1)).to_have_text("–")
    expect(numbers.nth(0)).to_contain_text("%")
    expect(page.locator(".detail")).to_contain_text("does not reveal how many tokens")
    expect(page.locator(".detail")).to_contain_text("runs on a server")
    expect(page.locator(".detail tfoot th")).to_have_text("not revealed")
    listed = {one.token.text: one.probability for one in (*alternatives[:5], step)}
    titles = page.locator(".detail tfoot td[title]").evaluate_all("(all) => all.map((one) => one.title)")
    assert float(titles[0].removesuffix(" %")) / 100 == approx_float32(1 - sum(listed.values()), 1.0)
    assert titles[1] == "not revealed"


@pytest.mark.parametrize("settings", [{"temperature": 1.0}, {"top_k": 3}, {"top_p": 0.999}], ids=str)
def test_a_steps_table_has_an_axis_and_a_row_for_all_other_tokens(shown, gpt, settings):
    """A column sums to 100 %: its last row is the softmax summed over all other tokens."""
    completion = gpt.complete(PROMPT, max_tokens=6, seed=5, **settings)
    page = shown(gptviz.GenerationTimeline(completion, gpt=gpt)).page
    page.evaluate(SCRUB, [4])
    expect(page.locator(".detail h4")).to_contain_text("Step 4")
    choice = completion.choices[0]
    listed = {one.token.id for one in (*choice.steps[4].alternatives, choice.steps[4])}
    trace = gpt.trace([*gpt.encode(PROMPT), *choice.token_ids[:4]])
    shares = trace.probabilities()
    rest = shares.sum() - shares[list(listed)].sum()
    others = page.locator(".detail tfoot td[title]").evaluate_all(
        "(all) => all.map((one) => parseFloat(one.title) / 100)"
    )
    assert others[0] == pytest.approx(rest, abs=rounding(trace.logits))
    drawn = {one.token.id: one.sampling_probability for one in (*choice.steps[4].alternatives, choice.steps[4])}
    assert others[1] == approx_float32(1 - sum(drawn.values()), 1.0)
    assert others[1] == 0 if "top_k" in settings else others[1] >= 0
    for axis, track in zip(
        page.locator(".detail .percents").all(), page.locator(".detail tfoot .track").all(), strict=True
    ):
        assert axis.inner_text() == "0\n50\n100 %"
        told, bar = axis.bounding_box(), track.bounding_box()
        assert (told["x"], told["width"]) == pytest.approx((bar["x"], bar["width"]), abs=1.5)


def test_scrubbing_asks_the_kernel_once_it_rests(shown, gpt, completion):
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    page = shown(view).page
    page.locator(".attention summary").click()
    page.locator(".bench").click()
    expect(page.locator(".gptviz-sampling tbody tr").first).to_be_visible()
    expect(page.locator("[data-asking]")).to_have_count(0)
    before = page.evaluate("models[0].sent")
    assert page.evaluate(f"(steps) => {{ ({SCRUB})(steps); return models[0].sent; }}", [3, 9, 1, 12, 5]) == before
    expect(page.locator("[data-asking]")).to_have_count(0)
    assert page.evaluate("models[0].sent") == before + 2  # a row of attention, and the bench
    at = len(gpt.encode(PROMPT)) + 5
    trace = gpt.trace([*gpt.encode(PROMPT), *completion.choices[0].token_ids[:5]])
    told = page.locator(".looked li").evaluate_all("(all) => all.map((one) => Number(one.title))")
    assert len(told) == at
    opened = view.selection.layer, view.selection.head
    assert opened != (0, 0)
    assert_softmax_close(told, trace.attention(*opened)[-1], trace.scores(*opened, "scaled")[-1])
    note = page.locator(".attention .opening .number")
    expect(note).to_be_visible()
    whole = gpt.trace([*gpt.encode(PROMPT), *completion.choices[0].token_ids[:-1]])
    weights, scores = whole.attention(*opened)[-1, 1:-1], whole.scores(*opened, "scaled")[-1]
    assert_softmax_close(float(note.get_attribute("title")), weights.max(), scores)


def test_numbers_of_another_step_are_dimmed_at_once(shown, gpt, completion):
    page = shown(gptviz.GenerationTimeline(completion, gpt=gpt)).page
    page.locator(".attention summary").click()
    expect(page.locator(".looked li").first).to_be_visible()
    expect(page.locator(".attention[data-asking]")).to_have_count(0)
    opacity = page.evaluate(
        f"() => {{ ({SCRUB})([4]); return getComputedStyle(document.querySelector('.looked')).opacity; }}"
    )
    assert float(opacity) < 0.5
    expect(page.locator(".attention[data-asking]")).to_have_count(0)
    assert page.locator(".looked").evaluate("(node) => getComputedStyle(node).opacity") == "1"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_chips_have_the_colour_of_their_surprise(shown, gpt, completion, dark):
    """A less probable token has more contrast with the page, in grey as in colour, and the text is always legible."""
    shares = [i / 15 for i in range(16)]
    page = shown(gptviz.GenerationTimeline(steps_like(completion, shares), gpt=gpt), dark=dark).page
    ground = rgb(page.locator(".gptviz-timeline").evaluate("(node) => getComputedStyle(node).backgroundColor"))
    chips = page.locator(".steps li").evaluate_all(CHIPS)
    for chip, share in zip(chips, shares, strict=True):
        assert min(contrast(rgb(chip["ground"]), rgb(ink)) for ink in chip["inks"]) >= 4.5
        assert float(chip["bar"][:-1]) == pytest.approx(100 * share, abs=half_of_decimal(2))
    away = [contrast(rgb(chip["ground"]), ground) for chip in chips]
    assert away == sorted(away, reverse=True) and away[0] > 10 > 1.1 > away[-1]
    expect(page.locator(".gptviz-timeline .hint")).to_contain_text("100 %  1 % or less")
    page.locator(".steps li").nth(6).click()
    for chip, before, share in zip(
        page.locator(".steps li").evaluate_all(CHIPS)[7:], chips[7:], shares[7:], strict=True
    ):
        assert chip["ground"] != before["ground"] and chip["ink"] != before["ink"]  # muted, with its bar still visible
        assert float(chip["bar"][:-1]) == pytest.approx(100 * share, abs=half_of_decimal(2))
        assert chip["number"] == before["number"]
        assert min(contrast(rgb(chip["ground"]), rgb(ink)) for ink in chip["inks"]) >= 4.5
    page.emulate_media(color_scheme="light" if dark else "dark")
    expect(page.locator(".gptviz-timeline")).to_have_attribute("data-theme", "light" if dark else "dark")
    turned = page.locator(".steps li").evaluate_all(CHIPS)
    assert turned[5]["ground"] != chips[5]["ground"]


def test_buttons_step_back_and_forward(shown, gpt, completion):
    page = shown(gptviz.GenerationTimeline(completion, gpt=gpt)).page
    back, forward = (page.get_by_role("button", name=name) for name in ("step back", "step forward"))
    title = page.locator(".detail h4")
    expect(back).to_have_attribute("aria-disabled", "true")
    for step in (1, 2, 3):
        forward.click()
        expect(title).to_contain_text(f"Step {step}")
    back.click()
    expect(title).to_contain_text("Step 2")
    expect(page.locator(".controls input")).to_have_js_property("value", "2")
    page.locator(".steps li").last.click()
    forward.click(force=True)
    expect(title).to_contain_text(f"Step {len(completion.choices[0].steps) - 1}")
    expect(forward).to_have_attribute("aria-disabled", "true")


def test_the_whole_text_after_a_branch_is_as_it_was_drawn(shown, gpt, completion):
    """Tokens muted while scrubbing one branch are not muted in the next."""
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    showing = shown(view)
    page = showing.page
    page.locator(".steps li").nth(3).click()
    expect(page.locator(".steps li[data-later]")).to_have_count(len(completion.choices[0].steps) - 4)
    page.get_by_role("button", name="force", exact=True).first.click()
    view.wait(LONGEST_WAIT)
    showing.update()
    expect(page.locator(".steps li[data-forced]")).to_have_count(1)
    expect(page.locator(".gptviz-timeline")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".steps li[data-later]")).to_have_count(0)
    expect(page.locator(".detail h4")).to_contain_text("Step 3")  # the fork stays open


def test_no_replacement_character_stands_for_bytes(shown, gpt, completion):
    """Checks the prompt, the text, the tree and the comparison."""
    owl = gpt.encode("🦉", add_special_tokens=False)
    assert len(owl) > 1
    cut = gpt.complete([*gpt.encode(PROMPT), *owl[:-1]], max_tokens=4, seed=1)
    choice = completion.choices[0]
    broken = [gpt.token(id, position=i) for i, id in enumerate([*owl[:-1], *choice.token_ids[:3]])]
    texts = [*[""] * (len(owl) - 1), "\ufffd" + choice.steps[0].text, choice.steps[1].text, choice.steps[2].text]
    steps = tuple(
        dataclasses.replace(choice.steps[i], token=token, text=text, finish_reason=None)
        for i, (token, text) in enumerate(zip(broken, texts, strict=True))
    )
    choices = tuple(
        dataclasses.replace(choice, index=i, steps=some, text="".join(s.text for s in some), finish_reason="length")
        for i, some in enumerate((steps, choice.steps[:3]))
    )
    page = shown(gptviz.GenerationTimeline(cut, gpt=gpt)).page
    hexadecimal = b"".join(gpt.token(id).bytes for id in owl[:-1]).hex(" ")
    expect(page.locator(".text > .muted .chip").first).to_have_text(hexadecimal)
    assert "\ufffd" not in page.locator("body").inner_text()
    page = shown(gptviz.GenerationTimeline(dataclasses.replace(completion, choices=choices), gpt=gpt)).page
    page.locator(".branches select").select_option("1")
    expect(page.locator(".comparison")).to_be_visible()
    expect(page.locator(".comparison .chip").first).to_have_text(hexadecimal)
    expect(page.locator(".tree .beginning .chip")).to_have_text(hexadecimal)
    page.evaluate(SCRUB, [0])
    expect(page.locator(".written")).to_have_text(gpt.token(owl[0]).bytes.hex(" "))
    assert "\ufffd" not in page.locator("body").inner_text()
