"""What is asked of a service that is paid by the clip, and what the service must be able to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from hhlab.errors import GeneratorError

SKEW_S = 300.0
"""How far a service's clock may be from ours."""
NEAR_S = 30.0
"""How much of that is left once it has been seen."""


@dataclass(frozen=True)
class Media:
    """One file that goes with an order: what it is for, where it lies, and its hash."""

    role: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Order:
    """One clip asked of a service, complete: two equal orders are the same clip.

    Attributes
    ----------
    contender, model : our name, and the service's id of the model
    prompt, parameters : as they are sent; parameters as JSON has them
    media : files, in order
    usd : expected price, None where none is published
    """

    contender: str
    model: str
    prompt: str
    parameters: Mapping[str, Any]
    media: tuple[Media, ...] = ()
    usd: float | None = None

    @property
    def key(self) -> str:
        """Hash of all that decides the clip."""
        said = {
            "contender": self.contender, "model": self.model, "prompt": self.prompt,
            "parameters": dict(self.parameters), "media": [(m.role, m.sha256) for m in self.media],
        }  # fmt: skip
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Look:
    """What a service says of a task.

    Attributes
    ----------
    state : "gone" when the service no longer knows it
    url : of the clip, when it is done
    error : why it failed
    usd : what was billed, when that is known
    facts : whatever is worth keeping, as JSON has it
    prompt : that the service says it was given, None where it does not say
    """

    state: Literal["waiting", "running", "done", "failed", "cancelled", "gone"]
    url: str = ""
    error: GeneratorError | None = None
    usd: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    prompt: str | None = None


@dataclass(frozen=True)
class Trace:
    """A task that a service lists and we do not know.

    Attributes
    ----------
    fits : whether it was asked in the order's words; None as long as it does not say
    near : whether it was started when the order was sent; False when a clock would have to have
        jumped for that
    """

    task: str
    fits: bool | None
    near: bool = True


class Service(Protocol):
    """The part of a family that talks to its service. Every method raises named errors only."""

    failed_is_free: bool
    """Whether a task that fails is not charged, so that it may be started again."""
    lists: bool
    """Whether it lists its tasks, so that one whose id was lost can be found."""
    kept_s: float
    """How long the service keeps a task; one that it denies before that is asked for again."""

    def prepare(self, order: Order) -> Any:
        """What costs nothing and may be repeated, such as uploads; its result goes to `start`."""

    def start(self, order: Order, prepared: Any) -> str:
        """Start the task, with exactly one request, and return its id."""

    def look(self, task: str) -> Look:
        """Ask after a task."""

    def find(self, order: Order, *, sent_s: float, known: Mapping[str, float]) -> list[Trace]:
        """Tasks of the order's model that a request of about that time may have started.

        Parameters
        ----------
        sent_s : when the request left, by our clock
        known : tasks that are somebody else's or another order's, and when their requests left

        Raises :class:`UnknownOutcome` where the service cannot say.
        """

    def cancel(self, task: str) -> None:
        """Ask the service to drop a task; it may refuse."""

    def download(self, look: Look, path: Path) -> None:
        """Fetch the clip, checked against what the service says of it."""


def is_born_near(
    born_s: float, sent_s: float, answer_s: float, apart_s: Sequence[float]
) -> bool | None:
    """Whether a task can have been started by a request, by the times of both.

    Parameters
    ----------
    born_s, sent_s : when the task was started by the service's clock, and when the request left by
        ours
    answer_s : how long the answer to the request may have taken
    apart_s : how far the two clocks were apart, as seen from other tasks; may be empty

    Returns
    -------
    bool or None : None when it would take a clock that has jumped since
    """
    low, high = min(apart_s, default=-SKEW_S), max(apart_s, default=SKEW_S)
    since = born_s - sent_s
    if low - NEAR_S <= since <= high + answer_s + NEAR_S:
        return True
    return None if min(low, 0.0) - SKEW_S <= since <= max(high, 0.0) + answer_s + SKEW_S else False
