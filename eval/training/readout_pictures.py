"""Trains the read-out's eyes: what one picture shows, mouths, and camera moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from eval.training.readout_data import Seen, to_torch
from hhlab.actors.script import ATTRIBUTES
from hhlab.readout.nets import CELLS, EMBEDDING, FIELDS, IN_ONE_PICTURE, LookNet, MouthNet, MoveNet
from hhlab.readout.signals import GRID

UNITS = 24  # of a batch, eight pictures each
SHIFT_PX = 3
SHARPNESS, MARGIN = 16.0, 0.2
HARDER = {"age": 3.0, "beard": 2.0, "garment": 2.0}  # how much these count, others once

Say = Callable[[str], None]


def spoil(x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Change the colours of pictures (n, 3, h, w) a little, blur them, and add grain."""

    def chance(*shape: int) -> torch.Tensor:
        return torch.rand(len(x), *shape, generator=draw)

    gain = 1 + 0.14 * (chance(1, 1, 1) - 0.5) + 0.08 * (chance(3, 1, 1) - 0.5)
    x = (x + 1) * gain - 1 + 0.06 * (chance(1, 1, 1) - 0.5)
    soft = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    x = torch.lerp(x, soft, (1.6 * chance(1, 1, 1) - 0.6).clamp_min(0))
    return (x + 0.06 * chance(1, 1, 1) * torch.randn(x.shape, generator=draw)).clamp(-1, 1)


def shift(x: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Move pictures right and down by whole pixels (n, 2), the border held."""
    n, _, h, w = x.shape
    rows = (torch.arange(h) - by[:, 1:]).clamp(0, h - 1)
    columns = (torch.arange(w) - by[:, :1]).clamp(0, w - 1)
    at = torch.arange(n)[:, None, None]
    return x.permute(0, 2, 3, 1)[at, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Who:
    """Remembers where each actor of the training was seen last, and draws new pictures there.

    Softmax of scaled cosines with a margin (Wang et al. 2018, "CosFace", equation 4), where an
    actor's direction is a moving mean of its pictures' embeddings.
    """

    def __init__(self, actors: int, draw: torch.Generator) -> None:
        self.directions = F.normalize(torch.randn(actors, EMBEDDING, generator=draw), dim=1)

    def loss(self, embedding: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Of embeddings (n, 8, EMBEDDING), eight pictures of each of the actors int64 (n,)."""
        every = rows.repeat_interleave(embedding.shape[1])
        near = embedding.flatten(0, 1) @ self.directions.T
        near = near - MARGIN * F.one_hot(every, len(self.directions))
        self.remember(embedding.detach(), rows, keep=0.5)
        return F.cross_entropy(SHARPNESS * near, every)

    def remember(self, embedding: torch.Tensor, rows: torch.Tensor, *, keep: float) -> None:
        """Move the actors' directions towards what was seen of them."""
        moved = keep * self.directions[rows] + (1 - keep) * embedding.mean(1)
        self.directions = self.directions.clone()  # the loss still needs the old ones
        self.directions[rows] = F.normalize(moved, dim=1)

    @torch.no_grad()
    def look_round(self, net: LookNet, data: Seen) -> None:
        """Start from what a trained network says of all stills."""
        for rows in torch.arange(len(data)).split(32):
            seen = net.eval()(to_torch(data.stills[rows.numpy()])).embedding
            self.remember(seen.reshape(len(rows), -1, EMBEDDING), rows, keep=0.0)


class Average:
    """Weights averaged over the last steps: better on new pictures than any one step's."""

    def __init__(self, net: nn.Module, keep: float) -> None:
        self.keep, self.values = keep, {k: v.clone() for k, v in net.state_dict().items()}

    def see(self, net: nn.Module) -> None:
        """Take in the weights of a step."""
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - self.keep)
            else:
                self.values[name].copy_(value)


def train_looks(
    data: Seen, *, epochs: int, seed: int, say: Say, rate: float = 2e-3, net: LookNet | None = None
) -> LookNet:
    """Fit the network of single pictures; one that is given already is trained on."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    identity_of = Who(len(data), draw)
    if net is not None:
        identity_of.look_round(net, data)
    net = (net or LookNet()).to(memory_format=torch.channels_last)
    average = Average(net, 0.99)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=2e-2)
    steps = len(data) // UNITS
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=epochs * steps, pct_start=0.2
    )
    moving = torch.tensor([True] * 6 + [False] * 2).repeat(UNITS)
    for epoch in range(epochs):
        net.train()
        order, parts = rng.permutation(len(data)), []
        for step in range(steps):
            rows = order[step * UNITS : (step + 1) * UNITS]
            side = np.arange(2)[None, :, None]
            when = rng.integers(3, size=(UNITS, 2, 3)) + np.array([0, 3, 6])
            frames = data.frames[rows[:, None, None], side, when].reshape(UNITS, 6, 96, 96, 3)
            mouths = data.mouths[rows[:, None, None], side, when].reshape(UNITS, 6, 3)
            still = np.stack([rng.integers(2, size=UNITS), 2 + rng.integers(2, size=UNITS)], 1)
            stills = data.stills[rows[:, None], still]
            x = to_torch(np.concatenate([frames, stills], 1))
            by = torch.randint(-SHIFT_PX, SHIFT_PX + 1, (UNITS, 1, 2), generator=draw)
            by = by.expand(UNITS, 8, 2).reshape(-1, 2)
            x = shift(spoil(x.reshape(-1, 3, 96, 96), draw), by)
            looks = np.concatenate(
                [data.looks[rows][:, [0, 0, 0, 1, 1, 1]],
                 data.looks[rows[:, None], 2 + still]], 1,
            ).reshape(-1, len(IN_ONE_PICTURE))  # fmt: skip
            with torch.autocast("cpu", torch.bfloat16):
                out = net(x.contiguous(memory_format=torch.channels_last))
                lights = net.lights(
                    out.features.reshape(UNITS, 8, -1)[:, :6].reshape(2 * UNITS, 3, -1)
                )
            true_looks = torch.from_numpy(looks)
            named = sum(
                HARDER.get(name, 1.0)
                * F.cross_entropy(out.logits[name].float(), true_looks[:, k], label_smoothing=0.03)
                for k, name in enumerate(IN_ONE_PICTURE)
            )
            light = F.cross_entropy(
                lights.float(), torch.from_numpy(data.light[rows].reshape(-1)), label_smoothing=0.03
            )
            true = torch.from_numpy(mouths).reshape(-1, 3)
            found, by = out.mouth[moving], by[moving]
            place = F.smooth_l1_loss(found[:, :2], true[:, :2] + by) + 40 * F.mse_loss(
                found[:, 2].log(), true[:, 2].log()
            )
            identity = identity_of.loss(out.embedding.reshape(UNITS, 8, -1), torch.from_numpy(rows))
            loss = named + light + 0.3 * place + 0.4 * identity
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            cycle.step()
            average.see(net)
            parts.append([float(v.detach()) for v in (named, light, place, identity)])
        told = ", ".join(
            f"{name} {value:.3f}"
            for name, value in zip(
                ("named", "light", "mouth", "who"), np.mean(parts, 0), strict=True
            )
        )
        say(f"eye, epoch {epoch + 1} of {epochs}: {told}")
    net.load_state_dict(average.values)
    return net.eval()


def train_mouths(data: Seen, *, epochs: int, seed: int, say: Say, rate: float = 3e-3) -> MouthNet:
    """Fit the network of mouths."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    net, batch = MouthNet(), 256
    true = torch.from_numpy(data.shapes)

    def step(rows: torch.Tensor) -> torch.Tensor:
        x = spoil(to_torch(data.crops[rows.numpy()]), draw)
        with torch.autocast("cpu", torch.bfloat16):
            found = net(x)
        error = (found - true[rows]) * torch.tensor([3.0, 2.0, 2.0, 2.0, 12.0])
        return error.square().mean()

    _fit(net, step, len(true), batch, epochs, rate, draw, lambda told: say(f"mouth, {told}"))
    return net.eval()


def mirrored(fields: torch.Tensor, move: torch.Tensor, kind: int) -> tuple:
    """Fields (n, t, k) seen in a mirror (1), backwards (2) or both (3), and the moves then."""
    grid = fields.reshape(*fields.shape[:2], FIELDS, GRID, GRID)
    names = list(ATTRIBUTES["move"])
    turn = {}
    if kind & 1:
        grid = grid.flip(-1) * torch.tensor([-1.0, 1, 1])[:, None, None]
        turn |= {"pan left": "pan right", "pan right": "pan left"}
    move = torch.tensor([names.index(turn.get(name, name)) for name in names])[move]
    if kind & 2:
        grid = grid.flip(1) * torch.tensor([-1.0, -1, 1])[:, None, None]
        pairs = (("pan left", "pan right"), ("tilt up", "tilt down"), ("zoom in", "zoom out"))
        turn = dict((*pairs, *(pair[::-1] for pair in pairs)))
        move = torch.tensor([names.index(turn.get(name, name)) for name in names])[move]
    return grid.reshape(*fields.shape[:2], FIELDS * CELLS), move


def train_moves(data: Seen, *, epochs: int, seed: int, say: Say, rate: float = 2e-3) -> MoveNet:
    """Fit the network of camera moves."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    net, batch = MoveNet(), 64
    fields = torch.from_numpy(data.fields)
    move = torch.from_numpy(data.move)

    def step(rows: torch.Tensor) -> torch.Tensor:
        side = torch.randint(2, (len(rows),), generator=draw)
        x, y = mirrored(fields[rows, side].float(), move[rows], int(rng.integers(4)))
        x = x + 0.1 * torch.rand(len(x), 1, 1, generator=draw) * torch.randn(
            x.shape, generator=draw
        )
        return F.cross_entropy(net(x), y, label_smoothing=0.03)

    _fit(net, step, len(move), batch, epochs, rate, draw, lambda told: say(f"move, {told}"))
    return net.eval()


def _fit(
    net: nn.Module, step: Callable[[torch.Tensor], torch.Tensor], count: int, batch: int,
    epochs: int, rate: float, draw: torch.Generator, say: Say,
) -> None:  # fmt: skip
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=2e-2)
    steps = count // batch
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for rows in torch.randperm(count, generator=draw)[: steps * batch].split(batch):
            loss = step(rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()
            total += float(loss.detach())
        say(f"epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}")
