"""Puts the ES modules of a page together, without a build step.

anywidget loads a module from a Blob URL, where relative imports fail. So each imported module becomes a function that is
called once and returns what it exports: it keeps a scope of its own, and its names need not differ from other modules'.
Node and tsc read the same files as they are.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from gptviz.errors import fail

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)
_OTHER_FORMS = re.compile(r"^(?:import\b|export (?:\{|\*|default\b)).*", re.MULTILINE)


def bundle(entry: Path) -> str:
    """Returns `entry` and all modules that it imports as one module, which exports what `entry` exports.

    Raises GPTVizError if modules import one another in a circle, or import or export in a form that is not understood.
    """
    return bundled(modules(entry))


def bundled(sources: dict[Path, str]) -> str:
    """Returns the modules that `modules` has read as one module, which exports what the last of them exports."""
    *imported, last = sources
    variables = {file: f"module{i}" for i, file in enumerate(imported)}  # of each module, what holds its exports
    scopes = [_scope(file, sources[file], variables) for file in imported]
    return "\n".join([*scopes, _linked(last, sources[last], variables)])


def modules(entry: Path) -> dict[Path, str]:
    """Returns the sources of `entry` and of all modules that it imports, each after those that it imports."""
    sources: dict[Path, str] = {}

    def visit(file: Path, importers: list[Path]) -> None:
        if file in importers:
            circle = " → ".join(one.name for one in [*importers[importers.index(file) :], file])
            remedy = "Move what they share into a module that imports none of them."
            raise fail("modules that import one another in one direction", f"the circle {circle}", remedy)
        if file not in sources:
            source = file.read_text(encoding="utf-8")
            for _names, path in _IMPORT.findall(source):
                visit(_imported(file, path), [*importers, file])
            sources[file] = source

    visit(entry.resolve(), [])
    return sources


def style_sheets(files: Iterable[Path]) -> list[Path]:
    """Returns the style sheets of these modules, each beside its module under the same name.

    files: the result of `modules`. The sheet of its last module comes first, so that the sheets of the parts can refine it.
    """
    *parts, own = files
    sheets = [file.with_suffix(".css") for file in (own, *parts)]
    return [sheet for sheet in sheets if sheet.exists()]


def _imported(file: Path, path: str) -> Path:
    """Returns the module that `file` imports as `path`."""
    return Path(os.path.normpath(file.parent / path))


def _scope(file: Path, source: str, variables: dict[Path, str]) -> str:
    """Returns a module as a function that is called once, its exports held by the module's variable."""
    source = _linked(file, source, variables)
    if other := _OTHER_FORMS.search(source):
        remedy = 'Write `import { name } from "./file.js";`, and `export` before each declaration.'
        raise fail(f"imports and exports by name in {file.name}", f"{other[0]}", remedy)
    exported = ", ".join(_EXPORT.findall(source))
    return f"const {variables[file]} = (() => {{\n{_EXPORT.sub('', source)}return {{ {exported} }};\n}})();"


def _linked(file: Path, source: str, variables: dict[Path, str]) -> str:
    """Returns a module's source with each import read from the variable of the imported module."""

    def read(statement: re.Match[str]) -> str:
        names, path = statement.groups()
        return f"const {{{names.replace(' as ', ': ')}}} = {variables[_imported(file, path)]};\n"

    return _IMPORT.sub(read, source)
