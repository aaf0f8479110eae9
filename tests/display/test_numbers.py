"""Shares as text, in Python and in the page."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import gptviz
from gptviz.display.numbers import percent

WRITTEN = {
    0.0: "0 %", 1e-9: "<0.001 %", 1e-5: "0.00100 %", 0.000123456: "0.0123 %", 0.1: "10.0 %", 0.123456: "12.3 %", 0.45: "45.0 %",
    0.9994: "99.9 %", 0.9996: "99.96 %", 0.99995: ">99.99 %", 1 - 1e-12: ">99.99 %", 1.0: "100 %",
}  # fmt: skip


@pytest.mark.parametrize(("share", "text"), WRITTEN.items())
def test_a_share_has_three_digits_and_is_never_rounded_to_nothing_or_all(share, text):
    assert percent(share) == text


def test_the_page_writes_the_same():
    module = Path(gptviz.__file__).parent / "widgets" / "shared" / "numbers.js"
    program = (
        f'import {{ percent }} from "{module.as_uri()}"; console.log(JSON.stringify({list(WRITTEN)}.map(percent)))'
    )
    command = [shutil.which("node"), "--input-type=module", "-e", program]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(written) == list(WRITTEN.values())
