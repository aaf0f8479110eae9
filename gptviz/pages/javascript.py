"""Writes JSON exactly as JavaScript's JSON.stringify does, so that Python and a page make the same keys."""

import json
import math
import re
from decimal import Decimal
from typing import Any

_EXACT = 2**53  # JavaScript's numbers hold every whole number up to this one


def javascript_json(value: Any) -> str:
    """Returns a value that JSON can hold as JSON.stringify writes it. Source: ECMA-262, JSON.stringify."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{_text(str(key))}:{javascript_json(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(javascript_json, value))}]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return javascript_number(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def javascript_number(value: float) -> str:
    """Returns a number as JavaScript writes it: 0.00001, where Python writes 1e-05. Source: ECMA-262, Number::toString."""
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    try:
        number = float(value)
    except OverflowError:  # a whole number that is infinite in JavaScript
        return "null"
    if not math.isfinite(number):
        return "null"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    _, all_digits, exponent = Decimal(repr(abs(number))).as_tuple()
    written = "".join(map(str, all_digits))
    digits = written.rstrip("0")
    point = len(written) + int(exponent)  # how many digits stand before the decimal point
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _text(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", written)
