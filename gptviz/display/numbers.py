"""Numbers as text. `widgets/shared/numbers.js` writes them in the page in the same way."""

import math

SMALLEST_SHARE = 1e-5  # a smaller one is written as "<0.001 %"


def percent(share: float) -> str:
    """Returns a share from 0 to 1 in per cent with three significant digits, never rounded to 0 % or 100 %."""
    if share == 0:
        return "0 %"
    if share < SMALLEST_SHARE:
        return "<0.001 %"
    if 0.99995 <= share < 1:
        return ">99.99 %"
    text = f"{100 * share:.2f}" if 0.9995 <= share < 1 else f"{100 * share:#.3g}".rstrip(".")
    return f"{text} %"


def or_none(value: float) -> float | None:
    """Returns a number, or None for NaN and infinity, which JSON lacks."""
    return float(value) if math.isfinite(value) else None


def significant(value: float) -> str:
    """Returns a finite number with three significant digits and a real minus sign."""
    rounded = abs(float(f"{value:.3g}"))
    if rounded >= 1000:
        text = f"{value:.0f}"
    elif 0 < rounded < 1e-6:
        digits, exponent = f"{value:.2e}".split("e")
        text = f"{digits}e{int(exponent)}"
    else:
        text = f"{value:.{2 - math.floor(math.log10(rounded or 1))}f}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    """Returns what `significant` does, with a plus sign before a number above 0."""
    return f"{'+' if value > 0 else ''}{significant(value)}"
