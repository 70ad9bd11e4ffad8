"""The verbs ``hhlab generate``, ``contenders``, ``paid`` and ``train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from hhlab.generate.clips_command import add_machine, machine


def add_generate(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser("generate", help="make a clip with sound from a prompt")
    verb.add_argument("prompt", nargs="?", default="", help="what is to be seen and heard")
    verb.add_argument(
        "--model", default="foal", help="a contender (see: hhlab contenders), or a folder"
    )
    verb.add_argument("--negative", default="", metavar="TEXT", help="what is not wanted")
    verb.add_argument("--references", nargs="+", default=[], metavar="IMG", help="of the subject")
    verb.add_argument("--first-frame", metavar="IMG", help="the clip's first picture")
    verb.add_argument("--source", metavar="CLIP", help="a clip to be changed as the prompt says")
    verb.add_argument("--sound", metavar="CLIP", help="whose sound is kept")
    verb.add_argument("--picture", metavar="CLIP", help="whose pictures are kept")
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument("--steps", type=int, metavar="N")
    verb.add_argument("--guidance", type=float, metavar="X")
    verb.add_argument("--seconds", type=float, metavar="S", help="of the clip")
    verb.add_argument("--size", metavar="WxH", help="of its picture, in pixels")
    verb.add_argument("--suite", metavar="YAML", help="make all shots of a suite, into a folder")
    verb.add_argument("--contenders", nargs="+", default=[], metavar="NAME", help="of --suite")
    verb.add_argument("--seeds", type=int, default=1, metavar="N", help="clips of each shot")
    verb.add_argument("--max-cost", type=float, metavar="USD", help="stop before it is passed")
    verb.add_argument("--endpoint", metavar="NAME", help="of a service, such as china")
    add_machine(verb)
    verb.add_argument("--workers", type=int, default=1, metavar="N", help="clips asked for at once")
    verb.add_argument("-o", "--out", metavar="FILE", help="(clip.mp4; with --suite a folder: out)")
    verb.set_defaults(run=run_generate)


def run_generate(options: argparse.Namespace) -> int:
    """Make the clip, or the suite's, that the options ask for."""
    if options.suite is not None:
        return _run_suite(options)
    from tqdm import tqdm

    from hhlab.generate.load import load
    from hhlab.generate.many import store
    from hhlab.media import read_clip
    from hhlab.types import Shot

    out = _checked_out(options.out or "clip.mp4", options.model)

    def clip(path: str | None):
        return None if path is None else read_clip(path)

    shot = Shot(
        options.prompt, options.negative, references=options.references,
        first_frame=options.first_frame, source=clip(options.source), sound=clip(options.sound),
        picture=clip(options.picture), seed=options.seed, steps=options.steps,
        guidance=options.guidance, seconds=options.seconds, size_px=_size(options.size),
    )  # fmt: skip
    pipe = load(
        options.model, max_cost_usd=options.max_cost, endpoint=options.endpoint,
        **machine(options),
    )  # fmt: skip
    with tqdm(unit="step", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        made = pipe.generate(shot, on_progress=progress)
    store(made, out)
    print(out)
    return 0


def _checked_out(name: str, model: str) -> Path:
    """Where the clip is to go, known before it is made. Raises :class:`BadArgument`."""
    from hhlab.errors import BadArgument, as_subject
    from hhlab.generate.load import CLIPS

    out = Path(name)
    if out.is_dir():
        raise BadArgument(as_subject(out), expected="a file to write", found="a folder")
    # Clips that are there already are copied, whatever they are.
    if out.suffix.lower() not in ("", ".mp4", ".m4v") and not model.startswith(CLIPS):
        raise BadArgument(as_subject(out), expected="a name that ends in .mp4", found=out.suffix)
    return out


def _size(text: str | None) -> tuple[int, int] | None:
    from hhlab.errors import BadArgument

    if text is None:
        return None
    width, cross, height = text.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise BadArgument("--size", expected="WIDTHxHEIGHT", found=repr(text))
    return int(width), int(height)


def _run_suite(options: argparse.Namespace) -> int:
    """Make every shot of a suite by every contender; 3 when some are missing at the end."""
    from tqdm import tqdm

    from hhlab.errors import BadArgument, printable
    from hhlab.generate.contenders import contenders
    from hhlab.generate.load import load
    from hhlab.generate.many import make_many
    from hhlab.generate.material import read_suite

    suite, out = read_suite(options.suite), Path(options.out or "out")
    names = [name for word in options.contenders for name in word.split(",") if name]
    if not names:
        raise BadArgument("--contenders", expected="at least one beside --suite", found="none")
    if options.seeds < 1 or options.workers < 1:
        raise BadArgument("--seeds, --workers", expected="1 or more", found="less")
    shots = [one.shot(seed=seed) for one in suite.shots for seed in range(options.seeds)]
    lacking = 0
    for name in names:  # whoever is not ready says so before the first clip is paid for
        if name in contenders() and contenders()[name].status()[0] != "ready":
            load(name)
    for name in names:
        pipe = load(
            name, folder=out / "paid", max_cost_usd=options.max_cost, endpoint=options.endpoint,
            **machine(options),
        )  # fmt: skip
        with tqdm(total=len(shots), desc=name, unit="clip", disable=None) as bar:
            made = make_many(
                pipe, shots, out / name, workers=options.workers, on_made=lambda _: bar.update()
            )
        here = [one for one in made if one.file is not None]
        usd = sum(one.usd or 0.0 for one in here)
        print(f"{name}: {len(here)} of {len(shots)} clips in {out / name}, {usd:.2f} USD")
        for one in made:
            if one.error:
                where = f"{one.shot.label}, seed {one.shot.seed}"
                print(printable(f"  {where}: {one.error}: {one.found}"))
        lacking += len(shots) - len(here)
    return 3 if lacking else 0


def add_contenders(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "contenders",
        help="the generators that can be compared, and how each stands here",
        description="Modes, limits, price, licence and status of every contender, and what to do "
        "about it. What nobody has published is called so.",
    )
    verb.add_argument("--facts", action="store_true", help="with what it rests on, and when read")
    verb.add_argument("--json", action="store_true", help="for programs")
    verb.set_defaults(run=run_contenders)


def run_contenders(options: argparse.Namespace) -> int:
    """Print the contenders."""
    import json

    from hhlab.generate.listing import listing, rows

    print(json.dumps(rows(), indent=1) if options.json else listing(facts=options.facts))
    return 0


def add_paid(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "paid",
        help="paid tasks: what was spent, and what is not known of them",
        description="What the record of paid tasks holds, and how to settle a request whose "
        "outcome neither it nor the service can tell.",
    )
    verb.add_argument("folder", nargs="?", metavar="DIR", help="(default: the user's own)")
    verb.add_argument(
        "--settle", nargs=2, metavar=("KEY", "TASK"),
        help="the id of the task that a request started, or none",
    )  # fmt: skip
    verb.set_defaults(run=run_paid)


def run_paid(options: argparse.Namespace) -> int:
    """Print the record, or settle one of its orders."""
    from hhlab.errors import printable
    from hhlab.generate.setting import default_folder
    from hhlab.generate.settle import settle, summary

    folder = Path(options.folder) if options.folder else default_folder()
    if options.settle:
        settle(folder, *options.settle)
    print(printable(summary(folder)))
    return 0


def add_train(verbs) -> None:
    """Add the verb to the command line's."""
    verb = verbs.add_parser(
        "train",
        help="train a model, from nothing or from a finished one",
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
    from accelerate import PartialState

    from hhlab.errors import BadArgument
    from hhlab.model.training.recipe import Recipe
    from hhlab.model.training.run import train

    recipe = Recipe.read(options.config)
    checkpoint = Path(options.out) / recipe.name / "checkpoint.safetensors"
    if checkpoint.exists() and not options.resume:
        raise BadArgument(
            "--resume", expected="to be given, as there is a checkpoint", found=str(checkpoint)
        )
    made = train(recipe, options.out, resume=options.resume, workers=options.workers)
    if PartialState().is_main_process:
        print(made)
    return 0
