"""Guidance: what the model makes of a shot, led away from what it makes of no shot at all."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from hhlab.model.config import LOOK
from hhlab.model.sequence import Layout
from hhlab.model.transformer import HorseTransformer

LOOKS_LED = 2.0  # times as far as the rest what is said of who is seen is led
READ_LED = 0.25  # and where references say it, and the model says it again
LED_ABOVE = 0.95  # level of noise down to which what moves in a clip is led
MADE = ("image", "video", "audio")


def targets(
    model: HorseTransformer, text: torch.Tensor, tokens: Mapping[str, torch.Tensor],
    levels: torch.Tensor, layout: Layout,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """The clean target tokens of each modality, float32 (b, n, channels), as predicted."""
    found = model(text, *(tokens[name] for name in MADE), levels, layout).to_float()
    return {name: found[name][:, layout.where(name, "target")] for name in MADE}


def guided_targets(
    model: HorseTransformer, text: torch.Tensor, away_text: torch.Tensor,
    tokens: Mapping[str, torch.Tensor], levels: torch.Tensor, layout: Layout, scale: float,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """The same, led away from `away_text` without references (Ho and Salimans 2022, equation 6).

    Who is seen is led LOOKS_LED times as far: words say little of it, and it cannot look overdrawn.
    References say it number by number to a model that recalls them, and led beyond these a face
    becomes somebody else's: then READ_LED times. How a mouth is held follows from the sound, and
    which way the camera sways from nothing that words say; neither is led: the one would be less
    sure, the other too much.
    What a clip's later pictures show is led while there is much noise, and then left alone
    (Kynkaanniemi et al. 2024, "Applying guidance in a limited interval", section 3): led to the end
    a pan comes out as an orbit, and an orbit stands still. A clip that is edited is led throughout,
    as its source says how it moves.
    References ask for something as words do, so both are left out together; a source, a first
    picture or a sound belong to the clip itself and stay.

    Parameters
    ----------
    text, away_text : int64 (b, n) word numbers
    tokens, levels, layout : as :meth:`HorseTransformer.forward` takes them
    scale : 1 is no guidance
    """
    bare = layout.without("reference")
    looks_led = READ_LED if bare is not layout and model.sizes.recalls else LOOKS_LED
    if bare is layout:  # the same tokens twice: one batch
        twice = {name: torch.cat([x, x]) for name, x in tokens.items()}
        both = torch.cat([away_text, text])
        found = targets(model, both, twice, torch.cat([levels, levels]), layout)
        halves = {name: x.chunk(2) for name, x in found.items()}
    else:
        shown = layout.where("image", "reference")
        image = tokens["image"]
        image = torch.cat([image[:, : shown.start], image[:, shown.stop :]], 1)
        away = targets(model, away_text, {**tokens, "image": image}, levels, bare)
        to = targets(model, text, tokens, levels, layout)
        halves = {name: (away[name], to[name]) for name in MADE}
    out = {name: away + scale * (to - away) for name, (away, to) in halves.items()}
    sizes = model.sizes
    for name in MADE[:2] if sizes.mouths else ():
        away, to = halves[name]
        begin = to.shape[-1] - sizes.alike
        seen = slice(begin, begin + LOOK * sizes.looks)
        further = (looks_led - 1) * max(scale - 1, 0)
        out[name][..., seen] += further * (to - away)[..., seen]
        for unled in (slice(sizes.shown(name), begin), slice(seen.stop, None)):
            out[name][..., unled] = to[..., unled]
    if scale > 1 and layout.where("video", "source") == slice(0, 0):
        to, shown = halves["video"][1], sizes.shown("video")
        late = levels[:, 1, None, None].to(to.device) <= LED_ABOVE
        out["video"][..., :shown] = torch.where(late, to, out["video"])[..., :shown]
    return out
