"""Books as running text: paragraphs joined, quotes straightened, headings and contents left out.

The books are public-domain children's literature from Project Gutenberg; README.md lists their numbers. They
are of their time, so paragraphs with words that would hurt in a classroom are left out as well. The filter goes by
words: what is said without such words remains.
"""

import re
from pathlib import Path

HELD_OUT = ("00708", "03282")  # Gutenberg numbers kept out of training, to choose by
_STRAIGHT = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "_": None, "\u00a0": " ", "…": "..."}
)
# Words that would hurt somebody in a classroom, by reason. A paragraph with one of them goes as a whole, for what
# stands around the word is seldom better. Many good paragraphs go with them: there are enough.
_PEOPLES = (
    r"nigg\w*|negr\w+|darky|darkies|blackamoors?|blacks|sambo|ethiop\w*|kaffirs?|hottentots?|zulus?|bushm[ae]n|bumpo|africans?",
    r"(black|brown|white|colou?red|yellow)[ -]?(man|men|woman|women|boy|girl|people|folk|servant|race)s?",
    r"(black|brown|dark)[ -]skin\w*",
    r"savages?|natives|tribes?|tribesm[ae]n|barbari\w+|barbarous|heathens?|infidels?|mussulm\w+|moh?amm?edans?|mahomm?edans?|pagans?",
    r"gyps\w*|gips\w*|jews?|jewess|jewish|turks?|arabs?|bedouins?|(?-i:Moors?|Moorish)|chinam\w+|chinee|chinks?|japs?|coolies?",
    r"redskins?|indians?|injuns?|squaws?|papooses?|half-?breeds?|tiger lily|velly|scalp\w*|picc?k?aninn\w*|mulatto\w*",
    r"mammy|epaminondas|slaves?|slavery|enslave\w*|eunuchs?|harems?|dusky|swarthy|thick lips|woolly hair|cannibals?",
)
_BODIES = (
    r"cripple\w*|(hunch|hump)-?back\w*|deform\w*|deaf and dumb|half-?wit\w*|idiot\w*|imbeciles?|lunatics?|madm[ae]n",
    r"fat (old|and ugly|man|woman|boy|girl|lady|people)|ugly (old|woman|girl|child)|hags?|old maids?|wench\w*|naked",
    r"harlot\w*|bastards?|rap(e|ed)|ravish\w*|only a girl|just like a (girl|woman)|weaker sex|damn\w*|hell",
)
_CRUELTY = (
    r"kill\w*|slay\w*|slew|slain|murder\w*|suicide|(hang|drown|stab|shoot|burn|poison) (my|him|her|them|your)self|end my life",
    r"hanged|hang (him|her|them|me|you)|gallows|execution\w*|behead\w*|cut off (his|her|their|my|your|its) \w+|put to death",
    r"flogg?\w*|whipp\w*|thrash\w*|lashing|scourg\w*|beat(ing)? (him|her|them|me|you)|beaten|box(ed)? (his|her) ears",
    r"stab|stabb\w*|strangl\w*|tortur\w*|throttl\w*|slaughter\w*|massacre\w*|butchered|blood\w*|corpses?|carcas\w*|skulls?",
    r"dead bod\w+|human flesh|man-?eat\w*|(burnt|burned) (alive|at the stake|to death)|burn(t|ed)? (him|her|them) (alive|up)",
    r"drunk\w*|pistols?|shot (him|her|them|dead)|cut (his|her|your|my) throat|tore (him|her) to pieces|torn to pieces",
)
_HURTFUL = re.compile(rf"\b({'|'.join(_PEOPLES + _BODIES + _CRUELTY)})\b", re.IGNORECASE)
_LISTED = re.compile(r"\d+")  # three numbers in a short paragraph: a table of contents or of pictures
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
    listed = len(_LISTED.findall(paragraph)) > 2 and len(paragraph) < 600
    return bool(paragraph) and not (heading or unfinished or listed or _HURTFUL.search(paragraph))


def book(path: Path) -> str:
    """One book as running text, a line a paragraph."""
    return "\n".join(paragraphs(path.read_text(encoding="utf-8")))


def books(folder: Path, held_out: bool = False) -> list[str]:
    """The cleaned books of a folder, in the order of their file names."""
    chosen = [p for p in sorted(folder.glob("[0-9]*.txt")) if (p.name[:5] in HELD_OUT) == held_out]
    return [book(path) for path in chosen]
