"""Open models that run here: any diffusers pipeline that makes a video of a prompt or a picture.

>>> pipe = hh.load("ltx-2", device="cuda", offload="model")
>>> pipe = hh.load("path/to/checkpoint", fps=16)  # what save_pretrained wrote
>>> pipe = hh.load("Lightricks/LTX-2")  # a repository of the Hugging Face hub, fetched if need be

Nothing is fetched unless a repository is named: a contender's name finds what is here already.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hhlab.errors import BadArgument, Cancelled, HhlabError, TaskFailed
from hhlab.generate import pipelines
from hhlab.generate.checkpoint import fetched, open_pipeline
from hhlab.generate.contenders import Contender
from hhlab.generate.protocol import Limits, UnsupportedShot, check_shot
from hhlab.generate.setting import Setting
from hhlab.types import Clip, Shot

OFFLOAD = ("none", "model", "sequential")
_FRAMES = 121  # of the LTX-2 family, whose call leaves the number open
_USED = {
    "text-to-video": (), "image-to-video": ("first_frame",),
    "reference-to-video": ("references",), "edit": ("source", "references"),
}  # fmt: skip


def make(contender: Contender, setting: Setting) -> OpenModel:
    """A contender's generator, from weights that are here. Fetches nothing."""
    folder = fetched(next(iter(contender.models.values())), download=False)
    return open_folder(folder, setting, contender=contender)


def open_hub(name: str, setting: Setting) -> OpenModel:
    """The generator of a hub repository ``owner/name`` or ``owner/name@revision``, fetched."""
    return open_folder(fetched(name, download=True), setting, name=name)


def open_folder(
    folder: Path, setting: Setting, *, name: str = "", contender: Contender | None = None
) -> OpenModel:
    """The generator of a folder that ``save_pretrained`` wrote.

    Raises
    ------
    FileMissing, UnknownModel, UnsafePickle, UnsafeModel : of the folder
    PackageMissing : transformers, or another package that the pipeline's parts need
    BadArgument : of the setting (`dtype`, `offload`, `attention`, `fps`)
    """
    if setting.offload not in OFFLOAD:
        raise BadArgument("offload", expected=f"one of {', '.join(OFFLOAD)}",
                          found=repr(setting.offload))  # fmt: skip
    if setting.offload != "none" and setting.device == "cpu":
        raise BadArgument("offload", expected="none, or a device other than cpu",
                          found=setting.offload)  # fmt: skip
    pipe = open_pipeline(folder, dtype=setting.dtype, attention=setting.attention)
    return OpenModel(pipe, folder, setting, name=name or folder.name, contender=contender)


class OpenModel:
    """A diffusers pipeline as a generator.

    Attributes
    ----------
    name, modes, limits : see :class:`hhlab.generate.protocol.Generator`
    fps : frames per second of its clips
    """

    def __init__(
        self, pipe: Any, folder: Path, setting: Setting, *, name: str, contender: Contender | None
    ) -> None:
        options = contender.options if contender else {}
        self._pipes = pipelines.with_siblings(pipe)
        for each in self._pipes.values():
            each.set_progress_bar_config(disable=True)
        self._folder, self._setting, self._options = folder, setting, options
        self._model = next(iter(contender.models.values())) if contender else name
        self.name = contender.name if contender else name
        self.fps = pipelines.rate_of(pipe, setting.fps or options.get("fps"))
        self.modes = frozenset(self._pipes)
        self.limits = self._limits(pipe, contender)
        takes = {name for each in self._pipes.values() for name in pipelines.takes(each)}
        if odd := set(options.get("call", {})) - takes:
            raise BadArgument(f"{self.name}: call", expected="what the pipeline's call takes",
                              found=", ".join(sorted(odd)))  # fmt: skip
        self._placed: Any = None
        if setting.offload == "none":
            pipe.to(setting.device)

    def _limits(self, pipe: Any, contender: Contender | None) -> Limits:
        frames = pipelines.default_of(pipe, "num_frames") or _FRAMES
        stated = contender.limits if contender else None
        takes = pipelines.takes(pipe)
        return Limits(
            seconds=stated.seconds if stated else (1 / self.fps, 3600.0),
            default_seconds=stated.default_seconds if stated else frames / self.fps,
            sizes_px=stated.sizes_px if stated else (),
            references=16 if "reference-to-video" in self.modes else 0,
            sound=pipelines.makes_sound(pipe), seeds=True,
            negative_prompt="negative_prompt" in takes,
            sampler={"num_inference_steps", "guidance_scale"} <= set(takes),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<generator {self.name}: {', '.join(sorted(self.modes))}>"

    def price_usd(self, shot: Shot) -> float:
        """Nothing: it runs here."""
        return 0.0

    def generate(
        self,
        shot: Shot,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Clip:
        """Make the clip; `on_progress` counts sampling steps, and `cancel` is asked after each.

        Raises
        ------
        UnsupportedShot : what the shot asks for, or the pipeline does not take its size or length
        TaskFailed : the pipeline broke off, as for lack of memory
        BadArray : it made what is no picture or sound (nan)
        Cancelled : `cancel` said so
        """
        from hhlab.generate.hosted import only

        check_shot(shot, name=self.name, modes=self.modes, limits=self.limits)
        only(shot, self.name, *_USED[shot.mode])
        pipe = self._pipes[shot.mode]
        call = self._arguments(pipe, shot)
        self._place(pipe)
        began, steps = time.monotonic(), _Steps(self.name, on_progress, cancel)
        steps.ask()
        if "callback_on_step_end" in pipelines.takes(pipe):
            call["callback_on_step_end"] = steps
        try:
            output = pipe(**call)
        except HhlabError:
            raise
        except Exception as error:  # whatever some pipeline of many may raise
            raise _named(self.name, error, steps.done) from error
        finally:
            pipe.maybe_free_model_hooks()
        frames, sound = pipelines.pictures_of(output), pipelines.sound_of(pipe, output)
        return Clip.from_arrays(
            frames, fps=self.fps, audio=sound, name=f"{self.name}-{shot.seed}",
            provenance=self._provenance(pipe, shot, call, frames, time.monotonic() - began),
        )  # fmt: skip

    def _arguments(self, pipe: Any, shot: Shot) -> dict[str, Any]:
        """The pipeline's call for a shot; raises what :func:`pipelines.size_for` does."""
        import torch

        takes, like = pipelines.takes(pipe), None
        pictures = [_rgb(p) for p in (shot.references or [shot.first_frame]) if p is not None]
        seconds = shot.seconds or self.limits.default_seconds
        if shot.source is not None:
            seconds = shot.seconds or min(shot.source.info.duration_s, self.limits.seconds[1])
            clip = [frame.rgb for frame in shot.source.frames(fps=self.fps, end_s=seconds)]
            like = clip[0]
        elif shot.first_frame is not None:
            like = pictures[0]
        count = pipelines.frame_count(pipe, seconds, self.fps)
        try:
            size = pipelines.size_for(pipe, shot, like)
        except BadArgument as error:
            raise UnsupportedShot(f"{self.name}: size_px", expected=error.expected,
                                  found=error.found) from None  # fmt: skip
        call = {
            "prompt": shot.prompt, "negative_prompt": shot.negative_prompt or None,
            "num_frames": count, "frame_rate": self.fps, "fps": int(self.fps),
            "num_inference_steps": shot.steps, "guidance_scale": shot.guidance,
            "width": size[0] if size else None, "height": size[1] if size else None,
            **self._options.get("call", {}),
        }  # fmt: skip
        if shot.source is not None:
            clip = (clip + clip[-1:] * count)[:count]  # held at its end where it is too short
            call["video"] = [pipelines.fitted(rgb, size) for rgb in clip]
        elif shot.first_frame is not None:
            call["image"] = pipelines.fitted(pictures[0], size)
        if shot.references:
            call["reference_images"] = [pipelines.fitted(rgb, None) for rgb in pictures]
        if shot.prompt and "prompt" not in takes:
            raise UnsupportedShot(f"{self.name}: prompt", expected="none", found=repr(shot.prompt))
        call = {k: v for k, v in call.items() if v is not None and k in takes}
        # Noise from a generator on the CPU is the same wherever the pipeline runs.
        generator = torch.Generator("cpu").manual_seed(shot.seed)
        return {**call, "generator": generator, "output_type": "np"}

    def _place(self, pipe: Any) -> None:
        """Put the parts where they are to run; pipelines that share parts take turns."""
        if self._placed is pipe or self._setting.offload == "none":
            return
        way = {"model": "enable_model_cpu_offload", "sequential": "enable_sequential_cpu_offload"}
        pipe.remove_all_hooks()
        getattr(pipe, way[self._setting.offload])(device=self._setting.device)
        self._placed = pipe

    def _provenance(self, pipe, shot: Shot, call: dict, frames, took_s: float) -> dict[str, Any]:
        import diffusers
        import torch

        steps = call.get("num_inference_steps", pipelines.default_of(pipe, "num_inference_steps"))
        guidance = call.get("guidance_scale", pipelines.default_of(pipe, "guidance_scale"))
        parts = pipe.components.items()
        return {
            "generator": self.name, "mode": shot.mode, "model": self._model,
            "pipeline": type(pipe).__name__, "revision": _revision(self._folder),
            "prompt": shot.prompt, "negative_prompt": shot.negative_prompt, "seed": shot.seed,
            "steps": steps, "guidance": guidance, "frames": len(frames), "fps": self.fps,
            "size_px": [frames.shape[2], frames.shape[1]], "call": self._options.get("call", {}),
            "dtype": {k: str(v.dtype).removeprefix("torch.") for k, v in parts
                      if isinstance(v, torch.nn.Module)},
            "device": self._setting.device, "offload": self._setting.offload,
            "attention": self._setting.attention, "took_s": round(took_s, 3),
            "versions": {"diffusers": diffusers.__version__, "torch": torch.__version__},
        }  # fmt: skip


class _Steps:
    """Called by the pipeline after each step; tells how far it is, and stops it."""

    def __init__(self, name: str, on_progress, cancel) -> None:
        self.name, self.on_progress, self.cancel, self.done = name, on_progress, cancel, 0

    def ask(self) -> None:
        if self.cancel is not None and self.cancel():
            raise Cancelled(self.name, expected="to be finished", found=f"stopped at {self.done}")

    def __call__(self, pipe: Any, step: int, timestep: Any, tensors: dict) -> dict:
        self.done += 1
        if self.on_progress is not None:
            self.on_progress(self.done, max(self.done, getattr(pipe, "num_timesteps", 0) or 0))
        self.ask()
        return tensors


def _named(name: str, error: Exception, done: int) -> HhlabError:
    said = " ".join(str(error).split())[:300]
    if type(error).__name__ == "OutOfMemoryError":
        return TaskFailed(name, expected="enough memory: a smaller or shorter shot, offload='model'"
                          " or 'sequential', or dtype='bfloat16'", found=said)  # fmt: skip
    if done == 0 and isinstance(error, (ValueError, TypeError)):
        return UnsupportedShot(name, expected="what the pipeline takes", found=said)
    return TaskFailed(name, expected="a clip", found=f"{type(error).__name__}: {said}")


def _rgb(picture: Any) -> np.ndarray:
    if isinstance(picture, np.ndarray):
        return picture
    if hasattr(picture, "convert"):  # a PIL image
        return np.asarray(picture.convert("RGB"))
    from hhlab.media import read_image

    return read_image(picture)


def _revision(folder: Path) -> str | None:
    """The commit, of a folder in the hub's cache."""
    return folder.name if folder.parent.name == "snapshots" else None
