"""The worked example in CONTRIBUTING.md, taken from the page and installed, so that tests can use its view."""

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gptviz
import gptviz.widgets

PACKAGE = Path(gptviz.__file__).parent
PAGE = PACKAGE.parent / "CONTRIBUTING.md"


def example_files() -> dict[str, str]:
    """Returns the example's code blocks: {path in the repository: text}."""
    section = PAGE.read_text(encoding="utf-8").split("## A new view is one folder and one line\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^`(gptviz/[\w/]+\.\w+)`[^\n]*\n\n```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


@contextmanager
def installed_example(folder: Path) -> Iterator[type]:
    """Installs the example as one folder and one line, and yields its view. The folder stands outside the repository."""
    files = example_files()
    line = files.pop("gptviz/__init__.py")
    ((name, module),) = ast.literal_eval(f"{{{line}}}").items()
    shutil.copytree(PACKAGE / "widgets" / "shared", folder / "gptviz" / "widgets" / "shared")
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.with_name("__init__.py").touch()
        file.write_text(text, encoding="utf-8")
    gptviz.widgets.__path__.append(str(folder / "gptviz" / "widgets"))
    gptviz._HOME[name] = module
    try:
        yield getattr(gptviz, name)
    finally:
        gptviz.widgets.__path__.pop()
        del gptviz._HOME[name]
        vars(gptviz).pop(name, None)
        for loaded in (module, module.rpartition(".")[0]):
            sys.modules.pop(loaded, None)
