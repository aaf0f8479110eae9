"""Questions and checks for lessons, compared with the live model."""

from gptviz.lessons.asking import KINDS, ask, check, guessing_game

__all__ = ["KINDS", "ask", "check", "guessing_game"]
