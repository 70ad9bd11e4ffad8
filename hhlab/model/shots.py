"""A shot, as one speaks of it, to a clip: the pipeline behind ``pipe.generate``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from hhlab.errors import BadArgument, Cancelled
from hhlab.model.canvas import Canvas, canvas_of, drawn_at, frames_of
from hhlab.model.inputs import Given, fit_picture
from hhlab.types import Audio, Clip, Shot
from hhlab.types.limits import check_shot

EDITS_LED = 2.0  # guidance of edits, at most: led farther, what is to change is overdrawn


def make(
    pipe, shot: Shot | Sequence[Shot], *, on_progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Clip | list[Clip]:  # fmt: skip
    """Make one clip of one shot, or several of several, as many at once as share their kind.

    A shot's clip depends on the shot alone, not on what else is in its batch.
    """
    one = isinstance(shot, Shot)
    shots = [shot] if one else list(shot)
    if not shots or not all(isinstance(s, Shot) for s in shots):
        raise BadArgument("shot", expected="a Shot, or a list of them", found=repr(shot)[:80])
    for s in shots:
        check_shot(s, name=pipe.name, modes=pipe.modes, limits=pipe.limits)
    groups: dict[tuple, list[int]] = {}
    canvases = [canvas_for(pipe, s) for s in shots]
    givens = [gather(pipe, s, canvas) for s, canvas in zip(shots, canvases, strict=True)]
    for number, (s, given, canvas) in enumerate(zip(shots, givens, canvases, strict=True)):
        groups.setdefault((given.kinds, canvas, s.steps, led(pipe, s)), []).append(number)
    total = sum((pipe.default_steps if steps is None else steps) for *_, steps, _ in groups)
    done, stopped, clips = 0, False, {}

    def after(pipeline, step, timestep, tensors):
        nonlocal done, stopped
        done += 1
        if on_progress is not None:
            on_progress(done, total)
        if cancel is not None and cancel():
            stopped = True
            pipeline.stop()
        return {}

    for (_, canvas, steps, guidance), members in groups.items():
        made = pipe(
            [shots[k].prompt for k in members],
            negative_prompt=[shots[k].negative_prompt for k in members],
            given=[givens[k] for k in members],
            num_inference_steps=pipe.default_steps if steps is None else steps,
            guidance_scale=guidance,
            width=canvas.width,
            height=canvas.height,
            num_frames=canvas.num_frames,
            generator=[torch.Generator().manual_seed(shots[k].seed) for k in members],
            callback_on_step_end=after,
        )
        if stopped:
            raise Cancelled("generation", expected="to be finished", found=f"stopped at {done}")
        for k, frames, samples, unknown in zip(
            members, made.frames, made.audio, made.unknown_words, strict=True
        ):
            clips[k] = as_clip(pipe, shots[k], frames, samples, unknown)
    return clips[0] if one else [clips[k] for k in range(len(shots))]


def led(pipe, shot: Shot) -> float:
    """The guidance that a shot asks for, or that its mode is best with."""
    if shot.guidance is not None:
        return shot.guidance
    return pipe.default_guidance if shot.source is None else min(EDITS_LED, pipe.default_guidance)


def canvas_for(pipe, shot: Shot) -> Canvas:
    """The size that a shot's clip is drawn at, and its length to the nearest group of pictures.

    A clip is drawn at the size of its shape that the model knows best, and scaled after that.
    """
    frames = None
    if shot.seconds is not None:
        frames = frames_of(shot.seconds, pipe.config.fps, pipe.picture_codec.frames)
    width, height = shot.size_px or (None, None)
    canvas = canvas_of(pipe, width=width, height=height, num_frames=frames)
    width, height = drawn_at(
        canvas.width, canvas.height, block_px=pipe.picture_codec.config.block_px,
        trained_px=pipe.config.size_px,
    )  # fmt: skip
    return replace(canvas, width=width, height=height)


def scaled(frames: np.ndarray, shot: Shot) -> np.ndarray:
    """Pictures uint8 (t, h, w, 3) at the size that a shot asks for."""
    if shot.size_px is None or frames.shape[2:0:-1] == tuple(shot.size_px):
        return frames
    return np.stack([fit_picture(frame, tuple(shot.size_px)) for frame in frames])


def gather(pipe, shot: Shot, canvas: Canvas) -> Given:
    """Read what a shot refers to, at the model's rate."""
    source, source_sound = _clip(pipe, shot.source, canvas.num_frames)
    picture, _ = _clip(pipe, shot.picture, canvas.num_frames)
    sound = None if shot.sound is None else _sound(pipe, shot.sound)
    return Given(
        references=tuple(_image(r) for r in shot.references),
        first_frame=None if shot.first_frame is None else _image(shot.first_frame),
        source=source, source_sound=source_sound, picture=picture, sound=sound,
    )  # fmt: skip


def _image(picture) -> np.ndarray:
    if isinstance(picture, np.ndarray):
        return picture
    if hasattr(picture, "convert"):  # a PIL image
        return np.asarray(picture.convert("RGB"))
    from hhlab.media import read_image

    return read_image(picture)


def _clip(pipe, clip: Clip | None, num_frames: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Pictures at the model's rate, `num_frames` of them (the last is held), and the sound."""
    if clip is None:
        return None, None
    frames = []
    for frame in clip.frames(fps=pipe.config.fps):
        frames.append(frame.rgb)
        if len(frames) == num_frames:
            break
    frames += frames[-1:] * (num_frames - len(frames))
    return np.stack(frames), _sound(pipe, clip) if clip.info.has_audio else None


def _sound(pipe, of: Clip | Audio) -> np.ndarray:
    rate = pipe.sound_codec.config.sample_rate
    if isinstance(of, Audio):
        from hhlab.types.clip import ArraySource

        audio = ArraySource(np.zeros((1, 2, 2, 3), np.uint8), 1.0, of).audio(
            sample_rate=rate, mono=True
        )
    else:
        audio = of.audio(sample_rate=rate, mono=True)
    lead = round(audio.start_s * rate)
    samples = audio.samples[0]
    return samples[-lead:] if lead < 0 else np.concatenate([np.zeros(lead, np.float32), samples])


def as_clip(pipe, shot: Shot, frames, samples, unknown: tuple[str, ...]) -> Clip:
    """Wrap what was made, at the size that was asked for, with where it comes from."""
    if unknown:
        warnings.warn(
            f"words this model does not know were passed over: {', '.join(sorted(set(unknown)))}",
            stacklevel=2,
        )
    provenance = {
        "generator": pipe.name, "mode": shot.mode, "prompt": shot.prompt,
        "negative_prompt": shot.negative_prompt, "seed": shot.seed,
        "steps": pipe.default_steps if shot.steps is None else shot.steps,
        "guidance": led(pipe, shot),
        "temperature": pipe.config.temperature, "unknown_words": list(unknown),
        "drawn_px": [frames.shape[2], frames.shape[1]],
    }  # fmt: skip
    audio = Audio(
        np.ascontiguousarray(samples[None], np.float32), pipe.sound_codec.config.sample_rate
    )
    return Clip.from_arrays(
        scaled(frames, shot), fps=pipe.config.fps, audio=audio, name=f"{pipe.name}-{shot.seed}",
        provenance=provenance,
    )  # fmt: skip
