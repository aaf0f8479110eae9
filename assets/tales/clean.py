"""Cleans the books: joins the lines of a paragraph, straightens quotes, removes headings and tables of contents.

The books are public-domain children's literature from Project Gutenberg; README.md lists their numbers. They have the
views of their time, so paragraphs with words that would hurt in a classroom are removed as well. The filter looks for
words only: views that are expressed without such words remain.
"""

import re
from pathlib import Path

HELD_OUT = ("00708", "03282")  # Gutenberg numbers of the validation books, which are never used for training
_PLAIN_PUNCTUATION = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "_": None, "\u00a0": " ", "…": "..."}
)
# Words that would hurt somebody in a classroom, grouped by reason. The whole paragraph is removed, because the text around
# such a word is seldom better. This also removes many good paragraphs; enough of them remain.
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
_NUMBER = re.compile(r"\d+")  # three numbers in a short paragraph mean a table of contents or of pictures
_HEADING = re.compile(
    r"^(chapter|book|part|contents|illustrat|the end|preface|introduction|transcriber)\b", re.IGNORECASE
)


def paragraphs(text: str) -> list[str]:
    """Returns the paragraphs of a book that are kept, each as one line."""
    blocks = re.split(r"\n\s*\n", text.replace("\r", ""))
    joined = (" ".join(block.split()).translate(_PLAIN_PUNCTUATION) for block in blocks)
    return [paragraph for paragraph in joined if _is_kept(paragraph)]


def _is_kept(paragraph: str) -> bool:
    """Whether a paragraph is prose, and has no listed word."""
    is_heading = _HEADING.match(paragraph) or paragraph.isupper() or paragraph[:1] in "*["
    is_caption = len(paragraph) < 70 and paragraph[-1:] not in ".!?\"',;:-)"
    is_contents = len(_NUMBER.findall(paragraph)) > 2 and len(paragraph) < 600
    return bool(paragraph) and not (is_heading or is_caption or is_contents or _HURTFUL.search(paragraph))


def book(path: Path) -> str:
    """Reads one book and returns its cleaned text, one paragraph a line."""
    return "\n".join(paragraphs(path.read_text(encoding="utf-8")))


def books(folder: Path, held_out: bool = False) -> list[str]:
    """Returns the cleaned training books of a folder, or its validation books, in the order of their file names."""
    paths = [path for path in sorted(folder.glob("[0-9]*.txt")) if (path.name[:5] in HELD_OUT) == held_out]
    return [book(path) for path in paths]
