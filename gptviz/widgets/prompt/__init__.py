from gptviz.widgets.prompt.prompt import PromptBox
from gptviz.widgets.prompt.served import ServedPromptBox

__all__ = ["PromptBox", "ServedPromptBox"]
