"""How tokens leave the transformer: what each modality's are, and how far other ways are believed.

A guess of the layers is joined with what is known by shorter ways: the first picture carried along
(:mod:`hhlab.model.carried`), and the source of a clip that is edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from hhlab.model.config import MODALITIES, ModelConfig
from hhlab.model.layers import Norm

if TYPE_CHECKING:
    from hhlab.model.sequence import Layout


class Part(nn.Module):
    """Take the sequence apart, and read out the modalities that are generated."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = nn.ModuleDict({name: Norm(config.width, eps=1e-6) for name in MODALITIES[1:]})
        dims = (config.image_dim, config.video_dim, config.audio_dim)
        self.heads = nn.ModuleDict(
            {n: nn.Linear(config.width, d) for n, d in zip(MODALITIES[1:], dims, strict=True)}
        )
        self.copies, self.moves = config.copies, config.moves
        self.motions = 0
        if self.copies:
            self.copy = nn.ModuleDict({n: nn.Linear(config.width, 1) for n in MODALITIES[1:]})
        if self.moves:
            frames, cells = self.moves[:2]
            self.keep = nn.Linear(config.width, config.carried)
            self.motions = 2 * frames * cells**2
            self.move = nn.Linear(config.width, self.motions)

    def forward(self, x: torch.Tensor, sizes: tuple[int, ...]) -> list[torch.Tensor]:
        """Each (b, n, channels); then, with copies, how far the source is to be taken over.

        After that, for video that is carried along: how far that is kept, and its motion.
        """
        out = []
        for name, part in zip(MODALITIES[1:], x.split(list(sizes), dim=1)[1:], strict=True):
            part = self.norm[name](part)
            found = [self.heads[name](part)]
            if self.copies:
                found.append(self.copy[name](part))
            if self.moves and name == "video":
                found += [self.keep(part), self.move(part)]
            out.append(torch.cat(found, -1) if len(found) > 1 else found[0])
        return out


def put(tokens: torch.Tensor, at: slice, new: torch.Tensor) -> torch.Tensor:
    """Tokens with those at `at` exchanged."""
    return torch.cat([tokens[:, : at.start], new, tokens[:, at.stop :]], 1)


def copied(
    name: str, found: torch.Tensor, tokens: torch.Tensor, layout: Layout, shown: int
) -> torch.Tensor:
    """Guesses (b, n, channels + 1), those of a clip that is edited joined with their source.

    The last channel says how far a token of the source is taken over at its place: most of an
    edited clip is to stay as it was, and no way through the layers is as exact. That holds for the
    first `shown` channels; how a mouth is held concerns the sound, and no place.
    """
    guess, take = found[..., :-1], found[..., -1:].sigmoid()
    source, target = layout.where(name, "source"), layout.where(name, "target")
    if source == slice(0, 0):
        return guess
    there, take = tokens[:, source].to(guess.dtype), take[:, target]
    now = guess[:, target]
    if shown == now.shape[-1]:
        return put(guess, target, now * (1 - take) + there * take)
    joined = now[..., :shown] * (1 - take) + there[..., :shown] * take
    return put(guess, target, torch.cat([joined, now[..., shown:]], -1))
