"""Lesson 10, played in this process: its losses, answers and probabilities, against transformers' own.

Its questions take their answers from the run. What the prose says of a run is tested with other seeds too.
"""

import math

import country
import numpy as np
import pytest
import torch
from close import approx_float32, approx_float64, rounding
from played import check_an_empty_prompt, check_solutions, check_views_are_shown, check_wrong_guesses
from tales_bound import TALES_BOUND

from gptviz import training
from gptviz._paths import assets_dir

LESSONS = ("10_assistant",)
COVERED = {
    "mask": ["template_question", "mask_question"], "side-held": ["held_question"], "far-shown": ["length_question"],
    "examples-said": ["forced_question"], "ways-shown": ["ways_question"], "watched": ["length_question", "start_question"],
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return str(assets_dir() / "tales")


def ids_of(gpt, messages):
    """Returns transformers' ids of messages: with the generation prompt if the assistant has not spoken."""
    prompted = messages[-1]["role"] == "user"
    return gpt.tokenizer.apply_chat_template(messages, add_generation_prompt=prompted)["input_ids"]


@torch.no_grad()
def log_probability(gpt, start, ids):
    """Returns the sum of log p of ids after others, from transformers' model."""
    logits = gpt.model(torch.tensor([[*start, *ids]])).logits[0, len(start) - 1 : -1].double()
    return -torch.nn.functional.cross_entropy(logits, torch.tensor(ids), reduction="sum").item()


@torch.no_grad()
def greedy(gpt, question):
    """Returns what transformers' `generate` answers: the text, whether it stopped, and its number of tokens."""
    ids = torch.tensor([ids_of(gpt, [{"role": "user", "content": question}])])
    keywords = {"do_sample": False, "max_new_tokens": 30, "pad_token_id": gpt.tokenizer.eos_token_id}
    new = gpt.model.generate(ids, attention_mask=torch.ones_like(ids), **keywords)[0, ids.shape[1] :].tolist()
    return gpt.tokenizer.decode(new, skip_special_tokens=True), new[-1] == gpt.tokenizer.eos_token_id, len(new)


def test_views_are_shown(lesson):
    check_views_are_shown(lesson)


def test_the_picture_has_the_loss_of_each_token_that_counts(lesson):
    """The upper row has the loss of each token that is predicted, the lower one of those that count."""
    names, picture = lesson.names, lesson.values["mask"]
    gpt, hello = names["gpt"], names["hello"]
    ids, prompt = ids_of(gpt, hello), ids_of(gpt, hello[:1])
    expected = [-log_probability(gpt, ids[:i], ids[i : i + 1]) for i in range(1, len(ids))]
    np.testing.assert_allclose(picture.drawing.values[0][1:], expected, atol=rounding(names["trace"].logits))
    counted = np.arange(len(ids)) >= len(prompt)
    np.testing.assert_array_equal(~np.isnan(picture.drawing.values[1]), counted)
    assert names["first"] == pytest.approx(np.mean(expected[len(prompt) - 1 :]), abs=rounding(names["trace"].logits))
    assert names["mask_question"]._compute_truth() == counted.sum()


def test_printed_answers_are_covered_until_their_questions_are_answered(lesson):
    for cell, questions in COVERED.items():
        assert set(lesson.values[cell]._covered_by) == {lesson.names[question].text for question in questions}


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_wrong_guesses(lesson)
    assert not any(lesson.values[cell]._covered_by for cell in COVERED)


def test_the_exercises_solution_is_right_and_an_unwritten_one_is_no_error(lesson):
    check_solutions(lesson)


def test_the_template_adds_what_the_question_says(lesson):
    gpt, hello = lesson.names["gpt"], lesson.names["hello"]
    contents = [gpt.tokenizer(message["content"], add_special_tokens=False)["input_ids"] for message in hello]
    added = len(ids_of(gpt, hello)) - sum(map(len, contents))
    assert lesson.question("does the template add").reveal() == added


def test_the_facts_are_those_of_the_model_and_held_out_ones_are_in_no_dialogue(lesson):
    told = {(place, answer) for _, place, answer in country.FACTS}
    names = lesson.names
    for _, sentence, word in names["facts"]:
        assert any(place in sentence and answer == word for place, answer in told)
    wordings = [wording.split("{s}")[0] for kind in country.WORDINGS.values() for wording in kind]
    assert not [asked for asked, _, _ in names["facts"] if any(w and asked.startswith(w) for w in wordings)]
    learned = [message["content"] for chat in names["dialogues"](names["taught"]) for message in chat]
    assert len(names["taught"]) == len(names["held_out"]) == 24
    for asked, sentence, _ in names["held_out"]:
        assert not [text for text in learned if asked in text or sentence in text]


@pytest.mark.parametrize(("result", "name", "facts"), [
    ("after", "tuned", "held_out"), ("narrowed", "narrow", "others"), ("shorter", "short", "held_out"),
])  # fmt: skip
def test_answers_are_counted_as_transformers_generates_them(lesson, result, name, facts):
    names = lesson.names
    answers = [greedy(names[name], asked) for asked, _, _ in names[facts]]
    words = [text.replace(".", " ").replace("?", " ").split() for text, _, _ in answers]
    right = sum(word in said for said, (_, _, word) in zip(words, names[facts], strict=True))
    expected = right, sum(stopped for _, stopped, _ in answers), np.mean([length for _, _, length in answers])
    assert names[result] == approx_float64(expected)


def test_before_the_tuning_no_answer_ends_and_afterwards_all_do(lesson):
    names = lesson.names
    assert names["before"][:2] == (0, 0)
    assert names["after"][1] == names["narrowed"][1] == 24
    assert names["narrowed"][0] < names["after"][0]


def test_the_preference_loss_and_log_probabilities_are_computed_anew(lesson):
    names = lesson.names
    assert names["preferred"].loss[0] == approx_float32(math.log(2))
    for model, means in zip(("tuned", "short"), names["log_ps"], strict=True):
        expected, longest = [], 0
        for prompt, *answers in names["pairs"]:
            start = names["gpt"].tokenizer(prompt)["input_ids"]
            ids = names["gpt"].tokenizer(answers, add_special_tokens=False)["input_ids"]
            expected.append([log_probability(names[model], start, each) for each in ids])
            longest = max(longest, *map(len, ids))
        np.testing.assert_allclose(means, np.mean(expected, 0), rtol=0, atol=longest * TALES_BOUND)
    chosen, rejected = names["log_ps"][1] - names["log_ps"][0]
    assert chosen > rejected
    assert names["far_run"].loss[-1] < names["preferred"].loss[-1]
    assert names["moved"](names["far"])[0] < names["log_ps"][0][0]  # even the chosen answers became unlikely


def test_pairs_have_the_tokens_of_the_chats(lesson):
    names = lesson.names
    for (asked, told, _), (prompt, chosen, rejected) in zip(names["taught"][:20], names["pairs"], strict=True):
        for answer, said in ((chosen, told), (rejected, told + names["REMARK"])):
            ids = names["gpt"].tokenizer([prompt, answer], add_special_tokens=False)["input_ids"]
            start = names["gpt"].tokenizer.bos_token_id
            assert [start, *ids[0], *ids[1]] == ids_of(names["gpt"], names["answered"](asked, said))


def test_the_remark_comes_back_when_its_first_word_is_given(lesson):
    names, remark = lesson.names, lesson.names["gpt"].tokenizer(lesson.names["REMARK"], add_special_tokens=False)
    first, *rest = remark["input_ids"]
    given, whole = [], []
    for asked, told, _ in names["held_out"][::3]:
        start = ids_of(names["gpt"], names["asks"](asked))
        start += names["gpt"].tokenizer(" " + told, add_special_tokens=False)["input_ids"]
        given.append(math.exp(log_probability(names["short"], [*start, first], rest)))
        whole.append(math.exp(log_probability(names["short"], start, [first, *rest])))
    bound = (1 + len(rest)) * TALES_BOUND  # of a product over the tokens
    assert names["p_remark"](names["short"], True) == pytest.approx(np.mean(given), rel=bound)
    assert names["p_remark"](names["short"], False) == pytest.approx(np.mean(whole), rel=bound)


@torch.no_grad()
def test_reviews_are_judged_by_the_likeliest_of_all_tokens(lesson):
    names, right = lesson.names, {"known wording": 0, "tuned": 0}
    assert not {text for text, _ in names["tests"]} & {text for text, _ in names["shown"]}
    for text, is_good in names["tests"]:
        ids = names["gpt"].tokenizer(f"Review: {text} Feeling:")["input_ids"]
        asked = ids_of(names["judge"], names["asks"](f"{text} Good or bad?"))
        for way, gpt, read, labels in (("known wording", names["gpt"], ids, (" bad", " good")),
                                       ("tuned", names["judge"], asked, (" bad", " good"))):  # fmt: skip
            logits = gpt.model(torch.tensor([read])).logits[0, -1]
            right[way] += gpt.tokenizer.decode(logits.argmax()) == labels[is_good]
    assert {way: names["ways"][way][0] for way in right} == right


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_give_what_the_lesson_says(lesson, seed):
    names = lesson.names
    settings = {"batch": 8, "keep": 2, "seed": seed}
    texts = names["dialogues"](names["taught"])
    tuned = training.finetune(names["gpt"], texts, steps=40, learning_rate=3e-3, **settings).wait().gpt
    right, stopped, length = names["score"](tuned, names["held_out"])
    assert right >= 12 and stopped == 24
    short = training.prefer(tuned, names["pairs"], steps=20, learning_rate=2e-4, **settings).wait()
    assert names["score"](short.gpt, names["held_out"])[2] < length - 2
    assert names["p_remark"](short.gpt, True) > 10 * names["p_remark"](short.gpt, False)


def test_an_empty_prompt_is_no_error(lesson):
    check_an_empty_prompt(lesson)
