"""Print the model card's figures from the weights alone: the same weights give the same figures.

    python evaluate.py [FILE or FOLDER with held-out books ...]
    python evaluate.py --quick      # a few samples of everything, to see that it runs

Books are plain text as Project Gutenberg has them; they are cleaned first. Without books their row is left out.
It takes a few minutes on two cores. Not about speed: the project's benchmarks measure that.
"""

import argparse
import csv
import re
from pathlib import Path

import clean
import measures
import torch
from heads import role_scores
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
ASKED = ("name_mover", "question", "sentiment", "copying", "translation", "country", "pronoun")  # one right answer
TOLD = ("summary", "dialogue")  # many right answers
STORY = "Once upon a time there was a"
SHARP = "When Tom and Mary went to the park, Tom gave a ball to"
FLAT = "One day"
LOOP = "It was"


def typed_prompts() -> list[dict[str, str]]:
    """The hundred prompts of prompts.tsv, as a class would type them: task, prompt, answer and held-out combination."""
    with (HERE / "prompts.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [{**row, "prompt": row["prompt"].replace("\\n", "\n")} for row in rows]


def is_answered(written: str, answer: str) -> bool:
    """Whether what the model wrote begins with the answer as whole words; capitals count as small letters."""
    return bool(re.match(rf"\s*{re.escape(answer)}(?!\w)", written, re.IGNORECASE))


def typed_accuracy(model, tokenizer, per_task: int | None = None) -> dict[str, tuple[int, int]]:
    """For each task: how many of its typed prompts the greedy continuation answers, and how many there are."""
    counts: dict[str, tuple[int, int]] = {}
    for one in typed_prompts():
        right, asked = counts.get(one["task"], (0, 0))
        if asked == per_task:
            continue
        ids = measures.continued(model, [tokenizer(one["prompt"])["input_ids"]], 24, temperature=0, seed=0)[0]
        counts[one["task"]] = right + is_answered(tokenizer.decode(ids), one["answer"]), asked + 1
    return counts


def book_files(paths: list[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob("[0-9]*.txt")) if path.is_dir() else [path])]


def row(*cells: object) -> None:
    texts = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
    print("| " + " | ".join(texts) + " |", flush=True)


def print_tasks(model, tokenizer, quick: bool) -> None:
    count = 10 if quick else 200
    row("task, exact answers", "known wordings", "new wordings")
    row("---", "---", "---")
    for task in ASKED:
        shares = [measures.accuracy(model, tokenizer, task, wording=new, count=count) for new in (False, True)]
        row(task.replace("_", " "), *(f"{share:.1%}" for share in shares))
    print()
    row("task, share of the drawn answer's words", "known wordings", "new wordings")
    row("---", "---", "---")
    for task in TOLD:
        told = [measures.shared_words(model, tokenizer, task, wording=new, count=count // 4) for new in (False, True)]
        row(task, *(f"{share:.1%}" for share in told))
    print()
    typed = typed_accuracy(model, tokenizer, 2 if quick else None)
    row("typed by hand", "answered")
    row("---", "---")
    for task, (right, asked) in typed.items():
        row(task, f"{right} of {asked}")
    row("together", f"{sum(r for r, _ in typed.values())} of {sum(n for _, n in typed.values())}")


def print_figures(model, tokenizer, books: list[Path], quick: bool) -> None:
    row("measure", "figure")
    row("---", "---")
    if books:
        texts = [clean.book(file)[: 20_000 if quick else None] for file in books]
        bits = [measures.bits_per_character(model, tokenizer, text) for text in texts]
        total = sum(b * len(t) for b, t in zip(bits, texts, strict=True)) / sum(map(len, texts))
        row("bits per character, these books together", total)
        for file, one in zip(books, bits, strict=True):
            row(f"– {file.stem}", one)
    for planted, (mean, off) in measures.bias(model, tokenizer).items():
        row(f"bias planted at {planted:.0%} he", f"{mean:.1%} measured, one job off by up to {off * 100:.0f} points")
    first, second = measures.repetition_gain(model)
    row("random repeated tokens, loss on first / second half", f"{first:.2f} / {second:.2f} nats")
    stories = 12 if quick else 100
    again, pronouns, agree = measures.heroes(model, tokenizer, stories, tokens=20 if quick else 80)
    row("held-out openings: the hero's name comes again", f"{again} of {stories}")
    row("held-out openings: the first pronoun agrees with the hero", f"{agree} of {pronouns}")
    for name, prompt in (("sharp", SHARP), ("flat", FLAT)):
        likeliest, index = measures.next_probabilities(model, tokenizer, prompt).max(-1)
        row(f'{name} next token: "{prompt}"', f'"{tokenizer.decode([int(index)])}" {float(likeliest):.3f}')
    looped = measures.continued(model, [tokenizer(LOOP)["input_ids"]], 60 if quick else 300, temperature=0, seed=0)[0]
    period = measures.loop_length(looped)
    row(f'greedy text from "{LOOP}", {len(looped)} tokens', f"a loop of {period} tokens" if period else "no loop")


def print_heads(model, tokenizer, quick: bool) -> None:
    scores = role_scores(model)
    whole, falls, looks = measures.name_mover_heads(model, tokenizer, 10 if quick else 100)
    for role, values in scores.items():
        print(f"- best {role} head: {_place(values)}")
    print(f"- the name mover needs most: {_place(falls)}")
    quiet = looks.where(falls.abs() < 0.05, torch.zeros_like(looks))
    print(f"- looks at the right name, yet moves it by less than 0.05: {_place(quiet)}")
    print(f"\nThe right name in the name mover has probability {whole:.3f}. Head by head (layer.head from 0):\n")
    row("head", *scores, "looks at the right name", "probability falls without it")
    row(*["---"] * (len(scores) + 3))
    for layer in range(model.config.n_layer):
        for head in range(model.config.n_head):
            cells = [float(values[layer, head]) for values in (*scores.values(), looks, falls)]
            row(f"{layer}.{head}", *cells)


def _place(values: torch.Tensor) -> str:
    """The head with the largest value, as layer.head, and the value."""
    layer, head = divmod(int(values.argmax()), values.shape[1])
    return f"{layer}.{head} ({float(values[layer, head]):.2f})"


def print_continuations(model, tokenizer, quick: bool) -> None:
    print(f'"{STORY}", temperature 0.7, seeds 0 to 9:\n')
    for seed in range(10):
        tokens = 10 if quick else 60
        ids = measures.continued(model, [tokenizer(STORY)["input_ids"]], tokens, temperature=0.7, seed=seed)[0]
        print(f"{seed}. {STORY}{tokenizer.decode(ids)}".replace("\n", " / "), flush=True)


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print the model card's figures.")
    parser.add_argument("books", type=Path, nargs="*")
    parser.add_argument("--model", type=Path, default=HERE, help="folder with the weights")
    parser.add_argument("--quick", action="store_true", help="a few samples of everything: figures of no use")
    parser.add_argument("--threads", type=int, default=2, help="1 is faster where other work fills the cores")
    options = parser.parse_args(given)
    torch.set_num_threads(options.threads)
    model = AutoModelForCausalLM.from_pretrained(options.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    print_figures(model, tokenizer, book_files(options.books), options.quick)
    print()
    print_tasks(model, tokenizer, options.quick)
    print()
    print_heads(model, tokenizer, options.quick)
    print()
    print_continuations(model, tokenizer, options.quick)


if __name__ == "__main__":
    main()
