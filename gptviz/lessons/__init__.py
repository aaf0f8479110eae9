"""Questions, checks, pictures and printed numbers for lessons, computed with the live model."""

from gptviz.lessons.asking import KINDS, ask, check, guessing_game, picture, printed
from gptviz.lessons.marking import chip

__all__ = ["KINDS", "ask", "check", "chip", "guessing_game", "picture", "printed"]
