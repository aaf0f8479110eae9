"""Measures the engine of pages, a GPT in JavaScript: `python tests/benchmarks/engine.py`. Prints times, asserts none."""

import shutil
import subprocess
from pathlib import Path

from gptviz._paths import assets_dir

TIMES = Path(__file__).parents[1] / "js" / "engine_times.mjs"

if __name__ == "__main__":
    node = shutil.which("node")
    assert node, "make node"
    subprocess.run([node, TIMES, assets_dir() / "tales"], check=True)
