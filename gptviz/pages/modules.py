"""Puts the ES modules of a page together, without a build step.

anywidget loads a module from a Blob URL, where relative imports fail. So each imported module becomes a function that is
called once and returns what it exports: it keeps a scope of its own, and its names need not differ from other modules'.
Node and tsc read the same files as they are.
"""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)


def bundle(entry: Path) -> str:
    """Returns `entry` and all modules that it imports as one module, which exports what `entry` exports."""
    names: dict[Path, str] = {}  # of each module, the variable that holds its exports
    scopes: list[str] = []

    def linked(file: Path) -> str:
        """The source of a module, its imports read from the scopes of the modules that it names."""
        source = file.read_text(encoding="utf-8")
        return _IMPORT.sub(lambda found: _names(found[1], scope(file.parent / found[2])), source)

    def scope(file: Path) -> str:
        file = file.resolve()
        if file not in names:
            source = linked(file)
            names[file] = f"module{len(names)}"
            exported = ", ".join(_EXPORT.findall(source))
            scopes.append(f"const {names[file]} = (() => {{\n{_EXPORT.sub('', source)}return {{ {exported} }};\n}})();")
        return names[file]

    last = linked(entry.resolve())
    return "\n".join([*scopes, last])


def _names(imported: str, module: str) -> str:
    """The names of an import statement, read from the variable that holds the module's exports."""
    return f"const {{{imported.replace(' as ', ': ')}}} = {module};\n"
