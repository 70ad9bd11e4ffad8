"""Pictures of pages, for those who want to look: into the folder named in HHLAB_SCREENSHOTS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def keep_picture(page: Any, name: str) -> None:
    """Take a picture of the whole page; where no folder is named it is taken and forgotten."""
    folder = os.environ.get("HHLAB_SCREENSHOTS")
    path = None
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        path = str(Path(folder) / f"{name}.png")
    page.screenshot(path=path, full_page=True)
