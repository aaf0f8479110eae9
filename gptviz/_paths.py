"""Finds the files that come with the package: beside it in a checkout, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


def assets_dir() -> Path:
    """Returns the folder with the embedded model and the vendored libraries."""
    return _folder("assets")


def notebooks_dir() -> Path:
    """Returns the folder with the lessons."""
    return _folder("notebooks")
