"""The lab's memory: one folder that outlives the kernel.

``takes/<id>.json`` is one record a take, ``clips/<sha256>.mp4`` and ``pictures/<sha256>.png`` are
files by the hash of their bytes. Every file appears whole or not at all, so that the folder can be
read after a crash at any moment; a file whose bytes no longer have the hash of its name is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import IO, Any

import numpy as np

from hhlab.errors import FileMissing, HhlabError, MediaError, as_subject
from hhlab.files import write_atomic
from hhlab.lab.record import Asked, Take
from hhlab.media import read_clip, read_image, write_clip
from hhlab.types import Audio, Clip, Shot

_CRF = 12.0  # of what generators return as arrays: nothing to see is lost


class FileChanged(MediaError):
    """A kept file no longer holds what it held when it was kept."""


class History:
    """Takes, clips and pictures in one folder. Safe to use from several threads.

    Parameters
    ----------
    folder : made if it does not exist

    Attributes
    ----------
    session : id of this opening; takes that another, ended one left unfinished are "interrupted"
    damaged : records that could not be read, each with why; they stay where they are
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        self.session = secrets.token_hex(6)
        self.damaged: tuple[str, ...] = ()
        self._takes: dict[str, Take] = {}
        self._lock = RLock()
        for name in ("takes", "clips", "pictures", "sessions"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._alive = self._claim()
        self.reload()

    # --- takes ----------------------------------------------------------------------------------
    @property
    def takes(self) -> list[Take]:
        """All takes, the oldest first."""
        with self._lock:
            return [self._takes[key] for key in sorted(self._takes)]

    def __getitem__(self, take: str) -> Take:
        with self._lock:
            if take not in self._takes:
                raise KeyError(f"{take!r}: no such take in {as_subject(self.folder)}")
            return self._takes[take]

    def __contains__(self, take: object) -> bool:
        return take in self._takes

    def put(self, take: Take) -> Take:
        """Remember a take, in place of what was known of it."""
        text = json.dumps(take.to_json(), ensure_ascii=True, allow_nan=False, indent=1)
        with self._lock:
            write_atomic(self.folder / "takes" / f"{take.id}.json", text.encode("ascii"))
            self._takes[take.id] = take
        return take

    def change(self, take: str, *, save: bool = True, **values: Any) -> Take:
        """Remember other values of a take; without `save`, only as long as this is open."""
        with self._lock:
            changed = self[take].but(**values)
            self._takes[take] = self.put(changed) if save else changed
            return changed

    def new_id(self) -> str:
        """An id that sorts by time and is not used by anybody else."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        return f"{stamp}-{secrets.token_hex(3)}"

    def reload(self) -> None:
        """Read the folder again, for what other processes have added."""
        found, damaged, ended = {}, [], {}
        for file in sorted((self.folder / "takes").glob("*.json")):
            try:
                take = Take.from_json(json.loads(file.read_text(encoding="utf-8")))
                if take.id != file.stem:
                    raise ValueError("its id is not its file's name")
            except (OSError, ValueError, HhlabError) as error:
                damaged.append(f"{file.name}: {error}")
                continue
            if not take.is_over and take.session != self.session:
                if take.session not in ended:
                    ended[take.session] = self._has_ended(take.session)
                if ended[take.session]:
                    take = take.but(
                        state="interrupted", reason="the kernel ended before it was done"
                    )
            found[take.id] = take
        with self._lock:
            self._takes, self.damaged = found, tuple(damaged)

    # --- files ----------------------------------------------------------------------------------
    def keep_clip(self, clip: Clip) -> str:
        """Keep a clip's file, or one made of its arrays; return the hash of its bytes."""
        path = clip.info.path
        if path is not None and Path(path).suffix.lower() == ".mp4" and clip.info.sha256:
            return self._keep_file(Path(path), "clips", ".mp4")
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            made = write_clip(Path(folder) / "clip.mp4", clip, crf=_CRF, preset="medium")
            return self._keep_file(made, "clips", ".mp4")

    def keep_picture(self, picture: bytes | str | os.PathLike | np.ndarray | Any) -> str:
        """Keep a picture (bytes of a file, path, array or PIL) as PNG; return its hash.

        Raises what :func:`hhlab.read_image` raises for what is not a picture.
        """
        from PIL import Image

        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            if isinstance(picture, (bytes, memoryview, bytearray)):
                given = Path(folder) / "given"
                given.write_bytes(picture)
                picture = read_image(given)
            elif isinstance(picture, (str, os.PathLike)):
                picture = read_image(picture)
            elif hasattr(picture, "convert"):
                picture = np.asarray(picture.convert("RGB"))
            made = Path(folder) / "picture.png"
            Image.fromarray(picture).save(made)
            return self._keep_file(made, "pictures", ".png")

    def clip(self, digest: str) -> Clip:
        """A kept clip. Raises FileMissing or :class:`FileChanged`."""
        clip = read_clip(self._existing(self.clip_path(digest)))
        if clip.info.sha256 not in (None, digest):
            raise FileChanged(
                clip.info.name, expected=f"bytes of SHA-256 {digest[:12]}…",
                found=f"{clip.info.sha256[:12]}…",
            )  # fmt: skip
        return clip

    def clip_path(self, digest: str) -> Path:
        return self.folder / "clips" / f"{digest}.mp4"

    def picture_path(self, digest: str) -> Path:
        return self.folder / "pictures" / f"{digest}.png"

    # --- shots ----------------------------------------------------------------------------------
    def asked(self, shot: Shot) -> Asked:
        """A shot as data; what it refers to is kept."""
        kept = {
            name: None if getattr(shot, name) is None else self._keep_moving(getattr(shot, name))
            for name in ("source", "picture", "sound")
        }
        first = None if shot.first_frame is None else self.keep_picture(shot.first_frame)
        return Asked(
            shot.prompt, shot.negative_prompt, tuple(self.keep_picture(r) for r in shot.references),
            first, **kept, seed=shot.seed, seconds=shot.seconds, size_px=shot.size_px,
            steps=shot.steps, guidance=shot.guidance,
        )  # fmt: skip

    def shot(self, asked: Asked) -> Shot:
        """The shot that was asked for, with its pictures and clips as kept files."""

        def clip(digest: str | None) -> Clip | None:
            return None if digest is None else self.clip(digest)

        first = asked.first_frame and self._existing(self.picture_path(asked.first_frame))
        return Shot(
            asked.prompt, asked.negative_prompt,
            references=[self._existing(self.picture_path(r)) for r in asked.references],
            first_frame=first, source=clip(asked.source), picture=clip(asked.picture),
            sound=clip(asked.sound), seed=asked.seed, seconds=asked.seconds,
            size_px=asked.size_px, steps=asked.steps, guidance=asked.guidance,
        )  # fmt: skip

    # --- inside ---------------------------------------------------------------------------------
    def _keep_moving(self, of: Clip | Audio) -> str:
        if isinstance(of, Audio):  # a sound by itself is kept under a black picture
            count = max(1, round(of.duration_s * 10))
            of = Clip.from_arrays(np.zeros((count, 16, 16, 3), np.uint8), fps=10.0, audio=of)
        return self.keep_clip(of)

    def _keep_file(self, path: Path, room: str, suffix: str) -> str:
        digest = sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        target = self.folder / room / f"{digest.hexdigest()}{suffix}"
        if not target.exists():
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
            os.close(handle)
            try:
                shutil.copyfile(path, temporary)
                with Path(temporary).open("rb+") as file:
                    os.fsync(file.fileno())
                Path(temporary).chmod(0o644)
                Path(temporary).replace(target)
            finally:
                Path(temporary).unlink(missing_ok=True)
        return digest.hexdigest()

    def _existing(self, path: Path) -> Path:
        if not path.is_file():
            raise FileMissing(as_subject(path), expected="the file that was kept", found="none")
        return path

    def _claim(self) -> IO[str]:
        """Hold a lock that ends with this process, however it ends."""
        file = (self.folder / "sessions" / f"{self.session}.lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _has_ended(self, session: str) -> bool:
        path = self.folder / "sessions" / f"{Path(session).name}.lock"
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        path.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Give the session up; what it left unfinished counts as interrupted."""
        with suppress(OSError):
            self._alive.close()
            (self.folder / "sessions" / f"{self.session}.lock").unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Take]:
        return iter(self.takes)
