"""Numbers as text, in Python and in the page."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import gptviz
from gptviz.display.numbers import percent, significant

WRITTEN = {
    0.0: "0 %", 1e-9: "<0.001 %", 1e-5: "0.00100 %", 0.000123456: "0.0123 %", 0.1: "10.0 %", 0.123456: "12.3 %", 0.45: "45.0 %",
    0.03125: "3.12 %", 0.09375: "9.38 %", 0.9994: "99.9 %", 0.9996: "99.96 %", 0.99995: ">99.99 %", 1 - 1e-12: ">99.99 %",
    1.0: "100 %",
}  # fmt: skip
NUMBERS = {
    0.0: "0.00", 1.0: "1.00", -0.4581: "−0.458", 9.996: "10.0", 999.4: "999", 999.6: "1000", -12345.6: "−12346",
    1.125: "1.12", 1.375: "1.38", -2.625: "−2.62", 1000.5: "1000", 1001.5: "1002", 0.000912: "0.000912",
    0.0000012345: "0.00000123", 1.2345e-7: "1.23e−7", 9.999e-7: "0.00000100",
}  # fmt: skip


@pytest.mark.parametrize(("share", "text"), WRITTEN.items())
def test_a_share_has_three_digits_and_is_never_rounded_to_nothing_or_all(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(("value", "text"), NUMBERS.items())
def test_a_number_has_three_digits(value, text):
    assert significant(value) == text


WEIGHTS = {weight: f"{weight:.3f}" for weight in (0.0625, 0.1875, 0.3125, 0.1235, 0.61239, 1.0)}


@pytest.mark.parametrize(("name", "written"), [("percent", WRITTEN), ("significant", NUMBERS), ("weight", WEIGHTS)])
def test_the_page_writes_the_same(name, written):
    module = Path(gptviz.__file__).parent / "widgets" / "shared" / "numbers.js"
    program = f'import {{ {name} }} from "{module.as_uri()}"; console.log(JSON.stringify({list(written)}.map({name})))'
    command = [shutil.which("node"), "--input-type=module", "-e", program]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == list(written.values())
