"""Who an actor is: one continuous vector of named traits, from which everything is drawn.

Every trait lies in [0, 1]. Nothing about a face is a hard category: hair style, glasses and beard
come by degrees, as skin and bones do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhlab.errors import BadArgument, BadArray

TRAITS: tuple[str, ...] = (
    "presentation",  # 0 masculine .. 1 feminine
    "age",  # 0 about 18, 1 about 80
    # skull and jaw
    "face_width", "face_length", "jaw_width", "chin_length", "chin_width", "cheekbones",
    "fullness", "brow_ridge", "ears",
    # eyes and brows
    "eye_spacing", "eye_size", "eye_tilt", "eye_depth", "lid_fold", "eye_colour", "eye_height",
    "brow_thickness", "brow_height", "brow_arch", "lashes",
    # nose and mouth
    "nose_length", "nose_width", "nose_height", "nose_tip", "nose_bridge",
    "mouth_width", "mouth_height", "lip_upper", "lip_lower", "lip_red",
    # skin
    "skin_tone", "skin_warmth", "freckles", "blush", "grain_x", "grain_y",
    # hair
    "hair_length", "hair_volume", "hairline", "fringe", "curl", "parting",
    "hair_lightness", "hair_redness", "grey", "bald",
    "beard", "moustache", "stubble",
    # glasses
    "glasses", "glasses_round", "glasses_size", "glasses_dark",
    # voice
    "voice_pitch",
)  # fmt: skip
INDEX = {name: number for number, name in enumerate(TRAITS)}


@dataclass(frozen=True)
class Actor:
    """A person: ``traits`` is float32 (len(TRAITS),) in [0, 1]; `name` is for people only."""

    traits: np.ndarray
    name: str = "actor"

    def __post_init__(self) -> None:
        values = np.asarray(self.traits)
        if values.shape != (len(TRAITS),) or not np.isfinite(values).all():
            raise BadArray(
                "traits",
                expected=f"finite float32 ({len(TRAITS)},)",
                found=f"{values.dtype} {values.shape}",
            )
        if values.min() < 0 or values.max() > 1:
            raise BadArray(
                "traits", expected="values in [0, 1]", found=f"{values.min()}..{values.max()}"
            )
        frozen = values.astype(np.float32)
        frozen.setflags(write=False)
        object.__setattr__(self, "traits", frozen)

    def __getitem__(self, trait: str) -> float:
        try:
            return float(self.traits[INDEX[trait]])
        except KeyError:
            raise BadArgument(trait, expected=f"one of {', '.join(TRAITS)}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Actor) and np.array_equal(self.traits, other.traits)

    def __hash__(self) -> int:
        return hash(self.traits.tobytes())

    @classmethod
    def sample(cls, seed: int, **fixed: float) -> Actor:
        """Draw a plausible person; the same seed gives the same person. Traits may be fixed."""
        rng = np.random.default_rng([seed, 0x5EED])
        # Wide, slightly centre-heavy shape traits; then what is not independent in people.
        values = 0.5 + 0.5 * np.tanh(1.25 * rng.standard_normal(len(TRAITS)))
        draw = dict(zip(TRAITS, values, strict=True))
        uniform = dict(zip(TRAITS, rng.uniform(size=len(TRAITS)), strict=True))
        chance = dict(zip(TRAITS, rng.uniform(size=len(TRAITS)), strict=True))
        feminine = chance["presentation"] < 0.5
        draw["presentation"] = 0.8 + 0.2 * uniform["presentation"]
        if not feminine:
            draw["presentation"] = 0.2 * uniform["presentation"]
        draw["age"] = uniform["age"] ** 1.4
        for name in ("skin_tone", "eye_colour", "grain_x", "grain_y", "voice_pitch", "parting"):
            draw[name] = uniform[name]
        dark = draw["skin_tone"]
        draw["freckles"] = uniform["freckles"] ** 3 * (1 - dark)
        draw["hair_lightness"] = uniform["hair_lightness"] ** 1.2 * max(0.0, 1 - 1.7 * dark)
        draw["hair_redness"] = uniform["hair_redness"] ** 2
        draw["eye_colour"] = uniform["eye_colour"] if dark < 0.45 else 0.12 * uniform["eye_colour"]
        old = max(0.0, (draw["age"] - 0.45) / 0.55)
        draw["grey"] = min(1.0, old * (0.4 + 1.2 * uniform["grey"]))
        draw["glasses"] = float(chance["glasses"] < 0.2 + 0.25 * draw["age"])
        if feminine:
            draw["hair_length"] = 0.35 + 0.65 * uniform["hair_length"]
            draw["brow_thickness"] *= 0.6
            draw["jaw_width"] *= 0.7
            draw["brow_ridge"] *= 0.4
            draw["lashes"] = 0.5 + 0.5 * uniform["lashes"]
            draw["lip_red"] = 0.35 + 0.65 * uniform["lip_red"]
            draw["bald"] = draw["beard"] = draw["moustache"] = draw["stubble"] = 0.0
            draw["fringe"] = uniform["fringe"] if chance["fringe"] < 0.4 else 0.0
        else:
            draw["hair_length"] = (
                0.3 * uniform["hair_length"] if chance["hair_length"] < 0.85 else 0.55
            )
            draw["lashes"] = 0.25 * uniform["lashes"]
            draw["lip_red"] = 0.4 * uniform["lip_red"]
            draw["brow_thickness"] = 0.4 + 0.6 * uniform["brow_thickness"]
            bearded = chance["beard"] < 0.3
            draw["beard"] = 0.55 + 0.45 * uniform["beard"] if bearded else 0.0
            draw["moustache"] = draw["beard"] if bearded else float(chance["moustache"] < 0.1)
            draw["stubble"] = uniform["stubble"] ** 2
            draw["bald"] = float(chance["bald"] < 0.1 + 0.25 * old)
            draw["fringe"] = 0.5 * uniform["fringe"] if chance["fringe"] < 0.3 else 0.0
        draw["curl"] = uniform["curl"] ** (0.6 if dark > 0.6 else 1.6)
        for trait, value in fixed.items():
            if trait not in INDEX:
                raise BadArgument(trait, expected=f"one of {', '.join(TRAITS)}")
            draw[trait] = value
        return cls(np.array([draw[name] for name in TRAITS], np.float32), name=f"actor {seed}")

    def describe(self) -> str:
        """Say in one plain English phrase what this person looks like."""
        return _describe(self)


def _pick(value: float, *steps: tuple[float, str]) -> str:
    return next(word for limit, word in steps if value <= limit)


def _describe(actor: Actor) -> str:
    age = _pick(actor["age"], (0.25, "young"), (0.5, ""), (0.72, "middle-aged"), (1, "elderly"))
    who = _pick(actor["presentation"], (0.4, "man"), (0.6, "person"), (1, "woman"))
    skin = _pick(
        actor["skin_tone"], (0.2, "fair"), (0.42, "light"), (0.6, "olive"), (0.8, "brown"),
        (1, "dark"),
    )  # fmt: skip
    if actor["bald"] > 0.5:
        hair = "a bald head"
    else:
        length = _pick(
            actor["hair_length"], (0.1, "cropped"), (0.33, "short"), (0.62, "chin-length"),
            (1, "long"),
        )  # fmt: skip
        form = _pick(actor["curl"], (0.33, "straight"), (0.62, "wavy"), (1, "curly"))
        hair = f"{length} {form} {hair_colour_name(actor)} hair"
        if actor["fringe"] > 0.4:
            hair += " with a fringe"
    eyes = _pick(
        actor["eye_colour"], (0.3, "brown"), (0.5, "hazel"), (0.7, "green"), (1, "blue")
    )  # fmt: skip
    parts = [f"{skin} skin", hair, f"{eyes} eyes"]
    if actor["beard"] > 0.4:
        parts.append("a full beard" if actor["beard"] > 0.75 else "a short beard")
    elif actor["moustache"] > 0.5:
        parts.append("a moustache")
    elif actor["stubble"] > 0.5 and actor["presentation"] < 0.5:
        parts.append("stubble")
    if actor["freckles"] > 0.35:
        parts.append("freckles")
    if actor["glasses"] > 0.5:
        parts.append("round glasses" if actor["glasses_round"] > 0.5 else "square glasses")
    noun = f"{age} {who}".strip()
    article = "an" if noun[0] in "aeiou" else "a"
    return f"{article} {noun} with {', '.join(parts[:-1])} and {parts[-1]}"


def hair_colour_name(actor: Actor) -> str:
    """Name the colour of the hair."""
    if actor["grey"] > 0.75:
        return "white" if actor["hair_lightness"] > 0.5 else "grey"
    if actor["grey"] > 0.45:
        return "greying"
    if actor["hair_redness"] > 0.55 and 0.2 < actor["hair_lightness"] < 0.75:
        return "red"
    return _pick(
        actor["hair_lightness"], (0.12, "black"), (0.35, "dark brown"), (0.6, "brown"),
        (1, "blond"),
    )  # fmt: skip
