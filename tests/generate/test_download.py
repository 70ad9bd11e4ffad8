"""Clips arrive whole, checked, and by secured ways; waits grow and differ."""

from __future__ import annotations

import base64
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hhlab.errors import BadAnswer, ConnectionLost, DownloadDamaged, ServerFault, TaskExpired
from hhlab.generate.backoff import Patience
from hhlab.generate.download import announced_md5, download

DATA = b"a clip" * 1000
MD5 = hashlib.md5(DATA)


@pytest.fixture
def server():
    """Answers as told: (status, headers, body)."""
    told: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = told[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    one = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{one.server_port}/x?Signature=c2VjcmV0", told
    one.shutdown()
    one.server_close()


GOOD = {"Content-Length": str(len(DATA)), "Content-MD5": base64.b64encode(MD5.digest()).decode()}


def test_what_is_as_announced_is_taken(server, tmp_path):
    url, told = server
    told[:] = [(200, GOOD, DATA)]
    download(url, tmp_path / "x", who="w")
    assert (tmp_path / "x").read_bytes() == DATA


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, {"Content-Length": "9000"}, DATA), (DownloadDamaged, ConnectionLost)),
        ((200, {"Content-MD5": base64.b64encode(b"0" * 16).decode()}, DATA), DownloadDamaged),
        ((200, {"ETag": f'"{"0" * 32}"', "x-oss-object-type": "Normal"}, DATA), DownloadDamaged),
        ((200, {}, b""), DownloadDamaged), ((403, {}, b"expired"), TaskExpired),
        ((404, {}, b""), TaskExpired), ((503, {}, b""), ServerFault), ((400, {}, b""), BadAnswer),
        ((302, {"Location": "file:///etc/passwd"}, b""), (BadAnswer, ConnectionLost)),
        ((302, {"Location": "ftp://127.0.0.1/x"}, b""), (BadAnswer, ConnectionLost)),
    ],
)  # fmt: skip
def test_anything_else_is_named_without_the_links_signature(server, tmp_path, answer, error):
    url, told = server
    told[:] = [answer]
    with pytest.raises(error) as caught:
        download(url, tmp_path / "x", who="w")
    assert "c2VjcmV0" not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "data:,x", ""])
def test_only_secured_addresses_are_asked(url, tmp_path):
    with pytest.raises(BadAnswer, match="https"):
        download(url, tmp_path / "x", who="w")


def test_an_etag_is_a_hash_only_where_it_is_known_to_be():
    tag = MD5.hexdigest().upper()
    assert announced_md5({"ETag": f'"{tag}"', "x-oss-object-type": "Normal"}) == MD5.hexdigest()
    assert announced_md5({"ETag": f'"{tag}"'}) == ""
    assert announced_md5({"ETag": f'"{tag}-3"', "x-oss-object-type": "Multipart"}) == ""


def test_waits_double_to_a_limit_and_are_spread_by_chance():
    patience = Patience(first_s=2.0, longest_s=30.0)
    longest = [patience.wait_s(n, 1.0) for n in range(1, 8)]
    assert longest == [2, 4, 8, 16, 30, 30, 30]
    assert [patience.wait_s(n, 0.0) for n in range(1, 8)] == [w / 2 for w in longest]
    assert patience.poll_wait_s(1, 1.0) == patience.poll_s
    assert patience.poll_wait_s(50, 1.0) == patience.longest_poll_s
