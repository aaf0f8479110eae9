"""How large views write, for all views made from now on: on a screen, or half as large again for a projector."""

from gptviz.errors import fail

SCALES = ("screen", "projector")

_chosen = "screen"


def set_scale(scale: str) -> None:
    """Let views made from now on write for a "screen" or for a "projector"; those that are open keep their size."""
    global _chosen
    if scale not in SCALES:
        raise fail(f"a scale among {', '.join(SCALES)}", f"{scale!r}", 'For example set_scale("projector").')
    _chosen = scale


def chosen_scale() -> str:
    """What was set last; "screen" at first."""
    return _chosen
