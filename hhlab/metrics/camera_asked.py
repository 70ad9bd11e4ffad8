"""Which camera moves a prompt asks for, and whether the move that was found is one of them.

A table of phrasings, read clause by clause. What is said in quotation marks is speech and asks for
nothing; what is denied ("without any zoom", "the camera never pans") is not asked for. Words that
people do too (tilt, push, follow, move) count only where the camera does them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ALIKE = {"truck": "pan", "pedestal": "tilt", "dolly": "zoom"}
"""People who ask for one of these often mean the other."""
MOVING = "moving"
"""Asked where a prompt wants the camera to travel or to follow somebody, whichever way."""

LOOK_BACK = 300
"""Characters before a phrase in which the camera may have been named."""

_SLOW = (
    r"(?:(?: (?:very|slightly|slowly|gently|smoothly|steadily|quickly|rapidly|gradually|subtly|"
    r"softly|further|again|sharply|just|all the way|a (?:little|bit))){0,4})"
)
_TO = r"(?: (?:to|towards?|from) (?:the |its )?| )(?:the )?"
_CAMERA = r"(?:camera|cam|lens|drone|gimbal|steadicam|viewpoint|point of view)"
_SHOT = r"(?:shot|camera|movement|move|motion|take|angle|framing|filming|footage|video)"
_GO = (
    r"(?:moves?|moving|glid(?:es?|ing)|drifts?|drifting|travels?|travelling|traveling|floats?|"
    r"floating|slid(?:es?|ing)|tracks?|tracking|flies|fly|flying|trucks?|trucking)"
)
_CREEP = (
    rf"(?:{_GO}|creeps?|creeping|inch(?:es|ing)?|walks?|walking|push(?:es|ing)?|edg(?:es|ing)|"
    r"doll(?:y|ies|ying))"
)
_NOBODY = frozenset(
    re.findall(
        r"\w+",
        "he she they who we you i it his her their him them head chin face hat cap gaze eyes hand "
        "hands man woman person lady guy girl boy child actor dancer",
    )
)

# (name of the move, pattern, whether the camera must have been named before in the sentence)
_PHRASES: tuple[tuple[str, str, bool], ...] = (
    ("", r"dolly[- ]zoom\w*|vertigo (?:shot|effect)|camera rolls?(?= film)", False),
    ("static", r"(?:static|still|fixed|stationary|immobile|motionless|unmoving|locked|"
               rf"locked[- ](?:off|down)|tripod) (?:\w+ )?{_SHOT}", False),
    ("static", rf"(?:no|without(?: any)?|zero) (?:{_CAMERA} )?(?:movement|motion|moves)", False),
    ("static", rf"{_CAMERA} (?:is |stays |remains |holds |kept |keeps |sits |being )*"
               r"(?:perfectly |completely |totally )*"
               r"(?:still|fixed|static|stationary|steady|motionless|locked(?:[- ](?:off|down))?)"
               r"(?! on)", False),
    ("static", rf"{_CAMERA} (?:does not|doesn't|never|do not|will not|is not|isn't) "
               r"(?:ever )?(?:moves?|moving)", False),
    ("static", r"(?:on |from )?a tripod|locked[- ]off", False),
    ("shake", r"hand[- ]?held|shaky|shaking camera|jittery camera|unsteady camera|"
              rf"camera[- ]shake|{_CAMERA}{_SLOW} (?:shakes|wobbles|jitters|jerks|trembles|bounces|"
              r"sways|is shaking|is shaky)", False),
    ("orbit", r"orbit(?:s|ing|al)? (?:shot|camera|movement|move|motion)|arc(?:ing)? shot|"
              r"(?:360|360-degree|360°|circular)(?: degrees?)? (?:shot|orbit|move|movement|camera)|"
              r"orbit(?:s|ing)? (?:shot )?around", False),
    ("orbit", rf"orbits?|orbiting|(?:circl(?:es?|ing)|arcs?|arcing|revolv(?:es?|ing)|{_GO}|"
              r"rotat(?:es?|ing)|sweep(?:s|ing)?|curv(?:es?|ing)|spins?|spinning|swings?|"
              rf"swinging|wraps?){_SLOW} (?:all the way )?around|circl(?:es?|ing)", True),
    *((f"pan {way}", rf"pan(?:s|ning)?{_SLOW} (?:from )?(?:the )?{other} to (?:the )?{way}", False)
      for way, other in (("left", "right"), ("right", "left"))),
    *((f"pan {way}", rf"(?:whip[- ])?pan(?:s|ning|ned)?{_SLOW}{_TO}{way}"
                     rf"|{way}(?:wards?)?[- ]pan|pan(?:s|ning)?{_SLOW} {way}wards?"
                     rf"|{other}[- ]to[- ]{way} pan", False)
      for way, other in (("left", "right"), ("right", "left"))),
    *((f"pan {way}", rf"(?:turns?|turning|sweeps?|sweeping|swivels?|swings?){_SLOW}{_TO}"
                     rf"{way}(?:wards?)?", True)
      for way in ("left", "right")),
    *((f"truck {way}", rf"(?:truck|dolly|track(?:ing)?|slide)(?:s|ing)?(?: shot)?{_SLOW}{_TO}"
                       rf"{way}(?:wards?)?|(?:side(?:ways)? )?{way}ward (?:tracking|truck)\w*",
       False)
      for way in ("left", "right")),
    *((f"truck {way}", rf"{_GO}{_SLOW}{_TO}(?:sideways )?(?:to the )?{way}(?:wards?)?", True)
      for way in ("left", "right")),
    *((f"tilt {way}", rf"tilt{_SLOW} {way}(?:wards?)?|{way}wards? tilt", False)
      for way in ("up", "down")),
    *((f"tilt {way}", rf"tilt(?:s|ing|ed){_SLOW} {way}(?:wards?)?(?! (?:his|her|their))", True)
      for way in ("up", "down")),
    ("pedestal up", rf"(?:crane|boom|pedestal|jib)(?:s|ing)?{_SLOW} up(?:wards?)?|crane up shot",
     False),
    ("pedestal down", rf"(?:crane|boom|pedestal|jib)(?:s|ing)?{_SLOW} down(?:wards?)?", False),
    ("pedestal up", rf"(?:ris(?:es?|ing)|ascend(?:s|ing)?|lifts?|lifting|climbs?|elevat(?:es?|ing)|"
                    rf"{_GO}{_SLOW} (?:up(?:wards?)?))", True),
    ("pedestal down", rf"(?:lowers?|lowering|sinks?|sinking|descend(?:s|ing)?|"
                      rf"{_GO}{_SLOW} (?:down(?:wards?)?))", True),
    *((f"zoom {way}", rf"zoom(?:s|ing|ed)?(?:[- ]shot)?{_SLOW}[- ]{way}(?:wards?)?", False)
      for way in ("in", "out")),
    ("dolly in", rf"doll(?:y|ies|ying)(?:[- ]shot)?{_SLOW}[- ](?:in|forwards?)|push[- ]in|"
                 r"creep[- ]in|tracking in", False),
    ("dolly in", rf"(?:push(?:es|ing)?|{_CREEP}|clos(?:es?|ing)){_SLOW} "
                 rf"(?:in(?! (?:a|the|his|her)\b)|forwards?|closer|near(?:er)?|ahead|into|"
                 r"towards?)|approach(?:es|ing)?", True),
    ("dolly out", rf"doll(?:y|ies|ying)(?:[- ]shot)?{_SLOW}[- ](?:out|back(?:wards?)?|away)|"
                  r"pull[- ](?:back|out)(?= |$)", False),
    ("dolly out", rf"(?:pull(?:s|ing)?|{_CREEP}|retreat(?:s|ing)?|back(?:s|ing)){_SLOW} "
                  r"(?:out|back(?:wards?)?|away|off)", True),
    ("roll right", r"(?:rolls?|rolling|rotat(?:es?|ing)) (?:clockwise|to the right|right)", True),
    ("roll left", r"(?:rolls?|rolling|rotat(?:es?|ing)) "
                  r"(?:counter-?clockwise|anti-?clockwise|to the left|left)", True),
    ("pan", r"(?:slow|gentle|smooth|quick|fast|whip|horizontal|panning|sweeping)[- ]"
            r"(?:pan(?:ning)?|panning shot|camera pan)|panning shot|camera pan|(?<=, )pan(?=,|$)",
     False),
    ("pan", r"pan(?:s|ning)", True),
    ("tilt", r"(?:slow|gentle|smooth|vertical|camera)[- ]tilt", False),
    ("truck", r"lateral (?:tracking|dolly|truck|slide|move)\w*|trucking shot|sideways", True),
    ("pedestal", r"(?:crane|jib|boom|pedestal) (?:shot|move|movement)", False),
    ("zoom", r"(?:slow|crash|quick|fast|gentle|smooth|snap|camera)[- ]zoom|zoom shot", False),
    ("dolly", r"(?:slow |smooth )?dolly(?: (?:shot|move|movement))?", False),
    (MOVING, r"(?:tracking|follow(?:ing)?|travelling|traveling|moving|steadicam|gimbal|"
             r"fly[- ]?(?:through|over)|aerial tracking) (?:shot|camera)|fly[- ]?through", False),
    (MOVING, rf"follow(?:s|ing)?|{_GO}|trails?", True),
)  # fmt: skip
_COMPILED = tuple(
    (name, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])"), anchored)
    for name, pattern, anchored in _PHRASES
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|never|without|avoid|avoids|nor)\b|n't\b)(?: \w+){0,2} ?(?:,? (?:and|or|nor) "
    r"(?:no )?)?$"
)
_AT_CAMERA = re.compile(r"\b(?:to|into|at|towards?|facing|around|near|by|behind) (?:the )?camera\b")
_SPEECH = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!\w)'[^']*'(?!\w)|(?<!\w)‘[^’]*’(?!\w)")


@dataclass(frozen=True)
class AskedMove:
    """One camera move that a prompt asks for.

    Attributes
    ----------
    name : as :class:`~hhlab.metrics.camera_name.Move` has them; without its way ("pan", "zoom")
        where the prompt leaves that open; :data:`MOVING` where any travelling will do
    phrase : the words that ask for it
    start, end : where they stand in the prompt, characters
    """

    name: str
    phrase: str
    start: int
    end: int


def asked_moves(prompt: str) -> tuple[AskedMove, ...]:
    """All camera moves that a prompt asks for, in the order in which it names them.

    The same move twice counts once, and a move with its way makes the same without it redundant.
    """
    text = _level(without_speech(prompt))
    taken = [False] * len(text)
    found = []
    for name, pattern, anchored in _COMPILED:
        for match in pattern.finditer(text):
            start, end = match.span()
            if start == end or any(taken[start:end]):
                continue
            before = re.split(r"[.;!?\n]", text[max(0, start - LOOK_BACK) : start])[-1]
            if anchored and not _camera_does(before, match.group()):
                continue
            taken[start:end] = [True] * (end - start)
            denied = name != "static" and _DENIED.search(before)
            if name and not denied:
                found.append(AskedMove(name, " ".join(prompt[start:end].split()), start, end))
    found.sort(key=lambda move: move.start)
    kept: list[AskedMove] = []
    names = {move.name for move in found}
    for move in found:
        vague = move.name == MOVING and len(names - {MOVING, "static", "shake"}) > 0
        wider = any(name.startswith(f"{move.name} ") for name in names)
        if not (vague or wider or move.name in {other.name for other in kept}):
            kept.append(move)
    return tuple(kept)


def asked_move(prompt: str) -> str | None:
    """Name of the first camera move that a prompt asks for, None where it asks for none known."""
    moves = asked_moves(prompt)
    return moves[0].name if moves else None


def camera_agrees(named: str, asked: str, *, also: Sequence[str] = ()) -> float:
    """1 where the move is the one asked; .5 where that is there beside a stronger one; else 0.

    named : the strongest move found;  also : others beside it (see ``Move``)
    asked : a name out of :func:`asked_moves`

    A pan and a truck, a tilt and a pedestal move, a zoom and a dolly count as one. A move asked
    without its way is answered by either; :data:`MOVING` by all but "static" and "shake". Static
    is answered by static alone, and a camera that shakes beside its move is not "static".
    """
    if _answers(named, asked):
        return 1.0
    return 0.5 if any(_answers(name, asked) for name in also) else 0.0


def without_speech(prompt: str) -> str:
    """The prompt with what is said in quotation marks blanked out, of the same length."""
    return _SPEECH.sub(lambda match: " " * len(match.group()), prompt)


def _answers(named: str, asked: str) -> bool:
    if asked == MOVING:
        return named not in ("static", "shake")
    kind, _, way = _plain(asked).partition(" ")
    found, _, found_way = _plain(named).partition(" ")
    return kind == found and way in ("", found_way)


def _plain(name: str) -> str:
    kind, _, way = name.partition(" ")
    return f"{ALIKE.get(kind, kind)} {way}".strip()


def _camera_does(before: str, phrase: str) -> bool:
    """Whether the camera was named before, or in, the phrase, and nobody else since its verb."""
    if not re.search(rf"\b{_CAMERA}\b", _AT_CAMERA.sub(" ", f"{before} {phrase}")):
        return False
    words = re.findall(r"[a-z']+", before)
    return not words or words[-1] not in _NOBODY


def _level(text: str) -> str:
    """Lower case, single blanks kept in place so that positions stay those of the text."""
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return re.sub(r"\s", " ", lowered.replace("’", "'"))
