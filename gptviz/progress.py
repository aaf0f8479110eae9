"""A progress bar that appears if something takes long, and disappears when it is done.

In a notebook tqdm's bar is a widget. If it is closed soon after it appeared, its view may still be under construction in
the page, and JupyterLab logs errors. So a bar that has appeared is hidden and not closed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

AFTER = 1.5  # seconds before a bar appears


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Yields the function to call with how many more are done.

    total, unit: how many there are, and what they are called. Ending below `total` does not count as a failure.
    """
    from tqdm.auto import tqdm  # imports ipywidgets in a notebook; needed only if something takes long

    with tqdm(total=total, unit=unit, leave=False, delay=AFTER) as bar:
        in_notebook = bar.leave = getattr(bar, "container", None) is not None  # leave: tqdm must not close it
        yield bar.update
        bar.total = bar.n
    if in_notebook:
        if bar.displayed:
            bar.container.layout.display = "none"
        else:
            bar.container.close()
