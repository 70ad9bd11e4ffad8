"""What a user gives beside the prompt: references, a first picture, a clip; checked and encoded."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hhlab.errors import BadArgument, BadArray
from hhlab.model.canvas import Canvas
from hhlab.model.words import encode

MOST_REFERENCES = 4


@dataclass(frozen=True, eq=False)
class Given:
    """Clean material for one clip; pictures are uint8 (h, w, 3), sound float32 (samples,).

    Attributes
    ----------
    references : one to four pictures of the subject
    first_frame : the clip's first picture
    source, source_sound : a clip to be edited, uint8 (t, h, w, 3) at the model's rate, and
        its sound
    picture : all of the clip's pictures, when only sound is to be made
    sound : all of the sound, when only pictures are to be made
    """

    references: Sequence[np.ndarray] = ()
    first_frame: np.ndarray | None = None
    source: np.ndarray | None = None
    source_sound: np.ndarray | None = None
    picture: np.ndarray | None = None
    sound: np.ndarray | None = None

    @property
    def source_has_sound(self) -> bool:
        return self.source_sound is not None

    @property
    def kinds(self) -> tuple:
        """What is given; clips of a batch must agree."""
        return (
            len(self.references), self.first_frame is None, self.source is None,
            self.source_sound is None, self.picture is None, self.sound is None,
        )  # fmt: skip

    def encode(self, pipe, canvas: Canvas) -> dict[tuple[str, str], torch.Tensor]:
        """Tokens by (modality, role)."""
        codec, size = pipe.picture_codec, (canvas.width, canvas.height)
        out = {}

        def pictures(frames: Sequence[np.ndarray]) -> torch.Tensor:
            return fit_pictures(frames, size).to(codec.image_mean)

        def clip(frames: np.ndarray, role: str) -> None:
            if len(frames) != canvas.num_frames:
                raise BadArray(
                    "clip", expected=f"{canvas.num_frames} pictures", found=str(len(frames))
                )
            x = pictures(frames)
            out["image", role] = codec.encode_image(x[:1])[0]
            out["video", role] = codec.encode_video(x[None, 1:])[0]

        def sound(samples: np.ndarray, role: str) -> None:
            wanted = canvas.grid(pipe).audio_tokens * round(
                pipe.sound_codec.token_s * pipe.sound_codec.config.sample_rate
            )
            if not len(samples) or not np.isfinite(samples).all():
                raise BadArray("sound", expected="finite samples", found="none, or others")
            fitted = np.zeros(wanted, np.float32)
            fitted[: min(wanted, len(samples))] = samples[:wanted]
            out["audio", role] = pipe.sound_codec.encode(torch.from_numpy(fitted)[None])[0]

        if len(self.references):
            out["image", "reference"] = codec.encode_image(pictures(self.references)).flatten(0, 1)
        if self.first_frame is not None:
            out["image", "target"] = codec.encode_image(pictures([self.first_frame]))[0]
        for frames, samples, role in (
            (self.source, self.source_sound, "source"), (self.picture, self.sound, "target"),
        ):  # fmt: skip
            if frames is not None:
                clip(frames, role)
            if samples is not None:
                sound(samples, role)
        return {key: tokens.float() for key, tokens in out.items()}


def fit_picture(picture: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Cut the middle out of a picture uint8 (h, w, 3) and bring it to (width, height)."""
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise BadArray(
            "picture", expected="uint8 (h, w, 3)", found=f"{picture.dtype} {picture.shape}"
        )
    import cv2

    (h, w), (wide, high) = picture.shape[:2], size_px
    if min(h, w) < 16:
        raise BadArray("picture", expected="at least 16 pixels a side", found=f"{w}x{h}")
    scale = min(h / high, w / wide)
    kept_h, kept_w = max(1, round(high * scale)), max(1, round(wide * scale))
    middle = picture[(h - kept_h) // 2 :, (w - kept_w) // 2 :][:kept_h, :kept_w]
    if middle.shape[:2] == (high, wide):
        return np.ascontiguousarray(middle)
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return cv2.resize(middle, (wide, high), interpolation=how)


def fit_pictures(frames: Sequence[np.ndarray], size_px: tuple[int, int]) -> torch.Tensor:
    """Pictures brought to (width, height), float32 (n, height, width, 3) in [-1, 1]."""
    fitted = np.stack([fit_picture(frame, size_px) for frame in frames])
    return torch.from_numpy(fitted).float() / 127.5 - 1


def encode_prompts(
    prompts: Sequence[str], words: Sequence[str], longest: int
) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Word numbers int64 (b, longest), and each prompt's unknown words."""
    found = [encode(prompt, words, longest=longest) for prompt in prompts]
    return np.stack([one.ids for one in found]), [one.unknown for one in found]


def check(prompts, negatives, givens, steps, guidance, temperature, output_type) -> None:
    """Refuse what cannot be made, before any work is done."""
    for name, texts in (("prompt", prompts), ("negative_prompt", negatives)):
        for text in texts:
            if not isinstance(text, str):
                raise BadArgument(name, expected="text", found=type(text).__name__)
    if not prompts or not len(prompts) == len(negatives) == len(givens):
        raise BadArgument(
            "prompt", expected="as many prompts, negative prompts and inputs as clips",
            found=f"{len(prompts)}, {len(negatives)}, {len(givens)}",
        )  # fmt: skip
    for prompt, given in zip(prompts, givens, strict=True):
        if not prompt.strip() and given.kinds == Given().kinds:
            raise BadArgument("prompt", expected="some words", found=repr(prompt))
        if len(given.references) > MOST_REFERENCES:
            raise BadArgument(
                "references", expected=f"at most {MOST_REFERENCES}",
                found=str(len(given.references)),
            )  # fmt: skip
        if given.kinds != givens[0].kinds:
            raise BadArgument("given", expected="the same kinds for all clips", found="several")
    if guidance == 1.0 and any(negatives):
        warnings.warn(
            "a negative prompt changes nothing without guidance: guidance_scale is 1",
            stacklevel=3,
        )
    if not isinstance(steps, int) or steps < 1:
        raise BadArgument("num_inference_steps", expected="1 or more", found=str(steps))
    if not 0 <= guidance <= 50:
        raise BadArgument("guidance_scale", expected="0 to 50", found=str(guidance))
    if not 0 < temperature <= 1:
        raise BadArgument("temperature", expected="above 0, up to 1", found=str(temperature))
    if output_type not in ("np", "latent"):
        raise BadArgument("output_type", expected="np or latent", found=repr(output_type))
