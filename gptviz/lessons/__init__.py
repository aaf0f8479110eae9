"""Questions, checks, pictures and printed numbers for lessons, computed with the live model, and what lessons come with."""

from gptviz.display.numbers import signed
from gptviz.lessons.asking import KINDS, ask, check, guessing_game, picture, printed
from gptviz.lessons.logs import TrainingLog, first_step, training_log
from gptviz.lessons.marking import chip
from gptviz.lessons.shipped import material

__all__ = [
    "KINDS",
    "TrainingLog",
    "ask",
    "check",
    "chip",
    "first_step",
    "guessing_game",
    "material",
    "picture",
    "printed",
    "signed",
    "training_log",
]
