"""The noise levels at which a sampler stops, and the schedulers that lead from one to the next."""

from __future__ import annotations

import inspect
from copy import deepcopy
from typing import Any

import numpy as np

from hhlab.errors import BadArgument

_SHIFTS = ("shift", "flow_shift")  # what schedulers call how far they lean towards noise


def set_steps(scheduler: Any, steps: int, device: Any = None) -> None:
    """Set a scheduler's steps: levels 1 to 1 / steps evenly, before its shift, and then 0.

    Left to themselves, some schedulers put their last step next to 0, where there is nothing left
    to do: of four steps that is one lost. Those that take no levels keep their own.
    """
    if "sigmas" in inspect.signature(scheduler.set_timesteps).parameters:
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), device=device)
    else:
        scheduler.set_timesteps(steps, device=device)


def schedulers_of(
    picture: Any, sound: Any, steps: int, device: Any = None
) -> tuple[dict[str, Any], list[tuple[Any, Any]]]:
    """The schedulers of each modality, ready to step, and the pairs of their time steps.

    Where the sound's goes in another number of steps than the picture's, as when only the latter
    was exchanged, one of the picture's kind with the sound's shift takes its place.

    Raises
    ------
    BadArgument : a scheduler that is none of flow matching
    """
    for name, scheduler in (("scheduler", picture), ("sound_scheduler", sound)):
        kind = scheduler.config.get("prediction_type", "flow_prediction")
        if kind != "flow_prediction":
            raise BadArgument(
                name, expected='one of flow matching (prediction_type="flow_prediction")',
                found=f"{type(scheduler).__name__} of {kind}",
            )  # fmt: skip
        set_steps(scheduler, steps, device)
    if len(sound.timesteps) != len(picture.timesteps):
        by = next(sound.config[name] for name in _SHIFTS if name in sound.config)
        own = {name: by for name in _SHIFTS if name in picture.config}
        sound = type(picture).from_config(picture.config, **own)
        set_steps(sound, steps, device)
    # some schedulers remember their last step, so each modality has one of its own
    ready = {"image": deepcopy(picture), "video": picture, "audio": sound}
    return ready, list(zip(picture.timesteps, sound.timesteps, strict=True))
