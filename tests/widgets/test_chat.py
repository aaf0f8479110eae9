"""Chats in the views: the prompt box, its followers, the explorer's history, and roles in the token view."""

import pytest
from chat_templates import CHATML, LLAMA_3, VOCAB, applied, chat, chatty
from page_messages import ask
from small_models import strong_gpt2
from waiting import LONGEST_WAIT

import gptviz
from gptviz.errors import GPTVizError, NotAvailable

ASKED = chat("The owl?", "in the inn", "Thanks")


@pytest.fixture(scope="module")
def model():
    return strong_gpt2(n_positions=400, vocab_size=VOCAB)


@pytest.fixture(scope="module")
def chatting(model):
    return gptviz.wrap(model, chatty(CHATML, start=False))


def ids_of(trace):
    return [token.id for token in trace.tokens]


def test_a_box_of_messages_and_what_the_page_runs(chatting):
    box = gptviz.PromptBox(ASKED, gpt=chatting)
    view = gptviz.TokensView(box)
    assert box._has_template and box.messages == box._messages == ASKED
    assert ids_of(box.trace) == applied(chatting.tokenizer, ASKED) == chatting.encode(box.prompt)
    other = chat("A", system="Be kind.")
    assert ask(box, "chat", messages=other) == len(box.trace.tokens)
    assert ids_of(view.trace) == applied(chatting.tokenizer, other) and box.messages == box.typed == other
    trace = box.trace
    assert box.run(other) is trace and box.run(tuple(other)) is trace
    ask(box, "run", prompt="The owl")
    assert (box.messages, box.prompt, box.typed) == ([], "The owl", "The owl")
    ask(box, "chat", messages=other)
    ask(box, "run", prompt=box.prompt)
    assert box.messages == [] and ids_of(box.trace) == ids_of(trace)
    assert {token.role for token in box.trace.tokens} == {None}, "a text that spells a chat is a text"


def test_an_appended_token_is_the_assistants_and_stays_apart_from_the_messages(chatting):
    box = gptviz.PromptBox(ASKED, gpt=chatting)
    box.append(chatting.encode("in")[0])
    assert (box.messages, box._appended, box.trace.tokens[-1].role) == (ASKED, "in", "assistant")
    assert ids_of(box.trace)[:-1] == applied(chatting.tokenizer, ASKED)
    box.use(chatting)
    assert (box._appended, box.trace.tokens[-1].role) == ("in", "assistant")
    box.run(ASKED)
    assert box._appended == "" and ids_of(box.trace) == applied(chatting.tokenizer, ASKED)


def test_another_model_reads_the_messages_with_its_own_template(chatting, model):
    box = gptviz.PromptBox(ASKED, gpt=chatting)
    other = gptviz.wrap(model, chatty(LLAMA_3))
    box.use(other)
    assert ids_of(box.trace) == applied(other.tokenizer, ASKED) and box.messages == ASKED
    trace = box.trace
    without = gptviz.wrap(model, chatty(None))
    with pytest.raises(NotAvailable, match="chat template"):
        box.use(without)
    assert box.trace is trace and box.gpt is other
    assert not gptviz.PromptBox("the owl", gpt=without)._has_template


def test_refused_messages_change_nothing(chatting):
    box = gptviz.PromptBox(ASKED, gpt=chatting)
    trace = box.trace
    for messages in (
        [],
        [{"role": "user"}],
        [{"role": "user", "content": "a", "x": "y"}],
        [{"role": "", "content": ""}],
    ):
        with pytest.raises(AssertionError):
            ask(box, "chat", messages=messages)
    with pytest.raises(GPTVizError, match="surrogate"):
        box.run(chat("\ud800"))
    assert box.trace is trace and box.messages == ASKED


def test_where_roles_cannot_be_told_the_box_says_so(model):
    shouted = gptviz.wrap(model, chatty("{{ messages[0]['content'] | upper }}"))
    with pytest.warns(UserWarning, match="cannot be told"):
        box = gptviz.PromptBox(chat("the owl"), gpt=shouted)
    assert not box._roles_known
    box.run("the owl")
    assert box._roles_known


def test_an_explorer_of_messages_keeps_texts_and_chats_in_its_history(chatting):
    page = gptviz.explore(ASKED, gpt=chatting)
    page.prompt = "the owl"
    page.prompt = chat("A")
    assert page.box._history == [chat("A"), "the owl", ASKED]
    page.prompt = ASKED
    assert page.box._history == [ASKED, chat("A"), "the owl"]
    assert all(view.trace is page.trace for view in page._stations.values())
    page._stations["generation"].wait(LONGEST_WAIT)


def test_the_token_view_names_whose_each_token_is(chatting):
    trace = chatting.trace(ASKED)
    view = gptviz.TokensView(trace)
    roles = [token.role for token in trace.tokens]
    assert [token.get("role") for token in view._tokens] == [row["role"] for row in view.to_table()] == roles
    first = roles.index("assistant")
    marks = [token.text for token in trace.tokens if token.special]
    written = sum(len(m["content"]) for m in ASKED) + len("user\nassistant\nuser\nassistant\n") + len("\n") * 3
    assert view._characters == written == len(trace.text) - len("".join(marks))
    assert f"user 0–{first - 1} · assistant {first}–" in view.still()
    plain = gptviz.TokensView(chatting.trace("the owl"))
    assert "role" not in plain.to_table()[0] and "role" not in plain._tokens[0]
