"""Whether a folder of weights is whole, each file named that is not, before it is opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hhlab.errors import FileMissing, FileUnreadable, WeightsDamaged

_NETWORKS = ("transformer", "picture_codec", "sound_codec")
_SCHEDULERS = ("scheduler", "sound_scheduler")


def read_note(path: Path) -> Any:
    """What a JSON file of a model's folder says.

    Raises
    ------
    FileMissing, FileUnreadable
    WeightsDamaged : it is not JSON
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # of JSON, and of what is no text
        raise WeightsDamaged(path, expected="JSON, as save_pretrained writes it",
                             found=str(error)) from error  # fmt: skip


def check_tensors(path: Path) -> None:
    """Whether a safetensors file is one, and as long as it says; its numbers are not read.

    Raises
    ------
    FileMissing, FileUnreadable
    WeightsDamaged : it was cut short, or is of another kind
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np"):
            pass
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    except SafetensorError as error:
        raise WeightsDamaged(path, expected="a whole safetensors file",
                             found=str(error)) from error  # fmt: skip


def check_parts(folder: Path, index: Mapping[str, Any]) -> None:
    """Whether every part of a pipeline of hhlab's own that its index names is there, and whole.

    Raises
    ------
    FileMissing, FileUnreadable, WeightsDamaged
    """
    for name in (*_NETWORKS, *_SCHEDULERS):
        if index.get(name) in (None, [None, None]):  # not named, or left out
            continue
        part = folder / name
        config = part / ("config.json" if name in _NETWORKS else "scheduler_config.json")
        if not isinstance(read_note(config), dict):
            raise WeightsDamaged(config, expected="a JSON object", found="something else")
        if name in _NETWORKS:
            files = sorted(part.glob("*.safetensors"))
            for file in files or [part / "diffusion_pytorch_model.safetensors"]:
                check_tensors(file)


def _missing(path: Path) -> FileMissing:
    return FileMissing(path, expected="a file that belongs to the model", found="nothing there")


def _unreadable(path: Path, error: OSError) -> FileUnreadable:
    return FileUnreadable(path, expected="a file that belongs to the model",
                          found=error.strerror or str(error))  # fmt: skip
