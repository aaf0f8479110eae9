"""What the listener's synthesiser makes of the samples and events of espeak-ng, whose library here is a stand-in."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest
import synthesiser
from close import approx_float64, assert_close
from synthesiser import RATE, Synthesiser

ITS_RATE = 22_050
WORD, SENTENCE = 1, 2
SOUND = 0.5 * np.sin(2 * np.pi * 440 * np.arange(ITS_RATE) / ITS_RATE)


class Library:
    """Has the functions of espeak-ng that are called. It says a second of 440 Hz in two parts, and silence after it."""

    def __init__(self):
        self.calls = []

    def espeak_Initialize(self, *given):
        return ITS_RATE

    def espeak_SetSynthCallback(self, callback):
        self._callback = callback

    def espeak_SetVoiceByName(self, name):
        return 0 if name == b"en" else 1

    def espeak_SetParameter(self, *given):
        self.calls.append(given)

    def espeak_Synth(self, text, size, *given):
        self.calls.append((text, size))
        whole = np.concatenate([SOUND, np.zeros(5000)])
        for part, events in (
            (whole[:9000], [(WORD, 0, 3), (SENTENCE, 5, 7)]),
            (whole[9000:], [(WORD, 430, 3), (WORD, 990, 0)]),
        ):
            samples = (part * 32768).astype(np.int16)
            kinds = (synthesiser._Event * (len(events) + 1))()
            for event, (kind, milliseconds, length) in zip(kinds, events, strict=False):
                event.kind, event.milliseconds, event.length = kind, milliseconds, length
            self._callback(samples.ctypes.data_as(ctypes.POINTER(ctypes.c_short)), len(samples), kinds)
        self._callback(None, 0, (synthesiser._Event * 1)())


@pytest.fixture
def library(monkeypatch):
    made = Library()
    monkeypatch.setenv("ESPEAK_NG_LIBRARY", "a library")
    monkeypatch.setattr(synthesiser.ctypes, "CDLL", lambda name: made)
    return made


def test_words_have_their_seconds_and_the_sound_its_rate(library):
    said = Synthesiser().say(["red", "dog"], "en", 150, 40)
    assert said.starts == approx_float64((0.0, 0.43, 1.0))
    assert said.samples.dtype == np.float32 and len(said.samples) == pytest.approx(RATE, abs=20)
    seconds = np.arange(len(said.samples)) / RATE
    inside = slice(200, -200)  # at the ends, a tone that is cut off has other frequencies too
    np.testing.assert_allclose(said.samples[inside], 0.5 * np.sin(2 * np.pi * 440 * seconds)[inside], atol=0.01)
    assert library.calls == [(1, 150, 0), (3, 40, 0), (b"red dog", 8)]


def test_a_frequency_that_the_rate_cannot_hold_is_left_out():
    tones = [np.sin(2 * np.pi * hertz * np.arange(ITS_RATE) / ITS_RATE) for hertz in (1000, 9000)]
    low, both = synthesiser._resampled(tones[0], ITS_RATE), synthesiser._resampled(tones[0] + tones[1], ITS_RATE)
    assert len(low) == RATE
    assert_close(both, low)


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ({"ESPEAK_NG_LIBRARY": ""}, "apt install libespeak-ng1"),
        ({"rate": -1}, "ESPEAK_NG_DATA"),
        ({"voice": "xx"}, "got 'xx'"),
    ],
)
def test_what_is_missing_is_named(library, monkeypatch, setting, part):
    monkeypatch.setattr(synthesiser, "ctypes", SimpleNamespace(**vars(ctypes) | {"CDLL": lambda name: library}))
    monkeypatch.setattr(synthesiser.ctypes, "util", SimpleNamespace(find_library=lambda name: None))
    monkeypatch.setenv("ESPEAK_NG_LIBRARY", setting.get("ESPEAK_NG_LIBRARY", "a library"))
    monkeypatch.setattr(Library, "espeak_Initialize", lambda self, *given: setting.get("rate", ITS_RATE))
    with pytest.raises(SystemExit, match=part):
        Synthesiser().say(["red"], setting.get("voice", "en"), 150, 50)
