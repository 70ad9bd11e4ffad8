"""Does the shipped model do what it is asked? Held-out scripts, all modes, one table.

    python -m eval.validity.foal --model foal [--quick] [--clips 256] [--out docs/validity]
    python -m eval.validity.foal --model foal foal-fast runs/foal/foal/pipeline

A model is a name or a pipeline's folder; several stand side by side. Beside them stand the renders
themselves and the renders through the model's codecs, about as well as a model of these can do. The
read-out (`hhlab.readout`, its card is data/weights/readout.md) judges all of them alike. What was
measured is kept, clip by clip, in a folder: a stopped run goes on where it stopped, and a model
whose weights changed is measured again. --quick makes about twenty clips, in about two minutes of
one core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from eval.validity.foal_material import (
    MODES,
    Unit,
    Wish,
    gallery_stills,
    load_units,
    wishes_of,
)
from eval.validity.foal_measures import measure
from eval.validity.foal_page import page
from eval.validity.foal_table import table
from hhlab import readout
from hhlab.files import slug, write_atomic
from hhlab.readout.load import weights_path

RENDERS, CODED = "renders", "renders, coded"
QUICK = 6  # from text; about twenty over all modes
BATCH = 8
HOW = 7  # counts changes of how clips are sampled and drawn, which no weights show

Made = tuple[np.ndarray, np.ndarray]
Maker = Callable[[Sequence[Wish]], list[Made]]


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


# --- who makes the clips -------------------------------------------------------------------------
def rendered(wishes: Sequence[Wish]) -> list[Made]:
    """The perfect answers."""
    return [(w.unit.frames[w.target], w.unit.samples[w.target]) for w in wishes]


def coded(picture, sound) -> Maker:
    """The perfect answers, once through the codecs."""

    @torch.inference_mode()
    def make(wishes: Sequence[Wish]) -> list[Made]:
        made = rendered(wishes)
        x = torch.from_numpy(np.stack([frames for frames, _ in made])).float() / 127.5 - 1
        side = x.shape[2] // picture.config.block_px
        image, video = picture.encode_image(x[:, 0]), picture.encode_video(x[:, 1:])
        back = picture.decode(image, video, side, side)
        frames = ((back.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
        samples = torch.from_numpy(np.stack([samples for _, samples in made]))
        heard = sound.decode(sound.encode(samples)).numpy()
        return list(zip(frames, heard, strict=True))

    return make


def generated(pipe) -> Maker:
    """A model's answers."""

    def make(wishes: Sequence[Wish]) -> list[Made]:
        out = []
        for clip in pipe.generate([w.shot() for w in wishes]):
            sound = clip.audio(sample_rate=16_000, mono=True)
            out.append((np.stack([f.rgb for f in clip.frames()]), np.array(sound.samples[0])))
        return out

    return make


def kind_of(pipe) -> tuple:
    """What decides a model's clips beside what it is asked: weights and sampler."""
    return (
        codecs_of(pipe.transformer, pipe.picture_codec, pipe.sound_codec), pipe.default_steps,
        pipe.default_guidance, pipe.config.temperature, pipe.scheduler.config.shift,
        pipe.sound_scheduler.config.shift, HOW,
    )  # fmt: skip


def weights_of(folder: Path | None, about: object = "") -> str:
    """A few letters that change when a model's weights, its settings, the read-out's weights, or
    `about` do."""
    digest = hashlib.sha256(weights_path().read_bytes() + repr(about).encode())
    for file in sorted(folder.rglob("*")) if folder else []:
        if file.suffix in (".safetensors", ".json"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def codecs_of(*modules: torch.nn.Module) -> str:
    """The same of codecs, or of other modules."""
    digest = hashlib.sha256()
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


# --- what was measured ---------------------------------------------------------------------------
def records_of(
    name: str, wishes: Sequence[Wish], maker: Maker | None, *, mark: str, keep: Path,
    gallery: np.ndarray,
) -> dict[str, dict]:  # fmt: skip
    """Measure what is not measured yet; one line of JSON a clip. No maker: only what is there."""
    file = keep / f"{slug(name)}.jsonl"
    known: dict[str, dict] = {}
    before = file.read_text("utf-8") if file.exists() else ""
    for line in before.splitlines():
        record = _read(line)
        if record.get("mark") == mark:
            known[record["key"]] = record
    missing = [w for w in wishes if w.key not in known]
    keep.mkdir(parents=True, exist_ok=True)
    done, began = 0, time.monotonic()
    with file.open("a", encoding="utf-8") as lines:
        if before and not before.endswith("\n"):
            lines.write("\n")
        for some in _batches(missing) if maker else ():
            for wish, (frames, samples) in zip(some, maker(some), strict=True):
                record = measure(wish, frames, samples, gallery) | {"mark": mark}
                lines.write(json.dumps(record, allow_nan=True) + "\n")
                known[wish.key] = record
            lines.flush()
            done += len(some)
            say(f"{name}: {done} of {len(missing)} clips, {time.monotonic() - began:.0f} s")
    return {w.key: known[w.key] for w in wishes if w.key in known}


def _read(line: str) -> dict:
    try:
        return json.loads(line)
    except ValueError:  # a line that a kill cut short
        return {}


def _batches(wishes: Sequence[Wish]) -> Iterator[list[Wish]]:
    """Wishes of one mode together."""
    for mode in MODES:
        some = [w for w in wishes if w.mode == mode]
        for first in range(0, len(some), BATCH):
            yield some[first : first + BATCH]


def others_features(units: Sequence[Unit], keep: Path, *, mark: str) -> np.ndarray:
    """Features of the renders' other clips (B), for the Frechet distance."""
    file = keep / "others.npz"
    if file.exists():
        with np.load(file) as found:
            if str(found["mark"]) == mark and len(found["features"]) >= 5 * len(units):
                return found["features"][: 5 * len(units)]
    features = np.concatenate([readout.watch(u.frames[1][[0, 6, 12, 18, 24]]).features
                               for u in units])  # fmt: skip
    with file.open("wb") as stream:
        np.savez(stream, features=features, mark=mark)
    return features


def speed_of(model: str, keep: Path, *, mark: str, runs: int, device: str, busy: bool) -> dict:
    """Measured in a process of its own, and kept."""
    file = keep / f"{slug(model)}-speed-{device}{'-busy' if busy else ''}.json"
    if file.exists():
        found = json.loads(file.read_text("utf-8"))
        if found.get("mark") == mark:
            return found
    threads = ["--threads", "1"] if busy else []
    done = subprocess.run(
        [sys.executable, "-m", "eval.validity.foal_speed", "--model", model, "--runs", str(runs),
         "--device", device, *threads],
        capture_output=True, text=True, check=False,
        env=os.environ | ({"OMP_NUM_THREADS": "1"} if busy else {}),
    )  # fmt: skip
    if done.returncode:
        say(f"{model}: speed could not be measured: {done.stderr.strip().splitlines()[-1:]}")
        return {}
    found = json.loads(done.stdout.splitlines()[-1]) | {"mark": mark}
    write_atomic(file, json.dumps(found).encode())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["foal"], help="names, or folders")
    parser.add_argument("--codecs", type=Path, help="a folder with picture/ and sound/; no model")
    parser.add_argument("--clips", type=int, default=256, help="from text; other modes a share")
    parser.add_argument("--quick", action="store_true", help=f"--clips {QUICK}")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--renders", type=Path, help="held-out renders (default: in --keep)")
    parser.add_argument("--keep", type=Path, default=Path("runs/foal-study"))
    parser.add_argument("--seed", type=int, default=2, help="of the held-out scripts")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--busy", action="store_true", help="speed by one thread's own time")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--out", type=Path, help="folder for foal.md and foal.csv")
    parser.add_argument("--data", help="not needed; there so that all studies are called alike")
    options = parser.parse_args()
    clips = QUICK if options.quick else options.clips
    folder = options.renders or options.keep / "renders"
    units = load_units(folder, max(clips, 2), seed=options.seed, workers=1, say=say)
    about = ((folder / "settings.json").read_text("utf-8"), options.seed)
    wishes = wishes_of(units, options.modes, clips)
    stills = gallery_stills(options.keep, seed=options.seed, say=say)
    gallery = np.stack([readout.embed_identity(of_one) for of_one in stills])
    others = others_features(units, options.keep, mark=weights_of(None, about))
    common = {"keep": options.keep, "gallery": gallery}
    found = {RENDERS: records_of(RENDERS, wishes, rendered, mark=weights_of(None, about), **common)}
    speeds: dict[str, dict] = {}
    codecs = None
    if options.codecs:
        from hhlab.model import LappedCodec, MelCodec

        codecs = (
            LappedCodec.from_pretrained(options.codecs / "picture"),
            MelCodec.from_pretrained(options.codecs / "sound"),
        )
    else:
        from hhlab.generate import load

        for model in options.model:
            pipe = load(model, device=options.device)
            mark = weights_of(None, (about, kind_of(pipe)))
            name = f"{Path(model).parent.name}/{Path(model).name}" if "/" in model else model
            found[name] = records_of(name, wishes, generated(pipe), mark=mark, **common)
            codecs = codecs or (pipe.picture_codec.cpu(), pipe.sound_codec.cpu())
            del pipe
            if not options.no_speed:
                speeds[name] = speed_of(
                    model, options.keep, mark=mark, runs=1 if options.quick else 3,
                    device=options.device, busy=options.busy,
                )  # fmt: skip
    mark = weights_of(None, (about, codecs_of(*codecs), HOW))
    found[CODED] = records_of(CODED, wishes, coded(*codecs), mark=mark, **common)
    made = table(found, found[RENDERS], others)
    text = page(made, speeds, wishes=wishes, seed=json.loads(about[0])["seed"])
    print(text)
    if options.out:
        write_atomic(options.out / "foal.md", text.encode())
        write_atomic(
            options.out / "foal.csv", made.drop(columns="text").to_csv(index=False).encode()
        )


if __name__ == "__main__":
    main()
