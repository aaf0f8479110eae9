"""Books as running text: paragraphs joined, quotes straightened, headings and contents left out.

The books are public-domain children's literature from Project Gutenberg; README.md lists their numbers. They
are of their time, so paragraphs with words that would hurt in a classroom are left out as well.
"""

import re
from pathlib import Path

HELD_OUT = ("00708", "03282")  # Gutenberg numbers kept out of training, to choose by
_STRAIGHT = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "_": None, "\u00a0": " ", "…": "..."}
)
_HURTFUL = re.compile(
    r"\b(nigg\w*|negro\w*|darky|darkies|savages?|gyps\w*|gips\w*|jews?|jewess|heathens?|moors?|turks?|arabs?|redskins?|"
    r"indians?|chinam\w+|chinks?|japs?|pickaninn\w*|mulatto\w*|cannibals?|slaves?|slavery|cripples?|idiots?|imbeciles?|"
    r"suicide|hanged|flogg\w*|whipp\w*|drunk\w*|murder\w*|corpses?|behead\w*|lunatics?|fat and ugly)\b",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^(chapter|book|part|contents|illustrat|the end|preface|introduction|transcriber)\b", re.IGNORECASE
)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a book, each on one line."""
    joined = (" ".join(block.split()).translate(_STRAIGHT) for block in re.split(r"\n\s*\n", text.replace("\r", "")))
    return [one for one in joined if _is_prose(one)]


def _is_prose(paragraph: str) -> bool:
    heading = _HEADING.match(paragraph) or paragraph.isupper() or paragraph[:1] in "*["
    unfinished = len(paragraph) < 70 and paragraph[-1:] not in ".!?\"',;:-)"
    return bool(paragraph) and not heading and not unfinished and not _HURTFUL.search(paragraph)


def book(path: Path) -> str:
    """One book as running text, a line a paragraph."""
    return "\n".join(paragraphs(path.read_text(encoding="utf-8")))


def books(folder: Path, held_out: bool = False) -> list[str]:
    """The cleaned books of a folder, in the order of their file names."""
    chosen = [p for p in sorted(folder.glob("[0-9]*.txt")) if (p.name[:5] in HELD_OUT) == held_out]
    return [book(path) for path in chosen]
