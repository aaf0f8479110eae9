"""Drawings of one computation in its own numbers: arrows, bars, areas, maps. `gptviz.lessons.picture` shows them as views.

Each function takes arrays and texts, checks them and returns a `Drawing`, which knows nothing of a page. Interactive
charts are in `gptviz.figures`.
"""

from gptviz.drawings.angles import angles
from gptviz.drawings.canvas import Canvas, Drawing
from gptviz.drawings.circuit import CircuitHead, circuit
from gptviz.drawings.costs import costs
from gptviz.drawings.curves import curves
from gptviz.drawings.heat import heat
from gptviz.drawings.intervals import intervals
from gptviz.drawings.mix import mix
from gptviz.drawings.power_law import power_law
from gptviz.drawings.reliability import reliability
from gptviz.drawings.samples import samples
from gptviz.drawings.share_table import share_table
from gptviz.drawings.shares import shares
from gptviz.drawings.treemap import treemap

__all__ = [
    "Canvas", "CircuitHead", "Drawing", "angles", "circuit", "costs", "curves", "heat", "intervals", "mix",
    "power_law", "reliability", "samples", "share_table", "shares", "treemap",
]  # fmt: skip
