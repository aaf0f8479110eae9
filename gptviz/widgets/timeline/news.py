"""Describes a run for the page: the steps that the page does not have yet, and all branches.

Numbers that a server does not reveal, which are NaN in a step, are None here: JSON has no NaN.
"""

import math
from collections.abc import Iterable
from typing import Any

from gptviz.display.numbers import or_none
from gptviz.generation.completion import Step
from gptviz.text.tokens import Token
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.timeline.branches import Branch, Run


def news(run: Run, choice: int, have: int) -> dict[str, Any]:
    """Returns the state of branch `choice` with its steps from `have` on; the page has the steps before."""
    branch = run.branches[choice]
    done = branch.done
    return {
        "choice": choice,
        "steps": [_describe_step(step) for step in branch.steps[have:]],
        "from": have,
        "prompt": run.prompt,
        "source_text": run.source,
        "prompt_spelled": _broken_characters(run.prompt, run.prompt_tokens),
        "text": branch.text,
        "finish_reason": branch.finish_reason,
        "branches": [_describe_branch(branch) for branch in run.branches],
        "seed": run.seed,
        "settings": run.settings,
        "done": done,
        "problem": branch.problem,
    }


def _describe_branch(branch: Branch) -> dict[str, Any]:
    forced = None if branch.parent is None else describe(branch.steps[branch.at].token)
    text, tokens = branch.text, [step.token for step in list(branch.steps)]
    spelled = _broken_characters(text, tokens)
    return {"parent": branch.parent, "at": branch.at, "token": forced, "text": text, "spelled": spelled}


def _broken_characters(text: str, tokens: Iterable[Token]) -> list[dict[str, Any]]:
    """Returns the tokens of a text that holds incomplete characters, so that the page can show their bytes; else none."""
    return [describe(token) for token in tokens] if "\ufffd" in text else []


def _describe_step(step: Step) -> dict[str, Any]:
    return {
        "token": describe(step.token),
        "probability": or_none(step.probability),
        "sampling": or_none(step.sampling_probability),
        "entropy": or_none(step.entropy),
        "kept": or_none(step.kept),
        "mass": or_none(step.kept_mass),
        "text": step.text,
        "cached": step.cached,
        "served": is_served_step(step),
        "alternatives": [
            {
                "token": describe(alternative.token),
                "probability": or_none(alternative.probability),
                "sampling": or_none(alternative.sampling_probability),
            }
            for alternative in step.alternatives
        ],
    }


def is_served_step(step: Step) -> bool:
    """Returns whether a server generated the step: none reveals the entropy of the whole vocabulary."""
    return math.isnan(step.model_entropy)
