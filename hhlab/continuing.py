"""Several clips of one character: what each shows of face, clothes and voice, compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hhlab.errors import BadArgument, HhlabError
from hhlab.faces import Cropper, align, choose_track
from hhlab.media import read_clip
from hhlab.metrics.continuity import Continuity, Sighting, compare_sightings
from hhlab.metrics.continuity_clothes import clothes_of, cut_chest
from hhlab.metrics.encoders import unit
from hhlab.metrics.identity_observer import read_references
from hhlab.metrics.speech.networks import SAMPLE_RATE
from hhlab.metrics.speech.pauses import ON
from hhlab.metrics.voice import LEAST_S
from hhlab.toolbox import Toolbox, shared_toolbox
from hhlab.types import Clip

LOOK_FPS, LARGEST_PX = 6.25, 960
LONGEST_S = 30.0  # of each clip: a face, clothes and a voice are known by then
FACE, CHEST = "continuity_face", "continuity_chest"
EVERY_S = 0.4


def continuity(
    clips: Sequence[Clip | str | Path],
    *,
    references: Sequence[np.ndarray | str | Path] = (),
    names: Sequence[str] | None = None,
    toolbox: Toolbox | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Continuity:
    """Tell whether several clips show the same character: face, clothes, voice.

    Parameters
    ----------
    clips : two or more, or their files
    references : pictures of the character, as paths or ``uint8 (h, w, 3)`` RGB; where several
        people are in a clip they say who is meant. Without them it is the face seen longest
    names : of the clips, each once; default: their files' names
    toolbox : networks to use
    on_progress : called with clips done, and clips in all

    Returns
    -------
    Continuity
        pairwise and overall probabilities, and which clip is unlike the rest. What a clip does not
        show (no face, no chest in view, too little speech) is nan with the reason.

    Raises
    ------
    BadArgument : fewer than two clips, or names that are not as many and different
    MediaError : a clip or a reference cannot be read
    WeightsMissing : the networks for faces have not been fetched; the message names the command.
        Without those for voices, the voice alone is undetermined.
    """
    if isinstance(clips, (str, Path)) or len(clips) < 2:
        raise BadArgument("clips", expected="two or more", found=repr(clips)[:60])
    opened = [read_clip(clip) if isinstance(clip, (str, Path)) else clip for clip in clips]
    called = list(names) if names is not None else _names(opened)
    if len(called) != len(opened) or len(set(called)) != len(called):
        raise BadArgument("names", expected="one for each clip, each once", found=repr(called)[:80])
    toolbox = toolbox or shared_toolbox()
    known = _references(references, toolbox)
    found = []
    for number, (clip, name) in enumerate(zip(opened, called, strict=True)):
        found.append(sight(clip, name, toolbox, references=known))
        if on_progress is not None:
            on_progress(number + 1, len(opened))
    return compare_sightings(found)


def sight(
    clip: Clip, name: str, toolbox: Toolbox, *, references: np.ndarray | None = None
) -> Sighting:
    """What one clip shows of a character; `references` are embeddings float32 (r, d) of it."""
    encoder = toolbox.face_encoder
    tracker = toolbox.tracker({
        FACE: Cropper(lambda rgb, face: align(rgb, face.keypoints_px), EVERY_S),
        CHEST: Cropper(cut_chest, EVERY_S),
    })  # fmt: skip
    for frame in clip.frames(fps=LOOK_FPS, end_s=LONGEST_S, max_side_px=LARGEST_PX):
        tracker.see(frame)
    tracks = [track for track in tracker.tracks() if len(track.crops.get(FACE, ()))]
    embedded = {track.track_id: encoder.embed(track.crops[FACE]) for track in tracks}
    track, _ = choose_track(tracks, reference_embeddings=references, embeddings=embedded)
    why: dict[str, str] = {}
    face = clothes = None
    if track is None:
        why["face"] = why["clothes"] = "no face was found"
    else:
        face = unit(embedded[track.track_id].mean(axis=0))
        clothes = clothes_of(track.crops[CHEST], track.crops[FACE])
        if clothes is None:
            why["clothes"] = "too little is in view below the face"
    voice = voice_of(clip, toolbox)
    if isinstance(voice, str):
        why["voice"], voice = voice, None
    return Sighting(name, face, clothes, voice, encoder.name, why)


def voice_of(clip: Clip, toolbox: Toolbox) -> np.ndarray | str:
    """The voice of a clip, float32 (256,), or why it cannot be told."""
    if not clip.info.has_audio:
        return "the clip has no sound"
    detector, encoder = toolbox.ear("detector"), toolbox.ear("voice")
    for ear in (detector, encoder):
        if isinstance(ear, HhlabError):
            return f"{ear.kind}: {ear}"
    sound = clip.audio(sample_rate=SAMPLE_RATE, mono=True).mono[: int(LONGEST_S * SAMPLE_RATE)]
    speaks = detector.probabilities(sound) >= ON
    speech = sound[np.repeat(speaks, detector.STEP)[: len(sound)]]
    if len(speech) < LEAST_S * SAMPLE_RATE:
        return f"{len(speech) / SAMPLE_RATE:.1f} s of speech, {LEAST_S:g} s are needed"
    return encoder.embed(speech)


def _references(references: Sequence, toolbox: Toolbox) -> np.ndarray | None:
    from hhlab.media import read_image

    if not len(references):
        return None
    pictures = [read_image(r) if isinstance(r, (str, Path)) else np.asarray(r) for r in references]
    return read_references(
        pictures, toolbox.face_encoder, faces=toolbox.faces_of_picture
    ).embeddings


def _names(clips: Sequence[Clip]) -> list[str]:
    """Names of the clips; those that come twice get a number."""
    names = [clip.info.name for clip in clips]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: k + 1].count(name)})"
        for k, name in enumerate(names)
    ]
