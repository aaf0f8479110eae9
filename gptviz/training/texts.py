"""Texts as a run learns them: checked, tokenised, and marked where the loss counts.

A text may be chat messages, which the tokenizer's own template writes. Then the assistant's tokens alone count: the
contents of its messages and what ends them, but not what the template writes to ask for them.
"""

from collections.abc import Sequence
from typing import Any

from gptviz.errors import WrongType, fail
from gptviz.gpt import GPT
from gptviz.text.messages import ASSISTANT, Message, is_chat
from gptviz.training.batches import Text


def read_texts(gpt: GPT, texts: Any, what: str = "texts", least: int = 1) -> list[Text]:
    """Returns the texts of a run. what: the argument's name. least: how many there must be.

    Raises WrongType for what is no list of texts, and GPTVizError for too few, for a text of one token, and for one that is
    longer than the context.
    """
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise fail(
            f"a list of texts as {what}", f"{type(texts).__name__}", f'For example {what}=["A text."].', WrongType
        )
    if len(texts) < least:
        raise fail(f"at least {least} text in {what}", f"{len(texts)}", "Give the texts to learn.")
    return [_read(gpt, text, f"{what}[{i}]") for i, text in enumerate(texts)]


def read_pairs(gpt: GPT, pairs: Any) -> tuple[list[Text], list[Text]]:
    """Returns the chosen and the rejected texts of pairs (prompt, chosen, rejected); only the answers' tokens count."""
    if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
        got = f"{len(pairs)}" if isinstance(pairs, Sequence) and not pairs else f"{type(pairs).__name__}"
        remedy = 'For example [("Question: …", " a good answer", " a bad one")].'
        raise fail("a list of pairs (prompt, chosen, rejected)", got, remedy, WrongType)
    answers: tuple[list[Text], list[Text]] = [], []
    for i, pair in enumerate(pairs):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or [type(part) for part in pair] != [str] * 3:
            got = f"{pair!r:.80} as pairs[{i}]"
            raise fail("three texts in each pair: prompt, chosen, rejected", got, "Give all three.", WrongType)
        prompt, *both = pair
        for texts, answer in zip(answers, both, strict=True):
            texts.append(_answer(gpt, prompt, answer, f"pairs[{i}]"))
    return answers


def _read(gpt: GPT, text: Any, name: str) -> Text:
    if isinstance(text, str):
        return _checked(gpt, gpt.encode(text), name)
    if is_chat(text):
        return _chat(gpt, text, name)
    remedy = "Give a text, or a list of messages."
    raise fail(f"a text or messages as {name}", f"{text!r:.60} ({type(text).__name__})", remedy, WrongType)


def _chat(gpt: GPT, messages: Sequence[Message], name: str) -> Text:
    reading = gpt.read(messages)
    counts = [role == ASSISTANT for role in reading.roles]
    asked = [i for i, message in enumerate(messages) if i and message["role"] == ASSISTANT]
    ends = [len(gpt.read(messages[:i]).ids) for i in asked]  # of what asks for each answer
    for end in [*ends, *([len(counts)] if reading.speaker else [])]:
        while end and reading.roles[end - 1] == ASSISTANT:
            end -= 1
            counts[end] = False
    if not any(counts):
        remedy = "Add a message of the assistant's, or use a template whose text shows whose each message is."
        raise fail(f"an answer of the assistant in {name}", "messages without a token of it", remedy)
    return Text(reading.ids, counts)


def _answer(gpt: GPT, prompt: str, answer: str, name: str) -> Text:
    ids = gpt.encode(prompt)
    answer_ids = gpt.encode(answer, add_special_tokens=False)
    return _checked(gpt, [*ids, *answer_ids], name, len(ids))


def _checked(gpt: GPT, ids: list[int], name: str, prompt: int = 0) -> Text:
    """Returns the text of these ids. prompt: how many of them are its prompt, whose loss does not count."""
    if len(ids) < 2:
        raise fail(f"at least 2 tokens in {name}", f"{len(ids)}", "There is nothing to predict in a single token.")
    gpt.encode(ids)  # raises if there are more tokens than the context has
    return Text(ids, [position >= prompt for position in range(len(ids))])
