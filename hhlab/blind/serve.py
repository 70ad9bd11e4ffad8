"""The arena for people without Jupyter: a page per rater, each with its own kernel, one ledger.

A page is opened by a secret link. Without one no kernel is started. Whoever has it can do what the
page does, and nothing else: the server refuses messages that would run code, and serves no file.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hhlab.arena.ledger import Ledger
from hhlab.blind.material import Material
from hhlab.blind.raters import rater_of, tokens
from hhlab.errors import BadArgument

SETTINGS = "HHLAB_ARENA"  # environment variable by which kernels learn what to show
_IDLE_S = 3600  # after which a page that is not open any more is given up
_EXTENSIONS = (  # what the page needs: widgets, and ours among them
    "anywidget", "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager7", "@voila-dashboards/widgets-manager8",
)  # fmt: skip
_NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {
        "title": "Which clip is better?",
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    },
    "cells": [{
        "cell_type": "code", "id": "booth", "metadata": {}, "outputs": [], "execution_count": None,
        "source": "from hhlab.widgets.booth import booth\nbooth()",
    }],
}  # fmt: skip
_REFUSED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;display:grid;
place-items:center;min-height:90vh;margin:0}}main{{max-width:34rem;padding:2rem;text-align:center}}
h1{{font-size:1.5rem}}</style></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>"""


@dataclass(frozen=True)
class Booth:
    """What raters' pages show.

    Attributes
    ----------
    material : folder of what :func:`hhlab.blind.prepare` made
    ledger : place of the ledger
    trials : comparisons per rater, or None for all
    dimensions, reveal, checks : as of ``hh.widgets.BlindPair``
    """

    material: str
    ledger: str
    trials: int | None = None
    dimensions: tuple[str, ...] = ()
    reveal: str = "never"
    checks: bool = True

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Booth:
        data = json.loads(text)
        return cls(**{**data, "dimensions": tuple(data["dimensions"])})


def serve(
    booth: Booth,
    *,
    raters: Sequence[str],
    ip: str = "127.0.0.1",
    port: int = 8866,
    theme: str = "light",
    announce: Callable[[dict[str, str]], None] | None = None,
) -> None:
    """Serve raters' pages until interrupted.

    Parameters
    ----------
    raters : names or pseudonyms; each gets a link, the same one whenever this is called
    ip : "0.0.0.0" to be reached from other machines; the traffic is not encrypted then, unless a
        server in front sees to it
    theme : "light" or "dark"
    announce : called with {rater: link} as soon as pages can be opened

    Raises
    ------
    BadArgument for a port that is taken or no rater; FileMissing, NotMedia, LedgerError
    """
    booth = Booth(**{**asdict(booth), "material": str(Path(booth.material).resolve())})
    material = Material.open(booth.material)
    if "://" not in booth.ledger:
        booth = Booth(**{**asdict(booth), "ledger": str(Path(booth.ledger).resolve())})
    Ledger.open(booth.ledger).close()  # made now, so that two first raters do not both make it
    known = tokens(material.folder, raters)
    if not known:
        raise BadArgument("raters", expected="at least one name", found="none")
    _check_port(ip, port)
    host = socket.gethostname() if ip in ("", "0.0.0.0", "::") else ip
    links = {name: f"http://{host}:{port}/?{urlencode({'rater': known[name]})}" for name in known}
    with tempfile.TemporaryDirectory(prefix="hhlab-arena-") as folder:
        notebook = Path(folder) / "comparison.ipynb"
        notebook.write_text(json.dumps(_NOTEBOOK), encoding="utf-8")
        os.environ[SETTINGS] = booth.to_json()
        pages = str(Path(__file__).parent / "page")
        os.environ["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, (pages, os.environ.get("JUPYTER_PATH")))
        )
        ready = None if announce is None else lambda: announce(links)
        _run_voila(notebook, material.folder, ip=ip, port=port, theme=theme, ready=ready)


def _run_voila(
    notebook: Path, folder: Path, *, ip: str, port: int, theme: str, ready: Callable | None
) -> None:
    from tornado.ioloop import IOLoop
    from traitlets.config import Config
    from voila.app import Voila

    def admit(handler: Any, notebook: Any, cwd: str) -> None:
        """Called before a kernel is started."""
        if rater_of(folder, handler.get_argument("rater", "")) is None:
            refuse(handler)

    config = Config()
    config.Voila.ip, config.Voila.port, config.Voila.port_retries = ip, port, 0
    config.Voila.open_browser = False
    config.VoilaConfiguration.template = "hhlab"
    config.VoilaConfiguration.theme = theme
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.file_allowlist = []
    config.VoilaConfiguration.file_denylist = [".*"]
    config.VoilaConfiguration.prelaunch_hook = admit
    config.VoilaConfiguration.extension_allowlist = list(_EXTENSIONS)
    config.MappingKernelManager.cull_idle_timeout = _IDLE_S
    config.MappingKernelManager.cull_interval = 60
    # Links hold tokens: requests are not logged.
    config.Voila.log_level = "ERROR"
    app = Voila.instance(config=config)
    app.initialize([str(notebook), "--no-browser"])
    if ready is not None:
        IOLoop.current().add_callback(ready)  # runs once the loop does, when pages can be opened
    app.start()


def refuse(handler: Any) -> None:
    """Answer a request that has no valid link, and end it."""
    from tornado.web import Finish

    handler.set_status(403)
    handler.write(_REFUSED.format(
        title=escape("This link does not open a comparison"),
        text=escape("It may have been cut off when it was copied. Please ask for it again."),
    ))  # fmt: skip
    raise Finish


def _check_port(ip: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((ip, port))
        except OSError as error:
            raise BadArgument("port", expected="one that is free",
                              found=f"{ip}:{port}: {error.strerror}") from None  # fmt: skip
