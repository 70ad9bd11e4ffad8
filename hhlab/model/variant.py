"""A variant of a model: the same weights plus differences of low rank, in one small file.

Hu et al. 2021, "LoRA", equation 3: a matrix W of the base becomes W + up @ down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import parametrize

from hhlab.errors import BadArray, WeightsError

NOTE, TENSORS = "variant.json", "delta.safetensors"


class VariantUnfit(WeightsError):
    """A variant's file does not belong to the base it names."""


@dataclass(frozen=True)
class Variant:
    """What makes a variant, beside its weights.

    Attributes
    ----------
    base : name of the model whose weights it changes
    steps, guidance : of the sampler, unless a shot says otherwise
    about : what it is, in a sentence
    """

    base: str
    steps: int
    guidance: float
    about: str = ""


class LowRank(nn.Module):
    """Adds ``up @ down`` to a frozen matrix; nothing at first."""

    def __init__(self, matrix: torch.Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = matrix.shape
        self.down = nn.Parameter(torch.randn(rank, columns) * columns**-0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, matrix: torch.Tensor) -> torch.Tensor:
        return matrix + self.up @ self.down


def matrices(model: nn.Module) -> Iterable[tuple[str, nn.Module]]:
    """The layers' linear maps, by name."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name.startswith("blocks") and "to_gate" not in name:
            yield name, module


def add_low_rank(model: nn.Module, rank: int) -> dict[str, LowRank]:
    """Freeze a model and let differences of low rank be learnt; they are returned by name."""
    model.requires_grad_(False)
    added = {}
    for name, module in list(matrices(model)):
        added[name] = LowRank(module.weight, rank)
        parametrize.register_parametrization(module, "weight", added[name])
    return added


def factors(added: dict[str, LowRank]) -> dict[str, torch.Tensor]:
    """What was learnt, as it is stored: bf16, "NAME.up" and "NAME.down"."""
    out = {}
    for name, part in added.items():
        out[f"{name}.up"] = part.up.detach().to(torch.bfloat16).contiguous()
        out[f"{name}.down"] = part.down.detach().to(torch.bfloat16).contiguous()
    return out


def nearest_factors(difference: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best up and down of a rank for a matrix (Eckart and Young 1936)."""
    u, s, v = torch.linalg.svd(difference.float(), full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]


@torch.no_grad()
def apply(model: nn.Module, stored: dict[str, torch.Tensor]) -> None:
    """Add stored differences to a model's weights, in place.

    Raises
    ------
    BadArray : a matrix that the model does not have, or has in another shape
    """
    known = dict(matrices(model))
    for name in sorted({key.rpartition(".")[0] for key in stored}):
        up, down = stored.get(f"{name}.up"), stored.get(f"{name}.down")
        if name not in known or up is None or down is None:
            raise BadArray(name, expected="up and down of a matrix of the base", found="others")
        weight = known[name].weight
        change = up.float() @ down.float()
        if change.shape != weight.shape:
            raise BadArray(name, expected=f"{tuple(weight.shape)}", found=f"{tuple(change.shape)}")
        weight.copy_((weight.float() + change).to(weight.dtype))


def save(folder: Path, variant: Variant, stored: dict[str, torch.Tensor]) -> None:
    """Write a variant's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(stored, folder / TENSORS)
    (folder / NOTE).write_text(json.dumps(asdict(variant), indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[Variant, dict[str, torch.Tensor]]:
    """Read a variant's folder.

    Raises
    ------
    VariantUnfit : the folder's note is not one of a variant
    """
    try:
        variant = Variant(**json.loads((folder / NOTE).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise VariantUnfit(folder, expected=f"{NOTE} of a variant", found=str(error)) from error
    if not (folder / TENSORS).is_file():
        raise VariantUnfit(folder, expected=f"{TENSORS} beside its {NOTE}", found="none")
    return variant, load_file(folder / TENSORS)
