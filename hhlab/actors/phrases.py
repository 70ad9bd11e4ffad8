"""The language of the small world: how each attribute may be said, as tables of phrases.

In braces stand slots: {P} is he, she or "the person", {O} him, her or "the person". Phrases under
"test" are never used in training prompts; every *word* in them is known from others.
"""

from __future__ import annotations

NOUNS = {"man": ("man", "guy"), "woman": ("woman", "lady"), "": ("person", "actor")}
PRONOUNS = {"man": "he", "woman": "she"}
OBJECTS = {"man": "him", "woman": "her"}
AGES = {"young": ("young", "youthful"), "old": ("old", "elderly")}
SKINS = {"fair": ("fair", "pale"), "tan": ("tan", "tanned"), "dark": ("dark",)}
HAIR_COLOURS = {
    "black": ("black",), "brown": ("brown", "chestnut"), "blond": ("blond", "blonde"),
    "red": ("red", "ginger"), "grey": ("grey", "gray"),
}  # fmt: skip
GARMENTS = {
    "t-shirt": ("t-shirt", "tee"), "shirt": ("shirt", "collared shirt"),
    "hoodie": ("hoodie", "hooded top"), "blazer": ("blazer", "jacket"),
}  # fmt: skip
DYES = {
    "white": ("white",), "black": ("black",), "blue": ("blue",), "green": ("green",),
    "red": ("red",), "yellow": ("yellow",), "pink": ("pink",), "purple": ("purple", "violet"),
}  # fmt: skip
VOICES = {"deep": ("deep", "low"), "high": ("high", "high-pitched")}

# Where: said after a noun ("a man in a park") or after "is".
PLACES = {
    "room": ("in a room", "in a living room", "at home"),
    "library": ("in a library", "in front of bookshelves", "in front of many books"),
    "park": ("in a park", "outdoors in a park", "in front of green trees"),
    "city": ("in the city at night", "in front of city lights", "in a city at night"),
    "office": ("in an office", "at the office"),
}
STUDIOS = (
    "in a {c} studio", "in front of a {c} wall", "against a {c} background",
    "against a {c} backdrop",
)  # fmt: skip

LIGHTS = {  # after "in", or by itself
    "soft": ("soft light", "soft even light", "even light"),
    "warm": ("warm light", "warm golden light", "golden light"),
    "cool": ("cool light", "cold light", "cool bluish light"),
    "dim": ("dim light", "low light"),
    "left": ("light from the left", "hard light from the left"),
    "right": ("light from the right", "hard light from the right"),
    "fading": ("fading light", "light that fades", "slowly fading light"),
    "moving": ("moving light", "light that moves", "wandering light"),
}
LIGHT_SENTENCES = {
    "soft": ("the light is soft", "the light is soft and even"),
    "warm": ("the light is warm", "the light is warm and golden"),
    "cool": ("the light is cool", "the light is cold and bluish"),
    "dim": ("the light is dim", "it is only dimly lit"),
    "left": ("the light comes from the left", "{P} is lit from the left"),
    "right": ("the light comes from the right", "{P} is lit from the right"),
    "fading": ("the light fades", "the light slowly fades", "it gets darker"),
    "moving": ("the light moves", "the light moves across the face", "the light wanders"),
}
MOVES = {
    "static": ("static camera", "still camera", "fixed camera", "no camera movement"),
    "pan left": ("pan left", "pan to the left"), "pan right": ("pan right", "pan to the right"),
    "tilt up": ("tilt up", "camera tilting up"), "tilt down": ("tilt down", "camera tilting down"),
    "zoom in": ("zoom in", "slow zoom in"), "zoom out": ("zoom out", "slow zoom out"),
    "shake": ("handheld camera", "shaky camera"),
    "orbit": ("orbit shot", "orbiting camera", "camera circling around {O}"),
}  # fmt: skip
MOVE_SENTENCES = {
    "static": ("the camera does not move", "the camera is still", "the camera is fixed"),
    "pan left": ("the camera pans left", "the camera pans to the left"),
    "pan right": ("the camera pans right", "the camera pans to the right"),
    "tilt up": ("the camera tilts up", "the camera is tilting up"),
    "tilt down": ("the camera tilts down", "the camera is tilting down"),
    "zoom in": ("the camera zooms in", "the camera slowly zooms in"),
    "zoom out": ("the camera zooms out", "the camera slowly zooms out"),
    "shake": ("the camera shakes", "the camera is handheld", "it is a shaky shot"),
    "orbit": ("the camera orbits {O}", "the camera circles around {O}",
              "the camera moves around {O}"),
}  # fmt: skip
TRAITS = {  # what may follow "with" or "has"
    ("glasses", "yes"): ("glasses", "spectacles"),
    ("glasses", "no"): ("no glasses",),
    ("beard", "yes"): ("a beard", "a full beard"),
    ("beard", "no"): ("no beard",),
    ("hair", "bald"): ("a bald head", "no hair"),
}
TRAIT_SENTENCES = {
    ("glasses", "yes"): ("{P} wears glasses", "{P} is wearing glasses", "{P} has spectacles"),
    ("glasses", "no"): ("{P} does not wear glasses", "{P} is not wearing glasses",
                        "{P} is without glasses"),
    ("beard", "yes"): ("{P} has a beard", "{P} is bearded", "{P} has a full beard"),
    ("beard", "no"): ("{P} has no beard", "{P} does not have a beard", "{P} is clean-shaven",
                      "{P} is without a beard"),
    ("hair", "bald"): ("{P} is bald", "{P} has no hair"),
}  # fmt: skip

SAYING = {  # after the main noun; {w} is what is said, {q} the same in quotes
    "train": ("saying {q}", "saying {w}", "who says {q}", "says {q}", "is saying {q}"),
    "test": ("speaks the words {q}", "who is saying {q}"),
}
SAY_SENTENCES = {
    "train": ("{P} says {q}", "{P} says {w}", "{P} is saying {q}", "{P} speaks the words {q}",
              "the words are {q}"),
    "test": ("{q}, {P} says", "{P} says the words {q}", "{P} is saying the words {q}"),
}  # fmt: skip
TALKING = ("is talking", "talks", "talking to the camera", "speaking", "who is speaking")
VOICE_ENDS = ("in a {v} voice", "with a {v} voice")
VOICE_SENTENCES = ("{P} has a {v} voice", "the voice is {v}")
CLOTHES = {
    "train": ("wearing {c}", "in {c}", "dressed in {c}", "who wears {c}"),
    "test": ("who is wearing {c}", "who is dressed in {c}"),
}
CLOTHES_SENTENCES = {
    "train": ("{P} wears {c}", "{P} is wearing {c}", "{P} is dressed in {c}"),
    "test": ("{P} is seen wearing {c}", "{P} is seen in {c}"),
}
PLACE_SENTENCES = {
    "train": ("{P} is {x}", "{P} stands {x}", "the scene is set {x}", "{P} is seen {x}"),
    "test": ("the scene is {x}", "{P} is seen standing {x}"),
}
HAS_SENTENCES = {"train": ("{P} has {x}", "{P} is someone with {x}"), "test": ("the {N} has {x}",)}
HAIR_SENTENCES = ("{P} has {x}", "the hair is {y}")
SKIN_SENTENCES = ("{P} has {s} skin", "the skin is {s}")
AGE_SENTENCES = ("{P} is {a}", "{P} looks {a}")
OPENINGS = {"train": ("", "", "", "a video of ", "a clip of "), "test": ("a shot of ", "")}

# What an edit says; "test" phrases as above. {g} garment, {d} dye, {c} clothes, {x} place.
EDITS = {
    "dye": {
        "train": ("make the {g} {d}", "turn the {g} {d}", "change the {g} to {d}",
                  "now the {g} is {d}", "change the colour of the {g} to {d}"),
        "test": ("the {g} is now {d}", "turn the colour of the {g} to {d}"),
    },
    "garment": {
        "train": ("change the clothes to {c}", "put {O} in {c}", "now {P} wears {c}",
                  "{P} wears {c} instead"),
        "test": ("now {P} is wearing {c}", "{P} is now dressed in {c}"),
    },
    "place": {
        "train": ("now {x}", "put {O} {x}", "change the scene, now {P} is {x}", "{x} instead"),
        "test": ("the scene is now {x}", "now {P} stands {x}"),
    },
    "light": {
        "train": ("change the light to {l}", "now in {l}", "{l} instead", "use {l}"),
        "test": ("now use {l}", "put {O} in {l}"),
    },
    "words": {
        "train": ("{P} says {q} instead", "now {P} says {q}", "change the words to {q}",
                  "make {O} say {q}", "{P} says {w} instead"),
        "test": ("the words are now {q}", "{P} now says {q}"),
    },
    "voice": {
        "train": ("give {O} a {v} voice", "make the voice {v}", "now with a {v} voice",
                  "change the voice to a {v} voice"),
        "test": ("the voice is now {v}", "now {P} has a {v} voice"),
    },
}  # fmt: skip
SAME = ("keep everything else", "all else stays the same", "the rest does not change")
GLUE = (
    "a an and with without the of is has who in shot no skin hair clothes short long bald bearded "
    "fair-skinned pale-skinned tan-skinned tanned-skinned dark-skinned clean-shaven"
)  # words that the writer itself puts between phrases
