"""Which names the cells of a notebook use before a cell has defined them."""

import builtins
import symtable
from collections.abc import Iterable, Iterator


def used_too_early(cells: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Returns for each cell the names that it uses and that neither it nor a cell above defines: {cell id: names}.

    cells: (id, source) in order. What a function uses counts where the function is used, not where it is written.
    """
    defined, inside, too_early = set(dir(builtins)), {}, {}
    for id, source in cells:
        table = symtable.symtable(source, id, "exec")
        symbols = table.get_symbols()
        defined |= {s.get_name() for s in symbols if s.is_assigned() or s.is_imported() or s.is_namespace()}
        open_names = {s.get_name() for s in symbols if s.is_referenced()}
        for child in table.get_children():
            names = {s.get_name() for scope in _scopes(child) for s in scope.get_symbols() if s.is_global()}
            if child.get_name() in defined:  # a function or a class; a lambda has no name
                inside[child.get_name()] = names
            else:
                open_names |= names
        used: set[str] = set()
        while open_names:
            name = open_names.pop()
            used.add(name)
            open_names |= inside.get(name, set()) - used
        if used - defined:
            too_early[id] = sorted(used - defined)
    return too_early


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)
