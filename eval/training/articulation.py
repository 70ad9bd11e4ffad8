"""Train the network that says what the mouth must be doing from the sound alone.

    python -m eval.training.articulation [--utterances 4500] [--seed 0] [--out data/weights]
    python -m eval.training.lip_match --data ../shared/data

Takes about ten minutes on one free core. Writes articulation.safetensors and prints the figures of
its card; the second command then adds the map from heard to seen movement.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

from eval.training.speech import Example, examples
from hhlab.metrics.lip_sync.articulation_sound import BANDS, CHANNELS, DILATIONS

WIDTH, TAPS = 96, 5
CUT = 256  # frames in a training cut
CLOSURE = CHANNELS.index("closure")


class Net(nn.Module):
    """The same network as in `hhlab.metrics.lip_sync.articulation_sound`, for training."""

    def __init__(self) -> None:
        super().__init__()
        for layer, dilation in enumerate(DILATIONS):
            into = WIDTH if layer else BANDS
            reach = dilation * (TAPS // 2)
            conv = nn.Conv1d(
                into, WIDTH, TAPS, dilation=dilation, padding=reach, padding_mode="replicate"
            )
            self.add_module(f"conv{layer}", conv)
        self.out = nn.Conv1d(WIDTH, len(CHANNELS), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, BANDS, t) to logits (n, 6, t)."""
        for layer in range(len(DILATIONS)):
            y = F.relu(self.get_submodule(f"conv{layer}")(x))
            x = x + y if layer else y
        return self.out(x)


def loss_of(logits: torch.Tensor, mouth: torch.Tensor) -> torch.Tensor:
    """Squared error of shapes and of their speed, cross entropy of closure and activity."""
    shape = torch.sigmoid(logits[:, :4])
    error = (shape - mouth[:, :4]).square().mean()
    speed = ((shape[..., 2:] - shape[..., :-2]) - (mouth[:, :4, 2:] - mouth[:, :4, :-2])).square()
    binary = F.binary_cross_entropy_with_logits(logits[:, 4:], mouth[:, 4:])
    return 8 * error + 8 * speed.mean() + binary


def batches(data: list[Example], size: int, rng: np.random.Generator):
    """Cuts of CUT frames from utterances in random order."""
    order = rng.permutation(len(data))
    for start in range(0, len(order) - size + 1, size):
        x = np.empty((size, BANDS, CUT), np.float32)
        y = np.empty((size, len(CHANNELS), CUT), np.float32)
        for row, index in enumerate(order[start : start + size]):
            example = data[index]
            length = len(example.features)
            at = rng.integers(max(1, length - CUT + 1))
            take = np.minimum(np.arange(at, at + CUT), length - 1)
            x[row], y[row] = example.features[take].T, example.mouth[take].T
            if rng.random() < 0.5:  # some bands masked for good measure
                band = rng.integers(BANDS - 6)
                x[row, band : band + rng.integers(1, 7)] = 0
        yield torch.from_numpy(x), torch.from_numpy(y)


@torch.inference_mode()
def figures(net: Net, data: list[Example]) -> dict[str, float]:
    """Correlation per channel over held-out utterances, pooled."""
    got, want = [], []
    for example in data:
        x = torch.from_numpy(example.features.astype(np.float32).T[None])
        got.append(torch.sigmoid(net(x))[0].T.numpy())
        want.append(example.mouth.astype(np.float32))
    got, want = np.concatenate(got), np.concatenate(want)
    return {
        name: round(float(np.corrcoef(got[:, k], want[:, k])[0, 1]), 4)
        for k, name in enumerate(CHANNELS)
    }


def train(data: list[Example], *, epochs: int, seed: int, report=print, size: int = 32) -> Net:
    """Fit the network with AdamW and a cosine schedule."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net()
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * (len(data) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for epoch in range(epochs):
        losses, began = [], time.monotonic()
        for x, y in batches(data, size, rng):
            loss = loss_of(net(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        report(f"epoch {epoch}: loss {np.mean(losses):.4f} in {time.monotonic() - began:.0f} s")
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=4500)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("data/weights"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    began = time.monotonic()
    held_out = examples(options.utterances // 20, np.random.default_rng(options.seed + 1))
    data = examples(options.utterances, rng)
    print(f"{len(data)} versions of utterances in {time.monotonic() - began:.0f} s")
    net = train(data, epochs=options.epochs, seed=options.seed)
    found = figures(net.eval(), held_out)
    print(json.dumps(found))
    options.out.mkdir(parents=True, exist_ok=True)
    arrays = {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}
    save_file(arrays, options.out / "articulation.safetensors", {"figures": json.dumps(found)})


if __name__ == "__main__":
    main()
