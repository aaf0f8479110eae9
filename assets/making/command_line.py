"""The options of the programs that train and measure the models that come with gptviz."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch


def training_options(name: str, folder: Path, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options of a program that trains a model in its folder, and sets torch's threads."""
    parser = argparse.ArgumentParser(description=f"Trains {name}.")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then; the same command goes on")
    parser.add_argument(
        "--runs", type=Path, default=folder / "runs", help="the folder for what is not released: checkpoints"
    )
    parser.add_argument("--out", type=Path, default=folder, help="the folder for the trained model")
    return _parsed(parser, arguments)


def measuring_options(name: str, folder: Path, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options of a program that measures a model and writes its card, and sets torch's threads."""
    parser = argparse.ArgumentParser(description=f"Measures {name}.")
    parser.add_argument("--model", type=Path, default=folder, help="the folder with the weights")
    parser.add_argument(
        "--card", action="store_true", help="write the figures, and what belongs to them, into the folder"
    )
    return _parsed(parser, arguments)


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser.add_argument("--threads", type=int, default=1, help="more gain little: the models are small")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    return options
