"""The analysis player: what the kernel prepares, and what the page does with it."""

from __future__ import annotations

import numpy as np
import pytest

from hhlab.errors import BadArgument
from hhlab.scores import Scores
from hhlab.types import Audio, Clip, Moment, Score, Series
from hhlab.widgets.curves import curves
from hhlab.widgets.viewing import difference_percent, small_copy, view


def plain_clip(levels, *, fps=10.0, size=(32, 48), name="clip", sound=True) -> Clip:
    frames = np.stack([np.full((*size, 3), level, np.uint8) for level in levels])
    audio = Audio(np.zeros((1, round(16000 * len(levels) / fps)), np.float32), 16000)
    return Clip.from_arrays(frames, fps=fps, audio=audio if sound else None, name=name)


def score_of(values, *, metric="flicker", unit="%", direction="lower", times=None, moments=()):
    times = np.arange(len(values)) / 10 if times is None else np.asarray(times, float)
    series = Series("level", unit, direction, times, np.asarray(values, float), "brightness")
    return Score(metric, "1", "ok", "It flickers.", series=(series,), moments=tuple(moments))


def decoded(data: bytes, tmp_path) -> np.ndarray:
    from hhlab.media import read_clip

    path = tmp_path / "copy.mp4"
    path.write_bytes(data)
    return np.stack([frame.rgb for frame in read_clip(path).frames()])


def test_two_clips_of_different_rate_and_length_get_the_same_frames(tmp_path):
    short = plain_clip([40, 90, 140, 190], fps=8.0)
    long = plain_clip(range(60, 180, 10), fps=12.0)  # 1 s
    made = view(short, long)
    assert (made.fps, made.frames, made.held) == (12.0, 12, "left")
    a, b = (decoded(data, tmp_path) for data in made.files)
    assert len(a) == len(b) == 12
    # at 12 a second, frames of 8 a second are on show for one or two ticks; the last is held
    means = a.mean(axis=(1, 2, 3))
    expected = [40, 40, 90, 140, 140, 190, 190, 190, 190, 190, 190, 190]
    shown = [40, 90, 140, 190]
    nearest = [min(shown, key=lambda level: abs(level - mean)) for mean in means]
    ticks = [shown[min(3, int(k / 12 * 8 + 1e-9))] for k in range(12)]
    assert nearest == ticks and nearest[6:] == expected[6:]
    assert b.mean(axis=(1, 2, 3)) == pytest.approx(np.arange(60, 180, 10), abs=3)


def test_the_difference_is_the_mean_of_all_pixels_in_percent():
    black, grey = np.zeros((6, 8, 3), np.uint8), np.full((12, 16, 3), 51, np.uint8)
    assert difference_percent(black, black) == 0
    assert difference_percent(black, grey) == pytest.approx(20.0)
    assert difference_percent(grey, black) == pytest.approx(20.0)  # darker does not wrap round
    made = view(plain_clip([100] * 5), plain_clip([100, 100, 151, 100, 100]))
    assert made.difference.values == pytest.approx([0, 0, 20, 0, 0], abs=0.01)


def test_clips_without_sound_and_of_odd_size_are_fine(tmp_path):
    made = view(plain_clip([9, 9], size=(33, 47), sound=False), plain_clip([9, 9]))
    assert made.sizes_px == ((47, 33), (48, 32))
    assert len(decoded(small_copy(plain_clip([9] * 4, size=(33, 47))), tmp_path)) == 4


def test_curves_put_both_clips_into_one_picture_with_gaps_and_moments():
    worst = Moment(0.2, "level", 9.0, "a <b>jump</b>")
    left = score_of([1, np.nan, 9, 2], moments=[worst])
    right = score_of([3, 4], metric="flicker")
    alone = score_of([0.5], metric="motion", unit="1", direction="higher")
    found = curves([left], [right, alone], difference=Series("difference", "%", "none",
                   np.array([0.0]), np.array([1.0])))  # fmt: skip
    assert [(c["metric"], [s is not None for s in c["sides"]]) for c in found] == [
        ("pictures", [True, False]), ("flicker", [True, True]), ("motion", [False, True]),
    ]  # fmt: skip
    flicker = found[1]
    assert flicker["sides"][0]["v"] == [1, None, 9, 2]
    assert flicker["sides"][0]["moments"] == [{"t": 0.2, "v": 9.0, "why": "a <b>jump</b>"}]
    assert flicker["low"] <= 1 and flicker["high"] >= 9 and "lower" in flicker["meaning"]
    assert (found[2]["low"], found[2]["high"], found[2]["unit"]) == (0.0, 1.0, "")


class Page:
    """What the widget sends, collected."""

    def __init__(self, widget) -> None:
        self.sent: list[tuple[dict, list]] = []
        widget.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def last(self, phase: str, timeout_s: float = 20.0) -> dict:
        import time

        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for content, _ in reversed(self.sent):
                if content.get("kind") == "state" and content["phase"] == phase:
                    return content
            time.sleep(0.005)
        raise AssertionError([content for content, _ in self.sent])


@pytest.fixture
def compare():
    from hhlab.widgets.compare import Compare

    widget = Compare()
    widget.page = Page(widget)
    return widget


def test_states_and_clips_travel_by_message_and_never_as_traits(compare):
    left = Scores(plain_clip([9, 9]).info, (score_of([1, 2]),), plain_clip([9, 9], name="secret-a"))
    compare.show(left, plain_clip([20, 30], name="secret-b"))
    state = compare.page.last("ready")
    assert state["names"] == ["secret-a", "secret-b"] and state["frames"] == 2
    assert [c["metric"] for c in state["curves"]] == ["pictures", "flicker"]
    compare.page.sent.clear()
    for key in state["keys"]:
        compare._heard(compare, {"kind": "want", "key": key, "portion": 0}, [])
    assert [c["kind"] for c, _ in compare.page.sent] == ["portion", "portion"]
    assert all(b"ftyp" in buffers[0][:64] for _, buffers in compare.page.sent)
    compare._heard(compare, {"kind": "want", "key": "left-99", "portion": 0}, [])
    assert compare.page.sent[-1][0]["kind"] == "refused"
    compare._heard(compare, {"kind": "hello"}, [])  # a page that was reloaded
    assert compare.page.sent[-1][0] == state
    saved = str({k: v for k, v in compare.get_state().items() if k not in ("_esm", "_css")})
    assert "secret" not in saved and "ftyp" not in saved
    for odd in (None, 3, {"kind": "want"}, {"kind": "want", "key": ["left-1"], "portion": "x"}):
        compare._heard(compare, odd, [])


def test_a_later_pair_replaces_an_earlier_one_that_is_still_being_made(compare, monkeypatch):
    from threading import Event

    from hhlab.widgets import compare as module

    hold, real = Event(), module.view

    def slow(a, b):
        if a.info.name == "first":
            hold.wait(20)
        return real(a, b)

    monkeypatch.setattr(module, "view", slow)
    compare.show(plain_clip([1, 2], name="first"), plain_clip([1, 2]))
    compare.show(plain_clip([1, 2], name="second"), plain_clip([1, 2]))
    assert compare.page.last("ready")["names"][0] == "second"
    hold.set()
    assert compare._state["names"][0] == "second"
    compare.clear()
    assert compare._state["phase"] == "empty" and not compare._files


def test_what_cannot_be_shown_is_said(compare, tmp_path):
    from hhlab.media import read_clip, write_clip

    path = write_clip(tmp_path / "a.mp4", plain_clip([1, 2]))
    clip = read_clip(path)
    path.unlink()
    compare.show(clip, plain_clip([1, 2]))
    assert "a.mp4" in compare.page.last("failed")["reason"]
    with pytest.raises(BadArgument, match="a Clip, Scores or a path"):
        compare.show(3, 4)
    with pytest.raises(BadArgument, match="two clips"):
        type(compare)(plain_clip([1]))
