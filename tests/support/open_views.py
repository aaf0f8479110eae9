"""One open view of each class of the package, on a small model. A new view of a trace is among them without an entry here."""

from families import IDS, build, tokenizer
from trained import training_view
from view_classes import view_classes

import gptviz
from gptviz.widgets.shared.view import View


def open_views() -> dict[str, View]:
    """Returns one open view of each class, by its `_name`. A class without an entry here is made from a trace."""
    gpt = gptviz.wrap(build("gpt2"), tokenizer())
    trace, completion = gpt.trace(IDS), gpt.complete(IDS, max_tokens=3, seed=1)
    of_other_sources = [
        gptviz.PromptBox("the owl", gpt=gpt),
        gptviz.GenerationTimeline(completion, gpt=gpt),
        gptviz.compare(trace, trace),
        gptviz.explore("the owl", gpt=gpt),
        training_view(),
        gptviz.lessons.ask("Which?", answer=lambda: 1, choices=[1, 2]),
        gptviz.lessons.check("a number", 1, 1),
        gptviz.lessons.guessing_game(["the owl"], gpt),
        gptviz.lessons.picture(lambda: gptviz.drawings.treemap({0: {"MLPs": 3}})),
        gptviz.lessons.printed(lambda: print("a number")),
    ]
    views = {view._name: view for view in of_other_sources}
    return views | {name: kind(trace) for name, kind in view_classes().items() if name not in views}
