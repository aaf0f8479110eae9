"""Files are written beside their place and moved there: nothing is lost, and what cannot be written is said in words."""

import errno
import math
import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from families import TEXT, build, tokenizer

import gptviz
from gptviz.errors import FileNotWritten, GPTVizError, WrongType
from gptviz.files import check_path, check_target, write_file
from gptviz.handout.handout import export_notebook


@pytest.fixture(scope="module")
def trace():
    return gptviz.wrap(build("gpt2"), tokenizer()).trace(TEXT)


@pytest.fixture(scope="module")
def writers(trace, tmp_path_factory):
    """Returns every function that writes a file, by name: each takes the path."""
    notebook = tmp_path_factory.mktemp("notebooks") / "lesson.ipynb"
    notebook.write_text('{"cells": [{"cell_type": "markdown", "source": "# Owls", "metadata": {}}]}')
    return {
        "view": gptviz.AttentionView(trace).save_html,
        "explorer": gptviz.explore("the owl", gpt=trace.gpt).save_html,
        "trace": trace.save,
        "notebook": lambda path: export_notebook(notebook, path),
    }


every_writer = pytest.mark.parametrize("name", ["view", "explorer", "trace", "notebook"])


@contextmanager
def full_disk(size):
    """Lets no file become larger than `size` bytes, as on a full disk: what is written before stands there.

    Files that a test run captures output in count too, so there must be no progress bar.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@every_writer
def test_a_full_disk_keeps_the_file_that_was_there(writers, name, tmp_path, monkeypatch):
    monkeypatch.setattr("gptviz.pages.export.PROGRESS_AFTER", math.inf)
    monkeypatch.setattr("gptviz.progress.AFTER", math.inf)
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "kept"
    target.write_text("the page before")
    with full_disk(3_000), pytest.raises(FileNotWritten, match="kept: ") as caught:
        writers[name](target)
    assert isinstance(caught.value, OSError)
    assert target.read_text() == "the page before"
    assert list(folder.iterdir()) == [target], "nothing else is left"
    assert writers[name](target) == target
    assert target.stat().st_size > 3_000
    assert list(folder.iterdir()) == [target]


@every_writer
@pytest.mark.parametrize("path, message", [
    (5, "a path"), (None, "a path"), (b"page.html", "a path"), ("a\0b.html", "NUL"), ("a\ud800.html", "surrogate"),
    (".", "a folder"), ("", "an empty text"), ("n" * 300 + ".html", "too long"), ("nowhere/page.html", "exists"),
    ("/dev/null", "no ordinary file"), ("file/page.html", "exists"),
])  # fmt: skip
def test_a_path_that_no_file_can_have_is_refused(writers, name, path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if (name, path) == ("notebook", None):
        return  # there None is the notebook's own name
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(GPTVizError, match=message):
        writers[name](path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("number, message", [
    (errno.ENOSPC, "the disk is full. Make room"), (errno.EROFS, "read-only"), (errno.EACCES, "not allowed"),
    (errno.EIO, "Input/output error"),
])  # fmt: skip
def test_the_systems_error_is_said_in_words(tmp_path, number, message):
    def fails(file):
        file.write_text("half")
        raise OSError(number, {errno.EIO: "Input/output error"}.get(number, "words of the system"))

    with pytest.raises(FileNotWritten, match=message):
        write_file(tmp_path / "page.html", fails)
    assert not list(tmp_path.iterdir())


def test_a_place_where_nothing_may_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("gptviz.files.os.access", lambda place, _mode: Path(place) != tmp_path)
    with pytest.raises(FileNotWritten, match="not allowed"):
        check_target(tmp_path / "new.html")


def test_an_interrupt_while_writing_leaves_the_file_before(tmp_path):
    target = tmp_path / "page.html"
    target.write_text("before")

    def interrupted(file):
        file.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(target, interrupted)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link_and_its_file_is_written(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "page.html"
    link.symlink_to(tmp_path / "folder" / "real.html")
    assert write_file(link, lambda file: file.write_text("new")) == link
    assert link.is_symlink()
    assert (tmp_path / "folder" / "real.html").read_text() == "new"


def test_paths_of_any_kind_are_taken(tmp_path):
    for path in (tmp_path / "a b.html", str(tmp_path / "猫头鹰 🦉.html")):
        assert check_path(path) == Path(path)
        assert write_file(path, lambda file: file.write_text("x")).read_text() == "x"


@pytest.mark.parametrize("path, message", [(5, "a path"), (None, "a path"), (".", "folder"), ("a\0b", "NUL"),
                                           ("none.safetensors", "does not exist"), ("x" * 300, "does not exist"),
                                           ("/" + "x/" * 3000, "does not exist")])  # fmt: skip
def test_a_path_that_holds_no_trace_is_refused(path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GPTVizError, match=message):
        gptviz.open_trace(path)


@pytest.mark.parametrize("notebook", [5, None, "a\0b", ".", "none.ipynb", "x" * 300])
def test_a_path_that_holds_no_notebook_is_refused(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GPTVizError):
        export_notebook(notebook)


def test_saved_numbers_are_whole(trace, tmp_path):
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    np.testing.assert_array_equal(opened.logits, trace.logits)
    with pytest.raises(WrongType):
        gptviz.open_trace(tmp_path)
