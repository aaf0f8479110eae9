"""Train `tales`: a GPT-2 of 5.9 M parameters on public-domain books and on small tasks, repeatably.

    python train.py --books FOLDER --minutes 600             # resumes if runs/ has a checkpoint
    python train.py --books FOLDER --minutes 15 --decay      # cool the rate down to nothing and end
    python train.py --books FOLDER --minutes 60 --onward     # go on from the released weights, with new optimizers
    python train.py --books FOLDER --minutes 15 --hops 0.5   # teach the way from a question to its answer (hops.py)
    python train.py --books FOLDER --steps 500 --runs early  # an early checkpoint, to compare with

Each batch is books, tasks, and random sequences that repeat themselves, which induction heads form on (Olsson et al.
2022), in eighths (`--mix`). What can be known counts for more in the loss than what cannot: a task's answer three times,
its question and whatever of a repeat is drawn at random a fraction (ANSWER, QUESTION, FIRST). Hidden matrices learn by
Muon (Jordan et al. 2024), the rest by AdamW. The rate is constant after its warm-up, so that training can go on for as
long as there is time, and falls to nothing in a last, short stretch (`--decay`). The log (`runs/log.json`) has
validation loss and the best head of each role against steps. On a processor with bfloat16 arithmetic, `--bfloat16` is
1.6 times as fast as float32; on others it is slower.
"""

import argparse
import json
import math
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import hops
import tasks
import torch
from clean import HELD_OUT, books
from heads import role_scores
from muon import Muon
from torch import Tensor, nn
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

HERE = Path(__file__).resolve().parent
CONTEXT, ROWS, WIDTH = 512, 16, 256
MUON_RATE, ADAM_RATE, WARM_UP = 0.004, 0.002, 100
EVERY = 100  # steps between validations and checkpoints
MIX = (4, 3, 1)  # eighths of a batch: books, tasks, repeats
ANSWER, QUESTION, FIRST = 3.0, 0.3, 0.1  # weights in the loss of a task's answer, its question, a repeat's first round
Share = Mapping[str, float]
Row = tuple[Tensor, Tensor]  # ids and weights


def new_model(entries: int, start: int) -> GPT2LMHeadModel:
    """6 layers of 8 heads, 256 wide, tied embeddings, no dropout: 5.9 M parameters."""
    config = GPT2Config(
        vocab_size=entries, n_positions=CONTEXT, n_embd=WIDTH, n_layer=6, n_head=8,
        bos_token_id=start, eos_token_id=start, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


class Batches:
    """Rows of token ids and their weights in the loss, each (rows, length): books, tasks and repeats, so many eighths
    of a batch each, from one seed."""

    def __init__(self, tokenizer, texts: list[str], seed: int, mix: Sequence[int] = MIX, share: Share = tasks.SHARE):
        self._tokenizer, self._start = tokenizer, tokenizer.bos_token_id
        self._mix, self._share = mix, share
        self._rng = random.Random(seed)
        self._books = [torch.tensor(self._ids([text])[0]) for text in texts]
        self._sizes = [len(ids) for ids in self._books]
        self._texts: list[list[tuple[int, float]]] = []

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

    def _started(self, ids: Tensor, weights: Tensor) -> Row:
        return torch.cat([torch.tensor([self._start]), ids[:-1]]), torch.cat([torch.ones(1), weights[:-1]])

    def book(self, length: int) -> Row:
        ids = self._rng.choices(self._books, self._sizes)[0]
        at = self._rng.randrange(len(ids) - length)
        return self._started(ids[at : at + length], torch.ones(length))

    def task(self, length: int) -> Row:
        """Texts one after the other, each after a start token; the last is cut off where the row ends."""
        row: list[tuple[int, float]] = []
        while len(row) < length:
            if not self._texts:
                self._texts = self._some_tasks()
            row += self._texts.pop()
        return torch.tensor([id for id, _ in row[:length]]), torch.tensor([weight for _, weight in row[:length]])

    def _some_tasks(self, count: int = 200) -> list[list[tuple[int, float]]]:
        """For each of so many texts, an id and its weight for every token."""
        texts = []
        for _ in range(count):
            name, samples = tasks.draw_samples(self._rng, self._share)
            question, answer = (QUESTION, ANSWER) if name in tasks.EXACT else (1.0, 1.0)
            parts = [(self._tokenizer.bos_token, 1.0)]
            for one in samples:
                parts += [(one.prompt, question), (one.answer, answer), (one.rest, 1.0)]
            rows = self._ids([text for text, _ in parts])
            texts.append([(id, weight) for ids, (_, weight) in zip(rows, parts, strict=True) for id in ids])
        return texts

    def repeat(self, length: int) -> Row:
        # Short periods as often as long ones: what comes again many times in a row is found sooner.
        period = round(math.exp(self._rng.uniform(math.log(4), math.log(length // 2))))
        words = self._words(period)
        weights = torch.ones(length)
        weights[:period] = FIRST
        return self._started(words.repeat(length // period + 1)[:length], weights)

    def pairs(self, length: int) -> Row:
        """Pairs of random tokens, over and over in a new order each time, either of a pair first.

        Only the token just before tells what comes second, so a head must look one back and no further. The first
        time, a few tokens stand between the two, the same for all pairs of a row, as "is in the" does between a name
        and a place: who is there is then found by the place, which came after the name.
        """
        count, between = self._rng.randint(4, length // 8), self._words(self._rng.randint(0, 4))
        both = self._words(2 * count).view(count, 2)
        told = torch.cat([both[:, :1], between.expand(count, -1), both[:, 1:]], 1).flatten()
        rounds = length // (2 * count) + 1
        order = [i for _ in range(rounds) for i in self._rng.sample(range(count), count)]
        turned = torch.tensor([self._rng.random() < 0.5 for _ in order])
        again = torch.where(turned[:, None], both[order].flip(1), both[order]).flatten()
        weights = torch.full((len(told) + len(again),), FIRST)  # what is told, and the first of a pair, is drawn
        weights[len(told) + 1 :: 2] = 1.0
        return self._started(torch.cat([told, again])[:length], weights[:length])

    def _words(self, count: int) -> Tensor:
        return torch.tensor([self._rng.randrange(1, len(self._tokenizer)) for _ in range(count)], dtype=torch.long)

    def batch(self, length: int, rows: int = ROWS) -> Row:
        """Ids and weights, (rows, length) each; every other repeat is made of pairs."""
        books, some, repeats = (rows * eighths // 8 for eighths in self._mix)
        kinds = [self.book] * books + [self.task] * some + [(self.repeat, self.pairs)[i % 2] for i in range(repeats)]
        ids, weights = zip(*(make(length) for make in kinds), strict=True)
        return torch.stack(ids), torch.stack(weights)


def optimizers(model: nn.Module, dtype: torch.dtype = torch.float32) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices, computing in `dtype`, AdamW for tables, norms and biases."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and ".h." in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 2 and ".h." in n)]
    muon = Muon(matrices, MUON_RATE)
    muon.dtype = dtype
    return [muon, torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0)]


def loss_of(model: nn.Module, rows: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean loss in nats a token; `weights` (as rows) says what each token counts."""
    return _mean(model(rows[:, :-1], use_cache=False).logits, rows, weights)


def guided_loss(model: nn.Module, marked: hops.Marked, rest: Row, factor: float) -> Tensor:
    """`loss_of` marked questions and the rest of a batch, and `factor` times what the way to the answers costs."""
    rows = torch.cat([marked.ids, rest[0]])
    outputs = model(rows, use_cache=False, output_hidden_states=True)
    loss = _mean(outputs.logits[:, :-1], rows, torch.cat([marked.weights, rest[1]]))
    if not factor:
        return loss
    hidden = tuple(states[: len(marked.ids)] for states in outputs.hidden_states)
    return loss + factor * hops.losses(model, hidden, marked)


def _mean(logits: Tensor, rows: Tensor, weights: Tensor | None) -> Tensor:
    losses = nn.functional.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
    if weights is None:
        return losses.mean()
    counts = weights[:, 1:].flatten()
    return (losses * counts).sum() / counts.sum()


@torch.no_grad()
def validate(model: GPT2LMHeadModel, held_out: Iterator[Tensor]) -> dict[str, float]:
    """Mean loss in nats a token on held-out books, and the best head of each role."""
    losses = [loss_of(model, rows).item() for rows in held_out]
    scores = role_scores(model)
    best = {name: float(values.max()) for name, values in scores.items()}
    return {"loss": sum(losses) / len(losses), **best}


def save(path: Path, **state) -> None:
    """Write whole or not at all."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train tales.")
    parser.add_argument("--books", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, help="end at this step, if it comes first")
    parser.add_argument("--decay", action="store_true", help="let the rate fall to nothing over these minutes")
    parser.add_argument("--rate", type=float, default=1.0, help="a factor of both learning rates")
    parser.add_argument("--onward", action="store_true", help="without a checkpoint, begin with the released weights")
    parser.add_argument("--length", type=int, default=256, help="tokens a row")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows a batch, a multiple of 8")
    parser.add_argument("--mix", type=int, nargs=3, default=MIX, help="eighths of a batch: books, tasks, repeats")
    parser.add_argument("--short", action="store_true", help="draw short tasks more often, stories less")
    parser.add_argument(
        "--hops", type=float, metavar="FACTOR",
        help="make half of a batch questions, and let the way to their answers (hops.py) cost so much, or 0",
    )  # fmt: skip
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16 where float32 is slower")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=Path, default=HERE / "runs")
    return parser.parse_args()


def main() -> None:
    its = options()
    torch.manual_seed(0)
    its.runs.mkdir(exist_ok=True)
    (its.runs / "train.pid").write_text(str(os.getpid()))
    tokenizer = AutoTokenizer.from_pretrained(HERE)
    model, step, tokens, spent, log = new_model(len(tokenizer), tokenizer.bos_token_id), 0, 0, 0.0, []
    checkpoint = its.runs / "checkpoint.pt"
    if its.onward and not checkpoint.exists():
        model = AutoModelForCausalLM.from_pretrained(HERE)
        log = json.loads((HERE / "training.json").read_text())
        step, tokens = log[-1]["step"], log[-1]["tokens"]
    model.to(its.device)
    both = optimizers(model, torch.bfloat16 if its.bfloat16 else torch.float32)
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=its.device, weights_only=True)
        model.load_state_dict(state["model"])
        for one, saved in zip(both, state["optimizers"], strict=True):
            one.load_state_dict(saved)
        step, tokens, spent, log = state["step"], state["tokens"], state["spent"], state["log"]
    share = tasks.SHORTER if its.short else tasks.SHARE
    read, kept = books(its.books), books(its.books, held_out=True)
    if not (read and kept):
        raise SystemExit(
            f"Expected books for training and {' or '.join(HELD_OUT)} for validation in {its.books}; got "
            f"{len(read)} and {len(kept)}. Name each file by its five-digit Gutenberg number."
        )
    batches = Batches(tokenizer, read, step, its.mix, share)
    asker = random.Random(step)
    unseen = Batches(tokenizer, kept, seed=0)
    held_out = [torch.stack([unseen.book(256)[0] for _ in range(16)]).to(its.device) for _ in range(4)]
    compiled = torch.compile(model)
    warm = step + WARM_UP if not spent else 0  # new optimizers begin gently
    began, bar = time.monotonic(), tqdm(initial=step, unit="step", mininterval=30)
    while (gone := (time.monotonic() - began) / 60) < its.minutes and step != its.steps:
        scale = its.rate * min(1.0, 1 - (warm - step - 1) / WARM_UP) * (1 - gone / its.minutes if its.decay else 1.0)
        for one, rate in zip(both, (MUON_RATE, ADAM_RATE), strict=True):
            for group in one.param_groups:
                group["lr"] = rate * scale
        guided = its.hops is not None
        rows, weights = (
            part.to(its.device) for part in batches.batch(its.length, its.rows // 2 if guided else its.rows)
        )
        with torch.autocast(its.device, torch.bfloat16, enabled=its.bfloat16):
            if guided:
                drawn = hops.marked_rows(tokenizer, asker, its.rows // 2, its.length)
                marked = hops.Marked(*(part.to(its.device) for part in drawn))
                loss = guided_loss(compiled, marked, (rows, weights), its.hops)
            else:
                loss = loss_of(compiled, rows, weights)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for one in both:
            one.step()
            one.zero_grad(set_to_none=True)
        step, tokens = step + 1, tokens + its.rows * its.length
        bar.update()
        if step % EVERY == 0:
            log.append({"step": step, "tokens": tokens, **validate(model, held_out)})
            bar.set_postfix({k: round(v, 3) for k, v in log[-1].items()})
            _checkpoint(checkpoint, model, both, step, tokens, spent + gone, log)
    if not log or log[-1]["step"] != step:
        log.append({"step": step, "tokens": tokens, **validate(model, held_out)})
    _checkpoint(checkpoint, model, both, step, tokens, spent + (time.monotonic() - began) / 60, log)
    print(json.dumps(log[-1]))


def _checkpoint(path: Path, model, both, step: int, tokens: int, spent: float, log: list) -> None:
    states = [one.state_dict() for one in both]
    save(path, model=model.state_dict(), optimizers=states, step=step, tokens=tokens, spent=spent, log=log)
    (path.parent / "log.json").write_text(json.dumps(log, indent=1))


if __name__ == "__main__":
    main()
