"""The words in a view's module, so that a test can say whose they are."""

import inspect
import re
from pathlib import Path

from gptviz.pages.modules import modules

PHRASE = re.compile(r"[a-z] [a-z]{2}|[\u4e00-\u9fff]{4}")  # several words, or several Chinese characters


def files_of(view):
    """Returns the files of a view's module."""
    return list(modules(Path(inspect.getfile(view)).with_name(f"{view._name}.js")))


def own_files_of_words(view):
    """Returns a view's own files of words: those of its folder, or its own one where a folder has several views."""
    folder = Path(inspect.getfile(view)).parent
    files = [file for file in files_of(view) if file.name.endswith("words.js") and file.parent == folder]
    own = [file for file in files if file.name == f"{view._name}_words.js"]
    return own or files


def catalogue_of(file):
    """Returns the catalogue in a file of words as it stands in a module: all keys and words, in each language."""
    return file.read_text(encoding="utf-8").partition("const en = ")[2].partition("\nexport ")[0]


def phrases_of(file):
    """Returns the quoted phrases in a file of words; short words may be in other files as well."""
    texts = re.findall(r'"[^"\n]*"|`[^`\n]*`', catalogue_of(file))
    return {text for text in texts if "$" not in text and PHRASE.search(text)}


def foreign_words(source, own, others, shared=""):
    """Returns what a module's source has of the words of other views: folder names, and phrases.

    own: the view's files of words. shared: the source of the module's shared files, which may have the same phrases.
    """
    whole = [file.parent.name for file in others if catalogue_of(file) in source]
    phrases = set().union(*map(phrases_of, others)).difference(*map(phrases_of, own))
    return whole + [text for text in phrases if text in source and text not in shared]


def check_words(view, views):
    """Checks that a view's module has all of the view's own words, and none of the other views'."""
    own = own_files_of_words(view)
    assert own
    for file in own:
        assert len(catalogue_of(file)) > 20, f"no catalogue in {file}"
        assert catalogue_of(file) in view._esm
    others = {file for other in views for file in own_files_of_words(other)}.difference(own)
    shared = "".join(file.read_text(encoding="utf-8") for file in files_of(view) if file.parent.name == "shared")
    assert not foreign_words(view._esm, own, others, shared)
