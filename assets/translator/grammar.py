"""Translates English phrases and short sentences into French, and says which word each word translates.

What turns round: most adjectives follow their noun in French, and a pronoun that is the object stands before the verb.
What agrees: articles and adjectives with the gender and number of their noun, verbs with the number of their subject.
`sentences.py` draws what is translated here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import lexicon as w


@dataclass(frozen=True)
class Pair:
    """A sentence in both languages.

    english, french: words in their order. source: for each French word, the index of the English word that it translates.
    classes: the class of each French word, such as "noun"; a full stop is a "stop".
    """

    english: tuple[str, ...]
    french: tuple[str, ...]
    source: tuple[int, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Phrase:
    """A noun and what belongs to it, as keys of the lexicon; an empty string for what it lacks.

    before, after: adjectives, by where they stand in French.
    """

    noun: str
    determiner: tuple[str, str] | str = ""
    plural: bool = False
    numeral: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Sentence:
    """A phrase alone, or a subject that is joined to something. Its kind says to what:

    "phrase": to nothing. "place": to a phrase by a preposition, the link. "description": to an adjective by the verb "be".
    "action": to a phrase by a verb, the link. "pronoun": to a pronoun by a verb, the link.
    A subject that is a string is the key of a pronoun; an object that is a string is that of a pronoun or an adjective.
    """

    kind: str
    subject: Phrase | str
    link: tuple[str, str] | str = ""
    object: Phrase | str = ""


@dataclass(frozen=True, eq=False)  # two parts with the same words are not the same part
class _Part:
    """An English word and the French word that translates it."""

    english: str
    french: str
    word_class: str


_Parts = tuple[list[_Part], list[_Part]]  # the same parts in the order of English and in that of French


def text(words: tuple[str, ...]) -> str:
    """Returns words as they are written: no space after an apostrophe, and none before a full stop."""
    return " ".join(words).replace("' ", "'").replace(" .", ".")


def pair(sentence: Sentence, stop: bool = False) -> Pair:
    """Translates a sentence. stop: whether it has a full stop."""
    english, french = _sentence(sentence)
    if stop:
        end = _Part(".", ".", "stop")
        english, french = [*english, end], [*french, end]
    return Pair(
        tuple(_with_an([part.english for part in english])),
        tuple(_elided([part.french for part in french])),
        tuple(english.index(part) for part in french),
        tuple(part.word_class for part in french),
    )


def _sentence(sentence: Sentence) -> _Parts:
    subject, feminine, plural = _subject(sentence.subject)
    kind, link, other = sentence.kind, sentence.link, sentence.object
    if kind == "phrase":
        return subject
    if kind == "place":
        preposition = _Part(link, w.PREPOSITIONS[link], "preposition")
        return _joined(subject, ([preposition], [preposition]), _phrase(other))
    if kind == "description":
        be = _Part(w.BE[0][plural], w.BE[1][plural], "verb")
        adjective = _Part(other, _adjective(other, feminine, plural), "adjective")
        return _joined(subject, ([be, adjective], [be, adjective]))
    verb = _Part(link[plural], w.VERBS[link][plural], "verb")
    if kind == "action":
        return _joined(subject, ([verb], [verb]), _phrase(other))
    pronoun = _Part(other, w.OBJECTS[other], "pronoun")
    return _joined(subject, ([verb, pronoun], [pronoun, verb]))


def _joined(*pieces: _Parts) -> _Parts:
    return [part for english, _ in pieces for part in english], [part for _, french in pieces for part in french]


def _subject(subject: Phrase | str) -> tuple[_Parts, bool, bool]:
    """Returns the parts of a subject, whether it is feminine, and whether it is plural."""
    if isinstance(subject, Phrase):
        return _phrase(subject), subject.noun in w.FEMININE, subject.plural
    french, feminine, plural = w.SUBJECTS[subject]
    pronoun = _Part(subject, french, "pronoun")
    return ([pronoun], [pronoun]), feminine, plural


def _phrase(phrase: Phrase) -> _Parts:
    feminine, plural = phrase.noun in w.FEMININE, phrase.plural
    front, after = [], []
    if phrase.determiner:
        forms = w.DETERMINERS[phrase.determiner]
        front.append(_Part(phrase.determiner[plural], forms[2 if plural else feminine], "determiner"))
    if phrase.numeral:
        front.append(_Part(phrase.numeral, w.NUMERALS[phrase.numeral], "numeral"))
    if phrase.before:
        front.append(_Part(phrase.before, _adjective(phrase.before, feminine, plural), "adjective"))
    if phrase.after:
        after.append(_Part(phrase.after, _adjective(phrase.after, feminine, plural), "adjective"))
    english, french = phrase.noun, w.NOUNS[phrase.noun]
    if plural:
        english, french = w.english_plural(english), w.french_plural(french)
    noun = _Part(english, french, "noun")
    return [*front, *after, noun], [*front, noun, *after]


def _adjective(english: str, feminine: bool, plural: bool) -> str:
    form = (w.BEFORE | w.AFTER)[english][feminine]
    return w.french_plural(form) if plural else form


def _with_an(words: list[str]) -> Iterator[str]:
    for word, following in zip(words, [*words[1:], "."], strict=True):
        yield "an" if word == "a" and following[0] in "aeiou" else word


def _elided(words: list[str]) -> Iterator[str]:
    for word, following in zip(words, [*words[1:], "."], strict=True):
        yield w.BEFORE_VOWEL.get(word, word) if w.begins_with_vowel(following) else word
