"""Questions, checks and pictures for lessons, computed with the live model."""

from gptviz.lessons.asking import KINDS, ask, check, guessing_game, picture

__all__ = ["KINDS", "ask", "check", "guessing_game", "picture"]
