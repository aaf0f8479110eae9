"""A chat in the prompt box and the roles of its tokens, in a page."""

import pytest
from browser.axe import serious_violations
from browser.pages import settle
from chat_templates import CHATML, VOCAB, applied, chat, chatty
from playwright.sync_api import expect
from small_models import strong_gpt2
from waiting import LONGEST_WAIT

import gptviz

ASKED = chat("The owl?", "in the inn", "Thanks")
HOSTILE = '<img src=x onerror="window.broken = true"></textarea><b>b</b>'


@pytest.fixture(scope="module")
def chatting():
    return gptviz.wrap(strong_gpt2(n_positions=400, vocab_size=VOCAB), chatty(CHATML))


def answered(view):
    """Waits until the kernel has answered, and shows what has changed."""
    settle(view.page)
    view.update()


def shown_messages(page):
    """Returns the rows of the box as messages."""
    return page.locator(".gptviz-prompt .messages li").evaluate_all(
        """(rows) => rows.map((row) => ({ role: row.querySelector("select").value,
            content: row.querySelector("textarea").value }))"""
    )


def brackets(page):
    """Returns the role and the number of tokens under each bracket of the token view; null without one."""
    return page.locator(".gptviz-tokens .row > li").evaluate_all(
        """(items) => items.reduce((runs, item) => {
            const bracket = item.querySelector(".role");
            if (item.hasAttribute("data-first") || !bracket) runs.push([bracket?.textContent ?? null, 0]);
            runs.at(-1)[1] += 1;
            return runs;
        }, [])"""
    )


def test_messages_are_typed_run_and_removed_by_keyboard(shown, chatting):
    box = gptviz.PromptBox("The owl?", gpt=chatting)
    view = shown(box, gptviz.TokensView(box))
    page = view.page
    prompt = page.locator(".gptviz-prompt")
    switch = prompt.get_by_label("as chat")
    switch.focus()
    page.keyboard.press("Space")
    assert shown_messages(page) == chat("The owl?")
    prompt.get_by_label("message 1", exact=True).press("Enter")
    answered(view)
    assert box.messages == chat("The owl?")
    prompt.get_by_role("button", name="add a message").press("Enter")
    expect(prompt.get_by_label("message 2", exact=True)).to_be_focused()
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    answered(view)
    asked = chat("The owl?", f"{HOSTILE}\ntwo")
    assert box.messages == shown_messages(page) == asked
    assert [token.id for token in box.trace.tokens] == applied(chatting.tokenizer, asked)
    assert page.evaluate("window.broken") is None and page.locator(".gptviz-tokens b").count() == 0
    prompt.get_by_label("role of message 1").select_option("system")
    prompt.get_by_role("button", name="remove message 2").press("Enter")
    expect(prompt.get_by_label("message 1", exact=True)).to_be_focused()
    expect(prompt.get_by_role("button", name="remove message 1")).to_be_hidden()
    page.keyboard.press("Enter")
    answered(view)
    assert box.messages == shown_messages(page) == [{"role": "system", "content": "The owl?"}]
    switch.click()
    expect(page.locator(".gptviz-prompt .messages")).to_be_hidden()
    page.locator(".gptviz-prompt textarea").first.fill("the owl")
    page.locator(".gptviz-prompt textarea").first.press("Enter")
    answered(view)
    assert (box.messages, box.prompt) == ([], "the owl")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_brackets_name_the_role_of_each_run_of_tokens(shown, chatting, language):
    box = gptviz.PromptBox(ASKED, gpt=chatting, language=language)
    trace = box.trace
    page = shown(box, gptviz.TokensView(box, language=language), gptviz.AttentionView(box, language=language)).page
    names = {
        "en": {"user": "user", "assistant": "assistant"},
        "zh": {"user": "用户 user", "assistant": "助手 assistant"},
    }
    roles = [token.role for token in trace.tokens]
    expected = []
    for role in roles:
        if not expected or expected[-1][0] != names[language][role]:
            expected.append([names[language][role], 0])
        expected[-1][1] += 1
    assert brackets(page) == expected
    assert page.locator(".gptviz-tokens .row .chip").evaluate_all("(chips) => chips.map((c) => c.title)") == roles
    labels = page.locator(".gptviz-attention .labels.keys .chip")
    assert set(labels.evaluate_all("(chips) => chips.map((c) => c.title)")) == {"user", "assistant"}
    page.locator(".gptviz-tokens .row button").nth(roles.index("assistant")).focus()
    expect(page.locator(".gptviz-tokens .about")).to_contain_text(names[language]["assistant"])
    assert serious_violations(page, "#views") == []


def test_the_switch_is_there_for_models_with_a_template_only_and_a_refused_chat_says_why(shown, chatting):
    tales = gptviz.load()
    box, plain = gptviz.PromptBox("Once", gpt=tales), gptviz.PromptBox("the owl", gpt=small_plain())
    page = shown(box, plain).page
    expect(page.locator(".as-chat:visible")).to_have_count(1)
    page.get_by_label("as chat").first.click()
    page.get_by_label("role of message 1").select_option("system")
    page.get_by_label("message 1", exact=True).press("Enter")
    expect(page.locator(".gptviz-prompt [role=alert]").first).to_contain_text("user (Tom) and assistant (Mary)")
    assert shown_messages(page) == [{"role": "system", "content": "Once"}] and box.messages == []


def small_plain():
    return gptviz.wrap(strong_gpt2(n_positions=100, vocab_size=VOCAB), chatty(None))


def test_an_appended_token_and_a_chat_set_in_python_are_shown(shown, chatting):
    box = gptviz.PromptBox("the owl", gpt=chatting)
    view = shown(box)
    box.run(ASKED)
    box.append(chatting.encode("in")[-1])
    view.update()
    assert shown_messages(view.page) == ASKED
    expect(view.page.locator(".gptviz-prompt .appended")).to_have_text("appended after the messages: in")


def test_an_earlier_chat_is_run_again_from_the_explorers_menu(shown, chatting):
    explorer = gptviz.explore(ASKED, gpt=chatting)
    explorer.prompt = "the owl"
    explorer._stations["generation"].wait(LONGEST_WAIT)
    view = shown(explorer)
    view.page.get_by_label("earlier prompts").select_option("user: The owl? · assistant: in the inn · user: Thanks")
    answered(view)
    assert shown_messages(view.page) == ASKED
    assert explorer.box.messages == ASKED


def test_an_exported_page_shows_the_chat_and_says_what_it_cannot_do(opened, chatting, tmp_path):
    box = gptviz.PromptBox(ASKED, gpt=chatting)
    page = opened(box.save_html(tmp_path / "chat.html"))
    assert shown_messages(page) == ASKED
    page.get_by_label("message 3", exact=True).press("Enter")
    expect(page.locator(".gptviz-prompt [role=alert]").first).to_contain_text("Not in this page")
