"""Where the files that travel with the package lie: beside it in a checkout, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name


def assets_dir() -> Path:
    """The folder with the embedded model and the vendored libraries."""
    return _folder("assets")


def notebooks_dir() -> Path:
    """The folder with the lessons."""
    return _folder("notebooks")
