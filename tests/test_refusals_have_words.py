"""What a view can be refused has a code, from which its page writes the reason in its own language."""

import ast
from pathlib import Path

import pytest

import gptviz

PACKAGE = Path(gptviz.__file__).parent
# Refusals that no view meets: of models that are wrapped, of functions' arguments, of pages that are no view, of training,
# of models on a server.
NOT_IN_A_VIEW = {
    "bertviz_views.py": 2,
    "lens/roles.py": 1,  # another seed than a file has
    "model/architecture.py": 1,
    "model/requirements.py": 1,
    "model/study.py": 3,
    "model/study_stacks.py": 1,
    "served/endpoint.py": 1,
    "served/failures.py": 1,
    "served/model.py": 3,
    "served/next_token.py": 2,
    "served/scoring.py": 2,
    "trace/trace.py": 1,  # saving a pass with edits
    "training/learner.py": 2,
}


def refusals_without_code(source):
    """Returns the lines of calls such as `fail(expected, got, remedy, NotAvailable)` that give no code."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if getattr(call.func, "id", "") == "fail"
        and any(getattr(argument, "id", "") == "NotAvailable" for argument in call.args)
        and len(call.args) < 5
        and all(keyword.arg != "code" for keyword in call.keywords)
    ]


def test_refusals_that_a_view_can_meet_have_a_code():
    found = {
        file.relative_to(PACKAGE).as_posix(): len(lines)
        for file in sorted(PACKAGE.rglob("*.py"))
        if (lines := refusals_without_code(file.read_text(encoding="utf-8")))
    }
    assert found == NOT_IN_A_VIEW


@pytest.mark.parametrize(
    ("call", "count"),
    [
        ("fail('a', 'b', 'c', NotAvailable)", 1),
        ("fail('a', 'b', 'c', NotAvailable, layer=3)", 1),
        ("fail('a', 'b', 'c', NotAvailable, 'code', layer=3)", 0),
        ("fail('a', 'b', 'c', NotAvailable, code='code')", 0),
        ("fail('a', 'b', 'c', OutOfRange)", 0),
    ],
)
def test_the_check_finds_a_refusal_without_a_code(call, count):
    assert len(refusals_without_code(call)) == count
