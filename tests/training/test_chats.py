"""Of a chat the assistant's tokens alone are learned: its words and what ends them."""

from functools import cache

import families
import numpy as np
import pytest
import torch
from chat_templates import CHATML, LLAMA_3, MERGED_SYSTEM, SHOUTED, TAGGED, VOCAB, chat, chatty
from close import approx_float32, rounding
from trained import quick

import gptviz
from gptviz import training
from gptviz.errors import GPTVizError
from gptviz.training.texts import read_pairs, read_texts

MESSAGES = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "the tin?"},
    {"role": "assistant", "content": "thin"},
    {"role": "user", "content": "and the inn?"},
    {"role": "assistant", "content": "in there"},
]


@cache
def model():
    result = families.build("llama", context=256)
    result.resize_token_embeddings(VOCAB)
    return result.eval()


def gpt_with(template):
    return gptviz.wrap(model(), chatty(template))


@pytest.mark.parametrize("template", [CHATML, LLAMA_3], ids=["ChatML", "Llama 3"])
def test_the_assistants_tokens_alone_count(template):
    gpt = gpt_with(template)
    (text,) = read_texts(gpt, [MESSAGES])
    expected = [False] * len(text.ids)
    for index in (2, 4):
        first, end = (
            len(gpt.tokenizer.apply_chat_template(MESSAGES[:count], add_generation_prompt=prompted)["input_ids"])
            for count, prompted in ((index, True), (index + 1, False))
        )
        expected[first:end] = [True] * (end - first)
    assert text.ids == gpt.tokenizer.apply_chat_template(MESSAGES)["input_ids"]
    assert list(text.counts) == expected and sum(expected) > 8


SAID = {"role": "assistant", "content": " in there"}
CHATS = {
    "one answer": chat("the tin?", "thin"),
    "two": MESSAGES,
    "two in succession": [*chat("the tin?", "thin"), SAID],
    "two in succession, then a question": [*MESSAGES[:3], SAID, MESSAGES[3]],
    "at the beginning": [SAID, MESSAGES[1]],
    "long": chat("a", "the thin thing in the tin", "the inn?", "in it"),
    "with thoughts": chat("the tin?", "<think>\nhm\n</think>\n\nthin", "the inn?", "<think>\nthe\n</think>\n\nin it"),
    "an empty one": [*chat("the tin?", ""), MESSAGES[3]],
}


def said(gpt, text):
    """Returns what counts of a text, as a text."""
    return gpt.prompt_text([id for id, counted in zip(text.ids, text.counts, strict=True) if counted])


@pytest.mark.parametrize("messages", CHATS.values(), ids=CHATS)
@pytest.mark.parametrize("template", TAGGED.values(), ids=TAGGED)
def test_what_counts_is_what_transformers_marks_as_an_answer(template, messages):
    gpt = gpt_with(template)
    (text,) = read_texts(gpt, [messages])
    expected = gpt.tokenizer.apply_chat_template(
        messages,
        add_generation_prompt=messages[-1]["role"] != "assistant",
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    assert text.ids == expected["input_ids"]
    assert text.counts == [bool(mark) for mark in expected["assistant_masks"]] and any(text.counts)


@pytest.mark.parametrize("template", TAGGED.values(), ids=TAGGED)
def test_of_a_pair_the_last_answer_counts_whatever_the_generation_prompt_is(template):
    gpt = gpt_with(template)
    pairs = read_pairs(gpt, [(MESSAGES[:4], "in there", "no"), ([*MESSAGES[:3], SAID, MESSAGES[3]], "in there", "no")])
    for texts, answer in zip(pairs, ("in there", "no"), strict=True):
        for text, prompt in zip(texts, (MESSAGES[:4], [*MESSAGES[:3], SAID, MESSAGES[3]]), strict=True):
            whole = [*prompt, {"role": "assistant", "content": answer}]
            assert text.ids == gpt.tokenizer.apply_chat_template(whole)["input_ids"]
            mask = gpt.tokenizer.apply_chat_template(whole, return_dict=True, return_assistant_tokens_mask=True)
            before = len(gpt.tokenizer.apply_chat_template(prompt)["input_ids"])
            assert text.counts == [bool(mark) and i >= before for i, mark in enumerate(mask["assistant_masks"])]
            assert answer in said(gpt, text)


def test_what_the_generation_prompt_leaves_to_the_model_counts():
    """A space stands before each answer, and the model is not given it when it is asked."""
    (text,) = read_texts(gpt := gpt_with(MERGED_SYSTEM), [chat("the tin?", "thin", "the inn?", "in it")])
    assert said(gpt, text) == " thin </s> in it </s>"


def test_the_loss_of_a_chat_is_that_of_the_assistants_tokens():
    gpt = gpt_with(CHATML)
    (text,) = read_texts(gpt, [MESSAGES])
    ids = torch.tensor([text.ids])
    labels = ids.masked_fill(~torch.tensor([text.counts]), -100)
    run = quick(gpt, [MESSAGES], steps=3)
    output = gpt.model(ids, labels=labels)
    assert run.loss[0] == approx_float32(float(output.loss.detach()), output.logits.detach())
    assert run.loss[-1] < run.loss[0]


@pytest.mark.parametrize(
    ("template", "messages", "words"),
    [
        (CHATML, MESSAGES[:2], "an answer of the assistant in"),
        (SHOUTED, MESSAGES, "an answer of the assistant in"),
        (None, MESSAGES, "template"),
    ],
)
@pytest.mark.filterwarnings("ignore:Which tokens belong")
def test_a_chat_without_an_answer_is_refused(template, messages, words):
    with pytest.raises(GPTVizError, match=words):
        training.finetune(gpt_with(template), [messages])


@pytest.mark.parametrize("template", [CHATML, LLAMA_3], ids=["ChatML", "Llama 3"])
def test_a_prompt_of_preferences_may_be_messages(template):
    gpt = gpt_with(template)
    asked = MESSAGES[:4]
    pairs = read_pairs(gpt, [(asked, "in there", "no")])
    prompt = gpt.tokenizer.apply_chat_template(asked, add_generation_prompt=True)["input_ids"]
    for (text,), answer in zip(pairs, ("in there", "no"), strict=True):
        whole = gpt.tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": answer}])["input_ids"]
        assert text.ids == whole and whole[: len(prompt)] == prompt
        assert list(text.counts) == [False] * len(prompt) + [True] * (len(whole) - len(prompt))
    run = training.prefer(gpt, [(asked, "in there", "no")], steps=2, learning_rate=1e-2).wait()
    assert run.loss[0] == pytest.approx(np.log(2), abs=rounding(np.log(2))) and run.loss[1] < run.loss[0]
    assert "the inn?" in run.example and "in there" not in run.example


def test_a_prompt_of_preferences_ends_before_the_answer():
    with pytest.raises(
        GPTVizError, match=r"pairs\[0\] whose messages end before the answer. Got a message of the assistant"
    ):
        training.prefer(gpt_with(CHATML), [(MESSAGES, "in there", "no")])


def test_a_chat_that_is_too_long_is_named():
    long = [MESSAGES, [*MESSAGES[:4], {"role": "assistant", "content": "x" * 300}]]
    with pytest.raises(GPTVizError, match=r"at most 256 tokens in texts\[1\], the context of the model"):
        training.finetune(gpt_with(CHATML), long)
