"""A sample of 20 families against `docs/families.md`, so that the page stays true between two runs of `make zoo`."""

from itertools import zip_longest

import pytest
from zoo_checks import row_of
from zoo_models import families
from zoo_table import PAGE, page, rows_by_family

SIZE = 20
COMMITTED = rows_by_family(PAGE.read_text())


def kind(family: str) -> str:
    """Returns what families of one kind have in common: the route, and which quantities are exact, in part or refused."""
    _, route, *cells = COMMITTED[family]
    marks = (next(mark for mark in ("exact in", "exact", "refused") if cell.startswith(mark)) for cell in cells)
    return " ".join([route, *marks])


def sample() -> list[str]:
    """Returns 20 families: the first of each kind, then the second of each, and so on; the commonest kinds first."""
    kinds: dict[str, list[str]] = {}
    for family in COMMITTED:
        kinds.setdefault(kind(family), []).append(family)
    commonest = sorted(kinds.values(), key=len, reverse=True)
    return [family for each in zip_longest(*commonest) for family in each if family][:SIZE]


@pytest.mark.parametrize("family", sample())
def test_family_is_what_the_page_says(family):
    assert rows_by_family(page([row_of(family)], {}))[family] == COMMITTED[family]


def test_sample_has_every_route():
    assert {COMMITTED[family][1] for family in sample()} == {"interface", "eager", "none"}


def test_page_has_every_family():
    text = PAGE.read_text()
    assert [family for family in families() if f"\n| {family} |" not in text] == []
    assert "wrong" not in text
