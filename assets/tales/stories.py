"""Tells simple, consistent stories: characters, objects, places and pronouns stay the same from first to last sentence.

A small model learns to tell a story from much simple, consistent text (TinyStories, Eldan and Li 2023). The sentences
are in plots.txt.
"""

import re
from dataclasses import dataclass
from random import Random

import words as w
from plots import ABOUT, HELD_OPENINGS, NIGHT, OPENINGS, PLOTS, Plot, Slot
from samples import is_held_out

SHORTEST, LONGEST = 5, 12  # sentences
LEFT_OUT = 0.4  # probability of leaving out an optional slot
_CHILD = ("{noun}", "{noun}", "little {noun}", "young {noun}", "{look} {noun}", "small {noun}", "{look} little {noun}")
_GROWN = {True: ("queen", "princess", "woman", "farmer", "shepherd", "weaver", "widow"),
          False: ("king", "prince", "man", "farmer", "shepherd", "weaver", "fisherman")}  # fmt: skip
_LOOK = ("old", "young", "{look}", "poor", "{look} old", "{look} young", "wise")
_HOMES = (
    "at the edge of a forest", "in a little house by a river", "on a farm in the hills", "in a small town",
    "in a house with a green door", "near an old mill", "at the end of a long road", "in a quiet village",
    "not far from the sea", "at the foot of a mountain", "behind the church", "in a valley full of apple trees",
    "on the other side of the river", "between two hills", "in an old house with a crooked roof",
)  # fmt: skip
_WHEN = (
    "one day", "one morning", "one afternoon", "one fine day", "one sunny morning", "one {day}", "one day in spring",
    "one summer day", "one autumn day", "on a cold {day}", "early one morning", "then, one day,",
)  # fmt: skip
_END = re.compile(r'[.!?]"?(?= [A-Z"]|$)')


def sentences(text: str) -> int:
    """Returns the number of sentences in a text, including those in quotes."""
    return len(_END.findall(text))


@dataclass(frozen=True)
class Story:
    """A story. alone: only the hero has pronouns, because the plot has no friend."""

    text: str
    summary: str
    hero: str
    girl: bool
    plot: str
    alone: bool


def tell(rng: Random, held: bool = False, opening: str | None = None) -> Story:
    """Tells a story of 5 to 12 sentences.

    held: use a held-out combination of plot, hero and place, instead of one for training. opening: a pattern to begin
    with instead of a drawn one, such as one of HELD_OPENINGS."""
    while True:
        plot, hero, place = rng.choice(PLOTS), rng.choice(w.NAMES), rng.choice(w.OUTSIDE)
        if is_held_out(plot.name, hero, place) != held:
            continue
        slots = _draw_words(rng, plot, hero, place)
        text = " ".join(_fill(pattern, slots) for pattern in _draw_patterns(rng, plot, opening))
        if SHORTEST <= sentences(text) <= LONGEST and text.count(hero) > 1:
            alone = not any("{friend}" in sentence for slot in plot.slots for sentence in slot)
            summary = _fill(rng.choice(plot.summaries), slots)
            return Story(text, summary, hero, hero in w.GIRLS, plot.name, alone)


def held_opening(rng: Random) -> tuple[str, str, bool]:
    """Returns an opening that never occurs in training, its hero, and whether the hero is a girl."""
    hero = rng.choice(w.NAMES)
    return _fill(rng.choice(HELD_OPENINGS), _draw_words(rng, PLOTS[0], hero, "park")), hero, hero in w.GIRLS


def _draw_patterns(rng: Random, plot: Plot, opening: str | None) -> list[str]:
    """Draws one sentence pattern from each slot, in order. Optional slots may be left out."""
    about = "" if "plain" in plot.marks else _draw_pattern(rng, ABOUT)
    night = _draw_pattern(rng, NIGHT) if "night" in plot.marks else ""
    patterns = [opening or rng.choice(OPENINGS), about, *(_draw_pattern(rng, slot) for slot in plot.slots), night]
    return [pattern for pattern in patterns if pattern]


def _draw_pattern(rng: Random, slot: Slot) -> str:
    """Draws a pattern from the slot; empty if the slot is left out."""
    if "" in slot and rng.random() < LEFT_OUT:
        return ""
    return rng.choice([pattern for pattern in slot if pattern])


def _fill(pattern: str, slots: dict[str, str]) -> str:
    """Puts the words into a pattern and makes its first letter a capital."""
    text = pattern.format(**slots)
    first = 1 if text.startswith('"') else 0
    return text[:first] + text[first : first + 1].upper() + text[first + 1 :]


def _pronouns(girl: bool, prefix: str = "") -> dict[str, str]:
    """Returns the pronouns and the noun of a child, by slot name; prefix: "f" for the slots of the friend."""
    he, his, him = ("she", "her", "her") if girl else ("he", "his", "him")
    forms = {"he": he, "his": his, "him": him, "himself": him + "self", "noun": "girl" if girl else "boy"}
    return {prefix + key: word for key, word in forms.items()}


def _draw_words(rng: Random, plot: Plot, hero: str, place: str) -> dict[str, str]:
    """Draws the word for every slot of a story once, so that it stays the same throughout the story."""
    girl = hero in w.GIRLS
    friend = rng.choice(w.BOYS if girl else w.GIRLS)  # of the other gender, so that every pronoun is clear
    slots = _pronouns(girl) | _pronouns(not girl, "f") | {"hero": hero, "friend": friend}
    kind = rng.choice(_CHILD)
    if "grown" in plot.marks and rng.random() < 0.5:
        slots["noun"] = rng.choice(_GROWN[girl])
        kind = rng.choice(_LOOK) + " {noun}"
    slots["look"], slots["trait"], slots["trait2"] = rng.sample(w.TRAITS, 3)
    slots["kin"], slots["kin2"] = rng.sample(w.ELDERS, 2)
    lists = {
        "colour": w.COLOURS, "lost": w.LOSABLE, "toy": w.TOYS, "fragile": w.FRAGILE, "animal": w.ANIMALS, "food": w.SOLID,
        "small": w.SMALL_ANIMALS, "crop": w.CROPS, "day": w.DAYS, "number": w.NUMBERS, "age": w.NUMBERS[4:], "home": _HOMES,
    }  # fmt: skip
    slots |= {key: rng.choice(choices) for key, choices in lists.items()}
    water = rng.choice(("by the river", "by the lake", "on the beach", "at the harbour"))
    elsewhere = rng.choice([other for other in w.PLACES if other != place])
    slots |= {
        "a_kind": w.a(kind.format(**slots)), "when": rng.choice(_WHEN).format(**slots), "place": elsewhere,
        "at_place": f"{w.PLACES[elsewhere]} the {elsewhere}", "at_out": f"{w.PLACES[place]} the {place}",
        "to_out": f"to the {place}", "at_water": water, "out": place,
    }  # fmt: skip
    return slots | {f"a_{key}": w.a(slots[key]) for key in ("colour", "animal", "small", "trait")}
