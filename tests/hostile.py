"""Files that try to break a reader, made in a few seconds from nothing but the codecs at hand.

``make_hostile_files(folder)`` writes them and returns what each should lead to: the name of an
error, or "measurable" when reading must work (what a metric then says is another matter: a black
clip is read well and has no face).
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 16000


@dataclass(frozen=True)
class HostileFile:
    """One entry: `expect` is "measurable" or the kind of error; "a|b" allows either."""

    name: str
    path: Path | str
    expect: str


def encode(
    path: Path,
    frames: np.ndarray,
    *,
    times_ms: list[int] | None = None,
    fps: int = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    container: str = "mp4",
    sound: np.ndarray | None = None,
    sound_rate: int = RATE,
    sound_codec: str = "aac",
    sound_start_ms: int = 0,
    prepare: Callable[[av.VideoStream], None] | None = None,
) -> Path:
    """Encode ``uint8 (t, h, w, 3)`` and sound ``float32 (channels, samples)`` with plain PyAV.

    Written without the project's own writer, so that the reader is not tested against itself.
    """
    fast = {"preset": "ultrafast", "crf": "12"} if codec == "libx264" else {}
    layout = {1: "mono", 2: "stereo", 6: "5.1"}
    with (
        path.open("wb") as file,
        av.open(file, "w", format=container, container_options=container_options or {}) as output,
    ):
        picture = audio = None
        if frames is not None:
            picture = output.add_stream(codec, rate=fps, options={**fast, **(options or {})})
            picture.height, picture.width = frames.shape[1:3]
            picture.pix_fmt = pix_fmt
            picture.codec_context.time_base = Fraction(1, 1000)
            if prepare:
                prepare(picture)
        if sound is not None:
            audio = output.add_stream(sound_codec, rate=sound_rate, layout=layout[len(sound)])
        if picture is not None:
            times_ms = times_ms or [round(1000 * k / fps) for k in range(len(frames))]
            for time_ms, rgb in zip(times_ms, frames, strict=True):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
                frame = frame.reformat(format=pix_fmt)
                frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
                output.mux(picture.encode(frame))
            output.mux(picture.encode(None))
        if audio is not None:
            _encode_sound(output, audio, sound, sound_rate, sound_start_ms)
    return path


def _encode_sound(output, stream, sound: np.ndarray, rate: int, start_ms: int) -> None:
    form = stream.codec_context.format.name
    layout = stream.codec_context.layout.name
    first = round(start_ms * rate / 1000)
    size = stream.codec_context.frame_size or 1024
    for at in range(0, sound.shape[1], size):
        block = np.ascontiguousarray(sound[:, at : at + size])
        if form.startswith("s16"):
            block = (np.clip(block, -1, 1) * 32767).astype(np.int16)
        if not form.endswith("p"):
            block = np.ascontiguousarray(block.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(block, format=form, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, first + at, Fraction(1, rate)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def moving(count: int = 12, height: int = 64, width: int = 96, seed: int = 0) -> np.ndarray:
    """A coloured field with a square that moves: ``uint8 (t, h, w, 3)``."""
    rng = np.random.default_rng(seed)
    frames = np.empty((count, height, width, 3), np.uint8)
    frames[:] = (
        rng.integers(60, 200, (height // 8 + 1, width // 8 + 1, 3))
        .repeat(8, 0)
        .repeat(8, 1)[:height, :width]
    )
    for k in range(count):
        left = int(k * max(1, width - 8) / max(1, count))
        frames[k, height // 3 : height // 3 + 8, left : left + 8] = 255
    return frames


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """A 300 Hz tone, float32 (channels, samples)."""
    wave = 0.3 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[None], channels, 0).astype(np.float32)


def make_hostile_files(folder: Path) -> list[HostileFile]:
    """Write all of them into `folder` (which should be empty) and say what each must lead to."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[HostileFile] = []

    def add(name: str, path: Path | str, expect: str) -> None:
        files.append(HostileFile(name, path, expect))

    good = encode(folder / "good.mp4", moving(), sound=tone(1.2),
                  container_options={"movflags": "+faststart"})  # fmt: skip
    late_index = encode(folder / "late_index.mp4", moving(), sound=tone(1.2))
    add("well formed, index first", good, "measurable")
    add("well formed, index last", late_index, "measurable")
    _not_files(folder, add)
    _not_media(folder, add, good)
    _truncated(folder, add, good, late_index)
    _names(folder, add, good)
    _pictures(folder, add)
    _sounds(folder, add)
    _streams(folder, add)
    _stamps(folder, add)
    _lying_headers(folder, add, good)
    return files


def _not_files(folder: Path, add) -> None:
    (folder / "a directory.mp4").mkdir()
    add("directory", folder / "a directory.mp4", "NotAFile")
    add("missing", folder / "no such file.mp4", "FileMissing")
    add("below a file", folder / "good.mp4" / "inside.mp4", "FileMissing")
    add("very long name", folder / ("x" * 5000 + ".mp4"), "FileMissing")
    add("null byte in name", f"{folder}/a\0b.mp4", "FileMissing")
    (folder / "empty.mp4").touch()
    add("empty", folder / "empty.mp4", "FileEmpty")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    add("symlink loop", folder / "loop.mp4", "FileUnreadable")
    (folder / "dangling.mp4").symlink_to("gone.mp4")
    add("dangling symlink", folder / "dangling.mp4", "FileMissing")
    os.mkfifo(folder / "pipe.mp4")
    add("named pipe nobody writes to", folder / "pipe.mp4", "NotAFile")
    for device in ("/dev/zero", "/dev/null"):
        if Path(device).exists():
            add(f"endless device {device}", Path(device), "NotAFile")
    locked = folder / "locked.mp4"
    shutil.copy(folder / "good.mp4", locked)
    locked.chmod(0)  # which does not stop an administrator
    add("unreadable", locked, "measurable" if os.access(locked, os.R_OK) else "FileUnreadable")
    for name in ("http://127.0.0.1:9/a.mp4", "concat:good.mp4|good.mp4", "pipe:0", "file:good.mp4",
                 "-", "lavfi:testsrc", "data:video/mp4;base64,AAAA"):  # fmt: skip
        add(f"protocol in the name: {name}", name, "FileMissing")


def _not_media(folder: Path, add, good: Path) -> None:
    text = folder / "text.mp4"
    text.write_text("This is a letter, not a film.\n" * 200)
    add("text named mp4", text, "NotMedia")
    noise = folder / "noise.mp4"
    noise.write_bytes(np.random.default_rng(1).bytes(20000))
    add("random bytes", noise, "NotMedia")
    zeros = folder / "zeros.mp4"
    zeros.write_bytes(bytes(100_000))
    add("zero bytes", zeros, "NotMedia")
    html = folder / "page.webm"
    html.write_text("<html><script>alert(1)</script></html>")
    add("web page named webm", html, "NotMedia")
    playlist = folder / "playlist.mp4"
    playlist.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{good}\n#EXT-X-ENDLIST\n"
    )
    add("play list that names another file", playlist, "NotMedia")
    concat = folder / "concat.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile '{good}'\n")
    add("concat script that names another file", concat, "NotMedia")
    from PIL import Image

    png = folder / "png.mp4"
    Image.fromarray(moving(1)[0]).save(png, format="png")
    add("picture named mp4", png, "NotMedia")


def _truncated(folder: Path, add, good: Path, late_index: Path) -> None:
    whole = good.read_bytes()
    data_at = whole.index(b"mdat") + 4
    index_at = whole.index(b"moov")
    cuts = {
        "in the first box": (12, "Truncated"),
        "before the index": (index_at - 4, "Truncated"),
        "inside the index": (index_at + 200, "Truncated"),
        "at the index's end": (data_at - 8, "Truncated"),
        "at the first frame": (data_at + 40, "Truncated"),
        "at a third": (data_at + (len(whole) - data_at) // 3, "Truncated"),
        "at two thirds": (data_at + 2 * (len(whole) - data_at) // 3, "Truncated"),
        "one byte short": (len(whole) - 1, "measurable"),
    }
    for place, (size, expect) in cuts.items():
        path = folder / f"cut {place}.mp4"
        path.write_bytes(whole[:size])
        add(f"truncated {place}", path, expect)
    whole = late_index.read_bytes()
    for part in (0.1, 0.5, 0.9):
        path = folder / f"index last, cut at {part}.mp4"
        path.write_bytes(whole[: int(part * whole.index(b"moov"))])
        add(f"index last, truncated at {part:.0%}", path, "Truncated")
    path = folder / "index last, index cut.mp4"
    path.write_bytes(whole[: whole.index(b"moov") + 100])
    add("index last, truncated in the index", path, "Truncated")
    mkv = encode(folder / "whole.mkv", moving(30), container="matroska", options={"g": "5"})
    for part in (0.05, 0.6):
        path = folder / f"cut at {part}.mkv"
        path.write_bytes(mkv.read_bytes()[: int(part * mkv.stat().st_size)])
        add(f"matroska truncated at {part:.0%}", path, "Truncated")
    holed = bytearray(good.read_bytes())
    rng = np.random.default_rng(5)
    for at in rng.integers(data_at + 2000, len(holed), 60):
        holed[at] ^= 0xFF
    path = folder / "damaged.mp4"
    path.write_bytes(bytes(holed))
    add("bytes flipped in the middle", path, "measurable")


def _names(folder: Path, add, good: Path) -> None:
    names = {
        "quotes": 'it\'s "quoted" `here`.mp4',
        "HTML": "<img src=x onerror=alert(1)>&amp;.mp4",
        "new line": "line\nbreak\ttab.mp4",
        "Unicode": "Gesprächsfilm 話す 🎬 \u202egnp.mp4",
        "leading dash": "-i.mp4",
        "percent and braces": "%05d{0}{{x}}$HOME;ls.mp4",
        "backslash": "a\\b.mp4",
    }
    for what, name in names.items():
        path = folder / name
        shutil.copy(good, path)
        add(f"name with {what}", path, "measurable")
    raw = os.fsencode(folder) + b"/not utf-8 \xff\xfe.mp4"
    try:
        Path(os.fsdecode(raw)).write_bytes(good.read_bytes())
        add("name that is not UTF-8", Path(os.fsdecode(raw)), "measurable")
    except OSError:
        pass  # some file systems refuse such names
    wrong = folder / "film.txt"
    shutil.copy(good, wrong)
    add("mp4 named txt", wrong, "measurable")


def _pictures(folder: Path, add) -> None:
    add("one frame", encode(folder / "one.mp4", moving(1)), "measurable")
    add("no face", encode(folder / "no face.mp4", moving(20, 120, 160)), "measurable")
    add("all black", encode(folder / "black.mp4", np.zeros((12, 64, 96, 3), np.uint8),
                            sound=np.zeros((1, 19200), np.float32)), "measurable")  # fmt: skip
    small = encode(folder / "3x3.mov", moving(4, 3, 3), codec="png", pix_fmt="rgb24",
                   container="mov")  # fmt: skip
    add("3 x 3 pixels", small, "measurable")
    dot = encode(folder / "dot.gif", moving(3, 1, 1), codec="gif", pix_fmt="rgb8", container="gif")
    add("1 x 1 gif", dot, "measurable")
    odd = encode(folder / "odd.mkv", moving(6, 61, 97), codec="ffv1", container="matroska",
                 options={"level": "1"})  # fmt: skip
    add("odd sides", odd, "measurable")
    huge = np.broadcast_to(np.uint8([90, 120, 60]), (2, 4320, 7680, 3))
    add("7680 x 4320", encode(folder / "8k.mp4", huge), "measurable")
    wide = encode(folder / "strip.mp4", moving(5, 16, 4096), options={"preset": "ultrafast"})
    add("very wide", wide, "measurable")
    uneven = encode(folder / "uneven.mp4", moving(6), times_ms=[0, 10, 500, 533, 2000, 2001])
    add("variable frame rate", uneven, "measurable")
    turned = encode(folder / "turned.mp4", moving(6), prepare=lambda s: s.set_display_rotation(90))
    add("rotated by metadata", turned, "measurable")
    none = encode(folder / "no frames.mp4", moving(1)[:0], sound=tone(0.5),
                  prepare=lambda s: s.codec_context.open())  # fmt: skip
    add("zero frames", none, "NoVideo")

    hollow = folder / "hollow.gif"
    hollow.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0, 0, 0) + b";")
    add("gif without a picture in it", hollow, "NoFrames|NotMedia")


def _sounds(folder: Path, add) -> None:
    add("sound without pictures", encode(folder / "sound.m4a", None, sound=tone(1)), "NoVideo")
    add("pictures without sound", encode(folder / "mute.mp4", moving(10)), "measurable")
    silent = encode(folder / "silent.mp4", moving(10), sound=np.zeros((2, RATE), np.float32))
    add("silent sound", silent, "measurable")
    broken = tone(1)
    broken[0, 2000:2400], broken[0, 5000:5100], broken[0, 7000] = np.nan, np.inf, -np.inf
    nan = encode(folder / "nan.mkv", moving(10), container="matroska", sound=broken,
                 sound_codec="pcm_f32le")  # fmt: skip
    add("NaN and infinity in the sound", nan, "measurable")
    for rate, channels in ((8000, 1), (96000, 2), (48000, 6)):
        path = folder / f"{rate} Hz {channels} channels.mp4"
        encode(path, moving(10), sound=tone(1, rate, channels), sound_rate=rate)
        add(f"{channels} channels at {rate} Hz", path, "measurable")
    long = encode(folder / "long sound.mp4", moving(5), sound=tone(20))
    add("sound much longer than pictures", long, "measurable")
    short = encode(folder / "short sound.mp4", moving(30), sound=tone(0.05))
    add("sound much shorter than pictures", short, "measurable")
    late = encode(folder / "late sound.mp4", moving(10), sound=tone(1), sound_start_ms=700)
    add("sound starts late", late, "measurable")


def _streams(folder: Path, add) -> None:
    for name, container, codec in (("cover.mp3", "mp3", "mp3"), ("cover.m4a", "mp4", "aac")):
        path = folder / name
        with path.open("wb") as file, av.open(file, "w", format=container) as output:
            cover = _add_pictures(output, "mjpeg", (64, 64), "yuvj420p")
            cover.disposition = av.stream.Disposition.attached_pic
            audio = output.add_stream(codec, rate=RATE, layout="mono")
            audio.codec_context.format = "fltp"
            _encode_pictures(output, cover, moving(1, 64, 64))
            _encode_sound(output, audio, tone(0.5), RATE, 0)
        add(f"sound with cover art, {name}", path, "NoVideo")
    add("film with cover art before it", film_with_cover(folder / "art.mp4"), "measurable")
    add("two films in one file", two_films(folder / "two.mkv"), "measurable")
    for pix_fmt in ("gray16le", "yuva420p", "gbrp16le"):
        path = encode(folder / f"{pix_fmt}.mkv", moving(4), codec="ffv1", pix_fmt=pix_fmt,
                      container="matroska", options={"level": "3"})  # fmt: skip
        add(f"pixels as {pix_fmt}", path, "measurable")


def _stamps(folder: Path, add) -> None:
    add("two files strung together, of two sizes", strung_together(folder), "measurable")
    add("no usable time stamps", without_stamps(folder / "timeless.mkv"), "measurable")
    slow = encode(folder / "slow.mp4", moving(8), times_ms=[1000 * k for k in range(8)], fps=1)
    add("one frame a second", slow, "measurable")
    add("240 frames a second", encode(folder / "quick.mp4", moving(48), fps=240), "measurable")


def _add_pictures(output, codec: str, size: tuple[int, int], pix_fmt: str) -> av.VideoStream:
    stream = output.add_stream(codec, rate=10)
    stream.width, stream.height = size
    stream.pix_fmt = pix_fmt
    return stream


def _encode_pictures(output, stream: av.VideoStream, frames: np.ndarray) -> None:
    for number, rgb in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=stream.pix_fmt)
        frame.pts = number
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def film_with_cover(path: Path) -> Path:
    """A film of 8 frames of 48 x 32, with a larger picture as cover art."""
    with path.open("wb") as file, av.open(file, "w", format="mp4") as output:
        cover = _add_pictures(output, "mjpeg", (192, 192), "yuvj420p")
        cover.disposition = av.stream.Disposition.attached_pic
        film = _add_pictures(output, "libx264", (48, 32), "yuv420p")
        _encode_pictures(output, cover, moving(1, 192, 192))
        _encode_pictures(output, film, moving(8, 32, 48))
    return path


def two_films(path: Path) -> Path:
    """Two streams of moving pictures: 8 frames of 96 x 64, and 4 of 48 x 32."""
    with path.open("wb") as file, av.open(file, "w", format="matroska") as output:
        films = [_add_pictures(output, "libx264", size, "yuv420p") for size in ((96, 64), (48, 32))]
        _encode_pictures(output, films[0], moving(8, 64, 96))
        _encode_pictures(output, films[1], moving(4, 32, 48))
    return path


def strung_together(folder: Path) -> Path:
    """Two WebM files of 10 frames each, the second of another size, as one after the other."""
    path = folder / "joined.webm"
    parts = []
    for size in ((64, 96), (32, 48)):
        encode(path, moving(10, *size), codec="libvpx", container="webm",
               options={"deadline": "realtime"})  # fmt: skip
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    return path


def without_stamps(path: Path) -> Path:
    """10 frames at 10 a second whose time stamps lie where Matroska cannot store them."""
    return encode(path, moving(10), container="matroska",
                  times_ms=[100 * k - 5000 for k in range(10)],
                  container_options={"avoid_negative_ts": "disabled"})  # fmt: skip


def _lying_headers(folder: Path, add, good: Path) -> None:
    data = bytearray(good.read_bytes())
    for box in (b"mvhd", b"tkhd", b"mdhd"):  # durations, version 0 boxes
        at = data.find(box)
        while at >= 0:
            offset = at + 8 + {b"mvhd": 12, b"tkhd": 16, b"mdhd": 12}[box]
            data[offset : offset + 4] = struct.pack(">I", 0xFFFF_FFF0)
            at = data.find(box, at + 4)
    path = folder / "endless.mp4"
    path.write_bytes(bytes(data))
    add("declared duration of weeks", path, "measurable")
    data = bytearray(good.read_bytes())
    at = data.index(b"avc1") + 4 + 24
    data[at : at + 4] = struct.pack(">HH", 65535, 65535)
    path = folder / "giant.mp4"
    path.write_bytes(bytes(data))
    add("declared size of 65535 x 65535", path, "measurable|UnsupportedSize|NoFrames")
    data = good.read_bytes().replace(b"avc1", b"zzzz")
    path = folder / "unknown codec.mp4"
    path.write_bytes(data)
    add("unknown codec", path, "UnsupportedCodec")
