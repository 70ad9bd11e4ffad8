"""What a clip is about, asked of the transformer's middle while it learns.

The hardest thing to learn from tokens alone is what rules them: which of a prompt's words decides
what, and which sound moves which lips. The world knows both. So a small head reads the layers'
middle (of the tokens that are to be made, noisy as they are) for the script's attributes, the
camera's path, the mouth's shape and the sounds being spoken, and what it misses is added to the
loss. This is representation alignment (Yu et al. 2024, "Representation alignment for generation",
equation 8) with the world's truth in the place of another network's features. The head is no part
of the finished model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from hhlab.actors.camera import shoot
from hhlab.actors.clip import LEAD_S
from hhlab.actors.script import ATTRIBUTES, Script
from hhlab.actors.take import utter
from hhlab.actors.visemes import ALIASES, TARGETS

if TYPE_CHECKING:
    from hhlab.model.training.objective import Batch

PHONES = tuple(sorted(TARGETS))  # the last class, one more, is any other sound
SIZES = tuple(len(values) for values in ATTRIBUTES.values())
INSTANTS = 2  # moments of an audio token at which the sound is asked for
MOUTH = 4  # opening, width, rounding, jaw
CAMERA = 4  # shift to the right and down, zoom, orbit
MOUTH_MEAN = np.array([0.155, 0.513, 0.135, 0.257], np.float32)
MOUTH_SPREAD = np.array([0.137, 0.123, 0.198, 0.171], np.float32)
CAMERA_SPREAD = np.array([0.05, 0.04, 0.07, 0.15], np.float32)
ATTRIBUTES_WEIGHT = 4.0  # of their mean: each is a question of its own
NAMES = ("attributes", "camera", "mouth_shape", "phones")


# --- what is true of a clip -----------------------------------------------------------------------
def plan_of(
    script: Script, mouth: np.ndarray, *, fps: float, tokens: int, token_s: float
) -> dict[str, np.ndarray]:
    """What the head is to find in a clip of t pictures and `tokens` audio tokens.

    Parameters
    ----------
    mouth : float (t, 4), the mouth's opening, width, rounding and jaw in [0, 1]

    Returns
    -------
    dict
        "attributes" int16 (13,), "camera" float16 (t, 4) and "mouth_shape" float16 (t, 4), both
        scaled to spread about one, "phones" int16 (2 tokens,)
    """
    times = np.arange(len(mouth)) / fps
    shots = shoot(script.scene.camera, times, script.seed)
    path = np.array([(s.x, s.y, np.log(s.zoom), s.orbit) for s in shots], np.float32)
    return {
        "attributes": np.array(
            [values.index(getattr(script, name)) for name, values in ATTRIBUTES.items()], np.int16
        ),
        "camera": (path / CAMERA_SPREAD).astype(np.float16),
        "mouth_shape": ((mouth - MOUTH_MEAN) / MOUTH_SPREAD).astype(np.float16),
        "phones": phones_at(script, (np.arange(INSTANTS * tokens) + 0.5) * token_s / INSTANTS),
    }


def phones_at(script: Script, times_s: np.ndarray) -> np.ndarray:
    """Which of PHONES is spoken at each time of a script's clip: int16 (n,)."""
    out = np.full(len(times_s), PHONES.index("_"), np.int16)
    for phoneme in utter(script.sentence, **script.speaking()).phonemes:
        start, end = phoneme.start_s + LEAD_S, phoneme.end_s + LEAD_S
        plain = phoneme.symbol.rstrip("ː")
        for number, begin in ((0, start), (-1, (start + end) / 2)):  # a diphthong has two
            symbol = ALIASES.get(plain[number], plain[number])
            known = PHONES.index(symbol) if symbol in TARGETS else len(PHONES)
            out[(times_s >= begin) & (times_s < end)] = known
    return out


def plans_of(
    scripts: Sequence[Script], mouths: np.ndarray, *, fps: float, tokens: int, token_s: float
) -> dict[str, torch.Tensor]:
    """:func:`plan_of` of many clips, mouths being float (n, t, 4)."""
    rows = [
        plan_of(script, mouth, fps=fps, tokens=tokens, token_s=token_s)
        for script, mouth in zip(scripts, mouths, strict=True)
    ]
    return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in NAMES}


# --- the head -------------------------------------------------------------------------------------
def _reader(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, out)
    )


class Planner(nn.Module):
    """Reads what a clip is about from tokens inside the transformer.

    Parameters
    ----------
    width : channels of a token there
    frames : pictures that a video token stands for
    """

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.scene = _reader(width, sum(SIZES) + frames * CAMERA)
        self.lips = _reader(width, frames * MOUTH)
        self.speech = _reader(width, INSTANTS * (len(PHONES) + 1))

    def forward(self, hidden: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        """How much is missed, and its parts for the log; `hidden` is (b, n, width)."""
        parts = dict(
            zip(("text", "image", "video", "audio"),
                hidden.float().split(list(batch.layout.sizes), dim=1), strict=True)
        )  # fmt: skip
        target = {n: parts[n][:, batch.layout.where(n, "target")] for n in parts}
        missed: dict[str, torch.Tensor] = {}
        if batch.layout.is_noise("video") or (
            batch.layout.is_noise("image") and target["image"].shape[1]
        ):
            missed |= self._seen(target, batch)
        if batch.layout.is_noise("audio"):
            found = self.speech(target["audio"]).unflatten(-1, (INSTANTS, -1)).flatten(1, 2)
            wanted = batch.plan["phones"][:, : found.shape[1]].long()
            missed["phones"] = F.cross_entropy(found.flatten(0, 1), wanted.flatten())
        total = sum(missed.values(), torch.zeros((), device=hidden.device))
        return total, {name: float(value.detach()) for name, value in missed.items()}

    def _seen(self, target: Mapping[str, torch.Tensor], batch: Batch) -> dict[str, torch.Tensor]:
        tokens = _by_group(target, batch)
        groups = tokens.shape[1]
        at = list(range(self.frames * groups))
        if target["image"].shape[1]:
            # the first picture stands alone, its truth as often as a group has pictures
            at = [0] * self.frames + list(range(1, 1 + self.frames * (groups - 1)))
        scene = self.scene(tokens.mean(2))
        attributes, camera = scene.split([sum(SIZES), self.frames * CAMERA], -1)
        wanted = batch.plan["attributes"].long()
        errors = [
            F.cross_entropy(part.flatten(0, 1), wanted[:, k].repeat_interleave(groups))
            for k, part in enumerate(attributes.split(list(SIZES), -1))
        ]
        known = {"attributes": ATTRIBUTES_WEIGHT * torch.stack(errors).mean()}
        if "camera" not in batch.plan:  # a script that nobody rendered
            return known
        share = _by_group(batch.mouth, batch)
        share = share / share.sum(-1, keepdim=True).clamp_min(1e-6)
        lips = self.lips((tokens * share[..., None]).sum(2))
        path = batch.plan["camera"][:, at].flatten(1).view_as(camera)
        shape = batch.plan["mouth_shape"][:, at].flatten(1).view_as(lips)
        return known | {
            "camera": F.mse_loss(camera, path.float()),
            "lips": F.mse_loss(lips, shape.float()),
        }


def _by_group(parts: Mapping[str, torch.Tensor], batch: Batch) -> torch.Tensor:
    """A clip's pictures, the first (if it is there) and the groups: (b, groups, places, ...)."""
    places = parts["image"].shape[1]
    if not places:
        times = batch.layout.positions("video", parts["video"].device)
        times = times[batch.layout.where("video", "target"), 0]
        places = int((times == times[0]).sum())
    groups = [x.unflatten(1, (-1, places)) for x in (parts["image"], parts["video"]) if x.shape[1]]
    return torch.cat(groups, 1)
