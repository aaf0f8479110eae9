"""A view looks the same alone and beside the style sheets of all other views."""

import pytest
from browser.pages import OF_A_TRACE, settle
from trained import training_view
from waiting import LONGEST_WAIT

import gptviz

PROMPT = "Once upon a time there was a cat"
LOOK = """() => [...document.querySelectorAll("#views *")].map((node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    const { color, fontSize, display, backgroundColor } = getComputedStyle(node);
    return [node.className, x, y, width, height, color, fontSize, display, backgroundColor];
})"""


@pytest.fixture(scope="module")
def views():
    gpt = gptviz.load()
    trace = gpt.trace(PROMPT)
    explorer = gptviz.explore(PROMPT, gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    return [
        *(kind(trace) for kind in OF_A_TRACE),
        gptviz.PromptBox(PROMPT, gpt=gpt),
        gptviz.GenerationTimeline(gpt.complete(PROMPT, max_tokens=4, seed=2)),
        gptviz.compare(trace, gpt.trace("Once more")),
        gptviz.lessons.ask("How many?", lambda trace: len(trace.tokens), source=trace),
        training_view(),
        explorer,
    ]


@pytest.mark.parametrize("which", range(len(OF_A_TRACE) + 6))
def test_a_view_looks_the_same_whatever_is_drawn_after_it(shown, views, which):
    page = shown(views[which]).page
    settle(page)
    alone = page.evaluate(LOOK)
    for other in views:
        page.add_style_tag(content=str(other._css))
    settle(page)
    assert len(alone) > 5
    assert [(before, after) for before, after in zip(alone, page.evaluate(LOOK), strict=True) if before != after] == []
