"""Chooses phrases for one script, and keeps account of the attributes that they name."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from hhlab.actors import phrases as say
from hhlab.actors.script import Script


@dataclass(frozen=True)
class Prompt:
    """A text, and the names of the attributes that it determines ("words" is what is said)."""

    text: str
    named: tuple[str, ...]


class Writer:
    """Chooses phrases for one script with one stream of random numbers."""

    def __init__(self, script: Script, rng: np.random.Generator, split: str) -> None:
        self.script, self.rng, self.split = script, rng, split
        self.named: set[str] = set()
        self.show_person = True
        self.noun = ""

    def pick(self, table: tuple[str, ...] | dict[str, tuple[str, ...]]) -> str:
        """One of some phrases; of phrases by split, one that belongs to this split."""
        if isinstance(table, dict):
            table = table[self.split]
        return str(table[int(self.rng.integers(len(table)))])

    def chance(self, share: float) -> bool:
        return bool(self.rng.uniform() < share)

    def fill(self, phrase: str, **slots: str) -> str:
        """Put values into a phrase; pronouns name the person."""
        person = self.script.person if self.show_person else ""
        if person and re.search(r"\{[PO]\}", phrase):
            self.named.add("person")
        the = f"the {self.noun or 'person'}"
        pronouns = {"P": say.PRONOUNS.get(person, the), "O": say.OBJECTS.get(person, the)}
        return phrase.format(**pronouns, N=self.noun or "person", **slots)

    def name(self, *names: str) -> None:
        self.named.update(names)

    # --- parts ----------------------------------------------------------------------------------
    def place(self) -> str:
        self.name("place")
        value = self.script.place
        if value in say.PLACES:
            return self.pick(say.PLACES[value])
        return self.pick(say.STUDIOS).format(c=value.split()[0])

    def clothes(self, keep: set[str]) -> str:
        self.name(*(keep & {"garment", "dye"}))
        dye = self.pick(say.DYES[self.script.dye])
        if "garment" not in keep:
            return f"{dye} clothes"
        garment = self.pick(say.GARMENTS[self.script.garment])
        return f"a {dye} {garment}" if "dye" in keep else f"a {garment}"

    def hair(self, keep: set[str]) -> tuple[str, str]:
        """As in "long red hair", and as in "the hair is long and red"."""
        self.name(*(keep & {"hair", "hair_colour"}))
        words = [self.script.hair] if "hair" in keep else []
        if "hair_colour" in keep:
            words.append(self.pick(say.HAIR_COLOURS[self.script.hair_colour]))
        return f"{' '.join(words)} hair", " and ".join(words)

    def speech(self, phrase: str) -> str:
        self.name("words")
        sentence = self.script.sentence
        end = "!" if sentence.split()[0] in ("hello", "goodbye") and self.chance(0.3) else ""
        return self.fill(phrase, w=sentence, q=f'"{sentence}{end}"')

    def voice(self, table: tuple[str, ...]) -> str:
        self.name("voice")
        return self.fill(self.pick(table), v=self.pick(say.VOICES[self.script.voice]))
