from gptviz.widgets.intervention.intervention import InterventionView

__all__ = ["InterventionView"]
