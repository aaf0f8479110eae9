"""Trains `listener`, Whisper's architecture with 0.8 M parameters, on words that espeak-ng says, and writes it here.

    python assets/listener/train_listener.py                 # resumes if runs/ has a checkpoint
    python assets/listener/train_listener.py --minutes 10    # stops after that time with a checkpoint

It needs espeak-ng (`synthesiser.py`). The sounds are made first, and kept beside the checkpoint. Every step draws its batch
from the seed and its own number.
"""

import sys
from pathlib import Path

import torch
from hearing import Heard, labels_of, word_error_rate
from sounds_to_learn import made_sounds
from torch import Tensor
from transformers import WhisperConfig, WhisperForConditionalGeneration, WhisperProcessor
from word_processor import MELS, START, word_processor

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from command_line import training_options
from resumable import Run, Settings

HERE = Path(__file__).resolve().parent
WIDTH, LAYERS, HEADS, MOST_TOKENS = 128, 2, 4, 16
SEED, SOUNDS, HELD_SOUNDS, STEPS, ROWS = 0, 5000, 400, 3000, 32
RATE, WARM_UP = 0.0015, 100
NOISE = 0.05  # added to the features of each batch, as a standard deviation


def new_model(processor: WhisperProcessor) -> WhisperForConditionalGeneration:
    """Makes a model with random weights."""
    tokenizer, extractor = processor.tokenizer, processor.feature_extractor
    end = tokenizer.eos_token_id
    config = WhisperConfig(
        vocab_size=len(tokenizer), num_mel_bins=MELS, d_model=WIDTH, dropout=0.0,
        max_source_positions=extractor.nb_max_frames // 2, max_target_positions=MOST_TOKENS,
        encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=2 * WIDTH,
        decoder_layers=LAYERS, decoder_attention_heads=HEADS, decoder_ffn_dim=2 * WIDTH,
        pad_token_id=end, bos_token_id=end, eos_token_id=end,
        decoder_start_token_id=tokenizer.convert_tokens_to_ids(START), suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    return WhisperForConditionalGeneration(config)


def loss_of(model: WhisperForConditionalGeneration, processor: WhisperProcessor, sounds: Heard) -> Tensor:
    """Returns the mean loss in nats a token of what is written."""
    return model(sounds.features, labels=labels_of(processor, sounds.words), use_cache=False).loss


def train(folder: Path, out: Path, steps: int = STEPS, minutes: float = float("inf")) -> None:
    """Trains in a folder for sounds and checkpoints, and writes the model into `out` after the last step."""
    folder.mkdir(parents=True, exist_ok=True)
    processor = word_processor()
    sounds = made_sounds(processor, folder / "sounds.pt", SOUNDS, f"{SEED} sounds")
    unheard = made_sounds(processor, folder / "held_out.pt", HELD_SOUNDS, f"{SEED} held out", held=True)
    torch.manual_seed(SEED)
    model = new_model(processor)

    def batch(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(SEED * 1_000_003 + step)
        part = sounds.part(torch.randint(len(sounds.words), (ROWS,), generator=generator).tolist())
        noise = NOISE * torch.randn(part.features.shape, generator=generator)
        return loss_of(model, processor, part._replace(features=part.features + noise))

    @torch.no_grad()
    def validate() -> dict[str, float]:
        """Returns the loss and the word error rate on held-out voices and sequences."""
        loss = loss_of(model, processor, unheard).item()
        return {"loss": round(loss, 4), "word errors": round(word_error_rate(model, processor, unheard), 4)}

    run = Run(model, folder, Settings(steps, RATE, WARM_UP))
    run.train(batch, validate, minutes)
    if run.is_done:
        run.export(out, processor)


def main(arguments: list[str] | None = None) -> None:
    options = training_options("listener", HERE, arguments)
    train(options.runs, options.out, minutes=options.minutes)


if __name__ == "__main__":
    main()
