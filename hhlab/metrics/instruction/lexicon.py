"""How prompts say things, by kind: pattern tables, nothing else. What a table lacks is "other"."""

from __future__ import annotations

import re

COLOURS: dict[str, str] = {
    "black": r"black|jet[- ]black|charcoal",
    "white": r"white|off[- ]white|ivory|cream(?:[- ]colou?red)?",
    "grey": r"gr[ea]y|silver",
    "red": r"red|crimson|scarlet|burgundy|maroon|cherry",
    "orange": r"orange|tangerine",
    "yellow": r"yellow|mustard|gold(?:en)?",
    "green": r"green|olive|emerald|khaki",
    "blue": r"blue|navy|azure|denim|cobalt",
    "turquoise": r"turquoise|teal|cyan|aqua",
    "purple": r"purple|violet|lilac|lavender|magenta",
    "pink": r"pink|rose(?:[- ]colou?red)?|fuchsia",
    "brown": r"brown|tan|beige|camel|chocolate",
}
SHADE = r"(?:(?:dark|light|pale|bright|deep|soft|vivid|faded|pastel)[- ])?"
HAIR_COLOURS: dict[str, str] = {
    "black": r"black|jet[- ]black|raven", "brown": r"brown|chestnut|brunette|auburn",
    "blond": r"blonde?|fair|golden", "red": r"red|ginger|copper",
    "grey": r"gr[ea]y|silver(?:y)?|white|salt[- ]and[- ]pepper",
}  # fmt: skip
HAIR_LENGTHS: dict[str, str] = {
    "short": r"short|cropped|close[- ]cropped|buzz[- ]?cut",
    "long": r"long|shoulder[- ]length|waist[- ]length",
}
GARMENTS: dict[str, str] = {
    "t-shirt": r"t-?shirts?|tees?", "shirt": r"(?:collared |button[- ]down )?shirts?|blouses?",
    "hoodie": r"hoodies?|hooded (?:top|sweatshirt)|sweatshirts?",
    "blazer": r"blazers?|jackets?|suit jackets?", "suit": r"suits?|tuxedos?",
    "sweater": r"sweaters?|jumpers?|pullovers?|cardigans?|turtlenecks?",
    "coat": r"(?:trench|rain|over)?coats?|parkas?", "dress": r"dress(?:es)?|gowns?",
    "uniform": r"uniforms?|overalls?|aprons?|robes?|kimonos?",
    "vest": r"vests?|waistcoats?|tank tops?", "clothes": r"clothes|clothing|outfit",
}  # fmt: skip
PEOPLE: dict[str, str] = {
    "man": r"man|guy|gentleman|male", "woman": r"woman|lady|female",
    "boy": r"boy", "girl": r"girl", "child": r"child|kid|toddler",
}  # fmt: skip
AGES: dict[str, str] = {
    "young": r"young|youthful|teenage|youngish", "middle-aged": r"middle[- ]aged",
    "old": r"old|elderly|aged|senior",
}  # fmt: skip
SKINS: dict[str, str] = {
    "fair": r"fair|pale|light", "tan": r"tan|tanned|olive", "dark": r"dark|black|deep brown|ebony",
}  # fmt: skip
VOICES: dict[str, str] = {
    "deep": r"deep|low|low-pitched|bass|baritone", "high": r"high|high-pitched|shrill|squeaky",
}  # fmt: skip
PLACES: dict[str, str] = {
    "library": r"library|book ?shel(?:f|ves)|(?:many )?books",
    "park": r"park|(?:green )?trees|garden|meadow",
    "forest": r"forest|woods|jungle", "beach": r"beach|seaside|shore", "sea": r"sea|ocean|lake",
    "city": r"city(?: lights| street| streets)?|downtown|skyline", "street": r"street|alley|road",
    "office": r"office|conference room|desk", "kitchen": r"kitchen", "bedroom": r"bedroom",
    "room": r"(?:living )?room|home|house|apartment|flat", "studio": r"studio",
    "restaurant": r"restaurant|cafe|café|coffee shop|bar|diner",
    "shop": r"shop|store|market|supermarket", "roof": r"roof(?:top)?", "stage": r"stage|theatre",
    "car": r"car|taxi", "train": r"train|station|platform", "classroom": r"classroom|school",
    "mountain": r"mountains?|hills?|cliff", "desert": r"desert|dunes", "hospital": r"hospital",
    "gym": r"gym", "church": r"church|cathedral", "workshop": r"workshop|garage|factory",
}  # fmt: skip
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
}  # fmt: skip

_WEARS = r"(?:wear(?:s|ing)?|has|have|with|does not have|is|are)"
_NO = r"(?:no|without(?: an?| any)?|not wear(?:ing)?(?: any)?|not have(?: an?| any)?)"


def any_of(table: dict[str, str]) -> str:
    """A pattern for any word of a table, the longest reading first."""
    words = sorted("|".join(table.values()).split("|"), key=len, reverse=True)
    # Splitting at | may cut a group in two: then the whole alternatives are taken as they are.
    if any(word.count("(") != word.count(")") for word in words):
        return "|".join(table.values())
    return "|".join(words)


def value_of(table: dict[str, str], text: str) -> str:
    """Which entry of a table a text belongs to, "" for none."""
    text = " ".join(text.split())
    return next((name for name, words in table.items() if re.fullmatch(words, text)), "")


PERSON = any_of(PEOPLE)
COLOUR, HAIR_COLOUR, GARMENT = any_of(COLOURS), any_of(HAIR_COLOURS), any_of(GARMENTS)
LENGTH, AGE, SKIN = any_of(HAIR_LENGTHS), any_of(AGES), any_of(SKINS)
VOICE, PLACE = any_of(VOICES), any_of(PLACES)
_CLOTH_WORDS = r"(?:[a-z-]+ ){0,2}?"

# kind, pattern with one named group for the value (or a fixed value), table. The first reading of
# a stretch of text counts; later patterns do not see what earlier ones have taken.
RULES: tuple[tuple[str, str, dict[str, str] | str], ...] = (
    ("glasses", rf"{_NO} (?:sun)?(?:glasses|spectacles)", "no"),
    ("glasses", r"(?:sun)?glasses|spectacles", "yes"),
    ("beard", rf"{_NO} (?:full )?beard|clean[- ]shaven", "no"),
    ("beard", r"(?:full |short |long |bushy )?beard(?:ed)?", "yes"),
    ("hair", r"bald(?:[- ]headed| head)?|no hair|shaven head", "bald"),
    ("hair", rf"(?P<v>{LENGTH})(?=,? (?:and )?(?:[a-z]+,? ){{0,2}}hair\b)", HAIR_LENGTHS),
    ("hair", rf"(?<=hair is )(?P<v>{LENGTH})", HAIR_LENGTHS),
    ("hair colour", rf"(?P<v>{HAIR_COLOUR})(?:-haired|(?:,? (?:and )?[a-z]+)?,? hair)",
     HAIR_COLOURS),
    ("hair colour", rf"(?:(?<=hair is )|(?<=hair is short and )|(?<=hair is long and ))"
                    rf"(?P<v>{HAIR_COLOUR})", HAIR_COLOURS),
    ("skin", rf"(?P<v>{SKIN})(?:[- ]skinned| skin)", SKINS),
    ("skin", rf"(?<=skin is )(?P<v>{SKIN})", SKINS),
    ("voice", rf"(?P<v>{VOICE})(?: [a-z]+)? voice", VOICES),
    ("voice", rf"(?<=voice is )(?:now )?(?P<v>{VOICE})|(?<=voice )(?P<w>{VOICE})", VOICES),
    ("talks", r"(?:says|saying) nothing|silent(?:ly)?|(?:does not|not) (?:speak|talk)(?:ing)?",
     "no"),
    ("talks", r"(?:talk(?:s|ing)?|speak(?:s|ing)?)(?: (?:in)?to (?:the )?camera)?(?! the words)",
     "yes"),
    ("background colour",
     rf"{SHADE}(?P<v>{COLOUR}) (?:wall|background|backdrop|studio(?: background)?)", COLOURS),
    ("clothes colour", rf"{SHADE}(?P<v>{COLOUR}),? {_CLOTH_WORDS}(?P<g>{GARMENT})", COLOURS),
    ("clothes colour",
     rf"(?P<g>{GARMENT})(?: is| are)?(?: to| now| into)* {SHADE}(?P<v>{COLOUR})", COLOURS),
    ("garment", rf"(?P<v>{GARMENT})", GARMENTS),
    ("age", rf"(?P<v>{AGE})(?=,? (?:[a-z-]+ ){{0,2}}(?:{PERSON}|person|actor)\b)", AGES),
    ("age", rf"(?<=is |ks )(?P<v>{AGE})", AGES),
    ("person", rf"(?P<v>{PERSON})", PEOPLE),
    ("place", rf"(?:in|at|on|inside|outside|outdoors in|in front of|through|along|near) "
              rf"(?:an? |the |some |many |his |her |their )?(?:[a-z-]+ ){{0,2}}?(?P<v>{PLACE})"
              r"(?: at night| by night| at dusk| at dawn)?", PLACES),
)  # fmt: skip

CUT = r"(?:hard |smash |jump |match |quick |then )?(?:cuts? to|cutting to)|(?:hard|smash|jump) cut"
NO_CUT = (
    r"(?:no|without(?: any)?) (?:cuts?|edits?)|(?:single|one|unbroken)(?:,? (?:continuous|long|"
    r"unbroken))? (?:shot|take)|oner"
)
DURATION = rf"(?P<v>\d+(?:\.\d+)?|{'|'.join(NUMBERS)})(?: |-)?(?:s|sec|secs|seconds?)(?:[- ]long)?"

STOP = frozenset(
    re.findall(
        r"\S+",
        "a an the of and or but with without in on at to into from for by as is are was be been "
        "being it its this that these those he she they him her his hers their them who whose "
        "which where there here we you i my no not very too also only now then while after before "
        "over under front video clip shot scene footage picture image camera light lighting close "
        "up close-up portrait wear wears wearing dressed has have having does do done look looks "
        "looking seen stands stand standing set says say saying said speaks speak speaking spoken "
        "words word voice tone face instead against outdoors indoors slow slowly quickly gently "
        "make put turn change use give keep everything else rest same stays all hair skin person "
        "actor someone somebody colour color clothes keeping",
    )
)
"""Words that by themselves ask for nothing."""
LIGHT_TAILS = frozenset(
    re.findall(
        r"\S+",
        "golden even bluish warm cool cold soft hard gets darker brighter dim bright natural",
    )
)
"""Words that go on about the light where it has been spoken of: "warm and golden"."""
