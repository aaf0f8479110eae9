"""Paths and files: a file is written beside its place and moved there when it is whole.

So a full disk, an error or an interrupt leaves the file that was there before as it was, and never half of a new one.
"""

import errno
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gptviz.errors import FileNotWritten, WrongType, fail

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Make room, or give a path on another disk."),
    errno.EDQUOT: ("your share of the disk is full", "Make room, or give a path on another disk."),
    errno.EROFS: ("the disk is read-only", "Give a path on another disk."),
    errno.EACCES: ("writing there is not allowed", "Give a path in a folder of your own."),
    errno.EPERM: ("writing there is not allowed", "Give a path in a folder of your own."),
    errno.ENAMETOOLONG: ("the name is too long", "Give a shorter name."),
}


def check_path(path: Any) -> Path:
    """Returns a path. Raises WrongType for what is no path, and GPTVizError for a text that cannot be one."""
    try:
        text = os.fspath(path)
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise fail("a path", f"{path!r:.80} ({type(path).__name__})", 'For example "page.html".', WrongType)
    if not text:
        raise fail("a path", "an empty text", 'For example "page.html".')
    try:
        possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise fail("a path that a file can have", f"{text!r:.80}", "Remove its NUL or lone surrogate.")
    return Path(text)


def check_target(path: Any) -> Path:
    """Returns the path of a file that is going to be written.

    Raises what `check_path` raises, and GPTVizError if no file of that name can be written; nothing is written yet.
    """
    target = check_path(path)
    real_path = Path(os.path.realpath(target))
    try:
        if not real_path.parent.is_dir():
            raise fail(
                "a path in a folder that exists", shortened(target), "Make the folder first, or give another path."
            )
        exists = real_path.exists()
        if exists and not real_path.is_file():
            kind = "a folder" if real_path.is_dir() else "no ordinary file"
            raise fail("the path of a file", f"{shortened(target)}, which is {kind}", "Add the name of a file to it.")
    except OSError as error:
        raise _not_written(target, error) from error
    if not os.access(real_path if exists else real_path.parent, os.W_OK):
        raise _not_written(target, PermissionError(errno.EACCES, "not allowed"))
    return target


def write_file(path: Any, write: Callable[[Path], object]) -> Path:
    """Lets `write` write a new file in the same folder, then moves that file to `path`; returns the path.

    write: called with the path to write to. Raises what `check_target` raises, and FileNotWritten if the file cannot be
    written; the file that was there before then stays.
    """
    target = check_target(path)
    real_path = Path(os.path.realpath(target))
    beside = real_path.with_name(f".gptviz-{uuid.uuid4().hex}")
    try:
        write(beside)
        os.replace(beside, real_path)
    except OSError as error:
        raise _not_written(target, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return target


def _not_written(target: Path, error: OSError) -> Exception:
    other = error.strerror or str(error), "Give another path."
    reason, remedy = _REASONS.get(error.errno or 0, other)
    return fail("a file that can be written", f"{shortened(target)}: {reason}", remedy, FileNotWritten)


def shortened(path: str | os.PathLike[str]) -> str:
    """Returns a path for an error; a long one without its middle."""
    text = os.fspath(path)
    return text if len(text) <= 160 else f"{text[:80]}…{text[-60:]}"
