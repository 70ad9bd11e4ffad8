"""The noise levels at which a sampler stops."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np


def set_steps(scheduler: Any, steps: int, device: Any = None) -> None:
    """Set a scheduler's steps: levels 1 to 1 / steps evenly, before its shift, and then 0.

    Left to themselves, some schedulers put their last step next to 0, where there is nothing left
    to do: of four steps that is one lost. Those that take no levels keep their own.
    """
    if "sigmas" in inspect.signature(scheduler.set_timesteps).parameters:
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), device=device)
    else:
        scheduler.set_timesteps(steps, device=device)
