from gptviz.widgets.sampling.sampling import SamplingBench

__all__ = ["SamplingBench"]
