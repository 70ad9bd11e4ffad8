"""Archives give exactly the file asked for, and no name in them reaches the disk."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from hhlab.errors import HashMismatch
from hhlab.weights.archives import take

from .conftest import zipped


def tarred(path, entries, *, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                info.type, info.linkname = data
                archive.addfile(info)
    return path


@pytest.mark.parametrize("name", ["../../escaped", "/tmp/escaped-from-archive", "a/../../escaped"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_climb_write_nothing_outside(tmp_path, name, kind):
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    archive = inside / "archive"
    entries = {name: b"evil", "good": b"good"}
    archive.write_bytes(zipped(entries)) if kind == "zip" else tarred(archive, entries)
    take(archive, ("good",), inside / "got", max_bytes=10)
    take(archive, (name,), inside / "climbed", max_bytes=10)
    files = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert files == {"deep/er/archive", "deep/er/got", "deep/er/climbed"}
    assert (inside / "got").read_bytes() == b"good"


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_a_link_in_a_tar_is_not_followed(tmp_path, kind):
    (tmp_path / "secret").write_bytes(b"secret")
    inside = {"other": b"other", "net": (kind, "other"), "out": (kind, str(tmp_path / "secret"))}
    archive = tarred(tmp_path / "a.tar.gz", inside)
    with pytest.raises(HashMismatch, match="out"):
        take(archive, ("out",), tmp_path / "got", max_bytes=100)
    with pytest.raises(HashMismatch, match="net"):
        take(archive, ("net",), tmp_path / "got", max_bytes=100)


def test_what_unpacks_to_more_than_promised_is_stopped(tmp_path):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("net", bytes(50_000_000))
    with pytest.raises(HashMismatch, match="1000 bytes"):
        take(archive, ("net",), tmp_path / "got", max_bytes=1000)
    assert (tmp_path / "got").stat().st_size <= 1000


@pytest.mark.parametrize(
    "data", [b"", b"not an archive", zipped({"net": b"x"})[:-9]], ids=["empty", "text", "cut short"]
)
def test_what_is_no_archive_is_a_named_error(tmp_path, data):
    (tmp_path / "odd").write_bytes(data)
    with pytest.raises(HashMismatch, match="odd"):
        take(tmp_path / "odd", ("net",), tmp_path / "got", max_bytes=10)


def test_a_chain_goes_through_several_archives(tmp_path):
    inner = zipped({"net": b"found"})
    tarred(tmp_path / "outer.tar.gz", {"pkg-1.0/task.zip": inner})
    take(tmp_path / "outer.tar.gz", ("pkg-1.0/task.zip", "net"), tmp_path / "got", max_bytes=5)
    assert (tmp_path / "got").read_bytes() == b"found"
