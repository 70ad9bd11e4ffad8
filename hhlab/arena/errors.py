"""Errors of the arena. Where rows are at fault, the error lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hhlab.errors import HhlabError

_SHOWN = 5  # rows quoted in the message; all that were kept are in `rows`


class ArenaError(HhlabError):
    """Votes, models or a ledger could not be used."""


@dataclass(frozen=True)
class BadRow:
    """One vote at fault: its row (from 0), its id if it has one, and what was found there.

    `line` is the one of its file (from 1), None where it comes from none that has lines.
    """

    row: int
    vote_id: str | None
    value: str
    line: int | None = None

    def __str__(self) -> str:
        name = f" (id {self.vote_id})" if self.vote_id is not None else ""
        place = f"row {self.row}" if self.line is None else f"line {self.line}"
        return f"{place}{name}: {self.value}"


class AboutRows(ArenaError):
    """What is wrong with rows of a table, which the error lists.

    Attributes
    ----------
    rows : the offending rows in order, at most the first hundred
    count : how many there are in all
    """

    def __init__(
        self,
        subject: object = "votes",
        *,
        expected: str = "",
        found: str = "",
        rows: Sequence[BadRow] = (),
        count: int | None = None,
    ) -> None:
        self.rows = tuple(rows)
        self.count = len(self.rows) if count is None else count
        self._found = found
        if self.rows:
            quoted = "; ".join(str(row) for row in self.rows[:_SHOWN])
            more = f"; and {self.count - _SHOWN} more" if self.count > _SHOWN else ""
            found = f"{found}: {quoted}{more}" if found else quoted + more
        super().__init__(subject, expected=expected, found=found)

    def of_file(self, name: str, rows: Sequence[int], lines: Sequence[int | None]) -> AboutRows:
        """The same about a file: its name, and of each row at fault its place there."""
        its = [replace(row, row=at, line=line)
               for row, at, line in zip(self.rows, rows, lines, strict=True)]  # fmt: skip
        return type(self)(f"{name}: {self.subject}", expected=self.expected, found=self._found,
                          rows=its, count=self.count)  # fmt: skip

    def __reduce__(self):
        # The message is made from the parts, so that a copy must be given the finished one.
        return _again, (type(self), self.subject, self.expected, self.found, self.rows, self.count)


def _again(kind, subject, expected, found, rows, count):
    error = kind(subject, expected=expected, found=found)
    error.rows, error.count = rows, count
    return error


class BadVotes(AboutRows):
    """Votes that cannot be used."""


class UnknownOutcome(BadVotes):
    """A winner label is none of those known; nothing is silently a tie."""


class SelfComparison(BadVotes):
    """A model was compared with itself."""


class MissingValue(BadVotes):
    """A model or a winner is missing (None, NaN or an empty text)."""


class DuplicateVotes(BadVotes):
    """Two votes have the same id."""


class BadWeight(BadVotes):
    """A weight is negative, infinite or not a number."""


class BadCovariate(BadVotes):
    """A covariate is infinite or not a number."""


class MissingColumn(BadVotes):
    """The table has no column for something that is needed."""


class NoVotes(ArenaError):
    """There is not one vote (left) to fit."""


class OneModel(ArenaError):
    """All votes are about one model, so that there is nothing to compare it with."""


class UnknownName(ArenaError):
    """No model, category, dimension or covariate of that name among the votes."""


# --- the ledger --------------------------------------------------------------------------------
class LedgerError(ArenaError):
    """The ledger of votes could not do what was asked; nothing was recorded."""


class BadLedgerAddress(LedgerError):
    """Neither a path nor the address of a database that can hold a ledger."""


class LedgerMissing(LedgerError):
    """There is no ledger at that place, or no folder to make it in."""


class NotALedger(LedgerError):
    """There is something at that place, but no ledger: a folder, or another database."""


class LedgerCorrupt(LedgerError):
    """The file is damaged. ``hhlab arena doctor`` says what can still be read."""


class LedgerReadOnly(LedgerError):
    """The ledger may be read but not written."""


class LedgerFull(LedgerError):
    """The disk, or what may be used of it, is full. The vote was not recorded."""


class LedgerBusy(LedgerError):
    """Others kept the ledger locked for longer than one is willing to wait."""


class LedgerUnreachable(LedgerError):
    """The database server does not answer, or refuses us.

    Whether a vote that was under way was recorded is not known: repeat it with the same vote id.
    """


class LedgerTooNew(LedgerError):
    """The ledger was written by a later version of hhlab."""


class UnknownTrial(LedgerError):
    """No comparison of that id was shown."""


class UnknownVote(LedgerError):
    """No vote of that id was cast."""


class IdConflict(AboutRows, LedgerError):
    """That id is in the ledger already, with other content."""


class AlreadyVoted(LedgerError):
    """This voter's vote on this trial and dimension stands; undo it to vote again."""


class TrialRevealed(LedgerError):
    """Which model was where has been disclosed: a vote would not be blind any more."""
