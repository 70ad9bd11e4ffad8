"""The family in docs/contenders.md, as it stands there, against a service on loopback."""

from __future__ import annotations

import json
import re
import threading
import time
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml

import hhlab as hh
from hhlab import errors
from hhlab.generate import contenders
from hhlab.generate.backoff import Patience
from hhlab.generate.protocol import Generator, UnsupportedShot
from hhlab.generate.setting import Setting
from tests.generate.test_secrets import everything_said_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contenders.md"
KEY = "acme-key-0123456789"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(), re.M | re.S)


CODE = next(code for code in blocks("python") if "def make(" in code)
ROW = next(code for code in blocks("yaml") if "family: acme" in code)


class Acme:
    """The service: a task is ready at the second look; one answer can be lost."""

    def __init__(self, clip: bytes) -> None:
        self.clips: list[dict] = []
        self.lose = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if body["prompt"] == "refused":
                    return self.say(422, {})
                if self.headers["Authorization"] != f"Bearer {KEY}":
                    return self.say(401, {})
                clip = {"id": f"c{len(fake.clips)}", "prompt": body["prompt"], "born": time.time(),
                        "looks": 0, "body": body}  # fmt: skip
                fake.clips.append(clip)
                if fake.lose:
                    fake.lose = False
                    return self.connection.close()
                return self.say(200, {"id": clip["id"]})

            def do_GET(self):
                if self.path.startswith("/file/"):
                    return self.say(200, clip)
                if "?" in self.path:
                    return self.say(200, {"clips": fake.clips})
                found = next(c for c in fake.clips if self.path.endswith(c["id"]))
                found["looks"] += 1
                ready = {"state": "ready", "url": f"{fake.address}/file/x.mp4"}
                state = ready if found["looks"] > 1 else {"state": "active"}
                return self.say(200, {**state, "prompt": found["prompt"]})

            def say(self, status, body):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def acme(clip_file):
    fake = Acme(clip_file.read_bytes())
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def pipe(acme, tmp_path, monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", KEY)
    [(name, row)] = yaml.safe_load(ROW).items()
    module = types.ModuleType("acme")
    exec(compile(CODE, str(PAGE), "exec"), vars(module))
    patience = Patience(first_s=0.001, poll_s=0.001, settle_s=0.05)
    setting = Setting(folder=tmp_path, endpoint=acme.address, patience=patience)
    return module.make(contenders.read(name, row), setting)


def test_it_is_short():
    assert len(CODE.splitlines()) < 150


def test_it_makes_clips_and_pays_each_once(pipe, acme):
    assert isinstance(pipe, Generator)
    shots = [hh.Shot("a man", seed=3), hh.Shot("b", first_frame=np.zeros((9, 9, 3), np.uint8))]
    for shot in (*shots, *shots):
        clip = pipe.generate(shot)
        assert clip.provenance["generator"] == "acme-1" and clip.info.duration_s > 0
    assert len(acme.clips) == 2 and acme.clips[1]["body"]["image"].startswith("89504e47")
    with pytest.raises(UnsupportedShot, match="1 to 10"):
        pipe.generate(hh.Shot("a", seconds=11))


def test_a_lost_answer_is_found_again(pipe, acme):
    pipe.generate(hh.Shot("a man", seed=1))
    acme.lose = True
    pipe.generate(hh.Shot("a man", seed=2))
    assert len(acme.clips) == 2


def test_what_goes_wrong_is_named_and_tells_no_key(pipe, acme, monkeypatch):
    with pytest.raises(errors.ContentRefused) as caught:
        pipe.generate(hh.Shot("refused"))
    assert KEY not in everything_said_of(caught.value)
    monkeypatch.setattr(pipe._service, "address", "http://127.0.0.1:9")
    with pytest.raises(errors.ConnectionLost) as caught:
        pipe.generate(hh.Shot("a man"))
    assert KEY not in everything_said_of(caught.value) and not acme.clips
