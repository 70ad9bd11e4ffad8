"""Write what a script shows in natural English, and say which attributes the text determines."""

from __future__ import annotations

import re

import numpy as np

from hhlab.actors import phrases as say
from hhlab.actors.reading import parse, tokens
from hhlab.actors.script import EDITABLE, Script
from hhlab.actors.vocabulary import VOCABULARY
from hhlab.actors.writer import Prompt, Writer
from hhlab.errors import BadArgument

__all__ = ["Prompt", "edit_prompt", "parse", "tokens", "words_of_language", "write_prompt"]

DETAILS = {"short": 0.22, "medium": 0.55, "long": 0.92}  # how many attributes are named
WORDS_NAMED = 0.9


def write_prompt(
    script: Script, seed: int, *, detail: str | None = None, split: str = "train"
) -> Prompt:
    """Describe a script.

    Parameters
    ----------
    seed : of what is named and how it is said
    detail : "short", "medium" or "long"; drawn if not given
    split : "train", or "test" for a layout that training prompts never have
    """
    if split not in ("train", "test"):
        raise BadArgument("split", expected="train or test", found=repr(split))
    if detail is not None and detail not in DETAILS:
        raise BadArgument("detail", expected=f"one of {', '.join(DETAILS)}", found=repr(detail))
    rng = np.random.default_rng([seed, 0x9407, split == "test"])
    writer = Writer(script, rng, split)
    share = DETAILS[detail or str(rng.choice(list(DETAILS)))]
    keep = _choose(script, rng, share)
    writer.show_person = "person" in keep
    writer.noun = writer.pick(say.NOUNS[script.person if writer.show_person else ""])
    if writer.show_person:
        writer.name("person")
    text = _tags(writer, keep) if writer.chance(0.25) else _prose(writer, keep)
    return Prompt(text, tuple(sorted(writer.named)))


def _choose(script: Script, rng: np.random.Generator, share: float) -> set[str]:
    """Which attributes to name."""
    keep = set()
    for name, value in script.attributes().items():
        odds = share
        if name == "person":
            odds = max(share, 0.85)
        elif name == "words":
            odds = WORDS_NAMED
        elif name in ("glasses", "beard") and value == "no":
            odds = 0.6 * share
        elif name == "voice":
            odds = 0.7 * share
        if rng.uniform() < odds:
            keep.add(name)
    if script.hair == "bald":
        keep.discard("hair_colour")
    if script.person == "woman":
        keep.discard("beard")
    return keep


def _subject(w: Writer, keep: set[str]) -> tuple[str, set[str]]:
    """Adjectives and noun, and what they have not said of `keep`."""
    script, rest, before = w.script, set(keep), []
    if "age" in keep and w.chance(0.8):
        before.append(w.pick(say.AGES[script.age]))
        rest.discard("age")
    extra = []
    if "hair" in keep and script.hair == "bald" and w.chance(0.5):
        extra.append(("hair", "bald"))
    if "skin" in keep and w.chance(0.35):
        extra.append(("skin", f"{w.pick(say.SKINS[script.skin])}-skinned"))
    if "beard" in keep and w.chance(0.35):
        extra.append(("beard", "bearded" if script.beard == "yes" else "clean-shaven"))
    for number in w.rng.permutation(len(extra)):
        name, word = extra[number]
        before.append(word)
        rest.discard(name)
    w.name(*(keep - rest))
    return " ".join([*before, w.noun]), rest - {"person"}


def _traits(w: Writer, rest: set[str]) -> list[tuple[str, str]]:
    """What can be said of the head: as a noun phrase, and as a sentence."""
    script, out = w.script, []
    if "skin" in rest:
        w.name("skin")
        word = w.pick(say.SKINS[script.skin])
        out.append((f"{word} skin", w.fill(w.pick(say.SKIN_SENTENCES), s=word)))
    if script.hair != "bald" and rest & {"hair", "hair_colour"}:
        x, y = w.hair(rest)
        out.append((x, w.fill(w.pick(say.HAIR_SENTENCES), x=x, y=y)))
    for name in ("hair", "glasses", "beard"):
        key = (name, getattr(script, name))
        if name in rest and key in say.TRAITS:
            w.name(name)
            out.append((w.pick(say.TRAITS[key]), w.fill(w.pick(say.TRAIT_SENTENCES[key]))))
    return [out[number] for number in w.rng.permutation(len(out))]


def _tags(w: Writer, keep: set[str]) -> str:
    """Phrases in any order, between commas; in the test, each a sentence of its own."""
    subject, rest = _subject(w, keep)
    parts = [subject, *(noun for noun, _ in _traits(w, rest))]
    if "age" in rest:
        w.name("age")
        parts[0] = f"{w.pick(say.AGES[w.script.age])} {parts[0]}"
    if rest & {"garment", "dye"}:
        parts.append(w.clothes(rest))
    if "place" in rest:
        parts.append(w.place())
    if "light" in rest:
        w.name("light")
        parts.append(w.pick(say.LIGHTS[w.script.light]))
    if "move" in rest:
        w.name("move")
        parts.append(w.fill(w.pick(say.MOVES[w.script.move])))
    if "words" in rest:
        parts.append(w.speech(w.pick(("saying {q}", "saying {w}"))))
    if "voice" in rest:
        w.name("voice")
        parts.append(f"{w.pick(say.VOICES[w.script.voice])} voice")
    parts = [parts[number] for number in w.rng.permutation(len(parts))]
    if w.split == "test":
        return _sentences(parts)
    return ", ".join(parts)


def _prose(w: Writer, keep: set[str]) -> str:
    """One main clause, and sentences for what it leaves out."""
    script = w.script
    subject, rest = _subject(w, keep)
    traits = _traits(w, rest)
    merged = 0.75 if len(rest) < 5 else 0.5
    inside, before, after = [], [], []  # phrases of the main clause, sentences round it
    if "age" in rest:
        w.name("age")
        after.append(w.fill(w.pick(say.AGE_SENTENCES), a=w.pick(say.AGES[script.age])))
    if traits and w.chance(merged):
        inside.append(f"with {_list([noun for noun, _ in traits])}")
    elif traits and w.chance(0.4):
        after.append(w.fill(w.pick(say.HAS_SENTENCES), x=_list([noun for noun, _ in traits])))
    else:
        after += [sentence for _, sentence in traits]
    if rest & {"garment", "dye"}:
        clothes = w.clothes(rest)
        if w.chance(merged):
            inside.append(w.pick(say.CLOTHES).format(c=clothes))
        else:
            after.append(w.fill(w.pick(say.CLOTHES_SENTENCES), c=clothes))
    front = ""
    if "place" in rest:
        where = w.place()
        if w.split == "test":
            front = where
        elif w.chance(merged):
            inside.append(where)
        else:
            after.append(w.fill(w.pick(say.PLACE_SENTENCES), x=where))
    if "light" in rest:
        w.name("light")
        if w.split == "test" and not front:
            front = f"in {w.pick(say.LIGHTS[script.light])}"
        elif w.chance(0.3):
            inside.append(f"in {w.pick(say.LIGHTS[script.light])}")
        else:
            sentence = w.pick(say.LIGHT_SENTENCES[script.light])
            (before if "{" not in sentence and w.chance(0.25) else after).append(w.fill(sentence))
    if "move" in rest:
        w.name("move")
        sentence = w.pick(say.MOVE_SENTENCES[script.move])
        (before if "{" not in sentence and w.chance(0.25) else after).append(w.fill(sentence))
    end, opening = "", "" if front else w.pick(say.OPENINGS)
    if "words" not in rest:
        end = " " + w.pick(say.TALKING) if w.chance(0.5) else ""
    elif w.chance(0.5):
        end = " " + w.speech(w.pick(say.SAYING))
    else:
        after.append(w.speech(w.pick(say.SAY_SENTENCES)))
    if opening and end.split()[:1] in (["is"], ["talks"], ["says"]):
        end = f" who{end}"  # what follows "a video of" is no sentence
    if "voice" in rest:
        spoken = [k for k, sentence in enumerate(after)
                  if script.sentence in sentence and " are " not in sentence]  # fmt: skip
        if "words" in rest and end and w.chance(0.6):
            end += " " + w.voice(say.VOICE_ENDS)
        elif spoken and w.chance(0.6):
            after[spoken[0]] += " " + w.voice(say.VOICE_ENDS)
        else:
            after.append(w.voice(say.VOICE_SENTENCES))
    article = "an" if subject[0] in "aeio" else "a"
    comma = "," if len(inside) > 2 else ""
    main = f"{opening}{article} {' '.join([subject, *inside])}{comma if end else ''}{end}"
    if front:
        main = f"{front}, {main}"
    after = [after[number] for number in w.rng.permutation(len(after))]
    if w.split == "test" and not front and after and "{" not in after[0]:
        main = f"{main}, and {after.pop(0)}"
    return _sentences([*before, main, *after])


def edit_prompt(before: Script, after: Script, seed: int, *, split: str = "train") -> Prompt:
    """Say what changes from one script to its edit, and nothing else.

    Raises
    ------
    BadArgument : nothing changes, or something that cannot be edited does
    """
    now, old = after.attributes(), before.attributes()
    changed = [name for name in now if now[name] != old[name]]
    if not changed or set(changed) - set(EDITABLE):
        raise BadArgument(
            "after", expected=f"changes of {', '.join(EDITABLE)} alone",
            found=", ".join(changed) or "no change",
        )  # fmt: skip
    rng = np.random.default_rng([seed, 0xED17, split == "test"])
    w = Writer(after, rng, split)
    w.show_person = w.chance(0.7)
    if "garment" in changed and "dye" in changed:
        changed.remove("dye")
    parts = []
    for number in rng.permutation(len(changed)):
        name = changed[number]
        phrase = w.pick(say.EDITS[name])
        if name == "words":
            parts.append(w.speech(phrase))
            continue
        slots: dict[str, str] = {}
        if name == "place":
            slots["x"] = w.place()
        elif name == "garment":
            keep = {"garment", "dye"} if now["dye"] != old["dye"] or w.chance(0.5) else {"garment"}
            slots["c"] = w.clothes(keep)
        elif name == "dye":
            w.name("dye")
            slots["d"], slots["g"] = w.pick(say.DYES[after.dye]), "clothes"
            if w.chance(0.7) or " is " in phrase:
                w.name("garment")
                slots["g"] = w.pick(say.GARMENTS[after.garment])
        elif name == "light":
            w.name("light")
            slots["l"] = w.pick(say.LIGHTS[after.light])
        else:
            w.name("voice")
            slots["v"] = w.pick(say.VOICES[after.voice])
        parts.append(w.fill(phrase, **slots))
    if w.chance(0.5):
        parts = [" and ".join(parts)]
    if w.chance(0.2):
        parts.append(w.pick(say.SAME))
    text = _sentences(parts) if w.chance(0.6) else ", ".join(parts)
    return Prompt(text, tuple(sorted(w.named)))


def _list(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _sentences(parts: list[str]) -> str:
    return " ".join(f"{part[0].upper()}{part[1:]}." if part[0] != '"' else f"{part}."
                    for part in parts)  # fmt: skip


def words_of_language() -> tuple[str, ...]:
    """All tokens that prompts of both splits may hold, sorted: for a word-level tokeniser."""
    found = set(VOCABULARY) | set('.,"?!')

    def collect(item: object) -> None:
        if isinstance(item, str):
            found.update(tokens(re.sub(r"\{\w\}", " ", item)))
        elif isinstance(item, dict):
            for value in item.values():
                collect(value)
        elif isinstance(item, tuple):
            for value in item:
                collect(value)

    for name, table in vars(say).items():
        if name.isupper():
            collect(table)
    found.update(place.split()[0] for place in ("grey", "red", "green", "blue", "yellow"))
    found.update(word for word in ("short", "long", "saying"))
    return tuple(sorted(found))
