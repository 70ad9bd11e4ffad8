"""A page as PDF, printed by a Chromium that is installed.

No PDF library lays a page out as browsers do; Chromium prints what one sees, offline, with pages
and margins from the page's own print style.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hhlab.errors import PrinterMissing, PrintFailed
from hhlab.files import write_atomic

BROWSER = "HHLAB_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
          "microsoft-edge", "msedge")  # fmt: skip
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_TIMEOUT_S = 300
# Nothing is to be fetched, by the page (its content policy says so) or by the browser for itself.
_QUIETLY = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-default-apps", "--disable-quic", "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


def check_printer() -> str:
    """Where the browser is that prints.

    Raises
    ------
    PrinterMissing : there is none; the message says what to install
    """
    named = os.environ.get(BROWSER, "").strip()
    if named:
        if found := shutil.which(named):
            return found
        raise PrinterMissing(BROWSER, expected="the path of Chromium or Chrome", found=repr(named))
    for name in (*_NAMES, *_APPLICATIONS):
        if found := shutil.which(name):
            return found
    raise PrinterMissing(
        "PDF", expected="Chromium or Chrome: apt-get install chromium, or name yours in "
        f"{BROWSER}; the HTML report can also be printed to PDF from any browser",
        found="none on this machine",
    )  # fmt: skip


def print_pdf(html: str, path: Path) -> Path:
    """Print a page that needs no other file.

    Raises
    ------
    PrinterMissing : see :func:`check_printer`
    PrintFailed : the browser did not print it
    """
    browser = check_printer()
    with tempfile.TemporaryDirectory(prefix="hhlab-print-") as folder:
        page, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
        page.write_text(html, encoding="utf-8")
        # Chromium's sandbox refuses to run for root, as in containers.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [browser, *_QUIETLY, *root, f"--user-data-dir={folder}/profile",
                   f"--print-to-pdf={made}", page.as_uri()]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PrintFailed(browser, expected="a PDF", found=str(error)[:200]) from error
        data = made.read_bytes() if made.exists() else b""
        if not data.startswith(b"%PDF-"):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            found = f"status {done.returncode}, {' '.join(said)[:200]}"
            raise PrintFailed(browser, expected="a PDF", found=found)
    write_atomic(path, data)
    return path
