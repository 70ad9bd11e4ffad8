"""A file's sound on the clip's clock: sample position is time, from the first sample on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from math import ceil, gcd
from typing import TYPE_CHECKING

import av
import numpy as np

from hhlab.errors import BadArgument, NoAudio, as_subject
from hhlab.media.decoding import decoded
from hhlab.media.local import open_container
from hhlab.types import Audio

if TYPE_CHECKING:
    from hhlab.media.probe import Probe

# Containers round time stamps (Matroska to 1 ms), so small steps are not gaps.
_GAP_S = 0.010
_LONGEST_PACKET = 4096  # samples
_LONGEST_GAP_S = 3600.0
_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63}


def read_audio(probe: Probe, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
    """Decode a file's whole sound.

    Holes between time stamps are filled with silence and overlaps cut, so that sample n sounds at
    ``start_s + n / sample_rate``. The encoder's priming delay, edit lists and different start times
    of the two streams are accounted for. Samples that are not finite become 0, with a warning.

    Parameters
    ----------
    sample_rate : resample to this many samples per second (polyphase, zero phase)
    mono : mix the channels to one, their mean, while decoding; bounds memory for long clips

    Returns
    -------
    Audio : float32 (channels, samples)

    Raises
    ------
    NoAudio : no sound stream, or not one sample of it decodes
    """
    decoder = _Decoder(probe, mono)
    return _as_audio(decoder, decoder.blocks(), sample_rate)


class Recording:
    """A file's sound, decoded once and given as often as it is asked for.

    Raises
    ------
    NoAudio : no sound stream
    """

    def __init__(self, probe: Probe) -> None:
        self._decoder = _Decoder(probe, mono=False)
        self._blocks = list(self._decoder.blocks())

    def audio(self, *, sample_rate: int | None = None, mono: bool = False) -> Audio:
        """The same as :func:`read_audio` returns and raises."""
        blocks = map(_mixed, self._blocks) if mono else iter(self._blocks)
        return _as_audio(self._decoder, blocks, sample_rate)


def _as_audio(decoder: _Decoder, blocks: Iterator[np.ndarray], sample_rate: int | None) -> Audio:
    """What a decoder gives, at another rate and cut to the length that the container states."""
    probe = decoder.probe
    name = as_subject(probe.info.path or "")
    if sample_rate is not None and not (isinstance(sample_rate, int) and sample_rate > 0):
        raise BadArgument("sample_rate", expected="a positive integer", found=repr(sample_rate))
    first = next(blocks, None)
    if first is None:
        raise NoAudio(
            name, expected="sound", found=f"no samples in a {probe.info.audio_codec} track"
        )
    rate = sample_rate or decoder.rate
    resampled = _resampled(_chain(first, blocks), decoder.rate, rate)
    length_s = max(0.0, probe.audio_end_s - decoder.start_s)
    samples = _gather(resampled, len(first), ceil(min(length_s, 7200.0) * rate) + rate // 8)
    spare = samples.shape[1] - round(length_s * rate)
    if (
        probe.info.container in ("mp4", "mov")
        and 0 < spare <= _LONGEST_PACKET * rate / decoder.rate
    ):
        samples = samples[:, :-spare]  # the encoder's last packet is longer than the sound
    if decoder.not_finite:
        warnings.warn(
            f"{name!r}: {decoder.not_finite} audio samples were not finite and were silenced",
            stacklevel=4,
        )
    return Audio(samples, rate, decoder.start_s - probe.zero_s)


class _Decoder:
    """Turns packets into contiguous blocks of float32 (channels, samples) at the file's rate."""

    def __init__(self, probe: Probe, mono: bool) -> None:
        if probe.audio_index < 0:
            raise NoAudio(as_subject(probe.info.path or ""), expected="a sound track",
                          found="none")  # fmt: skip
        self.probe, self.mono = probe, mono
        self.rate = 0
        self.channels = 0
        self.start_s = 0.0
        self.not_finite = 0

    def blocks(self) -> Iterator[np.ndarray]:
        position = 0  # samples given out so far
        with open_container(self.probe.info.path) as container:
            stream = container.streams[self.probe.audio_index]
            for frame in decoded(container, stream):
                block = self._as_float(frame)
                if self.rate == 0:
                    self.rate, self.channels = frame.sample_rate, len(block)
                    self.start_s = _time_of(frame, default=0.0)
                if frame.sample_rate != self.rate or len(block) != self.channels:
                    block = _fit(block, frame.sample_rate, self.rate, self.channels)
                expected_s = self.start_s + position / self.rate
                slip_s = _time_of(frame, default=expected_s) - expected_s
                if _GAP_S < slip_s < _LONGEST_GAP_S:
                    for length in _portions(round(slip_s * self.rate), self.rate):
                        position += length
                        yield np.zeros((self.channels, length), np.float32)
                elif slip_s < -_GAP_S:
                    block = block[:, min(block.shape[1], round(-slip_s * self.rate)) :]
                if block.shape[1]:
                    position += block.shape[1]
                    yield block

    def _as_float(self, frame: av.AudioFrame) -> np.ndarray:
        array = frame.to_ndarray()
        kind = frame.format.name.removesuffix("p")
        if not frame.format.is_planar:
            array = array.reshape(-1, frame.layout.nb_channels).T
        if kind in _FULL_SCALE:
            array = array.astype(np.float32) / np.float32(_FULL_SCALE[kind])
            if kind == "u8":
                array -= 1.0
        else:
            array = array.astype(np.float32)
            finite = np.isfinite(array)
            if not finite.all():
                self.not_finite += int(array.size - finite.sum())
                array = np.where(finite, array, np.float32(0))
        return np.ascontiguousarray(_mixed(array) if self.mono else array)


def _mixed(block: np.ndarray) -> np.ndarray:
    """The mean of the channels, float32 (1, samples)."""
    return block.mean(axis=0, keepdims=True, dtype=np.float32)


def _time_of(frame: av.AudioFrame, *, default: float) -> float:
    return default if frame.pts is None else float(frame.pts * frame.time_base)


def _portions(total: int, most: int) -> Iterator[int]:
    while total > 0:
        yield min(total, most)
        total -= most


def _chain(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest


def _fit(block: np.ndarray, rate: int, to_rate: int, channels: int) -> np.ndarray:
    """Bring a block of a track that changes its format midway to the format it began with."""
    from scipy.signal import resample_poly

    if rate != to_rate:
        common = gcd(rate, to_rate)
        block = resample_poly(block, to_rate // common, rate // common, axis=1)
    if len(block) != channels:
        block = np.repeat(block.mean(axis=0, keepdims=True), channels, axis=0)
    return block.astype(np.float32)


def _resampled(blocks: Iterator[np.ndarray], rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """Resample a stream block by block, with the same samples as the whole at once would give.

    Each portion is resampled together with as much of its neighbours as the filter of
    ``scipy.signal.resample_poly`` reaches, and begins at a multiple of the decimation factor, so
    that no phase slips.
    """
    if rate == to_rate:
        yield from blocks
        return
    from scipy.signal import resample_poly

    common = gcd(rate, to_rate)
    up, down = to_rate // common, rate // common
    reach = down * ceil((10 * max(up, down) / up + 1) / down)  # input samples, a multiple of down
    portion = down * ceil(4 * rate / down)
    held, size, before = (
        [],
        0,
        0,
    )  # `before` samples at the front of `held` are context already given out

    def convert(samples: np.ndarray, skip: int, take: int | None) -> np.ndarray:
        out = resample_poly(samples, up, down, axis=1).astype(np.float32, copy=False)
        first = skip * up // down
        return out[:, first:] if take is None else out[:, first : first + take * up // down]

    for block in blocks:
        held.append(block)
        size += block.shape[1]
        while size >= before + portion + reach:
            samples = np.concatenate(held, axis=1)
            yield convert(samples[:, : before + portion + reach], before, portion)
            keep = max(0, before + portion - reach)
            held, before = [samples[:, keep:]], before + portion - keep
            size = held[0].shape[1]
    if size > before:
        yield convert(np.concatenate(held, axis=1), before, None)


def _gather(blocks: Iterator[np.ndarray], channels: int, guess: int) -> np.ndarray:
    """Concatenate without ever holding two copies when the length was guessed well."""
    samples = np.empty((channels, max(guess, 1)), np.float32)
    filled = 0
    for block in blocks:
        end = filled + block.shape[1]
        if end > samples.shape[1]:
            grown = np.empty((channels, max(end, samples.shape[1] * 5 // 4)), np.float32)
            grown[:, :filled] = samples[:, :filled]
            samples = grown
        samples[:, filled:end] = block
        filled = end
    return samples[:, :filled]
