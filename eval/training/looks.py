"""What a picture codec with looks reads of who is seen.

    python -m eval.training.looks data/weights/foal --world runs/foal/world

Prints how much of the variance of each number the codec reads in held-out renders: in clips, and
in four stills of an actor taken together (where another garment is worn).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from hhlab.errors import BadArgument
from hhlab.model.lapped import LappedCodec
from hhlab.model.training.latents import as_floats
from hhlab.model.training.looking import Portraits
from hhlab.model.training.truth import GARMENTS, SAID

AT_ONCE = 16


@torch.no_grad()
def read(codec: LappedCodec, clips: np.ndarray) -> np.ndarray:
    """Who is seen in clips uint8 (n, t, h, w, 3): float32 (n, LOOK)."""
    parts = [codec.look_nets.read(as_floats(clips[k : k + AT_ONCE]))
             for k in range(0, len(clips), AT_ONCE)]  # fmt: skip
    return torch.cat(parts).numpy()


def shares(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Of the variance of each number what is read, at best 1, of any scale: (LOOK,)."""
    both = [np.corrcoef(a, b)[0, 1] for a, b in zip(found.T, true.T, strict=True)]
    return np.square(np.clip(both, 0, 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("--world", type=Path, required=True, help="of hhlab train")
    options = parser.parse_args()
    codec = LappedCodec.from_pretrained(options.pipeline / "picture_codec").eval()
    if not codec.config.looks:
        raise BadArgument("pipeline", expected="a codec with looks", found=str(options.pipeline))
    pool = Portraits(sorted((options.world / "test").glob("*.npz")))
    clips = shares(read(codec, pool.pictures[:, ::3]), pool.looks)
    stills = shares(read(codec, pool.stills), pool.sitters)
    print(f"{'':18}clips  stills")
    for name, one, other in zip((*SAID, *GARMENTS), clips, stills, strict=True):
        print(f"{name:18}{one:5.2f}  " + ("" if name in GARMENTS else f"{other:6.2f}"))
    kinds = slice(0, len(SAID))
    print(f"{'mean of traits':18}{clips[kinds].mean():5.2f}  {stills[kinds].mean():6.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
