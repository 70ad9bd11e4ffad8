"""What is asked of a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hhlab.errors import BadArgument
from hhlab.types.clip import Audio, Clip


def _positive(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value < float("inf")


@dataclass(frozen=True, eq=False)
class Shot:
    """One clip to be made.

    Attributes
    ----------
    prompt, negative_prompt : what is to be seen and heard, and what is not wanted
    references : one to four pictures (paths, uint8 (h, w, 3) or PIL) of the subject
    first_frame : the first picture of the clip (path, array or PIL)
    source : a clip that is to be changed as the prompt says
    picture, sound : a clip whose pictures, or a clip or sound whose samples, are kept as they are
        while the other is made
    seed : the same shot with the same seed gives the same clip
    seconds, size_px : how long the clip is to be, and (width, height) of its picture
    steps, guidance : of the sampler
        (seconds, size_px, steps and guidance may be None, which leaves them to the generator)
    label : what its suite calls it; it finds clips made elsewhere and decides nothing of a clip
    """

    prompt: str = ""
    negative_prompt: str = ""
    references: Sequence[Any] = ()
    first_frame: Any | None = None
    source: Clip | None = None
    picture: Clip | None = None
    sound: Clip | Audio | None = None
    seed: int = 0
    seconds: float | None = None
    size_px: tuple[int, int] | None = None
    steps: int | None = None
    guidance: float | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not isinstance(self.negative_prompt, str):
            raise BadArgument("prompt", expected="text", found=type(self.prompt).__name__)
        if not isinstance(self.label, str):
            raise BadArgument("label", expected="text", found=type(self.label).__name__)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise BadArgument("seed", expected="a whole number from 0", found=repr(self.seed))
        for name in ("source", "picture"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Clip):
                raise BadArgument(name, expected="a Clip", found=type(value).__name__)
        if isinstance(self.references, str):
            raise BadArgument("references", expected="a list of pictures", found="one text")
        object.__setattr__(self, "references", tuple(self.references))
        if self.seconds is not None and not _positive(self.seconds):
            raise BadArgument("seconds", expected="a number above 0", found=repr(self.seconds))
        if self.size_px is not None:
            size = tuple(self.size_px) if isinstance(self.size_px, (tuple, list)) else ()
            if len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size):
                raise BadArgument(
                    "size_px", expected="(width, height) in pixels", found=repr(self.size_px)
                )
            object.__setattr__(self, "size_px", size)

    @property
    def mode(self) -> str:
        """Which of the modes this is, in words."""
        if self.source is not None:
            return "edit"
        if self.picture is not None:
            return "sound for a picture"
        if self.sound is not None:
            return "picture for a sound"
        if self.references:
            return "reference-to-video"
        return "image-to-video" if self.first_frame is not None else "text-to-video"
