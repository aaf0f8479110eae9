"""Questions and checks for lessons, compared with the live model."""

from gptviz.lessons.asking import ask, check, guessing_game

__all__ = ["ask", "check", "guessing_game"]
