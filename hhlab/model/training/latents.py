"""Rendered shards as latent tokens on disk, and batches of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from hhlab.actors.dataset import Shard, read_shard
from hhlab.actors.prompts import edit_prompt, words_of_language, write_prompt
from hhlab.errors import BadArgument
from hhlab.model.lapped import LappedCodec
from hhlab.model.mel import MelCodec
from hhlab.model.sway import sway_of
from hhlab.model.training.motion import motion_of
from hhlab.model.training.plan import plans_of
from hhlab.model.training.truth import hand_path, said_look, steadied
from hhlab.model.words import encode, full_vocabulary, split

PHRASINGS = 12  # prompts written for each clip; a batch picks one
EDITS = 6


def as_floats(pictures: np.ndarray) -> torch.Tensor:
    """uint8 pictures as float32 in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).float() / 127.5 - 1


def fit_codecs(shards: Sequence[Path], picture: LappedCodec, sound: MelCodec) -> None:
    """Find the codecs' components on some shards; mouths count more than the rest."""
    blocks: dict[str, list] = {"image": [], "video": []}
    weights: dict[str, list] = {"image": [], "video": []}
    sounds = []
    for path in shards:
        shard = read_shard(path)
        for clips, box in ((shard.video_a, 0), (shard.video_b, 1)):
            x = as_floats(clips)
            n = len(x)
            side = picture.config.block_px
            rows, columns = x.shape[2] // side, x.shape[3] // side
            mouth = mouth_share(shard.mouth_box[:, box], rows, columns, block=side)
            # every second picture serves as a single one, all groups as groups
            for name, many, part, share in (
                ("image", 1, x[:, ::5], mouth[:, ::5]),
                ("video", picture.frames, x[:, 1:], mouth[:, 1:]),
            ):
                b = picture._blocks(part.reshape(-1, many, *x.shape[2:])).flatten(0, 1)
                blocks[name].append(b.half())
                s = share.reshape(n, -1, many, rows * columns).mean(2)
                weights[name].append(1 + 20 * s.reshape(-1))
        sounds += [shard.audio_a, shard.audio_b]
    for name in ("image", "video"):
        picture.fit(name, torch.cat(blocks[name]).float(), torch.cat(weights[name]))
    sound.fit(torch.from_numpy(np.concatenate(sounds)).float() / 32768)


def mouth_share(boxes: np.ndarray, rows: int, columns: int, *, block: int) -> torch.Tensor:
    """How much of the mouth's box each block holds: float32 (n, t, rows columns), sums to 1."""
    box = torch.from_numpy(np.asarray(boxes, np.float32))
    x = torch.arange(columns) * float(block)
    y = torch.arange(rows) * float(block)
    wide = (torch.minimum(box[..., 2:3], x + block) - torch.maximum(box[..., 0:1], x)).clamp_min(0)
    high = (torch.minimum(box[..., 3:4], y + block) - torch.maximum(box[..., 1:2], y)).clamp_min(0)
    share = (high[..., :, None] * wide[..., None, :]).flatten(-2)
    return share / share.sum(-1, keepdim=True).clamp_min(1e-6)


def encode_shard(
    shard: Shard, picture: LappedCodec, sound: MelCodec, *, fps: float, longest: int, seed: int,
    cells: int = 0,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """Everything a batch may need of a shard's units; two clips, "a" and "b", a unit.

    With `cells`, also how each part of a picture moved, a block having cells x cells of them.
    """
    vocabulary = full_vocabulary(words_of_language())
    alike = torch.full((len(shard),), picture.alike, dtype=torch.int16)
    out: dict[str, torch.Tensor] = {"alike": alike}
    for side, (clips, sounds) in enumerate(
        ((shard.video_a, shard.audio_a), (shard.video_b, shard.audio_b))
    ):
        name = "ab"[side]
        scripts = [shard.scripts(number)[side] for number in range(len(shard))]
        boxes = shard.mouth_box[:, side]
        if picture.alike:
            paths = np.stack([hand_path(s, clips.shape[1], fps) for s in scripts])
            paths *= picture.config.sways
            said = [
                np.concatenate([said_look(s), sway_of(p)])
                for s, p in zip(scripts, paths, strict=True)
            ]
            out[f"alike_{name}"] = torch.from_numpy(np.stack(said)[:, : picture.alike]).half()
            clips, boxes = steadied(clips, boxes, paths * min(clips.shape[2:4]))
        x = as_floats(clips)
        block = picture.config.block_px
        rows, columns = x.shape[2] // block, x.shape[3] // block
        out[f"image_{name}"] = picture.encode_image(x[:, 0]).half()
        out[f"video_{name}"] = picture.encode_video(x[:, 1:]).half()
        if cells:
            out[f"motion_{name}"] = motion_of(
                clips, block_px=block, frames=picture.frames, cells=cells
            )
        out[f"audio_{name}"] = sound.encode(torch.from_numpy(sounds).float() / 32768).half()
        share = mouth_share(boxes, rows, columns, block=block)
        out[f"mouth_image_{name}"] = share[:, 0].half()
        groups = share[:, 1:].reshape(len(x), -1, picture.frames, rows * columns).mean(2)
        out[f"mouth_video_{name}"] = groups.flatten(1).half()
        plans = plans_of(
            scripts, shard.mouth[:, side], fps=fps, tokens=out[f"audio_{name}"].shape[1],
            token_s=sound.token_s,
        )  # fmt: skip
        if picture.config.sways:  # then the pictures no longer show it
            plans["camera"][[script.move == "shake" for script in scripts]] = 0
        out |= {f"{what}_{name}": tensor for what, tensor in plans.items()}
    shown = as_floats(shard.references)
    out["references"] = torch.stack(
        [picture.encode_image(shown[:, k]) for k in range(shown.shape[1])], 1
    ).half()
    words: dict[str, list] = {"words_a": [], "words_b": [], "edit_ab": [], "edit_ba": []}
    for number in range(len(shard)):
        before, after = shard.scripts(number)
        at = seed * 1_000_003 + number * 1009
        for name, script in (("words_a", before), ("words_b", after)):
            texts = (write_prompt(script, at + k).text for k in count())
            words[name].append(_numbers(texts, PHRASINGS, vocabulary, longest))
        for name, pair in (("edit_ab", (before, after)), ("edit_ba", (after, before))):
            texts = (edit_prompt(*pair, at + k).text for k in count())
            words[name].append(_numbers(texts, EDITS, vocabulary, longest))
    for name, ids in words.items():
        out[name] = torch.from_numpy(np.array(ids, np.int16))
    return out


def _numbers(
    texts: Iterator[str], wanted: int, vocabulary: Sequence[str], longest: int
) -> list[np.ndarray]:
    """The first `wanted` texts that are not too long, as word numbers."""
    fitting = (text for text in texts if len(split(text)) <= longest)
    return [encode(text, vocabulary, longest=longest).ids for text in islice(fitting, wanted)]


def encode_folder(
    folder: Path, into: Path, picture: LappedCodec, sound: MelCodec, *, fps: float, longest: int,
    cells: int = 0, progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:  # fmt: skip
    """Encode every shard of a folder that is not yet encoded; return the files, in order."""
    into.mkdir(parents=True, exist_ok=True)
    shards, files = sorted(folder.glob("*.npz")), []
    for number, path in enumerate(shards):
        file = into / f"{path.stem}.safetensors"
        if not file.exists():
            made = encode_shard(
                read_shard(path), picture, sound, fps=fps, longest=longest, seed=number,
                cells=cells,
            )  # fmt: skip
            save_file(made, file.with_suffix(".part"))
            file.with_suffix(".part").rename(file)
        files.append(file)
        progress(number + 1, len(shards))
    return files


@dataclass
class Latents:
    """All encoded units in memory: tensors whose first axis is the unit."""

    tensors: dict[str, torch.Tensor]
    _variance: dict[str, torch.Tensor] = field(default_factory=dict, repr=False)

    def variance(self, name: str) -> torch.Tensor:
        """How much each channel of a modality's tokens varies: float32 (channels,)."""
        if name not in self._variance:
            some = self.tensors[f"{name}_a"][:256].float().flatten(0, -2)
            self._variance[name] = some.var(0)
        return self._variance[name]

    def spread(self, name: str) -> torch.Tensor:
        """The same with mean 1."""
        return self.variance(name) / self.variance(name).mean()

    @property
    def alike(self) -> int:
        """How many of a picture token's last channels are the same in all of a clip."""
        return int(self.tensors["alike"][0]) if "alike" in self.tensors else 0

    def __len__(self) -> int:
        return len(self.tensors["image_a"])

    @classmethod
    def load(cls, files: Sequence[Path]) -> Latents:
        parts = [load_file(file) for file in files]
        for file, part in zip(files, parts, strict=True):
            if part.keys() != parts[0].keys():
                raise BadArgument(
                    str(file), expected=f"a shard encoded as {files[0].name} was",
                    found="another; remove it to have it encoded again",
                )  # fmt: skip
        return cls({name: torch.cat([part[name] for part in parts]) for name in parts[0]})

    def to(self, device: torch.device) -> Latents:
        """On another device, so that batches are put together there."""
        return Latents({name: tensor.to(device) for name, tensor in self.tensors.items()})

    @property
    def device(self) -> torch.device:
        return self.tensors["image_a"].device
