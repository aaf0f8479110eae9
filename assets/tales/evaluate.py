"""Prints the figures of the model card. They depend on the weights only: the same weights give the same figures.

    python evaluate.py [FILE or FOLDER with held-out books ...]
    python evaluate.py --quick      # a few samples of everything, to check that it runs

Books are plain text files from Project Gutenberg, and are cleaned first. Without books, the rows about books are left out.
A run takes a few minutes on two cores. The project's benchmarks measure speed; this program does not.
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
SHARP = "When Tom and Mary went to the park, Tom gave a ball to"  # one next token has nearly all the probability
FLAT = "One day"  # many next tokens are possible
LOOP = "It was"  # greedy decoding ends in a loop


def typed_prompts() -> list[dict[str, str]]:
    """Reads the hundred prompts of prompts.tsv, as a class would type them: task, prompt, answer, held-out combination."""
    with (HERE / "prompts.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [{**row, "prompt": row["prompt"].replace("\\n", "\n")} for row in rows]


def is_answered(written: str, answer: str) -> bool:
    """Whether the model's text begins with the answer, as whole words. Upper and lower case count as the same."""
    return bool(re.match(rf"\s*{re.escape(answer)}(?!\w)", written, re.IGNORECASE))


def typed_accuracy(model, tokenizer, per_task: int | None = None) -> dict[str, tuple[int, int]]:
    """Returns, for each task, how many typed prompts the greedy continuation answers, and how many were asked."""
    counts: dict[str, tuple[int, int]] = {}
    for row in typed_prompts():
        right, asked = counts.get(row["task"], (0, 0))
        if asked == per_task:
            continue
        ids = measures.continued(model, [tokenizer(row["prompt"])["input_ids"]], 24, temperature=0, seed=0)[0]
        counts[row["task"]] = right + is_answered(tokenizer.decode(ids), row["answer"]), asked + 1
    return counts


def book_files(paths: list[Path]) -> list[Path]:
    """Returns the given files, and the book files of the given folders."""
    return [file for path in paths for file in (sorted(path.glob("[0-9]*.txt")) if path.is_dir() else [path])]


def print_row(*cells: object) -> None:
    """Prints one row of a Markdown table."""
    texts = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
    print("| " + " | ".join(texts) + " |", flush=True)


def print_tasks(model, tokenizer, quick: bool) -> None:
    count = 10 if quick else 200
    print_row("task, exact answers", "known wordings", "new wordings")
    print_row("---", "---", "---")
    for task in ASKED:
        shares = [measures.accuracy(model, tokenizer, task, wording=new, count=count) for new in (False, True)]
        print_row(task.replace("_", " "), *(f"{share:.1%}" for share in shares))
    print()
    print_row("task, share of the drawn answer's words", "known wordings", "new wordings")
    print_row("---", "---", "---")
    for task in TOLD:
        shares = [measures.shared_words(model, tokenizer, task, wording=new, count=count // 4) for new in (False, True)]
        print_row(task, *(f"{share:.1%}" for share in shares))
    print()
    typed = typed_accuracy(model, tokenizer, 2 if quick else None)
    print_row("typed by hand", "answered")
    print_row("---", "---")
    for task, (right, asked) in typed.items():
        print_row(task, f"{right} of {asked}")
    print_row("together", f"{sum(r for r, _ in typed.values())} of {sum(n for _, n in typed.values())}")


def print_figures(model, tokenizer, books: list[Path], quick: bool) -> None:
    print_row("measure", "figure")
    print_row("---", "---")
    if books:
        texts = [clean.book(file)[: 20_000 if quick else None] for file in books]
        bits = [measures.bits_per_character(model, tokenizer, text) for text in texts]
        total = sum(b * len(t) for b, t in zip(bits, texts, strict=True)) / sum(map(len, texts))
        print_row("bits per character, these books together", total)
        for file, bits_of_book in zip(books, bits, strict=True):
            print_row(f"– {file.stem}", bits_of_book)
    for planted, (mean, largest) in measures.bias(model, tokenizer).items():
        measured = f"{mean:.1%} measured, one job off by up to {largest * 100:.0f} points"
        print_row(f"bias planted at {planted:.0%} he", measured)
    first, second = measures.repetition_gain(model)
    print_row("random repeated tokens, loss on first / second half", f"{first:.2f} / {second:.2f} nats")
    stories = 12 if quick else 100
    again, pronouns, agree = measures.heroes(model, tokenizer, stories, tokens=20 if quick else 80)
    print_row("held-out openings: the hero's name comes again", f"{again} of {stories}")
    print_row("held-out openings: the first pronoun agrees with the hero", f"{agree} of {pronouns}")
    for name, prompt in (("sharp", SHARP), ("flat", FLAT)):
        probability, id = measures.next_probabilities(model, tokenizer, prompt).max(-1)
        print_row(f'{name} next token: "{prompt}"', f'"{tokenizer.decode([int(id)])}" {float(probability):.3f}')
    greedy_ids = measures.continued(model, [tokenizer(LOOP)["input_ids"]], 60 if quick else 300, temperature=0, seed=0)[
        0
    ]
    period = measures.loop_length(greedy_ids)
    print_row(
        f'greedy text from "{LOOP}", {len(greedy_ids)} tokens', f"a loop of {period} tokens" if period else "no loop"
    )


def print_heads(model, tokenizer, quick: bool) -> None:
    scores = role_scores(model)
    probability, decrease, attention = measures.name_mover_heads(model, tokenizer, 10 if quick else 100)
    for role, values in scores.items():
        print(f"- best {role} head: {_best_head(values)}")
    print(f"- largest effect on the name mover when switched off: {_best_head(decrease)}")
    without_effect = attention.where(decrease.abs() < 0.05, torch.zeros_like(attention))
    print(f"- most attention to the right name, with an effect below 0.05: {_best_head(without_effect)}")
    print(f"\nIn the name mover, the right name has probability {probability:.3f}. All heads (layer.head from 0):\n")
    print_row("head", *scores, "attention to the right name", "decrease of its probability without the head")
    print_row(*["---"] * (len(scores) + 3))
    for layer in range(model.config.n_layer):
        for head in range(model.config.n_head):
            cells = [float(values[layer, head]) for values in (*scores.values(), attention, decrease)]
            print_row(f"{layer}.{head}", *cells)


def _best_head(values: torch.Tensor) -> str:
    """Returns the head with the largest value, as layer.head, and the value."""
    layer, head = divmod(int(values.argmax()), values.shape[1])
    return f"{layer}.{head} ({float(values[layer, head]):.2f})"


def print_continuations(model, tokenizer, quick: bool) -> None:
    print(f'"{STORY}", temperature 0.7, seeds 0 to 9:\n')
    for seed in range(10):
        tokens = 10 if quick else 60
        ids = measures.continued(model, [tokenizer(STORY)["input_ids"]], tokens, temperature=0.7, seed=seed)[0]
        print(f"{seed}. {STORY}{tokenizer.decode(ids)}".replace("\n", " / "), flush=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Prints the figures of the model card.")
    parser.add_argument("books", type=Path, nargs="*")
    parser.add_argument("--model", type=Path, default=HERE, help="folder with the weights")
    parser.add_argument("--quick", action="store_true", help="use a few samples only; the figures are not meaningful")
    parser.add_argument("--threads", type=int, default=2, help="use 1 if other programs keep the cores busy")
    options = parser.parse_args(arguments)
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
