"""The prompt lab: compose, run, look, compare, remember."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from shlex import quote
from typing import Any

import ipywidgets

from hhlab.errors import BadArgument, HhlabError
from hhlab.generate.contenders import contenders as known
from hhlab.generate.protocol import Generator
from hhlab.lab.export import write_suite
from hhlab.lab.offers import Estimate
from hhlab.lab.record import Take
from hhlab.lab.room import Lab
from hhlab.widgets.cards import money
from hhlab.widgets.compare import Compare
from hhlab.widgets.drop import Drop
from hhlab.widgets.lab_form import LabForm, Offer
from hhlab.widgets.wall import Wall


class PromptLab(ipywidgets.VBox):
    """Compose shots, run them on contenders, see clips as they arrive, and compare any two.

    Parameters
    ----------
    folder : where everything is kept; opening it again brings it back
    contenders : names for :func:`hhlab.load`, or generators by name
    metrics : what is measured of each clip; None: all that need nothing but the clip

    Attributes
    ----------
    lab : the :class:`hhlab.lab.Lab` behind it, for code: ``room.lab.to_frame()``
    """

    def __init__(
        self, folder: str | os.PathLike = "lab",
        contenders: Sequence[str] | Mapping[str, Generator] = ("foal",), *,
        metrics: Sequence[str] | None = None, lab: Lab | None = None,
    ) -> None:  # fmt: skip
        self.lab = lab or Lab(folder, contenders, metrics=metrics)
        self.compare = Compare(closed=self._hide_comparison)
        self.compare.layout.display = "none"
        self.drop = Drop(self.lab.history, self._look)
        self.wall = Wall(self.lab, self._act)
        self._ready = False
        self.make = ipywidgets.Button(description="Make", button_style="primary", icon="play")
        self.make.add_class("hh-lab-make")
        self.hint = ipywidgets.HTML()
        self.form = LabForm(
            {name: self._offer(name) for name in self.lab.contenders}, changed=self._look,
            material=self._material,
        )  # fmt: skip
        self.form.zone.children = (self.drop,)
        self.make.on_click(lambda _button: self._run())
        left = ipywidgets.VBox([self.form, self.make, self.hint])
        left.add_class("hh-lab-left")
        right = ipywidgets.VBox([self.compare, self.wall])
        right.add_class("hh-lab-right")
        super().__init__([ipywidgets.Box([left, right]).add_class("hh-lab-both")])
        self.add_class("hh-lab")
        self._ready = True
        self._known: set[str] = set()
        self.lab.listen(self._learn)
        self._look()

    # --- the form ---------------------------------------------------------------------------------
    def _offer(self, name: str) -> Offer:
        generator, row = self.lab.generator(name), known().get(name)
        note = ""
        if generator is None and row is not None:
            state, advice = row.status()
            note = "" if state == "ready" else f"{state}: {advice}"
        config = getattr(generator, "config", None)
        words = tuple(getattr(config, "words", None) or ())
        offer = self.lab.offer(name)
        if offer is None:
            return Offer(words=words, note=note)
        return Offer(offer[0], offer[1], words, note)

    def _learn(self, take: Take) -> None:
        """Once a contender has been loaded, more is known of it."""
        name = take.contender
        if name not in self._known and self.lab.generator(name) is not None:
            self._known.add(name)
            self.form.know(name, self._offer(name))

    def _material(self, zones: Sequence[str]) -> dict[str, Any]:
        history, found = self.lab.history, {}
        for zone in zones:
            kept = self.drop.given[zone]
            if not kept:
                continue
            if zone == "references":
                found[zone] = [history.picture_path(one) for one in kept]
            elif zone == "first_frame":
                found[zone] = history.picture_path(kept[-1])
            else:
                found[zone] = history.clip(kept[-1])
        return found

    def _look(self) -> None:
        """Say what pressing the button will do, or what is missing."""
        if not self._ready:
            return
        from hhlab.widgets.lab_form import ZONES_OF

        zones = ZONES_OF[self.form.mode.value]
        if zones != getattr(self, "_zones", None):
            self._zones = zones
            self.drop.ask_for(zones)
        try:
            request = self.form.read()
            self.lab.check(request.cells)
        except HhlabError as error:
            self.make.disabled, self.make.description = True, "Make"
            self.hint.value = (
                f"<div class='hh-hint' role='status'>{escape(plain_words(error))}</div>"
            )
            return
        count = len(request.cells)
        self.make.disabled = False
        self.make.description = f"Make {count} clip{'s' if count > 1 else ''}"
        bought = any(name in known() for name in self.form.chosen)
        words = escape(estimate_words(self.lab.estimate(request.cells), bought=bought))
        self.hint.value = f"<div class='hh-hint' role='status'>{words}</div>"

    def _run(self) -> None:
        try:
            request = self.form.read()
            self.lab.run_cells(request.cells, measure=request.measure)
        except (HhlabError, OSError) as error:
            self.wall.say(plain_words(error), bad=True)

    # --- what the wall asks -----------------------------------------------------------------------
    def _act(self, what: str, takes: list[str], value: Any) -> None:
        try:
            self._do(what, takes, value)
        except (HhlabError, OSError) as error:
            self.wall.say(plain_words(error), bad=True)

    def _do(self, what: str, takes: list[str], value: Any) -> None:
        if what == "cancel_all":
            self.lab.cancel_all()
        elif what == "compare" and len(takes) == 2:
            self._show_two(takes)
        elif what == "python" and takes:
            text = self.lab.python(takes, start=Path.cwd())
            self.wall.show_text("Copy as Python", text, "Paste it into a code cell.")
        elif what == "study" and takes:
            self._study(takes)
        elif what == "cancel":
            for take in takes:
                self.lab.cancel(take)
        elif takes:
            self._do_one(what, takes[0], value)

    def _do_one(self, what: str, take: str, value: Any) -> None:
        if what == "favourite":
            self.lab.favourite(take, bool(value))
        elif what == "measure":
            self.lab.measure(take)
        elif what == "again":
            used = [t.asked.seed for t in self.lab.takes]
            self.lab.again(take, seed=max(used) + 1, measure=self.form.measure.value)
        elif what == "use":
            self._use(self.lab[take])
        elif what in ("edit", "first", "reference"):
            zone, mode = {
                "edit": ("source", "edit"), "first": ("first_frame", "image-to-video"),
                "reference": ("references", "reference-to-video"),
            }[what]  # fmt: skip
            if mode not in [value for _, value in self.form.mode.options]:
                raise BadArgument("Start from", expected="a contender that can do this",
                                  found=", ".join(self.form.chosen))  # fmt: skip
            self.form.mode.value = mode
            self.drop.take(zone, take)
            self.wall.say("Taken over into the form.")

    def _show_two(self, takes: Sequence[str]) -> None:
        shown = [self.lab.scores(take) or self.lab.clip(take) for take in takes]
        names = tuple(
            f"{t.contender}, seed {t.asked.seed}" for t in map(self.lab.__getitem__, takes)
        )
        self.compare.layout.display = None
        self.compare.show(*shown, names=names)

    def _hide_comparison(self) -> None:
        self.compare.layout.display = "none"

    def _use(self, take: Take) -> None:
        asked = take.asked
        self.drop.clear()
        for digest in asked.references:
            self.drop.put("references", digest)
        for zone in ("first_frame", "source", "sound", "picture"):
            if getattr(asked, zone):
                self.drop.put(zone, getattr(asked, zone))
        self.form.fill(asked, take.contender)
        self.wall.say("Taken over into the form.")

    def _study(self, takes: Sequence[str]) -> None:
        chosen = [self.lab[take] for take in takes]
        folder = self.lab.history.folder / "suites"
        number = 1 + sum(1 for _ in folder.glob("lab-*.yaml")) if folder.is_dir() else 1
        path = write_suite(self.lab.history, chosen, folder / f"lab-{number:03}.yaml")
        who = ",".join(dict.fromkeys(take.contender for take in chosen))
        seeds = len({take.asked.seed for take in chosen})
        command = (f"# hhlab study run {quote(path.as_posix())} --contenders {quote(who)} "
                   f"--seeds {seeds} -o runs/{path.stem}\n")  # fmt: skip
        self.wall.show_text("Make a study", command + path.read_text(encoding="utf-8"),
                            f"Written to {path.as_posix()}.")  # fmt: skip


def estimate_words(estimate: Estimate, *, bought: bool) -> str:
    """An estimate in a phrase; where nothing may be bought, an unknown price is not spoken of."""
    parts = []
    if estimate.seconds is not None:
        seconds = max(1, round(estimate.seconds))
        parts.append(f"about {seconds} s" if seconds < 90 else f"about {round(seconds / 60)} min")
    if bought or estimate.usd is not None:
        parts.append(money(estimate.usd))
    return ", ".join(parts)


def plain_words(error: Exception) -> str:
    """An error as one reads it in a form: what is asked for, and what stands there."""
    if isinstance(error, HhlabError) and error.expected:
        subject = f"{error.subject}: " if error.subject else ""
        told = error.found and error.found not in ("none", "nothing yet")
        found = f", not {error.found}" if told else ""
        return f"{subject}{error.expected}{found}."
    return str(error) or type(error).__name__
