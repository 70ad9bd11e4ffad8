"""Texture artifacts: oiliness, over-sharpening and unnatural texture, on the face and the frame.

>>> observer = TextureObserver()
>>> for frame in clip.frames():
...     observer.see(frame, faces_of(frame))
>>> score = observer.result().to_score()
"""

from hhlab.metrics.texture.axes import oiliness, over_sharpening, unnatural
from hhlab.metrics.texture.observer import TextureObserver
from hhlab.metrics.texture.result import VERSION, TextureArtifacts

__all__ = [
    "VERSION", "TextureArtifacts", "TextureObserver", "oiliness", "over_sharpening", "unnatural",
]  # fmt: skip
