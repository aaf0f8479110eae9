"""Training runs that can be watched: pre-training, fine-tuning and preference tuning of small models.

A run trains in a thread of its own. Each step that it keeps is a `GPT` like any other. Not about training large models:
that is what other libraries are for.
"""

from gptviz.training.languages import brackets, repeats
from gptviz.training.opening import open_run
from gptviz.training.run import Run
from gptviz.training.starting import finetune, prefer, pretrain

__all__ = ["Run", "brackets", "finetune", "open_run", "prefer", "pretrain", "repeats"]
