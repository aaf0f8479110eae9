"""Lessons 01 and 02, played in this process: their questions, exercises and printed claims against independent truths.

The truth of `tales` is transformers' own model with its eager attention, and its tokenizer; the random Llama has rotary
positions, grouped keys and nearly a token a byte. `tests/browser/test_learning.py` runs the notebooks in a kernel.
"""

from itertools import pairwise

import nbformat
import numpy as np
import pytest
import torch
from close import approx_float32, assert_close, assert_softmax_close, rounding, rounding_of_shares
from played import (
    check_an_empty_prompt,
    check_models,
    check_offered_prompts,
    check_solutions,
    check_views_are_shown,
    check_wrong_guesses,
)

from gptviz._paths import notebooks_dir
from gptviz.widgets.prompt.prompt import PromptBox

LESSONS = ("01_encoding", "02_attention")


def passed(reference, tokenizer, text):
    """Returns transformers' own pass over a text, with its hidden states and attention maps."""
    with torch.no_grad():
        return reference(
            torch.tensor([tokenizer(text)["input_ids"]]), output_hidden_states=True, output_attentions=True
        )


def maps(reference, tokenizer, text):
    """Returns the attention maps, (layers, heads, T, T)."""
    return torch.stack(passed(reference, tokenizer, text).attentions)[:, 0].numpy()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_cell_whose_last_line_is_a_view_shows_one(played, lesson, model):
    check_models(played[lesson], model)
    check_views_are_shown(played[lesson])


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(played, lesson):
    check_wrong_guesses(played[lesson])


def test_the_text_below_a_question_does_not_name_its_answer():
    """The text below a question does not say which language costs most, or what a space does, or which vectors change."""
    cells = nbformat.read(notebooks_dir() / "01_encoding.ipynb", as_version=4).cells
    under = {cell.source: after.source for cell, after in pairwise(cells) if "lessons.ask(" in cell.source}
    (costs,) = [text for source, text in under.items() if "Put them in order" in source]
    (space,) = [text for source, text in under.items() if "types a space" in source]
    assert not any(name in costs for name in ("English", "French", "Chinese", "code"))
    assert not any(word in space for word in ("two spaces", "without", "no space"))
    sources = {cell.id: cell.source for cell in cells}
    around = " ".join((sources["encoder-text"] + sources["encoder-why"] + sources["end"]).split())
    for told in (
        "sees only itself",
        "itself and what stands before",
        "itself and at the tokens before",
        "never changes",
    ):
        assert told not in around, "which vectors change is the question"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(played, lesson):
    check_solutions(played[lesson])


def test_a_byte_is_written_as_the_views_write_it(played):
    """The lesson prints `f0 9f 99 82`, as a chip does, and not 240, 159, 153, 130."""
    lines = played["01_encoding"].printed["bytes"].splitlines()
    assert [line.split(None, 1)[1] for line in lines if "' '" not in line] == [
        character.encode().hex(" ") for character in "né猫🙂"
    ]


def test_pieces_spaces_and_costs_are_the_tokenizers(played, reference, tokenizer):
    lesson = played["01_encoding"]
    words = lesson.names["box"].prompt.split()
    pieces = {word: len(tokenizer.tokenize(" " * (i > 0) + word)) for i, word in enumerate(words)}
    assert lesson.question("most pieces").reveal() == max(pieces, key=pieces.get)
    costs = {name: len(tokenizer.tokenize(text)) for name, text in lesson.names["sentences"].items()}
    order = lesson.question("Put them in order").reveal()
    assert all(costs[a] >= costs[b] for a, b in pairwise(order))
    prompt = lesson.names["opening"].prompt
    before, after = (passed(reference, tokenizer, text).logits[0, -1].softmax(-1) for text in (prompt, prompt + " "))
    ratio = after[before.argmax()] / before.max()
    place = 0 if ratio < 0.5 else 1 if ratio < 2 else 2
    assert lesson.question("types a space").reveal() == lesson.names["falls"][place]


def test_where_a_repeated_word_has_the_same_vector(played, reference, tokenizer, model):
    """Added positions make the two vectors differ before the first block; rotary positions only inside it."""
    lesson = played["01_encoding"]
    states = passed(reference, tokenizer, lesson.names["pair"].prompt).hidden_states
    ids = tokenizer(lesson.names["pair"].prompt)["input_ids"]
    first = len(ids) - 2 - ids[-2::-1].index(ids[-1])
    gaps = [float((states[depth][0, first] - states[depth][0, -1]).abs().max()) for depth in (0, 2)]
    same = 1 + sum(gap <= rounding(states[depth]) for gap, depth in zip(gaps, (0, 2), strict=True))
    assert lesson.question("same vector").reveal() == lesson.names["where"][same]
    rotary = "llama" in model
    assert same == (2 if rotary else 1)
    assert ("rotating" if rotary else "token + position =") in lesson.printed["parts"]


def test_later_tokens_do_not_change_earlier_vectors(played, reference, tokenizer):
    encoding, attention = played["01_encoding"], played["02_attention"]
    prompt = encoding.names["pair"].prompt
    old, new = (passed(reference, tokenizer, text).hidden_states[-1][0] for text in (prompt, prompt + " and"))
    assert_close(new[: len(old)], old)
    assert encoding.question("is appended").reveal() == "none of them"
    assert attention.question("replaced by").reveal() == "none of them"


def test_only_the_answer_names_the_spread_and_its_divisor():
    """No √256 = 16, nothing that stays right in a longer text, and no attention sink is shown before its question."""
    cells = nbformat.read(notebooks_dir() / "02_attention.ipynb", as_version=4).cells
    sources = {cell.id: cell.source for cell in cells}
    assert not any(
        "√" in sources[cell] or "sqrt" in sources[cell] for cell in ("root-text", "root-why", "root", "root-notice")
    )
    told = " ".join(sources[cell] for cell in ("first-text", "first-shares", "first-why", "first"))
    assert "far more" not in told and "sink" not in told, "section 6 asks how much goes to the first token"
    assert "stays right" in sources["ask-mask"] and not any(
        "stays right" in sources[cell] for cell in sources if cell != "ask-mask"
    )


def test_softmax_and_spread_match_the_formulas(played):
    lesson = played["02_attention"]
    assert lesson.question("is doubled").reveal() == "it rises"
    assert "0.665 to 0.867" in lesson.question("is doubled")._state["explain"]  # e⁴/(e²+e³+e⁴), e⁸/(e⁴+e⁶+e⁸)
    assert lesson.question("d = 1,024").reveal() == "about 16 times"  # √(1024/4)
    largest = [line.split() for line in lesson.printed["root"].splitlines()[1:]]
    as_they_are, divided = np.array(largest, float)[:, 1:].T
    assert (np.diff(as_they_are) > 0).all() and as_they_are[-1] > 0.9
    assert divided.max() - divided.min() < 0.05


def test_heads_are_those_of_transformers_own_maps(played, reference, tokenizer):
    lesson = played["02_attention"]
    weights = maps(reference, tokenizer, lesson.names["box"].prompt)
    back = np.stack([weights[:, :, i, i - 1] for i in range(2, weights.shape[-1])]).mean(0)
    found = lesson.question("token just before").reveal()
    found = [found] if isinstance(found[0], int) else found
    assert sorted(found) == sorted(map(tuple, np.argwhere(back > back.max() - 0.03).tolist()))
    share = 100 * weights[:, :, 1:, 0].mean()
    bound = rounding_of_shares(lesson.names["box"].trace)
    assert lesson.question("first token").reveal() == pytest.approx(share, rel=bound)
    for role, scores in lesson.names["gpt"].role_scores().items():
        layer, head, told = lesson.names["report"](role)
        assert scores[layer, head] == scores.max()
        assert f"{scores.max():.0%}" in told
        assert ("a clear habit" in told) == (scores.max() > 0.4)
        assert ("on such texts none" in told) == (scores.max() <= 0.4)


def test_the_exercise_and_switched_off_heads_against_transformers(played, reference, tokenizer):
    lesson = played["02_attention"]
    trace, layer, head = (lesson.names[name] for name in ("trace", "layer", "head"))
    (exercise,) = lesson.exercises
    value = trace.v(layer)[lesson.names["group"]]
    own = maps(reference, tokenizer, trace.text)[layer, head] @ value
    assert_close(exercise.truth, own, scale=[value, trace.scores(layer, head, "scaled")])
    before = float(passed(reference, tokenizer, trace.text).logits[0, -1].softmax(-1).max())
    _, found, _, after = lesson.names["heads_off"](trace)
    assert found == pytest.approx(before, rel=rounding(trace.logits))
    assert after.shape == (trace.n_layers, trace.n_heads)
    assert f"= {before:.4f}" in lesson.values["importance-sharp"].text


PRINTED = ["shapes", "out", "undivided", "open", "first", "mutual"]


def test_printed_numbers_views_and_charts_are_those_of_the_sentence_in_the_box(played, model):
    """A new sentence is printed at once, but for the cell that runs the model for every head: it says whose it prints."""
    lesson = played["02_attention"]
    before = {cell: lesson.values[cell].text for cell in PRINTED}
    importance = lesson.values["importance-sharp"].text
    lesson.names["box"].run("The king had three")
    again = {cell: lesson.run_again(cell)[1].text for cell in PRINTED}
    assert {cell: lesson.values[cell].text for cell in PRINTED} == again
    assert all(before[cell] != again[cell] for cell in ("shapes", "undivided", "open", "first", "mutual"))
    assert lesson.values["view"].trace is lesson.values["other-own"].trace is lesson.names["box"].trace
    for cell in ("bertviz-head", "bertviz-model", "bertviz-neuron") if "tales" in model else ():  # a word is a token
        assert "king" in lesson.run_again(cell)[1]._repr_html_(), cell
    assert lesson.values["importance-sharp"].text == importance
    assert lesson.values["importance-sharp"].is_of_another_prompt
    lesson.names["box"].run("Tom and Mary met. Tom gave a ball to")
    assert {cell: lesson.values[cell].text for cell in PRINTED} == before
    assert not lesson.values["importance-sharp"].is_of_another_prompt


def test_the_lengths_of_values_wait_for_the_question_on_the_first_token(played):
    lesson = played["02_attention"]
    view, question = lesson.values["first"], lesson.question("first token")
    question._set_state(question._state | {"phase": "open"})
    assert view._covered_by == [question.text]
    question.reveal()
    assert view._covered_by == []


def test_two_views_keep_their_heads_whatever_is_clicked_in_the_grid(played):
    """The view of section 3 and the one of the habit follow the box, and stay at the head that the text speaks of."""
    lesson = played["02_attention"]
    names, box = lesson.names, lesson.names["box"]
    heads = {"view": (names["layer"], names["head"]), "other-own": (names["at_layer"], names["at_head"])}
    for cell, at in heads.items():
        box.selection.head = (at[1] + 1) % box.trace.n_heads
        assert (lesson.values[cell].layer, lesson.values[cell].head) == at, cell


def test_no_printed_line_names_the_head_that_lesson_07_asks_for(played):
    lesson = played["02_attention"]
    *others, line = lesson.printed["roles"].splitlines()
    assert line.startswith("induction") and f"{lesson.names['roles']['induction'].max():.0%}" in line
    assert "H" not in line and not any(other.startswith("induction") for other in others)
    assert lesson.names["role"] != "induction"


def test_the_strongest_head_is_shown_on_a_text_that_suits_its_role(played, reference, tokenizer, model):
    """In `tales` a name mover looks at the other person's name, and a head for the first token at that."""
    lesson = played["02_attention"]
    role, shown, at = (lesson.names[name] for name in ("role", "shown", "at_layer"))
    row = maps(reference, tokenizer, shown.text)[at, lesson.names["at_head"]]
    assert f"with {row[-1].max():.0%}" in lesson.printed["other"]
    if "tales" not in model:
        return
    ids, mary = tokenizer(shown.text)["input_ids"], tokenizer(" Mary")["input_ids"][-1]
    looked_at = {"name_mover": mary, "first": ids[0], "same": ids[-1]}[role]
    assert row[-1, ids.index(looked_at)] > 0.5


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_prompt_that_is_offered_instead_decides(played, lesson, model):
    check_offered_prompts(played[lesson].questions.values(), model)


@pytest.mark.parametrize("prompt", ["The king had three", "Hi", "x 🙂 é é"])
@pytest.mark.parametrize("lesson", LESSONS)
def test_another_prompt_resets_the_questions_or_is_called_undecided(played, lesson, prompt):
    boxes = {name: box for name, box in played[lesson].names.items() if isinstance(box, PromptBox)}
    first = {name: box.prompt for name, box in boxes.items()}
    for box in boxes.values():
        box.run(prompt)
    questions_of_boxes = [question for question in played[lesson].questions.values() if question._box in boxes.values()]
    assert len(questions_of_boxes) >= 3
    for question in questions_of_boxes:
        assert question._state["phase"] in ("open", "close"), question._state
        question.reveal()
        assert question._state["phase"] == "revealed", question._state
    for name, box in boxes.items():
        box.run(first[name])


def test_the_arrows_are_the_heads_query_and_three_of_its_keys(played):
    lesson = played["02_attention"]
    trace, layer, head, group = (lesson.names[name] for name in ("trace", "layer", "head", "group"))
    query, keys = (part.astype(np.float64) for part in (trace.q(layer)[head][-1], trace.k(layer)[group]))
    products = keys @ query
    table = lesson.values["arrows"].to_table()
    shown = [row["product"] for row in table]
    assert_close(shown, np.sort(products)[[-1, -1 - len(products) // 2, 0]], scale=[query * keys])
    for row in table:
        at = int(np.abs(products - row["product"]).argmin())
        assert row["key"] == trace.tokens[at].text
        lengths = np.linalg.norm(query), np.linalg.norm(keys[at])
        expected = *lengths, np.degrees(np.arccos(products[at] / np.prod(lengths)))
        assert (row["query_size"], row["key_size"], row["degrees"]) == approx_float32(expected)


def test_the_shares_are_the_row_of_the_map(played):
    lesson = played["02_attention"]
    trace, layer, head = (lesson.names[name] for name in ("trace", "layer", "head"))
    table = lesson.values["row"].to_table()
    scores = np.array([row["score"] for row in table])
    query, keys = trace.q(layer)[head][-1].astype(np.float64), trace.k(layer)[lesson.names["group"]]
    assert_close(scores, keys @ query / np.sqrt(len(query)), scale=[trace.scores(layer, head, "scaled")])
    exponentials = np.exp(scores - scores.max())
    shares = exponentials / exponentials.sum()
    assert_close([row["exponential"] for row in table], exponentials, dtype=np.float64)
    assert_close([row["share"] for row in table], shares, dtype=np.float64)
    assert_softmax_close(shares, trace.attention(layer, head)[-1], scores)


def test_the_mix_is_what_enters_the_output_projection(played):
    lesson = played["02_attention"]
    trace, layer, head = (lesson.names[name] for name in ("trace", "layer", "head"))
    table = lesson.values["taken"].to_table()
    columns = [name for name in table[0] if name.startswith("weight ×")]
    mixed = trace.head_mix(layer, head)[-1]
    assert len(columns) == 3
    for column in columns:
        dimension = int(column.partition("[")[2].removesuffix("]"))
        total = sum(row[column] for row in table)
        assert total == pytest.approx(mixed[dimension], abs=rounding(trace.v(layer), mixed))
        assert abs(mixed[dimension]) >= np.sort(np.abs(mixed))[-3] - rounding(mixed)


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_empty_prompt_is_no_error(played, lesson):
    check_an_empty_prompt(played[lesson])
