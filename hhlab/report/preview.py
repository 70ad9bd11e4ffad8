"""Pictures of a clip that fit into a page: a small playable copy, and stills at given times."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hhlab.errors import MediaError, Truncated
from hhlab.media import write_clip
from hhlab.types import Audio, Clip, Frame

PAGE_BYTES = 12_000_000
"""What one embedded clip may weigh; longer clips get a smaller picture."""

MOST_FPS = 30.0
AUDIO_HZ, SPEECH_HZ = 44_100, 16_000


def data_uri(data: bytes, kind: str) -> str:
    """Return bytes as a ``data:`` address."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"


def playable(clip: Clip, *, most_bytes: int = PAGE_BYTES) -> str | None:
    """Return the clip as a ``data:video/mp4`` address that every browser plays, or None.

    The copy is made by :func:`hhlab.media.write_clip` (H.264 and AAC) at a size that keeps it
    under `most_bytes`; it serves looking, never measuring.
    """
    pixels_per_second = most_bytes * 8 / max(clip.info.duration_s, 1.0) / 0.1
    side = int(np.clip(np.sqrt(pixels_per_second / 25 / 0.6), 240, 720))
    for attempt in (side, side * 2 // 3, side * 2 // 5):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "preview.mp4"
            try:
                _write_small(path, clip, max(160, attempt))
            except MediaError:
                return None
            if path.stat().st_size <= most_bytes:
                return data_uri(path.read_bytes(), "video/mp4")
    return None


def thumbnail(clip: Clip, *, side_px: int, crf: int = 30) -> bytes | None:
    """A small copy that every browser plays (MP4: H.264 and AAC), or None where it cannot be made.

    The longer side is at most `side_px`; a higher `crf` makes the file smaller and coarser.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thumbnail.mp4"
        try:
            _write_small(path, clip, side_px, crf=crf)
        except MediaError:
            return None
        return path.read_bytes()


def stills(clip: Clip, times_s: Sequence[float], *, height_px: int = 132) -> dict[float, str]:
    """Return JPEG ``data:`` addresses of the frames on show at the given times.

    Times at which no frame can be had are left out.
    """
    found: dict[float, str] = {}
    for time_s in sorted(set(times_s)):
        shown = _frame_at(clip, time_s)
        if shown is not None:
            found[time_s] = _jpeg(shown, height_px)
    return found


def _frame_at(clip: Clip, time_s: float) -> np.ndarray | None:
    reach_s = 2.5 / clip.info.fps if clip.info.fps > 0 else 0.5
    shown = None
    try:
        for frame in clip.frames(start_s=max(0.0, time_s - reach_s), max_side_px=640):
            if shown is not None and frame.time_s > time_s + 1e-6:
                break
            shown = frame.rgb
    except MediaError:
        pass  # a truncated file still shows what comes before the break
    return shown


def _jpeg(rgb: np.ndarray, height_px: int) -> str:
    import cv2

    scale = height_px / rgb.shape[0]
    size = (max(1, min(4 * height_px, round(rgb.shape[1] * scale))), height_px)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    return data_uri(data.tobytes(), "image/jpeg")


def _write_small(path: Path, clip: Clip, side_px: int, *, crf: int = 26) -> None:
    audio = _sound(clip)
    rate = min(clip.info.fps, MOST_FPS) if clip.info.fps > 0 else MOST_FPS
    write_clip(path, _until_break(clip, side_px), fps=rate, audio=audio, crf=crf, preset="veryfast")


def _sound(clip: Clip) -> Audio | None:
    if not clip.info.has_audio:
        return None
    try:
        long = clip.info.duration_s > 120
        return clip.audio(
            sample_rate=SPEECH_HZ if long else AUDIO_HZ, mono=long or clip.info.channels > 2
        )
    except MediaError:
        return None


def _until_break(clip: Clip, side_px: int) -> Iterator[Frame]:
    try:
        yield from clip.frames(max_side_px=side_px)
    except Truncated:
        return
