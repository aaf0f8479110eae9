"""The colours of still pictures, charts and pages that Python writes.

Views in the browser have theirs in `widgets/shared/common.css` and `widgets/shared/colours.js`; if both name a
colour, it is the same one.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as CSS colours.

    paper: the background. ink: text. rule: frames. bar: bars and lines. shares: colours of the weights from 0 to 1, at
    equal distances; the ends are those of cividis (Nuñez, Anderton and Renslow 2018). signed: colours from the most
    negative (blue) to the most positive (orange), 0 in the middle.
    """

    paper: str
    ink: str
    rule: str
    bar: str
    shares: tuple[str, ...]
    signed: tuple[str, ...]


LIGHT = Palette(
    paper="#ffffff",
    ink="#1c1f24",
    rule="#c3c8d0",
    bar="#123570",
    shares=("#ffffff", "#c6d2e4", "#7890ba", "#34548c", "#0a2252"),
    signed=("#063e74", "#609ccd", "#ffffff", "#e29254", "#8a3a00"),
)
DARK = Palette(
    paper="#111317",
    ink="#e7e9ec",
    rule="#4a505b",
    bar="#e6cf5c",
    shares=("#14161b", "#263456", "#62656e", "#b0a064", "#ffe945"),
    signed=("#8ccdff", "#346ea0", "#14161b", "#a05c28", "#ffbe82"),
)
# For a page whose theme is not known. The grey has a contrast of 4.3 to 1 on white and on #111; no colour has more on both.
ANY_THEME = replace(LIGHT, paper="rgba(0,0,0,0)", ink="#797979", bar="#5b79ab")

# The same in every theme, with a contrast of at least 3 to 1 on each.
GRID, MARK, CLOUD = "#8c8c8c", "#d55e00", "#65779c"

# In still pictures, which stand on white paper.
MUTED, TRACK, CHIP, CHIP_TRACK, FUTURE, POINT = "#5a616c", "#f0f2f5", "#ffffff", "#cdd6e4", "#dfe2e6", "#8496b5"
ABOVE, BELOW = "#b4622a", "#2f6fa8"
PARTS = {"query": "#0072b2", "key": "#b84f00", "value": "#00795a", "residual": "#6a5c8d", "mlp": "#8a5f00"}


def blend(stops: tuple[str, ...], share: float) -> np.ndarray:
    """Returns the colour at `share` of the way from the first stop (0) to the last (1): (3,) red, green, blue up to 255."""
    channels = _channels(stops)
    distance = float(np.clip(share, 0, 1)) * (len(channels) - 1)
    low = min(len(channels) - 2, int(distance))
    colour: np.ndarray = channels[low] + (distance - low) * (channels[low + 1] - channels[low])
    return colour


@cache
def _channels(stops: tuple[str, ...]) -> np.ndarray:
    """Returns the red, green and blue of each stop, from 0 to 255: (stops, 3)."""
    return np.array([[int(stop[start : start + 2], 16) for start in (1, 3, 5)] for stop in stops], float)


def hex_colour(channels: np.ndarray) -> str:
    """Returns red, green and blue (3,), each from 0 to 255, as #rrggbb."""
    return "#" + "".join(f"{round(channel):02x}" for channel in channels)
