"""Lesson 14, played in this process: its maps, looks and cuts against transformers' own models and the translator's grammar.

The truth is those models with their eager attention, masks of this test's own, and the lexicon of the grammar. What the
lesson says of the translator and of *tales* is asserted as well. `test_notebooks.py` plays it with a random model.
"""

import math
import re
from contextlib import contextmanager

import alignment
import grammar
import lexicon
import numpy as np
import pytest
import torch
from close import assert_close, assert_softmax_close, rounding
from played import check_cells_wait, check_solutions, check_views_are_shown, check_wrong_guesses, run_cell
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from gptviz._paths import assets_dir

LESSONS = ("14_encoder_decoder",)
ENGLISH, FRENCH = "the small white house", "la petite maison blanche"
WAITS = {  # words of a question: the cells that would answer it
    "does a mask forbid": ("masks-shown",),
    "look most while": ("cross-heat", "cross-shown", "heads-shown"),
    "is hidden from the decoder": ("ways-shown",),
    "does not know it either": ("ways-shown",),
    "translator’s decoder": ("both-shown", "looks-shown"),
    "the decoder alone?": ("both-shown", "looks-shown"),
}


@pytest.fixture(scope="module")
def model():
    return str(assets_dir() / "tales")


@pytest.fixture(scope="module")
def translator():
    """transformers' own translator, with the maps of its eager attention."""
    folder = assets_dir() / "translator"
    return AutoModelForSeq2SeqLM.from_pretrained(folder, attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def words():
    """The translator's tokenizer."""
    return AutoTokenizer.from_pretrained(assets_dir() / "translator")


@torch.no_grad()
def passed(translator, words, english, french, hidden=None):
    """Returns transformers' pass over a phrase and its translation. hidden: a place that the decoder cannot look at."""
    both = words(english, text_target=french, return_tensors="pt")
    states, mask = translator.get_encoder()(both["input_ids"], output_attentions=True), both["attention_mask"].clone()
    if hidden is not None:
        mask[0, hidden] = 0
    labels = both["labels"]
    return translator(encoder_outputs=states, attention_mask=mask, labels=labels, output_attentions=True), labels[0]


def shares(translator, words, english, french, hidden=None):
    """Returns the probability of each French word after those before it, (words,), and the logits."""
    out, labels = passed(translator, words, english, french, hidden)
    logits = out.logits[0]
    return logits.double().softmax(-1)[torch.arange(len(labels)), labels][:-1].numpy(), logits


@contextmanager
def unseen_in_the_encoder(translator, place):
    """Lets no token of the encoder but itself look at the one at `place`."""

    def mask(module, args, keywords):
        length = args[0].shape[1] if args else keywords["hidden_states"].shape[1]
        cut = torch.zeros(length, length)
        cut[:, place] = -math.inf
        cut[place, place] = 0
        return args, keywords | {"attention_mask": cut[None, None]}

    layers = translator.get_encoder().layers
    hooks = [layer.self_attn.register_forward_pre_hook(mask, with_kwargs=True) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def pairs_of(phrases):
    """Returns the lesson's phrases as the grammar writes them. Their words have no classes here."""
    pairs = []
    for english, french, places in phrases:
        french_words = re.findall(r"\w+'|\w+", french)
        pairs.append(grammar.Pair(tuple(english.split()), tuple(french_words), tuple(places), ("",) * len(places)))
    return pairs


def french_forms():
    """Returns the French forms of each English form of the lexicon: {word: forms}."""
    w, forms = lexicon, {}

    def add(english, french):
        for word in english:
            forms.setdefault(word, set()).update(french, (w.BEFORE_VOWEL.get(form, form) for form in french))

    for english, french in (w.NUMERALS | w.OBJECTS | w.PREPOSITIONS | dict(zip(*w.BE, strict=True))).items():
        add([english], [french])
    for english, french in w.NOUNS.items():
        add([english], [french])
        add([w.english_plural(english)], [w.french_plural(french)])
    for english, french in (w.AFTER | w.BEFORE).items():
        add([english], [*french, *map(w.french_plural, french)])
    for english, french in (w.DETERMINERS | w.VERBS).items():
        add(english, french)
    for english, (french, *_) in w.SUBJECTS.items():
        add([english], [french])
    return forms


def test_views_are_shown(lesson):
    check_views_are_shown(lesson)


def test_what_would_answer_a_question_is_covered_until_it_is_revealed(lesson):
    shown = {cell for cell, source in lesson.sources.items() if "until=[" in source}
    assert {cell for cells in WAITS.values() for cell in cells} == shown | {"cross-shown"}
    for cells in WAITS.values():
        assert all(lesson.values[cell]._covered_by for cell in cells)


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_wrong_guesses(lesson)
    for text, cells in WAITS.items():
        check_cells_wait(lesson, text, cells)


def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(lesson):
    check_solutions(lesson)


def test_the_words_that_are_read_and_written_are_those_that_generate_writes(lesson, translator, words):
    both = words(ENGLISH, return_tensors="pt")
    ids = translator.generate(**both, max_new_tokens=10, do_sample=False, num_beams=1)[0]
    read, source = (words.convert_ids_to_tokens(each) for each in (ids, both["input_ids"][0]))
    plain = [[token.removeprefix("▁") for token in each] for each in (source, read[:-1], read[1:])]
    assert [lesson.names[name] for name in ("source", "read", "written")] == plain
    assert words.decode(ids, skip_special_tokens=True) == FRENCH
    assert [line.split(":")[1].split() for line in lesson.printed["trace"].splitlines()] == plain


def test_three_maps_in_one_table_are_transformers_own(lesson, translator, words):
    out, _ = passed(translator, words, ENGLISH, FRENCH)
    maps = (out.encoder_attentions, out.decoder_attentions, out.cross_attentions)
    encoder, decoder, cross = (of_layers[0][0].mean(0) for of_layers in maps)
    none = torch.zeros(len(encoder), len(decoder))
    expected = torch.cat([torch.cat([encoder, none], 1), torch.cat([cross, decoder], 1)])
    table = lesson.names["three_maps"]()
    np.testing.assert_array_equal(np.isnan(table), expected == 0)
    assert_close(np.nan_to_num(table), expected, scale=[lesson.names["trace"].scores(0, head) for head in range(4)])
    np.testing.assert_array_equal(lesson.values["masks-shown"].drawing.values, table)
    assert lesson.question("does a mask forbid").reveal() == "only in that of the decoder"
    told = lesson.question("does a mask forbid")._state["explain"]
    assert told == "encoder: 0 of 25 looks; decoder: 10 of 25 looks; cross: 0 of 25 looks."
    assert lesson.question("How many more looks").reveal() == int((encoder.triu(1) > 0).sum()) == 10


@torch.no_grad()
def test_another_last_word_changes_all_of_the_encoder_and_nothing_before_it_in_tales(
    lesson, translator, words, reference, tokenizer
):
    texts, before = [ENGLISH, "the small white garden"], len(tokenizer("the small white")["input_ids"])
    ids = [words(text, return_tensors="pt")["input_ids"] for text in texts]
    one, other = (translator.get_encoder()(each).last_hidden_state[0] for each in ids)
    changed = int((one - other).abs().amax(-1).gt(1e-3).sum())
    assert lesson.question("its last word is another one").reveal() == changed == 5
    ids = [torch.tensor([tokenizer(text)["input_ids"]]) for text in texts]
    one, other = (reference(each, output_hidden_states=True).hidden_states[-1][0, :before] for each in ids)
    assert_close(one, other)
    assert lesson.names["kept_by_gpt"]() == (0, before)


def test_the_phrases_are_translated_so_and_their_places_are_those_of_the_lexicon(lesson, translator, words):
    forms, phrases = french_forms(), lesson.names["PHRASES"]
    english, french = zip(*(phrase[:2] for phrase in [*phrases, *lesson.names["EIGHT"]]), strict=True)
    assert alignment.translations(translator, words, english) == [*french]
    for pair in pairs_of(phrases):
        assert sorted(pair.source) == list(range(len(pair.english)))
        for french, place in zip(pair.french, pair.source, strict=True):
            assert french in forms[pair.english[place]], (pair, french)


def test_where_heads_look_is_measured_as_the_card_measures_it(lesson, translator, words):
    names, phrases = lesson.names, lesson.names["PHRASES"]
    looks = [alignment.looks_right(translator, words, pairs_of(some)) for some in (phrases[:6], phrases[6:])]
    six, others = (right.float().mean(0).numpy() for right in looks)
    assert_close(names["six"], six)
    assert_close(names["others"], others)
    layer, head = names["layer"], names["head"]
    assert six[layer, head] == six.max()
    assert f"L{layer} · H{head} looks most at the right word for {six.max():.0%}" in lesson.printed["choose"]
    assert others[layer, head] >= 0.9
    rows = lesson.values["heads-shown"].to_table()
    assert [row["row"] for row in rows] == [f"L{i} · H{j}" for i, j in np.ndindex(six.shape)]
    assert_close([list(row.values())[2:] for row in rows], np.stack([six.ravel(), others.ravel()], 1))
    places = [(row, place) for *_, each in phrases[6:] for row, place in enumerate(each)]
    same = sum(row == place for row, place in places) / len(places)
    assert f"would be right for {same:.0%}." in lesson.values["heads-shown"].drawing.note


def test_the_look_that_is_asked_about_turns_round(lesson, translator, words):
    names = lesson.names
    layer, head, row = names["layer"], names["head"], names["row"]
    cross = passed(translator, words, ENGLISH, FRENCH)[0].cross_attentions[layer][0, head].numpy()
    assert names["written"][row] == "blanche"
    assert lesson.question("look most while").reveal() == "white" == names["source"][cross[row].argmax()]
    assert f"white {cross[row, 2]:.0%}" in lesson.question("look most while")._state["explain"]
    drawn = lesson.values["cross-heat"].drawing
    (by_hand,) = [exercise.truth for exercise in lesson.exercises if "cross attention" in exercise.name]
    for map in (drawn.values, by_hand):
        assert_softmax_close(map, cross, names["trace"].scores(layer, head, stack="cross"))
    assert drawn.rows == tuple(f"writes {word}" for word in names["written"])
    view = lesson.values["cross-shown"]
    assert (view.stack, view.layer, view.head, view.selection.query) == ("cross", layer, head, row)


@torch.no_grad()
def test_what_is_left_without_a_word_is_measured_with_masks(lesson, translator, words):
    names, place = lesson.names, 3
    whole, logits = shares(translator, words, ENGLISH, FRENCH)
    hidden, _ = shares(translator, words, ENGLISH, FRENCH, hidden=place)
    with unseen_in_the_encoder(translator, place):
        unseen, _ = shares(translator, words, ENGLISH, FRENCH)
        both, _ = shares(translator, words, ENGLISH, FRENCH, hidden=place)
    unknown, _ = shares(translator, words, "the small white ?", FRENCH)
    expected = np.stack([whole, hidden, unseen, both, unknown], 1)
    rows = lesson.values["ways-shown"].to_table()
    assert [row["row"] for row in rows] == FRENCH.split()
    np.testing.assert_allclose([list(row.values())[2:] for row in rows], expected, rtol=0, atol=rounding(logits))
    lost = expected[:, 1:] < whole[:, None] / 2  # (French words, ways)
    assert lesson.question("is hidden from the decoder").reveal() == lost[:, 0].sum()
    assert lesson.question("does not know it either").reveal() == lost[:, 3].sum()
    for way, of_way in zip(names["left"], lost.T, strict=True):
        assert names["lost"](way) == [word for word, is_lost in zip(FRENCH.split(), of_way, strict=True) if is_lost]


def test_the_gender_of_the_noun_reaches_the_article_in_two_ways(lesson):
    """Hidden from the decoder or from the encoder's other words, the noun costs no other word; hidden from both, the article."""
    hidden, unseen, both, unknown = (lesson.names["lost"](way) for way in lesson.names["left"])
    assert (hidden, unseen) == (["maison"], [])
    assert {"la", "maison"} <= {*both}
    assert unknown == FRENCH.split()
    assert "It would write: le petit ? blanc" in lesson.question("does not know it either")._state["explain"]


def test_hidden_words_of_all_phrases_are_measured_as_the_card_measures_them(lesson, translator, words):
    own, others = [], []
    for pair in pairs_of(lesson.names["PHRASES"]):
        effects = alignment.effects(translator, words, [pair], hidden=True)
        own += effects.own.tolist()
        others += np.repeat(effects.others.tolist(), len(pair.english) - 1).tolist()  # a mean of so many
    bound = rounding(lesson.names["trace"].logits)
    assert (len(lesson.names["own"]), len(lesson.names["other"])) == (len(own), len(others))
    assert np.mean(lesson.names["own"]) == pytest.approx(np.mean(own), abs=bound)
    assert np.mean(lesson.names["other"]) == pytest.approx(np.mean(others), abs=bound)
    assert np.mean(own) > 0.8 and np.mean(others) < 0.1
    printed = lesson.printed["aligned-print"]
    assert f"falls by {np.mean(own):.3f} when" in printed and f"by {np.mean(others):.3f} when another" in printed


@torch.no_grad()
def of_tales(reference, tokenizer, english, french):
    """Returns for tales P of each French word, with nothing and each English word hidden, (3, 4), and its looks, (L, H, 3, 3)."""
    singles = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in english.split()]
    ids = tokenizer(f"English: {english}. French: {french}")["input_ids"]
    assert all(len(single) == 1 for single in singles)
    start, keys = len(ids) - 3, [ids.index(single[0]) for single in singles]
    columns = []
    for hidden in (None, *keys):
        mask = torch.full((len(ids), len(ids)), -torch.inf).triu(1)
        if hidden is not None:
            mask[start - 1 :, hidden] = -torch.inf
        out = reference(torch.tensor([ids]), attention_mask=mask[None, None], output_attentions=True)
        columns.append(out.logits[0, start - 1 : -1].double().softmax(-1)[range(3), ids[start:]])
        if hidden is None:
            looks = torch.stack(out.attentions)[:, 0, :, start - 1 : -1][..., keys]
    return torch.stack(columns, 1).numpy(), looks.numpy()


def test_both_models_are_measured_with_masks(lesson, translator, words, reference, tokenizer):
    names = lesson.names
    ours, theirs, cross, looks = [], [], [], []
    for english, french in names["EIGHT"]:
        ours.append(np.stack([shares(translator, words, english, french, hidden)[0] for hidden in (None, 0, 1, 2)], 1))
        cross.append(
            passed(translator, words, english, french)[0].cross_attentions[names["layer"]][0, names["head"], :3, :3]
        )
        of_phrase = of_tales(reference, tokenizer, english, french)
        theirs.append(of_phrase[0])
        looks.append(of_phrase[1])
    expected, bound = np.concatenate([np.mean(ours, 0), np.mean(theirs, 0)]), rounding(names["trace"].logits)
    rows = lesson.values["both-shown"].to_table()
    assert [row["group"] for row in rows] == ["translator"] * 3 + ["tales"] * 3
    np.testing.assert_allclose([list(row.values())[2:] for row in rows], expected, rtol=0, atol=bound)
    for text, table in (("translator’s decoder", expected[0]), ("the decoder alone?", expected[3])):
        assert lesson.question(text).reveal() == ["the article", "the adjective", "the noun"][table[1:].argmin()]
    right = np.mean([each[:, :, range(3), [0, 2, 1]].mean(-1) for each in looks[:4]], 0)  # (layers, heads)
    layer, head = names["gpt_layer"], names["gpt_head"]
    assert right[layer, head] == right.max()
    expected = np.concatenate([np.mean(cross[4:], 0), np.mean([each[layer, head] for each in looks[4:]], 0)])
    rows = lesson.values["looks-shown"].to_table()
    np.testing.assert_allclose([list(row.values())[2:] for row in rows], expected, rtol=0, atol=bound)


def test_what_the_lesson_says_of_both_models_holds(lesson):
    """The article hangs on the English article in one model and on the noun in the other; the other words on their own."""
    ours, theirs = lesson.names["of_translator"], lesson.names["of_gpt"]
    assert lesson.question("translator’s decoder").reveal() == "the article"
    assert lesson.question("the decoder alone?").reveal() == "the noun"
    for table in (ours, theirs):
        assert (table[:, 0] > 0.95).all()
        assert table[1, 1:].argmin() == 2 and table[2, 1:].argmin() == 1
    for table in lesson.names["of_both"]:
        assert table[1].argmax() == 2 and table[2].argmax() == 1


def test_predictions_in_training_are_the_labels_of_transformers(lesson, words, tokenizer):
    first, second = lesson.printed["signals"].splitlines()
    text = "English: the white flower. French: la fleur blanche"
    assert first == f"tales learns from {len(tokenizer(text)['input_ids']) - 1} predictions in this text: “{text}”"
    labels = words(text_target="la fleur blanche")["input_ids"]
    assert second.startswith(f"the translator learns from {len(labels)} predictions in this pair")


@pytest.mark.parametrize("phrase", ["the old cat sees the dog", "the queens help him", "my big brown horse"])
def test_another_phrase_can_be_tried(lesson, phrase):
    """With an unknown word and one that comes twice, with a pronoun that turns round, and with more words."""
    names, shown = dict(lesson.names), []
    cells = list(lesson.sources)
    for cell in cells[cells.index("trace") : cells.index("aligned")]:
        _, value = run_cell(lesson.sources[cell].replace(ENGLISH, phrase), cell, names)
        about = getattr(value, "_about", {})
        assert not about.get("problem"), (cell, about)
        if hasattr(value, "reveal"):
            value.reveal()
            assert value._state["phase"] == "revealed", value._state
            shown.append(value.text)
    assert len(shown) == 5
    assert len(names["whole"]) == len(phrase.split())
