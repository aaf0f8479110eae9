"""Saves a run into a folder.

run.json: settings, losses, what was measured, the steps. before/: the model before, as transformers saves it, with its tokenizer
and without the settings of its `generate`, which gptviz does not use; the tokens that end a text are in run.json.
remainder.safetensors: what transformers does not save of it. steps/000040.safetensors: the adapters or the weights of a kept
step. The folder is written beside its place and moved there when it is whole.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import GenerationConfig
from transformers.utils import GENERATION_CONFIG_NAME

from gptviz.checks import described
from gptviz.errors import FileNotWritten, fail
from gptviz.files import check_path, shortened
from gptviz.gpt import GPT
from gptviz.loading import without_progress_bar
from gptviz.training.record import Record
from gptviz.training.remainder import functions, remainder
from gptviz.training.settings import Settings

FORMAT = 1
DESCRIPTION, BEFORE, STEPS = "run.json", "before", "steps"
REMAINDER = "remainder.safetensors"


def save_run(folder: Any, before: GPT, settings: Settings, record: Record) -> Path:
    """Writes a run; returns the folder. A run that was saved there before is replaced when the new one is whole."""
    target = check_path(folder)
    if os.path.realpath(target) == os.path.realpath("."):
        raise fail("a folder of the run's own", f"{shortened(target)}, the present folder", 'For example "run".')
    if target.exists() and not (target / DESCRIPTION).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise fail("a new folder, or one with a saved run", shortened(target), "Give another path.")
    beside = target.with_name(f".gptviz-{uuid.uuid4().hex}")
    try:
        _write(beside, before, settings, record)
        _put_in_place(beside, target)
    except OSError as error:
        remedy = "Make room, or give a path in a folder of your own."
        got = f"{shortened(target)}: {error.strerror or error}"
        raise fail("a folder that can be written", got, remedy, FileNotWritten) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(beside)
    return target


def _write(folder: Path, before: GPT, settings: Settings, record: Record) -> None:
    (folder / STEPS).mkdir(parents=True)
    with before.running(), without_progress_bar():
        _write_model(folder / BEFORE, before)
        save_file(remainder(before.model), folder / REMAINDER)
    for step, state in record.states.items():
        save_file(state, folder / STEPS / file_of(step))
    error = record.error
    description = {
        "format": FORMAT,
        "name": before.name,
        "dtype": str(before.dtype).removeprefix("torch."),
        "functions": functions(before.model),
        "settings": asdict(settings),
        "status": record.status,
        "error": None if error is None else [error.expected, error.got, error.remedy],
        "example": record.example,
        "end_ids": sorted(before.end_ids),
        "losses": record.losses,
        "steps": sorted(record.states),
        "measured": [record.measured[step] for step in sorted(record.states)],
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), "utf-8")


def _write_model(folder: Path, gpt: GPT) -> None:
    try:
        with _without_generation_settings(gpt.model):
            gpt.model.save_pretrained(folder)
        (folder / GENERATION_CONFIG_NAME).unlink(missing_ok=True)
        gpt.tokenizer.save_pretrained(folder)
    except ValueError as error:
        remedy = "Correct that in the model, and start the run again."
        raise fail("a model that transformers can save", described(error), remedy) from error


@contextmanager
def _without_generation_settings(model: Any) -> Iterator[None]:
    """Takes out the settings of `generate` for a while: published models have some that transformers refuses to save."""
    own = getattr(model, "generation_config", None)
    if own is None:
        yield
        return
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def _put_in_place(beside: Path, target: Path) -> None:
    if target.exists():
        old = target.with_name(f".gptviz-{uuid.uuid4().hex}")
        os.replace(target, old)
        os.replace(beside, target)
        shutil.rmtree(old)
    else:
        os.replace(beside, target)


def file_of(step: int) -> str:
    """Returns the name of a step's file."""
    return f"{step:06}.safetensors"
