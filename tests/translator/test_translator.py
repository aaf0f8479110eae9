"""The translator's training and measures against other computations, and the figures of its card against its weights."""

import json
from dataclasses import replace
from random import Random

import alignment
import evaluate_translator as evaluation
import lexicon
import numpy as np
import pytest
import sentences
import torch
import train_translator as training
from card import BEGIN, END, table, with_figures, write
from close import approx_float64, assert_close, rounding
from grammar import text
from resumable import Run, Settings
from safetensors import safe_open
from transformers import AutoTokenizer
from word_tokenizer import vocabulary, word_tokenizer

import gptviz
from gptviz._paths import assets_dir

FOLDER = assets_dir() / "translator"
SMALL = 0.01  # by how much a share may differ on another computer, where a few near ties turn out differently


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load("translator")


@pytest.fixture(scope="module")
def measured(gpt):
    """The figures, from the weights alone."""
    return evaluation.figures(gpt.model, gpt.tokenizer)


@pytest.fixture(scope="module")
def stated():
    """The figures of the card."""
    return json.loads((FOLDER / "figures.json").read_text("utf-8"))


def some(count, seed=3):
    rng = Random(seed)
    return [sentences.draw(rng, kind, held=True) for kind in sentences.KINDS for _ in range(count)]


# ------------------------------------------------------------------------------------------------ training
def test_the_learning_rate_rises_and_falls_to_zero():
    settings = Settings(steps=1000, rate=0.5, warm_up=200)
    rates = [settings.rate_at(step) for step in (0, 99, 199, 599, 999)]
    assert rates == approx_float64([0.5 / 200, 0.25, 0.5 * 0.801, 0.5 * 0.401, 0.5 * 0.001])


def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path):
    tokenizer = word_tokenizer()

    def run_of(name):
        torch.manual_seed(0)
        return Run(training.new_model(tokenizer), tmp_path / name, Settings(steps=4, rate=0.01, warm_up=2, every=2))

    def trained(run, stop=None):
        def loss_of(step):
            if step == stop:
                raise KeyboardInterrupt
            return training.loss_of(run.model, tokenizer, some(1, seed=step))

        run.train(loss_of, lambda: {"right": 0.5})
        return run

    whole = trained(run_of("whole"))
    with pytest.raises(KeyboardInterrupt):
        trained(run_of("parts"), stop=3)
    parts = trained(run_of("parts"))
    one, other = whole.model.state_dict(), parts.model.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert whole.log == parts.log == [{"step": 2, "right": 0.5}, {"step": 4, "right": 0.5}]
    assert whole.is_done and run_of("parts").is_done
    parts.export(tmp_path, tokenizer)
    loaded = gptviz.load(tmp_path)
    for name, value in loaded.model.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, one[name].half().float()), name
    assert json.loads((tmp_path / "training.json").read_text()) == whole.log
    assert parts.model.dtype == torch.float32


def test_a_run_without_time_says_how_to_go_on(tmp_path, capsys):
    training.main(["--minutes", "0", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)])
    assert f"stopped at step 0 of {training.STEPS}: run the same command again" in capsys.readouterr().out
    assert (tmp_path / "runs" / "checkpoint.pt").is_file() and not (tmp_path / "model.safetensors").exists()


def test_training_writes_the_model_after_its_last_step(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "ROWS", 3)
    training.train(tmp_path / "runs", tmp_path, steps=1)
    (entry,) = json.loads((tmp_path / "training.json").read_text())
    assert entry.keys() == {"step", "loss", "exact"} and entry["step"] == 1
    assert gptviz.load(tmp_path).trace("the red house").source_text == "the red house"


def test_the_loss_is_that_of_transformers_for_each_sentence_alone(gpt):
    pairs = some(1)
    total, count = 0.0, 0
    for made in pairs:
        both = gpt.tokenizer(text(made.english), text_target=text(made.french), return_tensors="pt")
        with torch.no_grad():
            total += gpt.model(**both).loss.item() * both["labels"].shape[1]
        count += both["labels"].shape[1]
    with torch.no_grad():
        loss = training.loss_of(gpt.model, gpt.tokenizer, pairs).item()
    assert loss == pytest.approx(total / count, abs=rounding(gpt.trace("the red house").logits))


# ------------------------------------------------------------------------------------------------ measures
def test_a_sentence_counts_as_exact_if_generate_writes_it(gpt):
    pairs = some(3)
    written = alignment.translations(gpt.model, gpt.tokenizer, [text(made.english) for made in pairs])
    turned = [replace(made, french=made.french[::-1]) for made in pairs]
    for made, french in zip(pairs + turned, written * 2, strict=True):
        assert alignment.exact(gpt.model, gpt.tokenizer, [made]) == (french == text(made.french))
    assert alignment.exact(gpt.model, gpt.tokenizer, turned) == 0


def test_what_a_head_looks_at_is_the_largest_weight_of_its_row(gpt):
    pairs = some(2)
    right = alignment.looks_right(gpt.model, gpt.tokenizer, pairs)
    words = alignment.words_of(pairs)
    assert right.shape == (len(words), gpt.n_layers, gpt.n_heads)
    for number, made in enumerate(pairs):
        trace = gpt.trace(text(made.english), text(made.french))
        looked = trace.attention(stack="cross").argmax(-1)  # (layers, heads, T)
        for result, word in zip(right, words, strict=True):
            if word.sentence == number:
                np.testing.assert_array_equal(result.numpy(), looked[:, :, word.at] == made.source[word.at])


def test_the_effect_of_a_word_is_a_difference_of_probabilities(gpt):
    made = some(1)[3]
    (measured, hidden) = (alignment.effects(gpt.model, gpt.tokenizer, [made], hidden=way) for way in (False, True))
    count = len(alignment.words_of([made]))
    ids = [token.id for token in gpt.trace(text(made.english), text(made.french)).tokens[1:]]

    def probabilities(english):
        logits = torch.tensor(gpt.trace(english, text(made.french)).logits)
        return logits.softmax(-1)[torch.arange(len(ids)), torch.tensor(ids)][:count]

    base = probabilities(text(made.english))
    bound = rounding(gpt.trace(text(made.english), text(made.french)).logits)
    falls = []
    for taken in range(count):
        words = list(made.english)
        words[taken] = "?"
        falls.append(base - probabilities(text(tuple(words))))
    for at, source in enumerate(made.source[:count]):
        others = [float(falls[word][at]) for word in range(count) if word != source]
        found = [float(values[at]) for values in measured]
        assert found == pytest.approx([float(falls[source][at]), np.mean(others), max(others)], abs=bound)
        assert float(hidden.own[at]) == pytest.approx(
            float(base[at]) - without_a_look(gpt, made, source, at), abs=bound
        )


def without_a_look(gpt, made, source, at):
    """Returns the probability of a French word if the decoder cannot look at an English one; of one sentence, unpadded."""
    both = gpt.tokenizer(text(made.english), text_target=text(made.french), return_tensors="pt")
    mask = torch.ones_like(both["input_ids"])
    with torch.no_grad():
        states = gpt.model.get_encoder()(both["input_ids"])
        mask[0, source] = 0
        logits = gpt.model(encoder_outputs=states, attention_mask=mask, labels=both["labels"]).logits
    return float(logits[0, at].softmax(-1)[both["labels"][0, at]])


# ------------------------------------------------------------------------------------------------ the folder that ships
def test_the_model_computes_in_float32_from_a_small_file_in_half_precision(gpt):
    file = FOLDER / "model.safetensors"
    with safe_open(file, "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"F16"}  # noqa: SIM118
    assert gpt.dtype == torch.float32 and sum(p.numel() for p in gpt.model.parameters()) == 731_776
    shipped = [path for path in FOLDER.rglob("*") if path.is_file() and not {"runs", "__pycache__"} & set(path.parts)]
    assert file.stat().st_size < 1.6e6 and sum(path.stat().st_size for path in shipped) < 3e6


def test_the_tokenizer_is_the_one_of_the_training_code():
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    assert tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))) == vocabulary()


def test_it_is_loaded_by_its_name_and_its_stream_is_a_sum(gpt):
    trace = gpt.trace("these two small white houses")
    assert not gpt.decoder_only and gpt.name == "translator" and trace.text == "ces deux petites maisons blanches"
    assert gpt.trace("the small red house").text == "la petite maison rouge"  # as README.md and the card say
    (info,) = (model for model in gptviz.models() if model.name == "translator")
    assert info.here and not info.decoder_only and (info.parameters, info.licence) == ("0.7 M", "MIT")
    parts = [trace.embedding()]
    parts += [call(layer) for layer in range(gpt.n_layers) for call in (trace.attn_out, trace.cross_out, trace.mlp_out)]
    assert_close(np.sum(parts, axis=0), trace.residual(gpt.n_layers), scale=parts)


def test_the_card_states_the_figures_of_the_file(stated):
    card = (FOLDER / "README.md").read_text("utf-8")
    text = evaluation.card_text(stated)
    assert text in card and with_figures(card, text) == card
    adjectives = len(lexicon.AFTER) + len(lexicon.BEFORE) - 2
    layer, head = stated["head"]
    assert f'trace.attention({layer}, {head}, stack="cross")' in card
    for count in (
        f"{len(lexicon.NOUNS) - 1} nouns, {adjectives} adjectives, {len(lexicon.VERBS) - 1} verbs",
        f"{len(vocabulary())} entries",
        f"{training.STEPS:,} steps of {training.ROWS} sentences",
    ):
        assert count in card


def numbers(figures):
    """Returns all numbers of nested figures."""
    if isinstance(figures, dict):
        figures = list(figures.values())
    return [number for part in figures for number in numbers(part)] if isinstance(figures, list) else [figures]


def test_the_weights_give_the_figures_of_the_card(measured, stated):
    texts = {"examples", "head"}
    assert {name: measured[name] for name in texts} == {name: stated[name] for name in texts}
    for name in stated.keys() - texts:
        assert numbers(measured[name]) == pytest.approx(numbers(stated[name]), abs=SMALL), name
    assert measured.keys() == stated.keys()


def test_the_figures_are_good_enough_for_the_card(measured):
    assert evaluation.faults(measured) == []
    layer, head = measured["head"]
    assert measured["heads"][layer][head] >= 0.95 > measured["same place"]


def test_figures_replace_those_that_a_card_has(tmp_path):
    (tmp_path / "README.md").write_text(f"before\n{BEGIN}old\n{END}\nafter\n")
    write(tmp_path, {"share": 0.5}, "\n".join([*table(("of", "share"), ("é", 0.256)), ""]))
    made = (tmp_path / "README.md").read_text()
    assert made == f"before\n{BEGIN}| of | share |\n| --- | --- |\n| é | 25.6% |\n{END}\nafter\n"
    assert json.loads((tmp_path / "figures.json").read_text()) == {"share": 0.5}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exact": {"all of them": 0.96}}, ["Less than 97% of the held-out sentences"]),
        ({"unknown": {"own": 0.1, "others": 0.2}}, ["(unknown): this is no alignment"]),
        ({"hidden": {"own": 0.1, "others": 0.1}}, ["(hidden): this is no alignment"]),
    ],
)
def test_a_model_that_is_not_good_enough_gets_no_card(stated, change, said):
    found = evaluation.faults(stated | change)
    assert len(found) == len(said) and all(part in fault for part, fault in zip(said, found, strict=True))
