"""How tokens leave the transformer: what each modality's are, and how far other ways are believed.

A guess of the layers is joined with what is known by shorter ways: the first picture carried along
(:mod:`hhlab.model.carried`), the source of a clip that is edited, and, of what is chance, the noise
that the tokens came with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from hhlab.model.config import MODALITIES, SWAY, ModelConfig
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
        self.sways = config.sways
        if self.sways:
            self.believe = nn.Linear(config.width, 1)

    def forward(self, x: torch.Tensor, sizes: tuple[int, ...]) -> list[torch.Tensor]:
        """Each (b, n, channels); then, with copies, how far the source is to be taken over.

        After that, for video that is carried along: how far that is kept, and its motion; and for
        video that says how the camera sways, how far that is believed.
        """
        out = []
        for name, part in zip(MODALITIES[1:], x.split(list(sizes), dim=1)[1:], strict=True):
            part = self.norm[name](part)
            found = [self.heads[name](part)]
            if self.copies:
                found.append(self.copy[name](part))
            if self.moves and name == "video":
                found += [self.keep(part), self.move(part)]
            if self.sways and name == "video":
                found.append(self.believe(part))
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


def believed(guess: torch.Tensor, trust: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Guesses (b, n, channels) of how a camera sways, joined with what noisy tokens say of it.

    Nothing but their noise says which way a hand shakes, and the best guess is what is there, times
    what a signal of its size can be at this level (a Kalman gain): `trust`, (b, n, 1), which is
    that where the prompt asks for a hand, and nothing where it does not. First pictures say the
    same numbers, but nobody reads them there.
    """
    rest, sway = guess[..., :-SWAY], guess[..., -SWAY:]
    return torch.cat([rest, sway + trust * tokens[..., -SWAY:].to(sway)], -1)
