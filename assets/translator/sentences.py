"""Draws sentences for training, and held-out ones that training never has.

One in ten combinations of words is held out: an adjective with its noun, or two nouns or pronouns with the word between
them. Training has such a combination in no sentence, with no article and in neither number. A held-out sentence has one or
more of them.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from random import Random
from typing import Any

import lexicon as w
from grammar import Pair, Phrase, Sentence, pair

KINDS = ("phrase", "place", "description", "action", "pronoun")
_SHARES = (3, 1, 2, 3, 2)  # how often each kind is drawn for training
_STOPS = 0.5  # the share of the sentences with a full stop
_ADJECTIVES = {(False, False): 3, (False, True): 4, (True, False): 2, (True, True): 2}  # before and after: how often


def draw(rng: Random, kind: str = "", held: bool = False, unknown: float = 0.0) -> Pair:
    """Draws a sentence for training, or a held-out one, with its translation.

    kind: one of KINDS; "" for any, as often as training has it. unknown: the share of the sentences with an unknown word.
    """
    sentence = draw_sentence(rng, kind, held)
    if rng.random() < unknown:
        sentence = with_unknown_word(rng, sentence)
    return pair(sentence, stop=rng.random() < _STOPS)


def draw_sentence(rng: Random, kind: str = "", held: bool = False) -> Sentence:
    """Draws a sentence whose words are all known; see `draw`."""
    while True:
        sentence = _any_sentence(rng, kind or rng.choices(KINDS, _SHARES)[0])
        if any(map(is_held_out, combinations(sentence))) == held:
            return sentence


def combinations(sentence: Sentence) -> list[tuple[str, ...]]:
    """Returns the combinations of words of a sentence, each of which may be held out."""
    subject, other = sentence.subject, sentence.object
    phrases = [part for part in (subject, other) if isinstance(part, Phrase)]
    result = [(adjective, one.noun) for one in phrases for adjective in (one.before, one.after) if adjective]
    if sentence.kind == "description":
        return [*result, (_head(other), _head(subject))]
    link = sentence.link if sentence.kind == "place" else sentence.link[:1]
    return [*result, (_head(subject), "".join(link), _head(other))] if link else result


def is_held_out(combination: tuple[str, ...]) -> bool:
    """Whether a combination belongs to the tenth that training never has. A hash decides, so there is no list."""
    digest = hashlib.sha256("|".join(combination).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


def with_unknown_word(rng: Random, sentence: Sentence) -> Sentence:
    """Returns the sentence with one word unknown: any but a pronoun that is the subject, and the verb "be"."""
    changes: list[dict[str, Any]] = []
    for name in ("subject", "object"):
        part = getattr(sentence, name)
        if isinstance(part, Phrase):
            filled = [field.name for field in fields(part) if field.name != "plural" and getattr(part, field.name)]
            changes += [{name: replace(part, **{field: _unknown_like(getattr(part, field))})} for field in filled]
    if isinstance(sentence.object, str) and sentence.object:
        changes.append({"object": w.UNKNOWN})
    if sentence.link:
        changes.append({"link": _unknown_like(sentence.link)})
    return replace(sentence, **rng.choice(changes)) if changes else sentence


def _unknown_like(key: tuple[str, str] | str) -> tuple[str, str] | str:
    return w.UNKNOWN if isinstance(key, str) else (w.UNKNOWN, w.UNKNOWN)


def _head(part: Phrase | str) -> str:
    return part.noun if isinstance(part, Phrase) else part


def _any_sentence(rng: Random, kind: str) -> Sentence:
    if kind == "phrase":
        return Sentence(kind, _phrase(rng, w.NOUNS))
    if kind == "place":
        return Sentence(kind, _phrase(rng, w.ANIMALS | w.THINGS), _key(rng, w.PREPOSITIONS), _phrase(rng, w.THINGS))
    if kind == "description":
        subject = _subject(rng, w.NOUNS)
        return Sentence(kind, subject, "", _adjective(rng, _head(subject), w.BEFORE | w.AFTER))
    subject = _subject(rng, w.PEOPLE | w.ANIMALS)
    if kind == "pronoun":
        return Sentence(kind, subject, _key(rng, w.VERBS, w.TO_PEOPLE), _key(rng, w.OBJECTS))
    verb = _key(rng, w.VERBS)
    people = w.PEOPLE if verb[0] in w.TO_PEOPLE else {}
    return Sentence(
        kind, subject, verb, _phrase(rng, people | (w.ANIMALS | w.THINGS if verb[0] in w.TO_THINGS else {}))
    )


def _subject(rng: Random, nouns: Mapping[str, str]) -> Phrase | str:
    return _key(rng, w.SUBJECTS) if rng.random() < 0.2 else _phrase(rng, nouns)


def _phrase(rng: Random, nouns: Mapping[str, str]) -> Phrase:
    noun, plural = _key(rng, nouns), rng.random() < 0.4
    numeral = _key(rng, w.NUMERALS) if plural and rng.random() < 0.4 else ""
    has_before, has_after = rng.choices([*_ADJECTIVES], [*_ADJECTIVES.values()])[0]
    before = _adjective(rng, noun, w.BEFORE) if has_before else ""
    after = _adjective(rng, noun, w.AFTER) if has_after else ""
    is_owned = noun in w.FAMILY or noun not in w.PEOPLE
    fitting = [key for key in w.DETERMINERS if key[plural] and (is_owned or key[0] not in w.OWNERS)]
    determiner = "" if numeral and rng.random() < 0.5 else _key(rng, [fitting[0], *fitting])  # "the" twice as often
    return Phrase(noun, determiner, plural, numeral, before, after)


def _adjective(rng: Random, subject: str, table: Mapping[str, Any]) -> str:
    """Draws an adjective of a table that fits a noun or a pronoun."""
    return _key(rng, table, w.OF_PEOPLE if subject in w.PEOPLE or subject in w.SUBJECTS else w.OF_THINGS)


def _key(rng: Random, keys: Collection[Any], allowed: Collection[str] | None = None) -> Any:
    """Draws a known word of some. allowed: only these, by their first form."""
    known = [(key, key if isinstance(key, str) else key[0]) for key in keys]
    return rng.choice([key for key, first in known if first != w.UNKNOWN and (allowed is None or first in allowed)])
