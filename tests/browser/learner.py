"""What a learner does in a notebook, as a helper: types, drags, clicks, writes, answers, and sees the reaction.

`Learner(notebook)` works on a notebook that has been run. The truth of a question is asked of the kernel, beside the
page, by the question's own function; how it is reached and shown is what is tested.
"""

import contextlib
import json
import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, expect

LIST = """
import json
from ipywidgets.widgets.widget import _instances
from gptviz.lessons.question import Question
asked = [one for one in _instances.values() if isinstance(one, Question)]
"""
DESCRIBE = """
def described(one):
    truth = one._compute_truth()
    leader = one.choices[truth] if one._kind_name == "choice" else None
    told = hasattr(leader, "id") and [leader.text.strip(), 100 * float(one.trace.probabilities()[leader.id])]
    return {"text": one.text, "kind": one._kind_name, "phase": one._state["phase"], "truth": truth, "unit": one._unit,
            "choices": len(one.choices), "tolerance": getattr(one._kind, "tolerance", 0), "hint": bool(one._hint), "told": told,
            "traits": one.get_state(["_state", "_about", "tally"])}
"""

HIDDEN = """(view) => [...view.querySelectorAll("*")]
    .every((one) => one.closest(".cover") || getComputedStyle(one).visibility === "hidden")"""
OUTSIDE = """(place) => [...document.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")]
    .filter((one) => !one.contains(place)).map((one) => one.innerText).join("\\n")"""
WRITE = """async (check, lines) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = content.widgets.findIndex((cell) => cell.node.contains(check));
    const cell = content.activeCell.model.sharedModel;
    cell.setSource(cell.source.replace(/^mine = (.|\\n)*?\\n\\n/m, () => `mine = None\\n${lines}\\n\\n`));
    await window.jupyterapp.commands.execute("notebook:run-cell");
}"""


@dataclass
class Asked:
    """One question. truth: in the form that crosses to the page. told: of a token, its text and its percentage."""

    text: str
    kind: str
    phase: str
    truth: Any
    unit: str
    choices: int
    tolerance: float
    hint: bool
    told: list[Any] | bool
    traits: dict[str, Any]


class Learner:
    """At work in a notebook that has been run. notebook: a `browser.lab.Notebook`."""

    def __init__(self, notebook: Any):
        self.notebook, self.page = notebook, notebook.page

    def view(self, name: str) -> Locator:
        """Every view of this kind on the page."""
        return self.page.locator(f".gptviz-{name}")

    def kernel(self, code: str) -> Any:
        """Run code in the kernel; what it printed as JSON."""
        return json.loads(self.notebook.execute(code).strip().splitlines()[-1])

    def types(self, prompt: str, box: int = 0) -> None:
        """Another prompt into a prompt box."""
        form = self.view("prompt").nth(box)
        form.locator("textarea").fill("")
        form.locator("textarea").press_sequentially(prompt)
        form.locator("textarea").press("Enter")
        expect(form).to_have_attribute("aria-busy", "false")
        expect(form.locator("textarea")).to_have_value(prompt)
        expect(form.locator("[role=alert]").first).to_be_hidden()

    def drags(self, bench: Locator, name: str, share: float) -> float:
        """The slider of a setting, dragged to this share of its way; the number at which it then stands."""
        slider = bench.get_by_role("slider", name=f"{name}, slider")
        slider.scroll_into_view_if_needed()
        place = slider.bounding_box()
        middle = place["y"] + place["height"] / 2
        self.page.mouse.move(place["x"] + place["width"] / 2, middle)
        self.page.mouse.down()
        self.page.mouse.move(place["x"] + place["width"] * share, middle, steps=6)
        self.page.mouse.up()
        return float(slider.evaluate("(one) => one.valueAsNumber"))

    def writes(self, check: Locator, lines: str) -> None:
        """Lines in place of an exercise's own, and its cell run again. check: what the exercise shows."""
        check.evaluate(WRITE, lines)

    # Questions

    def questions(self) -> list[str]:
        """The texts of the questions on the page, from top to bottom."""
        return self.view("question").locator("h3").all_inner_texts()

    def asked(self, text: str) -> Asked:
        """A question as the kernel has it, its truth included; the page learns nothing of it."""
        find = f"found = [one for one in asked if one.text.strip() == {text.strip()!r}][-1]"
        return Asked(**self.kernel(f"{LIST}{DESCRIBE}{find}\nprint(json.dumps(described(found)))"))

    def place(self, text: str) -> Locator:
        """Where a question stands on the page."""
        exact = re.compile(rf"^\s*{re.escape(text.strip())}\s*$")
        return self.view("question").filter(has=self.page.locator("h3", has_text=exact)).first

    def answers(self, text: str) -> None:
        """One question from beginning to end: silence, a wrong answer with its hint, the right one, the reveal."""
        place = self.place(text)
        place.scroll_into_view_if_needed()
        found = self.asked(text)
        if found.phase == "close":
            expect(place.locator(".reaction button")).to_be_visible()
            place.locator(".reaction button").click()
            expect(place).to_have_attribute("data-phase", "open")
            found = self.asked(text)
        assert found.phase == "open", found
        self.tells_nothing(found, place)
        self.guesses(place, found, self.a_wrong_answer(found))
        expect(place).to_have_attribute("data-phase", "wrong")
        expect(place.locator(".reaction")).to_contain_text("Not yet.")
        if found.hint:
            expect(place.locator(".hint")).not_to_be_empty()
        self.tells_nothing(self.asked(text), place)
        self.guesses(place, found, found.truth)
        expect(place).to_have_attribute("data-phase", "revealed")
        expect(place.locator(".reaction")).to_contain_text("Right.")
        self.shows(place, found)

    def answers_everything(self) -> int:
        """Every question, from top to bottom; how many there were. Afterwards nothing is covered."""
        texts = self.questions()
        for text in texts:
            self.answers(text)
        expect(self.page.locator(".gptviz[data-covered]")).to_have_count(0)
        return len(texts)

    def reveals(self, text: str) -> None:
        """Gives up: the truth is shown, and nobody is told that it was right."""
        place, found = self.place(text), self.asked(text)
        place.locator("button.reveal").click()
        expect(place).to_have_attribute("data-phase", "revealed")
        expect(place.locator(".reaction")).not_to_contain_text("Right.")
        self.shows(place, found)

    def tells_nothing(self, found: Asked, place: Locator) -> None:
        """Before the reveal the answer is neither in the page's data nor in what can be read or heard, wherever it stands."""
        assert "truth" not in found.traits["_state"] and "explain" not in found.traits["_state"]
        expect(place.locator("[data-right]")).to_have_count(0)
        expect(place.locator(".explain")).to_have_count(0)
        said = place.locator(".reaction").inner_text()
        if found.kind == "number":
            assert f"{found.truth:.3g}" not in said, said
        if found.kind == "head":
            for layer, head in found.truth:
                assert f"L{layer} · H{head}" not in said, said
        outside = place.evaluate(OUTSIDE)
        for sign in signs(found):
            assert not (seen := re.search(sign, outside, re.DOTALL)), f"{found.text}: {seen[0]!r} stands uncovered"
        for cover in self.page.locator(".gptviz[data-covered]").all():
            waits_for = re.match(
                r"(?:covered until you answer: |回答之前先盖住：)(.*)", cover.inner_text().strip(), re.DOTALL
            )
            assert waits_for and waits_for[1] in self.questions(), cover.inner_text()
            assert cover.evaluate(HIDDEN)

    def a_wrong_answer(self, found: Asked) -> Any:
        if found.kind == "choice":
            return (found.truth + 1) % found.choices
        if found.kind == "number":
            return found.truth + 3 * found.tolerance + 1
        if found.kind == "ranking":
            return found.truth[1:] + found.truth[:1]
        return next([layer, head] for layer in range(3) for head in range(2) if [layer, head] not in found.truth)

    def guesses(self, place: Locator, found: Asked, answer: Any) -> None:
        """Gives an answer in the way of its kind. A number is written with a comma."""
        if found.kind == "choice":
            place.locator(".choices button").nth(answer).click()
        elif found.kind == "number":
            place.locator("form input").fill(f"{answer:.7g}".replace(".", ","))
            place.locator("form button").click()
        elif found.kind == "ranking":
            self.sorts(place, answer)
            place.get_by_role("button", name="that order").click()
        else:
            heads = [answer] if isinstance(answer[0], int) else answer
            self.opens(place, *heads[0])
            place.get_by_role("button", name="that one").click()
        expect(place).not_to_have_attribute("data-computing", "")

    def sorts(self, place: Locator, order: list[int]) -> None:
        """Moves the items up until they stand in this order."""
        read = "(list) => [...list.children].map((item) => Number(item.dataset.place))"
        for i, wanted in enumerate(order):
            now = place.locator(".ranking").evaluate(read).index(wanted)
            for step in range(now, i, -1):
                place.locator(".ranking li").nth(step).locator("button").first.click()

    def opens(self, place: Locator, layer: int, head: int) -> None:
        """Clicks a head in an attention view that shares the question's selection: the nearest is looked at first."""
        picked, name = place.locator(".head-form strong"), f"L{layer} · H{head}"
        buttons = self.page.locator(f'.gptviz-attention:not([data-covered]) .grid button[title="{name}"]').all()
        here = place.bounding_box()["y"]
        for button in sorted(buttons, key=lambda one: abs(one.bounding_box()["y"] - here)):
            button.click()
            with contextlib.suppress(AssertionError):
                expect(picked).to_have_text(name, timeout=2000)
                return
        raise AssertionError("no attention view shares the question's selection")

    def shows(self, place: Locator, found: Asked) -> None:
        """What the model says is the truth of the kernel, in the question's own words."""
        reaction = place.locator(".reaction")
        if found.kind == "choice":
            expect(place.locator(".choices button[data-right]")).to_have_count(1)
            right = place.locator(".choices button").nth(found.truth)
            expect(right).to_have_attribute("data-right", "")
        elif found.kind == "number":
            drawn = float(reaction.locator("strong.number").last.get_attribute("title"))
            assert abs(drawn - found.truth) <= 1e-9 + 1e-6 * abs(found.truth)
            if found.truth % 1 == 0:  # a count is no measurement
                expect(reaction.locator("strong.number").last).to_have_text(f"{found.truth:.0f} {found.unit}".strip())
        elif found.kind == "head":
            for layer, head in found.truth:
                expect(reaction).to_contain_text(f"L{layer} · H{head}")
        else:
            expect(reaction).to_contain_text("›")


def signs(found: Asked) -> list[str]:
    """Patterns of what would tell: a number with its unit, or a token beside its probability, as pages round them.

    Without a unit a whole number, or a small one, stands everywhere and tells nothing.
    """
    if found.kind == "number" and (found.unit or (found.truth >= 10 and found.truth % 1)):
        return [shown(found.truth, found.unit)]
    if found.told:
        token, share = re.escape(found.told[0]), shown(found.told[1], "%")
        return [f"{token}.{{0,40}}?{share}", f"{share}.{{0,40}}?{token}"]
    return []


def shown(number: float, unit: str) -> str:
    """A pattern for a number in a page."""
    ways = {re.escape(f"{number:{form}}") for form in (".3g", ".1f", ".2f")}
    return rf"(?<![\d.,])(?:{'|'.join(sorted(ways))})\s?{re.escape(unit)}" + ("" if unit else r"(?![\d.,]*\d)")
