"""Plays a learner in a notebook that has been run: types, drags, clicks, writes code, answers questions.

The right answers come from the kernel, computed by each question's own function. The tests check how the page leads to
an answer and shows it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from browser.lab import Notebook
from close import approx_float32
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

# Of each covered view: its text, and whether everything in it but its cover is hidden.
COVERED = """(views) => views.map((view) => [view.innerText, [...view.querySelectorAll("*")]
    .every((node) => node.closest(".cover") || getComputedStyle(node).visibility === "hidden")])"""
# A generated text has many shares, which no question of a number is about; one of them may be the answer by chance.
OUTSIDE = """(question, withoutSteps) => {
    const shares = withoutSteps ? [...document.querySelectorAll(".gptviz-timeline .number")] : [];
    for (const share of shares) share.style.visibility = "hidden";
    const outputs = [...document.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")];
    const text = outputs.filter((output) => !output.contains(question)).map((output) => output.innerText).join("\\n");
    for (const share of shares) share.style.visibility = "";
    return text;
}"""
WRITE = """async (check, lines) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = content.widgets.findIndex((cell) => cell.node.contains(check));
    const cell = content.activeCell.model.sharedModel;
    cell.setSource(cell.source.replace(/^mine = (.|\\n)*?\\n\\n/m, () => `mine = None\\n${lines}\\n\\n`));
    await window.jupyterapp.commands.execute("notebook:run-cell");
}"""


@dataclass
class KernelQuestion:
    """A question's state in the kernel.

    truth: in the form in which the page receives it. share: if the truth is a token, its text and its probability in
    percent; otherwise False. traits: what is sent to the page.
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
    """A learner working in a notebook that has been run."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page

    def view(self, name: str) -> Locator:
        """Returns the locator of every view of this kind on the page."""
        return self.page.locator(f".gptviz-{name}")

    def kernel(self, code: str) -> Any:
        """Runs code in the kernel; returns the last line that it printed, parsed as JSON."""
        return json.loads(self.notebook.execute(code).strip().splitlines()[-1])

    def type_prompt(self, prompt: str, box: int = 0) -> None:
        """Types another prompt into a prompt box and waits until the model has read it."""
        form = self.view("prompt").nth(box)
        form.locator("textarea").fill("")
        form.locator("textarea").press_sequentially(prompt)
        form.locator("textarea").press("Enter")
        expect(form).to_have_attribute("aria-busy", "false")
        expect(form.locator("textarea")).to_have_value(prompt)
        expect(form.locator("[role=alert]").first).to_be_hidden()

    def drag_slider(self, bench: Locator, name: str, share: float) -> float:
        """Drags a setting's slider to this share of its length; returns its new value."""
        slider = bench.get_by_role("slider", name=f"{name}, slider")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * share, middle, steps=6)
        self.page.mouse.up()
        return float(slider.evaluate("(slider) => slider.valueAsNumber"))

    def write_solution(self, check: Locator, lines: str) -> None:
        """Replaces an exercise's lines with these and runs its cell again. check: the view below the exercise."""
        check.evaluate(WRITE, lines)

    # Questions

    def questions(self) -> list[str]:
        """Returns the texts of the questions on the page, from top to bottom."""
        return self.view("question").locator("h3").all_inner_texts()

    def question_in_kernel(self, text: str) -> KernelQuestion:
        """Returns a question with its truth from the kernel; nothing is sent to the page."""
        find = f"question = [item for item in questions if item.text.strip() == {text.strip()!r}][-1]"
        return KernelQuestion(**self.kernel(f"{QUESTIONS}{DESCRIBE}{find}\nprint(json.dumps(describe(question)))"))

    def question_locator(self, text: str) -> Locator:
        """Returns the locator of a question's view."""
        exact = re.compile(rf"^\s*{re.escape(text.strip())}\s*$")
        return self.view("question").filter(has=self.page.locator("h3", has_text=exact)).first

    def answer_question(self, text: str) -> None:
        """Answers one question wrongly, then rightly; checks that nothing gives the answer away before that."""
        view = self.question_locator(text)
        view.scroll_into_view_if_needed()
        question = self.question_in_kernel(text)
        if question.phase == "close":
            expect(view.locator(".reaction button")).to_be_visible()
            view.locator(".reaction button").click()
            expect(view).to_have_attribute("data-phase", "open")
            question = self.question_in_kernel(text)
        assert question.phase == "open", question
        self.check_answer_is_hidden(question, view)
        self.enter_answer(view, question, wrong_answer(question))
        expect(view).to_have_attribute("data-phase", "wrong")
        expect(view.locator(".reaction")).to_contain_text("Not yet.")
        if question.hint:
            expect(view.locator(".hint")).not_to_be_empty()
        self.check_answer_is_hidden(self.question_in_kernel(text), view)
        self.enter_answer(view, question, question.truth)
        expect(view).to_have_attribute("data-phase", "revealed")
        expect(view.locator(".reaction")).to_contain_text("Right.")
        self.check_answer_is_shown(question, view)

    def answer_every_question(self) -> int:
        """Answers every question, from top to bottom; checks that nothing stays covered. Returns their count."""
        texts = self.questions()
        for text in texts:
            self.answer_question(text)
        expect(self.page.locator(".gptviz[data-covered]")).to_have_count(0)
        return len(texts)

    def reveal_answer(self, text: str) -> None:
        """Reveals the answer; checks that no "Right." is shown."""
        view, question = self.question_locator(text), self.question_in_kernel(text)
        view.locator("button.reveal").click()
        expect(view).to_have_attribute("data-phase", "revealed")
        expect(view.locator(".reaction")).not_to_contain_text("Right.")
        self.check_answer_is_shown(question, view)

    def reveal_every_answer(self) -> None:
        """Reveals the answers of all open questions; checks that nothing stays covered."""
        for text in self.questions():
            view = self.question_locator(text)
            if self.question_in_kernel(text).phase == "close":
                view.locator(".reaction button").click()
                expect(view).to_have_attribute("data-phase", "open")
            if self.question_in_kernel(text).phase != "revealed":
                view.locator("button.reveal").click()
                expect(view).to_have_attribute("data-phase", "revealed")
        expect(self.page.locator(".gptviz[data-covered]")).to_have_count(0)

    def check_answer_is_hidden(self, question: KernelQuestion, view: Locator) -> None:
        """Checks that before the reveal the answer is neither in the page's data nor in any text on the page."""
        assert "truth" not in question.traits["_state"] and "explain" not in question.traits["_state"]
        expect(view.locator("[data-right]")).to_have_count(0)
        expect(view.locator(".explain")).to_have_count(0)
        reaction = view.locator(".reaction").inner_text()
        if question.kind == "number":
            number = re.escape(f"{question.truth:.3g}")
            assert not re.search(rf"(?<![\d.]){number}(?!\.?\d)", reaction), reaction
        if question.kind == "head":
            for layer, head in question.truth:
                assert f"L{layer} · H{head}" not in reaction, reaction
        outside = view.evaluate(OUTSIDE, question.kind == "number")
        for pattern in giveaways(question):
            match = re.search(pattern, outside, re.DOTALL)
            assert not match, f"{question.text}: {outside[match.start() - 40 : match.end() + 40]!r} is not covered"
        questions = self.questions()
        for text, is_hidden in self.page.locator(".gptviz[data-covered]").evaluate_all(COVERED):
            waits_for = re.match(r"(?:covered until you answer: |回答这个问题后才显示：)(.*)", text.strip(), re.DOTALL)
            assert waits_for and waits_for[1] in questions, text
            assert is_hidden, text

    def enter_answer(self, view: Locator, question: KernelQuestion, answer: Any) -> None:
        """Enters an answer with the controls of the question's kind. A number is written with a decimal comma."""
        if question.kind == "choice":
            view.locator(".choices button").nth(answer).click()
        elif question.kind == "number":
            view.locator("form input").fill(f"{answer:.7g}".replace(".", ","))
            view.locator("form button").click()
        elif question.kind == "ranking":
            self.sort_items(view, answer)
            view.get_by_role("button", name="guess this order").click()
        else:
            heads = [answer] if isinstance(answer[0], int) else answer
            self.open_head(view, *heads[0])
            view.get_by_role("button", name="answer with this head").click()
        expect(view).not_to_have_attribute("data-computing", "")

    def sort_items(self, view: Locator, order: list[int]) -> None:
        """Moves the items up until they are in this order."""
        read = "(list) => [...list.children].map((item) => Number(item.dataset.choice))"
        for i, item in enumerate(order):
            now = view.locator(".ranking").evaluate(read).index(item)
            for step in range(now, i, -1):
                view.locator(".ranking li").nth(step).locator("button").first.click()

    def open_head(self, view: Locator, layer: int, head: int) -> None:
        """Clicks a head in the nearest attention view that shares the question's selection."""
        picked, name = view.locator(".head-form strong"), f"L{layer} · H{head}"
        buttons = self.page.locator(f'.gptviz-attention:not([data-covered]) .grid button[title="{name}"]').all()
        y = view.bounding_box()["y"]
        for button in sorted(buttons, key=lambda button: abs(button.bounding_box()["y"] - y)):
            button.click()
            expect(button).to_have_attribute("aria-pressed", "true")  # what shares the selection has changed with it
            if picked.inner_text() == name:
                return
        raise AssertionError("no attention view shares the question's selection")

    def check_answer_is_shown(self, question: KernelQuestion, view: Locator) -> None:
        """Checks that the page shows the kernel's answer, in the form of the question's kind."""
        reaction = view.locator(".reaction")
        if question.kind == "choice":
            expect(view.locator(".choices button[data-right]")).to_have_count(1)
            right = view.locator(".choices button").nth(question.truth)
            expect(right).to_have_attribute("data-right", "")
        elif question.kind == "number":
            drawn = float(reaction.locator("strong.number").last.get_attribute("title"))
            assert drawn == approx_float32(question.truth)
            if question.truth % 1 == 0:  # a count is shown as a whole number
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
    """Returns patterns that give the answer away: a number with its unit, or a token beside its probability.

    Small or whole numbers without a unit are too common on the page to give anything away.
    """
    if question.kind == "number" and (question.unit or (question.truth >= 10 and question.truth % 1)):
        return [number_pattern(question.truth, question.unit)]
    if question.share:
        token, share = re.escape(question.share[0]), number_pattern(question.share[1], "%")
        return [f"{token}.{{0,40}}?{share}", f"{share}.{{0,40}}?{token}"]
    return []


def number_pattern(number: float, unit: str) -> str:
    """Returns a pattern for a number as pages round it."""
    forms = {re.escape(f"{number:{form}}") for form in (".3g", ".1f", ".2f")}
    return rf"(?<![\d.,])(?:{'|'.join(sorted(forms))})\s?{re.escape(unit)}" + ("" if unit else r"(?![\d.,]*\d)")
