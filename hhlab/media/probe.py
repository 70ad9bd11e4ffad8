"""What a file holds and when each of its frames is shown: one pass over its packets.

No picture but the first is decoded. Every packet's time stamp is read, because what containers say
in their headers (durations, frame rates, frame counts) is often missing and sometimes wrong.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import av
import numpy as np

from hhlab.errors import NoFrames, NoVideo, Truncated, UnsupportedCodec, UnsupportedSize, as_subject
from hhlab.media.local import display_name, open_container, sha256_of
from hhlab.media.pictures import HDR_TRANSFER, Geometry, geometry_of
from hhlab.types import ClipInfo

MAX_PIXELS = 10**8  # a decoder holds several such pictures at once
_DECODER_MEMORY = 4e8  # bytes of pictures that the threads of a decoder may hold together
_VARIES = 0.2  # of a frame: steps between frames that differ more make the rate variable


@dataclass(frozen=True)
class Probe:
    """Everything about a file that reading its frames needs, beside the public `info`.

    Attributes
    ----------
    zero_s : container time of the first frame shown, the zero of the clip's clock
    times_s : float64 (n,) when each frame is shown on the clip's clock, ascending; empty when
        packets do not map one to one to frames
    promised : number of frames that the container's index promises, 0 when it says nothing
    video_index, audio_index : stream numbers; -1 for no audio
    audio_start_s, audio_end_s : container time
    """

    info: ClipInfo
    geometry: Geometry
    zero_s: float
    times_s: np.ndarray
    promised: int
    truncated: str
    video_index: int
    audio_index: int
    audio_end_s: float


@dataclass
class _Scan:
    """Time stamps of all packets, in container seconds."""

    shown_s: np.ndarray
    last_s: float
    packets: int
    untimed: int
    audio_start_s: float
    audio_end_s: float
    broken: str


def probe(path: str | os.PathLike) -> Probe:
    """Open a file, read its packets' time stamps and its first frame.

    Raises
    ------
    FileMissing, NotAFile, FileUnreadable, FileEmpty, NotMedia, NoVideo, NoFrames, Truncated,
    UnsupportedCodec, UnsupportedSize
    """
    name = as_subject(os.fsdecode(path))
    digest = sha256_of(path)
    with open_container(path) as container:
        video = picture_stream(container, name)
        audio = container.streams.best("audio")
        if audio is not None and audio.codec_context is None:
            audio = None
        container_name = _container_name(container)
        promised, claimed_s = video.frames, _seconds(video.duration, video.time_base)
        average = float(video.average_rate or video.guessed_rate or 0)
        aspect = float(video.sample_aspect_ratio or 1)
        scan = _scan(container, video, audio)
        video_index, audio_index = video.index, audio.index if audio else -1
        sound = {}
        if audio is not None:
            context = audio.codec_context
            sound = {
                "has_audio": True,
                "audio_codec": context.codec.canonical_name,
                "sample_rate": context.sample_rate or 0,
                "channels": context.layout.nb_channels if context.layout else 0,
            }
    frame, codec = _first_frame(path, video_index, name, scan, promised)
    zero_s = float(frame.pts * frame.time_base) if frame.pts is not None else 0.0
    times_s = np.unique(scan.shown_s[scan.shown_s >= zero_s - 1e-9]) - zero_s
    if scan.untimed or len(times_s) == 0 or times_s[0] > 1e-6:
        times_s = np.empty(0)
    fps, is_vfr, duration_s = _rate(times_s, average, scan.last_s - zero_s, claimed_s)
    geometry = geometry_of(frame, aspect)
    width, height = geometry.shown_px
    truncated = scan.broken
    if promised > scan.packets and scan.packets:
        truncated = f"{scan.packets} of {promised} frames are in the file"
    notes = []
    if truncated:
        notes.append(f"the file is cut short: {truncated}")
    if int(frame.color_trc) in HDR_TRANSFER:
        notes.append(
            f"high dynamic range ({HDR_TRANSFER[int(frame.color_trc)]}) is shown without tone mapping"
        )
    if frame.interlaced_frame:
        notes.append("interlaced: both fields are read as one frame")
    if aspect and abs(aspect - 1) > 0.005:
        notes.append(f"pixels are not square ({aspect:.4g}); the picture is scaled so that they are")
    info = ClipInfo(
        name=display_name(path), path=os.fsdecode(path), sha256=digest,
        duration_s=duration_s, width_px=width, height_px=height, fps=fps, is_vfr=is_vfr,
        container=container_name, video_codec=codec, pixel_format=frame.format.name,
        bit_depth=max(c.bits for c in frame.format.components),
        rotation_deg=geometry.rotation_deg, notes=tuple(notes),
        audio_start_s=scan.audio_start_s - zero_s,
        audio_duration_s=scan.audio_end_s - scan.audio_start_s,
        **sound,
    )  # fmt: skip
    return Probe(
        info, geometry, zero_s, times_s, promised, truncated, video_index, audio_index,
        scan.audio_end_s,
    )  # fmt: skip


def picture_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    """The main picture stream; cover art does not count."""
    streams = [
        s for s in container.streams.video
        if not s.disposition & av.stream.Disposition.attached_pic
    ]  # fmt: skip
    if not streams:
        kinds = sorted({s.type for s in container.streams})
        raise NoVideo(name, expected="a picture stream", found=", ".join(kinds) or "no streams")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        raise UnsupportedCodec(name, expected="a known codec", found="a codec without decoder")
    pixels = stream.codec_context.width * stream.codec_context.height
    if pixels > MAX_PIXELS:
        raise UnsupportedSize(
            name, expected=f"at most {MAX_PIXELS} pixels",
            found=f"{stream.codec_context.width} x {stream.codec_context.height}",
        )  # fmt: skip
    return stream


def limit_threads(stream: av.VideoStream) -> None:
    """Decode with as many threads as the picture size leaves memory for."""
    bytes_each = 3 * max(1, stream.codec_context.width * stream.codec_context.height)
    stream.thread_type = "AUTO"
    stream.thread_count = int(min(os.cpu_count() or 1, 16, max(1, _DECODER_MEMORY // bytes_each)))


def _scan(container, video: av.VideoStream, audio: av.AudioStream | None) -> _Scan:
    shown: list[float] = []
    last_s, packets, untimed, broken = 0.0, 0, 0, ""
    start_s, end_s = float("nan"), float("nan")
    tick = video.time_base
    try:
        for packet in container.demux([s for s in (video, audio) if s is not None]):
            if packet.size == 0:
                continue
            if packet.stream is video:
                packets += not packet.is_corrupt
                if packet.is_discard:
                    continue
                if packet.pts is None:
                    untimed += 1
                    continue
                shown.append(float(packet.pts * tick))
                last_s = max(last_s, float((packet.pts + (packet.duration or 0)) * tick))
            elif packet.pts is not None and not packet.is_discard:
                at = float(packet.pts * packet.time_base)
                start_s = at if start_s != start_s else min(start_s, at)
                until = at + float((packet.duration or 0) * packet.time_base)
                end_s = until if end_s != end_s else max(end_s, until)
    except av.error.FFmpegError as error:
        broken = f"reading stopped: {error.strerror}"
    return _Scan(np.array(shown), last_s, packets, untimed, start_s, end_s, broken)


def _first_frame(
    path: str | os.PathLike, video_index: int, name: str, scan: _Scan, promised: int
) -> tuple[av.VideoFrame, str]:
    problem = ""
    with open_container(path) as container:
        stream = container.streams[video_index]
        codec = stream.codec_context.codec.canonical_name
        limit_threads(stream)
        stream.thread_count = 1
        try:
            for packet in container.demux(stream):
                try:
                    for frame in packet.decode():
                        return frame, codec
                except av.error.InvalidDataError as error:
                    problem = error.strerror
        except av.error.PatchWelcomeError as error:
            raise UnsupportedCodec(
                name, expected="a supported variant of the codec", found=f"{codec}: {error.strerror}"
            ) from error
        except av.error.FFmpegError as error:
            problem = error.strerror
    if promised > scan.packets or scan.broken:
        raise Truncated(
            name, expected=f"{promised or 'some'} frames",
            found=f"{scan.packets} packets, none of which decodes",
        )  # fmt: skip
    raise NoFrames(name, expected="at least one frame", found=problem or "no frames")


def _rate(
    times_s: np.ndarray, average: float, last_s: float, claimed_s: float
) -> tuple[float, bool, float]:
    """Frames per second, whether it varies, and how long the pictures last."""
    if len(times_s) < 2:
        fps = average if average > 0 else float("nan")
        lasts = [last_s, claimed_s, 1 / fps if fps == fps else float("nan")]
        plausible = [x for x in lasts if x == x and 0 < x < 3600]
        return fps, False, plausible[0] if plausible else float("nan")
    steps = np.diff(times_s)
    typical = float(np.median(steps))
    # Stamps are often rounded to 1 ms: an honest constant rate may jitter by that much.
    is_vfr = bool(np.any(np.abs(steps - typical) > max(_VARIES * typical, 0.0021)))
    mean = len(steps) / float(times_s[-1])
    constant = average if average > 0 and abs(average / mean - 1) < 0.002 else mean
    fps = mean if is_vfr else constant
    duration_s = max(last_s, float(times_s[-1]))
    if duration_s - times_s[-1] < 1e-6:  # the last frame's own length is unknown
        duration_s = float(times_s[-1]) + typical
    return float(fps), is_vfr, float(duration_s)


def _seconds(ticks: int | None, time_base) -> float:
    return float("nan") if ticks is None else float(ticks * time_base)


def _container_name(container: av.container.InputContainer) -> str:
    """Short name: QuickTime and MP4 share a demuxer, as do Matroska and WebM."""
    name = container.format.name
    if name.startswith("mov,"):
        return "mov" if container.metadata.get("major_brand", "").strip() == "qt" else "mp4"
    if name.startswith("matroska"):
        return "matroska"
    return name.split(",")[0]
