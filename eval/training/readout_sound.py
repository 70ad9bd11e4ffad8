"""Trains the read-out's ear: words, voice, and what the mouth must be doing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from eval.training.readout_data import Spoken
from hhlab.readout.decoding import collapse, word_errors
from hhlab.readout.nets import HearNet

BATCH = 64


def spoil(x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Make spectra (n, k, bands) worse in ways that leave the words to be heard."""
    n, k, bands = x.shape

    def chance(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=draw)

    smooth = F.avg_pool1d(x.reshape(n * k, 1, bands), 3, 1, 1, count_include_pad=False)
    late = F.avg_pool1d(x.transpose(1, 2), 3, 1, 1, count_include_pad=False).transpose(1, 2)
    kind = chance(n, 1, 1)
    x = torch.where(kind < 0.25, smooth.reshape(n, k, bands), torch.where(kind > 0.75, late, x))
    x = x + torch.randn(x.shape, generator=draw) * 0.35 * chance(n, 1, 1)
    x = x + (chance(n, 1, 1) - 0.5) + (chance(n, 1, 1) - 0.5) * torch.linspace(-1, 1, bands)
    x = torch.maximum(x, -3 + 1.5 * chance(n, 1, 1) ** 2)  # a little noise floor
    for axis, most in ((1, 12), (2, 6)):
        wide = (chance(n) * most).long()
        first = (chance(n) * (x.shape[axis] - most)).long()
        at = torch.arange(x.shape[axis])
        hide = (at >= first[:, None]) & (at < (first + wide)[:, None])
        x = x.masked_fill(hide.unsqueeze(2 if axis == 1 else 1), 0.0)
    return x


def train(
    data: Spoken, *, epochs: int, seed: int, say: Callable[[str], None], rate: float = 4e-3
) -> HearNet:
    """Fit the network with AdamW and one cycle of the rate."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    net = HearNet()
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=2e-2)
    steps = len(data.words) // BATCH
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    spectra, mouth = torch.from_numpy(data.spectra), torch.from_numpy(data.mouth)
    words, voice = torch.from_numpy(data.words), torch.from_numpy(data.voice)
    for epoch in range(epochs):
        net.train()
        order = torch.randperm(len(words), generator=draw)
        total = 0.0
        for rows in order[: steps * BATCH].split(BATCH):
            version = torch.randint(2, (BATCH,), generator=draw)
            heard = net(spoil(spectra[rows, version].float(), draw))
            lengths = (words[rows] > 0).sum(1)
            said = F.ctc_loss(
                heard.words.transpose(0, 1), words[rows],
                torch.full((BATCH,), heard.words.shape[1]), lengths, zero_infinity=True,
            )  # fmt: skip
            shape = F.mse_loss(heard.mouth, mouth[rows].float())
            loss = said + 0.3 * F.cross_entropy(heard.voice, voice[rows]) + 20 * shape
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            cycle.step()
            total += float(loss.detach())
        say(f"ear, epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}")
    return net.eval()


@torch.inference_mode()
def figures(net: HearNet, data: Spoken) -> dict[str, float]:
    """Shares of words, sentences and voices that are right, and of the mouth's movement foretold.

    Keys end in "render" or "codec".
    """
    out: dict[str, float] = {}
    true = [tuple(int(word) for word in row if word) for row in data.words]
    for version, name in enumerate(("render", "codec")):
        parts = torch.from_numpy(data.spectra[:, version]).float().split(64)
        heard = [net(part) for part in parts]
        words = [collapse(one) for part in heard for one in part.words.numpy()]
        wrong = [word_errors(a, b) for a, b in zip(words, true, strict=True)]
        out[f"words, {name}"] = 1 - sum(wrong) / sum(map(len, true))
        out[f"sentences, {name}"] = float(np.mean([w == 0 for w in wrong]))
        voice = torch.cat([part.voice for part in heard]).argmax(1).numpy()
        out[f"voice, {name}"] = float((voice == data.voice).mean())
        mouth = torch.cat([part.mouth for part in heard]).numpy()
        want = data.mouth.astype(np.float32)
        for k, shape in enumerate(("opening", "width", "rounding", "jaw")):
            out[f"{shape}, {name}"] = float(
                np.corrcoef(mouth[..., k].ravel(), want[..., k].ravel())[0, 1]
            )
    return out
