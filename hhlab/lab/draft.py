"""A shot as it is composed: parts in everyday words, put together to one prompt.

Each part may be one of the values that the small world knows ("zoom in"), which is then said in a
phrase that the shipped model was trained on, or any text, which is said as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

from hhlab.actors import phrases
from hhlab.actors.prompts import parse
from hhlab.errors import BadArgument
from hhlab.model.words import split

PLACES = {
    **{name: said[0] for name, said in phrases.PLACES.items()},
    **{f"{hue} studio": phrases.STUDIOS[0].format(c=hue)
       for hue in ("grey", "red", "green", "blue", "yellow")},
}  # fmt: skip
LIGHTS = {name: said[0] for name, said in phrases.LIGHT_SENTENCES.items()}
MOVES = {name: said[0] for name, said in phrases.MOVE_SENTENCES.items()}
VOICES = tuple(phrases.VOICES)
CHOICES: dict[str, tuple[str, ...]] = {
    "background": tuple(PLACES), "camera": tuple(MOVES), "light": tuple(LIGHTS), "voice": VOICES,
    "clothes": tuple(f"a {dye} {garment}" for garment, dye in (
        ("t-shirt", "white"), ("shirt", "blue"), ("hoodie", "red"), ("blazer", "black"),
        ("t-shirt", "yellow"), ("shirt", "pink"), ("hoodie", "green"), ("blazer", "purple"))),
}  # fmt: skip
"""What each part may be chosen from; any other text may be written instead."""

_PLACED = re.compile(
    r"(?:in|on|at|by|near|under|before|behind|beside|against|inside|outside|outdoors|indoors|"
    r"between|among|above|below|over|through|with|from|of|standing|sitting|walking)\b", re.I
)  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """The parts of a prompt, all of them text that may be empty.

    Attributes
    ----------
    subject : who or what is seen, as a phrase ("a young woman with long red hair")
    clothes : what is worn, as a phrase
    background, light, camera, voice : one of :data:`CHOICES`, or any text
    dialogue : the words that are spoken
    more : further sentences, said as they are
    negative : what is not wanted
    """

    subject: str = ""
    clothes: str = ""
    background: str = ""
    light: str = ""
    camera: str = ""
    dialogue: str = ""
    voice: str = ""
    more: str = ""
    negative: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str):
                raise BadArgument(field.name, expected="text", found=type(value).__name__)
            object.__setattr__(self, field.name, " ".join(value.split()))

    @property
    def prompt(self) -> str:
        """All parts as one prompt in plain English; "" where every part is empty."""
        person = parse(self.subject).get("person", "") if self.subject else ""
        one = phrases.PRONOUNS.get(person, "the person")
        other = phrases.OBJECTS.get(person, "the person")
        main = [self.subject or ("a person" if self._needs_someone else "")]
        if self.clothes:
            main.append(f"wearing {_unsaid(self.clothes, 'wearing ')}")
        if self.background:
            main.append(_where(self.background))
        if self.dialogue:
            main.append('saying "{}"'.format(self.dialogue.replace('"', "'")))
        said = [" ".join(part.rstrip(".") for part in main if part)]
        for value, table, word in ((self.camera, MOVES, "camera"), (self.light, LIGHTS, "light")):
            if value:
                said.append(table[value].format(P=one, O=other) if value in table
                            else _named(word, value))  # fmt: skip
        if self.voice:
            known = self.voice in VOICES
            said.append(f"{one} has a {self.voice} voice" if known else _named("voice", self.voice))
        return " ".join([*(_sentence(text) for text in said if text), *filter(None, [self.more])])

    @property
    def _needs_someone(self) -> bool:
        return bool(self.clothes or self.background or self.dialogue)


def _unsaid(text: str, word: str) -> str:
    return text[len(word) :] if text.lower().startswith(word) else text


def _where(text: str) -> str:
    if text in PLACES:
        return PLACES[text]
    return text if _PLACED.match(text) else f"in front of {text}"


def _named(word: str, text: str) -> str:
    """Free text about the camera, the light or the voice, named so that it is not mistaken."""
    return text if re.search(rf"\b{word}\b", text, re.I) else f"the {word}: {text}"


def _sentence(text: str) -> str:
    text = f"{text[0].upper()}{text[1:]}"
    return text if text[-1] in ".!?" else f"{text}."


@dataclass(frozen=True)
class Understood:
    """What a model with a small vocabulary makes of a prompt.

    Attributes
    ----------
    attributes : what the prompt determines, by name, read by the rules of the small world
    unknown : words that the model has never seen, each once, in order
    """

    attributes: dict[str, str]
    unknown: tuple[str, ...]


def understand(prompt: str, words: Sequence[str]) -> Understood:
    """Read a prompt as the model whose vocabulary is `words` will."""
    known = set(words)
    unknown = dict.fromkeys(word for word in split(prompt) if word not in known)
    return Understood(parse(prompt), tuple(unknown))
