"""Reads plots.txt: the sentence patterns of the stories' openings and plots. stories.py tells the stories.

The file is plain text, so that a teacher may add to it. "## name" begins a part, an empty line begins a new slot, "= "
marks a summary, and "-" means that the slot may be left out. A story takes one sentence of each slot, so every sentence
of a slot must fit every sentence of the slots around it. Only the hero has the pronouns {he}, {his}, {him}. A friend is
of the other gender and has {fhe}, {fhis}, {fhim}. Family, strangers and animals are named again instead, so that every
pronoun is clear. A plot's name may be followed by marks: "grown" (the hero may be a king or an old woman instead of a
child), "night" (the story may end in the evening) and "plain" (the plot describes the hero itself).
"""

from dataclasses import dataclass
from pathlib import Path

Slot = tuple[str, ...]
_COMMON = ("openings", "held-out openings", "about", "night")


@dataclass(frozen=True)
class Plot:
    """A plot: its slots in order, and the same events in one sentence. marks: the words after its name."""

    name: str
    marks: frozenset[str]
    slots: tuple[Slot, ...]
    summaries: Slot


def _read_parts() -> list[Plot]:
    text = Path(__file__).with_name("plots.txt").read_text(encoding="utf-8")
    return [_parse_part(part) for part in text.split("## ")[1:]]


def _parse_part(text: str) -> Plot:
    heading, _, body = text.partition("\n")
    name, _, marks = heading.partition("|")
    blocks = [block.split("\n") for block in body.strip().split("\n\n")]
    summaries = tuple(line[2:] for line in blocks[-1] if line.startswith("= "))
    slots = tuple(tuple("" if line == "-" else line for line in block) for block in blocks[: -1 if summaries else None])
    return Plot(name.strip(), frozenset(marks.replace(",", " ").split()), slots, summaries)


_PARTS = _read_parts()
OPENINGS, HELD_OPENINGS, ABOUT, NIGHT = (part.slots[0] for part in _PARTS[: len(_COMMON)])
PLOTS = tuple(_PARTS[len(_COMMON) :])
