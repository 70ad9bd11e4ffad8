"""What a file holds and when each of its frames is shown.

No picture but the first is decoded. Every packet's time stamp is read, because what containers say
in their headers (durations, frame rates, frame counts) is often missing and sometimes wrong.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np

from hhlab.errors import NoFrames, NoVideo, Truncated, UnsupportedCodec, UnsupportedSize, as_subject
from hhlab.media.decoding import decoded
from hhlab.media.local import display_name, missing_bytes, open_container, sha256_of
from hhlab.media.pictures import HDR_TRANSFER, MAX_PIXELS, Geometry, geometry_of
from hhlab.media.stamps import Stamps, clock_of, read_stamps
from hhlab.types import ClipInfo

_DECODER_MEMORY = 4e8  # bytes of pictures that the threads of a decoder may hold together


@dataclass(frozen=True)
class Probe:
    """Everything about a file that reading it needs, beside the public `info`.

    Attributes
    ----------
    zero_s : container time of the first frame shown, the zero of the clip's clock
    times_s : float64 (n,) when each frame is shown on the clip's clock, ascending; empty when
        packets do not map one to one to frames
    truncated : what is missing of a file that was cut short, "" when nothing is
    video_index, audio_index : stream numbers; -1 for no sound
    audio_end_s : container time
    """

    info: ClipInfo
    geometry: Geometry
    zero_s: float
    times_s: np.ndarray
    truncated: str
    video_index: int
    audio_index: int
    audio_end_s: float


@dataclass(frozen=True)
class _Header:
    """What the container says before anything is decoded."""

    container: str
    video_codec: str
    video_index: int
    promised: int
    claimed_s: float
    average_fps: float
    aspect: float
    audio_index: int
    choices: tuple[str, ...]
    stamps: Stamps


def probe(path: str | os.PathLike) -> Probe:
    """Open a file, read its packets' time stamps, its first frame and its first samples.

    Raises
    ------
    FileMissing, NotAFile, FileUnreadable, FileEmpty, NotMedia, NoVideo, NoFrames, Truncated,
    UnsupportedCodec, UnsupportedSize
    """
    name = as_subject(os.fsdecode(path))
    digest = sha256_of(path)
    missing = missing_bytes(path)
    header = _read_header(path, name, missing)
    stamps = header.stamps
    truncated = stamps.broken
    if missing and not 0 < header.promised <= stamps.packets:
        count = f"{stamps.packets} of {header.promised or 'an unknown number of'} frames"
        truncated = f"{count}, {missing} bytes missing"
    elif header.promised and not stamps.packets:
        truncated = f"none of the {header.promised} frames in the index is there"
    frame = _first_frame(path, header, name, truncated)
    zero_s = float(frame.pts * frame.time_base) if frame.pts is not None else 0.0
    clock = clock_of(stamps, zero_s=zero_s, average=header.average_fps, claimed_s=header.claimed_s)
    geometry = geometry_of(frame, header.aspect)
    width, height = geometry.shown_px
    if width * height > MAX_PIXELS:
        raise UnsupportedSize(
            name, expected=f"at most {MAX_PIXELS} pixels",
            found=f"{width} x {height} with square pixels",
        )  # fmt: skip
    sound = _sound(path, header, zero_s)
    notes = _notes(frame, header, truncated, clock.note)
    if header.audio_index >= 0 and not sound:
        notes.append("the sound track cannot be decoded")
    info = ClipInfo(
        name=display_name(path), path=os.fsdecode(path), sha256=digest,
        duration_s=clock.duration_s, width_px=width, height_px=height, fps=clock.fps,
        is_vfr=clock.is_vfr,
        container=header.container, video_codec=header.video_codec,
        pixel_format=frame.format.name, bit_depth=max(c.bits for c in frame.format.components),
        rotation_deg=geometry.rotation_deg, notes=tuple(notes), **sound,
    )  # fmt: skip
    return Probe(
        info, geometry, zero_s, clock.times_s, truncated, header.video_index,
        header.audio_index if sound else -1, stamps.audio_end_s,
    )  # fmt: skip


def limit_threads(stream: av.VideoStream) -> None:
    """Decode with as many threads as the picture size leaves memory for."""
    bytes_each = 3 * max(1, stream.codec_context.width * stream.codec_context.height)
    stream.thread_type = "AUTO"
    stream.thread_count = int(min(os.cpu_count() or 1, 16, max(1, _DECODER_MEMORY // bytes_each)))


def _read_header(path: str | os.PathLike, name: str, missing: int) -> _Header:
    with open_container(path) as container:
        video = _picture_stream(container, name, missing)
        audio = container.streams.best("audio")
        if audio is not None and audio.codec_context is None:
            audio = None
        claimed_s = float(video.duration * video.time_base) if video.duration else float("nan")
        return _Header(
            container=_container_name(container),
            video_codec=video.codec_context.codec.canonical_name,
            video_index=video.index,
            promised=video.frames,
            claimed_s=claimed_s,
            average_fps=float(video.average_rate or video.guessed_rate or 0),
            aspect=float(video.sample_aspect_ratio or 1),
            audio_index=audio.index if audio is not None else -1,
            choices=(
                _choice("picture streams", video, _pictures(container)),
                _choice("sound tracks", audio, container.streams.audio),
            ),
            stamps=read_stamps(container, video, audio),
        )


def _picture_stream(
    container: av.container.InputContainer, name: str, missing: int
) -> av.VideoStream:
    """The main picture stream."""
    streams = _pictures(container)
    if not streams:
        found = {"cover art" if s.type == "video" else s.type for s in container.streams}
        kinds = ", ".join(sorted(found)) or "no streams"
        if missing:
            raise Truncated(
                name, expected="a picture stream", found=f"{kinds}, {missing} bytes missing"
            )
        raise NoVideo(name, expected="a picture stream", found=kinds)
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    context = stream.codec_context
    if context is None:
        raise UnsupportedCodec(name, expected="a known codec", found="a codec without decoder")
    if context.width * context.height > MAX_PIXELS:
        raise UnsupportedSize(
            name,
            expected=f"at most {MAX_PIXELS} pixels",
            found=f"{context.width} x {context.height}",
        )
    return stream


def _pictures(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams of moving pictures; cover art does not count."""
    cover = av.stream.Disposition.attached_pic
    return [s for s in container.streams.video if not s.disposition & cover]


def _choice(what: str, chosen: av.stream.Stream | None, of: Sequence[av.stream.Stream]) -> str:
    """Which of several was taken, in words; "" where there was no choice."""
    if chosen is None or len(of) < 2:
        return ""
    place = 1 + [stream.index for stream in of].index(chosen.index)
    return f"{len(of)} {what}: number {place} is measured"


def _first_frame(
    path: str | os.PathLike, header: _Header, name: str, truncated: str
) -> av.VideoFrame:
    problem = "no frames"
    with open_container(path) as container:
        stream = container.streams[header.video_index]
        stream.thread_count = 1
        try:
            for packet in container.demux(stream):
                try:
                    for frame in packet.decode():
                        return frame
                except av.error.InvalidDataError as error:
                    problem = error.strerror
        except av.error.PatchWelcomeError as error:
            raise UnsupportedCodec(
                name, expected="a supported variant of the codec",
                found=f"{header.video_codec}: {error.strerror}",
            ) from error  # fmt: skip
        except (av.error.FFmpegError, OSError) as error:
            problem = error.strerror or str(error)
    if truncated:
        raise Truncated(name, expected="at least one whole frame", found=truncated)
    raise NoFrames(name, expected="at least one frame", found=problem)


def _sound(path: str | os.PathLike, header: _Header, zero_s: float) -> dict[str, object]:
    """Format and place of the sound; {} where there is none or not one sample decodes.

    The time stamp of the first packet does not do: it may be one that only warms the decoder up.
    """
    if header.audio_index < 0:
        return {}
    with open_container(path) as container:
        stream = container.streams[header.audio_index]
        for first in decoded(container, stream):
            start_s = float(first.pts * first.time_base) if first.pts is not None else 0.0
            return {
                "has_audio": True,
                "audio_codec": stream.codec_context.codec.canonical_name,
                "sample_rate": first.sample_rate,
                "channels": first.layout.nb_channels,
                "audio_start_s": start_s - zero_s,
                "audio_duration_s": max(0.0, header.stamps.audio_end_s - start_s),
            }
    return {}


def _notes(frame: av.VideoFrame, header: _Header, truncated: str, broken_stamps: str) -> list[str]:
    notes = [f"the file is cut short: {truncated}"] if truncated else []
    notes += [note for note in (broken_stamps, *header.choices) if note]
    if (transfer := HDR_TRANSFER.get(int(frame.color_trc))) is not None:
        notes.append(f"high dynamic range ({transfer}) is shown without tone mapping")
    if frame.interlaced_frame:
        notes.append("interlaced: both fields are read as one frame")
    if abs(header.aspect - 1) > 0.005:
        notes.append(f"pixels are {header.aspect:.4g} times as wide as high; made square")
    return notes


def _container_name(container: av.container.InputContainer) -> str:
    """Short name: QuickTime and MP4 share a demuxer, as do Matroska and WebM."""
    name = container.format.name
    if name.startswith("mov,"):
        return "mov" if container.metadata.get("major_brand", "").strip() == "qt" else "mp4"
    return name.split(",")[0]
