"""Which of several descriptions fits the pictures best, by a network that knows both (CLIP).

A similarity by itself says nothing: it is higher for some words than for others whatever is shown.
So a clause is put beside what else might have been asked (the other places, the other colours), and
what counts is whether it wins, window of time by window of time (Radford et al. 2021, zero-shot
classification). What has no alternatives, such as what somebody does, is put beside sentences of
other things; there it is enough that it wins at some time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hhlab.metrics.instruction import lexicon
from hhlab.metrics.instruction.checks import Instrument
from hhlab.metrics.instruction.clause import OTHER, Clause
from hhlab.metrics.instruction.colours import HAIR, NAMES
from hhlab.metrics.instruction.result import Answer, Finding
from hhlab.metrics.light_asked import VALUES

WINDOWS = 4
YES, NO = 0.6, 0.2
"""Probability of the clause among its alternatives; set beforehand, not fitted to anything."""
SHARPNESS = 100.0
"""By which CLIP's training multiplies cosines before it compares them."""
ELSE = (
    "an empty room", "a landscape", "a person who stands still", "a person who talks",
    "a close-up of a face", "several people", "an object on a table", "a street with cars",
    "an animal", "a drawing",
)  # fmt: skip


class TextAndPictures(Protocol):
    """Unit vectors for sentences and for pictures, float32 (n, d), in one space."""

    name: str

    def embed(self, crops: Sequence[np.ndarray]) -> np.ndarray: ...

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray: ...


def rivals(clause: Clause) -> tuple[str, tuple[str, ...]]:
    """The sentence of a clause, and those of what else might have been asked; () for none known."""
    kind, asked = clause.kind, clause.asked
    tables: dict[str, tuple[str, Sequence[str]]] = {
        "person": ("a {}", tuple(lexicon.PEOPLE)), "age": ("a {} person", tuple(lexicon.AGES)),
        "skin": ("a person with {} skin", tuple(lexicon.SKINS)),
        "hair": ("a person with {} hair", ("short", "long")),
        "hair colour": ("a person with {} hair", tuple(HAIR)),
        "garment": ("a person who wears a {}", tuple(lexicon.GARMENTS)),
        "clothes colour": ("a person in {} clothes", tuple(NAMES)),
        "background colour": ("a person before a {} background", tuple(NAMES)),
        "place": ("a person, {} in the background", tuple(lexicon.PLACES)),
    }  # fmt: skip
    if kind in ("glasses", "beard"):
        thing = "glasses" if kind == "glasses" else "a beard"
        both = {"yes": f"a person with {thing}", "no": f"a person without {thing}"}
        return both[asked], tuple(text for value, text in both.items() if value != asked)
    if (kind, asked) == ("hair", "bald"):
        return "a bald person", ("a person with short hair", "a person with long hair")
    if kind == "light" and clause.about in ("warmth", "level", "softness"):
        tables["light"] = ("a picture in {} light", VALUES[clause.about])
    if kind == OTHER:  # such a network does not hear a "no"
        denied = re.match(r"(?:no|not|never|without|nor)\b", asked.lower())
        return ("", ()) if denied else (clause.phrase, ELSE)
    if kind not in tables:
        return "", ()
    form, values = tables[kind]
    return form.format(asked), tuple(form.format(v) for v in values if v != asked)


def contrast(pictures: Sequence[np.ndarray], encoder: TextAndPictures) -> Instrument:
    """By pictures uint8 (h, w, 3) in order of time, and a network that takes texts too."""
    rows = encoder.embed(pictures) if len(pictures) else np.empty((0, 1), np.float32)
    parts = [part for part in np.array_split(rows, min(WINDOWS, max(1, len(rows)))) if len(part)]
    windows = np.array([part.mean(axis=0) / np.linalg.norm(part.mean(axis=0)) for part in parts])

    def look(clause: Clause) -> Finding | None:
        mine, others = rivals(clause)
        if not others:
            return None
        if not len(windows):
            return Finding(clause, encoder.name, "undetermined", reason="no picture was kept")
        cosines = windows @ encoder.embed_texts([mine, *others]).T
        chances = softmax(SHARPNESS * cosines)
        # What somebody does may take a part of the clip only; what somebody is lasts.
        chance = chances[chances[:, 0].argmax()] if clause.kind == OTHER else chances.mean(axis=0)
        best = (mine, *others)[int(chance.argmax())]
        answer: Answer = "yes" if chance[0] >= YES else "no" if chance[0] <= NO else "undetermined"
        reason = "" if answer != "undetermined" else "several descriptions fit about as well"
        sure = float(1 - chance[0] if answer == "no" else chance[0])
        return Finding(clause, encoder.name, answer, best, sure, reason)

    return look


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
