"""What one forward pass computed: the Trace, the sources it reads from, and traces in files. No torch."""

from gptviz.trace.sources import Array
from gptviz.trace.trace import Trace

__all__ = ["Array", "Trace"]
