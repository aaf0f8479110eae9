from gptviz.widgets.tokens.tokens import TokensView

__all__ = ["TokensView"]
