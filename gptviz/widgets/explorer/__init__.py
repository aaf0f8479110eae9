from gptviz.widgets.explorer.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
