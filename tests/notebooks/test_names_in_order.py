"""Each cell, and so each question, can be run as soon as the cells above it have run: it uses no name of a later cell."""

import nbformat
import pytest
from names_used import used_too_early

from gptviz._paths import notebooks_dir

NOTEBOOKS = sorted(notebooks_dir().glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_uses_a_name_of_a_later_one(path):
    """A question's answer is computed when somebody guesses, so a name of a later cell would fail only for a learner."""
    cells = nbformat.read(path, as_version=4).cells
    assert used_too_early((cell.id, cell.source) for cell in cells if cell.cell_type == "code") == {}


def test_a_name_of_a_later_cell_is_noticed_through_functions_and_lambdas():
    cells = [
        ("helper", "import numpy as np\ndef helper(x):\n    return [np.sqrt(y + later) for y in x]"),
        ("question", "ask('?', lambda: helper([1]), hint=lambda given: f'{given} {here}')"),
        ("answer", "later = here = 1"),
        ("again", "helper([2])"),
    ]
    assert used_too_early(cells) == {"question": ["ask", "here", "later"]}
