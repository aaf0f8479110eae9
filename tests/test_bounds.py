"""No test compares computed numbers with a bound that somebody wrote down: bounds come from `close.py` and `shown.py`.

A number such as 1e-5 is right on one processor and for numbers near 1. What follows from the numbers themselves holds anywhere.
Bounds of 0.01 and more are for what is measured in pixels, drawn at random or stated in prose; they are not looked at, and
neither is a bound with a name, which has its reason beside it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SMALL = 0.01
KEYWORDS = {"abs", "rel", "atol", "rtol", "abs_tol", "rel_tol"}
COMPARISONS = {"approx", "assert_allclose", "allclose", "isclose", "assert_almost_equal"}  # with a bound of their own


def small_numbers(node: ast.AST) -> Iterator[float]:
    """Yields the small numbers that are written in an expression, but not those that a function gets."""
    if isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < abs(node.value) < SMALL:
        yield node.value
    if not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from small_numbers(child)


def is_difference(node: ast.AST) -> bool:
    """Returns whether an expression subtracts, or takes what is left without its sign."""
    return any(
        (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub))
        or (isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] in {"abs", "norm"})
        for part in ast.walk(node)
    )


def faults(source: str) -> Iterator[tuple[int, str]]:
    """Yields each bound of a test's source that is a written number, or that a comparison brings along: (line, code)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            bounds = [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
            is_comparison = ast.unparse(node.func).split(".")[-1] in COMPARISONS
            if any(number for bound in bounds for number in small_numbers(bound)) or (is_comparison and not bounds):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
                if isinstance(operator, ast.Gt | ast.GtE):
                    left, right = right, left
                if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Is | ast.IsNot):
                    continue
                if is_difference(left) and any(True for _ in small_numbers(right)):
                    yield node.lineno, ast.unparse(node)


def test_python_tests_write_no_bounds():
    written = [
        f"{path.relative_to(TESTS)}:{line}: {code}"
        for path in sorted(TESTS.rglob("*.py"))
        for line, code in faults(path.read_text("utf-8"))
    ]
    assert written == [], "\n".join(written)


def test_javascript_tests_write_no_bounds():
    compared = re.compile(r"Math\.abs\(.*?\)\s*<=?\s*\d.*")
    written = [
        f"{path.name}: {match.group()}"
        for path in sorted((TESTS / "js").glob("*.mjs"))
        for match in compared.finditer(path.read_text("utf-8"))
    ]
    assert written == [], "\n".join(written)


@pytest.mark.parametrize(
    "code",
    [
        "assert x == pytest.approx(y, abs=1e-5)",
        "assert x == approx(y)",
        "assert x == pytest.approx(y, rel=2 * 1e-6 + bound)",
        "np.testing.assert_allclose(a, b)",
        "np.testing.assert_allclose(a, b, rtol=0, atol=0.002)",
        "assert np.isclose(a, b).any()",
        "assert abs(a - b) < 1e-4",
        "assert 1e-4 > np.abs(a - b).max()",
        "assert (a - b).norm() <= 1e-9 * scale",
    ],
)
def test_a_written_bound_is_noticed(code):
    assert len(list(faults(code))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "assert x == pytest.approx(y, abs=rounding(y, 1.0, factor=0.005))",
        "np.testing.assert_allclose(a, b, rtol=0, atol=bound)",
        "assert box['x'] == pytest.approx(bar['x'], abs=0.5)",
        "assert np.abs(a - b).max() > 1e-3",
        "assert share < 1e-5",
    ],
)
def test_other_comparisons_are_not(code):
    assert not list(faults(code))
