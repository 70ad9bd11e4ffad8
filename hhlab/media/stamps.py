"""The time stamps of every packet, and what they say about rate and length."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np

_VARIES = 0.2  # of a frame: steps between frames that differ more make the rate variable
_GOES_BACK_S = 0.1  # decoding times never go back; by less than this they may be damaged
_ROUNDING_S = 0.0021  # stamps rounded to 1 ms, as Matroska has them, make even steps uneven


@dataclass(frozen=True)
class Stamps:
    """Time stamps of all packets, in container seconds.

    Attributes
    ----------
    shown_s : float64 (n,) of the frames that are shown, in the order in which they are stored
    last_s : when the last of them ends, as far as its length is known
    packets : picture packets that are whole, shown or not
    untimed : picture packets without a time stamp
    restart : the number in `shown_s` from which on the stamps begin again, as where files were
        strung together byte by byte; None where time only moves on
    audio_start_s, audio_end_s : nan without sound
    broken : why reading ended early, "" when it did not
    """

    shown_s: np.ndarray
    last_s: float
    packets: int
    untimed: int
    restart: int | None
    audio_start_s: float
    audio_end_s: float
    broken: str


def read_stamps(
    container: av.container.InputContainer, video: av.VideoStream, audio: av.AudioStream | None
) -> Stamps:
    """Demux the whole file and keep nothing but the times."""
    shown: list[float] = []
    last_s, packets, untimed, broken = 0.0, 0, 0, ""
    restart, decoded_s = None, -np.inf
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
                if packet.dts is not None:
                    if restart is None and float(packet.dts * tick) < decoded_s - _GOES_BACK_S:
                        restart = len(shown)
                    decoded_s = float(packet.dts * tick)
                shown.append(float(packet.pts * tick))
                last_s = max(last_s, float((packet.pts + (packet.duration or 0)) * tick))
            elif packet.pts is not None and not packet.is_discard:
                at = float(packet.pts * packet.time_base)
                start_s = at if start_s != start_s else min(start_s, at)
                until = at + float((packet.duration or 0) * packet.time_base)
                end_s = until if end_s != end_s else max(end_s, until)
    except (av.error.FFmpegError, OSError) as error:
        broken = f"reading stopped: {error.strerror}"
    return Stamps(np.array(shown), last_s, packets, untimed, restart, start_s, end_s, broken)


@dataclass(frozen=True)
class Clock:
    """When the frames are shown, on the clip's clock.

    Attributes
    ----------
    times_s : float64 (n,), ascending; empty when packets do not map one to one to frames
    fps, is_vfr, duration_s : frames per second, whether that varies, how long the pictures last
    note : what is wrong with the time stamps, "" when nothing is
    """

    times_s: np.ndarray
    fps: float
    is_vfr: bool
    duration_s: float
    note: str


def clock_of(stamps: Stamps, *, zero_s: float, average: float, claimed_s: float) -> Clock:
    """Turn a file's stamps into the clock of the clip, whose zero is `zero_s` in the container.

    Frames without a usable stamp of their own follow at even steps, as the reader gives them.
    """
    own = stamps.shown_s if stamps.restart is None else stamps.shown_s[: stamps.restart]
    times_s = np.unique(own[own >= zero_s - 1e-9]) - zero_s
    last_s = stamps.last_s - zero_s if stamps.restart is None else 0.0
    fps, is_vfr, duration_s = rate_of(times_s, average, last_s, claimed_s)
    note = ""
    if stamps.restart is not None:
        note = (
            f"the time stamps begin again after {duration_s:.2f} s: the pictures from there on are "
            "taken at even steps, and sound for a time that has had its sound is left out"
        )
        duration_s += (len(stamps.shown_s) - stamps.restart) / fps
    elif stamps.untimed:
        count = stamps.untimed + len(stamps.shown_s)
        note = f"{stamps.untimed} of {count} frames have no time stamp: taken at even steps"
        duration_s = max(duration_s, count / fps) if fps > 0 else duration_s
    if note or len(times_s) == 0 or times_s[0] > 1e-6:
        times_s = np.empty(0)
    return Clock(times_s, fps, is_vfr, duration_s, note)


def rate_of(
    times_s: np.ndarray, average: float, last_s: float, claimed_s: float
) -> tuple[float, bool, float]:
    """Return frames per second, whether that varies, and how long the pictures last in seconds.

    Parameters
    ----------
    times_s : float64 (n,) when each frame is shown, ascending
    average : the container's own idea of the rate, preferred where it fits; 0 when unknown
    last_s : when the last frame ends, as far as known
    claimed_s : the container's own idea of the duration, used for a single frame only
    """
    if len(times_s) < 2:
        fps = average if average > 0 else float("nan")
        lasts = [last_s, claimed_s, 1 / fps if fps == fps else float("nan")]
        plausible = [x for x in lasts if x == x and 0 < x < 3600]
        return fps, False, plausible[0] if plausible else float("nan")
    steps = np.diff(times_s)
    typical = float(np.median(steps))
    is_vfr = bool(np.any(np.abs(steps - typical) > max(_VARIES * typical, _ROUNDING_S)))
    mean = len(steps) / float(times_s[-1])
    constant = average if average > 0 and abs(average / mean - 1) < 0.002 else mean
    fps = mean if is_vfr else constant
    duration_s = max(last_s, float(times_s[-1]))
    if duration_s - times_s[-1] < 1e-6:  # the last frame's own length is unknown
        duration_s = float(times_s[-1]) + typical
    return float(fps), is_vfr, float(duration_s)
