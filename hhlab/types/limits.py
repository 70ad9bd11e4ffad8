"""What a generator accepts of a shot, and whether a shot keeps to it."""

from __future__ import annotations

from dataclasses import dataclass

from hhlab.errors import BadArgument
from hhlab.types.shot import Shot

MODES = (
    "text-to-video",
    "image-to-video",
    "reference-to-video",
    "edit",
    "picture for a sound",
    "sound for a picture",
)


@dataclass(frozen=True)
class Limits:
    """What a generator accepts, of each thing the least and the most.

    Attributes
    ----------
    seconds : shortest and longest clip
    default_seconds : when the shot does not say
    seconds_on_offer : the lengths that there are; empty for any between the shortest and longest
    sizes_px : (width, height) of each size on offer, the default first; empty for any
    references : most pictures of a subject
    prompt_characters : longest prompt, None where nothing is said
    sound : whether clips come with sound
    seeds : whether the same seed is meant to give the same clip
    negative_prompt : whether it takes one
    sampler : whether it takes a number of steps and a guidance
    """

    seconds: tuple[float, float]
    default_seconds: float
    seconds_on_offer: tuple[float, ...] = ()
    sizes_px: tuple[tuple[int, int], ...] = ()
    references: int = 0
    prompt_characters: int | None = None
    sound: bool = True
    seeds: bool = True
    negative_prompt: bool = False
    sampler: bool = False


class UnsupportedShot(BadArgument):
    """The generator cannot do what the shot asks; what it can do is listed."""


def check_shot(shot: Shot, *, name: str, modes: frozenset[str], limits: Limits) -> None:
    """Compare a shot with what a generator can do, before anything is computed, sent or paid.

    Raises
    ------
    UnsupportedShot : mode, length, size, number of references, length of prompt, or something
        that the generator would pass over
    """
    if shot.mode not in modes:
        able = ", ".join(mode for mode in MODES if mode in modes)
        raise UnsupportedShot(f"{name}: mode", expected=f"one of {able}", found=shot.mode)
    least, most = limits.seconds
    if shot.seconds is not None and not least <= shot.seconds <= most:
        raise UnsupportedShot(
            f"{name}: seconds", expected=f"{least:g} to {most:g}", found=f"{shot.seconds:g}"
        )
    offered = limits.seconds_on_offer
    if shot.seconds is not None and offered and shot.seconds not in offered:
        able = ", ".join(f"{s:g}" for s in offered)
        raise UnsupportedShot(
            f"{name}: seconds", expected=f"one of {able}", found=f"{shot.seconds:g}"
        )
    if shot.size_px is not None and limits.sizes_px and shot.size_px not in limits.sizes_px:
        able = ", ".join(f"{w}x{h}" for w, h in limits.sizes_px)
        found = "{}x{}".format(*shot.size_px)
        raise UnsupportedShot(f"{name}: size_px", expected=f"one of {able}", found=found)
    if len(shot.references) > limits.references:
        raise UnsupportedShot(
            f"{name}: references", expected=f"at most {limits.references}",
            found=str(len(shot.references)),
        )  # fmt: skip
    longest = limits.prompt_characters
    if longest is not None and len(shot.prompt) > longest:
        raise UnsupportedShot(
            f"{name}: prompt", expected=f"at most {longest} characters",
            found=f"{len(shot.prompt)}",
        )  # fmt: skip
    if shot.negative_prompt and not limits.negative_prompt:
        raise UnsupportedShot(f"{name}: negative_prompt", expected="none", found="one")
    if not limits.sampler and (shot.steps is not None or shot.guidance is not None):
        raise UnsupportedShot(
            f"{name}: steps, guidance", expected="neither: its makers chose them", found="one"
        )
