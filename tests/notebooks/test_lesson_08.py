"""Lesson 08, played in this process: its claims about losses, steps and runs, checked with torch and NumPy of the test's own.

What chance decides is checked for three seeds in the shipped logs. `tests/browser/test_learning.py` runs it in a kernel.
"""

import copy
import json
import os
from itertools import pairwise
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from close import TINY, approx_float64, assert_close, rounding, rounding_of_shares
from played import check_an_empty_prompt, check_solutions, check_views_are_shown, check_wrong_guesses, run_cell
from shown import half_of_decimal
from stories import tell
from tales_bound import TALES_BOUND

import gptviz
from gptviz import training
from gptviz._paths import assets_dir

LESSON = "08_training"
LESSONS = (LESSON,)
MODEL = os.environ.get("GPTVIZ_MODEL") or str(assets_dir() / "tales")
FORMED = 0.3


@pytest.fixture(scope="module")
def model():
    return MODEL


@pytest.fixture(scope="module")
def ahead():
    return json.loads((assets_dir() / "training" / "repeats.json").read_text("utf-8"))


def loss_in_float64(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, :-1].double().numpy()
    logits -= logits.max(-1, keepdims=True)
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return -np.log(shares[np.arange(len(ids) - 1), ids[1:]])


def first_at(steps, scores):
    return next((step for step, score in zip(steps, scores, strict=True) if score >= FORMED), np.inf)


def test_a_cell_whose_last_line_is_a_view_shows_one(lesson):
    check_views_are_shown(lesson)


def test_every_picture_waits_for_its_questions(lesson):
    """The pictures of this lesson would answer a question each; covered, they show nothing."""
    pictures = {cell: value for cell, value in lesson.values.items() if "lessons.picture(" in lesson.sources[cell]}
    assert len(pictures) == 6
    open_ones = [question for question in lesson.questions.values() if question._state["phase"] == "open"]
    assert len(open_ones) == len(lesson.questions)
    for cell, view in pictures.items():
        assert view._covered_by, cell
    for view in (*(lesson.names[name] for name in ("watched", "maps", "attention")), lesson.values["halves"]):
        assert view._covered_by


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_wrong_guesses(lesson)


def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(lesson):
    check_solutions(lesson)


def test_losses_are_minus_the_logarithm_of_the_models_probabilities(lesson, reference):
    trace = lesson.names["box"].trace
    expected = loss_in_float64(reference, [token.id for token in trace.tokens])
    bound = 4 * rounding(trace.logits)
    np.testing.assert_allclose(lesson.names["losses"](trace), expected, atol=bound)
    assert lesson.exercises[0].truth == pytest.approx(expected.mean(), abs=bound)
    assert lesson.question("cost the most").reveal().position == expected.argmax() + 1


def test_one_step_is_that_of_gradient_descent(lesson, reference):
    """torch.optim.SGD on a copy of transformers' own model; the question's rate, and ten times it."""
    names, losses = lesson.names, {}
    ids = {text: names["gpt"].encode(text) for text in (names["learned"], *names["others"])}
    for times in (0, 1, 10):
        stepped = copy.deepcopy(reference)
        batch = torch.tensor([ids[names["learned"]]])
        logits = stepped(batch).logits[:, :-1]
        torch.nn.functional.cross_entropy(logits[0], batch[0, 1:]).backward()
        torch.optim.SGD(stepped.parameters(), lr=times * names["RATE"] or 1e-30).step()
        losses[times] = {text: loss_in_float64(stepped, of).mean() for text, of in ids.items()}
        if times == 1:
            pairs = list(zip(reference.parameters(), stepped.parameters(), strict=True))
            changed = sum(int((a != b).sum()) for a, b in pairs) / sum(a.numel() for a, _ in pairs)
    for text in ids:
        got = [names["after"][text][i] for i in (0, 2, -1)]
        assert got == pytest.approx([losses[times][text] for times in (0, 1, 10)], abs=TALES_BOUND)
    assert names["changed"]() == pytest.approx(changed, abs=0.01) and changed > 0.9
    assert lesson.question("have changed").reveal() == "more than 90%"
    own, other = ({times: of[text] for times, of in losses.items()} for text in (names["learned"], names["others"][1]))
    falls = own[0] - own[1], other[0] - other[1]
    assert falls[0] > 0
    way = 2 if falls[1] < 0 else int(falls[1] < falls[0])
    assert lesson.question("What about that of").reveal() == names["WAYS"][way]
    way = 2 if own[10] > own[0] else int(own[10] > own[1])
    assert lesson.question("ten times as long").reveal() == names["FAR"][way]


def test_the_loop_of_the_lesson_is_what_a_run_does(lesson):
    by_hand, run = lesson.names["by_hand"], lesson.names["run"]
    assert_close(by_hand, run.loss[: len(by_hand)])
    assert len(lesson.sources["loop"].splitlines()) == 10 and "in ten lines" in lesson.prose["loop-code"]
    assert lesson.question("Before its first step").reveal() == pytest.approx(np.log(64), abs=0.15)


def test_the_answers_about_the_run_are_those_of_its_measures(lesson):
    run, names = lesson.names["run"], lesson.names
    steps, held_out, induction = run.steps_kept, run.measures["held_out"], run.measures["induction"]
    first = {role: first_at(steps, run.measures[role]) for role in ("previous", "induction")}
    sooner = int(first["previous"] > first["induction"]) - int(first["previous"] < first["induction"])
    order = names["ORDER"][3 if first["induction"] == np.inf else 1 + sooner]
    assert lesson.question("Which kind of head").reveal() == order
    three = held_out[:-3] - held_out[3:]
    middle = (steps[three.argmax()] + steps[three.argmax() + 3]) // 2
    by_eye, watched = lesson.question("By eye"), lesson.names["watched"]
    watched.step = 0
    by_eye._set_state(by_eye._state | {"phase": "open"})
    assert by_eye.reveal() == middle
    assert watched.step == min(steps, key=lambda step: abs(step - middle)), (
        "the view stands where the loss falls fastest"
    )
    rises = [b - a for a, b in pairwise(induction)]
    assert lesson.exercises[1].truth == steps[rises.index(max(rises))]


@torch.no_grad()
def test_the_head_that_is_shown_is_that_of_each_steps_own_weights(lesson):
    """Before, at and after the jump, against the eager attention of transformers with the weights of that step."""
    watched, view, best = (lesson.names[name] for name in ("watched", "attention", "best"))
    steps = lesson.names["run"].steps_kept
    for step in (0, int(lesson.names["steepest"]), int(steps[-1])):
        watched.step = step
        model = copy.deepcopy(lesson.names["run"].at(step).model)
        model.set_attn_implementation("eager")
        ids = torch.tensor([[token.id for token in view.trace.tokens]])
        own = model(ids, output_attentions=True).attentions[best[0]][0, best[1]].numpy()
        np.testing.assert_allclose(view.trace.attention(*best), own, rtol=rounding_of_shares(view.trace), atol=TINY)


def test_a_guess_about_the_run_is_noted_until_the_run_has_ended(lesson):
    names = lesson.names
    for words in ("How will the loss fall", "Which kind of head"):
        assert lesson.question(words)._known is names["has_ended"]
    ends = {"finished": True, "stopped": True, "failed": True}
    for status, expected in ({"running": False, "paused": False} | ends).items():
        run_cell(lesson.sources["known"], "known", scope := dict(names))
        assert not scope["has_ended"]()
        scope["run"] = SimpleNamespace(status=status)
        assert scope["has_ended"]() is expected


AFTER_THE_RUN = (
    "live-heads", "wait", "curves", "watched-made", "ask-when", "by-score-solution", "by-score", "best-head", "watched",
    "watched-head", "halves",
)  # fmt: skip


@pytest.mark.parametrize(("settings", "status"), [({}, "stopped"), ({"learning_rate": 1e37}, "failed")])
def test_the_cells_after_a_run_that_ended_at_once_say_so_in_words(lesson, settings, status):
    run = training.pretrain(steps=1000, **settings)
    if status == "stopped":
        run.stop()
    else:
        run._source.join()
    names = dict(lesson.names)
    for cell in ("known", "formed", "shape", "held-out", "ask-shape", "ask-order"):
        run_cell(lesson.sources[cell], cell, names)
    names["run"] = run
    names["began"] = names["of_shape"]  # the views below are covered by the questions of this run alone
    run_cell(lesson.sources["live"].split("\n", 1)[1], "live", names)  # all but the line that starts a run
    ran = {cell: run_cell(lesson.sources[cell], cell, names) for cell in AFTER_THE_RUN}
    printed = ran["wait"][0]
    assert f"The run is {status}: {len(run.loss)} of 1,000 steps." in printed
    assert (str(run.error) if status == "failed" else "run the cells again") in printed
    for question in ("of_shape", "of_order", "by_eye"):
        assert names[question].reveal() is None
        state = names[question]._state
        kept = len(run.steps_kept)
        assert state["phase"] == "failed"
        assert f"Expected a run with at least 9 measured steps. Got one with {kept}" in state["problem"]
    for view in [names[name] for name in ("of_shape", "of_order", "by_eye", "watched", "maps", "attention")]:
        view.close()


def test_the_rule_for_the_shape_of_a_curve(lesson):
    shape, (even, early, late) = lesson.names["shape"], lesson.names["SHAPES"]
    places = np.linspace(0, 1, 41)
    assert shape(4 - 3 * places) == even
    assert shape(1 + 3 * np.exp(-12 * places)) == early
    assert shape(4 - 3 / (1 + np.exp(-40 * (places - 0.6)))) == late


def test_for_three_seeds_a_head_forms_at_once_with_rotary_positions_and_never_with_learned_ones(lesson, ahead):
    names = lesson.names
    rotary, learned = ([ahead[f"{kind}, seed {seed}"] for seed in (0, 1, 2)] for kind in ("rotary", "learned"))
    for one in rotary:
        assert max(one["induction"]) > 0.6 and one["step"][-1] == names["run"].settings.steps
        assert names["shape"](np.array(one["held_out"])) == names["SHAPES"][2]
        assert first_at(one["step"], one["induction"]) <= first_at(one["step"], one["previous"])
    assert max(max(one["induction"]) for one in learned) < FORMED
    assert lesson.question("Three runs with learned").reveal() == "none"
    drawn = lesson.values["logs"].drawing.panels
    assert [[curve.y.tolist() for curve in panel.curves] for panel in drawn] == [
        [one["induction"] for one in kind] for kind in (rotary, learned)
    ]


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_the_shipped_log_begins_as_such_a_run_does(positions, ahead):
    first = training.pretrain(steps=1, positions=positions, keep=2).wait().measures
    for name, values in first.items():
        bound = half_of_decimal(4) + rounding(values[0], 1.0)  # the log has four decimals
        if name == "accuracy":
            bound = 0.01  # of two tokens that are equally likely, another machine may prefer the other one
        assert ahead[f"{positions}, seed 0"][name][0] == pytest.approx(values[0], abs=bound)


def test_the_stories_are_those_of_the_generator():
    lines = (assets_dir() / "training" / "stories.txt").read_text("utf-8").splitlines()
    assert len(lines) == 1100 and sum(map(len, lines)) < 1e6
    for seed in (0, 1, 999, 1000, 1099):
        assert lines[seed] == tell(Random(seed), held=seed >= 1000).text
    assert not set(lines[:1000]) & set(lines[1000:])


def test_samples_become_words(lesson):
    names, texts = lesson.names, lesson.names["texts"]
    known = {step: names["known"](text) for step, text in texts.items()}
    words = set(" ".join(names["stories"]).split())
    for step, text in texts.items():
        tail = text.split()[4:-1]
        assert known[step] == approx_float64(sum(word in words for word in tail) / len(tail))
    assert known[0] < 0.5 and known[2000] > 0.9
    first = next(f"step {step:,}" for step, share in known.items() if share >= 0.9)
    assert lesson.question("real words").reveal() == first
    losses = names["made"].measures["held_out"]
    assert (np.diff(losses) < 0).all()
    short = names["short"].measures["held_out"]
    assert short[-1] < short[0]


def test_flops_are_counted_from_the_shapes(lesson, reference):
    names, config = lesson.names, reference.config
    if config.model_type == "gpt2":  # attention 4 d², MLP 8 d², and the unembedding
        weights = 12 * config.n_layer * config.n_embd**2 + config.vocab_size * config.n_embd
        assert lesson.exercises[2].truth == 2 * weights
    forward, both = names["counted"](False), names["counted"](True)
    assert forward == 2 * names["matrices"] and both == 3 * forward
    assert "3.00 times as much as reading it: 6 FLOPs" in lesson.printed["ratio"]
    told = lesson.printed["n"]
    assert f"{names['matrices'] / names['parameters']:.1%} are in matrices" in told
    assert f"{names['matrices']:,}" not in told  # half of the exercise's answer


def test_the_rule_gives_the_published_costs(lesson):
    for n, d, published in lesson.names["PUBLISHED"].values():
        assert 6 * n * d == pytest.approx(published, rel=0.01)
    names = lesson.names
    weights = sum(
        p.numel() for name, p in names["short"].before.model.named_parameters() if p.ndim == 2 and "embed" not in name
    )
    speed = 6 * weights * 150 * 32 * 64 / names["seconds"]
    years = 3.14e23 / speed / (365.25 * 24 * 3600)
    assert names["years"]("GPT-3") == pytest.approx(years, rel=0.01)
    bins = np.digitize(years, [100, 1e3, 1e6])
    assert lesson.question("GPT-3").reveal() == names["TIMES"][int(bins)]


# The log of tales


@pytest.fixture(scope="module")
def entries():
    return json.loads((assets_dir() / "tales" / "training.json").read_text("utf-8"))


def test_the_steps_at_which_heads_formed_come_from_the_log(lesson, entries):
    first = {role: next(e["step"] for e in entries if e[role] >= FORMED) for role in ("previous", "induction")}
    sooner = (first["previous"] > first["induction"]) - (first["previous"] < first["induction"])
    asked = lesson.question("this larger model")
    assert asked.reveal() == lesson.names["ORDER"][sooner + 1]
    for role, step in first.items():
        assert lesson.names["log"].first(role, FORMED) == step
        assert f"step {step:,}" in asked._state["explain"]


def test_longer_training_does_not_change_when_heads_formed(lesson):
    log = lesson.names["log"]
    curves = {name: np.append(curve, 0.99) for name, curve in log.curves.items()}
    longer = gptviz.lessons.TrainingLog(np.append(log.steps, log.steps[-1] + 100), curves, log.changes)
    for role in ("previous", "induction"):
        assert longer.first(role, FORMED) == log.first(role, FORMED)


def test_where_nothing_was_measured_no_line_is_drawn_and_nothing_is_steep(lesson, entries):
    steps = [entry["step"] for entry in entries]
    wide = [(a, b) for a, b in pairwise(steps) if b - a > 300]
    assert lesson.names["log"].gaps == wide
    lines = [line for line in lesson.printed["tales-log"].splitlines() if "nothing was" in line]
    assert lines == [f"nothing was measured between steps {a:,} and {b:,}" for a, b in wide]
    for panel in lesson.values["tales-curves"].drawing.panels:
        for curve in panel.curves:
            holes = np.flatnonzero(np.isnan(curve.y))
            assert [(curve.x[i - 1], curve.x[i + 1]) for i in holes] == wide
            assert len(curve.y) == len(entries) + len(wide)
    for role in ("previous", "induction"):
        rises = [(b[role] - a[role]) / (b["step"] - a["step"]) for a, b in pairwise(entries)]
        at = rises.index(max(rises))
        assert any(note.startswith(f"{role}: steepest from step {steps[at]:,} (") for note in lesson.names["notes"])


def test_the_changes_are_in_order_and_match_the_log_and_the_model_card(entries):
    """Their wording is free of jargon: a row of a batch is called a piece of text."""
    folder = assets_dir() / "tales"
    changes = json.loads((folder / "stretches.json").read_text("utf-8"))
    begun = [change["from"] for change in changes]
    assert begun[0] == 0 and all(a < b for a, b in pairwise(begun))
    assert begun[-1] <= entries[-1]["step"]
    card = (folder / "README.md").read_text("utf-8")
    table = card[card.index("| steps | minutes |") : card.index("The log shows")]
    assert all(f"{step:,}" in table for step in begun)
    jargon = {"row", "rows", "batch", "bfloat16", "×"}
    for change in changes:
        assert len(change["label"]) <= 20 and not jargon & set(change["what"].split())


def test_the_change_before_heads_formed_comes_from_the_file(lesson, entries):
    """In tales it is the period of the repetitions, as in the model card."""
    changes = lesson.names["log"].changes
    built = next(entry["step"] for entry in entries if entry["induction"] >= FORMED)
    last = max((change for change in changes if change["from"] < built), key=lambda change: change["from"])
    assert last["label"] == "short repeats" and "period" in last["what"]
    notes = "\n".join(lesson.names["notes"])
    assert f"At step {last['from']:,}" in notes and f"{built - last['from']:,} steps later" in notes
    for change in changes:
        assert change["what"] in lesson.printed["tales-log"]
    drawn = lesson.values["tales-curves"].drawing
    assert drawn.marks == tuple((change["label"], change["from"]) for change in changes[1:])
    assert drawn.note == notes


def test_a_log_without_its_changes_is_enough(lesson, tmp_path):
    file = tmp_path / "training.json"
    file.write_text((assets_dir() / "tales" / "training.json").read_text("utf-8"), "utf-8")
    printed, _ = lesson.run_again("tales-log", kept=file)
    assert "is not told" in printed
    log = gptviz.lessons.training_log(file)
    assert log.changes == [] and log.change_before(1e6) is None
    _, view = lesson.run_again("tales-curves", log=log, notes=[])
    assert view.drawing.marks == ()


def test_unknown_material_is_refused_with_what_there_is():
    with pytest.raises(gptviz.GPTVizError, match=r"Did you mean repeats\.json"):
        gptviz.lessons.material("repeat.json")


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_empty_prompt_is_no_error(played, lesson):
    check_an_empty_prompt(played[lesson])
