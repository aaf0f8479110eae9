"""No file and no class of the package is longer than one sitting of reading, and no line of its pages is too wide."""

import ast
from pathlib import Path

import pytest

import gptviz

LONGEST_FILE, LONGEST_CLASS = 400, 300  # lines
LONGEST_LINE = 120  # characters


def files(ending):
    """Returns the text of each file of the package with this ending, by its path."""
    package = Path(gptviz.__file__).parent
    return {str(path.relative_to(package)): path.read_text("utf-8") for path in package.rglob(f"*.{ending}")}


@pytest.mark.parametrize("ending", ["py", "js", "css"])
def test_no_file_is_too_long(ending):
    lengths = {name: len(text.splitlines()) for name, text in files(ending).items()}
    assert len(lengths) > 20
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


@pytest.mark.parametrize("ending", ["js", "css"])
def test_no_line_of_the_pages_is_too_long(ending):
    lines = [(name, line) for name, text in files(ending).items() for line in text.splitlines()]
    assert len(lines) > 500
    assert not [(name, line) for name, line in lines if len(line) > LONGEST_LINE]


def test_no_class_is_too_long():
    classes = {
        (name, node.name): node.end_lineno - node.lineno + 1
        for name, text in files("py").items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    }
    assert len(classes) > 50
    assert not {name: length for name, length in classes.items() if length > LONGEST_CLASS}
