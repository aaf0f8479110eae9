from gptviz.widgets.flow.flow import FlowView

__all__ = ["FlowView"]
