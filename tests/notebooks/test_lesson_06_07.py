"""Lessons 06 and 07, played in this process: their claims about heads, checked on transformers' model with own hooks.

Switching off a name mover must cost as much as the text says; an induction head must have its stripe in eager
attention. The notebooks also print what they did not find, so an early checkpoint passes too: the tests then check that
statement. `tests/browser/test_learning.py` runs the notebooks in a kernel.
"""

import ast
import contextlib
import os

import nbformat
import numpy as np
import pytest
import torch
from close import assert_close, rounding, rounding_of_shares
from played import (
    cell_source,
    check_an_empty_prompt,
    check_cells_wait,
    check_solutions,
    check_views_are_shown,
    check_wrong_guesses,
)

from gptviz._paths import assets_dir, notebooks_dir
from gptviz.drawings.heat_map import Heat

LESSONS = ("06_interventions", "07_induction_heads")
TALES = str(assets_dir() / "tales")
MODEL = os.environ.get("GPTVIZ_MODEL") or TALES
IS_TALES = MODEL == TALES  # the model that must have what the lessons look for


@pytest.fixture(scope="module")
def model():
    return MODEL


@pytest.fixture(scope="module")
def movers(played):
    return played["06_interventions"]


@pytest.fixture(scope="module")
def induction(played):
    return played["07_induction_heads"]


@contextlib.contextmanager
def switched_off(model, *heads):
    """Switches these heads off: sets their part of the output projection's input to zero."""
    width = model.config.n_embd // model.config.n_head

    def hook(layer, head):
        def zero(_module, inputs):
            kept = inputs[0].clone()
            kept[..., head * width : (head + 1) * width] = 0
            return (kept,)

        return model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(zero)

    handles = [hook(*at) for at in heads]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def sentence_ids(tokenizer, sentence, first, second, teller):
    """Returns the ids of a sentence and the id of the right name, which is the other person's, not the teller's."""
    (id,) = tokenizer(" " + (second if teller == first else first), add_special_tokens=False)["input_ids"]
    return tokenizer(sentence.format(first, second, teller))["input_ids"], id


@torch.no_grad()
def chance(reference, tokenizer, pairs, sentence, *heads, teller=0):
    """Returns the right name's mean probability without some heads. teller: 0 or 1, the name of the pair that tells."""
    with switched_off(reference, *heads):
        probabilities = []
        for pair in pairs:
            ids, id = sentence_ids(tokenizer, sentence, *pair, pair[teller])
            probabilities.append(reference(torch.tensor([ids])).logits[0, -1].softmax(-1)[id].item())
    return sum(probabilities) / len(probabilities)


@torch.no_grad()
def repeated_loss(reference, ids, count, *heads):
    """Returns the mean cross-entropy of the second half without its first token."""
    with switched_off(reference, *heads):
        logits = reference(torch.tensor([ids])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits[1 - count :], torch.tensor(ids)[1 - count :]).item()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_cell_whose_last_line_is_a_view_shows_one(played, lesson):
    check_views_are_shown(played[lesson])


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(played, lesson):
    check_wrong_guesses(played[lesson])


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(played, lesson):
    check_solutions(played[lesson])


def test_without_a_name_mover_the_right_name_loses_what_the_text_says(movers, reference, tokenizer):
    pairs, sentence = movers.names["pairs"], movers.names["SENTENCE"]
    expected = chance(reference, tokenizer, pairs, sentence)
    assert movers.names["chances"].mean() == pytest.approx(expected, rel=rounding_of_shares(movers.names["clean"]))

    def both(*heads):
        return np.mean([chance(reference, tokenizer, pairs, sentence, *heads, teller=which) for which in (0, 1)])

    printed = movers.printed["movers-said"]
    assert movers.names["movers"] or not IS_TALES
    for layer, head in movers.names["movers"]:
        points = 100 * (both() - both((layer, head)))
        assert points > 2
        assert f"L{layer} · H{head} is a name mover: without it P(right) falls by {points:.1f} points" in printed


def test_a_model_without_name_movers_is_said_to_have_none(movers, capsys):
    names = movers.names | {"movers": []}
    exec(cell_source(LESSONS[0], "movers-said-print"), names)
    names["movers_said"]()
    printed = capsys.readouterr().out
    assert "no head passes all four" in printed and "name mover: without" not in printed


def test_the_name_movers_are_exactly_the_heads_that_pass_all_four_checks(movers, reference, tokenizer):
    looks = []
    for teller in (0, 1):
        maps = []
        for pair in movers.names["pairs"]:
            ids, id = sentence_ids(tokenizer, movers.names["SENTENCE"], *pair, pair[teller])
            with torch.no_grad():
                all_maps = torch.stack(reference(torch.tensor([ids]), output_attentions=True).attentions)[:, 0]
            words = [word.strip() for word in tokenizer.batch_decode([[id] for id in ids])]
            maps.append(all_maps[:, :, -1, words.index(tokenizer.decode([id]).strip())].numpy())
        looks.append(np.mean(maps, 0))
    allowed = rounding_of_shares(movers.names["clean"])
    np.testing.assert_allclose(movers.names["looks"], looks[0], rtol=allowed)
    np.testing.assert_allclose(movers.names["turned_looks"], looks[1], rtol=allowed)
    direct, restored, missed = (movers.names[name] for name in ("direct", "restored", "missed"))
    passed = (np.min(looks, 0) > 0.2) & (direct > 0) & (restored > 0.05) & (missed < -0.02)
    assert sorted(movers.names["movers"]) == sorted(map(tuple, np.argwhere(passed).tolist()))


@torch.no_grad()
def look_at(reference, ids, head, key):
    """Returns a head's weight from the last token to a key."""
    return reference(torch.tensor([ids]), output_attentions=True).attentions[head[0]][0, head[1], -1, key].item()


def test_the_vote_has_two_heads_that_look_alike_and_differ_in_effect_or_none(movers, reference, tokenizer):
    names = movers.names
    whole = chance(reference, tokenizer, names["pairs"], names["SENTENCE"])
    ways = []
    for at in (names["one"], names["two"]):
        left = chance(reference, tokenizer, names["pairs"], names["SENTENCE"], at) / whole
        ways.append(names["WAYS"][0 if left < 2 / 3 else 1 if left < 0.9 else 2 if left < 1.1 else 3])
        assert names["way"](at) == ways[-1]
    looking = [at for at in map(tuple, np.argwhere(names["looks"] > 0.5).tolist()) if at in names["lookers"]]
    assert len(looking) < 2 or (names["one"] in looking and names["two"] in looking)
    pair = len(looking) > 1 and len({names["way"](at) for at in looking}) > 1
    assert ("two heads that look alike and act differently" in movers.printed["votes"]) == pair
    assert movers.question("gives it")._margin() == pair


def test_a_head_that_looks_at_the_name_elsewhere_may_not_be_needed(movers, reference, tokenizer):
    sentence, head = "When {} and {} went to the park, {} gave a book to", movers.names["one"]
    pairs, looks = movers.names["pairs"], []
    for giver, other in pairs:
        ids = tokenizer(sentence.format(giver, other, giver))["input_ids"]
        (id,) = tokenizer(" " + other, add_special_tokens=False)["input_ids"]
        looks.append(look_at(reference, ids, head, ids.index(id)))
    whole, left = (chance(reference, tokenizer, pairs, sentence, *off) for off in ((), (head,)))
    expected, allowed = [np.mean(looks), whole, left], rounding_of_shares(movers.names["clean"])
    np.testing.assert_allclose(movers.names["elsewhere"](head), expected, rtol=allowed)
    not_cause = np.mean(looks) > 0.5 and left > 0.9 * whole
    assert ("convincing, and not needed there" in movers.printed["elsewhere-said"]) == not_cause


@contextlib.contextmanager
def last_token_from(model, ids, heads):
    """Patches these heads' outputs at the last token from a pass over other ids."""
    width, kept = model.config.n_embd // model.config.n_head, {}

    def keep(layer):
        return lambda _module, inputs: kept.__setitem__(layer, inputs[0][:, -1].clone())

    def put(layer):
        def hook(_module, inputs):
            found = inputs[0].clone()
            for head in (h for at, h in heads if at == layer):
                piece = slice(head * width, (head + 1) * width)
                found[:, -1, piece] = kept[layer][:, piece]
            return (found,)

        return hook

    for make in (keep, put):
        layers = {layer for layer, _ in heads}
        handles = [model.transformer.h[at].attn.c_proj.register_forward_pre_hook(make(at)) for at in layers]
        try:
            if make is keep:
                with torch.no_grad():
                    model(torch.tensor([ids]))
            else:
                yield
        finally:
            for handle in handles:
                handle.remove()


def test_the_vote_is_checked_with_the_other_person_telling(movers, reference, tokenizer):
    names = movers.names
    for at, line in zip((names["one"], names["two"]), movers.printed["vote-again"].splitlines(), strict=True):
        given = []
        for which in (0, 1):
            ids = [sentence_ids(tokenizer, names["SENTENCE"], *pair, pair[which])[0] for pair in names["pairs"]]
            given.append(np.mean([look_at(reference, one, at, p) for one, p in zip(ids, names["places"], strict=True)]))
        assert line.endswith(f"{given[0]:.0%} when the first tells, {given[1]:.0%} when the second does")


def test_the_circuit_is_as_the_text_describes(movers, reference, tokenizer):
    """At the last token, some heads copy the giver's name; the name movers then look at the other name."""
    names, share, looks = movers.names, [], []
    for (first, second), place in zip(names["pairs"], names["places"], strict=True):
        clean, id = sentence_ids(tokenizer, names["SENTENCE"], first, second, first)
        corrupted, _ = sentence_ids(tokenizer, names["SENTENCE"], first, second, second)
        row = []
        for heads in ([], names["readers"]):
            with last_token_from(reference, clean, heads), torch.no_grad():
                row.append(reference(torch.tensor([corrupted])).logits[0, -1].softmax(-1)[id].item())
                looks.append([look_at(reference, corrupted, at, place) for at in names["movers"]])
        share.append(row)
    before, after = np.mean(share, 0)
    np.testing.assert_allclose(names["told_clean"], [before, after], rtol=rounding_of_shares(names["clean"]))
    turn = []
    for i, at in enumerate(names["movers"]):
        weights = [np.mean([row[i] for row in looks[which::2]]) for which in (0, 1)]
        line = f"L{at[0]} · H{at[1]} gives the clean name {weights[0]:.0%}, then {weights[1]:.0%}"
        assert line in movers.printed["circuit-said"]
        turn.append(weights[1] > 1.5 * weights[0])
    shown = bool(names["readers"] and names["movers"]) and all(turn) and after - before > 0.3
    assert ("the circuit: who tells →" in movers.printed["circuit-line"]) == shown
    for head in names["readers"]:
        assert names["by_token"](head).argmax() == len(clean) - 1
        assert names["reads"][head] > 0.5


def test_the_layer_where_the_answer_moves_is_explained_by_its_own_numbers(movers):
    names, asked = movers.names, movers.question("From which layer on")
    truth, last, place = int(asked.reveal()), -1, names["tellers"][0]
    restored = names["stream"].restored
    assert truth < len(restored) or not IS_TALES
    if truth < len(restored):
        assert restored[truth, last] > restored[truth, place]
        assert f"restores {restored[truth, last]:.0%}" in asked._state["explain"]
    assert not (restored[:truth, last] > restored[:truth, place]).any()


def test_the_verdict_agrees_with_the_count_of_turned_answers(movers, reference, tokenizer):
    turned = 0
    for first, second in movers.names["pairs"]:
        ids = tokenizer(movers.names["SENTENCE"].format(first, second, second))["input_ids"]
        with torch.no_grad():
            logits = reference(torch.tensor([ids])).logits[0, -1]
        a, b = (tokenizer(" " + name, add_special_tokens=False)["input_ids"][0] for name in (first, second))
        turned += bool(logits[a] > logits[b])
    assert movers.question("Out of twelve").reveal() == turned
    assert (movers.names["verdict"]() == "It reads who tells.") == (turned >= 9)


def test_the_list_has_exactly_the_heads_switched_off_together(movers):
    """This also holds for many heads: eleven look at more than a fifth, and six of them are listed."""
    assert movers.printed["evens"].count(" looks ") == len(movers.names["lookers"])
    names = dict(movers.names) | {"looks": np.linspace(0, 1, 14).reshape(2, 7)}
    exec(cell_source(LESSONS[0], "lookers"), names)
    assert len(names["most"]) == 11 and len(names["lookers"]) == 6
    assert "    for at in lookers:\n" in cell_source(LESSONS[0], "evens-print")


def test_a_patched_position_is_named_by_both_tokens(movers):
    names = movers.names
    corrupted, clean = (names[which].tokens for which in ("corrupted", "clean"))
    for line in movers.printed["stream-places"].splitlines():
        at = int(line.split()[0])
        assert f"{corrupted[at].text!r} ← {clean[at].text!r}" in line
    drawing = movers.values["stream"].drawing
    assert_close(drawing.values, 100 * names["stream"].restored)
    assert [column.rpartition(" ")[2] for column in drawing.columns] == [str(i) for i in range(len(corrupted))]


def test_all_listed_heads_are_switched_off_at_once(movers, reference, tokenizer):
    names = movers.names
    left = chance(reference, tokenizer, names["pairs"], names["SENTENCE"], *names["lookers"])
    assert names["together"]() == pytest.approx(left, rel=rounding_of_shares(names["clean"]))


def test_losses_and_scores_are_transformers_own(induction, reference):
    names = induction.names
    ids, count = names["twice"], names["count"]
    with torch.no_grad():
        maps = torch.stack(reference(torch.tensor([ids]), output_attentions=True).attentions)[:, 0].numpy()
    queries = np.arange(len(ids) - count, len(ids))
    trace, stripe = names["trace"], maps[:, :, queries, queries - count + 1].mean(-1)
    np.testing.assert_allclose(names["scores"], stripe, rtol=rounding_of_shares(trace))
    expected = repeated_loss(reference, ids, count)
    assert names["second"](trace) == pytest.approx(expected, abs=rounding(trace.logits))
    strong = names["scores"].max() > 0.4
    assert ("there are induction heads" in induction.printed["score-list"]) == strong


def test_the_loss_without_an_induction_head_and_without_another(induction, reference):
    names = induction.names
    ids, count = names["twice"], names["count"]
    whole = repeated_loss(reference, ids, count)
    for at in (names["best"], names["other"]):
        costs = repeated_loss(reference, ids, count, at) - whole
        assert names["costs"][at] == pytest.approx(costs, abs=2 * rounding(names["trace"].logits))
    is_strong = names["scores"].max() > 0.4
    assert is_strong or not IS_TALES
    if is_strong:  # then it must matter, and more than the other
        assert names["costs"][names["best"]] > max(0.1, names["costs"][names["other"]])


@torch.no_grad()
def loss_at_mean(reference, ids, count, head, other):
    """Returns `repeated_loss` with a head's part of the output projection's input set to its mean over another text."""
    layer, width = head[0], reference.config.n_embd // reference.config.n_head
    piece, kept = slice(head[1] * width, (head[1] + 1) * width), []
    into = reference.transformer.h[layer].attn.c_proj

    def keep(_module, inputs):
        kept.append(inputs[0][..., piece].mean(1, keepdim=True))

    def put(_module, inputs):
        found = inputs[0].clone()
        found[..., piece] = kept[0]
        return (found,)

    with contextlib.ExitStack() as hooks:
        hooks.callback(into.register_forward_pre_hook(keep).remove)
        reference(torch.tensor([other]))
    with contextlib.ExitStack() as hooks:
        hooks.callback(into.register_forward_pre_hook(put).remove)
        return repeated_loss(reference, ids, count)


def test_a_heads_effect_is_separated_from_its_mean_output(induction, reference):
    names, printed = induction.names, induction.printed["mean-list"].splitlines()
    ids, count = names["twice"], names["count"]
    other = [*names["marks"], *names["again"], *names["again"]]
    assert not set(ids[1:]) <= set(other)
    whole = repeated_loss(reference, ids, count)
    for at in names["highest"](names["costs"]):
        off = repeated_loss(reference, ids, count, at) - whole
        mean = loss_at_mean(reference, ids, count, at, other) - whole
        (line,) = (i for i, text in enumerate(printed) if text.startswith(f"L{at[0]} · H{at[1]}: "))
        assert f"off {off:+.2f} nats, at its mean {mean:+.2f}" in printed[line]
        explained = line + 1 < len(printed) and "what it writes in any text" in printed[line + 1]
        assert explained == (off > 0.2 and mean < off / 4)


def test_the_stripe_fades_as_the_text_says(induction, reference):
    names = induction.names
    ids, count, (layer, head) = names["twice"], names["count"], names["best"]
    queries = np.arange(len(ids) - count, len(ids))
    stripes = []
    for heads in ((), names["back"], names["rest"]):
        with switched_off(reference, *heads), torch.no_grad():
            weights = reference(torch.tensor([ids]), output_attentions=True).attentions[layer][0, head].numpy()
        stripes.append(weights[queries, queries - count + 1].mean())
    falls = stripes[0] - np.array(stripes[1:])
    assert (
        f"loses {falls[0]:.2f} without those that look back, {falls[1]:.2f} without" in induction.printed["fades-said"]
    )
    leans = falls[0] > 2 * max(falls[1], 0.05)
    assert ("so it needs the heads that look back" in induction.printed["fades-said"]) == leans


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_figure_is_shown_once_and_says_what_its_axes_are(played, lesson):
    """A cell draws its last line's value; a last line `figure.update_layout(…)` would draw the figure twice."""
    cells = nbformat.read(notebooks_dir() / f"{lesson}.ipynb", as_version=4).cells
    ends = [ast.parse(cell.source).body[-1] for cell in cells if cell.cell_type == "code"]
    last_lines = [ast.unparse(end) for end in ends if isinstance(end, ast.Expr)]
    assert {line for line in last_lines if line.startswith("figure")} <= {"figure"}
    for line in last_lines:
        if "effects(" in line or line.endswith(".figure()"):
            one = eval(line, dict(played[lesson].names))
            assert one.layout.xaxis.title.text and one.layout.yaxis.title.text
            assert one.data[0].colorbar.title.text
    maps = [value.drawing for value in played[lesson].values.values() if hasattr(value, "drawing")]
    assert all(one.across and one.scale for one in maps if isinstance(one, Heat))


def test_an_untrained_model_has_no_induction_head(induction):
    assert induction.question("untrained model").reveal() < 5  # percent; uniform attention gives about 1.7


def test_the_circuit_is_drawn_from_what_was_measured(movers, reference, tokenizer):
    """Looks, restored shares and turns of the drawn heads; readers look at the teller, movers at the right name."""
    names, picture = movers.names, movers.values["drawn"]
    assert picture._about["problem"] == ""
    rows = {row["head"]: row for row in picture.to_table()}
    assert sorted(rows) == sorted(names["name"](head) for head in names["readers"] + names["movers"])
    for head in names["readers"] + names["movers"]:
        row, is_reader = rows[names["name"](head)], head in names["readers"]
        looks = []
        for first, second in names["pairs"]:
            ids = tokenizer(names["SENTENCE"].format(first, second, first))["input_ids"]
            name = tokenizer(" " + (first if is_reader else second), add_special_tokens=False)["input_ids"][-1]
            looks.append(look_at(reference, ids, head, len(ids) - 1 - ids[::-1].index(name)))
        assert row["weight"] == pytest.approx(np.mean(looks), rel=rounding_of_shares(names["clean"]))
        assert row["restored"] == names["restored"][head]
        assert (row["before"] is None) == is_reader
    before, after = names["told_clean"]
    assert picture.drawing.answer == [before, after]


def test_the_circuit_stays_covered_until_its_questions_are_answered(movers):
    picture = movers.values["drawn"]
    for words in ("Out of twelve", "to the right name. Switched", "gives it", "From which layer"):
        question = movers.question(words)
        question._set_state(question._state | {"phase": "open"})
        assert picture._covered_by == [question.text]
        question.reveal()
    assert picture._covered_by == []


OF_VOTES = (
    "votes", "one-sweep", "mean-sweep", "mean-list", "evens", "heads", "agree", "vote-again", "circuit-list", "movers-said",
    "early-list", "readers", "circuit-said", "circuit-line",
)  # fmt: skip
WAITING = {  # what would answer a question of lesson 06, with a part of the question's text
    "Out of twelve": ("circuit-said", "circuit-line"),
    "to the right name. Switched": (*OF_VOTES, "elsewhere-said"),
    "which gives it": OF_VOTES,
    "Made even": ("evens", "movers-said"),
    "From which layer": ("stream", "stream-places", "early-list", "readers", "circuit-said", "circuit-line"),
}


@pytest.mark.parametrize("words", WAITING)
def test_figures_and_numbers_that_answer_a_question_wait_for_it(movers, words):
    check_cells_wait(movers, words, WAITING[words])


WAITING_07 = {
    "how much of that loss is left": ("plot", "gain"),
    "Open the head with the strongest stripe": ("score-list", "costs", "sweep-list", "mean-list", "fades"),
    "Switch off the head": ("costs", "sweep-list", "mean-list"),
    "What does its induction score become": ("fades", "fades-said"),
    "in the untrained model": ("untrained-gain",),
}


@pytest.mark.parametrize("words", WAITING_07)
def test_what_answers_a_question_of_lesson_07_waits_for_it(induction, words):
    check_cells_wait(induction, words, WAITING_07[words])
    head = induction.names["name"](induction.names["best"])
    assert not [text for text in induction.questions if head in text], "no question names the head with the stripe"


def test_the_line_of_losses_and_the_map_of_costs_have_their_numbers(induction):
    names = induction.names
    np.testing.assert_array_equal(
        induction.values["plot"].drawing.panels[0].curves[0].y, names["losses"](names["trace"])
    )
    np.testing.assert_array_equal(induction.values["costs"].drawing.values, names["costs"])


def test_the_maps_of_single_heads_have_the_numbers_of_the_sweeps(movers):
    np.testing.assert_array_equal(movers.values["mean-sweep"].drawing.values, movers.names["effects"])
    np.testing.assert_array_equal(movers.values["one-sweep"].drawing.values, movers.names["sweeps"][0].effects)


def test_an_empty_prompt_is_no_error(movers):
    check_an_empty_prompt(movers)
