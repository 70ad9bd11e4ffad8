"""The form of the prompt lab: ordinary controls, read as one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import ipywidgets

from hhlab.errors import BadArgument
from hhlab.generate.protocol import MODES, Limits
from hhlab.lab.draft import CHOICES, Draft, understand
from hhlab.lab.sweep import NAMES, Axis, Cell, plan

ZONES_OF = {
    "text-to-video": (), "image-to-video": ("first_frame",),
    "reference-to-video": ("references",), "edit": ("source",),
    "picture for a sound": ("sound",), "sound for a picture": ("picture",),
}  # fmt: skip
"""What each mode starts from besides a prompt."""
MODE_NAMES = {
    "text-to-video": "Text", "image-to-video": "First picture", "reference-to-video": "References",
    "edit": "Edit a clip", "picture for a sound": "Pictures for a sound",
    "sound for a picture": "Sound for pictures",
}  # fmt: skip
_HINTS = {
    "subject": "a young woman with long red hair", "clothes": "a blue hoodie", "background": "park",
    "light": "warm", "camera": "zoom in", "dialogue": "we love this moon", "voice": "high",
    "more": "further sentences", "negative": "what is not wanted",
}  # fmt: skip
_LONG = ("subject", "dialogue", "more")
_LABELS = {"negative": "Not wanted", "more": "And"}
DEFAULT = "as the contender does"


@dataclass(frozen=True)
class Request:
    """What the form asks for."""

    cells: tuple[Cell, ...]
    measure: bool


@dataclass(frozen=True)
class Offer:
    """What the form needs to know of a contender."""

    modes: frozenset[str] = frozenset(MODES)
    limits: Limits | None = None
    words: tuple[str, ...] = ()
    note: str = ""


class LabForm(ipywidgets.VBox):
    """The form.

    Parameters
    ----------
    offers : contender -> what it can do
    changed : called after every change
    material : gives what was dropped, as fields of a Shot, for some zones
    """

    def __init__(
        self, offers: Mapping[str, Offer], *, changed: Callable[[], None],
        material: Callable[[Sequence[str]], dict[str, Any]],
    ) -> None:  # fmt: skip
        self.offers, self._changed, self._material = dict(offers), changed, material
        self.parts = {f.name: _part(f.name) for f in fields(Draft)}
        self.own = ipywidgets.Checkbox(
            False, description="Write the whole prompt myself", indent=False
        )
        self.text = ipywidgets.Textarea(
            "", rows=4, placeholder="What is to be seen and heard", layout={"width": "auto"}
        )
        self.said = ipywidgets.HTML()
        self.mode = ipywidgets.Dropdown(
            options=[(MODE_NAMES[mode], mode) for mode in MODES], description="Start from"
        )
        self.seeds = _text("Seeds", "1", "1, 2, 3 or 1-4")
        self.seconds = _text("Seconds", "", DEFAULT)
        self.size = ipywidgets.Dropdown(options=[(DEFAULT, None)], description="Size")
        self.steps = _text("Steps", "", DEFAULT)
        self.guidance = _text("Guidance", "", DEFAULT)
        first = next(iter(self.offers), None)
        self.contenders = {
            name: ipywidgets.Checkbox(name == first, description=name, indent=False)
            for name in self.offers
        }
        self.axes = [_axis("Rows"), _axis("Columns")]
        self.measure = ipywidgets.Checkbox(True, description="Measure each clip", indent=False)
        self.sweep = _folded("Sweep: a grid of clips", [w for pair in self.axes for w in pair])
        self.settings = _folded(
            "Length, size, sampler", [self.seconds, self.size, self.steps, self.guidance]
        )
        boxes = [_who(box, self.offers[name].note) for name, box in self.contenders.items()]
        self.zone = ipywidgets.VBox([])
        super().__init__([
            _heading("Contenders"), *boxes,
            _heading("Shot"), self.mode, self.zone,
            ipywidgets.VBox([*self.parts.values()]), self.own, self.text, self.said,
            _heading("Takes"), self.seeds, self.settings, self.sweep, self.measure,
        ])  # fmt: skip
        self.add_class("hh-lab-form")
        controls = [*self.parts.values(), self.own, self.text, self.mode, self.seeds, self.seconds,
                    self.size, self.steps, self.guidance, *self.contenders.values(),
                    *(w for pair in self.axes for w in pair), self.measure]  # fmt: skip
        for control in controls:
            control.observe(self._react, "value")
        self._quiet = False
        self._react()

    # --- reading ----------------------------------------------------------------------------------
    @property
    def draft(self) -> Draft:
        """The parts as they stand."""
        return Draft(**{name: control.value for name, control in self.parts.items()})

    @property
    def chosen(self) -> list[str]:
        """The contenders that are ticked."""
        return [name for name, box in self.contenders.items() if box.value]

    def read(self) -> Request:
        """The clips that the form asks for. Raises :class:`BadArgument`, in words for its user."""
        rows, columns = (self._axis(choice, values) for choice, values in self.axes)
        if not self.chosen and "contender" not in (rows and rows.name, columns and columns.name):
            raise BadArgument("Contenders", expected="at least one contender", found="none")
        zones = ZONES_OF[self.mode.value]
        material = self._material(zones)
        if zones and not material:
            name = MODE_NAMES[self.mode.value].lower()
            raise BadArgument("Start from", expected=f"something to start from ({name})",
                              found="nothing yet")  # fmt: skip
        negative = self.parts["negative"].value.strip()
        draft: Draft | str = self.text.value.strip() if self.own.value else self.draft
        prompt = draft if isinstance(draft, str) else draft.prompt
        varied = {axis.name for axis in (rows, columns) if axis is not None}
        if not prompt and not material and not varied & {"prompt", "added words"}:
            raise BadArgument("Shot", expected="a subject, some words, or a whole prompt",
                              found="nothing yet")  # fmt: skip
        cells = plan(
            draft, contenders=self.chosen or [*self.offers], rows=rows, columns=columns,
            seeds=Axis.read("seed", self.seeds.value).values, negative_prompt=negative,
            seconds=_number("Seconds", self.seconds.value, float), size_px=self.size.value,
            steps=_number("Steps", self.steps.value, int),
            guidance=_number("Guidance", self.guidance.value, float), **material,
        )  # fmt: skip
        return Request(tuple(cells), self.measure.value)

    def _axis(self, choice: Any, values: Any) -> Axis | None:
        if not choice.value:
            return None
        if choice.value == "contender" and not values.value.strip():
            return Axis("contender", tuple(self.offers))
        return Axis.read(choice.value, values.value)

    # --- writing ----------------------------------------------------------------------------------
    def fill(self, asked: Any, contender: str) -> None:
        """Take over what was asked for once (an :class:`hhlab.lab.record.Asked`)."""
        self._quiet = True
        try:
            self.own.value, self.text.value = True, asked.prompt
            self.parts["negative"].value = asked.negative_prompt
            self.seeds.value = str(asked.seed)
            for control, value in ((self.seconds, asked.seconds), (self.steps, asked.steps),
                                   (self.guidance, asked.guidance)):  # fmt: skip
                control.value = "" if value is None else f"{value:g}"
            sizes = [value for _, value in self.size.options]
            self.size.value = asked.size_px if asked.size_px in sizes else None
            self.mode.value = asked.mode
            if contender in self.contenders:
                for name, box in self.contenders.items():
                    box.value = name == contender
        finally:
            self._quiet = False
        self._react()

    def know(self, contender: str, offer: Offer) -> None:
        """Take note of what a contender can do, now that it is known."""
        self.offers[contender] = offer
        self._react()

    def _react(self, _change: Any = None) -> None:
        if self._quiet:
            return
        own = self.own.value
        for name, control in self.parts.items():
            control.layout.display = "none" if own and name != "negative" else None
        self.text.layout.display = None if own else "none"
        chosen = [self.offers[name] for name in self.chosen]
        limits = [offer.limits for offer in chosen if offer.limits is not None]
        sizes = {size: None for each in limits for size in each.sizes_px}
        options = [(DEFAULT, None), *((f"{w} × {h}", (w, h)) for w, h in sizes)]
        if list(self.size.options) != options:
            kept = self.size.value
            self.size.options = options
            self.size.value = kept if kept in sizes else None
        sampler = not limits or any(each.sampler for each in limits)
        for control in (self.steps, self.guidance):
            control.disabled = not sampler
        self.parts["negative"].disabled = bool(limits) and not any(
            each.negative_prompt for each in limits
        )
        modes = set(MODES) if not chosen else set.union(*(set(o.modes) for o in chosen))
        options = [(MODE_NAMES[mode], mode) for mode in MODES if mode in modes]
        if list(self.mode.options) != options:
            kept = self.mode.value
            self.mode.options = options
            self.mode.value = kept if kept in modes else options[0][1]
        for choice, values in self.axes:
            values.layout.display = None if choice.value else "none"
            values.placeholder = _AXIS_HINTS.get(choice.value or "", "one value a line")
        self.said.value = self._saying()
        self._changed()

    def _saying(self) -> str:
        """The prompt as it will be said, and what a small model will not understand of it."""
        prompt = self.text.value if self.own.value else self.draft.prompt
        parts = []
        if prompt and not self.own.value:
            parts.append(f"<q class='hh-said'>{escape(prompt)}</q>")
        for name in self.chosen:
            words = self.offers[name].words
            unknown = understand(prompt, words).unknown if words and prompt else ()
            if unknown:
                parts.append(f"<span class='hh-unknown'>{escape(name)} does not know: "
                             f"<b>{escape(', '.join(unknown[:12]))}</b></span>")  # fmt: skip
        return "".join(f"<div>{part}</div>" for part in parts)


_AXIS_HINTS = {
    "seed": "1-4", "guidance": "1, 2.5, 4", "steps": "4, 10, 20", "seconds": "1, 2",
    "prompt": "one whole prompt a line", "added words": "words added to the prompt, one set a line",
    "contender": "all of them, or one a line",
}  # fmt: skip


def _part(name: str) -> ipywidgets.Widget:
    label = _LABELS.get(name, name.capitalize())
    hint = f"e.g. {_HINTS[name]}" if name not in ("negative", "more") else _HINTS[name]
    if name in CHOICES:
        return ipywidgets.Combobox(
            options=CHOICES[name], description=label, placeholder=hint, ensure_option=False
        )
    if name in _LONG:
        return ipywidgets.Textarea("", rows=2, description=label, placeholder=hint)
    return _text(label, "", hint)


def _text(label: str, value: str, hint: str) -> ipywidgets.Text:
    return ipywidgets.Text(value, description=label, placeholder=hint)


def _axis(label: str) -> tuple[ipywidgets.Dropdown, ipywidgets.Textarea]:
    choice = ipywidgets.Dropdown(options=[("nothing", ""), *((n, n) for n in NAMES)],
                                 description=label)  # fmt: skip
    values = ipywidgets.Textarea("", rows=2, description="Values")
    return choice, values


def _folded(title: str, inside: Sequence[ipywidgets.Widget]) -> ipywidgets.Accordion:
    box = ipywidgets.Accordion([ipywidgets.VBox([*inside])], titles=(title,))
    box.selected_index = None
    return box


def _heading(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(f"<h3 class='hh-lab-heading'>{escape(text)}</h3>")


def _who(box: ipywidgets.Checkbox, note: str) -> ipywidgets.Widget:
    if not note:
        return box
    return ipywidgets.VBox([box, ipywidgets.HTML(f"<div class='hh-who'>{escape(note)}</div>")])


def _number(label: str, text: str, kind: type) -> float | int | None:
    if not text.strip():
        return None
    try:
        return kind(text.strip().replace(",", "."))
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise BadArgument(label, expected=f"{what}, or nothing", found=repr(text)) from None
