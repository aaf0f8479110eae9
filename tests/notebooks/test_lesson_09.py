"""Lesson 09, played in this process: what it reports of its runs equals what torch and NumPy make of their weights.

Training is deterministic for a seed on one machine and not across machines, so no number of a run stands here. What the lesson
rests on (the taught wordings are there, the name spreads to neighbours, tasks are lost, the rule says "not learnt") is
asserted for three seeds.
"""

import os

import numpy as np
import pytest
import torch
from close import approx_float64, assert_close, rounding
from played import check_an_empty_prompt, check_solutions, check_views_are_shown, check_wrong_guesses, run_cell
from small_models import silenced_probabilities
from tales_bound import TALES_BOUND

from gptviz._paths import assets_dir, notebooks_dir

LESSON = "09_fine_tuning"
LESSONS = (LESSON,)
MODEL = os.environ.get("GPTVIZ_MODEL") or str(assets_dir() / "tales")
PICTURES = {
    "report": ["ask_paraphrases", "ask_neighbours"],
    "gentler-row": ["ask_rehearsal", "ask_rate"],
    "rank-row": ["ask_rank"],
    "full-row": ["ask_full"],
    "where": ["ask_where"],
    "strengths": ["ask_half"],
    "items-picture": ["ask_items"],
    "heads": ["ask_heads"],
}


@pytest.fixture(scope="module")
def model():
    return MODEL


@torch.no_grad()
def word_probability(gpt, prompt, word):
    """Returns the product over the word's tokens, from the logits of the model itself, and its allowed error."""
    ids, start = gpt.tokenizer(f"{prompt} {word}")["input_ids"], len(gpt.tokenizer(prompt)["input_ids"])
    logits = gpt.model(torch.tensor([ids])).logits[0].double()
    chosen = logits.log_softmax(-1)[range(start - 1, len(ids) - 1), ids[start:]]
    return float(chosen.sum().exp()), (len(ids) - start) * rounding(logits.numpy())


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_views_are_shown(lesson)
    check_wrong_guesses(lesson)


def test_the_exercises_solution_is_right_and_an_unwritten_one_is_no_error(lesson):
    check_solutions(lesson)


def test_pictures_stay_covered_until_their_questions_are_answered(lesson):
    assert {cell for cell, source in lesson.sources.items() if "lessons.picture(" in source} == set(PICTURES)
    for cell, names in PICTURES.items():
        questions, picture = [lesson.names[name] for name in names], lesson.values[cell]
        for question in questions:
            question._set_state(question._state | {"phase": "open"})
        assert picture._covered_by == [question.text for question in questions]
        for question in questions:
            question.reveal()
        assert picture._covered_by == []


def test_a_measured_probability_is_that_of_the_models_own_logits(lesson):
    names = lesson.names
    for gpt, result in ((names["gpt"], names["before"]), (names["run"].gpt, names["alone"])):
        for group in (*names["asked"], "copying"):
            items = (names["asked"] | names["measured_tasks"])[group]
            assert len(result[group]) == len(items)
            for one, got in zip(items[:3], result[group], strict=False):
                expected, allowed = word_probability(gpt, *one)
                assert got == pytest.approx(expected, rel=allowed)


def test_nothing_that_is_measured_is_taught_or_practised(lesson):
    names = lesson.names
    learned = [*names["sentences"], *names["rehearse"], *names["lesson"]]
    probes = [one for group, items in names["asked"].items() if group != "taught wordings" for one in items]
    unseen = probes + [one for items in names["measured_tasks"].values() for one in items] + names["items"][48:]
    for prompt, word in unseen:
        assert not [text for text in learned if text.startswith(f"{prompt} {word}")], prompt
    assert len({prompt for prompt, _ in names["items"]}) == 60
    for prompt in names["practised"]:
        assert [text for text in names["rehearse"] if text.startswith(prompt)]


@pytest.mark.parametrize(
    ("known", "paraphrases", "kept", "taken", "said"),
    [
        (0.49, 0.5, 0.9, 0.1, "learnt"),
        (0, 0.49, 1, 0, "not learnt"),
        (0, 1, 0.89, 0, "not learnt"),
        (0, 1, 1, 0.11, "not learnt"),
        (0.5, 1, 1, 0, "not learnt"),
    ],
)
def test_the_rule_for_learnt_has_the_limits_that_the_text_states(lesson, known, paraphrases, kept, taken, said):
    """known: the mean of the paraphrases before the training."""
    names = dict(lesson.names)
    names["before"] = {names["STAYS"]: np.array([1.0, 1.0]), "paraphrases": np.array([known])}
    result = {
        "paraphrases": np.array([paraphrases]),
        names["STAYS"]: np.array([kept]),
        names["SPREADS"]: np.array([taken]),
    }
    run_cell(lesson.sources["verdict"], "verdict", names)
    assert names["verdict"](result, "A run").startswith(f"A run: {said} (")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_lesson_rests_on_holds_for_three_seeds(lesson, seed):
    names = dict(lesson.names, SEED=seed)
    if seed:
        run_cell(lesson.sources["tune"], "tune", names)
    run, before, alone = names["run"], names["before"], names["alone"]
    assert run.settings.seed == seed
    assert run.loss[0] > 5 and run.loss[-1] < 0.5
    assert before["taught wordings"].max() < 0.01 and alone["taught wordings"].mean() > 0.9
    assert before[names["SPREADS"]].max() < 0.01 and names["likely"](alone, names["SPREADS"]) >= 3
    assert alone["paraphrases"].mean() < 0.5 and names["of_tasks"](before) - names["of_tasks"](alone) > 0.3
    assert "not learnt" in names["verdict"](alone, "six sentences")


def test_rows_are_the_means_of_what_was_measured(lesson):
    names = lesson.names
    for cell, results in (
        ("gentler-row", names["gentler"]),
        ("rank-row", names["ranked"]),
        ("full-row", names["both"]),
    ):
        table = lesson.values[cell].to_table()
        for column, result in results.items():
            expected = [np.mean(result[group]) for group in names["asked"]]
            expected.append(np.mean([np.mean(result[task]) for task in names["tasks"]]))
            assert_close([row[column] for row in table], expected, dtype=np.float64)
    for row, task in zip(lesson.values["report"].to_table()[-len(names["tasks"]) :], names["tasks"], strict=True):
        assert row["after"] == approx_float64(np.mean(names["alone"][task]))


def test_what_the_text_says_of_the_models_own_facts_is_in_its_card():
    card = (assets_dir() / "tales" / "README.md").read_text("utf-8")
    assert "| country | 100.0% | 43.5% |" in card
    text = (notebooks_dir() / f"{LESSON}.ipynb").read_text("utf-8")
    assert "in the wordings of its training and in new ones" in text and "43.5" not in text, "lesson 12 asks for it"


def test_the_trained_numbers_are_counted(lesson):
    run = lesson.names["run"]
    kept = sum(tensor.numel() for tensor in run._source.states[int(run.steps_kept[-1])].values())
    assert f"rank 4: {kept:,} numbers are trained" in lesson.printed["ranks"]
    assert f"the model's {sum(p.numel() for p in run.before.model.parameters()):,}" in lesson.printed["ranks"]


def test_changes_are_those_of_the_weights(lesson):
    names, table = lesson.names, lesson.values["where"].to_table()
    kinds = {"Q, K and V": "attn.c_attn", "attention out": "attn.c_proj", "MLP in": "mlp.c_fc", "MLP out": "mlp.c_proj"}
    old = dict(names["gpt"].model.named_parameters())
    for run, rows in ((names["run"], table[:6]), (names["full_run"], table[6:])):
        new = dict(run.gpt.model.named_parameters())
        for layer, row in enumerate(rows):
            for part, kind in kinds.items():
                name = f"transformer.h.{layer}.{kind}.weight"
                a, b = (of[name].detach().double().numpy() for of in (old, new))
                expected = np.linalg.norm(b - a) / np.linalg.norm(a)
                # A float32 sum of n squares, one after the other, errs by about the root of n times its rounding.
                assert row[part] == pytest.approx(expected, rel=rounding(1.0, factor=2 * a.size**0.5))
                assert row["row"] == f"layer {layer}"


def test_the_slider_sets_the_strength_and_the_prompt_is_read_at_that_strength(lesson):
    names = lesson.names
    slider, mixed, box, run = (names[name] for name in ("slider", "mixed", "box", "run"))
    prompt = box.prompt
    for strength, expected in ((0.0, names["gpt"]), (1.0, run.gpt), (0.5, run.strength(0.5))):
        slider.value = strength
        np.testing.assert_array_equal(names["bench"].trace.logits, expected.trace(prompt).logits)
    box.run("Once upon a time there was a")
    assert mixed.trace.text == box.trace.text == names["bench"].trace.text
    old, new, between = names["leaders"](box.trace)
    assert old == names["gpt"].trace(box.trace.text).top(1)[0][0].text
    assert new == run.gpt.trace(box.trace.text).top(1)[0][0].text
    assert between == mixed.trace.top(1)[0][0].text
    box.run(prompt)


def test_the_new_task_is_measured_on_held_out_items_and_was_lacking(lesson):
    names = lesson.names
    assert names["items_before"][1] < 0.1
    expected, bounds = np.transpose([word_probability(names["skilled"], *one) for one in names["items"][48:]])
    assert names["items_after"][1] == pytest.approx(np.mean(expected), rel=max(bounds))
    assert names["ask_items"].reveal() == pytest.approx(100 * np.mean(expected), rel=max(bounds))
    note = lesson.values["items-picture"].drawing.note
    assert ("The new task is there" in note) == (np.mean(expected) >= 0.5)


def test_what_an_answer_loses_without_a_head_is_measured_by_silencing_it(lesson):
    names = lesson.names
    skilled, lost = names["skilled"], names["lost"]
    for task, items in names["studied"].items():
        layer, head = map(int, np.unravel_index(lost[task].argmax(), lost[task].shape))
        losses = []
        for prompt, word in items:
            ids, id = skilled.encode(prompt), skilled.encode(f"{prompt} {word}")[len(skilled.encode(prompt))]
            with torch.no_grad():
                whole = skilled.model(torch.tensor([ids])).logits[0, -1].double().softmax(-1)[id].item()
            losses.append(whole - silenced_probabilities(skilled, ids, layer, head)[id])
        assert lost[task][layer, head] == pytest.approx(np.mean(losses), abs=TALES_BOUND)
    serving = np.argwhere(lost["middle"] >= 0.1)
    assert names["ask_heads"].reveal() == len(serving)
    note = lesson.values["heads"].drawing.note
    assert all(f"L{layer} · H{head}" in note for layer, head in serving) and (len(serving) > 0 or "none found" in note)


def test_an_empty_prompt_is_no_error(lesson):
    check_an_empty_prompt(lesson)
