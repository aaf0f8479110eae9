"""Keeps the import path `gptviz.philox.uniform`, which notebooks use."""

from gptviz.sampling.philox import uniform

__all__ = ["uniform"]
