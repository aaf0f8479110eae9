from gptviz.widgets.embedding.embedding import EmbeddingView, parts_of

__all__ = ["EmbeddingView", "parts_of"]
