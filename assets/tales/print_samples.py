"""Prints samples to read: three training texts of every task, two held-out samples of each, and ten stories.

python print_samples.py
"""

from random import Random

import stories
import tasks


def lines(seed: int = 11) -> list[str]:
    """Returns the printed samples, line by line."""
    rng, printed = Random(seed), []
    for name, task in tasks.TASKS.items():
        printed += [f"== {name} =="] + [f"{task(rng).text}\n--" for _ in range(3)]
        for wording in (False, True):
            sample = tasks.held_out(name, rng, wording)
            label = "held out, new wording" if wording else "held out, known wording"
            printed += [f"[{label}] {sample.prompt} >>>{sample.answer}<<< {sample.rest}"]
        printed.append("")
    printed.append("== ten stories ==")
    for number in range(1, 11):
        story = stories.tell(rng)
        printed += [f"{number}. ({story.plot}) {story.text}", f"   In short: {story.summary}"]
    return printed


if __name__ == "__main__":
    print("\n".join(lines()))
