"""What a learner does in a notebook: types, drags, clicks, writes, answers, and sees the reaction.

A `Learner` works in a notebook that has been run. The truth of a question is asked of the kernel, beside the page, by
the question's own function; how it is reached and shown is what is tested.
"""

import contextlib
import json
import re
from dataclasses import dataclass
from typing import Any

from browser.lab import Notebook
from playwright.sync_api import Locator, expect

QUESTIONS = """
import json
from ipywidgets.widgets.widget import _instances
from gptviz.lessons.question import Question
questions = [widget for widget in _instances.values() if isinstance(widget, Question)]
"""
DESCRIBE = """
def describe(question):
    truth = question._compute_truth()
    leader = question.choices[truth] if question._kind_name == "choice" else None
    share = hasattr(leader, "id") and [leader.text.strip(), 100 * float(question.trace.probabilities()[leader.id])]
    return {"text": question.text, "kind": question._kind_name, "phase": question._state["phase"], "truth": truth,
            "unit": question._unit, "choices": len(question.choices), "hint": bool(question._hint), "share": share,
            "tolerance": getattr(question._kind, "tolerance", 0),
            "traits": question.get_state(["_state", "_about", "tally"])}
"""

HIDDEN = """(view) => [...view.querySelectorAll("*")]
    .every((node) => node.closest(".cover") || getComputedStyle(node).visibility === "hidden")"""
OUTSIDE = """(question) => [...document.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")]
    .filter((output) => !output.contains(question)).map((output) => output.innerText).join("\\n")"""
WRITE = """async (check, lines) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = content.widgets.findIndex((cell) => cell.node.contains(check));
    const cell = content.activeCell.model.sharedModel;
    cell.setSource(cell.source.replace(/^mine = (.|\\n)*?\\n\\n/m, () => `mine = None\\n${lines}\\n\\n`));
    await window.jupyterapp.commands.execute("notebook:run-cell");
}"""


@dataclass
class KernelQuestion:
    """A question as the kernel has it.

    truth: in the form that crosses to the page. share: where the truth is a token, its text and its probability in
    percent; else False. traits: what the page is sent.
    """

    text: str
    kind: str
    phase: str
    truth: Any
    unit: str
    choices: int
    tolerance: float
    hint: bool
    share: list[Any] | bool
    traits: dict[str, Any]


class Learner:
    """Someone at work in a notebook that has been run."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page

    def view(self, name: str) -> Locator:
        """Every view of this kind on the page."""
        return self.page.locator(f".gptviz-{name}")

    def kernel(self, code: str) -> Any:
        """Runs code in the kernel; returns the value that it printed last, as JSON."""
        return json.loads(self.notebook.execute(code).strip().splitlines()[-1])

    def types(self, prompt: str, box: int = 0) -> None:
        """Types another prompt into a prompt box and waits until it has been read."""
        form = self.view("prompt").nth(box)
        form.locator("textarea").fill("")
        form.locator("textarea").press_sequentially(prompt)
        form.locator("textarea").press("Enter")
        expect(form).to_have_attribute("aria-busy", "false")
        expect(form.locator("textarea")).to_have_value(prompt)
        expect(form.locator("[role=alert]").first).to_be_hidden()

    def drags(self, bench: Locator, name: str, share: float) -> float:
        """Drags a setting's slider to this share of its length; returns the number at which it then stands."""
        slider = bench.get_by_role("slider", name=f"{name}, slider")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * share, middle, steps=6)
        self.page.mouse.up()
        return float(slider.evaluate("(slider) => slider.valueAsNumber"))

    def writes(self, check: Locator, lines: str) -> None:
        """Writes lines in place of an exercise's own and runs its cell again. check: what the exercise shows."""
        check.evaluate(WRITE, lines)

    # Questions

    def questions(self) -> list[str]:
        """The texts of the questions on the page, from top to bottom."""
        return self.view("question").locator("h3").all_inner_texts()

    def asked(self, text: str) -> KernelQuestion:
        """Returns a question as the kernel has it, its truth included; the page learns nothing of it."""
        find = f"question = [one for one in questions if one.text.strip() == {text.strip()!r}][-1]"
        return KernelQuestion(**self.kernel(f"{QUESTIONS}{DESCRIBE}{find}\nprint(json.dumps(describe(question)))"))

    def place(self, text: str) -> Locator:
        """A question's view on the page."""
        exact = re.compile(rf"^\s*{re.escape(text.strip())}\s*$")
        return self.view("question").filter(has=self.page.locator("h3", has_text=exact)).first

    def answers(self, text: str) -> None:
        """Goes through one question: nothing gives it away, a wrong answer gets a hint, the right one the truth."""
        place = self.place(text)
        place.scroll_into_view_if_needed()
        question = self.asked(text)
        if question.phase == "close":
            expect(place.locator(".reaction button")).to_be_visible()
            place.locator(".reaction button").click()
            expect(place).to_have_attribute("data-phase", "open")
            question = self.asked(text)
        assert question.phase == "open", question
        self.is_told_nothing(question, place)
        self.guesses(place, question, wrong_answer(question))
        expect(place).to_have_attribute("data-phase", "wrong")
        expect(place.locator(".reaction")).to_contain_text("Not yet.")
        if question.hint:
            expect(place.locator(".hint")).not_to_be_empty()
        self.is_told_nothing(self.asked(text), place)
        self.guesses(place, question, question.truth)
        expect(place).to_have_attribute("data-phase", "revealed")
        expect(place.locator(".reaction")).to_contain_text("Right.")
        self.is_shown_the_truth(question, place)

    def answers_everything(self) -> int:
        """Answers every question, from top to bottom; returns how many there were. Afterwards nothing is covered."""
        texts = self.questions()
        for text in texts:
            self.answers(text)
        expect(self.page.locator(".gptviz[data-covered]")).to_have_count(0)
        return len(texts)

    def reveals(self, text: str) -> None:
        """Gives up: the truth is shown, and nobody is said to be right."""
        place, question = self.place(text), self.asked(text)
        place.locator("button.reveal").click()
        expect(place).to_have_attribute("data-phase", "revealed")
        expect(place.locator(".reaction")).not_to_contain_text("Right.")
        self.is_shown_the_truth(question, place)

    def reveals_everything(self) -> None:
        """Gives up on every question that is still open. Afterwards nothing is covered."""
        for text in self.questions():
            place = self.place(text)
            if self.asked(text).phase == "close":
                place.locator(".reaction button").click()
                expect(place).to_have_attribute("data-phase", "open")
            if self.asked(text).phase != "revealed":
                place.locator("button.reveal").click()
                expect(place).to_have_attribute("data-phase", "revealed")
        expect(self.page.locator(".gptviz[data-covered]")).to_have_count(0)

    def is_told_nothing(self, question: KernelQuestion, place: Locator) -> None:
        """Checks that before the reveal the answer is neither in the page's data nor in any text on the page."""
        assert "truth" not in question.traits["_state"] and "explain" not in question.traits["_state"]
        expect(place.locator("[data-right]")).to_have_count(0)
        expect(place.locator(".explain")).to_have_count(0)
        reaction = place.locator(".reaction").inner_text()
        if question.kind == "number":
            assert f"{question.truth:.3g}" not in reaction, reaction
        if question.kind == "head":
            for layer, head in question.truth:
                assert f"L{layer} · H{head}" not in reaction, reaction
        outside = place.evaluate(OUTSIDE)
        for pattern in giveaways(question):
            match = re.search(pattern, outside, re.DOTALL)
            assert not match, f"{question.text}: {match[0]!r} stands uncovered"
        for cover in self.page.locator(".gptviz[data-covered]").all():
            waits_for = re.match(
                r"(?:covered until you answer: |回答这个问题后才显示：)(.*)", cover.inner_text().strip(), re.DOTALL
            )
            assert waits_for and waits_for[1] in self.questions(), cover.inner_text()
            assert cover.evaluate(HIDDEN)

    def guesses(self, place: Locator, question: KernelQuestion, answer: Any) -> None:
        """Gives an answer in the way of its kind. A number is written with a comma."""
        if question.kind == "choice":
            place.locator(".choices button").nth(answer).click()
        elif question.kind == "number":
            place.locator("form input").fill(f"{answer:.7g}".replace(".", ","))
            place.locator("form button").click()
        elif question.kind == "ranking":
            self.sorts(place, answer)
            place.get_by_role("button", name="guess this order").click()
        else:
            heads = [answer] if isinstance(answer[0], int) else answer
            self.opens(place, *heads[0])
            place.get_by_role("button", name="guess this head").click()
        expect(place).not_to_have_attribute("data-computing", "")

    def sorts(self, place: Locator, order: list[int]) -> None:
        """Moves the items up until they stand in this order."""
        read = "(list) => [...list.children].map((item) => Number(item.dataset.place))"
        for i, item in enumerate(order):
            now = place.locator(".ranking").evaluate(read).index(item)
            for step in range(now, i, -1):
                place.locator(".ranking li").nth(step).locator("button").first.click()

    def opens(self, place: Locator, layer: int, head: int) -> None:
        """Clicks a head in an attention view that shares the question's selection, the nearest view first."""
        picked, name = place.locator(".head-form strong"), f"L{layer} · H{head}"
        buttons = self.page.locator(f'.gptviz-attention:not([data-covered]) .grid button[title="{name}"]').all()
        y = place.bounding_box()["y"]
        for button in sorted(buttons, key=lambda button: abs(button.bounding_box()["y"] - y)):
            button.click()
            with contextlib.suppress(AssertionError):
                expect(picked).to_have_text(name, timeout=2000)
                return
        raise AssertionError("no attention view shares the question's selection")

    def is_shown_the_truth(self, question: KernelQuestion, place: Locator) -> None:
        """Checks that the page shows what the kernel has, in the form of the question's kind."""
        reaction = place.locator(".reaction")
        if question.kind == "choice":
            expect(place.locator(".choices button[data-right]")).to_have_count(1)
            right = place.locator(".choices button").nth(question.truth)
            expect(right).to_have_attribute("data-right", "")
        elif question.kind == "number":
            drawn = float(reaction.locator("strong.number").last.get_attribute("title"))
            assert abs(drawn - question.truth) <= 1e-9 + 1e-6 * abs(question.truth)
            if question.truth % 1 == 0:  # a count is no measurement
                count = f"{question.truth:.0f} {question.unit}".strip()
                expect(reaction.locator("strong.number").last).to_have_text(count)
        elif question.kind == "head":
            for layer, head in question.truth:
                expect(reaction).to_contain_text(f"L{layer} · H{head}")
        else:
            expect(reaction).to_contain_text("›")


def wrong_answer(question: KernelQuestion) -> Any:
    """Returns an answer of the question's kind that is not its truth."""
    if question.kind == "choice":
        return (question.truth + 1) % question.choices
    if question.kind == "number":
        return question.truth + 3 * question.tolerance + 1
    if question.kind == "ranking":
        return question.truth[1:] + question.truth[:1]
    return next([layer, head] for layer in range(3) for head in range(2) if [layer, head] not in question.truth)


def giveaways(question: KernelQuestion) -> list[str]:
    """Patterns that would give the answer away: a number with its unit, or a token beside its probability.

    Without a unit a whole number, or a small one, stands everywhere and gives nothing away.
    """
    if question.kind == "number" and (question.unit or (question.truth >= 10 and question.truth % 1)):
        return [number_pattern(question.truth, question.unit)]
    if question.share:
        token, share = re.escape(question.share[0]), number_pattern(question.share[1], "%")
        return [f"{token}.{{0,40}}?{share}", f"{share}.{{0,40}}?{token}"]
    return []


def number_pattern(number: float, unit: str) -> str:
    """A pattern for a number as pages round it."""
    forms = {re.escape(f"{number:{form}}") for form in (".3g", ".1f", ".2f")}
    return rf"(?<![\d.,])(?:{'|'.join(sorted(forms))})\s?{re.escape(unit)}" + ("" if unit else r"(?![\d.,]*\d)")
