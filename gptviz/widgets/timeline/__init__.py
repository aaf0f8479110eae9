from gptviz.widgets.timeline.timeline import GenerationTimeline

__all__ = ["GenerationTimeline"]
