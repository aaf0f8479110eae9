"""Keeps the import path `gptviz.philox`, which notebooks use."""

from gptviz.sampling.philox import SEED_LIMIT, check_seed, philox4x32, uniform

__all__ = ["SEED_LIMIT", "check_seed", "philox4x32", "uniform"]
