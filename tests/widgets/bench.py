"""A bare page with a widget's script and a stand-in for Jupyter's model, in headless Chromium.

What the page sends is answered by a Python function, as the kernel would; no Jupyter is involved,
so that a case takes about a second.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

ORIGIN = "http://bench.test/"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>bench</title>
<style>body{margin:12px;background:var(--jp-layout-color0,#fff)}</style></head>
<body><main id="root"></main></body></html>"""
DARK = """:root{--jp-ui-font-color1:rgba(255,255,255,.92);--jp-ui-font-color2:rgba(255,255,255,.62);
--jp-layout-color0:#111;--jp-layout-color1:#1c1c1c;--jp-layout-color2:#2a2a2a;
--jp-border-color2:#4a4a4a}"""
_MODEL = """
window.makeModel = (traits) => {
  const handlers = {};
  const all = (name) => (handlers[name] ??= new Set());
  const model = {
    get: (name) => traits[name],
    set: (name, value) => { traits[name] = value; all(`change:${name}`).forEach((h) => h()); },
    save_changes() {},
    on: (name, h) => all(name).add(h),
    off: (name, h) => (h ? all(name).delete(h) : all(name).clear()),
    send(content) {
      (window.sent ??= []).push(content);
      if (!window.deaf) window.toKernel(content).then((answers) => answers.forEach(window.deliver));
    },
  };
  window.deliver = ([content, buffers]) => {
    const views = buffers.map((text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      return new DataView(bytes.buffer);
    });
    all("msg:custom").forEach((h) => h(content, views));
  };
  return model;
};
"""


def chromium_path() -> str:
    """Where Debian's (or another) Chromium is; skips with a reason where there is none."""
    named = os.environ.get("HHLAB_CHROMIUM")
    found = named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if not found:
        pytest.skip("no Chromium: apt-get install chromium, or name one in HHLAB_CHROMIUM")
    return found


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser that plays H.264 and starts sound without a click."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium_path()
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
        )
        try:
            yield browser
        finally:
            browser.close()


class Bench:
    """One page. `kernel` gets each message of the page and returns the answers to it:
    (content, buffers) each."""

    def __init__(self, browser: Any, *, dark: bool = False, size=(1280, 720)) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.dark = dark
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.traffic: list[str] = []
        self.kernel: Callable[[dict], list[tuple[dict, list[bytes]]]] = lambda message: []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route("**/*", self._serve)
        self.page.expose_function("toKernel", self._answer)

    def _serve(self, route: Any) -> None:
        if route.request.url == ORIGIN:
            route.fulfill(body=_PAGE, content_type="text/html")
        elif route.request.url.startswith("blob:"):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _answer(self, message: dict) -> list[list[Any]]:
        answers = list(self.kernel(message))
        self.traffic += [json.dumps(message), *(json.dumps(content) for content, _ in answers)]
        return [[content, [base64.b64encode(b).decode() for b in buffers]]
                for content, buffers in answers]  # fmt: skip

    def deliver(self, content: dict, buffers: tuple[bytes, ...] = ()) -> None:
        """Send the page a message that it did not ask for."""
        self.page.evaluate("(m) => window.deliver(m)",
                           [content, [base64.b64encode(b).decode() for b in buffers]])  # fmt: skip

    def open(self, script: str, style: str = "", *, render: bool = True, traits=None) -> None:
        """(Re)load the page with that module; `render` calls its default export's render."""
        self.page.goto(ORIGIN)
        if self.dark:
            self.page.add_style_tag(content=DARK)
        self.page.add_style_tag(content=style)
        self.page.evaluate(_MODEL)
        self.page.evaluate(
            """async ([script, traits, render]) => {
                const url = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
                window.widget = await import(url);
                window.model = makeModel(traits);
                const el = document.getElementById("root");
                if (render) window.cleanup = await window.widget.default.render({model, el});
            }""",
            [script, traits or {}, render],
        )

    def close(self) -> None:
        self.page.close()
