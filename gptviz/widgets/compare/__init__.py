from gptviz.widgets.compare.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
