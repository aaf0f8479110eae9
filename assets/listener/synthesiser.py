"""Lets espeak-ng say words, and says when each of them begins and ends. Needed for training and for the short sounds only.

The program is called through its C library, because its command line tells no times. On Debian: apt install libespeak-ng1.
Source: speak_lib.h of espeak-ng 1.51.
"""

import ctypes
import ctypes.util
import os
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

RATE = 16_000  # samples a second
_SYNCHRONOUS, _UTF8, _CHARACTERS = 2, 1, 1  # how to give the sound, how text is written, what a position counts
_SPEED, _PITCH = 1, 3  # numbers of the settings
_WORD = 1  # the kind of an event


class _Event(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", ctypes.c_char * 8),
    ]  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Utterance(NamedTuple):
    """samples: from -1 to 1, (n,), at RATE. starts: the second at which each word begins, and that at which the last ends."""

    samples: np.ndarray
    starts: tuple[float, ...]


class Synthesiser:
    """espeak-ng. A process has one: the library has one state, see `of_process`.

    The environment variables ESPEAK_NG_LIBRARY and ESPEAK_NG_DATA name the library and the folder above its data, if the
    system does not find them itself.
    """

    def __init__(self) -> None:
        name = os.environ.get("ESPEAK_NG_LIBRARY") or ctypes.util.find_library("espeak-ng")
        if name is None:
            raise SystemExit("Expected the library of espeak-ng; install it, on Debian with: apt install libespeak-ng1")
        self._library = ctypes.CDLL(name)
        data = os.environ.get("ESPEAK_NG_DATA", "").encode() or None
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self._rate <= 0:
            raise SystemExit(
                "Expected the data of espeak-ng; set ESPEAK_NG_DATA to the folder that has espeak-ng-data."
            )
        self._samples: list[np.ndarray] = []
        self._words: list[float] = []
        self._callback = _Callback(self._receive)  # kept, because the library keeps only its address
        self._library.espeak_SetSynthCallback(self._callback)

    @classmethod
    @cache
    def of_process(cls) -> "Synthesiser":
        """Returns the one of this process."""
        return cls()

    def say(self, words: Sequence[str], voice: str, speed: int, pitch: int) -> Utterance:
        """Says words in one breath. speed: words a minute. pitch: from 0 to 99.

        Two words that the synthesiser says as one, such as "no one", have one beginning.
        """
        self._samples, self._words = [], []
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SystemExit(f"Expected a voice of espeak-ng; got {voice!r}.")
        self._library.espeak_SetParameter(_SPEED, speed, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        text = " ".join(words).encode()
        self._library.espeak_Synth(text, len(text) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
        samples = _trimmed(np.concatenate(self._samples).astype(np.float32) / 2**15)
        return Utterance(_resampled(samples, self._rate), (*self._words, len(samples) / self._rate))

    def _receive(
        self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]"
    ) -> int:
        if samples and count:
            self._samples.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].kind:
            if events[index].kind == _WORD and events[index].length:  # one without letters may come at the end
                self._words.append(events[index].milliseconds / 1000)
            index += 1
        return 0


def _trimmed(samples: np.ndarray) -> np.ndarray:
    """Returns samples without the silence after the last sound."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[: loud[-1] + 1] if len(loud) else samples


def _resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Returns the sound at RATE, without the frequencies that RATE cannot hold."""
    count = len(samples) * RATE // rate
    spectrum = np.fft.rfft(samples)[: count // 2 + 1]
    return (np.fft.irfft(spectrum, count) * (count / len(samples))).astype(np.float32)
