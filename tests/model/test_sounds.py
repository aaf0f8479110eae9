"""Sounds as sources of a model of Whisper's architecture: files, samples, and what is refused."""

import copy
import wave

import numpy as np
import pytest
import torch
import transformers
from families import tokenizer
from sequences import RATE, SOUND, TARGET, model_of, processor, trace_of

import gptviz
from gptviz.errors import GPTVizError, WrongType


def test_the_source_tokens_of_a_sound_are_frames_with_seconds(tmp_path):
    """A WAV file, its samples as whole numbers, and as a tensor are one sound."""
    gpt = gptviz.wrap(model_of("whisper"), processor())
    trace = gpt.trace(SOUND, TARGET, sampling_rate=RATE)
    texts = [token.text for token in trace.source_tokens]
    assert texts[:3] == ["0.00 s", "0.02 s", "0.04 s"] and texts[-1] == "0.98 s"
    whole = np.round(SOUND * 2**15).astype(np.int16)
    expected = gpt.trace(whole / 2.0**15, TARGET, sampling_rate=RATE).logits
    np.testing.assert_array_equal(gpt.trace(whole, TARGET, sampling_rate=RATE).logits, expected)
    np.testing.assert_array_equal(gpt.trace(torch.tensor(whole), TARGET, sampling_rate=RATE).logits, expected)
    for width, raw in {
        2: whole.astype("<i2").tobytes(),
        3: b"".join(bytes([0]) + sample.tobytes() for sample in whole.astype("<i2")),
        4: (whole.astype("<i4") << 16).tobytes(),
    }.items():
        path = write_wave(tmp_path / f"sound{width}.wav", raw, width=width)
        of_file = gpt.trace(path, TARGET)
        np.testing.assert_array_equal(of_file.logits, expected)
        assert of_file.source_text == f"sound{width}.wav"
    eight = np.round(SOUND * 128 + 128).astype(np.uint8)
    path = write_wave(tmp_path / "sound1.wav", eight.tobytes(), width=1)
    as_floats = gpt.trace(eight / 128.0 - 1, TARGET, sampling_rate=RATE)
    np.testing.assert_array_equal(gpt.trace(str(path), TARGET).logits, as_floats.logits)


def write_wave(path, raw, width=2, channels=1, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels), file.setsampwidth(width), file.setframerate(rate)
        file.writeframes(raw)
    return path


def test_what_is_no_sound_for_the_model_is_refused_in_words(tmp_path):
    gpt = gptviz.wrap(model_of("whisper"), processor())
    (tmp_path / "text.wav").write_text("no sound")
    quick = write_wave(tmp_path / "quick.wav", bytes(100), rate=44_100)
    stereo = write_wave(tmp_path / "stereo.wav", bytes(range(100)), channels=2)
    other = copy.copy(processor())
    other.feature_extractor = transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=1)
    for call, kind, words in [
        (lambda: gpt.trace(SOUND), WrongType, "sampling_rate=16000"),
        (lambda: gpt.trace(SOUND, sampling_rate=8_000), GPTVizError, "16,000 samples a second.*Got 8000"),
        (lambda: gpt.trace(quick), GPTVizError, "Got 44100"),
        (lambda: gpt.trace(stereo), GPTVizError, "one channel"),
        (lambda: gpt.trace(np.zeros(50), sampling_rate=RATE), GPTVizError, "silence"),
        (lambda: gpt.trace(np.zeros(0), sampling_rate=RATE), GPTVizError, "silence"),
        (lambda: gpt.trace(np.full(50, np.nan), sampling_rate=RATE), GPTVizError, "NaN"),
        (lambda: gpt.trace(np.ones(600 * RATE), sampling_rate=RATE), GPTVizError, "at most 1 seconds.*600.0"),
        (lambda: gpt.trace(np.array(["a"]), sampling_rate=RATE), WrongType, "samples as floats"),
        (lambda: gpt.trace(tmp_path / "text.wav"), GPTVizError, "no WAV file"),
        (lambda: gpt.trace("missing.wav"), GPTVizError, "no such file"),
        (lambda: gpt.trace(tmp_path), GPTVizError, "no WAV file"),
        (lambda: gptviz.wrap(model_of("whisper"), tokenizer()), WrongType, "the model's processor"),
        (lambda: gptviz.wrap(model_of("whisper"), other), GPTVizError, "8 numbers for each of 100 frames"),
        (lambda: trace_of("t5").gpt.trace("a", sampling_rate=RATE), WrongType, "only with a sound"),
    ]:
        with pytest.raises(kind, match=words):
            call()
