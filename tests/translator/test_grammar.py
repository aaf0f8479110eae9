"""The sentences that the translator learns, against translations and alignments that were written by hand."""

from functools import cache
from random import Random

import grammar
import lexicon
import pytest
import sentences
from grammar import Pair, Phrase, Sentence, pair, text
from rows import IGNORED, rows_of
from word_tokenizer import word_tokenizer

THE, A, THIS, MY, HIS, HER = ("the", "the"), ("a", ""), ("this", "these"), ("my", "my"), ("his", "his"), ("her", "her")
SEES, HELPS = ("sees", "see"), ("helps", "help")


@pytest.mark.parametrize(
    ("sentence", "english", "french", "source"),
    [
        (Sentence("phrase", Phrase("house", THE, after="red")), "the red house", "la maison rouge", (0, 2, 1)),
        (
            Sentence("phrase", Phrase("apple", A, before="small", after="white")),
            "a small white apple",
            "une petite pomme blanche",
            (0, 1, 3, 2),
        ),
        (
            Sentence("phrase", Phrase("horse", THIS, True, "two", "big", "grey")),
            "these two big grey horses",
            "ces deux grands chevaux gris",
            (0, 1, 2, 4, 3),
        ),
        (Sentence("phrase", Phrase("tree", THE)), "the tree", "l'arbre", (0, 1)),
        (Sentence("phrase", Phrase("tree", THIS)), "this tree", "cet arbre", (0, 1)),
        (Sentence("phrase", Phrase("star", MY)), "my star", "mon étoile", (0, 1)),
        (Sentence("phrase", Phrase("star", MY, before="pretty")), "my pretty star", "ma jolie étoile", (0, 1, 2)),
        (Sentence("phrase", Phrase("house", HIS)), "his house", "sa maison", (0, 1)),
        (Sentence("phrase", Phrase("dog", HER)), "her dog", "son chien", (0, 1)),
        (Sentence("phrase", Phrase("ant", A)), "an ant", "une fourmi", (0, 1)),
        (Sentence("phrase", Phrase("man", THE, after="brave")), "the brave man", "l'homme courageux", (0, 2, 1)),
        (
            Sentence("place", Phrase("mouse", THE, True), "under", Phrase("hat", A, after="green")),
            "the mice under a green hat",
            "les souris sous un chapeau vert",
            (0, 1, 2, 3, 5, 4),
        ),
        (
            Sentence("description", Phrase("cow", THE, True), "", "white"),
            "the cows are white",
            "les vaches sont blanches",
            (0, 1, 2, 3),
        ),
        (Sentence("description", "she", "", "happy"), "she is happy", "elle est heureuse", (0, 1, 2)),
        (
            Sentence("action", "they", HELPS, Phrase("child", THE, after="tired")),
            "they help the tired child",
            "ils aident l'enfant fatigué",
            (0, 1, 2, 4, 3),
        ),
        (Sentence("pronoun", "he", SEES, "her"), "he sees her", "il la voit", (0, 2, 1)),
        (
            Sentence("pronoun", Phrase("woman", THE, True), HELPS, "him"),
            "the women help him",
            "les femmes l'aident",
            (0, 1, 3, 2),
        ),
    ],
)
def test_a_sentence_is_translated_word_by_word(sentence, english, french, source):
    made = pair(sentence)
    assert (text(made.english), text(made.french), made.source) == (english, french, source)
    stopped = pair(sentence, stop=True)
    assert (text(stopped.english), text(stopped.french)) == (f"{english}.", f"{french}.")
    assert stopped.source == (*source, len(source)) and stopped.classes == (*made.classes, "stop")


def test_each_french_word_has_its_class():
    made = pair(Sentence("pronoun", Phrase("dog", THE, True, "two", "small", "brown"), SEES, "them"))
    assert text(made.french) == "les deux petits chiens bruns les voient"
    assert made.classes == ("determiner", "numeral", "adjective", "noun", "adjective", "pronoun", "verb")


@cache
def drawn(count: int = 3000, held: bool = False, unknown: float = 0.0, seed: int = 0) -> list[Pair]:
    rng = Random(seed)
    return [sentences.draw(rng, held=held, unknown=unknown) for _ in range(count)]


def test_an_english_sentence_has_one_translation():
    """Phrases of two or three words occur many times among the drawn sentences."""
    translations: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for made in drawn():
        translations.setdefault(made.english, set()).add(made.french)
    assert len(translations) < 2950 and not [english for english, french in translations.items() if len(french) > 1]


def test_every_form_is_listed_and_drawn():
    words = {word for made in drawn(5000, unknown=0.3) for word in (*made.english, *made.french)}
    assert words - {"."} == set(lexicon.every_word())


def test_training_never_draws_a_held_out_combination():
    rng = Random(0)
    for kind in sentences.KINDS:
        for held in (False, True):
            for _ in range(60):
                sentence = sentences.draw_sentence(rng, kind, held)
                assert any(map(sentences.is_held_out, sentences.combinations(sentence))) == held
                assert sentence.kind == kind


def test_combinations_leave_out_article_and_number():
    subject = Phrase("queen", THE, True, after="brave")
    assert sentences.combinations(Sentence("action", subject, SEES, Phrase("dog", A, before="small"))) == [
        ("brave", "queen"),
        ("small", "dog"),
        ("queen", "sees", "dog"),
    ]
    assert sentences.combinations(Sentence("description", subject, "", "sad")) == [("brave", "queen"), ("sad", "queen")]
    assert sentences.combinations(Sentence("place", Phrase("hat", THE), "on", Phrase("bed", A))) == [
        ("hat", "on", "bed")
    ]
    assert sentences.combinations(Sentence("phrase", Phrase("hat", THE))) == []


def test_the_split_never_changes():
    pairs = [(adjective, noun) for adjective in lexicon.AFTER for noun in lexicon.NOUNS]
    assert 0.07 < sum(map(sentences.is_held_out, pairs)) / len(pairs) < 0.13
    fixed = [("red", "house"), ("red", "garden"), ("blue", "apple"), ("small", "dog"), ("queen", "sees", "dog")]
    assert [sentences.is_held_out(one) for one in fixed] == [False, True, True, False, False]


def test_an_unknown_word_is_unknown_on_both_sides():
    rng, classes = Random(0), set()
    for _ in range(600):
        made = pair(sentences.with_unknown_word(rng, sentences.draw_sentence(rng)))
        assert made.english.count("?") == made.french.count("?") == 1
        at = made.french.index("?")
        assert made.english[made.source[at]] == "?"
        classes.add(made.classes[at])
    assert classes == {"determiner", "numeral", "adjective", "noun", "verb", "preposition", "pronoun"}


def test_people_have_adjectives_of_their_own():
    """In descriptions and phrases whose only noun is a person."""
    people = {*lexicon.PEOPLE, *map(lexicon.english_plural, lexicon.PEOPLE)}
    for made in drawn():
        if made.classes.count("noun") == len(people & {*made.english}) == 1:
            places = [source for source, name in zip(made.source, made.classes, strict=True) if name == "adjective"]
            assert {made.english[place] for place in places} <= lexicon.OF_PEOPLE, made


def test_each_word_is_one_token_and_a_sentence_is_decoded_as_it_was():
    tokenizer = word_tokenizer()
    for made in drawn(500, unknown=0.3):
        for words in (made.english, made.french):
            ids = tokenizer(text(words))["input_ids"]
            assert len(ids) == len(words) + 1 and ids[-1] == tokenizer.eos_token_id
            assert tokenizer.decode(ids[:-1]) == text(words)


def test_what_a_class_may_type_is_read():
    tokenizer = word_tokenizer()
    known = tokenizer("the red house.")["input_ids"]
    assert tokenizer(" The  RED\thouse. ")["input_ids"] == known
    assert tokenizer("l’arbre")["input_ids"] == tokenizer("l'arbre")["input_ids"]
    assert tokenizer.decode(tokenizer("the old house")["input_ids"][:-1]) == "the ? house"
    assert tokenizer("the house!")["input_ids"][1] == known[2]


def test_rows_are_shifted_by_the_start_token_and_padded():
    tokenizer = word_tokenizer()
    made = [
        pair(Sentence("phrase", Phrase("hat", THE))),
        pair(Sentence("pronoun", Phrase("cat", A, after="red"), SEES, "him")),
    ]
    rows = rows_of(tokenizer, made)
    le, chapeau = tokenizer("le chapeau", add_special_tokens=False)["input_ids"]
    assert rows.source.shape == rows.mask.shape == (2, 6) and rows.target.shape == rows.labels.shape == (2, 6)
    assert rows.mask[0].tolist() == [1, 1, 1, 0, 0, 0]
    start, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
    assert rows.target[0].tolist() == [start, le, chapeau, end, pad, pad]
    assert rows.labels[0].tolist() == [le, chapeau, end, IGNORED, IGNORED, IGNORED]
    assert rows.labels[1].tolist() == [*rows.target[1, 1:].tolist(), end]


def test_words_are_written_with_their_apostrophes():
    assert grammar.text(("she", "helps", "l'", "arbre", ".")) == "she helps l'arbre."
