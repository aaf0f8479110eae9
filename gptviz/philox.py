"""Where notebooks import `uniform` from."""

from gptviz.sampling.philox import uniform

__all__ = ["uniform"]
