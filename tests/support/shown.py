"""How near a number that is shown must be to the one it shows: half a unit of its last digit.

Numbers on screen, in styles and in files are written with few digits. The written number is at most half a unit of its last
digit away from the number that was computed.
"""

import re
from typing import Any

import pytest
from close import rounding
from page_text import number

TIE = 1e-9  # of half a unit: where a number lies between two digits, rounding in double precision decides
HALF_A_GREY = 0.5 / 255 + rounding(1.0)  # weights between 0 and 1 that are sent or drawn as one of 256 values


def half_of_decimal(decimals: int) -> float:
    """Returns half a unit of a decimal: of the second one, 0.005."""
    return 0.5 * 10.0**-decimals * (1 + TIE)


THREE_DIGITS = half_of_decimal(2)  # of three significant digits, as a part of the number: at most half a unit of 1.00
CSS_PERCENT = half_of_decimal(4)  # Chromium writes a number of a style with six digits, such as 12.3456%


def half_of_last_digit(text: str) -> float:
    """Returns half a unit of the last digit of a written number: of 0.25, "12.5 %" or "3.1e-7", 0.005, 0.05 and 5e-9."""
    _, decimals, exponent = re.search(r"(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?", text.replace("−", "-")).groups()
    return half_of_decimal(len(decimals or "") - int(exponent or 0))


def approx_three_digits(value: float, *inputs: Any) -> Any:
    """Returns what equals a number that was read where this value is written with three significant digits.

    inputs: what goes into the value in float32, where it is larger than the value.
    """
    value = float(value)  # pytest takes no float32
    return pytest.approx(value, rel=0, abs=THREE_DIGITS * abs(value) + rounding(value, *inputs))


def assert_shows(text: str, value: float, bound: float = 0.0) -> None:
    """Fails unless a text shows this number with the digits that it has. Of 0.0005, "<0.001" is right, and of 0 only "0" is.

    value: in the unit of the text, so 12.5 for "12.5 %". bound: what to allow besides, for a value that was computed again.
    """
    limit = number(text.strip("<>%"))
    if text[0] in "<>":
        is_right = value < limit + bound if text[0] == "<" else value > limit - bound
    else:
        half = half_of_last_digit(text) if limit else 0.0
        is_right = abs(limit - value) <= half + bound
    assert is_right, (text, value)
