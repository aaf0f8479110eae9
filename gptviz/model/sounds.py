"""Reads a sound, a WAV file or samples, as the features that a model's own feature extractor makes of it.

The extractor would cut a long sound off, and accept any sampling rate. Here a sound that is too long, or has another rate
than the model, is refused.
"""

import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.files import check_path, shortened
from gptviz.text.tokens import Token


def check_extractor(extractor: Any, config: Any, tokenizer: Any) -> None:
    """Raises GPTVizError unless this is the feature extractor of a model with this config. tokenizer: what was given."""
    if extractor is None:
        remedy = "Load it with AutoProcessor.from_pretrained from the model's own folder or name."
        raise fail(
            "the model's processor, which makes features of a sound", type(tokenizer).__name__, remedy, WrongType
        )
    bins, positions = (getattr(config, name, None) for name in ("num_mel_bins", "max_source_positions"))
    if bins is None or positions is None:
        got = f"{type(config).__name__}, without num_mel_bins or max_source_positions"
        raise fail("a model that reads mel frequencies of a fixed time, as Whisper does", got, "Wrap another model.")
    needed, given = (bins, 2 * positions), (extractor.feature_size, getattr(extractor, "nb_max_frames", 0))
    if needed != given:
        raise fail(
            f"a feature extractor that gives {needed[0]} numbers for each of {needed[1]:,} frames, as the model reads",
            f"one that gives {given[0]} for each of {given[1]:,}",
            "Load the processor from the model's own folder or name.",
        )


def read_sound(extractor: Any, source: Any, sampling_rate: int | None) -> tuple[Tensor, str]:
    """Returns the features of a sound, (1, bins, frames), and its name.

    source: the path of a WAV file, or samples, (n,), floats from -1 to 1 or whole numbers of 16 or 32 bits. sampling_rate: of
    samples. Raises GPTVizError for another rate than the model's, several channels, silence, and what is too long.
    """
    rate, name = extractor.sampling_rate, "a sound"
    if isinstance(source, (str, os.PathLike)):
        name = Path(source).name
        source, own_rate = _read_wave(check_path(source))
        sampling_rate = own_rate if sampling_rate is None else sampling_rate
    if sampling_rate is None:
        raise fail(
            "the sampling rate of the samples", "none", f"Write sampling_rate={rate} if that is theirs.", WrongType
        )
    if sampling_rate != rate:
        remedy = f"Resample it, for example with scipy.signal.resample_poly(samples, {rate}, {sampling_rate})."
        raise fail(f"a sound of {rate:,} samples a second, as the model reads", f"{sampling_rate!r}", remedy)
    samples = _checked_samples(source, extractor.n_samples, rate)
    return extractor(samples, sampling_rate=rate, return_tensors="pt").input_features, name


def frame_tokens(extractor: Any, frames: int) -> tuple[Token, ...]:
    """Returns what the encoder reads of a sound as tokens: frames, each with the second at which it begins."""
    seconds = extractor.n_samples / extractor.sampling_rate / frames
    texts = [f"{i * seconds:.2f} s" for i in range(frames)]
    return tuple(Token(-1, text, text.encode(), i) for i, text in enumerate(texts))


def _checked_samples(source: Any, most: int, rate: int) -> np.ndarray:
    """Returns samples as floats from -1 to 1, (n,). most: of how many samples the model's longest sound is."""
    try:
        samples = np.asarray(source.detach().cpu() if isinstance(source, torch.Tensor) else source)
    except (TypeError, ValueError):
        samples = np.asarray(None)
    if not (np.issubdtype(samples.dtype, np.floating) or samples.dtype in (np.int16, np.int32)):
        got = f"{type(source).__name__} of dtype {samples.dtype}"
        raise fail("the path of a WAV file, or samples as floats", got, "Give samples from -1 to 1, (n,).", WrongType)
    if samples.ndim != 1:
        remedy = "Mix its channels into one, such as samples.mean(axis) over the axis of the channels."
        raise fail("a sound of one channel, samples (n,)", f"shape {samples.shape}", remedy)
    if len(samples) > most:
        remedy = f"Give one part of it at a time, such as samples[:{most}]."
        raise fail(f"a sound of at most {most / rate:g} seconds", f"{len(samples) / rate:.1f}", remedy)
    if np.issubdtype(samples.dtype, np.integer):
        samples = samples / -float(np.iinfo(samples.dtype).min)
    if not np.isfinite(samples).all():
        raise fail("samples that are finite numbers", "NaN or infinity", "Record or compute the sound again.")
    if not samples.any():
        raise fail("a sound that can be heard", "silence: all samples are 0", "Check the microphone or the file.")
    return samples.astype(np.float32)


def _read_wave(path: Path) -> tuple[np.ndarray, int]:
    """Returns the samples of a WAV file, (n,) or (n, channels), as floats from -1 to 1, and its sampling rate."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8)
    except FileNotFoundError as error:
        raise _no_wave(path, "there is no such file") from error
    except (wave.Error, EOFError, OSError) as error:
        raise _no_wave(path, f"it is no WAV file of plain samples ({error or type(error).__name__})") from error
    raw = raw[: len(raw) // (width * channels) * width * channels].reshape(-1, width)
    if width == 1:  # unsigned
        samples = raw[:, 0] / 128.0 - 1.0
    else:  # little-endian and signed; the highest bytes of 32 bits
        whole = np.zeros((len(raw), 4), np.uint8)
        whole[:, 4 - width :] = raw
        samples = whole.view("<i4")[:, 0] / 2.0**31
    return samples if channels == 1 else samples.reshape(-1, channels), rate


def _no_wave(path: Path, reason: str) -> GPTVizError:
    remedy = "Check the path, or convert the sound to WAV: ffmpeg -i SOUND -ac 1 -ar 16000 sound.wav"
    return fail("a WAV file", f"{shortened(str(path))}: {reason}", remedy)
