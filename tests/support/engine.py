"""Asks the engine of `gptviz/pages/engine` in Node.js. What is asked, and in which form, is in `tests/js/engine_answers.mjs`."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from waiting import LONGEST_WAIT

ANSWERS = Path(__file__).parents[1] / "js" / "engine_answers.mjs"

STORY = "Once upon a time there was a little girl called Mary, who lived in a house by the river. "
CHINESE = "从前有一个小女孩，她住在河边的房子里。每天早上，她都去森林里采花。"
LONG = STORY * 18  # about 400 tokens

# Texts that a tokenizer may read wrongly.
TEXTS = [
    "", " ", "  ", "a", " a", "a ", "a  b", "   a", "a   ", "\n", "\n\n", " \n", "\n ", "a\nb", "a\r\n\tb  \n", "\t\t",
    "\v\f\x00\x1f", STORY, LONG, CHINESE, CHINESE * 4, "从前 有 一个", "日本語と한국어", "Привет, мир", "שלום עולם",
    "नमस्ते दुनिया", "สวัสดี", "don't can't we're they've I'm she'll he'd", "DON'T 'S 'Ll ''s 's", "it’s “quoted”",
    "1234567890 3.14 1,000", "x² ½ Ⅷ ٣٤ 五", "naïve café", "cafe\u0301 e\u0301\u0302", "Å Å ﬁ", "🦉", "🦉🦉🦉 owl",
    "👩‍👩‍👧 🏳️‍🌈 👍🏽", "a\u200bb\u200dc\u2060d", "\ufeffbom \ufeff", "a\u0085b\u00a0c\u3000d\u2028e\u180ef\u202fg",
    "\u00a0\u00a0x", " \u0085 y", "<script>alert('x')</script>", "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c",
    "<|endoftext|", "<|endof<|endoftext|>text|>", "$$\\frac{a}{b}$$ `code` **b**", "#" * 30, "=-=-=- ... ?!?!", "a" * 200,
    "ab" * 99, "\U0010ffff\ue000\ufffd", "ĠaĊ Ġ", "MixedCASE camelCase snake_case",
]  # fmt: skip


def ask(asked, **files):
    """Returns the engine's answers to questions [kind, question]. files: paths of its weights, config and tokenizer."""
    node = shutil.which("node")
    assert node, "make node"
    questions = {name: str(path) for name, path in files.items()} | {"asked": asked}
    # Lone surrogates are in some questions, so JSON is written in ASCII.
    done = subprocess.run(
        [node, ANSWERS], input=json.dumps(questions), capture_output=True, text=True, timeout=LONGEST_WAIT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask_passes(passes, **files):
    """Returns the answers about passes by the names of the passes, then by what was asked.

    passes: {name: {"ids": …, "edits": …, "asked": [[what, *arguments], …]}}, run in this order.
    """
    answers = ask([["pass", {"name": name} | question] for name, question in passes.items()], **files)
    return {
        name: {tuple(what): _numbers(answer) for what, answer in zip(question["asked"], answered, strict=True)}
        for (name, question), answered in zip(passes.items(), answers, strict=True)
    }


def _numbers(answer):
    """Returns lists of numbers as arrays, in any nesting."""
    if isinstance(answer, dict):
        return {name: _numbers(value) for name, value in answer.items()}
    if isinstance(answer, list) and answer and not isinstance(answer[0], (dict, list)):
        return np.array(answer, dtype=np.float64)  # float("-inf") reads "-inf"
    return [_numbers(item) for item in answer] if isinstance(answer, list) else answer


IN_PAGE = {
    "max_tokens": "maxTokens", "temperature": "temperature", "top_k": "topK", "top_p": "topP", "min_p": "minP",
    "repetition_penalty": "repetitionPenalty", "seed": "seed", "stop": "stop",
}  # fmt: skip


def generation(ids, settings, edits=()):
    """Returns the question for the steps of the last choice of `gpt.complete(ids, **settings)`. edits: as the engine has them."""
    page_settings = {IN_PAGE[name]: value for name, value in settings.items() if name in IN_PAGE}
    page_settings |= {"choice": settings.get("n", 1) - 1, "edits": list(edits)}
    return ["generate", {"ids": list(ids), "settings": page_settings}]


def assert_same_steps(steps, choice, bound):
    """Compares the engine's steps with a choice of a completion. bound: of probabilities, relative to each."""
    assert [step["id"] for step in steps] == [step.token.id for step in choice.steps]
    assert [step["text"] for step in steps] == [step.text for step in choice.steps]
    assert "".join(step["text"] for step in steps) == choice.text
    assert [step["finishReason"] for step in steps] == [step.finish_reason for step in choice.steps]
    for actual, expected in zip(steps, choice.steps, strict=True):
        assert [one["id"] for one in actual["alternatives"]] == [one.token.id for one in expected.alternatives]
        for of_page, of_python in [
            (actual, expected),
            *zip(actual["alternatives"], expected.alternatives, strict=True),
        ]:
            assert of_page["probability"] == pytest.approx(of_python.probability, rel=bound)
            assert of_page["samplingProbability"] == pytest.approx(of_python.sampling_probability, rel=bound)
        assert actual["kept"] == expected.kept
        assert actual["keptMass"] == pytest.approx(expected.kept_mass, rel=bound)
        assert actual["entropy"] == pytest.approx(expected.entropy, abs=20 * bound)
        assert actual["modelEntropy"] == pytest.approx(expected.model_entropy, abs=20 * bound)
