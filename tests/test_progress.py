"""Progress bars: one that has appeared is hidden at the end and not closed, and one that failed stays visible."""

import pytest
import tqdm.auto
import tqdm.notebook

from gptviz import progress


@pytest.fixture
def bars(monkeypatch):
    """Collects the notebook's bars as they are made; one that has appeared is redrawn at every update."""
    made = []

    class Bar(tqdm.notebook.tqdm):
        def __init__(self, *args, **keywords):
            super().__init__(*args, **keywords, mininterval=0)
            made.append(self)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    monkeypatch.setattr(tqdm.notebook, "display", lambda _container: None)
    return made


def run(count, total):
    with progress.progress(total, "token") as done:
        for _ in range(count):
            done(1)


@pytest.mark.parametrize("count", [3, 5])
def test_a_bar_that_appeared_is_hidden_and_not_closed(bars, monkeypatch, count):
    monkeypatch.setattr(progress, "AFTER", 1e-9)
    run(count, 5)
    (bar,) = bars
    assert bar.displayed
    assert bar.container.comm is not None  # closed, it would have none
    assert bar.container.layout.display == "none"
    assert bar.container.children[1].bar_style == "success"


def test_a_bar_that_never_appeared_is_closed(bars, monkeypatch):
    monkeypatch.setattr(progress, "AFTER", 3600)  # however slow this machine is
    run(3, 5)
    assert not bars[0].displayed
    assert bars[0].container.comm is None


def test_a_bar_of_a_failure_stays_visible(bars, monkeypatch):
    monkeypatch.setattr(progress, "AFTER", 1e-9)
    with pytest.raises(ZeroDivisionError), progress.progress(5, "token"):
        raise ZeroDivisionError
    assert bars[0].container.children[1].bar_style == "danger"
    assert bars[0].container.layout.display is None


def test_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.std.tqdm)
    monkeypatch.setattr(progress, "AFTER", 0)
    run(3, 5)
    assert "token" in capsys.readouterr().err
