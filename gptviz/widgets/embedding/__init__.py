from gptviz.widgets.embedding.embedding import MAP_TYPE, NEAREST, EmbeddingView, map_figure, parts_of

__all__ = ["MAP_TYPE", "NEAREST", "EmbeddingView", "map_figure", "parts_of"]
