"""The blind pair: a thin widget over a session. All rules are in :mod:`hhlab.blind.session`.

What a page may know is what :meth:`BlindPair.state` returns and the clips' bytes; both travel as
custom messages. Traits, which notebooks keep and pages show, hold the script and the style only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget

from hhlab.arena import errors
from hhlab.arena.ledger import Ledger
from hhlab.arena.ledger.sessions import any_revealed
from hhlab.blind.hints import hints
from hhlab.blind.material import CHECK, DAMAGED, Material
from hhlab.blind.qualify import qualification
from hhlab.blind.session import Session, Shown
from hhlab.errors import BadArgument, HhlabError
from hhlab.widgets.assets import PLAYER, script, style
from hhlab.widgets.transfer import answer_want

DIMENSIONS = ("identity", "lip sync", "texture", "motion", "prompt")
"""What may be asked besides which clip is better."""
REVEAL = ("after", "end", "never")

_OBSERVED = ("seen", "shown", "plays", "steps", "heard_left_s", "heard_right_s", "skew_ms",
             "skew_frames", "late_ms", "dropped", "hidden_s")  # fmt: skip
_MIME = {".mp4": "video/mp4", ".png": "image/png"}
# Errors as a page may show them: the errors' own words may name clips and places.
_SENTENCES = {
    errors.LedgerFull: "The disk is full. Your answer was not saved.",
    errors.LedgerReadOnly: "The ledger of votes cannot be written. Your answer was not saved.",
    errors.LedgerBusy: "Others kept the ledger of votes busy. Your answer was not saved.",
    errors.LedgerUnreachable: "The ledger of votes cannot be reached. Perhaps nothing was saved.",
    errors.TrialRevealed: "It has been shown whose clips these are: this answer stands.",
}


class BlindPair(anywidget.AnyWidget):
    """Two clips side by side, nobody told whose they are: which is better?

    Parameters
    ----------
    material : what :func:`hhlab.blind.prepare` made, or its folder; or a :class:`Session`
    ledger : where votes go (a :class:`Ledger` or its place); not needed with a session
    voter : name or pseudonym of who votes; running the same again goes on at the same trial
    trials, checks, seed : as of :meth:`Session.open`
    dimensions : further questions, such as ``("identity", "lip sync")``; answering them is optional
    reveal : when raters learn whose clips they saw: "after" each vote, at the "end", or "never"

    Attributes
    ----------
    session : the rater's sitting; ``session.progress()`` tells how far it is
    """

    _esm = script(*PLAYER, "theme", "keys", "transfer", "pair_view", "pair")
    _css = style("player", "pair")

    def __init__(
        self,
        material: Material | Session | str | Path,
        *,
        ledger: Ledger | str | Path | None = None,
        voter: str | None = None,
        trials: int | None = None,
        checks: bool = True,
        seed: int | None = None,
        dimensions: Sequence[str] = (),
        reveal: str = "end",
    ) -> None:
        if reveal not in REVEAL:
            raise BadArgument("reveal", expected=", ".join(REVEAL), found=repr(reveal))
        if isinstance(dimensions, str) or not all(isinstance(d, str) and d for d in dimensions):
            raise BadArgument("dimensions", expected="a list of names", found=repr(dimensions))
        if not isinstance(material, Session):
            if ledger is None or voter is None:
                raise BadArgument("ledger and voter", expected="both, or a Session", found="neither"
                                  if ledger is voter else "one")  # fmt: skip
            material = Session.open(
                material, ledger, voter=voter, trials=trials, checks=checks, seed=seed
            )
        self.session = material
        self._dimensions, self._reveal = tuple(dict.fromkeys(dimensions)), reveal
        self._watchers: list[Callable[[], None]] = []
        self._awaiting: list[Callable[[], None]] = []
        self._is_shown = False
        super().__init__()
        self.on_msg(lambda _, message, __: self.receive(message))

    def on_vote(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever an answer was recorded, taken back or revealed."""
        self._watchers.append(watcher)

    def when_shown(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` once, as soon as a page shows the pair; at once where one does."""
        if self._is_shown:
            watcher()
        else:
            self._awaiting.append(watcher)

    @property
    def is_finished(self) -> bool:
        """Whether all trials are answered and the rater has been shown whose clips they were."""
        return (
            self._reveal != "never"
            and self.session.progress().left == 0
            and any_revealed(self.session.ledger, self.session.id)
        )

    # --- what the page is told -----------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """All that the page draws, in plain values; nothing in it tells whose a clip is, until the
        rater has finished and asks."""
        session, progress = self.session, self.session.progress()
        ahead = session.upcoming(2)
        last = session.last()
        return {
            "kind": "state",
            "trial": self._trial(ahead[0]) if ahead else None,
            "next": self._trial(ahead[1]) if len(ahead) > 1 else None,
            "progress": {"total": progress.total, "answered": progress.answered,
                         "skipped": progress.skipped},
            "hints": [vars(hint) for hint in hints(list(session.answers().values()))],
            "undo": {"trial": last[0], "attempt": last[1]} if last and self._may_undo() else None,
            "dimensions": list(self._dimensions),
            "reveal": self._reveal,
            "results": self._results() if self.is_finished else None,
        }  # fmt: skip

    def _trial(self, shown: Shown) -> dict[str, Any]:
        return {
            "id": shown.id, "attempt": shown.attempt, "number": shown.number,
            "prompt": shown.prompt, "references": shown.references, "frames": shown.frames,
            "fps": shown.fps, "width": shown.size_px[0], "height": shown.size_px[1],
            "seal": self.session.trial(shown.id).commitment[:12],
        }  # fmt: skip

    def _may_undo(self) -> bool:
        return self._reveal != "after" and not any_revealed(self.session.ledger, self.session.id)

    def _revealed(self, trial: str) -> dict[str, Any]:
        known, answer = self.session.trial(trial), self.session.answers()[trial]
        left, right = known.left, known.right
        if self.session.is_check(trial):
            damaged = DAMAGED in (left, right)
            kind = "one clip was damaged" if damaged else "both clips were the same"
            left, right = (name.removeprefix(CHECK) for name in (left, right))
        else:
            kind = None
        return {"trial": trial, "left": left, "right": right, "test": kind,
                "outcome": answer.outcomes.get("overall"), "reason": answer.reason}  # fmt: skip

    def _results(self) -> dict[str, Any]:
        mine = [each for each in qualification(self.session.ledger, self.session.material.study)
                if each.voter == self.session.voter]  # fmt: skip
        return {
            "answers": [self._revealed(trial) for trial in self.session.answers()],
            "tests": f"{mine[0].damage_right} of {mine[0].damage_shown} damaged pairs seen, "
            f"{mine[0].same_even} of {mine[0].same_shown} identical pairs called even."
            if mine and mine[0].damage_shown + mine[0].same_shown else None,
        }  # fmt: skip

    # --- what the page says --------------------------------------------------------------------
    def receive(self, message: Any) -> None:
        """Act on a message of a page. Anything may come; what is not understood changes nothing."""
        if answer_want(self._tell, message, self._find) or not isinstance(message, dict):
            return
        kind = message.get("kind")
        action = {
            "hello": self._hello, "vote": self._vote, "skip": self._skip, "undo": self._undo,
            "finish": self._finish,
        }.get(kind if isinstance(kind, str) else "")  # fmt: skip
        if action is None:
            return
        try:
            action(message)
        except Exception as error:  # whatever it is, the page must not wait for ever
            self._tell({"kind": "failed", "nonce": message.get("nonce"),
                        "sentence": _sentence(error)})  # fmt: skip
            if not isinstance(error, HhlabError):
                raise

    def _hello(self, message: dict) -> None:
        self._tell(self.state())
        self._is_shown = True
        awaiting, self._awaiting = self._awaiting, []
        for watcher in awaiting:
            watcher()

    def _vote(self, message: dict) -> None:
        trial = message.get("trial")
        said = message.get("dimensions")
        said = said if isinstance(said, dict) else {}
        done = self.session.vote(
            trial, message.get("outcome"), attempt=message.get("attempt"),
            dimensions={name: said[name] for name in self._dimensions if name in said},
            took_s=_number(message.get("took_s")), observed=_observed(message.get("observed")),
        )  # fmt: skip
        revealed = None
        if done and self._reveal == "after":
            self.session.reveal(trial)
            revealed = self._revealed(trial)
        self._answered(message, done, revealed=revealed)

    def _skip(self, message: dict) -> None:
        done = self.session.skip(
            message.get("trial"), message.get("reason"), attempt=message.get("attempt")
        )
        self._answered(message, done)

    def _undo(self, message: dict) -> None:
        if not self._may_undo():
            raise errors.TrialRevealed("undo", expected="a trial that is still blind")
        self._answered(
            message, self.session.undo(message.get("trial"), attempt=message.get("attempt"))
        )

    def _finish(self, message: dict) -> None:
        if self._reveal == "never" or self.session.progress().left:
            raise BadArgument("finish", expected="all trials answered")
        for trial in self.session.answers():
            self.session.reveal(trial)
        self._answered(message, True)

    def _answered(self, message: dict, done: bool, **more: Any) -> None:
        more = {key: value for key, value in more.items() if value is not None}
        self._tell({**self.state(), "nonce": message.get("nonce"), "done": done, **more})
        for watcher in self._watchers:
            watcher()

    def _find(self, key: str) -> tuple[Path, str] | None:
        trial, _, what = key.partition("/")
        try:
            path = self.session.media(trial, what)
        except HhlabError:
            return None
        return path, _MIME[path.suffix]

    def _tell(self, content: dict, buffers: Sequence[bytes] = ()) -> None:
        self.send(content, list(buffers))


def _sentence(error: Exception) -> str:
    for kind, sentence in _SENTENCES.items():
        if isinstance(error, kind):
            return sentence
    return f"That did not work ({type(error).__name__}). Nothing was saved."


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _observed(values: Any) -> dict[str, float]:
    """Of what the page says of the watching, the numbers that we know."""
    if not isinstance(values, dict):
        return {}
    found = {name: _number(values.get(name)) for name in _OBSERVED}
    return {name: round(value, 3) for name, value in found.items() if value is not None}
