"""What is asked of a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hhlab.errors import BadArgument
from hhlab.types.clip import Audio, Clip


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
    steps, guidance : of the sampler; None leaves them to the generator
    """

    prompt: str = ""
    negative_prompt: str = ""
    references: Sequence[Any] = ()
    first_frame: Any | None = None
    source: Clip | None = None
    picture: Clip | None = None
    sound: Clip | Audio | None = None
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not isinstance(self.negative_prompt, str):
            raise BadArgument("prompt", expected="text", found=type(self.prompt).__name__)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise BadArgument("seed", expected="a whole number from 0", found=repr(self.seed))
        for name in ("source", "picture"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Clip):
                raise BadArgument(name, expected="a Clip", found=type(value).__name__)
        if isinstance(self.references, str):
            raise BadArgument("references", expected="a list of pictures", found="one text")
        object.__setattr__(self, "references", tuple(self.references))

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
