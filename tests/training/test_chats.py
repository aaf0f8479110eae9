"""Of a chat the assistant's tokens alone are learned: its words and what ends them."""

import families
import numpy as np
import pytest
import torch
from chat_templates import CHATML, LLAMA_3, SHOUTED, VOCAB, chatty
from close import rounding
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


def gpt_with(template):
    model = families.build("llama", context=256)
    model.resize_token_embeddings(VOCAB)
    return gptviz.wrap(model.eval(), chatty(template))


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


def test_the_loss_of_a_chat_is_that_of_the_assistants_tokens():
    gpt = gpt_with(CHATML)
    (text,) = read_texts(gpt, [MESSAGES])
    ids = torch.tensor([text.ids])
    labels = ids.masked_fill(~torch.tensor([text.counts]), -100)
    run = quick(gpt, [MESSAGES], steps=3)
    assert run.loss[0] == pytest.approx(float(gpt.model(ids, labels=labels).loss.detach()), rel=1e-5)
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
        GPTVizError, match=r"before the answer as the prompt of pairs\[0\]. Got a message of the assistant"
    ):
        training.prefer(gpt_with(CHATML), [(MESSAGES, "in there", "no")])


def test_a_chat_that_is_too_long_is_named():
    long = [MESSAGES, [*MESSAGES[:4], {"role": "assistant", "content": "x" * 300}]]
    with pytest.raises(GPTVizError, match=r"at most 256 tokens in texts\[1\], the context of the model"):
        training.finetune(gpt_with(CHATML), long)
