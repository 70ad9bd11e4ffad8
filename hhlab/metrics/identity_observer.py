"""Identity drift while a clip streams past: keep a few numbers per face, embed in small batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhlab.errors import BadArgument
from hhlab.faces.align import align
from hhlab.metrics.encoders import Encoder
from hhlab.metrics.identity import IdentityDrift, identity_drift
from hhlab.metrics.identity_calibration import CALIBRATIONS
from hhlab.metrics.identity_colour import COLOURS, skin_and_rest, skin_changes
from hhlab.metrics.identity_statistics import own_anchor
from hhlab.metrics.identity_subject import FaceSamples, choose_subject, head_pose, quality
from hhlab.types import Face, Frame

SAMPLE_FPS = 5.0
MOST_FACES = 3  # per sampled frame, the largest
_BATCH = 16


@dataclass(frozen=True)
class References:
    """Embeddings float32 (r, d) and head poses float (r, 2) of pictures of the person."""

    embeddings: np.ndarray
    poses: np.ndarray


def read_references(images: Sequence[np.ndarray], encoder: Encoder, *, faces=None) -> References:
    """Embed reference pictures.

    Parameters
    ----------
    images : uint8 (h, w, 3) RGB each
    faces : for a face encoder, a function picture -> list of :class:`Face`, largest first, such as
        ``functools.partial(hhlab.faces.detect_in_image, detector=..., landmarks=...)``

    Raises
    ------
    BadArgument : a picture shows no face
    """
    if encoder.sees == "picture":
        rows = [encoder.embed(np.asarray(image)[None]) for image in images]
        return References(np.concatenate(rows), np.zeros((len(rows), 2)))
    crops, keypoints = [], []
    for number, image in enumerate(images):
        found = faces(image)
        if not found:
            raise BadArgument("references", expected="a face in every reference picture",
                              found=f"none in picture {number + 1}")  # fmt: skip
        crops.append(align(image, found[0].keypoints_px, size_px=encoder.input_px))
        keypoints.append(found[0].keypoints_px)
    return References(encoder.embed(np.stack(crops)), head_pose(np.stack(keypoints)))


class IdentityObserver:
    """Tell it every frame with its faces; ask for the drift at the end.

    Parameters
    ----------
    encoder : a face encoder, or a picture encoder for subjects without a face
    references : of the person, by :func:`read_references`; default: the clip's own first second
    box_px : for a picture encoder, x, y, width, height to look at; default: the whole frame
    sample_fps : how many frames a second are looked at

    It keeps seven kilobytes per face and sample, 20 MB for ten minutes of one face.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        references: References | None = None,
        box_px: tuple[int, int, int, int] | None = None,
        sample_fps: float = SAMPLE_FPS,
    ) -> None:
        self._encoder, self._references, self._box = encoder, references, box_px
        self._sample_fps = sample_fps
        self._times: list[float] = []
        self._rows: list[tuple[float, int, np.ndarray, float, np.ndarray, np.ndarray]] = []
        self._waiting: list[np.ndarray] = []
        self._embedded: list[np.ndarray] = []

    def see(self, frame: Frame, faces: Sequence[Face] = ()) -> None:
        """Look at the next frame; frames between two samples are passed over."""
        if self._times and frame.time_s - self._times[-1] < 1 / self._sample_fps - 1e-3:
            return
        self._times.append(frame.time_s)
        if self._encoder.sees == "picture":
            self._keep(frame, -1, np.zeros(2), float("inf"), np.zeros(2),
                       np.full(COLOURS, np.nan),
                       _picture(frame.rgb, self._box, self._encoder.input_px))  # fmt: skip
            return
        largest = sorted(faces, key=lambda face: -float(face.box_px[2] * face.box_px[3]))
        for face in largest[:MOST_FACES]:
            if not np.isfinite(face.keypoints_px).all():
                continue
            self._keep(
                frame, face.track_id, head_pose(face.keypoints_px[None])[0],
                float(face.box_px[2]), face.box_px[:2] + face.box_px[2:] / 2,
                skin_and_rest(frame.rgb, face.landmarks_px, face.box_px),
                align(frame.rgb, face.keypoints_px, size_px=self._encoder.input_px),
            )  # fmt: skip

    def _keep(self, frame, track_id, pose, width_px, centre_px, colours, crop) -> None:
        self._rows.append((frame.time_s, track_id, pose, width_px, centre_px, colours))
        self._waiting.append(crop)
        if len(self._waiting) >= _BATCH:
            self._embed()

    def _embed(self) -> None:
        if self._waiting:
            self._embedded.append(self._encoder.embed(np.stack(self._waiting)))
            self._waiting = []

    def samples(self) -> FaceSamples:
        """Every face seen so far."""
        self._embed()
        if not self._rows:
            return FaceSamples(np.zeros(0), np.zeros(0, int), np.zeros((0, 1), np.float32),
                               np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)),
                               np.zeros((0, COLOURS)))  # fmt: skip
        times, tracks, poses, widths, centres, colours = zip(*self._rows, strict=True)
        return FaceSamples(np.array(times), np.array(tracks), np.concatenate(self._embedded),
                           np.array(poses), np.array(widths), np.array(centres),
                           np.array(colours))  # fmt: skip

    def result(self) -> IdentityDrift:
        """Choose the subject and measure its drift."""
        return drift_of_samples(
            self.samples(), np.array(self._times), encoder=self._encoder,
            references=self._references, sample_fps=self._sample_fps, box_px=self._box,
        )  # fmt: skip


def _picture(rgb: np.ndarray, box_px, side_px: int) -> np.ndarray:
    import cv2

    if box_px is not None:
        x, y, w, h = box_px
        part = rgb[max(y, 0) : y + h, max(x, 0) : x + w]
        if not part.size:
            raise BadArgument("box_px", expected="a box within the frame", found=str(box_px))
        rgb = part
    return cv2.resize(np.ascontiguousarray(rgb), (side_px, side_px), interpolation=cv2.INTER_AREA)


def drift_of_samples(
    samples: FaceSamples,
    expected_times_s: np.ndarray,
    *,
    encoder: Encoder,
    references: References | None = None,
    sample_fps: float = SAMPLE_FPS,
    box_px: tuple[int, int, int, int] | None = None,
) -> IdentityDrift:
    """Choose the subject among sampled faces and measure its drift."""
    calibration = CALIBRATIONS.get(encoder.name)
    given = references.embeddings if references is not None else None
    settings: dict[str, object] = {"sample_fps": sample_fps}
    if encoder.sees == "picture":
        picked = np.arange(len(samples.times_s))
        subject = "whole frame" if box_px is None else f"box {list(box_px)}"
        weights = np.ones(len(picked))
        others_s, elsewhere_s = None, None
    else:
        found = choose_subject(samples, reference_embeddings=given, calibration=calibration)
        picked, subject = found.rows, found.text
        others_s, elsewhere_s = found.others_s, found.elsewhere_s
        weights = quality(samples.poses[picked], samples.widths_px[picked])
    chosen = samples.take(picked)
    changes = None
    usable = np.nonzero(weights > 0)[0]
    if len(usable):
        first = usable[own_anchor(chosen.times_s[usable])]
        changes = skin_changes(chosen.colours, chosen.colours[first])
    return identity_drift(
        chosen.embeddings, chosen.times_s, expected_times_s=expected_times_s,
        reference_embeddings=given,
        reference_poses=references.poses if references is not None else None,
        poses=chosen.poses, quality=weights, skin_changes=changes, calibration=calibration,
        others_s=others_s, elsewhere_s=elsewhere_s,
        encoder=encoder.name, subject=subject, parameters=settings,
    )  # fmt: skip
