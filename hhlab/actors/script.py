"""A script: everything that makes one clip of the small world, as data.

What a prompt can name is a category whose members can be told apart by eye in a picture of 96
pixels (:data:`ATTRIBUTES`); all else (the shape of the face, the manner of moving, the details of
a place) is continuous and follows from seeds. Between categories there are gaps: no actor has skin
between tan and dark.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from hhlab.actors.body import Clothes
from hhlab.actors.camera import Camera
from hhlab.actors.identity import Actor
from hhlab.actors.looks import LIGHTING, cast
from hhlab.actors.performance import Performance
from hhlab.actors.scene import Scene
from hhlab.actors.vocabulary import VOCABULARY, sample_sentence
from hhlab.errors import BadArgument

# The single table of what is named, and by which values. A bald head has hair colour "none".
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "person": ("man", "woman"),
    "age": ("young", "old"),
    "skin": ("fair", "tan", "dark"),
    "hair": ("bald", "short", "long"),
    "hair_colour": ("none", "black", "brown", "blond", "red", "grey"),
    "glasses": ("no", "yes"),
    "beard": ("no", "yes"),
    "voice": ("deep", "high"),
    "garment": ("t-shirt", "shirt", "hoodie", "blazer"),
    "dye": ("white", "black", "blue", "green", "red", "yellow", "pink", "purple"),
    "place": (
        "room", "library", "park", "city", "office", "grey studio", "red studio",
        "green studio", "blue studio", "yellow studio",
    ),
    "move": (
        "static", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out", "shake",
        "orbit",
    ),
    "light": ("soft", "warm", "cool", "dim", "left", "right", "fading", "moving"),
}  # fmt: skip
EDITABLE = ("garment", "dye", "place", "light", "words", "voice")
LONGEST_WORDS = 5
SCENES = {"library": "shelves", "city": "night"}  # where the renderer says it otherwise
GARMENTS = {"t-shirt": "crew"}


@dataclass(frozen=True)
class Script:
    """One clip. Attributes are named as in :data:`ATTRIBUTES`; flags are "yes" or "no".

    Attributes
    ----------
    actor_seed : of everything about the actor that has no name
    words : what is said, two to five words of :data:`VOCABULARY`
    seed : of the performance (head, eyes, manner), the camera's shake and the place's details
    """

    actor_seed: int
    person: str
    age: str
    skin: str
    hair: str
    hair_colour: str
    glasses: str
    beard: str
    voice: str
    garment: str
    dye: str
    place: str
    move: str
    light: str
    words: tuple[str, ...]
    seed: int

    def __post_init__(self) -> None:
        words = self.words.split() if isinstance(self.words, str) else self.words
        object.__setattr__(self, "words", tuple(words))
        for name, values in ATTRIBUTES.items():
            if getattr(self, name) not in values:
                raise BadArgument(
                    name, expected=f"one of {', '.join(values)}", found=repr(getattr(self, name))
                )
        unknown = [word for word in self.words if word not in VOCABULARY]
        if unknown or not 1 <= len(self.words) <= LONGEST_WORDS:
            raise BadArgument(
                "words", expected=f"1 to {LONGEST_WORDS} of {', '.join(VOCABULARY)}",
                found=" ".join(map(str, self.words)) or "none",
            )  # fmt: skip
        if (self.hair == "bald") != (self.hair_colour == "none"):
            raise BadArgument(
                "hair_colour", expected="none for a bald head, and only there",
                found=f"{self.hair}, {self.hair_colour}",
            )  # fmt: skip
        if self.person == "woman" and (self.beard == "yes" or self.hair == "bald"):
            raise BadArgument("person", expected="a man to be bald or bearded", found="woman")

    # --- making ---------------------------------------------------------------------------------
    @classmethod
    def sample(cls, seed: int, **fixed: object) -> Script:
        """Draw a script; the same seed gives the same script. Any field may be fixed."""
        unknown = set(fixed) - set(cls.__dataclass_fields__)
        if unknown:
            raise BadArgument(
                sorted(unknown)[0], expected=f"one of {', '.join(cls.__dataclass_fields__)}",
                found="an unknown field",
            )  # fmt: skip
        rng = np.random.default_rng([seed, 0x5C1])
        draw: dict[str, object] = {"actor_seed": int(rng.integers(2**31))}
        for name, values in ATTRIBUTES.items():
            draw[name] = str(rng.choice(values))
        draw["words"] = sample_sentence(rng)
        draw["seed"] = int(rng.integers(2**31))
        chance = rng.uniform(size=4)
        only_men = fixed.get("hair") == "bald" or fixed.get("beard") == "yes"
        if only_men or fixed.get("hair_colour") == "none":
            draw["person"] = "man"
        draw.update(fixed)
        man = draw["person"] == "man"
        if "hair" not in fixed:
            cut = (0.24, 0.78) if man else (0.0, 0.32)
            draw["hair"] = ("bald", "short", "long")[int((chance[0] > np.array(cut)).sum())]
            if "hair_colour" in fixed and (fixed["hair_colour"] == "none") != (
                draw["hair"] == "bald"
            ):
                draw["hair"] = "bald" if fixed["hair_colour"] == "none" else "short"
        if "hair_colour" not in fixed:
            colours = ATTRIBUTES["hair_colour"][1:]
            draw["hair_colour"] = colours[int(chance[1] * len(colours))]
            if draw["age"] == "old" and chance[2] < 0.35:
                draw["hair_colour"] = "grey"
            if draw["hair"] == "bald":
                draw["hair_colour"] = "none"
        if "beard" not in fixed and not man:
            draw["beard"] = "no"
        return cls(**draw)  # type: ignore[arg-type]

    def edited(self, **changes: object) -> Script:
        """Change clothes, place, light, words or voice; the actor, performance and seed stay."""
        for name in changes:
            if name not in EDITABLE:
                raise BadArgument(name, expected=f"one of {', '.join(EDITABLE)}", found=name)
        return replace(self, **changes)

    # --- saying what it is ----------------------------------------------------------------------
    def attributes(self) -> dict[str, str]:
        """All named attributes, and what is said under "words"."""
        return {name: getattr(self, name) for name in ATTRIBUTES} | {"words": self.sentence}

    @property
    def sentence(self) -> str:
        """What is said, one space between words."""
        return " ".join(self.words)

    def to_json(self) -> str:
        """One line of JSON, keys in order."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Script:
        """Read what :meth:`to_json` wrote."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise BadArgument("script", expected="JSON of a script", found=str(error)) from error

    # --- what the renderer needs ----------------------------------------------------------------
    @property
    def actor(self) -> Actor:
        """Who is seen."""
        return cast(
            self.actor_seed, person=self.person, age=self.age, skin=self.skin, hair=self.hair,
            hair_colour=self.hair_colour, glasses=self.glasses, beard=self.beard,
        )  # fmt: skip

    @property
    def clothes(self) -> Clothes:
        """What is worn."""
        return Clothes(GARMENTS.get(self.garment, self.garment), self.dye)

    @property
    def scene(self) -> Scene:
        """What surrounds the actor."""
        rng = np.random.default_rng([self.seed, 0x5CF])
        manner = rng.uniform(size=5)
        strength = 0.85 + 0.3 * manner[3]
        return Scene(
            background=SCENES.get(self.place, self.place),
            clothes=self.clothes,
            camera=Camera(self.move, 2.2 * strength if self.move == "shake" else strength),
            light=LIGHTING[self.light],
            performance=Performance(
                movement=0.55 + 0.7 * manner[0], turn_deg=float(12 * manner[1] - 6),
                nod_deg=float(6 * manner[2] - 3), expression=0.2 + 0.6 * manner[4],
            ),
        )  # fmt: skip

    def speaking(self) -> dict[str, object]:
        """Voice, pitch and rate for :func:`hhlab.actors.voice.speak`."""
        manner = np.random.default_rng([self.actor_seed, 0x701CE]).uniform(size=3)
        speakers = ("m1", "m3", "m7") if self.person == "man" else ("f2", "f3", "f5")
        low = 20 if self.voice == "deep" else 74
        return {
            "voice": f"en-us+{speakers[int(manner[0] * 3)]}",
            "pitch": int(low + 10 * manner[1]),
            "rate_wpm": int(162 + 16 * manner[2]),
        }

    def render(self, size_px: int = 96, fps: float = 12.5, seconds: float = 2.0):
        """Render the clip, with sound of 16 kHz: see :func:`hhlab.actors.take.take`."""
        from hhlab.actors.take import take

        return take(self, size_px=size_px, fps=fps, seconds=seconds)

    def reference(self, number: int):
        """A still of the same actor elsewhere: see :func:`hhlab.actors.take.still_of`."""
        from hhlab.actors.take import still_of

        return still_of(self, number)


# --- what is kept for the test -------------------------------------------------------------------
def _share(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone, on any machine."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def held_out(script: Script) -> frozenset[str]:
    """What of a script is never seen in training: "actor", "look" (garment, dye and place
    together), "sentence"; each of them in 4% of all."""  # fmt: skip
    shares = {
        "actor": _share("actor", script.actor_seed),
        "look": _share("look", script.garment, script.dye, script.place),
        "sentence": _share("sentence", script.sentence),
    }
    return frozenset(name for name, share in shares.items() if share < 0.04)


def split_of(script: Script) -> str:
    """Say "test" where anything of a script is held out, else "train"."""
    return "test" if held_out(script) else "train"
