"""What is kept of one clip: how it came about, and what was measured of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from hhlab import __version__
from hhlab.errors import (
    BadArgument,
    ContentRefused,
    RequestRefused,
    TaskExpired,
    as_subject,
)
from hhlab.scores import from_json, plain, to_json
from hhlab.study.plan import Take
from hhlab.tasks import WITHOUT_FACES
from hhlab.types import ClipInfo, Score

Retry = Literal["again", "other version", "never"]
MOST_TRIES = 2
"""A metric that failed on a clip as often as this is not tried again in the same version."""
NEVER = (ContentRefused, RequestRefused, TaskExpired)
"""Refusals stand: to ask again would cost money and bring the same."""


@dataclass(frozen=True)
class Outcome:
    """What became of one clip that was asked for.

    Attributes
    ----------
    status : "made" or "failed"
    clip : its hash, "" for none; the file is ``clips/<hash><suffix>``
    error, reason : kind and words of what went wrong
    retry : whether another run should try a failure again: "again"; with another version of hhlab
        only ("other version"); or "never"
    usd : what it cost, 0 where it was made here, None where no price is known
    order : of the paid task, "" for none; clips of one order were paid once
    took_s : how long making it took
    attempts : how often it was tried
    made_at : when, year-month-dayThour:minute:second, UTC
    provenance : what its generator says of it
    """

    contender: str
    shot: str
    seed: int
    status: Literal["made", "failed"]
    clip: str = ""
    suffix: str = ""
    bytes: int = 0
    duration_s: float | None = None
    width_px: int = 0
    height_px: int = 0
    fps: float | None = None
    has_audio: bool = False
    error: str = ""
    reason: str = ""
    retry: Retry = "again"
    usd: float | None = None
    order: str = ""
    took_s: float | None = None
    attempts: int = 1
    made_at: str = ""
    hhlab_version: str = __version__
    provenance: str = "{}"

    @property
    def take(self) -> Take:
        return Take(self.contender, self.shot, self.seed)

    @property
    def file(self) -> str:
        """The clip's path from the study's folder, "" for none."""
        return clip_path(self.clip, self.suffix) if self.clip else ""

    @property
    def is_settled(self) -> bool:
        """Whether trying again would bring nothing else."""
        if self.status == "made" or self.retry == "never":
            return True
        return self.retry == "other version" and self.hhlab_version == __version__

    def to_bytes(self) -> bytes:
        return _dumped(plain(asdict(self)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Outcome:
        """Raises ValueError or TypeError."""
        return cls(**json.loads(data))


def clip_path(digest: str, suffix: str) -> str:
    """Where a clip of that hash lies, from the study's folder."""
    return f"clips/{digest}{suffix}"


def failure(take: Take, error: Exception, **known: Any) -> Outcome:
    """An error as its clip's outcome."""
    retry: Retry = "again"
    if isinstance(error, NEVER):
        retry = "never"
    elif isinstance(error, BadArgument):  # the same call will be wrong again
        retry = "other version"
    kind = getattr(error, "kind", type(error).__name__)
    return Outcome(
        take.contender, take.shot, take.seed, "failed", error=kind, retry=retry,
        reason=as_subject(str(error)) or kind, **known,
    )  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What was measured of one clip for one shot.

    Attributes
    ----------
    clip, shot : hash of the clip, and id of the shot it was asked for
    scores : of every metric; of other versions of a metric too, the latest last
    tries : how often each ``metric version`` was tried
    took_s : how long measuring took in all
    """

    clip: str
    shot: str
    info: ClipInfo
    scores: tuple[Score, ...] = ()
    tries: tuple[tuple[str, int], ...] = ()
    took_s: float = 0.0

    @property
    def key(self) -> str:
        return measured_key(self.clip, self.shot)

    def with_scores(self, new: Sequence[Score], *, took_s: float) -> Measured:
        """The same with newer scores, which take the place of those of the same version."""
        made = {(score.metric, score.version) for score in new}
        kept = [s for s in self.scores if (s.metric, s.version) not in made]
        tries = dict(self.tries)
        for score in new:
            name = f"{score.metric} {score.version}"
            tries[name] = tries.get(name, 0) + 1
        # The order must not depend on when which was measured.
        scores = sorted([*kept, *new], key=lambda s: (s.metric, len(s.version), s.version))
        return replace(self, scores=tuple(scores), tries=tuple(sorted(tries.items())),
                       took_s=round(self.took_s + took_s, 3))  # fmt: skip

    def to_bytes(self) -> bytes:
        about = {"clip": self.clip, "shot": self.shot, "tries": dict(self.tries),
                 "took_s": self.took_s}  # fmt: skip
        return _dumped(plain(about) | to_json(self.info, self.scores))

    @classmethod
    def from_bytes(cls, data: bytes) -> Measured:
        """Raises ValueError, KeyError or TypeError."""
        said = json.loads(data)
        info, scores = from_json(said)
        return cls(said["clip"], said["shot"], info, scores, tuple(said["tries"].items()),
                   said["took_s"])  # fmt: skip


def measured_key(clip: str, shot: str) -> str:
    """A short name for a clip in the light of a shot: its references, and what was asked."""
    return hashlib.sha256(f"{clip}\0{shot}".encode()).hexdigest()[:20]


def is_whole(score: Score) -> bool:
    """Whether measuring again would find no more."""
    return score.status != "failed" and WITHOUT_FACES not in score.parameters


def missing_metrics(
    wanted: Mapping[str, str | None], have: Mapping[str, tuple[bool, int]]
) -> list[str]:
    """Metrics of which there is nothing whole yet, and that are worth another try.

    Parameters
    ----------
    wanted : metric -> version; None for one that is not known here, of which any version will do
    have : ``metric version`` -> whether it is whole, and tries so far
    """

    def is_settled(name: str, version: str | None) -> bool:
        known = [
            state
            for key, state in have.items()
            if (key == f"{name} {version}" if version else key.rpartition(" ")[0] == name)
        ]
        return any(whole or tries >= MOST_TRIES for whole, tries in known)  # fmt: skip

    return [name for name, version in wanted.items() if not is_settled(name, version)]


def score_rows(measured: Measured) -> list[dict[str, Any]]:
    """One row per number of each score; a score without numbers is one row all the same."""
    tries = dict(measured.tries)
    found = []
    for score in measured.scores:
        about = {
            "record": measured.key, "clip": measured.clip, "shot": measured.shot,
            "metric": score.metric, "metric_version": score.version, "sentence": score.sentence,
            "subject": score.subject, "encoder": score.encoder,
            "parameters": json.dumps(plain(score.parameters), sort_keys=True),
            "whole": is_whole(score), "tries": tries.get(f"{score.metric} {score.version}", 1),
        }  # fmt: skip
        nan = float("nan")
        if not score.measures or score.status != "ok":
            found.append(about | {
                "measure": "", "label": "", "value": nan, "unit": "", "direction": "none",
                "low": nan, "high": nan, "status": score.status, "reason": score.reason,
                "is_headline": False,
            })  # fmt: skip
        for place, measure in enumerate(score.measures):
            found.append(about | asdict(measure) | {
                "measure": measure.name, "is_headline": place < score.headlines,
            })  # fmt: skip
            del found[-1]["name"]
    return found


def _dumped(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=True, allow_nan=False).encode("ascii")
