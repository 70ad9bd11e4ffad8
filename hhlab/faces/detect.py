"""Find faces in a picture: YuNet (Wu et al., Machine Intelligence Research 20, 2023)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from hhlab.errors import BadArray
from hhlab.types import Face

_STRIDES = (8, 16, 32)
_MULTIPLE = 32  # the network wants sides that are multiples of its coarsest stride
LOOK_PX = (320, 640, 160)  # longer sides at which a whole search looks, in this order
CLOSE_LOOK_PX = 1920  # and then, for small faces in a large picture


class FaceDetector:
    """Faces with a box, five key points and a score.

    Parameters
    ----------
    path : the ONNX file, ``hhlab.weights.path("yunet")``
    min_score : faces that score lower are not reported; in [0, 1]
    """

    def __init__(self, path: Path, *, min_score: float = 0.6) -> None:
        self._data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        self.min_score = min_score
        self._nets: dict[tuple[int, int], cv2.dnn.Net] = {}

    def find(self, rgb: np.ndarray) -> list[Face]:
        """Search a picture thoroughly and return its faces, the largest first.

        Looks at a small copy first and at finer ones only while nothing is found. Found at the
        least: faces of 24 pixels in pictures up to 1920 pixels wide, and faces larger than the
        picture.
        """
        check_rgb(rgb)
        longest = max(rgb.shape[:2])
        for side_px in LOOK_PX:
            faces = self.look(rgb, side_px=side_px)
            if faces:
                return faces
        if longest > LOOK_PX[1]:
            return self.look(rgb, side_px=min(longest, CLOSE_LOOK_PX))
        return []

    def look(self, rgb: np.ndarray, *, side_px: int, min_score: float | None = None) -> list[Face]:
        """Search a copy whose longer side is `side_px`; faces in pixels of `rgb`, largest first."""
        check_rgb(rgb)
        height, width = rgb.shape[:2]
        # Small pictures are enlarged at most twice: more invents nothing to see.
        scale = min(side_px / max(height, width), 2.0)
        small_w, small_h = max(1, round(width * scale)), max(1, round(height * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(np.ascontiguousarray(rgb), (small_w, small_h), interpolation=how)
        padded_w, padded_h = (-(-side // _MULTIPLE) * _MULTIPLE for side in (small_w, small_h))
        padded = np.zeros((padded_h, padded_w, 3), dtype=np.uint8)
        padded[:small_h, :small_w] = small
        at_least = self.min_score if min_score is None else min_score
        boxes, keypoints, scores = self._run(padded, at_least)
        step = np.array([width / small_w, height / small_h])
        faces = [
            Face(
                box_px=np.concatenate([box[:2] * step, box[2:] * step]).astype(np.float32),
                keypoints_px=((points + 0.5) * step - 0.5).astype(np.float32),
                landmarks_px=None,
                score=float(score),
            )
            for box, points, score in zip(boxes, keypoints, scores, strict=True)
        ]
        return sorted(faces, key=lambda face: -float(face.box_px[2] * face.box_px[3]))

    def _run(self, padded: np.ndarray, min_score: float):
        """Boxes (n, 4), key points (n, 5, 2) and scores (n,) in pixels of `padded` (RGB)."""
        height, width = padded.shape[:2]
        if (height, width) not in self._nets:  # the network is planned anew for each size
            self._nets[height, width] = cv2.dnn.readNetFromONNX(self._data)
        net = self._nets[height, width]
        net.setInput(cv2.dnn.blobFromImage(padded, swapRB=True))
        kinds = ("cls", "obj", "bbox", "kps")
        names = [f"{kind}_{stride}" for kind in kinds for stride in _STRIDES]
        out = dict(zip(names, net.forward(names), strict=True))
        boxes, points, scores = [], [], []
        for stride in _STRIDES:
            columns = width // stride
            score = np.sqrt(
                np.clip(out[f"cls_{stride}"][0, :, 0], 0, 1)
                * np.clip(out[f"obj_{stride}"][0, :, 0], 0, 1)
            )
            hits = np.flatnonzero(score >= min_score)
            cell = np.stack([hits % columns, hits // columns], axis=1)
            raw = out[f"bbox_{stride}"][0, hits]
            size = np.exp(np.clip(raw[:, 2:], -10, 10)) * stride
            centre = (cell + raw[:, :2]) * stride
            boxes.append(np.hstack([centre - size / 2, size]))
            raw_points = out[f"kps_{stride}"][0, hits].reshape(-1, 5, 2)
            points.append((raw_points + cell[:, None]) * stride)
            scores.append(score[hits])
        boxes, points, scores = map(np.concatenate, (boxes, points, scores))
        keep = _suppress(boxes, scores)
        # Its order is: eyes and mouth corners from the left of the picture, as in Face.
        return boxes[keep], points[keep], scores[keep]


def _suppress(boxes: np.ndarray, scores: np.ndarray, *, overlap: float = 0.3) -> np.ndarray:
    """Indices of the best of each group of overlapping boxes (greedy, by score)."""
    order = list(np.argsort(-scores, kind="stable"))
    keep: list[int] = []
    while order:
        best = order.pop(0)
        keep.append(best)
        if order:
            ious = iou(boxes[best], boxes[order])
            order = [index for index, shared in zip(order, ious, strict=True) if shared < overlap]
    return np.array(keep, dtype=int)


def iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of one box (4,) with others (n, 4); float64 (n,) in [0, 1]."""
    box, others = np.asarray(box, np.float64), np.asarray(others, np.float64).reshape(-1, 4)
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = box[2:].prod() + others[:, 2:].prod(axis=1) - shared
    return shared / np.maximum(union, 1e-9)


def check_rgb(rgb: np.ndarray) -> None:
    """Raise :class:`BadArray` unless `rgb` is ``uint8 (h, w, 3)`` with at least one pixel."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise BadArray("rgb", expected="uint8 (h, w, 3)", found=f"{rgb.dtype} {rgb.shape}")
