"""What every number of every metric is called on a page, for somebody who reads no code.

A metric's own label explains a number; on a card, in a heading or in a sentence there is room for a
name only. Here is one for each, short and without its unit, and a better explanation where the
metric's own says too little when it stands alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHARE = "share"


@dataclass(frozen=True)
class Term:
    """One number's name.

    Attributes
    ----------
    name : for headings and sentences; begins small, holds no comma
    about : what it says, "" where the metric's own label does
    unit : in which it is shown, None for its own
    """

    name: str
    about: str = ""
    unit: str | None = None


TERMS: dict[str, dict[str, Term]] = {
    "identity": {
        "drift": Term("drift", "how unlike the reference face, on average; out of sight counts as "
                      "another person"),
        "drift_worst": Term("worst drift", "the most that lasts; out of sight counts as another "
                            "person"),
        "drift_seen": Term("drift while seen", "the same over the time the face is seen"),
        "drift_per_s": Term("growth of the drift", "how much it grows each second while seen"),
        "same_person_probability": Term(
            "still the same person", "that even its least alike second shows the same person; out "
            "of sight counts as 0"
        ),
        "same_person_probability_seen": Term("still the same person while seen"),
        "switches": Term("changes of person"),
        "coverage": Term("time the face is seen", unit=SHARE),
        "distance": Term("distance to the reference face"),
        "recolouring": Term("change of skin colour"),
    },
    "lip_sync": {
        "offset_ms": Term("offset", "how late the sound comes after the lips; below 0 it is early"),
        "drift_ms_per_s": Term("growth of the offset", "how much later it comes each second"),
        "confidence": Term("certainty of the offset"),
        "synchronised": Term("sound goes with the face", "1 = yes, 0 = no"),
        "lse_c": Term("LSE-C", "SyncNet's confidence"),
        "lse_d": Term("LSE-D", "SyncNet's distance between sound and lips"),
    },
    "texture": {
        "oiliness_face": Term("oily face"),
        "over_sharpening_face": Term("over-sharpened face"),
        "unnatural_face": Term("unnatural face texture"),
        "oiliness_frame": Term("oily picture"),
        "over_sharpening_frame": Term("over-sharpened picture"),
        "unnatural_frame": Term("unnatural picture texture"),
        "waxiness_face": Term("waxy face"),
        "waxiness_frame": Term("waxy picture"),
        "boiling_face": Term("boiling face"),
        "boiling_frame": Term("boiling picture"),
        "noise_face": Term("noise on the face"),
        "noise_frame": Term("noise of the picture"),
        "spectral_slope_face": Term(
            "sharpness curve of the face", "exponent of its power spectrum; nearer to 0 is sharper"
        ),
        "spectral_slope_frame": Term(
            "sharpness curve of the picture",
            "exponent of its power spectrum; nearer to 0 is sharper",
        ),
        "face_coverage": Term("frames with a large enough face", unit=SHARE),
    },
    "flicker": {
        "flicker": Term("flicker"),
        "global_flicker": Term("flicker of the whole picture"),
        "local_flicker": Term("flicker of parts"),
        "flicker_vbench": Term("flicker by VBench", "VBench's own definition, motion included"),
    },
    "motion": {
        "motion_quality": Term("motion quality"),
        "motion_amount": Term("amount of motion", "mean speed of everything in the picture"),
        "camera_motion": Term("camera's motion", "the part of it that the camera makes"),
        "own_motion": Term("motion of things", "the part of it that things make themselves"),
        "fastest_motion": Term("fastest motion"),
        "shake": Term("camera shake"),
        "wobble": Term("wobble"),
        "jerk": Term("jerkiness", "how abruptly movement changes (dimensionless jerk)"),
        "shape_change": Term("bending of shapes"),
        "unexplained_change": Term("change without motion"),
        "pace": Term("changes of movement"),
        "tempo": Term("tempo", "faster (+) or slower (-) than people usually move"),
        "repeated_frames": Term("repeated frames"),
        "longest_freeze": Term("longest freeze"),
        "new_pictures": Term("new pictures"),
        "missing_frames": Term("missing frames"),
        "oddness": Term("distance from real motion", "0 is typical of real footage; 1 is as far as "
                        "generated clips usually lie apart"),
        "unevenness": Term("jerky motion", "how far each picture is from halfway between the ones "
                           "before and after it"),
        "incoherence": Term("bending and melting", "how much neighbouring parts move against each "
                            "other"),
        "residue": Term("shimmering surfaces", "what changes between frames beyond what moves"),
    },
    "camera": {
        "as_asked": Term("as asked", "100% where the move asked for is there, 50% where another is "
                         "stronger", SHARE),
        "pan": Term("pan", "how far the view turns or moves to the right (+) or left (-)"),
        "tilt": Term("tilt", "how far the view turns or moves up (+) or down (-)"),
        "zoom": Term("zoom", "growth of the picture; below 1 it shrinks"),
        "roll": Term("roll", "turn about the camera's own axis, clockwise (+)"),
        "shake": Term("camera shake", "unsteadiness from frame to frame"),
        "rotation": Term("turn of the camera", "angle between the first and the last look"),
        "parallax": Term("depth", "corners that move by how far away they are"),
        "yaw": Term("turn to the right"),
        "pitch": Term("turn upwards"),
    },
    "light": {
        "as_asked": Term("as asked", unit=SHARE),
        "warmth": Term("warmth", "warmer (+) or cooler (-) than the screen's white"),
        "level": Term("brightness", "above (+) or below (-) a well-exposed picture"),
        "balance": Term("light from the side", "from the right (+) or the left (-)"),
        "upper": Term("light from above", "how much brighter the face's upper side is"),
        "contrast": Term("contrast on the face"),
        "level_change": Term("change of brightness", "from beginning to end"),
        "warmth_change": Term("change of warmth", "from beginning to end; + is warmer"),
    },
    "speech": {
        "words_right": Term("words right", unit=SHARE),
        "word_errors": Term("word errors"),
        "dnsmos_overall": Term("sound quality", "as listeners would rate it (DNSMOS), 1 to 5"),
        "dnsmos_signal": Term("voice quality", "of the voice alone (DNSMOS), 1 to 5"),
        "dnsmos_background": Term(
            "quiet background", "how little is heard behind the voice (DNSMOS), 1 to 5"
        ),
        "pace": Term("pace of speech"),
        "pace_by_words": Term("pace by the words heard", "the same, counted by the words heard"),
        "speaking": Term("time spoken"),
        "longest_pause": Term("longest pause"),
        "pause_share": Term("pauses", unit=SHARE),
        "loudness": Term("loudness", "of the whole clip (ITU-R BS.1770); broadcast is at -23"),
        "true_peak": Term("highest peak", "true peak; above 0 the sound distorts"),
        "clipped": Term("clipped sound", "share of samples that are cut off", unit=SHARE),
        "speaks": Term("somebody speaks"),
    },
    "sound_picture": {
        "event_offset_ms": Term("offset", "how late sounds begin after what is seen; below 0 they "
                                "are early"),
        "events_in_time": Term("events heard in time", unit=SHARE),
        "event_confidence": Term("certainty of the offset"),
        "events_seen": Term("visible events"),
    },
    "instruction": {
        "followed": Term("what was asked is there", "share of the prompt's clauses that are so, of "
                         "those that could be checked", unit=SHARE),
        "checkable": Term("clauses that could be checked", unit=SHARE),
        **{
            f"{key}_followed": Term(name, "of the clauses that ask for it", SHARE)
            for key, name in {
                "camera": "camera as asked", "light": "light as asked", "words": "words as asked",
                "talks": "talking as asked", "voice": "voice as asked",
                "person": "person as asked", "age": "age as asked", "skin": "skin as asked",
                "hair": "hair as asked", "hair_colour": "hair colour as asked",
                "glasses": "glasses as asked", "beard": "beard as asked",
                "garment": "clothes as asked", "clothes_colour": "colour of clothes as asked",
                "background_colour": "colour of background as asked", "place": "place as asked",
                "duration": "length as asked", "cuts": "cuts as asked",
                "other": "anything else as asked",
            }.items()
        },
    },
    "lpips": {
        "lpips": Term("distance"),
        "lpips_worst": Term("worst distance", "of the frame that differs most"),
        "lpips_change": Term("change over time"),
        "lpips_change_worst": Term("largest change", "between two samples"),
        "coverage": Term("time that could be compared", unit=SHARE),
    },
}  # fmt: skip

_UNITS = re.compile(r"_(ms|s|deg|px|percent|db|hz|ev|per_s|ms_per_s|deg_per_s|percent_per_s)$")


def term(metric: str, measure: str) -> Term:
    """What a number is called; of one that is not ours, its own name in words, less its unit.

    >>> term("own_metric", "jerk_per_s").name
    'jerk'
    """
    known = TERMS.get(metric, {}).get(measure)
    return known or Term(_UNITS.sub("", measure).replace("_", " "))


def about(metric: str, measure: str, label: str) -> str:
    """What a number says, in words; `label` is what the metric itself says of it.

    "" where that is no more than its name.
    """
    found = term(metric, measure)
    said = found.about or label
    return "" if said.casefold() == found.name.casefold() else said
