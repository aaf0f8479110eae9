"""What one forward pass computed: the Trace, the sources that answer it, and traces in files. No torch."""

from gptviz.trace.trace import Array, Trace

__all__ = ["Array", "Trace"]
