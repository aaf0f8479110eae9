"""Measures the listener and prints the figures of its card.

    python assets/listener/evaluate_listener.py            # prints them
    python assets/listener/evaluate_listener.py --card     # and writes them, figures.json and the short sounds

It needs espeak-ng (`synthesiser.py`). The card is refused if the model is not good enough for it: see `faults`.
"""

import json
import sys
import tempfile
import wave
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from hearing import Heard, is_inside, seconds_looked_at, share_of_time, word_error_rate
from sounds_to_learn import made_sounds
from synthesiser import RATE, Synthesiser
from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor, WhisperForConditionalGeneration, WhisperProcessor
from utterances import Spoken, draw

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from card import table, write
from command_line import measuring_options

HERE = Path(__file__).resolve().parent
MOST_ERRORS = 0.02
SHORT_SOUNDS, SOUNDS = 8, 400


def short_sounds() -> list[Spoken]:
    """Makes the sounds that ship: the first that are drawn of held-out voices and sequences."""
    rng = Random("short sounds")
    return [draw(rng, Synthesiser.of_process(), held=True) for _ in range(SHORT_SOUNDS)]


def write_short_sounds(folder: Path) -> None:
    """Writes the short sounds as WAV files, and what is said in them, with its seconds, into sounds.json."""
    folder.mkdir(exist_ok=True)
    listed = {}
    for sound in short_sounds():
        name = f"{'_'.join(sound.words)}.wav"
        with wave.open(str(folder / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((sound.samples * 32767).astype("<i2").tobytes())
        listed[name] = {"words": list(sound.words), "starts": [round(start, 3) for start in sound.starts]}
    lines = [f" {json.dumps(name)}: {json.dumps(each)}" for name, each in listed.items()]
    (folder / "sounds.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def figures(
    model: WhisperForConditionalGeneration, processor: WhisperProcessor, known: Heard, unheard: Heard
) -> dict[str, Any]:
    """Returns all figures of the card. known: sounds for training, drawn anew. unheard: held-out ones. Shares are from 0 to 1."""
    chosen = is_inside(seconds_looked_at(model, processor, known), known).mean(0)
    layer, head = np.unravel_index(chosen.argmax(), chosen.shape)
    by_length = {
        f"{length} words": unheard.part([i for i, words in enumerate(unheard.words) if len(words) == length])
        for length in (2, 3, 4)
    }
    return {
        "word errors": {name: word_error_rate(model, processor, part) for name, part in by_length.items()}
        | {"all of them": word_error_rate(model, processor, unheard)},
        "word errors on voices for training": word_error_rate(model, processor, known),
        "words": sum(map(len, unheard.words)),
        "head": [int(layer), int(head)],
        "head on voices for training": float(chosen[layer, head]),
        "heads": is_inside(seconds_looked_at(model, processor, unheard), unheard).mean(0).tolist(),
        "chance": share_of_time(unheard),
    }


def faults(measured: dict[str, Any]) -> list[str]:
    """Returns what keeps these figures from the card; an empty list if nothing does."""
    layer, head = measured["head"]
    result = []
    if measured["word errors"]["all of them"] > MOST_ERRORS:
        result.append(f"More than {MOST_ERRORS:.0%} of the words of held-out sounds are wrong.")
    if measured["heads"][layer][head] <= measured["chance"]:
        result.append("The head looks at the right moment no more often than by chance.")
    return result


def card_text(measured: dict[str, Any]) -> str:
    """Returns the figures as the card has them."""
    layer, head = measured["head"]
    heads = {f"{i}.{h}": share for i, row in enumerate(measured["heads"]) for h, share in enumerate(row)}
    return "\n".join(
        [
            *table(("held-out voices and sequences", "word errors"), *measured["word errors"].items()),
            "",
            f"These are {measured['words']:,} words. On voices and sequences for training, in sounds that were made anew, the "
            f"rate is {measured['word errors on voices for training']:.1%}.",
            "",
            f"**When heads look.** While the model writes a word, cross-attention head {layer}.{head} looks most at a moment "
            f"within this word for {heads[f'{layer}.{head}']:.1%} of the words of held-out sounds. It was chosen on voices for "
            f"training, where it is right for {measured['head on voices for training']:.1%}. All heads, on held-out sounds, are "
            f"between {min(heads.values()):.1%} and {max(heads.values()):.1%}. A moment drawn at random would be within the word "
            f"for {measured['chance']:.1%}.",
            "",
            *table(("cross-attention head, layer.head from 0", "within the word"), *heads.items()),
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    options = measuring_options("listener", HERE, arguments)
    model = AutoModelForSpeechSeq2Seq.from_pretrained(options.model).eval()
    processor = AutoProcessor.from_pretrained(options.model)
    with tempfile.TemporaryDirectory() as folder:
        known = made_sounds(processor, Path(folder) / "known.pt", SOUNDS, "evaluation, known")
        unheard = made_sounds(processor, Path(folder) / "unheard.pt", SOUNDS, "evaluation, unheard", held=True)
    measured = figures(model, processor, known, unheard)
    print(card_text(measured))
    if problems := faults(measured):
        raise SystemExit("\n".join(problems))
    if options.card:
        write(HERE, measured, card_text(measured))
        write_short_sounds(HERE / "sounds")


if __name__ == "__main__":
    main()
