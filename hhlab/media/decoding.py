"""Decode a stream to its end, whatever is broken in it."""

from __future__ import annotations

from collections.abc import Iterator

import av


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """Yield every frame of one stream that decodes: over damaged packets, up to a broken end."""
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue
    except (av.error.FFmpegError, OSError):
        return
