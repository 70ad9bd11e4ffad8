"""Veo and fal's queue on loopback: the wire formats that their SDKs' code shows, and faults."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import hhlab as hh
from hhlab.generate.backoff import Patience
from hhlab.generate.protocol import Generator
from tests.generate.fake_modelstudio import Fake, Task

GOOGLE_KEY = "AIza-test-0123456789abcdef"
FAL_KEY = "0123-test:fedcba9876543210"
REFUSED = "words that are refused"
FAILS = "words that fail"


class _Host(BaseHTTPRequestHandler):
    """What both have in common: faults on request, JSON out."""

    fake: Fake
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def body(self) -> dict:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

    def faulty(self, place: str, answer) -> None:
        """Answer, or go wrong as planned. `answer` gives (status, body)."""
        match self.fake.fault(place):
            case "429":
                return self.json(429, self.error(429, "Quota exceeded for requests per minute"))
            case "500":
                return self.json(500, self.error(500, "Internal error encountered."))
            case "gateway":
                return self.send(502, b"<html>Bad Gateway</html>", "text/html")
            case "dropped":
                self.close_connection = True
                return self.connection.close()
            case "dropped but taken":
                answer()
                self.close_connection = True
                return self.connection.close()
            case "malformed":
                answer()
                return self.send(200, b'{"name": "projec', "application/json")
            case "odd":
                answer()
                return self.json(200, {"something": "else"})
            case "slow":
                time.sleep(0.2)
            case "quota":
                return self.json(403, self.error(403, "User is locked. Reason: Exhausted balance."))
            case "expired":
                return self.json(404, self.error(404, "no such request"))
            case other if other:
                raise AssertionError(other)
        return self.json(*answer())

    def new_task(self, model: str, prompt: str, body: dict) -> Task:
        body = {"input": {"prompt": prompt}, "parameters": {}, "sent": body}
        task = Task(str(uuid.UUID(int=self.fake.chance.getrandbits(128))), model, body, time.time())
        with self.fake.lock:
            self.fake.tasks[task.id] = task
            self.fake.requests.append((dict(self.headers), body["sent"]))
        return task

    def json(self, status: int, body: object) -> None:
        self.send(status, json.dumps(body).encode(), "application/json")

    def send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class HostFake(Fake):
    """A fake service with another one's handler."""

    def __init__(self, clip: bytes, handler: type[_Host]) -> None:
        super().__init__(clip)
        self.server.RequestHandlerClass = type("Handler", (handler,), {"fake": self})

    def paid_tasks(self) -> int:
        """How many tasks were charged."""
        return sum(task.state != "FAILED" for task in self.tasks.values())


class VeoHandler(_Host):
    """``publishers/google/models/{model}`` of the enterprise platform."""

    _MODEL = r"/v1beta1/(?:projects/[\w-]+/locations/[\w-]+/)?publishers/google/models/([\w.-]+)"

    def error(self, code: int, words: str) -> dict:
        status = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
                  404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}[code]  # fmt: skip
        return {"error": {"code": code, "message": words, "status": status}}

    def do_POST(self) -> None:
        body = self.body()
        given = self.headers.get("x-goog-api-key")
        if given != GOOGLE_KEY:
            return self.json(401, self.error(401, f"API key not valid: {given}"))
        if found := re.fullmatch(f"{self._MODEL}:predictLongRunning", self.path):
            return self.faulty("start", lambda: self._start(found[1], body))
        if re.fullmatch(f"{self._MODEL}:fetchPredictOperation", self.path):
            return self.faulty("look", lambda: self._look(body["operationName"]))
        return self.json(404, self.error(404, self.path))

    def _start(self, model: str, body: dict) -> tuple[int, dict]:
        (asked,) = body["instances"]
        prompt = asked.get("prompt", "")
        if body["parameters"]["durationSeconds"] not in (4, 6, 8):
            return 400, self.error(400, "durationSeconds")
        if prompt == REFUSED:
            words = (
                "could not generate videos: it violates usage guidelines. Support codes: 58061214"
            )
            return 400, self.error(400, words)
        task = self.new_task(model, prompt, body)
        where = "projects/7/locations/global/publishers/google"
        return 200, {"name": f"{where}/models/{model}/operations/{task.id}"}

    def _look(self, name: str) -> tuple[int, dict]:
        task = self.fake.tasks.get(name.rpartition("/")[2])
        if task is None:
            return 404, self.error(404, "operation not found")
        task.looks += 1
        if task.looks < self.fake.looks:
            return 200, {"name": name}
        said = {"name": name, "done": True}
        if task.prompt == FAILS:
            task.state = "FAILED"
            return 200, {**said, "error": {"code": 13, "message": "it did not work"}}
        response: dict = {"@type": "type.googleapis.com/cloud.ai.PredictResponse"}
        if task.prompt.startswith("is filtered"):
            task.state = "FAILED"
            response |= {
                "raiMediaFilteredCount": 1,
                "raiMediaFilteredReasons": ["Support codes: 1"],
            }
        else:
            clip = self.fake.clip_of(task.id)
            if self.fake.fault("clip") == "truncated":
                clip = clip[: len(clip) // 2]
            data = base64.b64encode(clip).decode()
            response["videos"] = [{"bytesBase64Encoded": data, "mimeType": "video/mp4"}]
        return 200, {**said, "response": response}


class FalHandler(_Host):
    """The queue, and where clips lie."""

    def error(self, code: int, words: str) -> dict:
        return {"detail": words}

    def do_POST(self) -> None:
        body = self.body()
        if self._is_allowed():
            self.faulty("start", lambda: self._start(self.path[1:], body))

    def do_GET(self) -> None:
        if found := re.fullmatch(r"/clips/([\w-]+)\.mp4", self.path):
            return self._clip(found[1])
        found = re.fullmatch(r"/([\w-]+/[\w-]+)/requests/([\w-]+)(/status\?logs=false)?", self.path)
        if not self._is_allowed():
            return None
        if not found:
            return self.json(404, self.error(404, self.path))
        place = "look" if found[3] else "result"
        return self.faulty(place, lambda: getattr(self, f"_{place}")(found[2]))

    def do_PUT(self) -> None:
        self.json(400, {"status": "ALREADY_COMPLETED"})

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if given != f"Key {FAL_KEY}":
            self.json(401, self.error(401, f"No user found for {given}"))
        return given == f"Key {FAL_KEY}"

    def _start(self, model: str, body: dict) -> tuple[int, dict]:
        if not 3 <= body["duration"] <= 15:
            return 422, {"detail": [{"loc": ["body", "duration"], "type": "less_than_equal"}]}
        task = self.new_task(model, body["prompt"], body)
        elsewhere = "https://elsewhere.example/" + task.id
        return 200, {
            "request_id": task.id, "status": "IN_QUEUE", "queue_position": 0,
            "response_url": elsewhere, "status_url": elsewhere, "cancel_url": elsewhere,
        }  # fmt: skip

    def _look(self, name: str) -> tuple[int, dict]:
        task = self.fake.tasks.get(name)
        if task is None:
            return 404, self.error(404, "Request not found")
        task.looks += 1
        if task.looks < self.fake.looks:
            return 202, {"status": "IN_QUEUE", "queue_position": 1, "logs": None}
        if task.prompt == FAILS:
            task.state = "FAILED"
            said = {"error": "it did not work", "error_type": "runner_disconnected"}
            return 200, {"status": "COMPLETED", "logs": None, **said}
        return 200, {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.5}}

    def _result(self, name: str) -> tuple[int, dict]:
        task = self.fake.tasks[name]
        if task.prompt == REFUSED:
            task.state = "FAILED"
            kind = {"loc": ["body", "prompt"], "type": "content_policy_violation", "msg": "no"}
            return 422, {"detail": [kind]}
        return 200, {"video": {"url": f"{self.fake.address}/clips/{name}.mp4"}, "seed": 3}

    def _clip(self, name: str) -> None:
        data = self.fake.clip_of(name)
        fault = self.fake.fault("clip")
        if fault == "expired":
            return self.send(403, b"<Error/>", "application/xml")
        if fault in ("500", "429"):
            return self.send(int(fault), b"", "text/plain")
        self.send_response(200)
        digest = hashlib.md5(b"other" if fault == "wrong checksum" else data).digest()
        self.send_header("Content-MD5", base64.b64encode(digest).decode())
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault == "truncated":
            self.close_connection = True
            data = data[: len(data) // 2]
        self.wfile.write(data)
        return None


@dataclass(frozen=True)
class Host:
    """What a family's SDK is called, who answers it here, and the key that it is to send."""

    package: str
    handler: type[_Host]
    variable: str
    key: str


HOSTS = {
    "veo-3.1": Host("google.genai", VeoHandler, "GOOGLE_API_KEY", GOOGLE_KEY),
    "happyhorse-1.1-fal": Host("fal_client", FalHandler, "FAL_KEY", FAL_KEY),
}


@dataclass(frozen=True)
class Bench:
    """A fake service, and generators for it."""

    name: str
    fake: HostFake
    folder: Path
    fast: Any
    patience: Patience

    def pipe(self) -> Generator:
        return hh.load(
            self.name, endpoint=self.fake.address, folder=self.folder, clock=self.fast.clock(),
            patience=self.patience,
        )  # fmt: skip


def bench_of(request: pytest.FixtureRequest, name: str, folder: Path) -> Bench:
    """A contender's fake service, which ends with the test, and its key in the environment."""
    host, monkeypatch = HOSTS[name], request.getfixturevalue("monkeypatch")
    pytest.importorskip(host.package)
    for variable in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_VERTEX_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(host.variable, host.key)
    fake = HostFake(request.getfixturevalue("clip_file").read_bytes(), host.handler)
    request.addfinalizer(fake.close)
    fast, patience = (request.getfixturevalue(kind) for kind in ("fast", "patience"))
    return Bench(name, fake, folder, fast, patience)
