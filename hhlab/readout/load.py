"""Find and open the read-out's weights, which come with hhlab."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hhlab.errors import WeightsDamaged, WeightsMissing

if TYPE_CHECKING:
    from hhlab.readout.nets import Readout

NAME = "readout.safetensors"


def weights_path() -> Path:
    """Where the weights lie: in the checkout, or where they were installed."""
    places = (
        Path(__file__).resolve().parents[2] / "data" / "weights" / NAME,
        Path(sysconfig.get_path("data")) / "share" / "hhlab" / "weights" / NAME,
    )
    for place in places:
        if place.is_file():
            return place
    raise WeightsMissing(NAME, expected=f"in {places[0].parent}", found="nothing")


@cache
def load(path: Path | None = None) -> Readout:
    """The networks, ready to read; opened once.

    Raises
    ------
    WeightsMissing : there is no such file
    WeightsDamaged : the file is not of these networks, or holds numbers that are not finite
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from hhlab.readout.nets import Readout

    path = path or weights_path()
    if not path.is_file():
        raise WeightsMissing(path, expected="the read-out's weights", found="nothing")
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsDamaged(path, expected="a safetensors file", found=str(error)) from error
    net = Readout()
    found = {name: tuple(value.shape) for name, value in arrays.items()}
    wanted = {
        name: tuple(value.shape)
        for name, value in net.state_dict().items()
        if value.is_floating_point()  # how many batches a norm has seen is of no use here
    }
    if found != wanted:
        odd = sorted(set(found.items()) ^ set(wanted.items()))[0][0]
        raise WeightsDamaged(path, expected="the read-out's tensors", found=f"{odd} differs")
    for name, value in arrays.items():
        if not torch.isfinite(value.float()).all():
            raise WeightsDamaged(path, expected="finite weights", found=f"{name} has others")
    net.load_state_dict({name: value.float() for name, value in arrays.items()}, strict=False)
    return net.eval().requires_grad_(False)
