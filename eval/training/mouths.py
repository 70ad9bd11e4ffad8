"""What a picture codec with mouths keeps of how mouths are held.

    python -m eval.training.mouths data/weights/foal --world runs/foal/world [--clips 24]

Prints how well lips follow the sound (correlation of the opening, as the read-out sees it) in
held-out renders, once through the components alone, once through the whole codec, and drawn by the
true shapes in place of those that the codec reads; and how much of each shape's variance it reads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from hhlab import readout
from hhlab.actors.dataset import read_shard
from hhlab.errors import BadArgument
from hhlab.model.lapped import LappedCodec
from hhlab.model.mouths import SHAPES
from hhlab.model.training.plan import MOUTH_MEAN, MOUTH_SPREAD
from hhlab.readout.nets import SHAPES as NAMES

RATE = 16_000


def as_bytes(pictures: torch.Tensor) -> np.ndarray:
    """Pictures of a codec as uint8."""
    return ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()


@torch.no_grad()
def ways(codec: LappedCodec, frames: np.ndarray, true: torch.Tensor) -> tuple[dict, torch.Tensor]:
    """A clip by each way through the codec, and the shapes (t, 4) that the codec reads."""
    x = torch.from_numpy(frames).float() / 127.5 - 1
    side, group = codec.config.block_px, codec.frames
    rows, columns = x.shape[1] // side, x.shape[2] // side
    places = rows * columns
    image, video = codec.encode_image(x[:1]), codec.encode_video(x[None, 1:])
    groups = video.view(-1, places, video.shape[-1])
    held = slice(len(codec.image_scale), len(codec.image_scale) + SHAPES)
    all_held = slice(len(codec.video_scale), len(codec.video_scale) + group * SHAPES)
    read = torch.cat([image[0, :1, held], groups[:, 0, all_held].reshape(-1, SHAPES)])
    told_image, told = image.clone(), groups.clone()
    told_image[..., held] = true[0]
    told[..., all_held] = true[1:].reshape(len(groups), 1, -1)
    plain = torch.cat([
        codec.plain("image", image, rows, columns)[:, 0],
        codec.plain("video", groups, rows, columns).flatten(0, 1),
    ])  # fmt: skip
    return {
        "renders": frames,
        "components": as_bytes(plain),
        "codec": as_bytes(codec.decode(image, video, rows, columns)[0]),
        "true shapes": as_bytes(
            codec.decode(told_image, told.view_as(video), rows, columns)[0]
        ),
    }, read  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("--world", type=Path, required=True, help="of hhlab train")
    parser.add_argument("--clips", type=int, default=24)
    options = parser.parse_args()
    codec = LappedCodec.from_pretrained(options.pipeline / "picture_codec").eval()
    if not codec.config.mouths:
        raise BadArgument("pipeline", expected="a codec with mouths", found=str(options.pipeline))
    shard = read_shard(sorted((options.world / "test").glob("*.npz"))[0])
    opening: dict[str, list[float]] = {}
    missed, truth = [], []
    for number in range(min(options.clips, len(shard))):
        true = torch.from_numpy((shard.mouth[number, 0] - MOUTH_MEAN) / MOUTH_SPREAD).float()
        clips, read = ways(codec, shard.video_a[number], true)
        sound = shard.audio_a[number].astype(np.float32) / 32768
        heard = readout.listen(sound, sample_rate=RATE).mouth
        for name, frames in clips.items():
            found = readout.compare(readout.watch(frames).mouth, heard).opening
            opening.setdefault(name, []).append(found)
        missed.append((read - true).square())
        truth.append(true)
    for name, values in opening.items():
        print(f"lips' opening, {name}: {np.nanmean(values):.3f}")
    share = 1 - torch.stack(missed).mean((0, 1)) / torch.stack(truth).flatten(0, 1).var(0)
    for name, value in zip(NAMES, share.tolist(), strict=True):
        print(f"variance of {name} read: {value:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
