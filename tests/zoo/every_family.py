"""Every family that transformers offers, against the untouched model: `make zoo`. Writes `docs/families.md` anew.

It is not collected by `make test`, which compares a sample of the page: see `test_sample.py`.
"""

from functools import cache

import pytest
from zoo_checks import Row, row_of
from zoo_models import NotBuilt, families
from zoo_table import PAGE, page


@cache
def result_of(family: str) -> Row | str:
    """Returns the family's row, or why there is none."""
    try:
        return row_of(family)
    except NotBuilt as reason:
        return str(reason)


@pytest.mark.parametrize("family", families())
def test_family_is_exact_or_refused_in_words(family):
    result = result_of(family)
    assert isinstance(result, str) or not result.wrong


def test_page_is_what_was_found():
    """Writes the page, and fails if that changed it."""
    results = {family: result_of(family) for family in families()}
    rows = [result for result in results.values() if isinstance(result, Row)]
    not_built = {family: reason for family, reason in results.items() if isinstance(reason, str)}
    before = PAGE.read_text() if PAGE.exists() else ""
    after = page(rows, not_built)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(after)
    assert len(rows) >= 60
    assert after == before, f"{PAGE.name} was written anew: read the difference, and commit it if it is right"
