"""The worked example in CONTRIBUTING.md: one folder and one line make a view that works."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from close import assert_close
from families import tokenizer
from new_view import PACKAGE, example_files, installed_example
from open_views import open_views
from transformers import GPT2Config, GPT2LMHeadModel
from view_classes import view_classes
from view_words import check_words

import gptviz


@pytest.fixture(scope="module")
def view_class(tmp_path_factory):
    with installed_example(tmp_path_factory.mktemp("example")) as view_class:
        yield view_class


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(8)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=907, n_embd=24, n_layer=2, n_head=3, n_positions=64)).eval()
    with torch.no_grad():
        model.lm_head.weight.normal_(0, 0.3)  # so that the entropies differ
    return gptviz.wrap(model, tokenizer())


@pytest.fixture(scope="module")
def trace(gpt):
    return gpt.trace("the thin owl saw a mouse")


def entropies(trace):
    """The entropy in bits at each position, computed from the logits (T, vocab)."""
    logits = trace.logits.astype(np.float64)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = weights / weights.sum(-1, keepdims=True)
    return -(probabilities * np.log2(probabilities)).sum(-1)


def test_the_example_is_one_folder_and_one_line_of_at_most_40_lines():
    files = example_files()
    assert {path.rpartition("/")[0] for path in files} == {"gptviz", "gptviz/widgets/entropy"}
    assert {path.rpartition(".")[2] for path in files} == {"py", "js"}
    lines = {path: [line for line in text.split("\n") if line.strip()] for path, text in files.items()}
    assert len(lines["gptviz/__init__.py"]) == 1
    assert sum(map(len, lines.values())) <= 40


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_its_python_passes_ruff(command):
    path = "gptviz/widgets/entropy/entropy.py"
    ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", path, "-"]
    checked = subprocess.run(ruff, input=example_files()[path], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_line_makes_it_a_name_of_gptviz(view_class):
    assert gptviz.EntropyView is view_class


def test_the_table_and_the_page_have_the_entropies_of_the_logits(view_class, trace):
    view, expected = view_class(trace), entropies(trace)
    assert np.ptp(expected) > 0.1
    assert [row["token"] for row in view.to_table()] == [token.text for token in trace.tokens]
    assert_close([row["bits"] for row in view.to_table()], expected, scale=trace.logits)
    assert_close([row["bits"] for row in view._rows], expected, scale=trace.logits)
    assert [row["id"] for row in view._rows] == [token.id for token in trace.tokens]


def test_it_follows_a_prompt_box(view_class, gpt):
    box = gptviz.PromptBox("an owl", gpt=gpt)
    view = view_class(box)
    assert [row["token"] for row in view._rows] == [token.text for token in box.trace.tokens]
    box.run("the thin owl")
    assert [row["token"] for row in view._rows] == [token.text for token in gpt.trace("the thin owl").tokens]


def test_its_module_has_no_imports_and_is_valid_javascript(view_class, tmp_path):
    source = view_class._esm
    assert "export default" in source and not any(line.startswith("import ") for line in source.split("\n"))
    file = tmp_path / "entropy.mjs"
    file.write_text(source, encoding="utf-8")
    checked = subprocess.run([shutil.which("node"), "--check", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_its_words_pass_the_checks_of_every_views_words(view_class):
    views = view_classes()
    assert views["entropy"] is view_class
    for view in views.values():
        check_words(view, views.values())


def test_it_is_among_the_views_that_get_every_message_of_a_page(view_class):
    views = open_views()
    assert isinstance(views["entropy"], view_class)
    assert views.keys() == view_classes().keys()


@pytest.mark.parametrize("language, title", [("en", "Entropy of the next token"), ("zh", "下一个词元的熵")])
def test_its_still_picture_has_the_title_and_the_entropies(view_class, trace, language, title):
    picture = view_class(trace, language=language).still()
    assert title in picture
    for bits in entropies(trace):
        assert f">{bits:.2f}<" in picture
