"""Model Studio on loopback: the wire format of its documentation and of its SDK, and its faults.

Run as ``python -m tests.generate.fake_modelstudio CLIP`` it prints its port and serves until its
standard input closes; ``GET /counts`` then says what it has counted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import struct
import sys
import threading
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

KEY = "sk-test-0123456789abcdef"
START = "/api/v1/services/aigc/video-generation/video-synthesis"
REFUSED = {"words that are refused": ("DataInspectionFailed", "inappropriate content")}


@dataclass
class Task:
    """A task as the service knows it."""

    id: str
    model: str
    body: dict
    born_s: float
    looks: int = 0
    state: str = "PENDING"
    code: str = ""

    @property
    def prompt(self) -> str:
        return self.body["input"].get("prompt") or ""


@dataclass
class Fake:
    """The service: its tasks, what went wrong on purpose, and what it has counted.

    Attributes
    ----------
    looks : how many looks a task takes until it is done
    faults : by place ("start", "look", "list", "clip", "upload"), those to come, in order
    storm : share of requests that fail by chance, and with what
    slow_s : how long every answer takes
    think_s : how long the answer takes after a task has been started
    """

    clip: bytes
    looks: int = 2
    faults: dict[str, deque] = field(default_factory=dict)
    storm: tuple[float, tuple[str, ...]] = (0.0, ())
    slow_s: float = 0.0
    think_s: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.counts: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict]] = []
        self.lock = threading.Lock()
        self.now = time.time
        self.chance = random.Random(self.seed)
        handler = type("Handler", (_Handler,), {"fake": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def endpoint(self) -> str:
        return f"{self.address}/api/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def plan(self, place: str, *faults: str) -> None:
        """Let the next requests to a place fail like this, one each."""
        self.faults.setdefault(place, deque()).extend(faults)

    def fault(self, place: str) -> str:
        with self.lock:
            self.counts[place] += 1
            if self.faults.get(place):
                return self.faults[place].popleft()
            share, kinds = self.storm
            if kinds and self.chance.random() < share:
                self.counts["storm"] += 1
                return self.chance.choice(kinds)
        return ""

    def paid(self) -> Counter[str]:
        """How many tasks were charged, by what was asked for."""
        charged = (t for t in self.tasks.values() if t.state not in ("FAILED", "CANCELED"))
        return Counter(f"{t.prompt}|{t.body['parameters'].get('seed')}" for t in charged)

    def clip_of(self, task: str) -> bytes:
        """The clip, with the task's id in a box that players pass over: every task's is another."""
        return self.clip + struct.pack(">I4s", 8 + len(task), b"free") + task.encode()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address) -> None:
        """Clients that die in the middle are expected here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.errors.append(sys.exc_info()[1])

    errors: ClassVar[list[BaseException | None]] = []


class _Handler(BaseHTTPRequestHandler):
    fake: Fake
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    # --- places ---------------------------------------------------------------------------------
    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path == "/oss":
            return self._receive(data)
        if not self._is_allowed():
            return None
        if path == START:
            return self._faulty("start", lambda: self._start(data))
        if found := re.fullmatch(r"/api/v1/tasks/([\w-]+)/cancel", path):
            return self._cancel(found[1])
        return self._fail(404, "NotFound", path)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        if parts.path == "/counts":
            return self._json(200, {
                "paid": self.fake.paid(), "counts": self.fake.counts, "tasks": len(self.fake.tasks)
            })  # fmt: skip
        if found := re.fullmatch(r"/clips/([\w-]+)\.mp4", parts.path):
            return self._clip(found[1])
        if not self._is_allowed():
            return None
        if parts.path == "/api/v1/uploads":
            return self._faulty("upload", lambda: self._policy(query))
        if found := re.fullmatch(r"/api/v1/tasks/([\w-]+)", parts.path):
            return self._faulty("look", lambda: self._look(found[1]))
        if parts.path.rstrip("/") == "/api/v1/tasks":
            return self._faulty("list", lambda: self._list(query))
        return self._fail(404, "NotFound", parts.path)

    def _is_allowed(self) -> bool:
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if given != KEY:
            self._fail(401, "InvalidApiKey", f"Incorrect API key provided: {given}")
        return given == KEY

    def _faulty(self, place: str, answer) -> None:
        """Answer, or go wrong as planned. `answer` gives (status, body) or has answered itself."""
        if self.fake.slow_s:
            time.sleep(self.fake.slow_s)
        match self.fake.fault(place):
            case "429":
                return self._fail(429, "Throttling.RateQuota", "Requests rate limit exceeded")
            case "500":
                return self._fail(500, "InternalError", "An internal error has occurred")
            case "500 but taken":
                answer()
                return self._fail(500, "InternalError.Timeout", "An internal error has occurred")
            case "dropped":
                self.close_connection = True
                return self.connection.close()
            case "dropped but taken":
                answer()
                self.close_connection = True
                return self.connection.close()
            case "malformed":
                answer()
                return self._send(200, b'{"output": {"task_id": "12', "application/json")
            case "slow":
                time.sleep(0.2)
            case other if other:
                status, code = other.split()
                return self._fail(int(status), code, "as planned")
        return self._json(*answer())

    # --- answers --------------------------------------------------------------------------------
    def _start(self, data: bytes) -> tuple[int, dict]:
        body = json.loads(data)
        self.fake.requests.append((dict(self.headers), body))
        if self.headers.get("X-DashScope-Async") != "enable":
            return 403, _error("AccessDenied", "user api does not support synchronous calls")
        urls = [item["url"] for item in body["input"].get("media") or []]
        if any(url.startswith("oss://") for url in urls):
            if self.headers.get("X-DashScope-OssResourceResolve") != "enable":
                return 400, _error("InvalidParameter", "oss resources are not resolved")
            if any(url.removeprefix("oss://") not in self.fake.files for url in urls):
                return 400, _error("InvalidParameter", "no such file")
        prompt, seconds = body["input"].get("prompt") or "", body["parameters"].get("duration", 5)
        if not 3 <= seconds <= 15:
            return 400, _error("InvalidParameter", f"duration {seconds}")
        if prompt in REFUSED:
            return 400, _error(*REFUSED[prompt])
        task = Task(str(uuid.UUID(int=self.fake.chance.getrandbits(128))), body["model"], body,
                    self.fake.now())  # fmt: skip
        with self.fake.lock:
            self.fake.tasks[task.id] = task
        time.sleep(self.fake.think_s)
        return 200, {
            "request_id": str(uuid.uuid4()),
            "output": {"task_status": "PENDING", "task_id": task.id},
        }

    def _look(self, name: str) -> tuple[int, dict]:
        task = self.fake.tasks.get(name)
        said = {"task_id": name, "task_status": "UNKNOWN"}
        if task is None:
            return 200, {"request_id": str(uuid.uuid4()), "output": said}
        task.looks += 1
        if task.state in ("PENDING", "RUNNING"):
            task.state = "RUNNING" if task.looks < self.fake.looks else "SUCCEEDED"
            if task.state == "SUCCEEDED" and task.prompt.startswith("fails"):
                task.state, task.code = "FAILED", task.prompt.split()[1]
        said["task_status"], said["submit_time"] = task.state, _stamp(task.born_s)
        answer = {"request_id": str(uuid.uuid4()), "output": said}
        if task.state == "FAILED":
            said |= {"code": task.code, "message": "it did not work"}
            if task.code == "InternalError":  # the next one works
                task.body["input"]["prompt"] += " once"
        if task.state == "SUCCEEDED":
            given = task.body["parameters"]
            said |= {
                "end_time": _stamp(time.time()), "orig_prompt": task.prompt,
                "video_url": f"{self.fake.address}/clips/{name}.mp4?Expires=9&Signature=c2lnbmVk",
            }  # fmt: skip
            answer["usage"] = {
                "duration": given.get("duration", 5), "input_video_duration": 0,
                "output_video_duration": given.get("duration", 5), "video_count": 1,
                "SR": int(given["resolution"][:-1]), "ratio": given.get("ratio", ""),
            }  # fmt: skip
        return 200, answer

    def _list(self, query: dict) -> tuple[int, dict]:
        page, size = int(query["page_no"]), min(20, int(query["page_size"]))
        with self.fake.lock:
            rows = [
                {
                    "api_key_id": "15", "gmt_create": int(t.born_s * 1000), "model_name": t.model,
                    "region": "ap-southeast-1", "status": t.state, "task_id": t.id,
                    "start_time": int(t.born_s * 1000), "request_id": str(uuid.uuid4()),
                }
                for t in self.fake.tasks.values()
                if query.get("model_name") in (None, t.model)
            ][::-1]  # fmt: skip
        return 200, {
            "total": len(rows), "data": rows[(page - 1) * size : page * size], "page_no": page,
            "page_size": size, "total_page": -(-len(rows) // size), "request_id": "r",
        }  # fmt: skip

    def _cancel(self, name: str) -> None:
        task = self.fake.tasks.get(name)
        if task is None or task.state != "PENDING":
            text = "Failed to cancel the task, please confirm if the task is in PENDING status."
            return self._fail(400, "UnsupportedOperation", text)
        task.state = "CANCELED"
        return self._json(200, {"request_id": str(uuid.uuid4())})

    def _policy(self, query: dict) -> tuple[int, dict]:
        assert query["action"] == "getPolicy", query
        return 200, {"request_id": str(uuid.uuid4()), "data": {}, "output": {
            "policy": "p", "signature": "s", "upload_dir": f"dashscope/{query['model']}",
            "upload_host": f"{self.fake.address}/oss", "expire_in_seconds": 300,
            "max_file_size_mb": 100, "oss_access_key_id": "id", "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }}  # fmt: skip

    def _receive(self, data: bytes) -> None:
        boundary = self.headers["Content-Type"].split("boundary=")[1].encode()
        fields = {}
        for part in data.split(b"--" + boundary)[1:-1]:
            head, _, body = part.strip(b"\r\n").partition(b"\r\n\r\n")
            fields[re.search(rb'name="([^"]+)"', head)[1].decode()] = body
        self.fake.files[fields["key"].decode()] = fields["file"]
        self._send(200, b"", "text/plain")

    def _clip(self, name: str) -> None:
        data = self.fake.clip_of(name)
        digest = hashlib.md5(data).digest()
        fault = self.fake.fault("clip")
        if fault == "expired":
            return self._send(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml")
        if fault in ("500", "429"):
            return self._send(int(fault), b"", "text/plain")
        if fault == "wrong checksum":
            digest = hashlib.md5(b"other").digest()
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-MD5", base64.b64encode(digest).decode())
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault in ("truncated", "dropped"):
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return None
        self.wfile.write(data)
        return None

    # --- sending --------------------------------------------------------------------------------
    def _json(self, status: int, body: dict) -> None:
        self._send(status, json.dumps(body).encode(), "application/json; charset=utf-8")

    def _fail(self, status: int, code: str, message: str) -> None:
        self._json(status, _error(code, message))

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _error(code: str, message: str) -> dict:
    return {"code": code, "message": message, "request_id": str(uuid.uuid4())}


def _stamp(seconds: float) -> str:
    """As the service writes times: in Beijing's."""
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(seconds + 8 * 3600))


if __name__ == "__main__":
    fake = Fake(Path(sys.argv[1]).read_bytes())
    print(fake.endpoint, flush=True)
    sys.stdin.read()
