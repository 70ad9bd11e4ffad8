"""The generation pipeline, in diffusers' manner: text, images, a clip in; a clip with sound out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor

from hhlab.errors import BadArray
from hhlab.model.canvas import canvas_of, longest_seconds, native, shortest_seconds
from hhlab.model.guidance import MADE, guided_targets, targets
from hhlab.model.inputs import MOST_REFERENCES, Given, check, encode_prompts, fit_pictures
from hhlab.model.lapped import LappedCodec
from hhlab.model.looks import alike, cooled
from hhlab.model.mel import MelCodec
from hhlab.model.retouch import edited
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.steps import schedulers_of
from hhlab.model.transformer import HorseTransformer
from hhlab.types import Shot
from hhlab.types.limits import MODES, Limits


@dataclass
class HorsePipelineOutput(BaseOutput):
    """What was made.

    Attributes
    ----------
    frames : uint8 (b, t, h, w, 3), or the latent tokens when asked for
    audio : float32 (b, samples) in [-1, 1]
    unknown_words : of each prompt, the words the model does not know
    """

    frames: Any
    audio: Any
    unknown_words: list[tuple[str, ...]]


class HorsePipeline(DiffusionPipeline):
    """One transformer makes picture and sound in one pass; four modes are one function.

    Parameters
    ----------
    transformer, picture_codec, sound_codec : the model and what turns clips into its tokens
    scheduler, sound_scheduler : of a flow-matching family; the sound's may lead the picture's
    words : the vocabulary, in the order of the transformer's embedding
    size_px, fps, seconds : of the clips the model was trained on, and makes
    """

    model_cpu_offload_seq = "transformer"
    _optional_components = ("sound_scheduler",)
    _callback_tensor_inputs = MADE

    def __init__(
        self,
        transformer: HorseTransformer,
        picture_codec: LappedCodec,
        sound_codec: MelCodec,
        scheduler: FlowMatchEulerDiscreteScheduler,
        sound_scheduler: FlowMatchEulerDiscreteScheduler,
        words: list[str] = (),
        size_px: int = 96,
        fps: float = 12.5,
        seconds: float = 2.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_modules(
            transformer=transformer, picture_codec=picture_codec, sound_codec=sound_codec,
            scheduler=scheduler, sound_scheduler=sound_scheduler,
        )  # fmt: skip
        transformer.carry_with(picture_codec)
        self.register_to_config(
            words=list(words), size_px=size_px, fps=fps, seconds=seconds, temperature=temperature
        )

    name = "horse"
    default_steps, default_guidance = 20, 3.0

    # --- sizes ------------------------------------------------------------------------------
    @property
    def num_frames(self) -> int:
        """Pictures of a clip as the model was trained on: one, and then whole groups."""
        return native(self).num_frames

    @property
    def grid(self) -> Grid:
        """The tokens of such a clip."""
        return native(self).grid(self)

    # --- generation -------------------------------------------------------------------------
    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str] = "",
        *,
        negative_prompt: str | Sequence[str] | None = None,
        given: Given | Sequence[Given] | None = None,
        num_inference_steps: int = 20,
        guidance_scale: float = 3.0,
        temperature: float | None = None,
        width: int | None = None,
        height: int | None = None,
        num_frames: int | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        output_type: str = "np",
        return_dict: bool = True,
        callback_on_step_end: Callable[..., dict[str, Any]] | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("video",),
    ) -> HorsePipelineOutput | tuple[Any, Any]:
        """Make clips, several in one batch.

        Parameters
        ----------
        prompt, negative_prompt : what is to be seen and heard, and what guidance leads away from
        given : references, first picture, source clip, picture or sound to be kept, of each clip;
            all clips of a batch must be given the same kinds. What is made of a source is drawn
            out of it (:mod:`hhlab.model.retouch`)
        num_inference_steps, guidance_scale : guidance leads away from the negative prompt without
            references; 1 turns it off and halves the work. Of a source, 2 is enough, which is what
            `generate` takes
        temperature : above 0 and up to 1, of the noise that pictures begin with; the model was
            trained with 1, less gives smoother pictures that differ less from seed to seed
            (Kingma and Dhariwal 2018, "Glow", section 6, there of a flow's density); the
            pipeline's own, where not given
        width, height, num_frames : of the clips; as the model was trained on, where not given
        generator : one for all, or one a clip, so that a clip does not depend on its batch
        output_type : "np", or "latent" for tokens as the model made them
        callback_on_step_end : called as ``(pipeline, step, timestep, tensors)``; may return changed
            tensors; setting ``pipeline._interrupt`` stops

        Raises
        ------
        BadArgument : no prompt where there is nothing else to go by, one too long, steps below 1,
            a size or length that the model cannot make, a scheduler that is none of flow matching
        BadArray : what is given, or what is made, is not finite: damaged weights make such clips
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        one = given is None or isinstance(given, Given)
        givens = [g or Given() for g in ([given] * len(prompts) if one else given)]
        negatives = negative_prompt if negative_prompt is not None else ""
        negatives = [negatives] * len(prompts) if isinstance(negatives, str) else list(negatives)
        temperature = self.config.temperature if temperature is None else temperature
        check(prompts, negatives, givens, num_inference_steps, guidance_scale, temperature,
              output_type)  # fmt: skip
        canvas = canvas_of(self, width=width, height=height, num_frames=num_frames)
        grid = canvas.grid(self)
        device = self._execution_device
        longest = self.transformer.config.text_tokens
        text, unknown = encode_prompts(prompts, self.config.words, longest)
        away_text, _ = encode_prompts(negatives, self.config.words, longest)
        text, away_text = (torch.from_numpy(ids).to(device) for ids in (text, away_text))

        clean = [g.encode(self, canvas) for g in givens]
        kinds = givens[0]
        layout = make_layout(
            grid, text_tokens=longest, references=len(kinds.references),
            source=kinds.source is not None, source_sound=kinds.source_has_sound,
            first_frame=kinds.first_frame is not None, picture_given=kinds.picture is not None,
            sound_given=kinds.sound is not None,
        )  # fmt: skip
        tokens = self._start(layout, clean, generator, temperature, device)
        self._interrupt = False
        schedulers, pairs = schedulers_of(
            self.scheduler, self.sound_scheduler, num_inference_steps, device
        )
        scale = self.scheduler.config.num_train_timesteps
        for step, (now, now_sound) in enumerate(self.progress_bar(pairs)):
            if self._interrupt:
                break
            levels = torch.stack([now, now, now_sound]).float() / scale
            levels = levels.to(device).expand(len(prompts), 3)
            found = self._predict(text, away_text, tokens, levels, layout, guidance_scale)
            for name, scheduler in schedulers.items():
                if not layout.is_noise(name):
                    continue
                at, time = layout.where(name, "target"), now_sound if name == "audio" else now
                part = tokens[name][:, at]
                velocity = (part - found[name]) / (time.float() / scale).clamp_min(1e-3)
                stepped = scheduler.step(velocity, time, part, return_dict=False)[0]
                tokens[name] = torch.cat(
                    [tokens[name][:, : at.start], stepped, tokens[name][:, at.stop :]], 1
                )
            if callback_on_step_end is not None:
                shown = {name: tokens[name] for name in callback_on_step_end_tensor_inputs}
                tokens |= callback_on_step_end(self, step, now, shown) or {}
        return self._finish(tokens, layout, grid, givens, unknown, output_type, return_dict)

    def _start(self, layout, clean, generator, temperature, device) -> dict[str, torch.Tensor]:
        """Tokens before the first step: what is given, and noise."""
        out = {}
        config = self.transformer.sizes
        dims = {"image": config.image_dim, "video": config.video_dim, "audio": config.audio_dim}
        for name in MADE:
            total = layout.sizes[1 + MADE.index(name)]
            tokens = torch.zeros(len(clean), total, dims[name], device=device)
            for role in ("reference", "source", "target"):
                at = layout.where(name, role)
                for row, parts in enumerate(clean):
                    if (name, role) in parts:
                        tokens[row, at] = parts[name, role].to(device)
            if layout.is_noise(name):
                at = layout.where(name, "target")
                shape = (len(clean), at.stop - at.start, dims[name])
                noise = randn_tensor(shape, generator=generator, device=device)
                cool = name != "audio"
                tokens[:, at] = cooled(noise, temperature, config.alike) if cool else noise
            out[name] = tokens
        if config.alike:
            made = [n for n in ("image", "video") if layout.is_noise(n)]
            ats = [layout.where(n, "target") for n in made]
            parts = alike([out[n][:, at] for n, at in zip(made, ats, strict=True)], config.alike)
            for name, at, part in zip(made, ats, parts, strict=True):
                out[name][:, at] = part
        return out

    def _predict(self, text, away_text, tokens, levels, layout, guidance_scale):
        given = {name: x.to(self.transformer.dtype) for name, x in tokens.items()}
        if guidance_scale == 1.0:
            return targets(self.transformer, text, given, levels, layout)
        return guided_targets(
            self.transformer, text, away_text, given, levels, layout, guidance_scale
        )

    def _finish(self, tokens, layout, grid, givens, unknown, output_type, return_dict):
        made = {n: tokens[n][:, layout.where(n, "target")] for n in MADE}
        for name, part in made.items():
            if not part.isfinite().all():
                raise BadArray(
                    f"{self.name}'s {name}", expected="finite numbers from sound weights",
                    found="others",
                )  # fmt: skip
        if output_type == "latent":
            frames, audio = {n: made[n] for n in ("image", "video")}, made["audio"]
        else:
            codec = self.picture_codec
            kind = codec.image_mean.dtype
            frames = codec.decode(
                made["image"].to(kind), made["video"].to(kind), grid.rows, grid.columns
            )
            if layout.is_noise("video") and givens[0].source is not None:
                first = 0 if layout.is_noise("image") else 1  # a given picture stays as it is
                size = frames.shape[3], frames.shape[2]
                for row, (clip, given) in enumerate(zip(frames, givens, strict=True)):
                    source = fit_pictures(given.source, size).to(clip.device)
                    said = (made[name][row : row + 1].to(kind) for name in ("image", "video"))
                    clip[first:] = edited(codec, clip, source, *said)[first:]
            frames = ((frames.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
            audio = self.sound_codec.decode(made["audio"].float()).float().cpu().numpy()
        self.maybe_free_model_hooks()
        if not return_dict:
            return frames, audio
        return HorsePipelineOutput(frames=frames, audio=audio, unknown_words=unknown)

    # --- hhlab's own verbs ------------------------------------------------------------------
    modes = frozenset(MODES)

    @property
    def limits(self) -> Limits:
        """What a shot may ask for."""
        return Limits(
            seconds=(shortest_seconds(self), longest_seconds(self)),
            default_seconds=self.config.seconds, references=MOST_REFERENCES,
            negative_prompt=True, sampler=True,
        )  # fmt: skip

    def price_usd(self, shot: Shot) -> float:
        """Nothing: it runs here."""
        return 0.0

    def generate(self, shot, *, on_progress=None, cancel=None):
        """Make a clip of a :class:`hhlab.Shot`, or a list of clips of a list of shots.

        Parameters
        ----------
        on_progress : called as ``(steps done, steps in all)``
        cancel : called after each step; true stops and raises :class:`Cancelled`
        """
        from hhlab.model.shots import make

        return make(self, shot, on_progress=on_progress, cancel=cancel)

    def stop(self) -> None:
        """Stop after the step that is being done (for use in a callback)."""
        self._interrupt = True


diffusers.HorsePipeline = HorsePipeline  # where DiffusionPipeline.from_pretrained looks for it
