"""Trains `tales`, a GPT-2 with 5.9 M parameters, on public-domain books and on small tasks, repeatably.

    python train.py --books FOLDER --minutes 600             # resumes if runs/ has a checkpoint
    python train.py --books FOLDER --minutes 15 --decay      # lowers the learning rate to zero, then ends
    python train.py --books FOLDER --minutes 60 --onward     # continues from the released weights, with new optimizers
    python train.py --books FOLDER --minutes 15 --hops 0.5   # teaches the steps from a question to its answer (hops.py)
    python train.py --books FOLDER --steps 500 --runs early  # writes an early checkpoint, for comparison

A batch consists of books, tasks and repeated random tokens, in eighths (`--mix`, batches.py). Muon (Jordan et al. 2024)
updates the hidden matrices, and AdamW the rest. After a warm-up, the learning rate is constant, so that training can
continue for as long as there is time. In a last, short stretch it falls to zero (`--decay`). The log (`runs/log.json`)
has the validation loss and the best head of each role by step. With `--bfloat16`, training is 1.6 times as fast as in
float32 on a processor that has bfloat16 arithmetic, and slower on others.
"""

import argparse
import json
import os
import random
import time
from pathlib import Path

import hops
import tasks
import torch
from batches import MIX, ROWS, Batches, Row
from clean import HELD_OUT, books
from heads import role_scores
from muon import Muon
from torch import Tensor, nn
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

HERE = Path(__file__).resolve().parent
CONTEXT, WIDTH = 512, 256
MUON_RATE, ADAM_RATE, WARM_UP = 0.004, 0.002, 100
EVERY = 100  # steps between validations and checkpoints


def new_model(entries: int, start: int) -> GPT2LMHeadModel:
    """Makes a model with random weights: 6 layers of 8 heads, 256 wide, tied embeddings, no dropout; 5.9 M parameters."""
    config = GPT2Config(
        vocab_size=entries, n_positions=CONTEXT, n_embd=WIDTH, n_layer=6, n_head=8,
        bos_token_id=start, eos_token_id=start, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def optimizers(model: nn.Module, dtype: torch.dtype = torch.float32) -> list[torch.optim.Optimizer]:
    """Makes Muon for the matrices of the blocks, computing in `dtype`, and AdamW for embeddings, norms and biases."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and ".h." in name]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and ".h." in name)]
    muon = Muon(matrices, MUON_RATE)
    muon.dtype = dtype
    return [muon, torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0)]


def loss_of(model: nn.Module, rows: Tensor, weights: Tensor | None = None) -> Tensor:
    """Returns the mean loss in nats a token. weights: (rows, length), the weight of each token; None for equal weights."""
    return _mean_loss(model(rows[:, :-1], use_cache=False).logits, rows, weights)


def guided_loss(model: nn.Module, marked: hops.Marked, rest: Row, factor: float) -> Tensor:
    """Returns `loss_of` the marked questions and the rest of a batch, plus `factor` times `hops.losses`."""
    rows = torch.cat([marked.ids, rest[0]])
    outputs = model(rows, use_cache=False, output_hidden_states=True)
    loss = _mean_loss(outputs.logits[:, :-1], rows, torch.cat([marked.weights, rest[1]]))
    if not factor:
        return loss
    hidden = tuple(states[: len(marked.ids)] for states in outputs.hidden_states)
    return loss + factor * hops.losses(model, hidden, marked)


def _mean_loss(logits: Tensor, rows: Tensor, weights: Tensor | None) -> Tensor:
    losses = nn.functional.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
    if weights is None:
        return losses.mean()
    weights = weights[:, 1:].flatten()  # the first token of a row is not predicted
    return (losses * weights).sum() / weights.sum()


@torch.no_grad()
def validate(model: GPT2LMHeadModel, held_out: list[Tensor]) -> dict[str, float]:
    """Returns the mean loss in nats a token on held-out books, and the score of the best head of each role."""
    losses = [loss_of(model, rows).item() for rows in held_out]
    scores = role_scores(model)
    best = {name: float(values.max()) for name, values in scores.items()}
    return {"loss": sum(losses) / len(losses), **best}


def save(path: Path, **state) -> None:
    """Writes a file as a whole or not at all."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains tales.")
    parser.add_argument("--books", type=Path, required=True, help="the folder with the books")
    parser.add_argument("--minutes", type=float, default=60, help="how long to train")
    parser.add_argument("--steps", type=int, help="end at this step, if it comes before the time is over")
    parser.add_argument("--decay", action="store_true", help="let the learning rate fall to zero over these minutes")
    parser.add_argument("--rate", type=float, default=1.0, help="a factor on both learning rates")
    parser.add_argument(
        "--onward", action="store_true", help="begin with the released weights if there is no checkpoint"
    )
    parser.add_argument("--length", type=int, default=256, help="tokens in a row")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows in a batch, a multiple of 8")
    parser.add_argument("--mix", type=int, nargs=3, default=MIX, help="eighths of a batch: books, tasks, repeats")
    parser.add_argument("--short", action="store_true", help="draw short tasks more often and stories less often")
    parser.add_argument(
        "--hops", type=float, metavar="FACTOR",
        help="make half of a batch questions, and weight the loss of the steps to their answers (hops.py); 0 for no such loss",
    )  # fmt: skip
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16, on a processor that supports it")
    parser.add_argument("--device", default="cpu", help="such as cpu or cuda")
    parser.add_argument("--runs", type=Path, default=HERE / "runs", help="the folder for the checkpoint and the log")
    return parser.parse_args()


def read_books(folder: Path) -> tuple[list[str], list[str]]:
    """Returns the books for training and those for validation."""
    training, validation = books(folder), books(folder, held_out=True)
    if not (training and validation):
        raise SystemExit(
            f"Expected books for training and {' or '.join(HELD_OUT)} for validation in {folder}; got "
            f"{len(training)} and {len(validation)}. Begin each file name with the five-digit Gutenberg number."
        )
    return training, validation


class Run:
    """A training run: its model, optimizers, counters and log. It resumes if there is a checkpoint."""

    def __init__(self, settings: argparse.Namespace, tokenizer):
        self._settings = settings
        self._checkpoint = settings.runs / "checkpoint.pt"
        self.model = new_model(len(tokenizer), tokenizer.bos_token_id)
        self.step, self.tokens, self.log = 0, 0, []
        self._minutes_before = 0.0  # the time that earlier calls of this program trained
        if settings.onward and not self._checkpoint.exists():
            self.model = AutoModelForCausalLM.from_pretrained(HERE)
            self.log = json.loads((HERE / "training.json").read_text())
            self.step, self.tokens = self.log[-1]["step"], self.log[-1]["tokens"]
        self.model.to(settings.device)
        self._optimizers = optimizers(self.model, torch.bfloat16 if settings.bfloat16 else torch.float32)
        if self._checkpoint.exists():
            self._resume()
        self._warm_at = 0 if self._minutes_before else self.step + WARM_UP  # new optimizers begin with a warm-up

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location=self._settings.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.tokens = state["step"], state["tokens"]
        self._minutes_before, self.log = state["spent"], state["log"]

    def set_rates(self, minutes: float) -> None:
        """Sets the learning rates. minutes: the time since this program began to train."""
        warm_up = min(1.0, 1 - (self._warm_at - self.step - 1) / WARM_UP)
        decay = 1 - minutes / self._settings.minutes if self._settings.decay else 1.0
        for optimizer, rate in zip(self._optimizers, (MUON_RATE, ADAM_RATE), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * (self._settings.rate * warm_up * decay)

    def update(self, loss: Tensor) -> None:
        """Makes one step of both optimizers."""
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += self._settings.rows * self._settings.length

    def validate(self, held_out: list[Tensor]) -> dict[str, float]:
        """Adds an entry to the log, and returns it."""
        self.log.append({"step": self.step, "tokens": self.tokens, **validate(self.model, held_out)})
        return self.log[-1]

    def save(self, minutes: float) -> None:
        """Writes the checkpoint and the log. minutes: the time since this program began to train."""
        save(
            self._checkpoint,
            model=self.model.state_dict(),
            optimizers=[optimizer.state_dict() for optimizer in self._optimizers],
            step=self.step,
            tokens=self.tokens,
            spent=self._minutes_before + minutes,
            log=self.log,
        )
        (self._settings.runs / "log.json").write_text(json.dumps(self.log, indent=1))


class Losses:
    """Draws the batches of a run, and computes their loss."""

    def __init__(self, settings: argparse.Namespace, tokenizer, texts: list[str], run: Run):
        share = tasks.SHORTER if settings.short else tasks.SHARE
        self._settings, self._tokenizer = settings, tokenizer
        self._batches = Batches(tokenizer, texts, run.step, settings.mix, share)
        self._rng = random.Random(run.step)  # of the marked questions
        self._model = torch.compile(run.model)

    def next(self) -> Tensor:
        """Returns the loss of the next batch."""
        settings = self._settings
        is_guided = settings.hops is not None
        row_count = settings.rows // 2 if is_guided else settings.rows
        rest = tuple(part.to(settings.device) for part in self._batches.batch(settings.length, row_count))
        with torch.autocast(settings.device, torch.bfloat16, enabled=settings.bfloat16):
            if not is_guided:
                return loss_of(self._model, *rest)
            drawn = hops.marked_rows(self._tokenizer, self._rng, settings.rows // 2, settings.length)
            marked = hops.Marked(*(part.to(settings.device) for part in drawn))
            return guided_loss(self._model, marked, rest, settings.hops)


def main() -> None:
    settings = options()
    torch.manual_seed(0)
    settings.runs.mkdir(exist_ok=True)
    (settings.runs / "train.pid").write_text(str(os.getpid()))
    tokenizer = AutoTokenizer.from_pretrained(HERE)
    run = Run(settings, tokenizer)
    training, validation = read_books(settings.books)
    losses = Losses(settings, tokenizer, training, run)
    unseen = Batches(tokenizer, validation, seed=0)
    held_out = [torch.stack([unseen.book(256)[0] for _ in range(16)]).to(settings.device) for _ in range(4)]
    began, bar = time.monotonic(), tqdm(initial=run.step, unit="step", mininterval=30)
    while (minutes := (time.monotonic() - began) / 60) < settings.minutes and run.step != settings.steps:
        run.set_rates(minutes)
        run.update(losses.next())
        bar.update()
        if run.step % EVERY == 0:
            bar.set_postfix({name: round(value, 3) for name, value in run.validate(held_out).items()})
            run.save(minutes)
    if not run.log or run.log[-1]["step"] != run.step:
        run.validate(held_out)
    run.save((time.monotonic() - began) / 60)
    print(json.dumps(run.log[-1]))


if __name__ == "__main__":
    main()
