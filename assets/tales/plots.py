"""Reads plots.txt: the openings and the plots of the stories, sentence by sentence.

The file is plain text, so that a teacher may add to it. "## name" begins a part, an empty line a new slot, "= " marks
a summary, and "-" says that the slot may be left out. Every sentence of a slot fits every sentence of its neighbours.
Only the hero has the pronouns {he}, {his}, {him}; family, strangers and animals are named again instead, and a friend
is of the other gender ({fhe}, {fhis}, {fhim}), so that no pronoun is in doubt. After a plot's name may stand "grown"
(the hero may be a king or an old woman instead of a child), "night" (it may end with an evening) and "plain" (it has
its own description of the hero). Not here: the telling itself (stories.py).
"""

from dataclasses import dataclass
from pathlib import Path

Slot = tuple[str, ...]
_COMMON = ("openings", "held-out openings", "about", "night")


@dataclass(frozen=True)
class Plot:
    """What happens, slot by slot, and the same in one sentence; `marks` are the words after its name."""

    name: str
    marks: frozenset[str]
    slots: tuple[Slot, ...]
    summaries: Slot


def _parts() -> list[Plot]:
    text = Path(__file__).with_name("plots.txt").read_text(encoding="utf-8")
    return [_part(one) for one in text.split("## ")[1:]]


def _part(text: str) -> Plot:
    head, _, body = text.partition("\n")
    name, _, marks = head.partition("|")
    blocks = [block.split("\n") for block in body.strip().split("\n\n")]
    summaries = tuple(line[2:] for line in blocks[-1] if line.startswith("= "))
    slots = tuple(tuple("" if line == "-" else line for line in block) for block in blocks[: -1 if summaries else None])
    return Plot(name.strip(), frozenset(marks.replace(",", " ").split()), slots, summaries)


_ALL = _parts()
OPENINGS, HELD_OPENINGS, ABOUT, NIGHT = (part.slots[0] for part in _ALL[: len(_COMMON)])
PLOTS = tuple(_ALL[len(_COMMON) :])
PATTERNS = sum(len([s for s in slot if s]) for part in _ALL for slot in part.slots)
