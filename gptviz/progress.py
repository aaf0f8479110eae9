"""A progress bar that appears where something takes long, and is out of sight when it is done.

In a notebook tqdm's bar is a widget. One that is closed soon after it appeared reaches the page as a view that is still
being made, and JupyterLab writes errors; so a bar that was seen is hidden instead. Not about what is counted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

AFTER = 1.5  # seconds before a bar appears


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Yields what is to be called with how many are done. Ending below `total` is no failure; an exception shows as one."""
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=unit, leave=False, delay=AFTER) as bar:
        seen = bar.leave = getattr(bar, "container", None) is not None  # in a notebook tqdm must not close it
        yield bar.update
        bar.total = bar.n
    if seen:
        if bar.displayed:
            bar.container.layout.display = "none"
        else:
            bar.container.close()
