"""Colours, sizes and orientation, against the formulas of the recommendations."""

import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

import hhlab as hh
from tests.hostile import encode, moving

LUMA = {"601": (5, 0.299, 0.114), "709": (1, 0.2126, 0.0722), "2020": (9, 0.2627, 0.0593)}
COLOURS = [(200, 40, 90), (10, 240, 30), (128, 128, 128), (255, 255, 255), (0, 0, 0), (30, 60, 250)]


def to_ycc(rgb, kr: float, kb: float, full: bool, bits: int) -> list[int]:
    """ITU-T H.273, equations 8.3: from R'G'B' in 0..255 to coded levels."""
    red, green, blue = (v / 255 for v in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma_b, chroma_r = (blue - luma) / 2 / (1 - kb), (red - luma) / 2 / (1 - kr)
    step, top = 2 ** (bits - 8), 2**bits - 1
    if full:
        levels = luma * top, chroma_b * top + 128 * step, chroma_r * top + 128 * step
    else:
        levels = (
            step * (16 + 219 * luma),
            step * (128 + 224 * chroma_b),
            step * (128 + 224 * chroma_r),
        )
    return [min(top, max(0, round(v))) for v in levels]


def write_flat(path, levels, *, bits, matrix, full, size=(64, 48)):
    """Lossless file of one flat colour in coded levels, tagged or not (matrix None)."""
    pix_fmt = "yuv420p" if bits == 8 else "yuv420p10le"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=10, options={"level": "1"})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        if matrix is not None:
            stream.codec_context.colorspace = matrix
            stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(*size, pix_fmt)
        for plane, level in zip(frame.planes, levels, strict=True):
            kind = np.uint8 if bits == 8 else np.uint16
            plane.update(np.full(plane.buffer_size // kind().itemsize, level, kind).tobytes())
        if matrix is not None:
            frame.colorspace, frame.color_range = matrix, 2 if full else 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def first(path, **options) -> np.ndarray:
    return next(iter(hh.read_clip(path).frames(**options))).rgb


@pytest.mark.parametrize("max_side_px", [None, 32])
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("standard", LUMA)
def test_matrix_and_range_are_those_of_the_tags(tmp_path, standard, full, bits, max_side_px):
    matrix, kr, kb = LUMA[standard]
    for n, colour in enumerate(COLOURS):
        levels = to_ycc(colour, kr, kb, full, bits)
        path = write_flat(tmp_path / f"{n}.mkv", levels, bits=bits, matrix=matrix, full=full)
        rgb = first(path, max_side_px=max_side_px).reshape(-1, 3).astype(int)
        assert np.abs(rgb - colour).max() <= 2, colour


@pytest.mark.parametrize(("size", "standard"), [((320, 240), "601"), ((1280, 720), "709")])
def test_without_tags_the_size_decides(tmp_path, size, standard):
    _, kr, kb = LUMA[standard]
    levels = to_ycc((200, 40, 90), kr, kb, full=False, bits=8)
    path = write_flat(tmp_path / "u.mkv", levels, bits=8, matrix=None, full=False, size=size)
    assert np.abs(first(path)[5, 5].astype(int) - (200, 40, 90)).max() <= 2


CORNERS = np.zeros((2, 64, 96, 3), np.uint8)
CORNERS[:, :32, :48], CORNERS[:, :32, 48:] = (220, 30, 30), (30, 220, 30)
CORNERS[:, 32:, :48], CORNERS[:, 32:, 48:] = (30, 30, 220), (220, 220, 220)
ORIENTATIONS = {  # display matrix a b c d, and what it does to the picture
    "upright": ((1, 0, 0, 1), lambda p: p),
    "quarter turn clockwise": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "half turn": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "quarter turn counterclockwise": ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down mirror": ((1, 0, 0, -1), lambda p: p[::-1]),
    "transposed": ((0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
    "transversed": ((0, -1, -1, 0), lambda p: np.rot90(p, 2).swapaxes(0, 1)),
}


@pytest.mark.parametrize("how", ORIENTATIONS)
def test_display_matrix_is_applied(tmp_path, how):
    (a, b, c, d), expected = ORIENTATIONS[how]
    one = 1 << 16
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    path = encode(tmp_path / "r.mp4", CORNERS, prepare=lambda s: s.set_display_matrix(matrix))
    clip = hh.read_clip(path)
    shown = expected(CORNERS[0])
    assert (clip.info.height_px, clip.info.width_px) == shown.shape[:2]
    read = first(path).astype(int)
    assert read.shape == shown.shape
    for y in (8, -8):
        for x in (8, -8):
            assert np.abs(read[y, x] - shown[y, x]).max() < 12
    assert max(first(path, max_side_px=48).shape) == 48


@pytest.mark.parametrize(("height", "width"), [(61, 97), (3, 5), (1, 1), (33, 64), (64, 33)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_odd_sizes_have_no_padding_in_them(tmp_path, height, width, pix_fmt):
    ramp = np.linspace(40, 200, width, dtype=np.uint8)[None, :, None]
    frames = np.broadcast_to(ramp, (2, height, width, 3))
    path = encode(tmp_path / "o.mkv", frames, codec="ffv1", pix_fmt=pix_fmt, container="matroska",
                  options={"level": "1", "slices": "1"})  # fmt: skip
    rgb = first(path)
    assert rgb.shape == (height, width, 3)
    assert np.abs(rgb.astype(int) - frames[0]).max() <= 3


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = encode(
        tmp_path / "a.mkv", moving(2, 48, 48), container="matroska",
        prepare=lambda s: setattr(s.codec_context, "sample_aspect_ratio", Fraction(4, 3)),
    )  # fmt: skip
    clip = hh.read_clip(path)
    assert (clip.info.width_px, clip.info.height_px) == (64, 48)
    assert first(path).shape == (48, 64, 3)
    assert clip.info.notes


def test_pixels_stretched_beyond_all_size_are_refused(tmp_path, monkeypatch):
    path = encode(
        tmp_path / "a.mp4", moving(2, 48, 64),
        prepare=lambda s: setattr(s.codec_context, "sample_aspect_ratio", Fraction(4, 3)),
    )  # fmt: skip
    monkeypatch.setattr(sys.modules["hhlab.media.probe"], "MAX_PIXELS", 64 * 48)
    with pytest.raises(hh.errors.UnsupportedSize, match="85 x 48 with square pixels"):
        hh.read_clip(path)


def test_shrinking_averages(tmp_path):
    """A fine checkerboard becomes even grey; picking single pixels would not give that."""
    board = np.indices((64, 96)).sum(0) % 2 * 255
    frames = np.repeat(board[None, :, :, None], 3, 3).astype(np.uint8).repeat(2, 0)
    path = encode(tmp_path / "b.mkv", frames, codec="ffv1", pix_fmt="yuv444p",
                  container="matroska", options={"level": "1"})  # fmt: skip
    small = first(path, max_side_px=24)
    assert small.shape == (16, 24, 3)
    assert np.abs(small.astype(int) - 127).max() <= 4


def test_gif_and_animated_webp(tmp_path):
    frames = moving(6, 40, 60)
    images = [Image.fromarray(f) for f in frames]
    for name in ("a.gif", "a.webp"):
        images[0].save(tmp_path / name, save_all=True, append_images=images[1:], duration=100,
                       loop=0, lossless=True)  # fmt: skip
        clip = hh.read_clip(tmp_path / name)
        read = list(clip.frames())
        assert [f.time_s for f in read] == pytest.approx([0.1 * k for k in range(6)], abs=1e-6)
        assert read[0].rgb.shape == (40, 60, 3)
        assert np.abs(read[3].rgb.astype(int) - frames[3]).mean() < 12
        assert clip.info.duration_s == pytest.approx(0.6, abs=0.02)


def test_read_image(tmp_path):
    picture = moving(1, 40, 60)[0]
    turned = Image.fromarray(picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(hh.read_image(tmp_path / "turned.png"), np.rot90(picture, -1))
    clear = np.dstack([picture, np.zeros((40, 60), np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert (hh.read_image(tmp_path / "clear.png") == 255).all()
    (tmp_path / "not.png").write_text("no image")
    with pytest.raises(hh.errors.NotMedia, match=r"not\.png"):
        hh.read_image(tmp_path / "not.png")
