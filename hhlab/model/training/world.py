"""What a run learns from: rendered, and encoded by codecs that are fitted to it or taken over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from hhlab.actors.dataset import read_shard, render_units
from hhlab.actors.prompts import words_of_language
from hhlab.errors import BadArgument
from hhlab.model.config import CLIP, ModelConfig
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.pipeline import HorsePipeline
from hhlab.model.sequence import Grid
from hhlab.model.training.facing import faces_of, fit_face
from hhlab.model.training.imagining import Imagined, imagine_to
from hhlab.model.training.latents import Latents, encode_folder, encode_shard, fit_codecs
from hhlab.model.training.looking import Portraits, fit_painter, fit_reader
from hhlab.model.training.mouthing import fit_mouths
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.truth import either_look
from hhlab.model.words import full_vocabulary

SIZE_PX, FPS, SECONDS = CLIP.size_px, CLIP.fps, CLIP.seconds
CODEC_SHARDS = 4  # on which the codecs' components are found
RELIT_SEED = 1_000_000  # added to a world's seed where nothing but the light changes
PLAIN_FACES = 384  # of a shard, beside those that are made anew
FACES, NETS = "look_nets.face.", ("mouth_nets.", "look_nets.")  # of a picture codec's weights
MOUTH_SHARDS = 16  # from which the picture's codec learns mouths and who is seen

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
        model's sizes, or without the motion that the model learns; or faces are to be learnt that
        nobody would draw
    """
    config = sizes_of(recipe, start)
    check_faces(recipe, config)
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
    picture, sound = codecs_of(recipe, config, folder / "codecs", parts["train"], start, say=say)
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


def check_faces(recipe: Recipe, config: ModelConfig) -> None:
    """Refuse, before hours of rendering, to learn faces that nobody would draw."""
    if recipe.face_steps and (recipe.variant or not config.looks):
        found = "a variant" if recipe.variant else "a model whose tokens do not say it"
        raise BadArgument("face_steps", expected="0 without who is seen in them", found=found)


def codecs_of(
    recipe: Recipe, config: ModelConfig, folder: Path, shards: list[Path],
    start: HorsePipeline | None, *, say: Say,
) -> tuple[LappedCodec, MelCodec]:  # fmt: skip
    """The codecs of a world: those in its folder, else those of `start`, else fitted to it.

    Where the model says more than those of `start` do, how mouths are held or who is seen, they
    keep their components, and learn it; and so they do to draw faces, where the recipe has steps.
    """
    known = None if start is None else start.picture_codec
    faces = bool(recipe.face_steps) or (known is not None and known.config.faces)
    if (folder / "sound").exists():
        picture = LappedCodec.from_pretrained(folder / "picture")
        sound = MelCodec.from_pretrained(folder / "sound")
        if not same_dims(picture, config):
            raise BadArgument(
                "model", expected=f"tokens of the codecs in {folder}, {dict(picture.config)}",
                found=str(config),
            )  # fmt: skip
        if start is not None and not (
            same_values(picture, start.picture_codec) and same_values(sound, start.sound_codec)
        ):
            raise BadArgument(
                "base" if recipe.variant else "start",
                expected=f"a pipeline of the codecs in {folder}", found="other codecs",
            )  # fmt: skip
        if faces and not picture.config.faces and not recipe.variant:
            raise BadArgument(
                "face_steps" if recipe.face_steps else "start", expected="codecs that draw faces",
                found=f"others in {folder}; remove it to have them made anew",
            )  # fmt: skip
        return picture if recipe.variant else settling(picture), sound
    same = start is not None and same_dims(known, config)
    if same and not recipe.face_steps:
        picture, sound = known if recipe.variant else settling(known), start.sound_codec
    else:
        torch.manual_seed(recipe.seed)  # of fresh networks
        picture = LappedCodec(
            image_dim=config.image_dim, video_dim=config.video_dim, mouths=config.mouths,
            looks=config.looks, sways=config.sways, faces=faces,
            either=either_look() if config.looks else (),
        )  # fmt: skip
        if start is not None:
            picture.begin_with(known)
            sound = start.sound_codec
        else:
            say("finding the codecs' components")
            sound = MelCodec(audio_dim=config.audio_dim)
            fit_codecs(shards[:CODEC_SHARDS], picture, sound)
        teach(picture, recipe, shards[:MOUTH_SHARDS], start, folder, known=same, say=say)
    picture.save_pretrained(folder / "picture")
    sound.save_pretrained(folder / "sound")
    return LappedCodec.from_pretrained(folder / "picture"), sound  # as exact as it was stored


def settling(picture: LappedCodec) -> LappedCodec:
    """A codec, told which numbers of who is seen are one or the other, if it does not know."""
    if picture.config.looks and not picture.config.either:
        picture.register_to_config(either=either_look())
    return picture


def teach(
    picture: LappedCodec, recipe: Recipe, shards: list[Path], start: HorsePipeline | None,
    folder: Path, *, known: bool, say: Say,
) -> None:  # fmt: skip
    """Teach a codec, whose components are there, what its networks are for.

    Where it begins with those of `start`, and says no more than they do (`known`), it learns
    nothing but to draw faces.
    """
    common = {"seed": recipe.seed, "bf16": recipe.precision == "bf16", "say": say}
    if not picture.config.looks:
        if picture.config.mouths:
            say("teaching the picture's codec to read and draw mouths")
            fit_mouths(shards, picture, steps=recipe.mouth_steps, **common)
        return
    pool = Portraits(shards)
    if start is None or start.picture_codec.look_nets is None:
        say("teaching the picture's codec to read who is seen")
        fit_reader(pool, picture.look_nets.reader, steps=recipe.look_steps, **common)
    imagined = None
    if start is not None:
        imagined = imagined_by(start, shards, folder.parent / "imagined", say=say)
    if not known:
        say("teaching the picture's codec to paint who is seen, and to draw mouths")
        fit_painter(pool, picture, imagined, steps=recipe.mouth_steps, **common)
    if recipe.face_steps:
        say("teaching the picture's codec to draw faces")
        faces = faces_of(
            pool, picture, imagined, plain_count=PLAIN_FACES * len(shards), seed=recipe.seed
        )
        nets = picture.look_nets
        fit_face(faces, nets.face, picture.mouth_nets.reader, steps=recipe.face_steps, **common)


def same_dims(codec: LappedCodec, config: ModelConfig) -> bool:
    """Whether a codec's tokens are those of a model."""
    made = codec.config
    found = made.image_dim, made.video_dim, made.mouths, made.looks, made.sways
    wanted = config.image_dim, config.video_dim, config.mouths, config.looks, config.sways
    return found == wanted


def same_values(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether a codec is another one, or the same that has learnt to say more: its components.

    Networks count as they are stored, in half precision; how faces are drawn concerns no token.
    """
    a, b = (
        {name: x for name, x in codec.state_dict().items() if not name.startswith(FACES)}
        for codec in (one, other)
    )
    if a.keys() != b.keys() or getattr(one, "alike", 0) != getattr(other, "alike", 0):
        a, b = (dict(x.named_buffers(recurse=False)) for x in (one, other))
    return a.keys() == b.keys() and all(
        torch.equal(a[name].half(), b[name].half()) if name.startswith(NETS)
        else torch.equal(a[name], b[name])
        for name in b
    )  # fmt: skip


def fingerprint(module: torch.nn.Module) -> str:
    """A few letters that tell a module's weights from others, as stored."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def imagined_by(start: HorsePipeline, shards: list[Path], folder: Path, *, say: Say) -> Imagined:
    """The clips of some shards as a finished pipeline makes them anew."""
    files = []
    codecs = start.picture_codec, start.sound_codec
    folder = folder / fingerprint(start.transformer)  # another start makes others
    start.transformer.float()
    for number, path in enumerate(shards):
        file = folder / f"{path.stem}.safetensors"
        if not file.exists():
            tokens = encode_shard(
                read_shard(path), *codecs, fps=FPS, seed=number,
                cells=start.transformer.sizes.moves[1],
                longest=start.transformer.config.text_tokens,
            )  # fmt: skip
            imagine_to(file, start, Latents(tokens), clip_grid(*codecs), seed=number)
        files.append(file)
        say(f"  clips of {number + 1} of {len(shards)} shards made anew")
    return Imagined(files)


def clip_grid(picture: LappedCodec, sound: MelCodec) -> Grid:
    """The tokens of a training clip."""
    frames = round(SECONDS * FPS)
    side = SIZE_PX // picture.config.block_px
    return Grid(
        side, side, (frames - 1) // picture.frames, picture.frames / FPS,
        round(frames / FPS / sound.token_s), sound.token_s,
    )  # fmt: skip
