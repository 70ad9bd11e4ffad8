"""A clause: one thing that a prompt asks for and that can be checked by itself."""

from __future__ import annotations

from dataclasses import dataclass

OTHER = "other"
KINDS = (
    "camera", "light", "words", "talks", "voice", "person", "age", "skin", "hair", "hair colour",
    "glasses", "beard", "garment", "clothes colour", "background colour", "place", "duration",
    "cuts", OTHER,
)  # fmt: skip


@dataclass(frozen=True)
class Clause:
    """One thing that a prompt asks for.

    Attributes
    ----------
    kind : one of :data:`KINDS`; "other" is what no table knows, such as what somebody does
    asked : the value in plain terms: "pan left", "warm", "red", "woman", "my blue boat", "2" cuts
    phrase : the words that ask for it
    start, end : where they stand in the prompt, characters
    about : what of it is meant: "direction" of light, "jacket" that is to be red
    """

    kind: str
    asked: str
    phrase: str
    start: int
    end: int
    about: str = ""
