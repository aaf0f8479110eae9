"""Short labels of a model's parts, the same in still pictures, charts and pages: "L5", "H2", "L5 · H2"."""


def part_label(layer: int | None = None, head: int | None = None) -> str:
    """Returns the label of a layer, of a head in all layers, or of one head; both are counted from 0."""
    return " · ".join(f"{letter}{index}" for letter, index in (("L", layer), ("H", head)) if index is not None)
