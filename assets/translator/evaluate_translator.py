"""Measures the translator and prints the figures of its card. They depend on the weights only.

    python assets/translator/evaluate_translator.py           # prints them
    python assets/translator/evaluate_translator.py --card    # and writes them into README.md and figures.json

A run takes about half a minute on one core. The card is refused if the model is not good enough for it: see `faults`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from alignment import Effects, effects, exact, looks_right, translations, words_of
from grammar import Pair
from sentences import KINDS, draw
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from card import table, write
from command_line import measuring_options

HERE = Path(__file__).resolve().parent
LEAST_EXACT = 0.97
EXAMPLES = (
    "the red house", "The small white flower.", "These two big black dogs", "her uncle and my aunt", "his house is old.",
    "The house is red.", "the horses are brown", "the queen sees the young doctor", "The queen sees him.", "they help her",
    "the cat under our green chair", "the big elephant is tired",
)  # fmt: skip


def drawn(name: str, each: int, held: bool = True, kinds: Sequence[str] = KINDS) -> list[Pair]:
    """Returns `each` sentences of some kinds. name: the seed."""
    rng = Random(name)
    return [draw(rng, kind, held) for kind in kinds for _ in range(each)]


def figures(model, tokenizer) -> dict[str, Any]:
    """Returns all figures of the card. Shares are from 0 to 1."""
    by_kind = {kind: exact(model, tokenizer, drawn("exact", 200, kinds=[kind])) for kind in KINDS}
    learned = looks_right(model, tokenizer, drawn("choose the head", 60, held=False)).float().mean(0)
    layer, head = divmod(int(learned.argmax()), learned.shape[1])
    pairs = drawn("heads", 100)
    right, words = looks_right(model, tokenizer, pairs), words_of(pairs)
    of_head = right[:, layer, head].float()
    moved = torch.tensor([word.source != word.at for word in words])
    classes = {
        name: torch.tensor([word.word_class == name for word in words])
        for name in sorted({w.word_class for w in words})
    }
    some = drawn("effects", 30)
    return {
        "exact": by_kind | {"all of them": sum(by_kind.values()) / len(by_kind)},
        "exact on sentences for training": exact(model, tokenizer, drawn("known", 200, held=False)),
        "head": [layer, head],
        "head on sentences for training": learned[layer, head].item(),
        "words": len(words),
        "same place": (~moved).float().mean().item(),
        "heads": right.float().mean(0).tolist(),
        "words of the head": {name: of_head[members].mean().item() for name, members in classes.items()}
        | {"at another place than in English": of_head[moved].mean().item()},
        "unknown": _falls(effects(model, tokenizer, some)),
        "hidden": _falls(effects(model, tokenizer, some, hidden=True)),
        "examples": dict(zip(EXAMPLES, translations(model, tokenizer, EXAMPLES), strict=True)),
    }


def _falls(measured: Effects) -> dict[str, float]:
    return {
        "own": measured.own.mean().item(),
        "others": measured.others.mean().item(),
        "own is largest": (measured.own > measured.most).float().mean().item(),
    }


def faults(measured: dict[str, Any]) -> list[str]:
    """Returns what keeps these figures from the card; an empty list if nothing does."""
    result = []
    if measured["exact"]["all of them"] < LEAST_EXACT:
        result.append(f"Less than {LEAST_EXACT:.0%} of the held-out sentences are translated exactly.")
    for method in ("unknown", "hidden"):
        if measured[method]["own"] <= measured[method]["others"]:
            result.append(
                f"A word does not depend most on the word that it translates ({method}): this is no alignment."
            )
    return result


def card_text(measured: dict[str, Any]) -> str:
    """Returns the figures as the card has them."""
    layer, head = measured["head"]
    heads = {f"{i}.{h}": share for i, row in enumerate(measured["heads"]) for h, share in enumerate(row)}
    unknown, hidden = measured["unknown"], measured["hidden"]
    return "\n".join(
        [
            *table(("held-out sentences", "translated exactly"), *measured["exact"].items()),
            "",
            f"Of sentences for training it translates {measured['exact on sentences for training']:.1%} exactly.",
            "",
            f"**Where heads look.** Cross-attention head {layer}.{head} looks most at the English word that the next French word "
            f"translates for {heads[f'{layer}.{head}']:.1%} of the {measured['words']:,} words of held-out sentences. It was "
            f"chosen on sentences for training, where it is right for {measured['head on sentences for training']:.1%}. All "
            f"heads, on held-out sentences, are between {min(heads.values()):.1%} and {max(heads.values()):.1%}. A head that "
            f"always looked at the word at the same place would be right for {measured['same place']:.1%}.",
            "",
            *table(
                ("words of held-out sentences", f"head {layer}.{head} is right"), *measured["words of the head"].items()
            ),
            "",
            *table(("cross-attention head, layer.head from 0", "right"), *heads.items()),
            "",
            "**What a word depends on.** The fall of the right French word's probability, if one English word is taken away:",
            "",
            *table(
                (
                    "the English word",
                    "it translates",
                    "another one, a mean",
                    "words for which its own has the largest effect",
                ),
                ("is unknown", f"{unknown['own']:.3f}", f"{unknown['others']:.3f}", unknown["own is largest"]),
                (
                    "is hidden from the decoder",
                    f"{hidden['own']:.3f}",
                    f"{hidden['others']:.3f}",
                    hidden["own is largest"],
                ),
            ),
            "",
            *table(("typed", "written"), *measured["examples"].items()),
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    options = measuring_options("translator", HERE, arguments)
    model = AutoModelForSeq2SeqLM.from_pretrained(options.model).eval()
    measured = figures(model, AutoTokenizer.from_pretrained(options.model))
    print(card_text(measured))
    if problems := faults(measured):
        raise SystemExit("\n".join(problems))
    if options.card:
        write(HERE, measured, card_text(measured))


if __name__ == "__main__":
    main()
