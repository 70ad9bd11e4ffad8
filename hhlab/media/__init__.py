"""Files in and out: the only room that decodes or encodes."""

from hhlab.media.loudness import integrated_loudness
from hhlab.media.normalise import normalise
from hhlab.media.probe import probe
from hhlab.media.quick import quick_pictures
from hhlab.media.read import FileSource, holding_sound, read_clip, read_image
from hhlab.media.write import write_clip

__all__ = [
    "FileSource", "holding_sound", "integrated_loudness", "normalise", "probe", "quick_pictures",
    "read_clip", "read_image", "write_clip",
]  # fmt: skip
