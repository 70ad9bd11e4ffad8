"""What a run learns from: rendered, and encoded by codecs that are fitted to it or taken over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hhlab.actors.dataset import render_units
from hhlab.actors.prompts import words_of_language
from hhlab.errors import BadArgument
from hhlab.model import variant as low_rank
from hhlab.model.config import CLIP, ModelConfig
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.pipeline import HorsePipeline
from hhlab.model.training.latents import Latents, encode_folder
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.taught import codecs_of, same_dims
from hhlab.model.words import full_vocabulary

SIZE_PX, FPS, SECONDS = CLIP.size_px, CLIP.fps, CLIP.seconds
RELIT_SEED = 1_000_000  # added to a world's seed where nothing but the light changes


Say = Callable[[str], None]


@dataclass
class World:
    """Everything a run learns from."""

    picture: LappedCodec
    sound: MelCodec
    data: Latents
    watched: Latents
    words: tuple[str, ...]


def prepare(
    recipe: Recipe, folder: Path, *, workers: int, say: Say, start: HorsePipeline | None = None
) -> World:
    """Render and encode what is not there yet, with the codecs of `start` if there is one.

    Raises
    ------
    BadArgument : the folder's world was encoded with other codecs than those of `start` or of the
        model's sizes, or without the motion that the model learns; or faces or edits are to be
        learnt that nobody would draw, or without a start that could make edits
    VariantUnfit : no variant in the folder `quick` of the recipe
    """
    config = sizes_of(recipe, start)
    check_drawing(recipe, config, start)
    parts = {}
    for name, units in (
        ("train", recipe.units), ("test", recipe.watched), ("relit", recipe.relit),
    ):  # fmt: skip
        if name == "relit" and not units:
            continue
        say(f"rendering {units} {name} units")
        relit = name == "relit"
        parts[name] = render_units(
            folder / name, units, seed=recipe.seed + RELIT_SEED * relit, workers=workers,
            size_px=SIZE_PX, fps=FPS, seconds=SECONDS, split="train" if relit else name,
            only="light" if relit else "",
            progress=lambda done, total: say(f"  {done} of {total}"),
        )  # fmt: skip
    picture, sound = codecs_of(
        recipe, config, folder / "codecs", parts["train"], start, relit=parts.get("relit", []),
        say=say,
    )  # fmt: skip
    files = {
        name: encode_folder(
            folder / name, folder / f"{name}-latents", picture, sound,
            fps=FPS, longest=config.text_tokens, cells=config.moves[1] if config.moves else 0,
            progress=lambda done, total: say(f"  encoded {done} of {total} shards"),
        )
        for name in parts
    }  # fmt: skip
    encoded = {
        "train": Latents.load(files["train"] + files.get("relit", [])),
        "test": Latents.load(files["test"]),
    }
    if config.moves and "motion_a" not in encoded["train"].tensors:
        raise BadArgument(
            "moves", expected=f"a world encoded with motion in {folder}", found="one without"
        )
    if encoded["train"].alike != config.alike:
        raise BadArgument(
            "model", expected=f"a world whose tokens say {config.alike} numbers of a whole clip",
            found=f"{encoded['train'].alike} in {folder}; remove its *-latents to encode it again",
        )  # fmt: skip
    return World(
        picture, sound, encoded["train"], encoded["test"], full_vocabulary(words_of_language())
    )


def sizes_of(recipe: Recipe, start: HorsePipeline | None) -> ModelConfig:
    """Of the model that is trained: the recipe's, but a variant has those of its base."""
    return start.transformer.sizes if recipe.variant else recipe.config(text_vocabulary=1)


def check_drawing(recipe: Recipe, config: ModelConfig, start: HorsePipeline | None) -> None:
    """Refuse, before hours of rendering, to learn faces and edits that nobody would draw."""
    for name in ("face_steps", "retouch_steps"):
        if getattr(recipe, name) and (recipe.variant or not config.looks):
            found = "a variant" if recipe.variant else "a model whose tokens do not say it"
            raise BadArgument(name, expected="0 without who is seen in them", found=found)
    if recipe.quick:
        if not recipe.retouch_steps:
            raise BadArgument("quick", expected="nothing without retouch_steps", found=recipe.quick)
        low_rank.read(Path(recipe.quick))
    if recipe.retouch_steps and (start is None or not same_dims(start.picture_codec, config)):
        found = "none to edit with" if start is None else str(dict(start.picture_codec.config))
        raise BadArgument("retouch_steps", expected="a start of the model's tokens", found=found)
