"""A page in a notebook's output, kept apart from the notebook."""

from __future__ import annotations

from html import escape
from pathlib import Path

from hhlab.errors import FileMissing, as_subject

MOST_BYTES = 30_000_000
"""A notebook is no place for larger pages: of these only the name is shown."""


class Frame:
    """What :func:`frame` gives; Jupyter shows it."""

    def __init__(self, path: Path, height_px: int) -> None:
        self.path, self.height_px = path, height_px

    def __repr__(self) -> str:
        return f"<page {as_subject(self.path)}>"

    def _repr_html_(self) -> str:
        name = escape(as_subject(self.path))
        if self.path.stat().st_size > MOST_BYTES:
            return f"<p>Open <code>{name}</code> in a browser: it is too large for a notebook.</p>"
        page = escape(self.path.read_text(encoding="utf-8"), quote=True)
        # The page may run its own script and reach nothing of the notebook's.
        return (
            f'<iframe sandbox="allow-scripts" title="{name}" srcdoc="{page}" '
            f'style="width:100%;height:{self.height_px}px;border:1px solid #ccc"></iframe>'
        )


def frame(path: str | Path, *, height_px: int = 720) -> Frame:
    """Show an HTML page that needs no other file, such as a study's report, in a notebook.

    Raises
    ------
    FileMissing : there is none
    """
    if not Path(path).is_file():
        raise FileMissing(as_subject(path), expected="an HTML page", found="nothing there")
    return Frame(Path(path), height_px)
