"""Prints samples, for review by eye: three drawn texts of every task, two held-out ones, and ten stories.

python print_samples.py
"""

from random import Random

import stories
import tasks


def lines(seed: int = 11) -> list[str]:
    """The printed samples, line by line."""
    rng, out = Random(seed), []
    for name, task in tasks.TASKS.items():
        out += [f"== {name} =="] + [f"{task(rng).text}\n--" for _ in range(3)]
        for wording in (False, True):
            one = tasks.held_out(name, rng, wording)
            label = "held out, new wording" if wording else "held out, known wording"
            out += [f"[{label}] {one.prompt} >>>{one.answer}<<< {one.rest}"]
        out.append("")
    out.append("== ten stories ==")
    for number in range(1, 11):
        told = stories.tell(rng)
        out += [f"{number}. ({told.plot}) {told.text}", f"   In short: {told.summary}"]
    return out


if __name__ == "__main__":
    print("\n".join(lines()))
