"""Pictures of a file as most tools decode them: FFmpeg's quick conversion to 8 bit BGR.

:func:`hhlab.read_clip` is exact and turns pictures the right way up, at some cost. Where a number
has to agree with one that another tool computed from the same file, its pictures must be the same
to the last bit; that is what this is for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from hhlab.errors import BadArgument, NoVideo, as_subject
from hhlab.media.decoding import decoded
from hhlab.media.local import open_container
from hhlab.media.probe import limit_threads


def quick_pictures(path: str | os.PathLike) -> Iterator[np.ndarray]:
    """Yield every picture that can be decoded, ``uint8 (h, w, 3)`` BGR, read-only, not turned.

    The picture lies in the decoder's memory where that is possible: keep as few as you need.

    Raises
    ------
    FileMissing, NotAFile, FileUnreadable, FileEmpty, NotMedia, NoVideo
    """
    view = QuickView()
    with open_container(path) as container:
        stream = container.streams.best("video")
        if stream is None or stream.codec_context is None:
            raise NoVideo(as_subject(os.fsdecode(path)), expected="a picture stream", found="none")
        limit_threads(stream)
        for frame in decoded(container, stream):
            yield view.of(frame)()


class QuickView:
    """Converts the frame that a decoder gave last, if it is asked for."""

    def __init__(self) -> None:
        self._reformat = VideoReformatter()
        self._last: av.VideoFrame | None = None
        self._number = 0

    def of(self, frame: av.VideoFrame) -> Callable[[], np.ndarray]:
        """What gives the picture of `frame`, until this is told of the next one.

        Only the last frame is kept: a decoder's pictures are large.
        """
        self._last, self._number = frame, self._number + 1
        return partial(self._picture, self._number)

    def _picture(self, number: int) -> np.ndarray:
        if number != self._number:
            raise BadArgument("frame", expected="the one that was decoded last",
                              found="an earlier one")  # fmt: skip
        return _view(self._reformat.reformat(self._last, format="bgr24"))


def _view(frame: av.VideoFrame) -> np.ndarray:
    """The frame's pixels without copying, unless its lines are padded."""
    plane = frame.planes[0]
    row = 3 * frame.width
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height]
    return np.ascontiguousarray(lines[:, :row]).reshape(frame.height, frame.width, 3)
