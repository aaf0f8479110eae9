from gptviz.widgets.training.training import TrainingView

__all__ = ["TrainingView"]
