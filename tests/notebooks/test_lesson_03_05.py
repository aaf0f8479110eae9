"""Lessons 03 to 05, played in this process: their questions, exercises and printed claims against independent truths.

The truth is transformers' own model, with its own norms, MLPs and generation. That the notebooks run in a kernel is
tested in `tests/browser/test_learning.py`.
"""

import math

import numpy as np
import pytest
import torch
from close import approx_float64, rounding
from played import (
    check_an_empty_prompt,
    check_models,
    check_offered_prompts,
    check_solutions,
    check_views_are_shown,
    check_wrong_guesses,
)
from shown import half_of_decimal

LESSONS = ("03_block", "04_decoding", "05_sampling")


def next_probabilities(reference, ids):
    """Returns the next token's probabilities, (vocab,)."""
    with torch.no_grad():
        return reference(torch.tensor([ids])).logits[0, -1].double().softmax(-1)


def greedy(reference, ids, count):
    """Returns the ids that transformers' own `generate` adds."""
    with torch.no_grad():
        out = reference.generate(torch.tensor([ids]), max_new_tokens=count, do_sample=False, pad_token_id=0)
    return out[0, len(ids) :].tolist()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_cell_whose_last_line_is_a_view_shows_one(played, lesson, model):
    check_models(played[lesson], model)
    check_views_are_shown(played[lesson])


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(played, lesson):
    check_wrong_guesses(played[lesson])


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(played, lesson):
    check_solutions(played[lesson])


def test_the_stream_grows_as_transformers_hidden_states_do(played, reference, tokenizer):
    lesson = played["03_block"]
    ids, last = tokenizer(lesson.names["box"].prompt)["input_ids"], []
    blocks = reference.transformer.h if hasattr(reference, "transformer") else reference.model.layers
    blocks[0].register_forward_pre_hook(lambda _, args: last.append(args[0][0, -1]))
    hook = blocks[-1].register_forward_hook(lambda _, __, out: last.append((out if out.ndim == 3 else out[0])[0, -1]))
    next_probabilities(reference, ids)
    hook.remove()
    grown = float(last[1].norm() / last[0].norm())
    bound = sum(rounding(stream) / float(stream.norm()) for stream in last)
    assert lesson.names["growth"](lesson.names["trace"]) == pytest.approx(grown, rel=bound)
    assert lesson.question("enters block 0").reveal() == lesson.names["longer"][np.digitize(grown, [1, 3, 10])]


PRINTED = ("stream-sum", "norm-show", "mlp-alone", "neurons-sum", "odds", "attribution-sum")


def check_prints(lesson, follow, wait):
    """Checks that some cells print what the present prompt gives, and that others say that they are of another prompt."""
    for cell in follow:
        assert lesson.values[cell].text == lesson.run_again(cell)[1].text, cell
        assert lesson.values[cell].text != lesson.printed[cell], cell
    assert all(lesson.values[cell].is_of_another_prompt for cell in wait)


def test_printed_checks_follow_the_prompt_in_the_box(played):
    lesson = played["03_block"]
    before = {cell: lesson.values[cell].text for cell in PRINTED}
    assert all(before.values()) and not any(lesson.values[cell]._about["problem"] for cell in PRINTED)
    first = lesson.names["box"].prompt
    lesson.names["box"].run("Once upon a time there was a")
    assert {cell: lesson.values[cell].text for cell in PRINTED} == {
        cell: lesson.run_again(cell)[1].text for cell in PRINTED
    }
    assert all(
        lesson.values[cell].text != before[cell] for cell in ("stream-sum", "norm-show", "odds", "attribution-sum")
    )
    lesson.names["box"].run(first)


def test_the_loop_begins_with_the_prompt_in_the_box(played):
    lesson = played["04_decoding"]
    names = lesson.names | {"ids": [1, 2, 3]}
    exec(lesson.sources["loop"], names)
    assert names["ids"] == [token.id for token in lesson.names["box"].trace.tokens]
    assert list(names["truth"]) == list(lesson.exercises[0].truth)


def test_a_hint_uses_the_numbers_of_the_guess(played):
    """The hint's numbers come from the guess or from the learner's own prompt."""
    block, decoding, sampling = (played[lesson] for lesson in LESSONS)
    length = [float(np.linalg.norm(block.names["box"].trace.residual(depth)[-1])) for depth in (0, 1)]
    for number in length:
        assert f"{number:.3g}" in hint(block.question("enters block 0"))
    last_words = decoding.names["ending"](decoding.names["box"].trace).text[-60:]
    assert repr(last_words) in hint(decoding.question("with which finish_reason"))
    trace = sampling.names["box"].trace
    p = np.sort(trace.probabilities())[::-1].astype(float)
    ratio = sampling.question("becomes of r")
    assert f"‘2 r’ it would be {2 * p[0] / p[1]:.4g}" in ratio._hint("2 r", trace)
    shares = np.sort((np.exp(2 * np.log(p))) / (p**2).sum())[::-1]
    cool = 1 + int((shares.cumsum() < 0.9).sum())
    assert f"the {cool:,} likeliest" in sampling.question("top_p=0.9")._hint("", trace)
    assert "keeps 40." in sampling.question("Put it first")._hint(["top_k=40", "top_p=0.9", "min_p=0.1"], trace)


def hint(question):
    return question._hint(question.choices[0], question.trace)


def test_questions_that_the_lesson_plan_projects_count_votes(played):
    for lesson, words in zip(LESSONS, ("most of its lead", "end in a loop", "becomes of r"), strict=True):
        assert played[lesson].question(words)._about["tally"], words


def test_the_block_view_is_covered_by_the_questions_on_its_numbers(played):
    lesson = played["03_block"]
    for words in ("enters block 0", "activation above 0", "most of its lead"):
        assert lesson.question(words)._covers == [lesson.names["block"]], words


def test_a_bench_is_covered_only_by_questions_above_it(played):
    """Whoever answers from top to bottom finds every bench open, even without sections 2, 4 and 6."""
    lesson = played["05_sampling"]
    bench, cuts = (lesson.names[name] for name in ("bench", "cuts"))
    covering = {
        view: [text for text, question in lesson.questions.items() if view in question._covers]
        for view in (bench, cuts)
    }
    assert len(covering[bench]) == 1 and "becomes of r" in covering[bench][0]
    assert len(covering[cuts]) == 3
    cells = list(lesson.sources)
    covering_cells = [id for id in cells if "covers=[cuts]" in lesson.sources[id]]
    assert max(map(cells.index, covering_cells)) < cells.index("cuts-bench")
    first = lesson.names["box"].prompt
    lesson.names["box"].run("The king had three")
    lesson.question("becomes of r").reveal()
    assert not bench._covered_by and set(cuts._covered_by) == set(covering[cuts])
    check_prints(lesson, follow=("limits-see", "seed"), wait=("sweep-ways", "sweep-read"))
    lesson.names["box"].run(first)


def test_a_count_is_right_within_a_third(played):
    """For a count of 1, guesses 0 and 2 are wrong."""
    question, above = played["04_decoding"].question("above 1 %"), played["04_decoding"].names["above"]
    for truth, tolerance in ((1, 0), (10, 3), (40, 4)):
        played["04_decoding"].names["above"] = lambda trace, truth=truth: truth
        question._refresh()
        assert question._kind.tolerance == tolerance
    played["04_decoding"].names["above"] = above
    question._refresh()


def test_parameters_are_those_of_the_model(played, reference):
    lesson = played["03_block"]
    total = sum(parameter.numel() for parameter in reference.parameters())
    assert sum(lesson.names["groups"].values()) == total
    assert "same numbers: True" in lesson.printed["parameters-check"]
    assert f"{total:,}" not in lesson.printed["parameters-check"]  # nothing to copy into the exercise
    assert f"in the file: {total:,}" in lesson.run_again("parameters-check", mine=total)[0]
    mlps = sum(p.numel() for name, p in reference.named_parameters() if "mlp" in name)
    assert lesson.names["groups"]["MLPs"] == mlps


def test_the_lead_is_the_difference_of_two_logits(played, reference, tokenizer):
    lesson = played["03_block"]
    p = next_probabilities(reference, tokenizer(lesson.names["box"].prompt)["input_ids"]).sort(descending=True).values
    assert sum(lesson.names["lead"](lesson.names["trace"]).values()) == pytest.approx(
        float((p[0] / p[1]).log()), abs=rounding(lesson.names["trace"].logits)
    )


def test_greedy_texts_and_the_cache_against_generate(played, reference):
    lesson = played["04_decoding"]
    ids = lesson.names["ids"]
    assert list(lesson.exercises[0].truth) == greedy(reference, ids, 12)
    with_cache, passed, _ = lesson.names["runs"][True]
    without, all_passed, _ = lesson.names["runs"][False]
    count = len(with_cache)
    assert with_cache == without == greedy(reference, ids, count)
    assert passed == len(ids) + count - 1
    assert all_passed == count * len(ids) + count * (count - 1) // 2
    assert lesson.question("Without the cache more positions").reveal() == all_passed / passed
    above = int((next_probabilities(reference, ids) > 0.01).sum())
    assert lesson.question("above 1 %").reveal() == above


def test_the_best_pair_is_the_likeliest_two_tokens(played, model, reference):
    lesson = played["04_decoding"]
    ids = lesson.names["ids"]
    first = next_probabilities(reference, ids)
    with torch.no_grad():
        rows = torch.tensor([[*ids, id] for id in first.topk(40).indices.tolist()])
        second = reference(rows).logits[:, -1].double().softmax(-1).max(-1).values
    best = float((first.topk(40).values * second).max())
    trace = lesson.names["box"].trace
    (taken, _), (likeliest, _) = lesson.names["best_pair"](trace)
    bound = 2 * rounding(trace.logits)  # of two probabilities
    assert likeliest == pytest.approx(best, rel=bound)
    assert taken == pytest.approx(float(first.max() * second[0]), rel=bound)
    if "tales" in model:
        assert 2 <= lesson.printed["pairs-more"].count("likelier") < 5, "the prompts show both cases"


def test_greedy_texts_of_the_embedded_model_loop_and_only_the_answer_says_so(played, model, reference, tokenizer):
    """The texts are transformers' own, and what is shown of them below the question waits for its answer."""
    lesson = played["04_decoding"]
    texts, openings = lesson.names["greedy"], lesson.names["openings"]
    periods = [lesson.names["period"](text.token_ids) for text in texts]
    assert "tales" not in model or 3 <= sum(map(bool, periods)) < len(periods)
    looping = [opening for opening, n in zip(openings, periods, strict=True) if n]
    assert [opening for opening, _ in lesson.names["looping"]] == looping
    first_line, *lines = lesson.printed["circles-look"].splitlines()
    assert first_line == f"{len(looping)} of {len(openings)} texts end in a loop" and len(openings) >= 12
    assert [line.split(" … ")[0] for line in lines[: len(looping)]] == [repr(opening) for opening in looping]
    longest = max(texts, key=lambda text: lesson.names["period"](text.token_ids) or 0)
    first = tokenizer(openings[texts.index(longest)])["input_ids"]
    assert list(longest.token_ids) == greedy(reference, first, len(longest.token_ids))
    question = lesson.question("end in a loop")
    for cell in ("circles-look", "circles-rounds"):
        assert "a loop of" not in lesson.printed[cell] != ""
        question._set_state(question._state | {"phase": "open"})
        assert lesson.values[cell]._covered_by == [question.text]
        question.reveal()
        assert lesson.values[cell]._covered_by == []
    assert all(f"a loop of {n}" in question._state["explain"] for n in periods if n)
    rounds = [line for line in lesson.printed["circles-rounds"].splitlines() if "mean probability" in line]
    assert len(rounds) >= (2 if "tales" in model else 1)


def test_sampling_begins_where_settings_can_be_seen(played, model):
    """With the first prompt the square of r is seen at once, and the first settings of the three jobs go wrong."""
    lesson = played["05_sampling"]
    if "tales" in model:
        r = lesson.names["ratio"](lesson.names["gpt"].trace("The old man"), 1)
        assert 1.5 < r < 5 and 'PromptBox("The old man"' in lesson.sources["prompt"]
        assert "fact: 1 different" not in lesson.printed["jobs-run"]
    assert lesson.names["bench"].temperature == 0.5


def test_a_loop_is_three_equal_stretches_at_the_end(played):
    period = played["04_decoding"].names["period"]
    assert period([9, 1, 2, 1, 2, 1, 2]) == 2
    assert period([5, 5, 5]) == 1
    assert period([1, 2, 1, 2]) is None
    assert period([1, 2, 3, 1, 2, 3, 1, 2, 4]) is None


def test_temperature_its_ends_and_the_cuts(played, reference, tokenizer):
    lesson = played["05_sampling"]
    p = next_probabilities(reference, tokenizer(lesson.names["box"].prompt)["input_ids"])
    assert lesson.question("becomes of r").reveal() == "r²"
    assert lesson.question("T → ∞").reveal() == approx_float64(math.log2(len(p)))
    assert lesson.question("top_k=10").reveal() == "exactly the same tokens"
    kept = []
    for temperature in (0.5, 2):
        shares = (p.log() / temperature).softmax(-1).sort(descending=True).values
        kept.append(1 + int((shares.cumsum(0) < 0.9).sum()))
    cool, hot = lesson.names["kept"](lesson.names["box"].trace, top_p=0.9)
    assert [len(cool), len(hot)] == kept
    assert lesson.question("top_p=0.9").reveal() == "these and more"
    assert lesson.question("Add 5").reveal() == "only with a penalty"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_prompt_that_is_offered_instead_decides(played, lesson, model):
    check_offered_prompts(played[lesson].questions.values(), model)


def test_the_end_tokens_places_are_those_of_the_written_text(played):
    lesson = played["04_decoding"]
    drawn, whole, p_end = lesson.names["along"](lesson.names["box"].trace)
    printed = lesson.printed["ends-list"]
    assert len(p_end) == len(drawn.steps)
    listed = [float(line.split("%")[0]) for line in printed.splitlines() if "% after" in line]
    high = sorted((100 * float(p) for p in p_end.values() if p > 0.001), reverse=True)
    assert listed == pytest.approx(high[:5], abs=half_of_decimal(2))
    assert f"{len(high)} of {len(p_end)} places" in printed
    stops = [at for at in p_end if "." in whole.tokens[at].text]
    likely = sum(float(p_end[at]) > 0.001 for at in stops)
    assert f"{len(stops)} full stops, {likely} of them" in printed


def test_two_texts_that_end_early_make_the_question_undecided(played):
    """Both end after one common token: they never differ, but they do not share all 20 tokens either."""
    lesson = played["05_sampling"]
    question, twice = lesson.question("Seed 4, twenty tokens"), lesson.names["twice"]
    lesson.names["twice"] = lambda trace: [[5, 0], [5, 0]]
    question._refresh()
    assert question.is_too_close
    lesson.names["twice"] = twice
    question._refresh()


def test_the_sweep_prints_what_it_measures(played):
    lesson = played["05_sampling"]
    trace = lesson.names["box"].trace
    diversity, likelihood = (lesson.names[name](trace) for name in ("diversity", "likelihood"))
    gained, paid = np.diff(diversity), np.diff(likelihood)
    lines = lesson.printed["sweep-ways"].splitlines()
    assert lines[-1] == f"of 6 steps up, {(gained > 0).sum()} raise diversity and {(paid < 0).sum()} lower likelihood"
    assert [f"{paid[i]:+.2f}" in lines[i] for i in range(6)] == [True] * 6
    assert lesson.names["distinct"]([[1, 2, 1, 2], [1, 2]]) == 2 / 4
    assert len(likelihood) == len(diversity) == 7
    assert likelihood[0] > likelihood[-1]
    figure = lesson.values["sweep-plot"]
    assert figure.data[0].y == tuple(diversity) and trace.text in figure.layout.title.text


def test_a_random_number_chooses_the_token_that_the_completion_takes(played):
    row, completion = played["05_sampling"].printed["seed"].splitlines()
    assert 0 <= float(row.split()[2]) < 1
    assert row.endswith(", " + completion.removeprefix("the completion begins with "))


def test_the_areas_are_the_models_parameters(played, reference):
    """Every parameter is counted once, and each block has its own."""
    picture = played["03_block"].values["areas"]
    table = picture.to_table()
    assert sum(row["parameters"] for row in table) == sum(one.numel() for one in reference.parameters())
    layers = getattr(reference, "transformer", None) or reference.model
    for number, block in enumerate(getattr(layers, "h", None) or layers.layers):
        parts = {row["part"]: row["parameters"] for row in table if row["column"] == number}
        attention = getattr(block, "attn", None) or block.self_attn
        assert parts["attention"] == sum(one.numel() for one in attention.parameters())
        assert parts["MLPs"] == sum(one.numel() for one in block.mlp.parameters())
        assert sum(parts.values()) == sum(one.numel() for one in block.parameters())
    assert {row["share"] for row in table if row["column"] == "token table"} == {
        reference.get_input_embeddings().weight.numel() / sum(row["parameters"] for row in table)
    }
    is_tied = reference.get_input_embeddings().weight is reference.get_output_embeddings().weight
    assert ("tied" in picture.drawing.note) == is_tied


def test_the_areas_stay_covered_until_the_question_on_the_largest_part_is_answered(played):
    picture, question = played["03_block"].values["areas"], played["03_block"].question("most parameters")
    question._set_state(question._state | {"phase": "open"})
    assert picture._covered_by == [question.text]
    question.reveal()
    assert picture._covered_by == []


def test_what_lesson_04_prints_follows_the_prompt_or_says_that_it_does_not(played):
    """It comes last, since the questions begin anew."""
    lesson = played["04_decoding"]
    lesson.names["box"].run("The king had three")
    check_prints(lesson, follow=("step", "least-sure"), wait=("cache-measure", "call", "reply", "ends-list"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_empty_prompt_is_no_error(played, lesson):
    check_an_empty_prompt(played[lesson])
