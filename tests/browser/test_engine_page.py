"""The engine of pages in a real Chromium, which has its own tables of letters, decoders and arithmetic."""

import base64
import os
from pathlib import Path

import numpy as np
from close import assert_close
from engine import STORY, TEXTS

import gptviz
from gptviz._paths import assets_dir
from gptviz.pages.modules import bundle

FOLDER = assets_dir() / "tales"
ENGINE = Path(gptviz.__file__).parent / "pages" / "engine"
ANSWER = """
export function answer(bytes, config, file, texts, prompt, settings) {
  const tokenizer = new Tokenizer(file);
  const gpt = new GPT(new Safetensors(bytes), config);
  const ids = tokenizer.encode(prompt);
  const steps = [...generate(gpt, tokenizer, ids, settings)];
  const logits = Array.from(gpt.run(ids).logits());
  return { ids: texts.map((text) => tokenizer.encode(text)), logits, text: steps.map((step) => step.text).join("") };
}
"""
IN_PAGE = """async ([source, weights, ...rest]) => {
  const { answer } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const bytes = await (await fetch("data:application/octet-stream;base64," + weights)).arrayBuffer();
  return answer(bytes, JSON.parse(rest[0]), JSON.parse(rest[1]), ...rest.slice(2));
}"""


def test_a_page_computes_what_python_computes(new_page, tmp_path):
    names = {"tokenizer.js": "Tokenizer", "safetensors.js": "Safetensors", "gpt.js": "GPT", "generate.js": "generate"}
    folder, entry = os.path.relpath(ENGINE, tmp_path), tmp_path / "entry.js"
    entry.write_text("".join(f'import {{ {name} }} from "{folder}/{file}";\n' for file, name in names.items()) + ANSWER)
    gpt, prompt = gptviz.load(), f"{STORY}One day"
    files = [(FOLDER / name).read_text("utf-8") for name in ("config.json", "tokenizer.json")]
    weights = base64.b64encode((FOLDER / "model.safetensors").read_bytes()).decode()
    settings = {"maxTokens": 12, "temperature": 0.7, "seed": 2**33 + 5}
    answer = new_page().evaluate(IN_PAGE, [bundle(entry), weights, *files, TEXTS, prompt, settings])
    assert answer["ids"] == [gpt.encode(text) for text in TEXTS]
    trace = gpt.trace(prompt)
    assert_close(np.array(answer["logits"]), trace.logits[-1], scale=[trace.residual(6), trace.residual(3)])
    assert answer["text"] == gpt.complete(prompt, max_tokens=12, temperature=0.7, seed=2**33 + 5).choices[0].text
