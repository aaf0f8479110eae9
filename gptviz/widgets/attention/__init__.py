from gptviz.widgets.attention.attention import AttentionView

__all__ = ["AttentionView"]
