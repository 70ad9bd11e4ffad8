"""Read prompts of the small world by rule: which attributes does a text name, with what values?"""

from __future__ import annotations

import re

from hhlab.actors import phrases as say
from hhlab.actors.vocabulary import VOCABULARY

TOKEN = re.compile(r"[a-z][a-z'-]*|[.,\"?!]")


def tokens(text: str) -> tuple[str, ...]:
    """Words in lower case, and the marks . , " ? ! each by itself; all else is left out."""
    return tuple(TOKEN.findall(text.lower()))


def _values(table: dict[str, tuple[str, ...]]) -> tuple[str, dict[str, str]]:
    """A pattern for any synonym of a table (longest first), and which value each stands for."""
    back = {word: value for value, words in table.items() for word in words}
    return "|".join(sorted(map(re.escape, back), key=len, reverse=True)), back


WORD = "|".join(sorted(VOCABULARY, key=len, reverse=True))
QUOTED = re.compile(r"\"([^\"]*)\"")
SPOKEN = re.compile(rf"\b(?:says|saying|say)((?: (?:{WORD})\b)+)")
DYE, DYE_OF = _values(say.DYES)
GARMENT, GARMENT_OF = _values(say.GARMENTS)
COLOUR, COLOUR_OF = _values(say.HAIR_COLOURS)
SKIN, SKIN_OF = _values(say.SKINS)
AGE, AGE_OF = _values(say.AGES)
VOICE, VOICE_OF = _values(say.VOICES)
CLOTH = re.compile(
    rf"\b(?:({DYE}) )?({GARMENT}|clothes)\b(?:(?: is| are| to| now| into)* ({DYE})\b)?"
)
HAIR = re.compile(rf"\b(?:(short|long) )?(?:({COLOUR}) )?hair\b")
HAIR_IS = re.compile(rf"\bhair is (?:(short|long)\b)?(?: and )?(?:({COLOUR})\b)?")
SIMPLE: dict[str, tuple[tuple[str, str], ...]] = {  # the first pattern found decides
    "person": (
        ("woman", r"\b(?:woman|lady|she|her)\b"), ("man", r"\b(?:man|guy|he|him|his)\b"),
    ),
    "glasses": (
        ("no", r"\b(?:no|without|not wear|not wearing) (?:glasses|spectacles)\b"),
        ("yes", r"\b(?:glasses|spectacles)\b"),
    ),
    "beard": (
        ("no", r"\b(?:no beard|without a beard|not have a beard|clean-shaven)\b"),
        ("yes", r"\b(?:beard|bearded)\b"),
    ),
    "place": (
        *((f"{hue} studio", rf"\b{hue} (?:studio|wall|background|backdrop)\b")
          for hue in ("grey", "red", "green", "blue", "yellow")),
        ("library", r"\b(?:library|bookshelves|books)\b"), ("park", r"\b(?:park|trees)\b"),
        ("city", r"\bcity\b"), ("office", r"\boffice\b"), ("room", r"\b(?:room|home)\b"),
    ),
    "light": (
        ("left", r"\b(?:light|lit)(?: comes)? from the left\b"),
        ("right", r"\b(?:light|lit)(?: comes)? from the right\b"),
        ("fading", r"\b(?:fades|fading|gets darker)\b"),
        ("moving", r"\blight (?:that )?(?:moves|wanders)\b|\b(?:moving|wandering) light\b"),
        ("soft", r"\b(?:soft|even)\b"), ("warm", r"\b(?:warm|golden)\b"),
        ("cool", r"\b(?:cool|cold|bluish)\b"), ("dim", r"\b(?:dim|dimly)\b|\blow light\b"),
    ),
    "move": (
        *((f"pan {way}", rf"\bpans?(?: to the)? {way}\b") for way in ("left", "right")),
        *((f"tilt {way}", rf"\btilt(?:s|ing)? {way}\b") for way in ("up", "down")),
        *((f"zoom {way}", rf"\bzooms? {way}\b") for way in ("in", "out")),
        ("shake", r"\b(?:handheld|shaky|shakes)\b"),
        ("orbit", r"\borbit(?:s|ing)?\b|\bcamera (?:circles|circling|moves) around\b"),
        ("static", r"\b(?:static|still|fixed)\b|\bcamera does not move\b|\bno camera movement\b"),
    ),
}  # fmt: skip


def parse(text: str) -> dict[str, str]:
    """Return the attributes that a prompt names, as in :data:`hhlab.actors.script.ATTRIBUTES`.

    What is said comes under "words". Nothing is guessed: what the text leaves open is left out,
    and text that is not of this world gives few attributes or none.
    """
    text = " ".join(text.lower().split())
    found: dict[str, str] = {}
    spoken = QUOTED.search(text)
    if spoken:
        found["words"] = " ".join(re.findall(r"[a-z]+", spoken[1]))
        text = QUOTED.sub(" ", text)
    for bare in reversed(list(SPOKEN.finditer(text))):
        found.setdefault("words", bare[1].strip())
        text = text[: bare.start(1)] + text[bare.end(1) :]
    for name, rules in SIMPLE.items():
        for value, pattern in rules:
            if re.search(pattern, text):
                found[name] = value
                break
    for name, pattern, back in (
        ("age", rf"\b({AGE})\b", AGE_OF),
        ("skin", rf"\b({SKIN})(?: skin|-skinned)\b|\bskin is ({SKIN})\b", SKIN_OF),
        ("voice", rf"\b({VOICE}) voice\b|\bvoice (?:is )?(?:now )?({VOICE})\b", VOICE_OF),
    ):
        match = re.search(pattern, text)
        if match:
            found[name] = back[next(group for group in match.groups() if group)]
    if re.search(r"\bbald\b|\bno hair\b", text):
        found["hair"] = "bald"
    for pattern in (HAIR, HAIR_IS):
        for length, colour in pattern.findall(text):
            found |= {"hair": length} if length else {}
            found |= {"hair_colour": COLOUR_OF[colour]} if colour else {}
    for before, garment, after in CLOTH.findall(text):
        dye = before or after
        found |= {"garment": GARMENT_OF[garment]} if garment != "clothes" else {}
        found |= {"dye": DYE_OF[dye]} if dye else {}
    return found
