"""Print the model card's table from the weights alone: the same weights give the same figures.

    python evaluate.py [FILE or FOLDER with held-out books ...]

Books are plain text as Project Gutenberg has them; they are cleaned first. Without books their row is left out.
It takes a few minutes on two cores. Not about speed: the project's benchmarks measure that.
"""

import argparse
import csv
from pathlib import Path

import clean
import measures
import torch
from heads import role_scores
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
ASKED = ("name_mover", "question", "sentiment", "copying", "translation", "country")
STORY = "Once upon a time there was a"
SHARP = "When Tom and Mary went to the park, Tom gave a ball to"
FLAT = "The old man said that the"
LOOP = "Once upon a time"


def typed_prompts() -> list[tuple[str, str]]:
    """The hundred hand-written (prompt, answer) pairs of prompts.tsv, as a class would type them."""
    with (HERE / "prompts.tsv").open(encoding="utf-8", newline="") as file:
        return [(row["prompt"].replace("\\n", "\n"), row["answer"]) for row in csv.DictReader(file, delimiter="\t")]


def typed_accuracy(model, tokenizer) -> float:
    """Share of the typed prompts whose greedy continuation begins with the answer; capitals count as small letters."""
    right = 0
    pairs = typed_prompts()
    for prompt, answer in pairs:
        row = measures.continued(model, [tokenizer(prompt)["input_ids"]], 12, temperature=0, seed=0)[0]
        right += tokenizer.decode(row).strip().lower().startswith(answer.lower())
    return right / len(pairs)


def book_files(paths: list[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob("[0-9]*.txt")) if path.is_dir() else [path])]


def row(*cells: object) -> None:
    texts = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
    print("| " + " | ".join(texts) + " |", flush=True)


def print_figures(model, tokenizer, books: list[Path]) -> None:
    row("measure", "figure")
    row("---", "---")
    if books:
        texts = [clean.book(file) for file in books]
        bits = [measures.bits_per_character(model, tokenizer, text) for text in texts]
        total = sum(b * len(t) for b, t in zip(bits, texts, strict=True)) / sum(map(len, texts))
        row("bits per character, held-out books", total)
        for file, one in zip(books, bits, strict=True):
            row(f"– {file.stem}", one)
    for task in ASKED:
        known = measures.accuracy(model, tokenizer, task, wording=False)
        new = measures.accuracy(model, tokenizer, task, wording=True)
        row(f"{task.replace('_', ' ')}: known wordings / new wordings", f"{known:.0%} / {new:.0%}")
    row("hundred typed prompts", f"{typed_accuracy(model, tokenizer):.0%}")
    for planted, (mean, off) in measures.bias(model, tokenizer).items():
        row(
            f"bias planted at {planted:.0%} he",
            f"{mean:.1%} measured, one job off by up to {off * 100:.0f} points",
        )
    first, second = measures.repetition_gain(model)
    row("random repeated tokens, loss first / second copy", f"{first:.2f} / {second:.2f} nats")
    again, agree = measures.heroes(model, tokenizer)
    row("story goes on: hero named again / first pronoun agrees", f"{again:.0%} / {agree:.0%}")
    for name, prompt in (("sharp", SHARP), ("flat", FLAT)):
        likeliest, index = measures.next_probabilities(model, tokenizer, prompt).max(-1)
        row(f'{name} next token: "{prompt}"', f'"{tokenizer.decode([int(index)])}" {float(likeliest):.3f}')
    looped = measures.continued(model, [tokenizer(LOOP)["input_ids"]], 300, temperature=0, seed=0)[0]
    period = measures.loop_length(looped)
    row(f'greedy text from "{LOOP}", 300 tokens', f"a loop of {period} tokens" if period else "no loop")


def print_heads(model, tokenizer) -> None:
    scores = role_scores(model)
    whole, falls, looks = measures.name_mover_heads(model, tokenizer)
    print(f"\nThe right name in the name mover has probability {whole:.3f}. Head by head:\n")
    row("head", *scores, "looks at the right name", "probability falls without it")
    row(*["---"] * (len(scores) + 3))
    for layer in range(model.config.n_layer):
        for head in range(model.config.n_head):
            cells = [float(values[layer, head]) for values in (*scores.values(), looks, falls)]
            row(f"{layer}.{head}", *cells)
    print()
    for role, values in scores.items():
        print(f"- best {role} head: {_place(values)}")
    print(f"- the name mover needs most: {_place(falls)}")
    quiet = looks.where(falls.abs() < 0.05, torch.zeros_like(looks))
    print(f"- looks at the right name, yet moves it by less than 0.05: {_place(quiet)}")


def _place(values: torch.Tensor) -> str:
    """The head with the largest value, as layer.head, and the value."""
    layer, head = divmod(int(values.argmax()), values.shape[1])
    return f"{layer}.{head} ({float(values[layer, head]):.2f})"


def print_continuations(model, tokenizer) -> None:
    print(f'\n"{STORY}", temperature 0.7, seeds 0 to 9:\n')
    for seed in range(10):
        ids = measures.continued(model, [tokenizer(STORY)["input_ids"]], 60, temperature=0.7, seed=seed)[0]
        print(f"{seed}. {STORY}{tokenizer.decode(ids)}".replace("\n", " / "), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the model card's table.")
    parser.add_argument("books", type=Path, nargs="*")
    parser.add_argument("--model", type=Path, default=HERE, help="folder with the weights")
    options = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(options.model).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    torch.set_num_threads(2)
    print_figures(model, tokenizer, book_files(options.books))
    print_heads(model, tokenizer)
    print_continuations(model, tokenizer)


if __name__ == "__main__":
    main()
