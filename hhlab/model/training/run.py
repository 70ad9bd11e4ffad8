"""From nothing to a pipeline in a folder: prepare the world, train, export."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from diffusers import FlowMatchEulerDiscreteScheduler

from hhlab.actors.prompts import words_of_language
from hhlab.errors import BadArgument
from hhlab.model.config import CLIP
from hhlab.model.pipeline import HorsePipeline
from hhlab.model.training.growing import grown, may_grow
from hhlab.model.training.loop import Trainer
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.tasks import clip_grid
from hhlab.model.training.variants import KINDS, train_variant
from hhlab.model.training.world import FPS, SECONDS, SIZE_PX, Say, World, prepare
from hhlab.model.transformer import HorseTransformer
from hhlab.model.variant import Variant
from hhlab.model.variant import save as save_variant
from hhlab.model.words import full_vocabulary

LONGEST_WAIT = timedelta(days=2)  # of one process for another, which may be rendering


def pipeline_of(
    trainer: Trainer, world: World, *, dtype: torch.dtype = torch.bfloat16
) -> HorsePipeline:
    """The averaged weights as a pipeline."""
    model = HorseTransformer.of(trainer.model.sizes)
    for name, parameter in model.named_parameters():
        parameter.data.copy_(trainer.average[name])
    recipe = trainer.recipe
    return HorsePipeline(
        torch.nn.Module.to(model, dtype), world.picture, world.sound,
        FlowMatchEulerDiscreteScheduler(shift=recipe.sampler_shift),
        FlowMatchEulerDiscreteScheduler(shift=recipe.sound_shift),
        words=world.words, size_px=SIZE_PX, fps=FPS, seconds=SECONDS,
        temperature=recipe.temperature,
    )  # fmt: skip


def train(
    recipe: Recipe, folder: str | Path, *, resume: bool = True, workers: int = 2,
    say: Say = print,
) -> Path:  # fmt: skip
    """Run a recipe; returns the folder of the finished pipeline.

    Everything is kept in `folder`; a second call with `resume` goes on where the first stopped,
    and ends with the same weights as if it had not.
    """
    folder = Path(folder)
    start = None
    if recipe.start:
        start = opened_start(recipe)
    elif recipe.variant is not None:
        start = opened_base(recipe)
    processes = PartialState(cpu=not torch.cuda.is_available(), timeout=LONGEST_WAIT)
    say = say if processes.is_main_process else lambda line: None
    with processes.main_process_first():  # the others find everything there
        world = prepare(recipe, folder / "world", workers=workers, say=say, start=start)
    if recipe.variant is not None:
        if processes.is_main_process:  # it takes minutes: one is enough
            make_variant(recipe, start, world, folder / recipe.name, say=say)
        processes.wait_for_everyone()
        return folder / recipe.name / "variant"
    trainer = Trainer(
        recipe, folder / recipe.name, world.data, world.watched,
        clip_grid(world.picture, world.sound), text_vocabulary=len(world.words),
        codec=world.picture,
    )  # fmt: skip
    if start is not None:
        trainer.begin_with(grown(start.transformer, trainer.model.sizes))
    if resume and trainer.resume():
        say(f"going on from step {trainer.step}")

    def on_step(step: int, parts: dict[str, float]) -> None:
        if step % 20 == 0 or step == recipe.steps or "t2v video" in parts:
            say(f"step {step} of {recipe.steps}: " + ", ".join(
                f"{name} {value:.3f}" for name, value in parts.items()))  # fmt: skip

    def on_sample(step: int) -> None:
        if processes.is_main_process:
            sample_sheet(trainer, world, folder / recipe.name / f"samples-{step:06d}.png")

    trainer.run(on_step, on_sample)
    out = folder / recipe.name / "pipeline"
    if processes.is_main_process:
        pipeline_of(trainer, world).save_pretrained(out)
    processes.wait_for_everyone()
    return out


def opened(name: str, folder: str) -> HorsePipeline:
    """The pipeline that a recipe's setting `name` is the folder of."""
    if not (Path(folder) / "model_index.json").is_file():
        raise BadArgument(name, expected="the folder of a pipeline", found=folder)
    pipe = HorsePipeline.from_pretrained(folder, use_safetensors=True)
    for key, value in pipe.transformer.state_dict().items():
        if value.is_meta:  # what no file gave
            raise BadArgument(name, expected=f"weights called {key}", found=f"none in {folder}")
    return pipe


def opened_start(recipe: Recipe) -> HorsePipeline:
    """The pipeline that a run begins with, if the recipe's model can begin with it."""
    start = opened("start", recipe.start)
    words = full_vocabulary(words_of_language())
    sizes = recipe.config(text_vocabulary=len(words))
    made, config = start.transformer.sizes, start.config
    for what, wanted, found in (
        ("no variant beside it", None, recipe.variant),
        ("a model of the world's words", words, tuple(config.words)),
        (
            f"a model of the recipe's sizes, or one that says less, {sizes}",
            True,
            may_grow(made, sizes) or str(made),
        ),
        (f"clips of {CLIP}", (SIZE_PX, FPS, SECONDS), (config.size_px, config.fps, config.seconds)),
    ):
        if wanted != found:
            raise BadArgument("start", expected=what, found=str(found)[:300])
    return start


def opened_base(recipe: Recipe) -> HorsePipeline:
    """The pipeline that a recipe makes a variant of.

    Raises
    ------
    BadArgument : a variant that is not known, or no pipeline in `recipe.base`
    """
    if recipe.variant not in KINDS:
        raise BadArgument("variant", expected=f"one of {', '.join(KINDS)}", found=recipe.variant)
    return opened("base", recipe.base)


def make_variant(
    recipe: Recipe, base: HorsePipeline, world: World, folder: Path, *, say: Say
) -> Path:
    """Learn a variant of a pipeline; returns the variant's folder."""
    grid = clip_grid(base.picture_codec, base.sound_codec)
    stored = train_variant(
        recipe, base.transformer.float(), world.data, grid, folder,
        guidance=base.default_guidance,
        shifts=(base.scheduler.config.shift, base.sound_scheduler.config.shift),
        temperature=base.config.temperature, say=say,
    )  # fmt: skip
    note = Variant(Path(recipe.base).name, recipe.sampler_steps, recipe.guidance, recipe.about)
    save_variant(folder / "variant", note, stored)
    return folder / "variant"


PROMPTS = (
    'A young woman with long red hair in a green shirt, in the park. She says "my blue boat".',
    "An old man with grey hair and a beard, in a white hoodie, in front of a red wall.",
    "A man with glasses in the library, in a yellow blazer. The camera zooms in.",
    "A woman with short black hair in a pink t-shirt, in the city at night. The light is cool.",
)


def sample_sheet(trainer: Trainer, world: World, path: Path) -> None:
    """Write a picture of a few clips, one a row, as the averaged weights make them now."""
    from PIL import Image

    pipe = pipeline_of(trainer, world, dtype=torch.float32).to(trainer.accelerator.device)
    pipe.set_progress_bar_config(disable=True)
    draws = [torch.Generator().manual_seed(k) for k in range(len(PROMPTS))]
    with trainer.autocast():
        made = pipe(list(PROMPTS), num_inference_steps=12, generator=draws)
    rows = [np.concatenate(list(clip[:: max(1, len(clip) // 8)]), 1) for clip in made.frames]
    Image.fromarray(np.concatenate(rows, 0)).save(path)
