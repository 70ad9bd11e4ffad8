"""One rater's sitting: what to show next, what was answered, and all of it in the ledger.

A session keeps nothing of its own that matters: whatever happens to page, kernel or machine,
opening it again finds the same trial. It knows of no widget; pages, scripts and tests drive it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hhlab.arena.errors import IdConflict, UnknownOutcome, UnknownTrial
from hhlab.arena.ledger import Ledger, Reveal, Trial
from hhlab.arena.ledger.answers import record_answer, record_skip, take_back
from hhlab.arena.ledger.events import text
from hhlab.arena.ledger.sessions import (
    OVERALL,
    Answer,
    Begun,
    State,
    begin,
    find_session,
    states,
    trials_of,
)
from hhlab.arena.votes import OUTCOMES
from hhlab.blind.material import CHECK, Item, Material
from hhlab.blind.plan import draw, session_id
from hhlab.errors import BadArgument

_LONGEST_S = 24 * 3600.0
_LONGEST_REASON = 500


@dataclass(frozen=True)
class Shown:
    """A trial as a rater may know it.

    Attributes
    ----------
    id, attempt : what an answer has to name
    number : 1 for the first trial of the sitting
    prompt, category : as given, or None
    references : how many pictures there are
    frames, fps, size_px : of both clips
    """

    id: str
    attempt: int
    number: int
    prompt: str | None
    category: str | None
    references: int
    frames: int
    fps: float
    size_px: tuple[int, int]


@dataclass(frozen=True)
class Progress:
    """How far a sitting is: trials in all, answered, skipped."""

    total: int
    answered: int
    skipped: int

    @property
    def left(self) -> int:
        return self.total - self.answered - self.skipped


class Session:
    """One rater's sitting on one material. Made, or taken up again, by :meth:`open`."""

    def __init__(self, material: Material, ledger: Ledger, begun: Begun) -> None:
        self.material, self.ledger, self._begun = material, ledger, begun
        self._trials: dict[str, Trial] = trials_of(ledger, begun)
        self._item_of = {file: item for item in material.items for file in item.clips.values()}
        for check in material.checks:
            for file in check.clips:
                self._item_of.setdefault(file, material.items[check.item])
        for name, trial in self._trials.items():
            if trial.clips is None or not all(clip in self._item_of for clip in trial.clips):
                raise IdConflict(name, expected="clips of this material", found="others")

    @classmethod
    def open(
        cls,
        material: Material | str | Path,
        ledger: Ledger | str | Path,
        *,
        voter: str,
        trials: int | None = None,
        checks: bool = True,
        seed: int | None = None,
    ) -> Session:
        """Begin a sitting, or go on with it where the same voter has begun one on this material.

        Parameters
        ----------
        material : what :func:`hhlab.blind.prepare` made, or its folder
        ledger : or its place
        voter : a name or a pseudonym; one sitting each
        trials : comparisons, test trials not counted; None: every pair on every item
        checks : whether to mix in test trials, about one to eight
        seed : for the same draw again, which tests need; None: nobody can know it

        All sides and the order are drawn now, and the ledger holds the hash of every assignment
        before this returns.

        Raises
        ------
        BadArgument, LedgerError, FileMissing, NotMedia
        """
        material = Material.open(material)
        ledger = ledger if isinstance(ledger, Ledger) else Ledger.open(ledger)
        name = session_id(material.study, text("voter", voter))
        begun = find_session(ledger, name)
        if begun is None:
            if trials is not None and not (isinstance(trials, int) and trials >= 1):
                raise BadArgument("trials", expected="1 or more", found=repr(trials))
            plan = draw(material, ledger, trials=trials, checks=checks, seed=seed)
            begun = begin(ledger, name, voter=voter, study=material.study, trials=plan)
        return cls(material, ledger, begun)

    # --- what a rater may know -----------------------------------------------------------------
    @property
    def id(self) -> str:
        return self._begun.session

    @property
    def voter(self) -> str:
        return self._begun.voter

    def current(self) -> Shown | None:
        """The trial to answer now, or None when all are."""
        return self.upcoming(1)[0] if self.progress().left else None

    def upcoming(self, count: int) -> list[Shown]:
        """The next so many open trials; the first is the current one."""
        return self._open(states(self.ledger, self._begun), count)

    def _open(self, found: Mapping[str, State], count: int) -> list[Shown]:
        opened = [name for name, state in found.items() if state.answer is None][:count]
        return [self._shown(name, found[name].attempt) for name in opened]

    def _shown(self, name: str, attempt: int) -> Shown:
        trial, item = self._trials[name], self.item(name)
        number = self._begun.trials.index(name) + 1
        return Shown(name, attempt, number, trial.prompt, trial.category, len(item.references),
                     item.frames, self.material.fps, self.material.size_px)  # fmt: skip

    def progress(self) -> Progress:
        """How many trials are answered, skipped, and there in all."""
        given = self.answers().values()
        skipped = sum(answer.reason is not None for answer in given)
        return Progress(len(self._trials), len(given) - skipped, skipped)

    def item(self, trial: str) -> Item:
        """The item shown in a trial. Raises :class:`UnknownTrial`."""
        return self._item_of[self._known(trial).clips[0]]

    def media(self, trial: str, what: str) -> Path:
        """The file that is shown as "left", "right" or "reference/0" of a trial.

        Raises UnknownTrial and BadArgument.
        """
        known = self._known(trial)
        if what in ("left", "right"):
            return self.material.path(known.clips[what == "right"])
        kind, _, number = what.partition("/")
        references = self.item(trial).references
        if kind != "reference" or not number.isdecimal() or int(number) >= len(references):
            raise BadArgument(what, expected="left, right or reference/NUMBER")
        return self.material.path(references[int(number)])

    # --- answering -----------------------------------------------------------------------------
    def vote(
        self,
        trial: str,
        outcome: str,
        *,
        attempt: int,
        dimensions: Mapping[str, str] | None = None,
        took_s: float | None = None,
        observed: Mapping[str, Any] | None = None,
    ) -> bool:
        """Answer a trial: "a" (left is better), "b", "tie" or "both_bad".

        Parameters
        ----------
        attempt : of the trial as it was shown
        dimensions : further answers, such as {"lip sync": "b"}
        took_s : seconds from seeing both clips to answering
        observed : what is known of how they were watched, in numbers and texts

        Returns
        -------
        bool : whether this was recorded; False: the trial is answered already, or was shown again
            since, so that this answer is to something else

        Raises
        ------
        UnknownTrial, UnknownOutcome, BadArgument, LedgerError: nothing was recorded
        """
        self._known(trial)
        outcomes = {**(dimensions or {}), OVERALL: outcome}
        for name, answer in outcomes.items():
            text("dimension", name)
            if answer not in OUTCOMES:
                raise UnknownOutcome(name, expected=", ".join(OUTCOMES), found=repr(answer)[:80])
        if took_s is not None and not (math.isfinite(took_s) and 0 <= took_s <= _LONGEST_S):
            raise BadArgument("took_s", expected="seconds of one day", found=repr(took_s))
        return record_answer(
            self.ledger, trial, outcomes, attempt=_attempt(attempt), is_check=self.is_check(trial),
            took_s=took_s, observed=observed,
        )  # fmt: skip

    def skip(self, trial: str, reason: str, *, attempt: int) -> bool:
        """Leave a trial unanswered, with the reason; returns and raises as :meth:`vote`."""
        self._known(trial)
        reason = text("reason", reason.strip() if isinstance(reason, str) else reason)
        return record_skip(self.ledger, trial, reason[:_LONGEST_REASON], attempt=_attempt(attempt))

    def last(self) -> tuple[str, int] | None:
        """The trial answered (or skipped) last and its attempt, for :meth:`undo`; or None."""
        return _last(states(self.ledger, self._begun))

    def undo(self, trial: str, *, attempt: int) -> bool:
        """Take an answer back, so that the trial is shown again. False where it does not stand.

        Raises UnknownTrial; TrialRevealed once it is known whose clips they were.
        """
        self._known(trial)
        return take_back(self.ledger, trial, attempt=_attempt(attempt))

    def reveal(self, trial: str) -> Reveal:
        """Disclose whose clips those were; no vote on this trial can be given or undone after it.

        Raises UnknownTrial; BadArgument for a trial that is not answered yet.
        """
        self._known(trial)
        if states(self.ledger, self._begun)[trial].answer is None:
            raise BadArgument(trial, expected="a trial that has been answered", found="an open one")
        return self.ledger.reveal(trial)

    # --- for those who evaluate ----------------------------------------------------------------
    def answers(self) -> dict[str, Answer]:
        """trial -> its answer, as it stands, in the order in which they were given."""
        found = states(self.ledger, self._begun)
        given = [(name, state.answer) for name, state in found.items() if state.answer]
        return dict(sorted(given, key=lambda each: each[1].place))

    def is_check(self, trial: str) -> bool:
        """Whether a trial is a test; raters are not told before the end."""
        return self._known(trial).left.startswith(CHECK)

    def trial(self, trial: str) -> Trial:
        """A trial with its secret half. Raises :class:`UnknownTrial`."""
        return self._known(trial)

    def _known(self, trial: str) -> Trial:
        if not isinstance(trial, str) or trial not in self._trials:
            raise UnknownTrial(str(trial)[:80], expected="a trial of this session")
        return self._trials[trial]


def _last(found: Mapping[str, State]) -> tuple[str, int] | None:
    given = [(state.answer.place, name, state.attempt)
             for name, state in found.items() if state.answer]  # fmt: skip
    return max(given)[1:] if given else None


def _attempt(attempt: Any) -> int:
    if isinstance(attempt, bool) or not isinstance(attempt, int) or attempt < 0:
        raise BadArgument("attempt", expected="a whole number from 0", found=repr(attempt)[:80])
    return attempt
