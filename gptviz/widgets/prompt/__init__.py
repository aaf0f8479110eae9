from gptviz.widgets.prompt.prompt import PromptBox

__all__ = ["PromptBox"]
