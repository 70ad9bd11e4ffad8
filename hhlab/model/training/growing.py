"""A finished model made larger in what its tokens hold, so that training goes on with it."""

from __future__ import annotations

from dataclasses import asdict

import torch

from hhlab.errors import BadArgument
from hhlab.model.config import ModelConfig
from hhlab.model.transformer import HorseTransformer

MAY_GROW = ("image_dim", "video_dim", "moves", "near_words", "relights", "recalls", "traces")
HEARD = 0.5  # of a fresh model's weights: how far new channels are heard at the start


def may_grow(old: ModelConfig, new: ModelConfig) -> bool:
    """Whether a model of `old` sizes can get `new` ones: the same, or some that say more."""
    kept = {name: value for name, value in asdict(new).items() if name not in MAY_GROW}
    same = all(getattr(old, name) == value for name, value in kept.items())
    shown = all(new.shown(name) == old.shown(name) for name in ("image", "video"))
    more = new.mouths >= old.mouths and new.alike >= old.alike
    more = more and old.near_words in (0, new.near_words) and new.relights >= old.relights
    more = more and new.recalls >= old.recalls and new.traces >= old.traces
    return same and shown and new.moves[:2] == old.moves[:2] and more


@torch.no_grad()
def grown(model: HorseTransformer, sizes: ModelConfig, *, heard: float = HEARD) -> HorseTransformer:
    """A model of `sizes` that does as `model` does, and says nothing yet of new channels.

    New channels of image and video tokens follow the old ones: the ways out answer 0, which is what
    they are on average. The ways in look at them from the start, `heard` times as hard as a fresh
    model's do: were both nothing, neither would ever learn from the other what only the channels
    themselves can tell. With 0 all else is as `model` has it. What is new altogether begins as in a
    fresh model, where it adds nothing.

    Raises
    ------
    BadArgument : sizes to which the model cannot grow
    """
    if not may_grow(model.sizes, sizes):
        raise BadArgument("sizes", expected=f"larger than {model.sizes}", found=str(sizes))
    new = HorseTransformer.of(sizes)
    before = dict(model.named_parameters())
    for name, parameter in new.named_parameters():
        if name not in before:
            continue
        ways_in = name.startswith("embed") and parameter.ndim == 2
        parameter *= heard if ways_in else 0.0
        parameter[tuple(slice(0, n) for n in before[name].shape)] = before[name].to(parameter)
    return new.train(model.training)
