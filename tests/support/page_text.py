"""What tests expect to read in a page: tokens and numbers as views write them, and texts that must stay texts."""

import re
from decimal import Decimal

HOSTILE = [
    "<script>window.hurt = 1</script>",
    "</script><img src=x onerror='window.hurt = 1'>",
    "\"quotes\" 'and' `${window.hurt = 1}` &amp; &lt;b&gt;",
    "right \u202e to left \u2066 marks\u2069",
    "lines\u2028and\u2029more\u0000\u0007",
    "emoji 🦉👩‍👩‍👧 é\u0301 🇫🇷",
]
HOSTILE_PAIRS = [
    f"{one} {two}" for one, two in zip(HOSTILE[::2], HOSTILE[1::2], strict=True)
]  # for pages of many views
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
NAMED = {" ": "␣", "\n": "⏎", "\t": "⇥"}


def chip_text(token):
    """Returns the text of a token's chip: marks for invisible characters, and bytes for incomplete ones."""
    if b"\\x" in token.text.encode() and token.text.encode() != token.bytes:
        return token.bytes.hex(" ")
    return "".join(NAMED.get(c) or (f"U+{ord(c):04X}" if UNSEEN.match(c) else c) for c in token.text)


def number(text):
    """Returns the number in a page's text, which has a typographic minus sign."""
    return float(text.replace("−", "-").replace("+", ""))


def percent(p):
    """Writes a share in per cent with three significant digits, as the page does."""
    if p == 0:
        return "0 %"
    if p < 1e-5:
        return "<0.001 %"
    if 0.99995 <= p < 1:
        return ">99.99 %"
    return f"{100 * p:.2f} %" if 0.9995 <= p < 1 else f"{digits(100 * p)} %"


def digits(x):
    """Writes a number with three significant digits, trailing zeros included."""
    return f"{Decimal(f'{x:.2e}'):f}"
