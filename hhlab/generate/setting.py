"""What a generator is given besides its contender: where, on what, for how much, with what time."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from hhlab.generate.backoff import Clock, Patience
from hhlab.generate.budget import Budget


def default_folder() -> Path:
    """``$HHLAB_PAID``, else a folder of the user's data: where paid clips and their record lie.

    It is the same in every notebook, so that a clip once paid for is found again.
    """
    base = os.environ.get("HHLAB_PAID")
    if base:
        return Path(base)
    from platformdirs import user_data_dir

    return Path(user_data_dir("hhlab", appauthor=False)) / "paid"


@dataclass(frozen=True)
class Setting:
    """How a generator is to work.

    Attributes
    ----------
    folder : for the journal of paid tasks, what is uploaded and what is downloaded
    budget : the most that may be spent according to that journal
    device, dtype : of generators that run here
    offload : of open models: "none"; or keep in the device's memory only the "model" that is
        running, or only the layer ("sequential": least memory, slowest)
    attention : of open models: how diffusers is to compute it, such as "flash"; None as it likes
    fps : of open models whose checkpoint does not say
    endpoint : of generators that others run; a name that the contender lists, or an address
    rewrite_prompt : let the service rewrite prompts; what it made of them is recorded
    """

    folder: Path = field(default_factory=default_folder)
    budget: Budget = field(default_factory=Budget)
    device: str = "cpu"
    dtype: str | None = None
    offload: str = "none"
    attention: str | None = None
    fps: float | None = None
    endpoint: str | None = None
    rewrite_prompt: bool = False
    clock: Clock = field(default_factory=Clock)
    patience: Patience = field(default_factory=Patience)
