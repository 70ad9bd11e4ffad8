"""The ledger: what was shown, voted, undone and revealed, and nothing ever lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhlab.arena.errors import UnknownOutcome
from hhlab.arena.ledger import doctor, opening, reading, recording
from hhlab.arena.ledger.blind import Comparison, Reveal, Trial
from hhlab.arena.ledger.doctor import Health
from hhlab.arena.ledger.events import Event, canonical, identity, number, optional_text, text
from hhlab.arena.ledger.recording import Receipt
from hhlab.arena.ledger.trouble import named_errors
from hhlab.arena.ledger.writer import Transaction, Writer
from hhlab.arena.votes import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import URL, Connection

    from hhlab.arena.votes import Votes


class Ledger:
    """Votes kept for good, by several people and processes at once. Made by :meth:`open`.

    Everything is an event that is added and never changed. Every method that records something
    returns once it is on the disk, and may be repeated with the same id: it is recorded once.

    Those that record raise, where nothing was recorded, :class:`LedgerFull`,
    :class:`LedgerReadOnly`, :class:`LedgerBusy` or :class:`LedgerCorrupt`, and
    :class:`LedgerUnreachable` where a server was lost and one cannot know: repeat it then.

    >>> ledger = Ledger.open("votes.db")
    >>> trial = ledger.show(("Veo-3.1", "HappyHorse-1.0"), prompt="a baker talks")
    >>> ledger.vote(trial, "a", voter="anna")  # a is the left one
    >>> ledger.reveal(trial).left
    >>> ratings = hh.arena.fit(ledger)
    """

    def __init__(self, opened: opening.Opened) -> None:
        self._address, self._busy_s = opened.address, opened.busy_s
        self.writer: Writer = opened.writer
        self.version = opened.version

    @classmethod
    def open(cls, place: str | Path | URL, *, create: bool = True, busy_s: float = 30.0) -> Ledger:
        """Opens a ledger, and makes it if there is none. A file that may only be read is read.

        Parameters
        ----------
        place : path of a SQLite file, or ``postgresql://user:password@host:port/name``
        create : False: a ledger that does not exist is an error
        busy_s : seconds to wait for others who write

        Raises
        ------
        BadLedgerAddress, LedgerMissing, NotALedger, LedgerCorrupt, LedgerReadOnly, LedgerBusy,
        LedgerUnreachable, LedgerTooNew
        """
        return cls(opening.open_place(place, create=create, busy_s=busy_s))

    @property
    def place(self) -> str:
        """Where it lies, without password."""
        return self._address.shown

    def __repr__(self) -> str:
        return f"Ledger({self.place!r})"

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; nothing is lost where this is not called."""
        self.writer.close()

    # --- recording -----------------------------------------------------------------------------
    def show(
        self, models: Sequence[str], *, clips: Sequence[Any] | None = None,
        prompt: str | None = None, category: str | None = None, voter: str | None = None,
        covariates: Mapping[str, float] | None = None, left: str | None = None,
        trial_id: str | None = None,
    ) -> Trial:  # fmt: skip
        """Records a blind comparison, and the hash that commits us to it.

        Parameters
        ----------
        models : two names; a fair coin decides who is left, unless `left` names one of them
        clips : what stands for each model's clip (path, hash, address), in the order of `models`
        prompt, category, voter : what the voter may know; recorded openly
        covariates : for style control: value of the first model minus value of the second
        trial_id : give one to be able to repeat this without showing twice

        Raises
        ------
        BadArgument, SelfComparison; IdConflict for a trial id that means another comparison
        """
        trial = identity("trial_id", uuid.uuid4().hex if trial_id is None else trial_id)
        comparison = Comparison.of(models, clips, covariates)
        comparison.with_left(left)  # refuses a wrong name before anything is recorded
        open_part = {name: optional_text(name, value) for name, value in
                     (("prompt", prompt), ("category", category), ("voter", voter))}  # fmt: skip
        return self.writer.transact(
            lambda transaction: recording.show(
                transaction, comparison, trial=trial, left=left, **open_part
            ),
            trial=trial,
        )

    def vote(
        self, trial: Trial | str, outcome: str, *, vote_id: str | None = None,
        voter: str | None = None, dimension: str = "overall", took_s: float | None = None,
    ) -> Receipt:  # fmt: skip
        """Records a vote on a trial.

        Parameters
        ----------
        trial : as made by :meth:`show`, or its id
        outcome : "a" (left is better), "b" (right), "tie" or "both_bad"
        vote_id : give one to be able to repeat this after a crash or a lost connection: the same
            id twice is one vote
        voter : who votes; by default the voter to whom the trial was shown
        dimension : what was asked, such as "overall" or "lip sync"
        took_s : seconds from showing to voting

        Raises
        ------
        UnknownOutcome, UnknownTrial, BadArgument; IdConflict: this id is another vote;
        AlreadyVoted: this voter's vote on this trial and dimension stands; TrialRevealed
        """
        if not isinstance(outcome, str) or outcome not in OUTCOMES:
            raise UnknownOutcome("outcome", expected=", ".join(OUTCOMES), found=repr(outcome)[:80])
        vote_id = identity("vote_id", uuid.uuid4().hex if vote_id is None else vote_id)
        trial = _trial_id(trial)
        body = canonical({
            "outcome": outcome, "voter": optional_text("voter", voter),
            "dimension": text("dimension", dimension), "took_s": number("took_s", took_s),
        })  # fmt: skip
        return self.writer.transact(
            lambda transaction: recording.vote(
                transaction, vote_id=vote_id, trial=trial, body=body
            ),
            trial=trial,
        )

    def undo(self, vote_id: str, *, reason: str | None = None) -> Receipt:
        """Takes a vote back: it stays in the ledger and no longer counts.

        Undoing what is undone changes nothing. Raises :class:`UnknownVote`.
        """
        vote_id = identity("vote_id", vote_id)
        body = canonical({"reason": optional_text("reason", reason)})
        return self.writer.transact(
            lambda transaction: recording.undo(transaction, vote_id=vote_id, body=body)
        )

    def reveal(self, trial: Trial | str) -> Reveal:
        """Discloses for good who was where; after that nobody can vote on this trial.

        Raises :class:`UnknownTrial`.
        """
        name = _trial_id(trial)
        return self.writer.transact(
            lambda transaction: recording.reveal(transaction, name), trial=name
        )

    def seal(self) -> Receipt:
        """Vouches for all events so far by one hash. Keep or publish it: from then on no event
        before it can be altered or removed without the doctor seeing it."""
        return Receipt("", self.writer.transact(Transaction.seal, alone=True), True)

    # --- reading -------------------------------------------------------------------------------
    def votes(self) -> Votes:
        """All votes that stand, ready to be fitted; a is the one that was left.

        A covariate that is not known for all of them is left out (:meth:`to_frame` has it).
        """
        from hhlab.arena.votes import read_votes

        table = self.to_frame().drop(columns=["trial", "extra"])
        optional = table.columns.drop(["model_a", "model_b", "winner"])
        unused = [name for name in optional if table[name].isna().all()]
        unused += [name for name in optional
                   if name.startswith("covariate:") and table[name].isna().any()]  # fmt: skip
        table = table.drop(columns=set(unused))
        if "weight" in table:
            table["weight"] = table["weight"].fillna(1.0)
        return read_votes(table)

    def to_frame(self) -> pd.DataFrame:
        """All votes that stand, one row each: the columns of ``read_votes``, `trial`, and `extra`,
        a JSON text with what an imported file said besides."""
        with self.snapshot() as connection:
            return reading.votes_frame(connection)

    def events(self) -> Iterator[Event]:
        """All events in the order in which they were recorded; who was where is not among them
        until it is revealed."""
        with self.snapshot() as connection:
            yield from reading.events(connection)

    def verify(self) -> Health:
        """Whether every assignment is what was committed to; see :func:`doctor.verify`."""
        return doctor.verify(self)

    def doctor(self, *, receipts: Iterable[str] = ()) -> Health:
        """Whether the ledger is whole, and holds these hashes; see :func:`doctor.doctor`."""
        return doctor.doctor(self, receipts=receipts)

    def trial(self, trial: Trial | str) -> Trial:
        """A trial by its id. Raises :class:`UnknownTrial`."""
        with self.snapshot() as connection:
            return recording.find(Transaction(connection, None), _trial_id(trial))[0]

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees one state of the ledger; its errors are named ones."""
        with (
            named_errors(self._address, busy_s=self._busy_s),
            self.writer.engine.begin() as connection,
        ):
            yield connection


def _trial_id(trial: Trial | str) -> str:
    return identity("trial", trial.id if isinstance(trial, Trial) else trial)
