"""JupyterLab and the rater's pages as processes of their own, on free ports of this machine."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

_PATIENCE_S = 240.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def process(command: Sequence[str], log: Path, **more) -> Iterator[subprocess.Popen]:
    """A process that is ended with all it started."""
    with log.open("wb") as file:
        one = subprocess.Popen(
            [str(part) for part in command], stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, **more,
        )  # fmt: skip
    try:
        yield one
    finally:
        one.terminate()
        try:
            one.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(one.pid, 9)
            one.wait()


def wait_until(ready, one: subprocess.Popen, log: Path):
    """What `ready` gives as soon as it gives something; fails with the log where that never is."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and one.poll() is None:
        found = ready()
        if found:
            return found
        time.sleep(0.25)
    raise AssertionError(log.read_text(errors="replace")[-3000:])


@contextmanager
def lab(folder: Path, home: Path) -> Iterator[str]:
    """JupyterLab on a folder; gives its address. Settings are kept under `home`."""
    port, log = free_port(), home / "lab.log"
    settings = home / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps({
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false",
                                                        "checkForUpdates": False},
        "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
        # All cells are there, also those that one would have to scroll to.
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    }))  # fmt: skip
    environment = {
        **os.environ, "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "user"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True", f"--LabApp.app_settings_dir={settings}",
        "--LabApp.news_url=None", "--ServerApp.disable_check_xsrf=True",
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            with urlopen(f"{address}/api", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    with process(command, log, env=environment) as one:
        wait_until(ready, one, log)
        yield address


@contextmanager
def arena(material: Path, ledger: Path, raters: Sequence[str], *options: str) -> Iterator[dict]:
    """``hhlab arena serve``; gives rater -> link."""
    log = ledger.with_suffix(".log")
    command = [
        sys.executable, "-m", "hhlab", "arena", "serve", material, ledger,
        f"--port={free_port()}", *options, "--raters", *raters,
    ]  # fmt: skip

    def links() -> dict[str, str] | None:
        text = log.read_text(errors="replace")
        found = dict(re.findall(r"^\s+(\S+)\s+(http://\S+)", text, re.MULTILINE))
        return found if "Ctrl-C" in text else None

    with process(command, log) as one:
        yield wait_until(links, one, log)
