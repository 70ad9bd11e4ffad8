"""What a diffusers video pipeline can do, read from its class and from what its call takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hhlab.errors import BadArgument, BadArray, UnknownModel
from hhlab.types import Audio, Shot

# Classes whose `video` is changed as the prompt says; in other classes it is continued.
EDITING = {"AnimateDiffVideoToVideoPipeline", "CogVideoXVideoToVideoPipeline", "LucyEditPipeline",
           "WanVACEPipeline", "WanVideoToVideoPipeline"}  # fmt: skip
# The same weights also work under these classes: a picture to start from, a clip to change.
ALSO = {
    "LTXPipeline": ("LTXImageToVideoPipeline",),
    "LTX2Pipeline": ("LTX2ImageToVideoPipeline",),
    "WanPipeline": ("WanVideoToVideoPipeline",),
}
ALSO_WAN_TI2V = ("WanImageToVideoPipeline",)  # Wan 2.2 5B: its first frame is simply not noised
_NEEDS_A_PICTURE = re.compile(r"(?<!T)I2V|Image(To|2)Video|V2V|Video(To|2)Video")


def takes(pipe: Any) -> Mapping[str, inspect.Parameter]:
    """What the pipeline's call takes."""
    return inspect.signature(type(pipe).__call__).parameters


def modes_of(pipe: Any) -> frozenset[str]:
    """The modes, of :data:`hhlab.generate.protocol.MODES`, that the pipeline can do."""
    call, name = takes(pipe), type(pipe).__name__
    needed = {
        k for k, p in call.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    }
    if needed - {"self", "prompt", "image", "video"} or not {"num_frames", "video"} & set(call):
        return frozenset()
    found = set()
    edits = name in EDITING and "video" in call
    if "prompt" in call and not needed & {"image", "video"} and not _NEEDS_A_PICTURE.search(name):
        found.add("text-to-video")
    if "image" in call:
        found.add("image-to-video")
    if "reference_images" in call:
        found.add("reference-to-video")
    if edits:
        found.add("edit")
    return frozenset(found)


def with_siblings(pipe: Any) -> dict[str, Any]:
    """For each mode the pipeline that does it: this one, or another class around the same parts.

    Raises
    ------
    UnknownModel : it makes no video of a prompt or a picture
    """
    import diffusers

    family, name = [pipe], type(pipe).__name__
    also = ALSO_WAN_TI2V if pipe.config.get("expand_timesteps") else ALSO.get(name, ())
    for other in also if getattr(pipe, "transformer_2", None) is None else ():
        kind = getattr(diffusers, other)
        wanted = set(inspect.signature(kind.__init__).parameters) - {"self"}
        given = {**dict(pipe.config), **pipe.components}
        family.append(kind(**{k: v for k, v in given.items() if k in wanted}))
    found: dict[str, Any] = {}
    for member in family:
        for mode in modes_of(member):
            found.setdefault(mode, member)
    if not found:
        raise UnknownModel(name, expected="a pipeline that makes a video of a prompt or a picture",
                           found=f"one that takes {', '.join(takes(pipe))}"[:200])  # fmt: skip
    return found


def rate_of(pipe: Any, fps: float | None) -> float:
    """Frames per second of what the pipeline makes: as given, or as its call says by default.

    Raises
    ------
    BadArgument : neither says it
    """
    for name in ("frame_rate", "fps"):
        default = takes(pipe)[name].default if name in takes(pipe) else None
        if fps is None and isinstance(default, (int, float)):
            return float(default)
    if fps is None:
        raise BadArgument("fps", expected="the rate that the model was trained for", found="none")
    return float(fps)


def frames_step(pipe: Any) -> int:
    """The pipeline makes ``1 + k * step`` frames."""
    return int(_first(pipe, ("vae_scale_factor_temporal", "vae_temporal_compression_ratio"), 1))


def size_step_px(pipe: Any) -> int:
    """Widths and heights are multiples of this."""
    across = int(_first(pipe, ("vae_scale_factor_spatial", "vae_spatial_compression_ratio"), 8))
    patch = getattr(getattr(pipe, "transformer", None), "config", {}).get("patch_size", 1)
    patch = patch[-1] if isinstance(patch, (tuple, list)) else patch
    # The LTX family insists on 32 whatever its parts are.
    return int(np.lcm(across * int(patch or 1), 32 if type(pipe).__name__.startswith("LTX") else 1))


def frame_count(pipe: Any, seconds: float, fps: float) -> int:
    """As many frames as the pipeline can make that come nearest to so many seconds."""
    step = frames_step(pipe)
    return 1 + step * max(0, round((seconds * fps - 1) / step))


def default_of(pipe: Any, name: str) -> Any:
    """The call's own default; None where it has none, or does not take this."""
    found = takes(pipe).get(name)
    return None if found is None or found.default is found.empty else found.default


def size_for(pipe: Any, shot: Shot, like: np.ndarray | None) -> tuple[int, int] | None:
    """(width, height): as asked; else of a given picture's shape and the default's area.

    None leaves it to the pipeline. Raises :class:`BadArgument` for sizes that it cannot make.
    """
    step = size_step_px(pipe)
    if shot.size_px is not None:
        if any(side % step for side in shot.size_px):
            raise BadArgument(
                "size_px", expected=f"multiples of {step}", found="{}x{}".format(*shot.size_px)
            )
        return shot.size_px
    width, height = default_of(pipe, "width"), default_of(pipe, "height")
    if like is None or not (width and height):
        return None
    shape = like.shape[1] / like.shape[0]
    sides = (width * height * shape) ** 0.5, (width * height / shape) ** 0.5
    return tuple(max(step, round(side / step) * step) for side in sides)


def fitted(rgb: np.ndarray, size_px: tuple[int, int] | None) -> Any:
    """The picture as PIL has it, cut to the shape of `size_px` about its middle, and scaled."""
    from PIL import Image, ImageOps

    image = Image.fromarray(rgb)
    return image if size_px is None else ImageOps.fit(image, size_px, Image.Resampling.LANCZOS)


def sound_of(pipe: Any, output: Any) -> Audio | None:
    """The sound that came with the pictures, None where none did.

    Raises
    ------
    BadArray : its sampling rate cannot be told, or it is not finite
    """
    samples = getattr(output, "audio", None)
    if samples is None:
        return None
    if hasattr(samples, "detach"):
        samples = samples.detach().float().cpu().numpy()
    samples = np.asarray(samples, np.float32)[0]
    samples = np.clip(samples[None] if samples.ndim == 1 else samples, -1.0, 1.0)
    rate = getattr(getattr(pipe, "vocoder", None), "config", {}).get("output_sampling_rate")
    rate = rate or _first(pipe, ("audio_sample_rate", "audio_sampling_rate"), None)
    if not rate or samples.ndim != 2 or not np.isfinite(samples).all():
        raise BadArray("sound", expected="finite samples at a rate that the pipeline names",
                       found=f"{samples.shape} at {rate}")  # fmt: skip
    return Audio(np.ascontiguousarray(samples), int(rate))


def pictures_of(output: Any) -> np.ndarray:
    """uint8 (t, h, w, 3) of an output of floats in [0, 1].

    Raises
    ------
    BadArray : some are not finite, as of weights that do not fit their precision
    """
    frames = np.asarray(output.frames[0], np.float32)
    if not np.isfinite(frames).all():
        raise BadArray("frames", expected="finite numbers", found="others: try another dtype")
    return (frames.clip(0, 1) * 255).round().astype(np.uint8)


def makes_sound(pipe: Any) -> bool:
    """Whether clips come with sound."""
    return getattr(pipe, "vocoder", None) is not None


def _first(pipe: Any, names: tuple[str, ...], otherwise: Any) -> Any:
    return next((v for n in names if (v := getattr(pipe, n, None)) is not None), otherwise)
