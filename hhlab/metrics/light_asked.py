"""What light a prompt asks for: from where, how warm, how strong, how hard, and how it changes.

A table of phrasings, read clause by clause. What is said in quotation marks is speech and asks for
nothing; what is denied ("not dark", "no harsh light") is not asked for. Words that are said of
other things too (warm, cool, hard, low, dark) count only where they are said of light.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hhlab.metrics.camera_asked import without_speech

VALUES: dict[str, tuple[str, ...]] = {
    "direction": ("left", "right", "above", "below", "front", "behind"),
    "warmth": ("warm", "cool", "neutral"),
    "level": ("dim", "bright"),
    "softness": ("soft", "hard"),
    "change": ("fading", "brightening", "moving", "flickering", "warming", "cooling", "steady"),
}
"""What can be asked; "left" is the picture's left, and so on."""

_LIGHT = (
    r"(?:light|lights|lighting|lit|glow|glows|sun|sunlight|sunshine|daylight|lamplight|lamps?|"
    r"lantern|spotlight|illumination|illuminated|illuminates|key light|beams?|rays?|ambience|"
    r"window light)"
)
_TONES = r"(?:tones?|hues?|tints?|grading|grade|palette|colou?r temperature|white balance|cast)"
_ALSO = (
    r"(?:very|slightly|quite|rather|only|and|but|then|warm|golden|orange|cool|cold|blue|bluish|icy|"
    r"soft|softly|hard|harsh|stark|even|diffused?|gentle|dim|low|faint|bright|brilliant|strong|"
    r"natural|cinematic|ambient|studio|indoor|outdoor|evening|morning|afternoon|late|early|winter|"
    r"summer|autumn|window|street|key|rim|side|overhead|hazy|white|dramatic|moody|directional|"
    r"slowly|fading|steady|flat|low-angle|yellow|neon|fluorescent)"
)
_IS = r" (?:is|are|was|looks|stays|remains|being|seems|feels)"


def _said_of_light(words: str) -> str:
    """A pattern for adjectives of light, before its noun or after "is"."""
    also = rf"(?:,? {_ALSO}){{0,6}}"
    return rf"(?:{words}){also},? {_LIGHT}|{_LIGHT}{_IS}{also}? (?:{words})"


_SIDE = r"(?:from|at|on) (?:the |camera[- ]|screen[- ]|frame[- ])?{way}(?: hand)?(?: side)?"
_PHRASES: tuple[tuple[str, str, str], ...] = (
    # direction
    *(("direction", way, rf"(?:{_LIGHT}|shines?|shining|falls?|falling|comes?|coming)\b[^,;]*? "
                         rf"{_SIDE.format(way=way)}(?! (?:of|to))"
                         rf"|{way}[- ]side light(?:ing)?|{way}[- ]hand light|side[- ]?lit {way}")
      for way in ("left", "right")),
    ("direction", "above", rf"{_LIGHT}\b(?:[^,;]*? from (?:above|overhead|the top|the ceiling)|"
                           r"(?: \w+)? overhead)|"
                           r"(?:overhead|top|ceiling) (?:light|lights|lighting|lamp|sun)|"
                           r"top[- ]lit|butterfly light(?:ing)?|noon(?:day)? sun|midday sun"),
    ("direction", "below", rf"{_LIGHT}\b[^,;]*? from (?:below|beneath|underneath|the floor)|"
                           r"under[- ]?light(?:ing)?|under[- ]?lit|lit by a campfire"),
    ("direction", "behind", rf"{_LIGHT}\b[^,;]*? from behind|back[- ]?lit|back[- ]?light(?:ing|s)?|"
                            r"rim[- ]light(?:ing|s)?|rim[- ]lit|contre[- ]jour|against the light|"
                            r"silhouetted?"),
    ("direction", "front", rf"{_LIGHT}\b[^,;]*? from (?:the front|the camera|in front)|"
                           r"front(?:al)?[- ](?:light|lit|lighting)|ring[- ]light|"
                           r"on[- ]camera flash|flat light(?:ing)?"),
    # warmth
    ("warmth", "warm", r"golden hour|candle[- ]?lit|candle[- ]?light|fire[- ]?light|firelit|sunset|"
                       r"sunrise|tungsten|incandescent|lamplight|amber|by the fire|fireplace"),
    ("warmth", "cool", r"blue hour|moon[- ]?light|moonlit|overcast"),
    ("warmth", "warm", _said_of_light(r"warm(?:er)?|golden|orange|yellowish|reddish|honeyed")),
    ("warmth", "warm", rf"(?:warm|golden|orange|amber) {_TONES}|{_TONES} (?:is |are )?warm"),
    ("warmth", "cool", _said_of_light(r"cool(?:er)?|cold|bluish|blue|icy|steely|clinical")),
    ("warmth", "cool", rf"(?:cool|cold|bluish|icy) (?:blue )?{_TONES}|{_TONES} (?:is |are )?"
                       r"(?:cool|cold)"),
    ("warmth", "neutral", rf"neutral (?:white )?(?:{_LIGHT}|{_TONES})|pure white light|daylight[- ]"
                          r"balanced"),
    # change, before level: "it gets darker" is no dark light
    ("change", "fading", rf"{_LIGHT}(?: that| which)?(?: slowly| gradually| then)*(?: is)? "
                         r"(?:fad(?:es|ing|e)|dims|dimming|darkens?|darkening|dies|dying|goes out|"
                         r"going out|gets (?:dim|dark)(?:mer|er)|falls away)|"
                         r"(?:slowly |gradually )*(?:fading|dying|dimming) light|"
                         r"(?:it|scene|picture|room|everything) (?:slowly |gradually )*"
                         r"(?:gets|grows|becomes|turns|goes) dark(?:er)?|fades? to black|"
                         r"getting darker|nightfall"),
    ("change", "brightening", rf"{_LIGHT}(?: that| which)?(?: slowly| gradually| then)*(?: is)? "
                              r"(?:brightens?|brightening|grows|rises|gets brighter|comes up|"
                              r"comes on|swells)|(?:it|scene|picture|room) (?:slowly |gradually )*"
                              r"(?:gets|grows|becomes) (?:brighter|lighter)|brightening light|"
                              r"getting brighter|day breaks"),
    ("change", "warming", rf"{_LIGHT}(?: slowly| gradually)*(?: turns| gets| grows| becomes) "
                          r"(?:warm(?:er)?|golden|orange)"),
    ("change", "cooling", rf"{_LIGHT}(?: slowly| gradually)*(?: turns| gets| grows| becomes) "
                          r"(?:cool(?:er)?|cold(?:er)?|blue)"),
    ("change", "flickering", rf"flicker(?:s|ing)? {_LIGHT}|{_LIGHT}(?: \w+)? flicker(?:s|ing)?|"
                             r"strob(?:e|es|ing)(?: light)?|"
                             r"flicker(?:s|ing)? (?:fire|candle|neon)\w*"),
    ("change", "moving", rf"(?:moving|wandering|swinging|sweeping|passing|travelling|rotating) "
                         rf"(?:{_LIGHT}|headlights)|{_LIGHT}(?: that| which)?"
                         r"(?: slowly| gradually)* (?:moves?|moving|wanders?|wandering|sweeps?|"
                         r"sweeping|swings?|travels?|passes|slides?)(?: (?:across|over)[^,;.]*)?|"
                         r"headlights (?:pass|sweep)\w*"),
    ("change", "steady", rf"{_LIGHT} (?:does not change|never changes|stays the same|is constant|"
                         r"stays constant|is steady)|(?:steady|constant) light(?:ing)?"),
    # level
    ("level", "dim", r"dim(?:ly)?[- ]lit|low[- ]key|low[- ]light|poorly lit|barely lit|"
                     r"(?:in|near|semi) ?-?darkness"),
    ("level", "dim", _said_of_light(r"dim|low|faint|weak|dark|gloomy|moody|murky|subdued")),
    ("level", "bright", r"bright(?:ly)?[- ]lit|well[- ]lit|high[- ]key|blazing sun|full sun"),
    ("level", "bright", _said_of_light(r"bright|brilliant|strong|intense|dazzling")),
    # softness
    ("softness", "soft", _said_of_light(r"soft(?:ly)?|even|diffused?|gentle|gently|evenly")
     + "|soft shadows"),
    ("softness", "hard", _said_of_light(r"hard|harsh|harshly|stark|direct|contrasty")
     + "|(?:hard|sharp|deep) shadows"),
)  # fmt: skip
_COMPILED = tuple(
    (about, value, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])"))
    for about, value, pattern in _PHRASES
)
_DENIED = re.compile(r"(?:\b(?:no|not|never|without|nor)\b|n't\b)(?: \w+)? ?$")


@dataclass(frozen=True)
class AskedLight:
    """One thing that a prompt asks of the light.

    Attributes
    ----------
    about, value : a key of :data:`VALUES`, and one of its values
    phrase : the words that ask for it
    start, end : where they stand in the prompt, characters
    """

    about: str
    value: str
    phrase: str
    start: int
    end: int


def asked_light(prompt: str) -> tuple[AskedLight, ...]:
    """All that a prompt asks of the light, in the order in which it says it; each thing once.

    Where it says two things of one kind ("warm light from a cold moon"), both are listed: then
    neither can be answered alone.
    """
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in without_speech(prompt))
    text = re.sub(r"\s", " ", lowered.replace("’", "'"))
    found: list[AskedLight] = []
    for about, value, pattern in _COMPILED:
        for offset, sentence in _sentences(text):
            for match in pattern.finditer(sentence):
                if _DENIED.search(sentence[: match.start()]):
                    continue
                start, end = offset + match.start(), offset + match.end()
                if any((a.about, a.value) == (about, value) for a in found):
                    continue
                found.append(AskedLight(about, value, " ".join(prompt[start:end].split()),
                                        start, end))  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.start))


def asked_of_light(prompt: str) -> dict[str, str]:
    """What a prompt asks of the light, by kind; a kind that is asked two ways is left out."""
    asked = asked_light(prompt)
    by_kind: dict[str, set[str]] = {}
    for one in asked:
        by_kind.setdefault(one.about, set()).add(one.value)
    return {about: next(iter(values)) for about, values in by_kind.items() if len(values) == 1}


def _sentences(text: str) -> list[tuple[int, str]]:
    """Sentences with where each begins."""
    out, start = [], 0
    for match in re.finditer(r"[.;!?]|$", text):
        out.append((start, text[start : match.start()]))
        start = match.end()
    return out
