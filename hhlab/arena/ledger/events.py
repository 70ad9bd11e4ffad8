"""Events and the chain of hashes that ties them together.

Every writer (one process's use of a ledger) has a chain of its own, so that writers need not wait
for one another: an event carries the hash of the event before it in its chain. The chains are tied
together by seals: a seal's body holds a digest over the hashes of all events since the seal before
it, whoever wrote them. Each chain begins with a seal (kind ``opened``), so that what one writer
wrote is vouched for by the next that comes.

An altered event no longer fits its hash; a removed one is missing from its chain, or, at a chain's
end, from the next seal. Whoever can rewrite the whole database can of course write another history:
against that helps a hash kept elsewhere, which is what a receipt is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from hhlab.errors import BadArgument

SHOWN, VOTED, UNDONE, REVEALED = "shown", "voted", "undone", "revealed"
OPENED, SEALED = "opened", "sealed"
# Of blind sessions (sessions.py): they count as no votes.
BEGUN, CHECKED, SKIPPED, RETRACTED = "begun", "checked", "skipped", "retracted"
OBSERVED = "observed"
FIRST = ""  # what the first event of a chain has in place of a hash before it
_LONGEST = 200  # characters of an id
_FORMAT = "hhlab-event-1"


@dataclass(frozen=True)
class Event:
    """One thing that happened. Events are added, never changed.

    Attributes
    ----------
    seq : place in the ledger, growing, with gaps
    writer, number : the chain it belongs to, and its place there, from 0
    kind : shown, voted, undone, revealed; begun, checked, skipped, retracted and observed are of
        blind sessions; opened and sealed are the ledger's own
    subject : trial id of shown and revealed, session id of begun, otherwise the id of a vote (or of
        what took its place)
    trial : trial id, or None
    time_s : Unix time at which it was recorded
    body : JSON text, in the form of :func:`canonical`
    previous, hash : hex SHA-256 of the event before it in its chain, and its own
    """

    seq: int
    writer: str
    number: int
    kind: str
    subject: str
    trial: str | None
    time_s: float
    body: str
    previous: str
    hash: str

    @property
    def data(self) -> dict[str, Any]:
        """The body's fields."""
        return json.loads(self.body)


def canonical(data: Mapping[str, Any]) -> str:
    """JSON text that depends on the content alone: sorted, no spaces, ASCII; None left out.

    Raises :class:`BadArgument` for what JSON cannot hold (nan, infinity, other objects).
    """
    kept = {key: value for key, value in data.items() if value is not None}
    try:
        return json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadArgument("event", expected="texts and finite numbers", found=str(error)) from None


def event_hash(
    *,
    writer: str,
    number: int,
    kind: str,
    subject: str,
    trial: str | None,
    time_s: float,
    body: str,
    previous: str,
) -> str:
    """Hex SHA-256 of an event's content and of its place in its chain."""
    fields = [_FORMAT, writer, number, kind, subject, trial, float(time_s), body, previous]
    return sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def digest(hashes: Iterable[str]) -> str:
    """Hex SHA-256 over hashes, one per line."""
    total = sha256()
    for each in hashes:
        total.update(each.encode() + b"\n")
    return total.hexdigest()


def text(name: str, value: Any) -> str:
    """`value`, if it is a text that any database can hold; else raises :class:`BadArgument`."""
    if not isinstance(value, str) or not value or "\0" in value:
        found = repr(value)[:80] if isinstance(value, str) else type(value).__name__
        raise BadArgument(name, expected="a text that is not empty", found=found)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadArgument(name, expected="a text in Unicode", found=ascii(value)[:80]) from None
    return value


def optional_text(name: str, value: Any) -> str | None:
    """As :func:`text`; None stays None."""
    return None if value is None else text(name, value)


def identity(name: str, value: Any) -> str:
    """As :func:`text`, and no longer than an id may be."""
    if len(text(name, value)) > _LONGEST:
        raise BadArgument(name, expected=f"at most {_LONGEST} characters", found=str(len(value)))
    return value


def number(name: str, value: Any) -> float | None:
    """`value` as float, None as None; raises :class:`BadArgument` unless it is finite."""
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or isinstance(value, str):
        raise BadArgument(name, expected="a finite number", found=repr(value)[:80])
    return found
