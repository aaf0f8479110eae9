"""Drawings of one computation in its own numbers: arrows, bars, areas, maps. `gptviz.lessons.picture` shows them as views.

Each function takes arrays and texts, checks them and returns a `Drawing`, which knows nothing of a page. Interactive
charts are in `gptviz.figures`.
"""

from gptviz.drawings.area_map import treemap
from gptviz.drawings.canvas import Canvas, Drawing
from gptviz.drawings.circuit_diagram import CircuitHead, circuit
from gptviz.drawings.curve_panels import curves
from gptviz.drawings.fitted_line import power_law
from gptviz.drawings.heat_map import heat
from gptviz.drawings.interval_bars import intervals
from gptviz.drawings.reliability_diagram import reliability
from gptviz.drawings.sample_texts import samples
from gptviz.drawings.share_bars import shares
from gptviz.drawings.table_of_shares import share_table
from gptviz.drawings.token_costs import costs
from gptviz.drawings.value_mix import mix
from gptviz.drawings.vector_angles import angles

__all__ = [
    "Canvas", "CircuitHead", "Drawing", "angles", "circuit", "costs", "curves", "heat", "intervals", "mix",
    "power_law", "reliability", "samples", "share_table", "shares", "treemap",
]  # fmt: skip
