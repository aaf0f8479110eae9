"""Pages on a slow machine: a view arrives in its first state, and the messages that fill it arrive later."""

import pytest
from browser.pages import OF_A_TRACE, ViewPage, settle
from ipywidgets import Widget
from trained import training_view
from waiting import LONGEST_WAIT

import gptviz
from gptviz.pages.stored import state_of

PROMPT = "Once upon a time there was a cat"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture
def sent_states(monkeypatch):
    """Every state that views send to pages, in order, beginning with the one at opening: (model id, state, bytes)."""
    states = []
    opened, sent = Widget.open, Widget.send_state

    def open_and_note(widget):
        opened(widget)
        states.append((widget.model_id, *state_of(widget)))

    def send_and_note(widget, key=None):
        sent(widget, key)
        if widget.comm is not None:
            states.append((widget.model_id, *state_of(widget)))

    monkeypatch.setattr(Widget, "open", open_and_note)
    monkeypatch.setattr(Widget, "send_state", send_and_note)
    return states


class SlowPage(ViewPage):
    """Draws a view in its first state; `catch_up` then delivers every later state in order."""

    def __init__(self, page, view, states):
        indices = {widget.model_id: index for index, widget in enumerate(view.family())}
        own = [state for state in states if state[0] in indices]
        self.first = {}
        for id, *state in own:
            self.first.setdefault(id, state)
        self.later = [[indices[id], *state] for id, *state in own]
        super().__init__(page, [view])

    def _page_data(self, widget):
        selection, view = super()._page_data(widget)
        return selection, [*view[:4], *self.first[widget.model_id]]

    def catch_up(self):
        for update in self.later:
            self.page.evaluate("(a) => update(...a)", update)


def text(page):
    """Returns the visible text, without live regions for screen readers."""
    settle(page)
    page.evaluate("() => document.querySelectorAll('.visually-hidden').forEach((one) => one.remove())")
    return page.locator("#views").inner_text()


MAKE = {kind.__name__: lambda gpt, kind=kind: kind(gpt.trace(PROMPT)) for kind in OF_A_TRACE} | {
    "PromptBox": lambda gpt: gptviz.PromptBox(PROMPT, gpt=gpt),
    "GenerationTimeline": lambda gpt: gptviz.GenerationTimeline(gpt.complete(PROMPT, max_tokens=4, seed=2)),
    "Comparison": lambda gpt: gptviz.compare(gpt.trace(PROMPT), gpt.trace("Once more")),
    "Explorer": lambda gpt: gptviz.explore(PROMPT, gpt=gpt),
    "TrainingView": lambda gpt: training_view(),
    "Question": lambda gpt: gptviz.lessons.ask("How many?", lambda trace: len(trace.tokens), source=gpt.trace(PROMPT)),
    "Check": lambda gpt: gptviz.lessons.check("a number", 1.0, 2.0),
    "GuessingGame": lambda gpt: gptviz.lessons.guessing_game([PROMPT], gpt),
}


@pytest.mark.parametrize("kind", MAKE)
def test_a_view_drawn_before_its_state_arrives_is_drawn_afterwards(shown, new_page, gpt, sent_states, kind):
    view = MAKE[kind](gpt)
    for widget in view.family():
        if hasattr(widget, "wait"):
            widget.wait(LONGEST_WAIT)
    page = new_page()
    slow = SlowPage(page, view, list(sent_states))
    assert page.locator(".gptviz").count() == 0, "there was nothing to draw yet"
    slow.catch_up()
    page.locator(".gptviz").first.wait_for()
    drawn = text(page)
    assert drawn == text(shown(view).page)


def test_a_view_removed_before_its_state_arrives_leaves_nothing(new_page, gpt, sent_states):
    view = gptviz.TokensView(gpt.trace(PROMPT))
    page = new_page()
    slow = SlowPage(page, view, list(sent_states))
    page.evaluate("models[0].cleanup()")
    slow.catch_up()
    assert page.locator(".gptviz").count() == 0
    assert page.evaluate("[...models[0].listeners.values()].flat().length") == 0
