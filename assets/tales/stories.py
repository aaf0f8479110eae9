"""Simple stories that keep their thread: who, what, where and every pronoun stay the same from first to last sentence.

Much simple, consistent text is what makes a small model tell a story (TinyStories, Eldan and Li 2023). Not here: the
sentences themselves (plots.txt).
"""

import re
from dataclasses import dataclass
from random import Random

import words as w
from plots import ABOUT, HELD_OPENINGS, NIGHT, OPENINGS, PLOTS, Plot, Slot
from samples import is_held_out

SHORTEST, LONGEST = 5, 12  # sentences
LEFT_OUT = 0.4  # how often a slot that may be left out is left out
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
    """How many sentences a text has; what is said in quotes counts as well."""
    return len(_END.findall(text))


@dataclass(frozen=True)
class Story:
    """A told story; `alone` says that nobody in it but the hero has a pronoun."""

    text: str
    summary: str
    hero: str
    girl: bool
    plot: str
    alone: bool


def tell(rng: Random, held: bool = False, opening: str | None = None) -> Story:
    """A story of 5 to 12 sentences from the training part, or from the held-out part (plot, hero, place).

    opening: a pattern to begin with instead of a drawn one, such as one of HELD_OPENINGS."""
    while True:
        plot, hero, place = rng.choice(PLOTS), rng.choice(w.NAMES), rng.choice(w.OUTSIDE)
        if is_held_out(plot.name, hero, place) != held:
            continue
        slots = _cast(rng, plot, hero, place)
        text = " ".join(_filled(one, slots) for one in _patterns(rng, plot, opening))
        if SHORTEST <= sentences(text) <= LONGEST and text.count(hero) > 1:
            alone = not any("{friend}" in sentence for slot in plot.slots for sentence in slot)
            summary = _filled(rng.choice(plot.summaries), slots)
            return Story(text, summary, hero, hero in w.GIRLS, plot.name, alone)


def held_opening(rng: Random) -> tuple[str, str, bool]:
    """An opening that never occurs in training, its hero, and whether the hero is a girl."""
    hero = rng.choice(w.NAMES)
    return _filled(rng.choice(HELD_OPENINGS), _cast(rng, PLOTS[0], hero, "park")), hero, hero in w.GIRLS


def _patterns(rng: Random, plot: Plot, opening: str | None) -> list[str]:
    """A sentence of every slot, in order, without those left out."""
    about = "" if "plain" in plot.marks else _sentence(rng, ABOUT)
    night = _sentence(rng, NIGHT) if "night" in plot.marks else ""
    patterns = [opening or rng.choice(OPENINGS), about, *(_sentence(rng, slot) for slot in plot.slots), night]
    return [pattern for pattern in patterns if pattern]


def _sentence(rng: Random, slot: Slot) -> str:
    if "" in slot and rng.random() < LEFT_OUT:
        return ""
    return rng.choice([pattern for pattern in slot if pattern])


def _filled(pattern: str, slots: dict[str, str]) -> str:
    """The pattern with its words, its first letter large."""
    text = pattern.format(**slots)
    at = 1 if text.startswith('"') else 0
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _pronouns(girl: bool, mark: str = "") -> dict[str, str]:
    he, his, him = ("she", "her", "her") if girl else ("he", "his", "him")
    forms = {"he": he, "his": his, "him": him, "himself": him + "self", "noun": "girl" if girl else "boy"}
    return {mark + key: word for key, word in forms.items()}


def _cast(rng: Random, plot: Plot, hero: str, place: str) -> dict[str, str]:
    """Every word of a story, drawn once, so that nothing changes while it is told."""
    girl = hero in w.GIRLS
    friend = rng.choice(w.BOYS if girl else w.GIRLS)  # of the other gender, so that no pronoun is in doubt
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
    elsewhere = rng.choice([one for one in w.PLACES if one != place])
    slots |= {
        "a_kind": w.a(kind.format(**slots)), "when": rng.choice(_WHEN).format(**slots), "place": elsewhere,
        "at_place": f"{w.PLACES[elsewhere]} the {elsewhere}", "at_out": f"{w.PLACES[place]} the {place}",
        "to_out": f"to the {place}", "at_water": water, "out": place,
    }  # fmt: skip
    return slots | {f"a_{key}": w.a(slots[key]) for key in ("colour", "animal", "small", "trait")}
