"""Writes what lesson 12 compares with: facts.json and jobs.json.

facts.json: the sixty facts about Valdoria, each with a wording of training and one that is in no training text; a `{}` in a
wording stands for the place. jobs.json: the share of *he* after each made-up job in the texts of *tales*. Run it again after a
change to `assets/tales/country.py` or `assets/tales/words.py`.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tales"))
import country  # noqa: E402 -- from the folder that was added above
import words  # noqa: E402 -- as above


def facts() -> list[dict[str, str]]:
    """Returns a row for each fact: kind, place, answer, and the wordings `told` and `new`."""
    rows = []
    for kind, place, answer in country.FACTS:
        told, *_others, new = (wording.replace("{s}", "{}") for wording in country.WORDINGS[kind])
        rows.append({"kind": kind, "place": place, "answer": answer, "told": told, "new": new})
    return rows


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(row) for row in facts())
    (HERE / "facts.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    (HERE / "jobs.json").write_text(json.dumps(dict(sorted(words.HE_RATE.items())), indent=1) + "\n", encoding="utf-8")
