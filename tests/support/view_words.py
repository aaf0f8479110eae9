"""The words in a view's module, so that a test can say whose they are."""

import inspect
import re
from pathlib import Path

from gptviz.pages.modules import modules

PHRASE = re.compile(r"[a-z] [a-z]{2}|[\u4e00-\u9fff]{4}")  # several words, or several Chinese characters


def files_of_words(view):
    """Returns the files of words that a view's module imports, besides the shared ones."""
    entry = Path(inspect.getfile(view)).with_name(f"{view._name}.js")
    return [file for file in modules(entry) if file.name.endswith("words.js") and file.parent.name != "shared"]


def catalogue_of(file):
    """Returns the catalogue in a file of words as it stands in a module: all keys and words, in each language."""
    return file.read_text(encoding="utf-8").partition("const en = ")[2].partition("\nexport ")[0]


def phrases_of(file):
    """Returns the quoted phrases in a file of words; short words may be in other files as well."""
    return {text for text in re.findall(r'["`][^"`$]+["`]', catalogue_of(file)) if PHRASE.search(text)}


def foreign_words(source, own, others):
    """Returns what stands in a module's source of the words of other views: file names, and phrases that `own` lacks."""
    whole = [file.parent.name for file in others if catalogue_of(file) in source]
    return whole + [text for file in others for text in phrases_of(file) - phrases_of(own) if text in source]


def check_words(view, views):
    """Checks that a view's module has all of the view's own words, and none of the other views'."""
    (own,) = files_of_words(view)
    assert len(catalogue_of(own)) > 20, f"no catalogue in {own}"
    assert catalogue_of(own) in view._esm
    others = {file for other in views for file in files_of_words(other)} - {own}
    assert not foreign_words(view._esm, own, others)
