"""The listener's data, training and measures, against cases worked by hand and what gptviz itself shows."""

import json
import wave
from itertools import pairwise
from random import Random

import evaluate_listener as evaluation
import hearing
import numpy as np
import pytest
import sounds_to_learn
import torch
import train_listener as training
import utterances
from close import approx_float64, assert_close, rounding
from hearing import Heard
from shown import half_of_decimal
from synthesiser import RATE, Utterance
from word_processor import word_processor

import gptviz


@pytest.fixture(scope="module")
def processor():
    return word_processor()


@pytest.fixture(scope="module")
def model(processor):
    """A model of random weights."""
    torch.manual_seed(0)
    return training.new_model(processor).eval()


class Whistler:
    """Says each word as a tone of its own for a quarter of a second, in place of espeak-ng."""

    def say(self, words, voice, speed, pitch):
        seconds = np.arange(RATE // 4) / RATE
        tones = [np.sin(2 * np.pi * (200 + 40 * utterances.WORDS.index(word)) * seconds) for word in words]
        return Utterance(0.5 * np.concatenate(tones).astype(np.float32), tuple(0.25 * k for k in range(len(words) + 1)))


@pytest.fixture(scope="module")
def sounds(processor) -> Heard:
    rng = Random(1)
    return sounds_to_learn.features_of(processor, [utterances.draw(rng, Whistler()) for _ in range(5)])


# ------------------------------------------------------------------------------------------------ data
def test_training_never_has_a_held_out_sequence():
    rng = Random(0)
    for held in (False, True):
        drawn = [utterances.draw_words(rng, held) for _ in range(300)]
        assert all(utterances.is_held_out(words) == held for words in drawn)
        assert {len(words) for words in drawn} == ({2, 3, 4} if held else {1, 2, 3, 4})
    assert not set(utterances.VOICES) & set(utterances.HELD_VOICES)


def test_the_split_never_changes():
    fixed = [("three", "seven"), ("three", "four"), ("zero",), ("zero", "five"), ("stop", "go", "left")]
    assert [utterances.is_held_out(words) for words in fixed] == [False, True, False, True, False]
    share = np.mean([utterances.is_held_out((a, b)) for a in utterances.WORDS for b in utterances.WORDS])
    assert 0.07 < share < 0.13


def test_a_word_begins_later_by_the_silence_before_it():
    for seed in range(20):
        spoken = utterances.draw(Random(seed), Whistler(), held=seed % 2 == 0)
        silence = spoken.starts[0]
        assert 0 <= silence <= 0.6 and spoken.starts[-1] < utterances.LONGEST
        assert np.diff(spoken.starts) == approx_float64([0.25] * len(spoken.words), spoken.starts)
        assert len(spoken.samples) == int(silence * RATE) + len(spoken.words) * RATE // 4
        loudness = [
            np.abs(spoken.samples[int(a * RATE) : int(b * RATE)]).mean() for a, b in pairwise((0.0, *spoken.starts))
        ]
        assert silence < 0.01 or loudness[0] < min(loudness[1:])
        assert utterances.is_held_out(spoken.words) == (seed % 2 == 0)


def test_words_that_are_said_as_one_are_drawn_again():
    class Joining(Whistler):
        def say(self, words, *how):
            return super().say(words[: 1 if words[0] < "m" else None], *how)

    drawn = [utterances.draw(Random(seed), Joining()) for seed in range(20)]
    assert all(len(spoken.words) == 1 or spoken.words[0] > "m" for spoken in drawn)
    assert any(len(spoken.words) > 1 for spoken in drawn)


def test_sounds_are_made_once_and_read_again(processor, tmp_path, monkeypatch):
    monkeypatch.setattr(sounds_to_learn.Synthesiser, "of_process", Whistler)
    file = tmp_path / "sounds.pt"
    made = sounds_to_learn.made_sounds(processor, file, 3, "a seed")
    monkeypatch.delattr(sounds_to_learn.Synthesiser, "of_process")
    again = sounds_to_learn.made_sounds(processor, file, 3, "a seed")
    assert made.features.shape == (3, 80, 300) and torch.equal(made.features, again.features)
    assert made.words == again.words and made.starts == again.starts and len(made.words) == 3


def test_each_word_is_one_token_of_whisper_and_is_decoded_as_it_was(processor):
    tokenizer = processor.tokenizer
    ids = tokenizer(" ".join(utterances.WORDS))["input_ids"]
    start = tokenizer.convert_ids_to_tokens(ids[:2])
    assert len(ids) == len(utterances.WORDS) + 3 and start == ["<|startoftranscript|>", "<|notimestamps|>"]
    assert tokenizer.decode(ids, skip_special_tokens=True).split() == utterances.WORDS
    assert tokenizer.decode(tokenizer("elephants")["input_ids"], skip_special_tokens=True).strip() == "elephants"


# ------------------------------------------------------------------------------------------------ training and measures
def test_the_loss_is_that_of_each_sound_alone(model, processor, sounds):
    with torch.no_grad():
        losses, counts = [], []
        for i, words in enumerate(sounds.words):
            losses.append(training.loss_of(model, processor, sounds.part([i])).item())
            counts.append(len(words) + 2)  # the mark without timestamps and the end token
        whole = training.loss_of(model, processor, sounds).item()
    assert whole == pytest.approx(np.average(losses, weights=counts), abs=rounding(whole, 8.0))


def test_training_makes_sounds_and_writes_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(sounds_to_learn.Synthesiser, "of_process", Whistler)
    for name, value in (("SOUNDS", 4), ("HELD_SOUNDS", 2), ("ROWS", 3)):
        monkeypatch.setattr(training, name, value)
    training.train(tmp_path / "runs", tmp_path, steps=1)
    (entry,) = json.loads((tmp_path / "training.json").read_text())
    assert entry.keys() == {"step", "loss", "word errors"}
    loaded = gptviz.load(tmp_path)
    trace = loaded.trace(Whistler().say(["red"], "", 0, 0).samples, "red dog", sampling_rate=RATE)
    assert [token.text for token in trace.tokens[2:]] == [" red", " dog"] and len(trace.source_tokens) == 150


@pytest.mark.parametrize(
    ("heard", "said", "errors"),
    [
        ("one two", "one two", 0),
        ("one", "one two", 1),
        ("one six two", "one two", 1),
        ("six two", "one two", 1),
        ("", "one two", 2),
        ("two one", "one two", 2),
        ("two three four", "one two three", 2),
    ],
)
def test_word_errors_are_insertions_deletions_and_replacements(heard, said, errors):
    assert hearing.word_errors(heard.split(), said.split()) == errors


def test_the_error_rate_counts_words(model, processor, sounds, monkeypatch):
    heard = [(), *sounds.words[1:]]
    monkeypatch.setattr(hearing, "transcripts", lambda *given: heard)
    expected = len(sounds.words[0]) / sum(map(len, sounds.words))
    assert hearing.word_error_rate(model, processor, sounds) == expected


def test_transcripts_are_what_gptviz_writes(model, processor, sounds):
    gpt = gptviz.wrap(model, processor)
    written = hearing.transcripts(model, processor, sounds.features)
    samples = [utterances.draw(rng, Whistler()).samples for rng in [Random(1)] for _ in range(2)]
    for each, words in zip(samples, written, strict=False):
        most = model.config.max_target_positions - 2  # tokens after those that a text begins with
        completion = gpt.complete(each, sampling_rate=RATE, max_tokens=most, temperature=0)
        assert tuple(completion.choices[0].text.split()) == words


def test_seconds_are_where_the_largest_weight_is(model, processor, sounds):
    seconds = hearing.seconds_looked_at(model, processor, sounds)
    gpt = gptviz.wrap(model, processor)
    rng = Random(1)
    samples = [utterances.draw(rng, Whistler()).samples for _ in range(2)]
    row = 0
    for each, words in zip(samples, sounds.words, strict=False):
        trace = gpt.trace(each, " ".join(words), sampling_rate=RATE)
        looked = trace.attention(stack="cross").argmax(-1)  # (layers, heads, T)
        for k in range(len(words)):
            assert_close(seconds[row], (looked[:, :, 1 + k] + 0.5) * 0.02)
            row += 1
    assert seconds.shape == (sum(map(len, sounds.words)), 2, 4)


def test_a_second_is_right_within_its_word_or_next_to_it():
    sounds = Heard(torch.zeros(2, 80, 300), [("red", "dog"), ("cat",)], [(0.5, 1.0, 1.6), (0.0, 0.2)])
    seconds = np.array([[[0.46, 0.44, 1.05]], [[1.06, 0.94, 1.64]], [[0.0, 0.25, 0.26]]])
    expected = [[[True, False, True]], [[True, False, True]], [[True, True, False]]]
    np.testing.assert_array_equal(hearing.is_inside(seconds, sounds), expected)
    assert hearing.share_of_time(sounds) == approx_float64((0.6 + 0.7 + 0.25) / 3 / 3)


def test_the_short_sounds_are_written_with_their_words_and_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation.Synthesiser, "of_process", Whistler)
    evaluation.write_short_sounds(tmp_path / "sounds")
    listed = json.loads((tmp_path / "sounds" / "sounds.json").read_text())
    assert len(listed) == evaluation.SHORT_SOUNDS
    for (name, each), spoken in zip(listed.items(), evaluation.short_sounds(), strict=True):
        with wave.open(str(tmp_path / "sounds" / name), "rb") as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2**15
        assert each["words"] == list(spoken.words) and each["starts"] == pytest.approx(
            spoken.starts, abs=half_of_decimal(3)
        )
        np.testing.assert_allclose(samples, spoken.samples, atol=2 / 2**15)
