"""Files in and out: the only room that decodes or encodes."""

from hhlab.media.read import FileSource, read_clip, read_image
from hhlab.media.write import write_clip

__all__ = ["FileSource", "read_clip", "read_image", "write_clip"]
