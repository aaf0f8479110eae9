"""The files that lessons come with: texts, logs and runs that were made ahead. See assets/training/README.md."""

from pathlib import Path

from gptviz._paths import assets_dir
from gptviz.checks import did_you_mean
from gptviz.errors import fail


def material(name: str) -> Path:
    """Returns the path of a file or folder that lessons come with. Raises GPTVizError for an unknown name."""
    folder = assets_dir() / "training"
    known = sorted(path.name for path in folder.iterdir())
    if name not in known:
        raise fail(f"material among {', '.join(known)}", f"{name!r}", did_you_mean(name, known))
    return folder / name
