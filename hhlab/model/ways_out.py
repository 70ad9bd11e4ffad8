"""How tokens leave the transformer: what each modality's are, and how far other ways are believed.

A guess of the layers is joined with what is known by shorter ways: the first picture carried along
(:mod:`hhlab.model.carried`), the source of a clip that is edited, and, of what is chance, the noise
that the tokens came with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from hhlab.model.config import LOOK, MODALITIES, SWAY, ModelConfig
from hhlab.model.layers import Norm

if TYPE_CHECKING:
    from hhlab.model.sequence import Layout

PICTURES = ("image", "video")
QUICK = 6.0  # times what ways answer that begin as nothing, and soon are nearly all there is


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
        self.relights = config.relights
        if self.relights:
            self.relight = nn.ModuleDict(
                {n: nn.Linear(config.width, config.shown(n)) for n in MODALITIES[1:]}
            )
        if self.moves:
            frames, cells = self.moves[:2]
            self.keep = nn.Linear(config.width, config.carried)
            self.motions = 2 * frames * cells**2
            self.move = nn.Linear(config.width, self.motions)
        self.sways = config.sways
        if self.sways:
            self.believe = nn.Linear(config.width, 1)
        self.recalls = config.recalls
        if self.recalls:
            self.recall = nn.ModuleDict({n: nn.Linear(config.width, LOOK) for n in PICTURES})

    def forward(self, x: torch.Tensor, sizes: tuple[int, ...]) -> list[torch.Tensor]:
        """Each (b, n, channels); then, with copies, how far the source is to be taken over, and
        with relights by how much more or less each number of it.

        After that, for video that is carried along: how far that is kept, and its motion; and for
        video that says how the camera sways, how far that is believed. Last, of pictures, how far
        they show whom what is given shows.
        """
        out = []
        for name, part in zip(MODALITIES[1:], x.split(list(sizes), dim=1)[1:], strict=True):
            part = self.norm[name](part)
            found = [self.heads[name](part)]
            if self.copies:
                found.append(self.copy[name](part))
            if self.relights:
                found.append(QUICK * self.relight[name](part))
            if self.moves and name == "video":
                found += [self.keep(part), self.move(part)]
            if self.sways and name == "video":
                found.append(self.believe(part))
            if self.recalls and name in PICTURES:
                found.append(QUICK * self.recall[name](part))
            out.append(torch.cat(found, -1) if len(found) > 1 else found[0])
        return out


def put(tokens: torch.Tensor, at: slice, new: torch.Tensor) -> torch.Tensor:
    """Tokens with those at `at` exchanged."""
    return torch.cat([tokens[:, : at.start], new, tokens[:, at.stop :]], 1)


def copied(
    name: str, found: torch.Tensor, tokens: torch.Tensor, layout: Layout, shown: int, taken: int
) -> torch.Tensor:
    """Guesses (b, n, channels + taken), those of a clip that is edited joined with their source.

    The first of the last `taken` channels says how far a token of the source is taken over at its
    place: most of an edited clip is to stay as it was, and no way through the layers is as exact.
    Where there are more, they say by what more or less each number of it is: another light makes a
    block's mean another, and its edges stronger or weaker, but leaves them where they are.
    That holds for the first `shown` channels; how a mouth is held concerns the sound, and no place.
    """
    guess, said = found[..., :-taken], found[..., -taken:]
    source, target = layout.where(name, "source"), layout.where(name, "target")
    if source == slice(0, 0):
        return guess
    there, said = tokens[:, source, :shown].to(guess.dtype), said[:, target]
    now, take = guess[:, target], said[..., :1].sigmoid()
    joined = now[..., :shown] * (1 - take) + there * (take + said[..., 1:] if taken > 1 else take)
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


def looks_given(
    image: torch.Tensor, video: torch.Tensor, layout: Layout, alike: int
) -> torch.Tensor:
    """Who is seen in the picture tokens (b, n, channels) that are given: (b, k, LOOK), k 0 or 1.

    That is the mean of what references (together), a source, a first picture say in their numbers.
    """
    said = []
    for name, tokens in (("image", image), ("video", video)):
        start, looks = 0, tokens[..., tokens.shape[-1] - alike :][..., :LOOK]
        for segment in layout.of(name):
            if segment.clean and len(segment):
                said.append(looks[:, start : start + len(segment)].mean(1, keepdim=True))
            start += len(segment)
    return torch.stack(said).mean(0) if said else image[:, :0, :LOOK]


def recalled(
    guess: torch.Tensor, trust: torch.Tensor, looks: torch.Tensor, alike: int
) -> torch.Tensor:
    """Guesses (b, n, channels) of who is seen, joined with who is seen in what is given.

    A face takes dozens of numbers, none of which words can say, and no way through the layers is as
    exact as to say them again. `trust` (b, n, LOOK) says how far each of them is: a garment may be
    another. `looks` is that of :func:`looks_given`.
    """
    if not looks.shape[1]:
        return guess
    at = guess.shape[-1] - alike
    rest, said, more = guess.split([at, LOOK, alike - LOOK], dim=-1)
    return torch.cat([rest, said + trust * (looks.to(said) - said), more], -1)
