"""Makes the sounds for training and for evaluation, as features, and keeps them in a file of the folder for checkpoints."""

from pathlib import Path
from random import Random

import torch
from hearing import Heard
from synthesiser import RATE, Synthesiser
from tqdm import tqdm
from transformers import WhisperProcessor
from utterances import Spoken, draw


def features_of(processor: WhisperProcessor, sounds: list[Spoken]) -> Heard:
    """Returns sounds as the model reads them."""
    samples = [sound.samples for sound in sounds]
    features = processor.feature_extractor(samples, sampling_rate=RATE, return_tensors="pt").input_features
    return Heard(features, [sound.words for sound in sounds], [sound.starts for sound in sounds])


def made_sounds(processor: WhisperProcessor, file: Path, count: int, seed: str, held: bool = False) -> Heard:
    """Reads the sounds of a file; makes them first if there is no such file. They are kept in half precision."""
    if not file.exists():
        synthesiser, rng = Synthesiser.of_process(), Random(seed)
        parts = []
        for begin in tqdm(range(0, count, 100), desc=file.stem, mininterval=30):
            drawn = [draw(rng, synthesiser, held) for _ in range(min(100, count - begin))]
            part = features_of(processor, drawn)
            parts.append(part._replace(features=part.features.half()))
        words = [" ".join(each) for part in parts for each in part.words]
        starts = [list(each) for part in parts for each in part.starts]
        torch.save({"features": torch.cat([part.features for part in parts]), "words": words, "starts": starts}, file)
    state = torch.load(file, weights_only=True)
    words = [tuple(text.split()) for text in state["words"]]
    return Heard(state["features"].float(), words, [tuple(each) for each in state["starts"]])
