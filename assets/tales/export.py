"""Writes a checkpoint into this folder, as it ships: weights in half precision, a config that asks for float32 arithmetic.

python export.py [runs/checkpoint.pt]
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import torch
from train import HERE, new_model
from transformers import AutoTokenizer


def export(checkpoint: Path) -> None:
    """Writes the weights, the configs and the training log. Each file is replaced as a whole or not at all."""
    tokenizer = AutoTokenizer.from_pretrained(HERE)
    model = new_model(len(tokenizer), tokenizer.bos_token_id)
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    with tempfile.TemporaryDirectory(dir=HERE) as folder:
        model.half().save_pretrained(folder)
        config = Path(folder) / "config.json"
        # Without this entry, transformers would compute in the half precision of the file.
        config.write_text(json.dumps({**json.loads(config.read_text()), "dtype": "float32"}, indent=2) + "\n")
        (Path(folder) / "training.json").write_text(json.dumps(state["log"], indent=1) + "\n")
        for name in ("config.json", "generation_config.json", "model.safetensors", "training.json"):
            (Path(folder) / name).chmod(0o644)
            os.replace(Path(folder) / name, HERE / name)


if __name__ == "__main__":
    export(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "runs" / "checkpoint.pt")
