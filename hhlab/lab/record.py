"""A take: one clip that was asked for, and what became of it; and the same in a page's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from hhlab.errors import BadArgument
from hhlab.scores import plain

State = Literal["waiting", "running", "measuring", "done", "failed", "cancelled", "interrupted"]
OVER = frozenset({"done", "failed", "cancelled", "interrupted"})
"""States after which nothing more happens by itself."""


@dataclass(frozen=True)
class Asked:
    """What was asked for, as data: pictures and clips by the SHA-256 of their files.

    Attributes are those of :class:`hhlab.Shot`.
    """

    prompt: str = ""
    negative_prompt: str = ""
    references: tuple[str, ...] = ()
    first_frame: str | None = None
    source: str | None = None
    picture: str | None = None
    sound: str | None = None
    seed: int = 0
    seconds: float | None = None
    size_px: tuple[int, int] | None = None
    steps: int | None = None
    guidance: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", tuple(self.references))
        if self.size_px is not None:
            object.__setattr__(self, "size_px", tuple(self.size_px))

    @property
    def mode(self) -> str:
        """In words, as :attr:`hhlab.Shot.mode`."""
        if self.source or self.picture or self.sound:
            return ("edit" if self.source else "sound for a picture" if self.picture
                    else "picture for a sound")  # fmt: skip
        if self.references:
            return "reference-to-video"
        return "image-to-video" if self.first_frame else "text-to-video"


@dataclass(frozen=True)
class Take:
    """One clip that was asked for.

    Attributes
    ----------
    id : sorts by time
    batch : id that the takes of one run share
    made_at : when it was asked for, UTC, ISO 8601
    contender, asked : who was asked, and for what
    row, column : place in a sweep's grid, "" outside
    session : id of the process that works on it
    state, reason : where it stands, and why where it went wrong
    took_s, cost_usd : None as long as they are not known; cost is 0 for what runs here
    clip : SHA-256 of the clip's file, "" as long as there is none
    facts : width, height, seconds, fps, sound, and words of the prompt that were passed over
    scores : as :func:`hhlab.scores.to_json` writes them, or None
    favourite : pinned by the user
    """

    id: str
    batch: str
    made_at: str
    contender: str
    asked: Asked
    row: str = ""
    column: str = ""
    session: str = ""
    state: State = "waiting"
    reason: str = ""
    took_s: float | None = None
    cost_usd: float | None = None
    clip: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] | None = None
    favourite: bool = False

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    def but(self, **changes: Any) -> Take:
        """The same take with other values."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` is the inverse."""
        return {"version": 1} | plain(asdict(self))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Take:
        """Raises :class:`BadArgument` where a record is not one of a take."""
        try:
            values = dict(record)
            if values.pop("version") != 1:
                raise ValueError(f"version {record['version']!r}")
            asked = Asked(**values.pop("asked"))
            take = cls(**values, asked=asked)
            if not isinstance(take.id, str) or take.state not in {*State.__args__}:
                raise ValueError("its id or state")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadArgument("take", expected="a record of a take", found=str(error)) from None
        return take
