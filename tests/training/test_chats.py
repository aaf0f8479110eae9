"""Of a chat the assistant's tokens alone are learned: its words and what ends them."""

import families
import pytest
import torch
from chat_templates import CHATML, LLAMA_3, SHOUTED, VOCAB, chatty
from trained import quick

import gptviz
from gptviz import training
from gptviz.errors import GPTVizError
from gptviz.training.texts import read_texts

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
