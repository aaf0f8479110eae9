"""axe-core finds nothing serious in any view, in light and dark, with everything open that can be opened."""

import pytest
from browser.axe import RULES_ABOUT_COLOURS, serious_violations
from browser.pages import settle
from trained import training_view
from waiting import LONGEST_WAIT

import gptviz

PROMPT = "Once upon a time there was a cat 🦉"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def views(gpt, **options):
    explorer = gptviz.explore(PROMPT, gpt=gpt, **options)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    trace = gpt.trace(PROMPT)
    completion = gpt.complete(PROMPT, max_tokens=6, seed=2)
    timeline = gptviz.GenerationTimeline(completion, gpt=gpt, **options)
    timeline.force(2, completion.choices[0].steps[2].alternatives[-1].token.id)
    timeline.wait(LONGEST_WAIT)
    edits = [gptviz.ablate_head(1, 2), gptviz.ablate_mlp(3), gptviz.patch("mlp_out", 1, 4, source=trace)]
    edited = gptviz.InterventionView(trace, edits=edits, **options)
    flow = gptviz.FlowView(trace, edits=[gptviz.ablate_mlp(3)], **options)
    beside = gptviz.compare(trace, gpt.trace("Once more"), **options)
    return [explorer, timeline, beside, edited, flow, training_view(**options)]


@pytest.mark.parametrize(
    "options", [{}, {"language": "zh", "scale": "projector"}], ids=["english", "chinese, projector"]
)
def test_axe_finds_nothing_serious(shown, gpt, options):
    """In light, and in dark all that another theme can break."""
    view_page = shown(*views(gpt, **options))
    page = view_page.page
    for button in page.locator(".rail button").all():
        button.click()
    page.evaluate(
        """() => document.querySelectorAll(".station").forEach((station) => {
            station.dataset.open = "";
            station.querySelector(".body").hidden = false;
        })"""
    )
    page.locator(".gptviz-attention summary").first.click()
    page.locator(".gptviz-tokens .row li").nth(3).click()
    page.locator(".gptviz-sampling .draw button").nth(0).click()
    page.locator(".gptviz-sampling .draw button").nth(1).click()
    page.locator(".gptviz-sampling .scale").first.click()
    for fold in page.locator(".gptviz-sampling button.fold:visible").all():
        fold.click()
    page.locator(".gptviz-sampling .more button").nth(0).click()
    page.locator(".gptviz-sampling .more button").nth(1).click()
    page.locator(".gptviz-timeline summary").last.click()
    page.locator(".gptviz-timeline .branches:visible select").select_option("0")
    page.locator(".gptviz-timeline .steps").last.locator("li").nth(3).click()
    for summary in page.locator(":is(.gptviz-intervention, .gptviz-flow, .gptviz-training) summary:visible").all():
        summary.click()
    page.locator(".gptviz-intervention form button").nth(1).click()
    page.locator(".gptviz-intervention .show button").last.click()
    settle(page)
    violations = serious_violations(page, ".gptviz")
    view_page.set_theme(dark=True)
    settle(page)
    assert page.locator(".gptviz").count() == page.locator(".gptviz[data-theme=dark]").count()
    violations += serious_violations(page, ".gptviz", RULES_ABOUT_COLOURS)
    assert not violations, "\n".join(violations)
