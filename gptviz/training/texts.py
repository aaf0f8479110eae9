"""Texts as a run learns them: checked, tokenised, and marked where the loss counts.

A text may be chat messages, which the tokenizer's own template writes. Then the assistant's answers alone count: what it
has to write itself, the contents of its messages and what ends them (`Reading.answers`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gptviz.checks import short
from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.gpt import GPT
from gptviz.text.messages import ASSISTANT, Message, is_chat
from gptviz.training.batches import Text

Pair = tuple[str | Sequence[Message], str, str]  # a prompt, and the chosen and the rejected answer
_NOTHING = "There is nothing to predict in a single token."


def read_texts(gpt: GPT, texts: Any, name: str = "texts", least: int = 1) -> list[Text]:
    """Returns the texts of a run. name: the argument's name. least: how many there must be.

    Raises WrongType for what is no list of texts, and GPTVizError for too few, for a text of one token, and for one that is
    longer than the context.
    """
    check_list(texts, name, least)
    return [_read(gpt, text, f"{name}[{i}]") for i, text in enumerate(texts)]


def check_list(texts: Any, name: str, least: int = 1) -> None:
    """Raises WrongType for what is no list, and GPTVizError for too few texts. name: the argument's name."""
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Sequence):
        remedy = f'For example {name}=["A text."].'
        raise fail(f"a list of texts as {name}", f"{short(texts)} ({type(texts).__name__})", remedy, WrongType)
    if len(texts) < least:
        raise fail(f"at least {least} text in {name}", f"{len(texts)}", "Give the texts to learn.")


def read_pairs(gpt: GPT, pairs: Any) -> tuple[list[Text], list[Text]]:
    """Returns the chosen and the rejected texts of pairs (prompt, chosen, rejected); only the answers' tokens count."""
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Sequence) or not pairs:
        got = f"{short(pairs)} ({type(pairs).__name__})"
        remedy = 'For example [("Question: …", " a good answer", " a bad one")].'
        raise fail("a list of pairs (prompt, chosen, rejected)", got, remedy, WrongType)
    checked = [_pair(pair, f"pairs[{i}]") for i, pair in enumerate(pairs)]
    chosen = [_answer(gpt, prompt, answer, i, "chosen") for i, (prompt, answer, _) in enumerate(checked)]
    return chosen, [_answer(gpt, prompt, answer, i, "rejected") for i, (prompt, _, answer) in enumerate(checked)]


def _pair(pair: Any, name: str) -> Pair:
    if not isinstance(pair, (list, tuple)) or len(pair) != 3 or not _are_texts(*pair):
        expected = f"a prompt and two texts, chosen and rejected, as {name}"
        raise fail(expected, short(pair, 80), "A prompt is a text or a list of messages.", WrongType)
    prompt, chosen, rejected = pair
    if chosen == rejected:
        expected = f"two different answers, chosen and rejected, in {name}"
        raise fail(expected, f"{short(chosen)} as both", "Change one of them: none can be preferred to itself.")
    return prompt, chosen, rejected


def _are_texts(prompt: Any, *answers: Any) -> bool:
    return (isinstance(prompt, str) or is_chat(prompt)) and all(isinstance(answer, str) for answer in answers)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Makes an error in reading a text say which text it is, such as "texts[1]"."""
    try:
        yield
    except GPTVizError as error:
        raise _named(error, name) from error


def _named(error: GPTVizError, name: str) -> GPTVizError:
    if error.code == "prompt_empty":
        return fail(f"at least 1 token in {name}", "0", "Write at least one character.")
    if error.code == "prompt_too_long":
        limit, tokens = error.facts["limit"], error.facts["tokens"]
        remedy = "Shorten it, or cut it into several."
        return fail(f"at most {limit:,} tokens in {name}, the context of the model", f"{tokens:,}", remedy)
    return fail(f"{error.expected}, for {name}", error.got, error.remedy, type(error))


def _read(gpt: GPT, text: Any, name: str) -> Text:
    if is_chat(text):
        return _chat(gpt, text, name)
    if not isinstance(text, str):
        remedy = "Give a text, or a list of messages."
        raise fail(f"a text or messages as {name}", f"{short(text)} ({type(text).__name__})", remedy, WrongType)
    with naming(name):
        ids = gpt.encode(text)
    if len(ids) < 2:
        raise fail(f"at least 2 tokens in {name}", f"{len(ids)}", _NOTHING)
    return Text(ids)


def _chat(gpt: GPT, messages: Sequence[Message], name: str, only: int | None = None) -> Text:
    """Returns messages as one text, of which the answers count. only: the index of the one that counts; None for all."""
    with naming(name):
        reading = gpt.read(messages)
    counts = [answer is not None and only in (None, answer) for answer in reading.answers]
    if not any(counts[1:]):  # the first token is not predicted
        remedy = "Add a message of the assistant's, or use a template whose text shows whose each message is."
        raise fail(f"an answer of the assistant in {name}", "messages without a token of it", remedy)
    return Text(reading.ids, counts)


def _answer(gpt: GPT, prompt: str | Sequence[Message], answer: str, number: int, kind: str) -> Text:
    """Returns a prompt and an answer as one text, of which the answer's tokens count. kind: "chosen" or "rejected"."""
    both = f"the prompt and the {kind} answer of pairs[{number}]"
    with naming(f"the prompt of pairs[{number}]"):
        prompt_ids = gpt.encode(prompt)
    if not isinstance(prompt, str):
        if prompt[-1]["role"] == ASSISTANT:
            expected = f"a prompt in pairs[{number}] whose messages end before the answer"
            remedy = "Leave it out: the chosen and the rejected answer stand in its place."
            raise fail(expected, "a message of the assistant's at the end", remedy)
        return _chat(gpt, [*prompt, {"role": ASSISTANT, "content": answer}], both, only=len(prompt))
    with naming(f"the {kind} answer of pairs[{number}]"):
        answer_ids = gpt.encode(answer, add_special_tokens=False)
    with naming(both):
        ids = gpt.encode([*prompt_ids, *answer_ids])
    return Text(ids, [position >= len(prompt_ids) for position in range(len(ids))])
