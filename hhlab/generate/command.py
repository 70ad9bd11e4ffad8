"""The verbs ``hhlab generate`` and ``hhlab train``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_generate(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser("generate", help="make a clip with sound from a prompt")
    verb.add_argument("prompt", nargs="?", default="", help="what is to be seen and heard")
    verb.add_argument("--model", default="foal", help="a model that ships, or a folder")
    verb.add_argument("--negative", default="", metavar="TEXT", help="what is not wanted")
    verb.add_argument("--references", nargs="+", default=[], metavar="IMG", help="of the subject")
    verb.add_argument("--first-frame", metavar="IMG", help="the clip's first picture")
    verb.add_argument("--source", metavar="CLIP", help="a clip to be changed as the prompt says")
    verb.add_argument("--sound", metavar="CLIP", help="whose sound is kept")
    verb.add_argument("--picture", metavar="CLIP", help="whose pictures are kept")
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument("--steps", type=int, metavar="N")
    verb.add_argument("--guidance", type=float, metavar="X")
    verb.add_argument("-o", "--out", default="clip.mp4", metavar="FILE")
    verb.set_defaults(run=run_generate)


def run_generate(options: argparse.Namespace) -> int:
    """Make the clip that the options ask for."""
    from tqdm import tqdm

    from hhlab.generate.load import load
    from hhlab.media import read_clip, write_clip
    from hhlab.types import Shot

    def clip(path: str | None):
        return None if path is None else read_clip(path)

    shot = Shot(
        options.prompt, options.negative, references=options.references,
        first_frame=options.first_frame, source=clip(options.source), sound=clip(options.sound),
        picture=clip(options.picture), seed=options.seed, steps=options.steps,
        guidance=options.guidance,
    )  # fmt: skip
    pipe = load(options.model)
    with tqdm(unit="step", leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        made = pipe.generate(shot, on_progress=progress)
    write_clip(options.out, made)
    print(options.out)
    return 0


def add_train(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "train",
        help="train a model from nothing",
        description="Render the world, encode it, train, and write a pipeline's folder. Stop it "
        "with Ctrl-C; the same command with --resume goes on exactly where it was.",
    )
    verb.add_argument("--config", required=True, metavar="YAML", help="see data/recipes/")
    verb.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    verb.add_argument("--workers", type=int, default=2, metavar="N", help="that render")
    verb.add_argument("-o", "--out", default="runs/train", metavar="DIR")
    verb.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> int:
    """Run the recipe that the options name."""
    from hhlab.errors import BadArgument
    from hhlab.model.training.recipe import Recipe
    from hhlab.model.training.run import train

    recipe = Recipe.read(options.config)
    checkpoint = Path(options.out) / recipe.name / "checkpoint.safetensors"
    if checkpoint.exists() and not options.resume:
        raise BadArgument(
            "--resume", expected="to be given, as there is a checkpoint", found=str(checkpoint)
        )
    print(train(recipe, options.out, resume=options.resume, workers=options.workers))
    return 0
