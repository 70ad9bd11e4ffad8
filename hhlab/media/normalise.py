"""Make clips of different origin alike in everything that is not the subject of a comparison."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np

from hhlab.errors import BadArgument
from hhlab.media.encode import on_clock, resampled
from hhlab.media.loudness import integrated_loudness
from hhlab.media.read import read_clip
from hhlab.media.write import encode_file
from hhlab.types import Audio, Clip, Frame

_SAMPLE_RATE = 48000
_CEILING = 10 ** (-1 / 20)  # of full scale: -1 dB leaves room for what the encoder adds
_SURROUND = 2**-0.5  # of centre and surround channels in a stereo mix (ITU-R BS.775)


def normalise(
    clip: Clip,
    path: str | os.PathLike,
    *,
    size: tuple[int, int],
    fps: float,
    loudness_lufs: float = -23.0,
    duration_s: float | None = None,
    crf: float = 16.0,
    keyframe_s: float | None = None,
) -> Clip:
    """Write a copy for blind comparison: nothing but the content tells where it came from.

    Same size, rate, sound format, loudness and encoder settings for all; no metadata, no date, and
    no trace of an encoder. Pictures keep their proportions and are centred on black. Frames are
    taken by time stamp. Sound becomes 48 kHz stereo, exactly as long as the pictures; a clip
    without sound gets a silent track, so that players treat all alike. Silence stays silence.

    Parameters
    ----------
    size : width and height in pixels, both even
    fps : frames per second
    loudness_lufs : integrated loudness (EBU R 128). Where sample peaks would pass -1 dBFS the gain
        is smaller; ``provenance["loudness_lufs"]`` tells what was reached.
    duration_s : cut, or hold the last picture over silence, to this length; ``None`` keeps it
    crf : x264's constant rate factor
    keyframe_s : longest time between pictures that can be decoded by themselves: short where one
        will step back and forth; None: as x264 likes

    Returns
    -------
    Clip : the new file, with ``source_sha256``, ``gain_db`` and ``loudness_lufs`` (nan for silence)
        in its provenance; keep that from the people who compare
    """
    width, height = size
    if width <= 0 or height <= 0 or width % 2 or height % 2:
        raise BadArgument("size", expected="an even width and height", found=repr(size))
    if not fps > 0:
        raise BadArgument("fps", expected="a positive number", found=repr(fps))
    length_s = clip.info.duration_s if duration_s is None else duration_s
    if not length_s > 0:
        raise BadArgument("duration_s", expected="a positive number", found=repr(length_s))
    count = max(1, round(length_s * fps))
    samples, gain_db, reached = _levelled(clip, round(count / fps * _SAMPLE_RATE), loudness_lufs)
    encode_file(
        path, _evenly(clip, fps, count, width, height), rate=fps,
        audio=Audio(samples, _SAMPLE_RATE), crf=crf, preset="medium", anonymous=True,
        keyframe_s=keyframe_s,
    )  # fmt: skip
    copy = read_clip(path)
    provenance = {
        "source_sha256": clip.info.sha256, "gain_db": gain_db, "loudness_lufs": reached,
    }  # fmt: skip
    return Clip(copy.info, copy.source, provenance)


def _evenly(clip: Clip, fps: float, count: int, width: int, height: int) -> Iterator[Frame]:
    """Yield `count` frames: at each tick the one on show then, the last one held to the end."""
    tick = 0
    shown: np.ndarray | None = None
    for frame in clip.frames():
        while shown is not None and tick < count and tick / fps < frame.time_s - 1e-6:
            yield Frame(tick, tick / fps, shown)
            tick += 1
        if tick == count:
            return
        shown = fit(frame.rgb, width, height)
    while shown is not None and tick < count:
        yield Frame(tick, tick / fps, shown)
        tick += 1


def fit(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale ``uint8 (h, w, 3)`` to fit, keeping its proportions, and centre it on black."""
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    inner = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    if inner != (rgb.shape[1], rgb.shape[0]):
        rgb = cv2.resize(rgb, inner, interpolation=how)
    if inner == (width, height):
        return rgb
    page = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    page[top : top + inner[1], left : left + inner[0]] = rgb
    return page


def _levelled(clip: Clip, length: int, loudness_lufs: float) -> tuple[np.ndarray, float, float]:
    """Stereo samples of this length, the gain in dB, and the loudness reached (nan: silence)."""
    if not clip.info.has_audio:
        return np.zeros((2, length), np.float32), 0.0, float("nan")
    audio = clip.audio()
    samples = resampled(_stereo(on_clock(audio)), audio.sample_rate, _SAMPLE_RATE)[:, :length]
    samples = np.pad(samples, ((0, 0), (0, length - samples.shape[1])))
    loudness = integrated_loudness(samples, sample_rate=_SAMPLE_RATE)
    if not np.isfinite(loudness):
        return samples, 0.0, float("nan")
    gain = 10 ** ((loudness_lufs - loudness) / 20)
    gain = min(gain, _CEILING / float(np.abs(samples).max()))
    gain_db = float(20 * np.log10(gain))
    return (samples * np.float32(gain)), gain_db, loudness + gain_db


def reachable_loudness(clip: Clip, *, duration_s: float, loudness_lufs: float) -> float:
    """How loud :func:`normalise` can make a clip when it aims at `loudness_lufs`; nan for silence.

    It falls short where peaks leave no room. Clips that are to be equally loud must all aim at the
    lowest of these.
    """
    return _levelled(clip, max(1, round(duration_s * _SAMPLE_RATE)), loudness_lufs)[2]


def _stereo(samples: np.ndarray) -> np.ndarray:
    if len(samples) == 6:
        left, right, centre, _, left_back, right_back = samples
        return np.stack(
            [
                left + _SURROUND * (centre + left_back),
                right + _SURROUND * (centre + right_back),
            ]
        ).astype(np.float32)
    if len(samples) == 2:
        return samples
    return np.repeat(samples.mean(axis=0, keepdims=True, dtype=np.float32), 2, axis=0)
