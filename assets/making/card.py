"""Writes figures into a model's card, between two marks, and into a file beside it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures, written by the program that measures them -->\n", "<!-- end of the figures -->"


def table(*rows: Iterable[Any]) -> list[str]:
    """Returns the lines of a Markdown table, whose first row has the titles. Numbers are shares, written as per cent."""
    lines = [f"| {' | '.join(f'{c:.1%}' if isinstance(c, float) else str(c) for c in row)} |" for row in rows]
    return [lines[0], f"|{' --- |' * (lines[0].count(' | ') + 1)}", *lines[1:]]


def with_figures(card: str, text: str) -> str:
    """Returns a card's text with other figures."""
    before, _, rest = card.partition(BEGIN)
    return f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}"


def write(folder: Path, figures: dict[str, Any], text: str) -> None:
    """Writes figures into figures.json, and the text that states them into README.md."""
    card = folder / "README.md"
    card.write_text(with_figures(card.read_text(encoding="utf-8"), text), encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
