"""Instruction following in the pass over a clip: which instruments a prompt needs, and their eyes.

The reading, checking and summing up are in :mod:`hhlab.metrics.instruction`; here they meet frames,
faces, the other metrics and, for clips of the small world, the read-out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hhlab.context import Context
from hhlab.errors import HhlabError
from hhlab.metrics.instruction import checks
from hhlab.metrics.instruction.clause import Clause
from hhlab.metrics.instruction.reading import read_clauses
from hhlab.metrics.instruction.regions import REGIONS, RegionWatch
from hhlab.metrics.instruction.result import Finding, Following
from hhlab.observe import Pass
from hhlab.types import ClipInfo, Face, Frame, Score, Shot, resample, shrink

PICTURES, PICTURE_PX = 12, 288
FROM_METRICS = {"camera": "camera", "light": "light", "words": "speech", "talks": "speech"}
"""Which metric's score answers clauses of which kind."""
COLOURED = tuple(f"{region} colour" for region in REGIONS)
SMALL_FPS = 12.5
SURE = 0.75
"""Less probable than this, and the read-out does not say."""
_ATTRIBUTES = {
    "person": "person", "age": "age", "skin": "skin", "hair": "hair", "hair colour": "hair_colour",
    "glasses": "glasses", "beard": "beard", "voice": "voice", "garment": "garment",
    "clothes colour": "dye", "place": "place", "background colour": "place", "camera": "move",
    "light": "light",
}  # fmt: skip


def clauses_of(shot: Shot) -> tuple[Clause, ...]:
    """What a shot asks for: its prompt's clauses, and its length where the prompt does not say."""
    found = read_clauses(shot.prompt)
    if shot.seconds is None or any(clause.kind == "duration" for clause in found):
        return found
    return (*found, Clause("duration", f"{shot.seconds:g}", "the shot's length", 0, 0))


@dataclass
class Instructed:
    """One clip's instruction following.

    Parameters
    ----------
    context : the clip and its shot
    clauses : see :func:`clauses_of`
    """

    context: Context
    clauses: tuple[Clause, ...]
    _cuts_s: list[float] = field(default_factory=list)
    _pictures: list[np.ndarray] = field(default_factory=list)
    _regions: RegionWatch = field(default_factory=RegionWatch)
    _small: list[Frame] = field(default_factory=list)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(clause.kind for clause in self.clauses)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the other metrics that answer some clause."""
        return tuple(sorted({FROM_METRICS[kind] for kind in self.kinds if kind in FROM_METRICS}))

    @property
    def wants_faces(self) -> bool:
        """Whether regions are to be found by faces."""
        return bool(self.kinds & set(COLOURED))

    def see(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Look at a frame, for what the prompt needs alone."""
        if "cuts" in self.kinds:
            step = self.context.flow.see(frame)
            if step is not None and step.cut:
                self._cuts_s.append(frame.time_s)
        if self.wants_faces:
            self._regions.see(frame, faces)
        if is_small_world(self.context.clip.info):
            self._small.append(frame)
        if self._encoder is not None and len(self._pictures) < PICTURES:
            every_s = self.context.clip.info.duration_s / PICTURES
            if not frame.time_s < (len(self._pictures) + 0.5) * every_s:
                self._pictures.append(shrink(frame.rgb, PICTURE_PX))

    @property
    def _encoder(self):
        """A network for texts and pictures, where one was given; asking loads none."""
        if self.context.toolbox.judges_faces:
            return None
        encoder = self.context.toolbox.identity_encoder
        return encoder if hasattr(encoder, "embed_texts") else None

    def finish(self, seen: Pass, scores: Mapping[str, Score]) -> Score:
        """Check every clause; `scores` are those of :attr:`metrics`."""
        wanted = self.context.wanted_face(seen) if self.wants_faces else None
        track = wanted[0] if wanted else next(iter(seen.tracks), None)
        track_id = track.track_id if track is not None else None
        info = self.context.clip.info
        instruments = [checks.length(info.duration_s), checks.cuts(self._cuts_s)]
        if self._small:
            instruments += self._read_out()
        for name, make in (("camera", checks.camera), ("light", checks.light),
                           ("speech", checks.words)):  # fmt: skip
            if name in scores:
                instruments.append(make(scores[name]))
        if self.wants_faces:
            pixels = {region: self._regions.pixels(region, track_id) for region in REGIONS}
            instruments.append(checks.colours(pixels))
        if self._encoder is not None:
            from hhlab.metrics.instruction.contrast import contrast

            instruments.append(contrast(self._pictures, self._encoder))
        return Following(checks.check(self.clauses, instruments)).to_score()

    def _read_out(self) -> list[checks.Instrument]:
        """What the small world's read-out sees and hears, read only now; [] where it cannot."""
        from hhlab.readout import read_attributes

        clip, sound = self.context.clip, {}
        try:
            frames = np.stack([f.rgb for f in resample(iter(self._small), fps=SMALL_FPS)])
            if clip.info.has_audio:
                audio = clip.audio(mono=True)
                sound = {"samples": audio.samples[0], "sample_rate": audio.sample_rate}
            found = read_attributes(frames, **sound)
        except HhlabError:
            return []
        return [small_world(found.values, found.confidence)]


def is_small_world(info: ClipInfo) -> bool:
    """Whether a clip is one of foal's or of the actors it learned from, by its size and length."""
    from hhlab.readout.listener import LARGEST_PX, LONGEST_S

    small = max(info.width_px, info.height_px) <= LARGEST_PX and info.width_px == info.height_px
    return small and info.duration_s <= LONGEST_S


def small_world(values: Mapping[str, str], confidence: Mapping[str, float]) -> checks.Instrument:
    """By attributes as the read-out tells them; asks outside of its world are not its business."""
    from hhlab.actors.script import ATTRIBUTES
    from hhlab.metrics.camera_asked import camera_agrees

    def look(clause: Clause) -> Finding | None:
        name = _ATTRIBUTES.get(clause.kind)
        if name is None or name not in values:
            return None
        asked, found = clause.asked, values[name]
        if clause.kind == "background colour":
            asked = f"{asked} studio"
        if clause.kind != "camera" and asked not in ATTRIBUTES[name]:
            return None
        if confidence[name] < SURE:
            return Finding(clause, "read-out", "undetermined", found, confidence[name],
                           "it could be several things")  # fmt: skip
        same = camera_agrees(found, asked) > 0 if clause.kind == "camera" else found == asked
        return Finding(clause, "read-out", "yes" if same else "no", found, confidence[name])

    return look
