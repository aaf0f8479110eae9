"""What the tests of the flow view read from its page: its texts, its numbers with all digits, and the contrast of colours."""

import re

from close import rounding
from page_text import percent
from shown import assert_shows
from tales_bound import TALES_BOUND

PROMPT = "When Tom and Mary went to the park, Tom gave a ball to"
UNIT = 100  # pixels that stand for the whole credit


def agree(texts, shares):
    """Checks texts of per cent, which may differ in the last digit where the share is between two."""
    assert len(texts) == len(shares)
    for text, share in zip(texts, shares, strict=True):
        shown = text.replace("\u00a0", " ").strip()
        if shown != percent(share):
            assert_shows(shown, 100 * share, 100 * (rounding(1.0) + share * TALES_BOUND))


def texts(page, selector):
    return page.locator(f".gptviz-flow {selector}").all_inner_texts()


def titles(page, selector):
    """Returns the shares in tooltips, which have all digits."""
    found = page.locator(f".gptviz-flow {selector}").evaluate_all("(all) => all.map((one) => one.title)")
    return [float(title.removesuffix(" %")) / 100 for title in found]


def _luminance(colour):
    channels = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
    r, g, b = (x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    """Returns the contrast of two colours as WCAG 2 defines it."""
    low, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (low + 0.05)


def paper(dark):
    """Returns the colour of the page behind a view."""
    return "rgb(17 19 23)" if dark else "rgb(255 255 255)"
