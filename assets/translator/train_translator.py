"""Trains `translator`, an encoder-decoder with 0.7 M parameters, on sentences of a grammar, and writes it into this folder.

    python assets/translator/train_translator.py                 # resumes if runs/ has a checkpoint
    python assets/translator/train_translator.py --minutes 10    # stops after that time with a checkpoint

Every step draws its batch from the seed and its own number.
"""

import sys
from pathlib import Path
from random import Random
from typing import Any

import torch
from alignment import exact
from grammar import Pair
from rows import rows_of
from sentences import draw
from torch import Tensor
from transformers import M2M100Config, M2M100ForConditionalGeneration, PreTrainedTokenizerBase
from word_tokenizer import LONGEST, word_tokenizer

sys.path.append(str(Path(__file__).resolve().parents[1] / "making"))
from command_line import training_options
from resumable import Run, Settings

HERE = Path(__file__).resolve().parent
WIDTH, LAYERS, HEADS = 128, 2, 4  # layers of each stack, heads of each layer
SEED, STEPS, ROWS = 0, 1600, 64
RATE, WARM_UP = 0.002, 200
UNKNOWN = 0.15  # the share of the sentences with an unknown word


def new_model(tokenizer: PreTrainedTokenizerBase) -> M2M100ForConditionalGeneration:
    """Makes a model with random weights. Its tables of tokens, in both stacks and at the end, are one."""
    config = M2M100Config(
        vocab_size=len(tokenizer), d_model=WIDTH, max_position_embeddings=LONGEST, init_std=WIDTH**-0.5,
        encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=2 * WIDTH, encoder_layerdrop=0.0,
        decoder_layers=LAYERS, decoder_attention_heads=HEADS, decoder_ffn_dim=2 * WIDTH, decoder_layerdrop=0.0,
        dropout=0.0, attention_dropout=0.0, pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, decoder_start_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    return M2M100ForConditionalGeneration(config)


def loss_of(model: M2M100ForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, pairs: list[Pair]) -> Tensor:
    """Returns the mean loss in nats a token of the French sentences."""
    source, mask, target, labels = rows_of(tokenizer, pairs)
    return model(source, attention_mask=mask, decoder_input_ids=target, labels=labels, use_cache=False).loss


def train(folder: Path, out: Path, steps: int = STEPS, minutes: float = float("inf")) -> None:
    """Trains in a folder for checkpoints, and writes the model into `out` after the last step."""
    tokenizer = word_tokenizer()
    torch.manual_seed(SEED)
    model = new_model(tokenizer)
    unseen = [draw(rng, held=True) for rng in [Random("validation")] for _ in range(200)]

    def batch(step: int) -> Tensor:
        rng = Random(f"{SEED} {step}")
        return loss_of(model, tokenizer, [draw(rng, unknown=UNKNOWN) for _ in range(ROWS)])

    @torch.no_grad()
    def validate() -> dict[str, Any]:
        """Returns the loss on held-out sentences, and the share of them that is translated exactly."""
        return {"loss": round(loss_of(model, tokenizer, unseen).item(), 4), "exact": exact(model, tokenizer, unseen)}

    run = Run(model, folder, Settings(steps, RATE, WARM_UP))
    run.train(batch, validate, minutes)
    if run.is_done:
        run.export(out, tokenizer)


def main(arguments: list[str] | None = None) -> None:
    options = training_options("translator", HERE, arguments)
    train(options.runs, options.out, minutes=options.minutes)


if __name__ == "__main__":
    main()
