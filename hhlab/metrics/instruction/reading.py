"""Read a prompt clause by clause: pure text in, :class:`Clause` objects out.

What is said in quotation marks is speech. Camera and light have readers of their own; people,
clothes, places, length and cuts are found by the tables of the lexicon. Whatever words are left
over, between one mark of punctuation and the next, are clauses of kind "other", so that it shows
how much of a prompt nobody looks at.
"""

from __future__ import annotations

import re

from hhlab.metrics.camera_asked import asked_moves, without_speech
from hhlab.metrics.instruction import lexicon
from hhlab.metrics.instruction.clause import OTHER, Clause
from hhlab.metrics.light_asked import asked_light

_QUOTED = re.compile(
    r"\"([^\"]*)\"|“([^”]*)”|«([^»]*)»|(?<!\w)'([^']*)'(?!\w)|(?<!\w)‘([^’]*)’(?!\w)"
)
_WRITTEN = re.compile(
    r"(?:reads?|reading|writ(?:es?|ing|ten)|sign|label(?:led)?|titled|called|named|logo|caption)"
    r"(?: (?:that|which|is|are))*(?: (?:says|saying|reads|reading))?\W*$"
)
_RULES = tuple(
    (kind, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])"), table)
    for kind, pattern, table in lexicon.RULES
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|never|without|nor)\b|n't\b)"
    r"(?: (?:in|a|an|the|any|with|wear|wearing|have|be))* ?$"
)
_BREAK = re.compile(r"[.;:!?,]| and | while | then | as (?=he |she |they |the )")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_LISTENS = re.compile(r"(?<![\w-])(?:says|saying|say)((?: [a-z']+){1,8}?)(?= in | with |[.,;]|$)")


def read_clauses(prompt: str) -> tuple[Clause, ...]:
    """All that a prompt asks for, in the order in which it says it.

    The same thing said twice counts once. What is denied ("not a red coat") is left out, but for
    the things whose absence can be asked for (glasses, a beard, cuts).
    """
    spoken = []
    for match in _QUOTED.finditer(prompt):
        said = _words(next(group for group in match.groups() if group is not None)).strip(" .,!?")
        written = _WRITTEN.search(prompt[: match.start()].lower())
        if said:
            kind = OTHER if written else "words"
            spoken.append(Clause(kind, said, _words(match[0]), *match.span()))
    bare = without_speech(_blanked(prompt, spoken))
    text = re.sub(r"\s", " ", "".join(c.lower() if len(c.lower()) == 1 else c for c in bare))
    text = text.replace("’", "'")
    taken = [False] * len(text)
    found = list(spoken)
    for move in asked_moves(prompt):
        found.append(Clause("camera", move.name, move.phrase, move.start, move.end))
    for one in asked_light(prompt):
        found.append(Clause("light", one.value, one.phrase, one.start, one.end, about=one.about))
    for clause in found[len(spoken) :]:
        _take(taken, clause.start, clause.end)
    found += _of_cuts(text, prompt, taken)
    for kind, pattern, table in _RULES:
        for match in pattern.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            groups = match.groupdict()
            value = table if isinstance(table, str) else lexicon.value_of(
                table, groups.get("v") or groups.get("w") or ""
            )  # fmt: skip
            fixed = isinstance(table, str)
            if not value:
                continue
            _take(taken, *match.span())
            if not fixed and _DENIED.search(text[: match.start()]):
                continue
            garment = lexicon.value_of(lexicon.GARMENTS, groups.get("g") or "")
            phrase = _words(prompt[slice(*match.span())])
            found.append(Clause(kind, value, phrase, *match.span(), about=garment))
            if garment not in ("", "clothes"):
                found.append(Clause("garment", garment, phrase, *match.span()))
    found = [c for c in found if (c.kind, c.asked) != ("garment", "clothes")]
    idle = lexicon.STOP
    if any(clause.kind == "light" for clause in found):
        idle |= lexicon.LIGHT_TAILS
    found += _left_over(text, prompt, taken, idle, speaks=not spoken)
    return _once(sorted(found, key=lambda c: (c.start, c.end)))


def _of_cuts(text: str, prompt: str, taken: list[bool]) -> list[Clause]:
    """How many cuts are asked for, and how long the clip is to be."""
    out = []
    whole = list(re.finditer(rf"(?<![\w-])(?:{lexicon.NO_CUT})(?![\w-])", text))
    cuts = list(re.finditer(rf"(?<![\w-])(?:{lexicon.CUT})(?![\w-])", text))
    for number, matches in (("0", whole), (str(len(cuts)), cuts)):
        if matches:
            start, end = matches[0].span()
            out.append(Clause("cuts", number, _words(prompt[start:end]), start, end))
            for match in matches:
                _take(taken, *match.span())
    for match in re.finditer(rf"(?<![\w-])(?:{lexicon.DURATION})(?![\w-])", text):
        value = match["v"]
        seconds = float(lexicon.NUMBERS.get(value, value))
        out.append(Clause("duration", f"{seconds:g}", _words(prompt[slice(*match.span())]),
                          *match.span()))  # fmt: skip
        _take(taken, *match.span())
    return out


def _left_over(
    text: str, prompt: str, taken: list[bool], idle: frozenset[str], *, speaks: bool
) -> list[Clause]:
    """Stretches between marks that hold words which no table knows and that are not `idle`."""
    out = []
    if speaks:  # words that are said without quotation marks
        for match in _LISTENS.finditer(text):
            start, end = match.span(1)
            said = _words(text[start:end])
            if said != "nothing" and not any(taken[start:end]):
                _take(taken, start, end)
                out.append(Clause("words", said, said, start + 1, end))
    edges = [0]
    for match in _BREAK.finditer(text):
        edges += match.span()
    edges.append(len(text))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        left = "".join(
            " " if gone else c for c, gone in zip(text[start:end], taken[start:end], strict=True)
        )
        words = [w for w in _WORD.finditer(left) if w[0] not in idle]
        if words:
            end = start + words[-1].end()
            denied = _DENIED.search(left[: words[0].start()])
            start += denied.start() if denied else words[0].start()
            phrase = _words(prompt[start:end])
            out.append(Clause(OTHER, phrase, phrase, start, end))
    return out


def _once(clauses: list[Clause]) -> tuple[Clause, ...]:
    seen, kept = set(), []
    for clause in clauses:
        key = (clause.kind, clause.asked, clause.about)
        if key not in seen:
            kept.append(clause)
        seen.add(key)
    return tuple(kept)


def _blanked(prompt: str, clauses: list[Clause]) -> str:
    for clause in clauses:
        wide = clause.end - clause.start
        prompt = prompt[: clause.start] + " " * wide + prompt[clause.end :]
    return prompt


def _take(taken: list[bool], start: int, end: int) -> None:
    taken[start:end] = [True] * (end - start)


def _words(text: str) -> str:
    return " ".join(text.split())
