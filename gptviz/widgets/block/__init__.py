from gptviz.widgets.block.block import BlockView

__all__ = ["BlockView"]
