"""Where each part of a clip's pictures was in its first picture, for the transformer to learn from.

Optical flow by dense inverse search (Kroeger et al. 2016, "Fast optical flow using dense inverse
search"), from each picture to the first, since a picture is made by looking up where its parts
came from.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

STEP = 1 / 128  # of a block: motion is kept in whole numbers of these, up to a block
LARGER = 2  # small pictures are enlarged so, for flow is found in patches of 8 pixels


def motion_of(pictures: np.ndarray, *, block_px: int, frames: int, cells: int) -> torch.Tensor:
    """The motion field of clips, in the order of their video tokens.

    Parameters
    ----------
    pictures : uint8 (n, 1 + frames groups, h, w, 3)
    block_px, frames : of a video token
    cells : parts along a block's side, each of which moves by itself

    Returns
    -------
    int8 (n, groups rows columns, frames cells cells 2), x and y in steps of STEP: how far away
    the first picture shows what is seen here
    """
    n, t, h, w, _ = pictures.shape
    rows, columns, cell = h // block_px, w // block_px, block_px // cells
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    found = np.zeros((n, t - 1, rows * cells, columns * cells, 2), np.float32)
    for clip, place in zip(pictures, found, strict=True):
        grey = [
            cv2.resize(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), (LARGER * w, LARGER * h)) for p in clip
        ]
        for number in range(1, t):
            flow = search.calc(grey[number], grey[0], None) / LARGER
            flow = flow.reshape(rows * cells, LARGER * cell, columns * cells, LARGER * cell, 2)
            place[number - 1] = flow.mean((1, 3))
    steps = np.clip(np.round(found / (STEP * block_px)), -127, 127).astype(np.int8)
    steps = steps.reshape(n, -1, frames, rows, cells, columns, cells, 2)
    steps = steps.transpose(0, 1, 3, 5, 2, 4, 6, 7)
    return torch.from_numpy(steps.reshape(n, -1, 2 * frames * cells**2).copy())
