"""Train the read-out: the networks that tell from a clip what was asked for.

    python -m eval.training.readout --world runs/foal/world [--cache DIR] [--out data/weights]

`world` is what ``hhlab train`` makes: rendered shards under train/ and test/, fitted codecs under
codecs/. One shard in twelve is kept aside. Takes about half an hour of one core, most of it to cut
down the shards and for the network of single pictures. Writes readout.safetensors, whose figures
come from clips that no network was trained on, and prints them; the card beside it repeats them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save, save_file

from eval.training import readout_pictures as pictures
from eval.training import readout_sound as sound
from eval.training.readout_data import load_seen, prepare_seen, prepare_spoken
from eval.training.readout_figures import figures
from hhlab.files import write_atomic
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.readout.nets import Readout

KEPT_ASIDE = 12  # one shard in so many
EPOCHS = {"hear": 12, "move": 30, "mouth": 5, "look": 12}
UTTERANCES, UTTERANCES_ASIDE = 4000, 608


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def is_aside(path: Path) -> bool:
    """Whether a training shard is kept aside."""
    return int(path.stem) % KEPT_ASIDE == KEPT_ASIDE - 1


def train_parts(
    world: Path, cache: Path, *, only: list[str], seed: int, tell: Callable[[str], None]
) -> Readout:
    """Train the parts that the cache does not hold (or that `only` names), and join them."""
    picture = LappedCodec.from_pretrained(world / "codecs" / "picture")
    ear = MelCodec.from_pretrained(world / "codecs" / "sound")
    shards = [p for p in sorted((world / "train").glob("*.npz")) if not is_aside(p)]
    files = prepare_seen(shards, cache, picture, tell)
    net, seen = Readout(), None
    for name, part in net.named_children():
        file = cache / f"{name}.safetensors"
        if not file.exists() or name in only:
            common = {"epochs": EPOCHS[name], "seed": seed, "say": tell}
            if name == "hear":
                spoken = prepare_spoken(UTTERANCES, seed, "train", ear, cache, tell)
                made = sound.train(spoken, **common)
            else:
                seen = seen or load_seen(files)
                make = {
                    "move": pictures.train_moves, "mouth": pictures.train_mouths,
                    "look": pictures.train_looks,
                }[name]  # fmt: skip
                made = make(seen, **common)
            save_file({k: v.contiguous() for k, v in made.state_dict().items()}, file)
        part.load_state_dict(load_file(file))
    return net.eval()


def store(net: Readout, path: Path, notes: dict[str, object]) -> None:
    """Write the weights in half precision."""
    small = {
        name: value.half().contiguous()
        for name, value in net.state_dict().items()
        if value.is_floating_point()
    }
    write_atomic(path, save(small, {"notes": json.dumps(notes)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/readout"))
    parser.add_argument("--out", type=Path, default=Path("data/weights"))
    parser.add_argument("--only", nargs="*", default=[], choices=tuple(EPOCHS), metavar="PART")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    net = train_parts(
        options.world, options.cache, only=options.only, seed=options.seed, tell=say
    )  # fmt: skip
    minutes = (time.process_time() - began) / 60
    path = options.out / "readout.safetensors"
    store(net, path, {"minutes": minutes})
    aside = [p for p in sorted((options.world / "train").glob("*.npz")) if is_aside(p)]
    shards = [*sorted((options.world / "test").glob("*.npz")), *aside[:3]]
    picture = LappedCodec.from_pretrained(options.world / "codecs" / "picture")
    ear = MelCodec.from_pretrained(options.world / "codecs" / "sound")
    found = figures(shards, picture, ear, weights=path, say=say)
    spoken = prepare_spoken(UTTERANCES_ASIDE, 1, "test", ear, options.cache, say)
    found |= {f"ear, {name}": value for name, value in sound.figures(net.hear, spoken).items()}
    store(net, path, {"minutes": minutes, "figures": found})
    for name, value in found.items():
        print(f"{name:40s} {value:.4f}")


if __name__ == "__main__":
    main()
