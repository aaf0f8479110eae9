"""Views that are shown twice, drawn again or removed do not react to each other, and leave nothing behind."""

import gc

import pytest
from browser.pages import OF_A_TRACE, settle
from playwright.sync_api import expect
from trained import training_view
from waiting import LONGEST_WAIT

import gptviz
from gptviz.trace.trace import Trace

PROMPTS = ("Once upon a time there was a cat", "The king and the queen")
PLAYED = 12  # a play of 1,000 nodes, so that a few that stay show
DRAWN = 30  # a draw costs about 50 ms: 30 of each view show any leak of one node a draw
TRACED, CLOSED, COLLECTIONS = 12, 30, 20


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module")
def every_view(gpt):
    """One view of each kind, and an Explorer, of one trace."""
    trace = gpt.trace(PROMPTS[0])
    timeline = gptviz.GenerationTimeline(gpt.complete("Once", max_tokens=4, seed=2))
    explorer = gptviz.explore(PROMPTS[0], gpt=gpt)
    explorer._stations["generation"].wait(LONGEST_WAIT)
    beside = gptviz.compare(trace, gpt.trace(PROMPTS[1]))
    made = [timeline, beside, training_view(), explorer]
    return [gptviz.PromptBox(PROMPTS[0], gpt=gpt), *(kind(trace) for kind in OF_A_TRACE), *made]


def held_by(page):
    """Returns what the page's engine holds after collecting garbage: DOM nodes, event listeners, bytes of heap."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    counts = session.send("Memory.getDOMCounters")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return counts["nodes"], counts["jsEventListeners"], heap


DRAW_AGAIN = """async ([index, times]) => {
    for (let i = 0; i < times; i++) {
        const el = document.createElement("div");
        document.getElementById("views").append(el);
        const stop = await modules[index].render({ model: models[index], el, host });
        await new Promise((done) => setTimeout(done));
        stop();
        el.remove();
    }
}"""


PLAY_AND_REMOVE = """async ([index, times]) => {
    for (let i = 0; i < times; i++) {
        const el = document.createElement("div");
        document.getElementById("views").append(el);
        const stop = await modules[index].render({ model: models[index], el, host });
        el.querySelector(".player .play").click();
        await new Promise(requestAnimationFrame);
        stop();
        el.remove();
    }
}"""


def test_drawing_and_removing_30_times_leaves_nothing(shown, every_view):
    page = shown(*every_view).page
    page.evaluate("host.getWidget = async () => ({ render: async () => {} })")  # stations are drawn for themselves
    for index in range(len(every_view)):
        page.evaluate(DRAW_AGAIN, [index, 5])
    nodes, listeners, heap = held_by(page)
    for index in range(len(every_view)):
        page.evaluate(DRAW_AGAIN, [index, DRAWN])
    for _ in range(COLLECTIONS):  # one collection does not free everything that is unreachable
        later_nodes, later_listeners, later_heap = held_by(page)
        if later_listeners <= listeners and later_nodes < nodes + DRAWN and later_heap < heap + 2e6:
            break
        settle(page)
    assert later_listeners <= listeners
    assert later_nodes < nodes + DRAWN
    assert later_heap < heap + 2e6


def test_a_play_that_is_cut_short_leaves_nothing(shown, gpt):
    """A view that is removed while it plays: its frames, and answers that come later, hold nothing of it."""
    page = shown(gptviz.FlowView(gpt.trace(PROMPTS[0]))).page
    page.evaluate(PLAY_AND_REMOVE, [0, 5])
    settle(page)
    nodes, listeners, heap = held_by(page)
    page.evaluate(PLAY_AND_REMOVE, [0, PLAYED])
    for _ in range(COLLECTIONS):
        settle(page)
        later_nodes, later_listeners, later_heap = held_by(page)
        if later_listeners <= listeners and later_nodes <= nodes + 50 and later_heap < heap + 1e6:
            break
    assert later_listeners <= listeners
    assert later_nodes <= nodes + 50
    assert later_heap < heap + 1e6


def test_a_view_that_shows_12_traces_keeps_the_last_alone(gpt):
    box = gptviz.PromptBox(PROMPTS[0], gpt=gpt)
    views = [kind(box) for kind in OF_A_TRACE]
    gc.collect()
    alive = sum(type(one) is Trace for one in gc.get_objects())
    for i in range(TRACED):
        box.run(PROMPTS[i % 2] + " !" * (i % 3))
    gc.collect()
    assert sum(type(one) is Trace for one in gc.get_objects()) == alive
    assert all(view.trace is box.trace for view in views)


def test_a_closed_view_is_forgotten(gpt):
    """The box does not keep closed views, as after running a cell many times."""
    box = gptviz.PromptBox(PROMPTS[0], gpt=gpt)
    for _ in range(CLOSED):
        gptviz.AttentionView(box).close()
    gc.collect()
    assert len(box._followers) == 0
    assert not [one for one in gc.get_objects() if isinstance(one, gptviz.AttentionView) and one.comm is None]


def test_two_views_of_one_trace_keep_to_themselves(shown, gpt):
    trace = gpt.trace(PROMPTS[0])
    first = gptviz.AttentionView(trace, layer=0, head=0)
    second = gptviz.AttentionView(trace, layer=1, head=2)
    page = shown(first, second).page
    titles = page.locator(".gptviz-attention h3")
    expect(titles).to_have_text(["Attention L0 · H0", "Attention L1 · H2"])
    page.locator(".gptviz-attention").first.locator(".grid button").nth(3).click()
    expect(titles).to_have_text(["Attention L0 · H3", "Attention L1 · H2"])
    assert (first.head, second.head) == (3, 2)


def test_one_view_shown_twice_moves_together_and_survives_the_others_end(shown, gpt):
    view = gptviz.AttentionView(gpt.trace(PROMPTS[0]))
    page = shown(view).page
    page.evaluate("show", 0)
    titles = page.locator(".gptviz-attention h3")
    expect(titles).to_have_count(2)
    page.locator(".gptviz-attention").last.locator(".grid button").nth(3).click()
    expect(titles).to_have_text(["Attention L0 · H3"] * 2)
    page.evaluate("models[0].cleanup()")  # the one drawn last
    expect(titles).to_have_count(1)
    page.locator(".gptviz-attention .grid button").nth(2).click()
    expect(titles).to_have_text(["Attention L0 · H2"])
    expect(page.locator(".gptviz-attention")).not_to_have_attribute("data-computing", "")


@pytest.mark.parametrize("message", ["nonsense", {"kind": "ask", "id": "1; drop", "name": "head", "args": {}}])
def test_a_malformed_message_is_refused_in_the_view(shown, every_view, message):
    page = shown(*every_view).page
    for index in range(len(every_view)):
        page.evaluate("([index, message]) => models[index].send(message)", [index, message])
    expect(page.locator(".refusal:visible")).to_have_count(len(every_view))
    expect(page.locator(".refusal:visible").last).to_contain_text("Expected an update or a question")
    page.locator(".gptviz-attention .grid button").nth(3).click()
    expect(page.locator(".gptviz-attention h3").first).to_contain_text("L0 · H3")
