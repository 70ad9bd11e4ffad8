"""The codecs of a run: taken over from where it starts, or fitted to its world; and then taught."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from hhlab.actors.dataset import read_shard
from hhlab.errors import BadArgument
from hhlab.model import variant as low_rank
from hhlab.model.config import CLIP, ModelConfig
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.pipeline import HorsePipeline
from hhlab.model.shots import EDITS_LED
from hhlab.model.training.facing import faces_of, fit_face
from hhlab.model.training.imagining import Imagined, imagine_to
from hhlab.model.training.latents import Latents, encode_shard, fit_codecs
from hhlab.model.training.looking import Portraits, fit_painter, fit_reader
from hhlab.model.training.mouthing import fit_mouths
from hhlab.model.training.recipe import Recipe
from hhlab.model.training.retouching import EDIT_STEPS, edit_all, edits_of, fit_retoucher, remade
from hhlab.model.training.tasks import clip_grid
from hhlab.model.training.truth import either_look

CODEC_SHARDS = 4  # on which the codecs' components are found
MOUTH_SHARDS = 16  # from which the picture's codec learns mouths and who is seen
PLAIN_FACES = 384  # of a shard, beside those that are made anew
EDITED_SHARDS, REMADE_SHARDS = 4, 6  # of which it learns to draw edits: edited, and made anew
DRAWN = "look_nets.face.", "look_nets.retoucher."  # of a picture codec's weights: concern no token
NETS = "mouth_nets.", "look_nets."
STEPS = {"faces": "face_steps", "retouches": "retouch_steps"}  # in which codecs get to draw more

Say = Callable[[str], None]


def codecs_of(
    recipe: Recipe, config: ModelConfig, folder: Path, shards: list[Path],
    start: HorsePipeline | None, *, relit: Sequence[Path] = (), say: Say,
) -> tuple[LappedCodec, MelCodec]:  # fmt: skip
    """The codecs of a world: those in its folder, else those of `start`, else fitted to it.

    Where the model says more than those of `start` do, how mouths are held or who is seen, they
    keep their components, and learn it; and so they do to draw faces and edits, where the recipe
    has steps.
    """
    known = None if start is None else start.picture_codec
    draws = {
        what: bool(steps) or (known is not None and known.config[what])
        for what, steps in ((what, getattr(recipe, name)) for what, name in STEPS.items())
    }
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
        lacking = [what for what, wanted in draws.items() if wanted and not picture.config[what]]
        if lacking and not recipe.variant:
            raise BadArgument(
                "start" if known is not None and known.config[lacking[0]] else STEPS[lacking[0]],
                expected=f"codecs with {lacking[0]}",
                found=f"others in {folder}; remove it to have them made anew",
            )  # fmt: skip
        return picture if recipe.variant else settling(picture), sound
    same = start is not None and same_dims(known, config)
    if same and not (recipe.face_steps or recipe.retouch_steps):
        picture, sound = known if recipe.variant else settling(known), start.sound_codec
    else:
        torch.manual_seed(recipe.seed)  # of fresh networks
        picture = LappedCodec(
            image_dim=config.image_dim, video_dim=config.video_dim, mouths=config.mouths,
            looks=config.looks, sways=config.sways, **draws,
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
        if recipe.retouch_steps:
            teach_edits(picture, recipe, shards, relit, start, folder.parent, say=say)
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
    nothing but to draw faces, if it is to.
    """
    common = {"seed": recipe.seed, "bf16": recipe.precision == "bf16", "say": say}
    if not picture.config.looks:
        if picture.config.mouths:
            say("teaching the picture's codec to read and draw mouths")
            fit_mouths(shards, picture, steps=recipe.mouth_steps, **common)
        return
    if known and not recipe.face_steps:
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


def teach_edits(
    picture: LappedCodec, recipe: Recipe, shards: Sequence[Path], relit: Sequence[Path],
    start: HorsePipeline, folder: Path, *, say: Say,
) -> None:  # fmt: skip
    """Teach a codec to draw clips that `start`, and its quick variant, edit.

    They edit units, and such as are only `relit`; and `start` makes clips of more units anew.
    """
    say("teaching the picture's codec to draw edits out of their sources")
    pipes = [start]
    if recipe.quick:
        note, stored = low_rank.read(Path(recipe.quick))
        quick = HorsePipeline.from_pretrained(recipe.start, use_safetensors=True)
        low_rank.apply(quick.transformer, stored)
        quick.default_steps, quick.default_guidance = note.steps, note.guidance
        pipes.append(quick)
    for pipe in pipes:
        pipe.set_progress_bar_config(disable=True)
    names = "-".join(made_by(pipe) for pipe in pipes)
    edited = [*shards[:EDITED_SHARDS], *relit[:EDITED_SHARDS]]
    edits = edits_of(edited, edit_all(pipes, edited, folder / "edited" / names, say=say), picture)
    more = shards[:REMADE_SHARDS]
    imagined = imagined_by(start, more, folder / "imagined", say=say)
    nets, mouths = picture.look_nets, picture.mouth_nets.reader
    fit_retoucher(
        [edits, *remade(Portraits(more), picture, imagined)], nets.retoucher, nets.reader, mouths,
        steps=recipe.retouch_steps, seed=recipe.seed, bf16=recipe.precision == "bf16", say=say,
    )  # fmt: skip


def same_dims(codec: LappedCodec, config: ModelConfig) -> bool:
    """Whether a codec's tokens are those of a model."""
    made = codec.config
    found = made.image_dim, made.video_dim, made.mouths, made.looks, made.sways
    wanted = config.image_dim, config.video_dim, config.mouths, config.looks, config.sways
    return found == wanted


def same_values(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether a codec is another one, or the same that has learnt to say more: its components.

    Networks count as they are stored, in half precision; how faces and edits are drawn concerns no
    token.
    """
    a, b = (
        {name: x for name, x in codec.state_dict().items() if not name.startswith(DRAWN)}
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


def made_by(pipe: HorsePipeline) -> str:
    """A few letters that tell edits of a pipeline from another's."""
    said = pipe.config.temperature, pipe.default_steps, pipe.default_guidance, EDIT_STEPS, EDITS_LED
    return fingerprint(pipe.transformer) + hashlib.sha256(repr(said).encode()).hexdigest()[:4]


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
                read_shard(path), *codecs, fps=CLIP.fps, seed=number,
                cells=start.transformer.sizes.moves[1],
                longest=start.transformer.config.text_tokens,
            )  # fmt: skip
            imagine_to(file, start, Latents(tokens), clip_grid(*codecs), seed=number)
        files.append(file)
        say(f"  clips of {number + 1} of {len(shards)} shards made anew")
    return Imagined(files)
