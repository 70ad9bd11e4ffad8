"""How many components a token should have: what clips lose that pass through fewer of them.

    python -m eval.training.components runs/foal/world [--clips 12]

Prints, for several numbers of components a token, how near clips that are encoded and decoded come
to the renders, and what the read-out still finds in them: the attributes that their prompts name,
and the lips' opening. A model with more components than that has more to learn than is seen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from eval.validity.foal import coded
from eval.validity.foal_material import load_units, wishes_of
from eval.validity.foal_measures import measure
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.training.latents import fit_codecs
from hhlab.model.training.taught import CODEC_SHARDS

SIZES = ((256, 512), (64, 160), (64, 128), (48, 96), (32, 64), (16, 32))  # of picture and video
EMBEDDED = 64  # numbers of a face; the gallery to compare them with is not needed here


def fewer(codec: LappedCodec, image_dim: int, video_dim: int) -> LappedCodec:
    """The codec with its leading components alone."""
    out = LappedCodec(codec.config.block_px, codec.config.frames, image_dim, video_dim)
    for name, dim in (("image", image_dim), ("video", video_dim)):
        getattr(out, f"{name}_mean").copy_(getattr(codec, f"{name}_mean"))
        getattr(out, f"{name}_basis").copy_(getattr(codec, f"{name}_basis")[:, :dim])
        getattr(out, f"{name}_scale").copy_(getattr(codec, f"{name}_scale")[:dim])
    return out


def row(codec: LappedCodec, sound: MelCodec, wishes: list) -> dict[str, object]:
    """What is left of clips, mean over them."""
    right, opening, near = [], [], []
    for wish, (frames, samples) in zip(wishes, coded(codec, sound)(wishes), strict=True):
        found = measure(wish, frames, samples, np.zeros((1, EMBEDDED), np.float32))
        right += [found["right"][name] for name in found["named"] if name in found["right"]]
        opening.append(found["opening"])
        wanted = wish.unit.frames[wish.target].astype(float)
        near.append(10 * np.log10(255**2 / np.square(frames - wanted).mean()))
    return {
        "picture": codec.config.image_dim, "video": codec.config.video_dim,
        "PSNR, dB": np.mean(near), "named attributes right": np.mean(right),
        "opening (correlation)": np.nanmean(opening),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("world", type=Path, help="of hhlab train")
    parser.add_argument("--clips", type=int, default=12)
    options = parser.parse_args()
    picture, sound = LappedCodec(image_dim=SIZES[0][0], video_dim=SIZES[0][1]), MelCodec()
    fit_codecs(sorted((options.world / "train").glob("*.npz"))[:CODEC_SHARDS], picture, sound)
    units = load_units(options.world / "test", options.clips, seed=1, workers=1, say=print)
    wishes = wishes_of(units, ["text"], options.clips)[: options.clips]
    table = pd.DataFrame([row(fewer(picture, *size), sound, wishes) for size in SIZES])
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
