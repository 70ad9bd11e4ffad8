"""A filter across the borders of a picture's blocks, after which blocks reach into one another.

As in Tran, Liang and Tu 2003, "Lapped transform via time-domain pre- and post-filtering", equations
5 to 8; it is orthonormal and leaves constants alone.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.fft import dct


def border_filter(reach: int) -> np.ndarray:
    """The filter across a border, float64 (2 reach, 2 reach), orthonormal."""
    one, zero = np.eye(reach), np.zeros((reach, reach))
    turn = one[::-1]
    mirror = np.block([[one, turn], [turn, -one]]) / np.sqrt(2)
    second = dct(one, type=2, norm="ortho", axis=0)
    fourth = dct(one, type=4, norm="ortho", axis=0)
    odd = turn @ second.T @ fourth @ turn
    return mirror @ np.block([[one, zero], [zero, odd]]) @ mirror


def filtered(pictures: torch.Tensor, matrix: torch.Tensor, block: int) -> torch.Tensor:
    """Pictures (..., h, w) with `matrix` applied across every border between two blocks.

    `matrix` is (block, block): half of a block on either side of the border.
    """
    reach = block // 2
    for axis, many in ((-1, pictures.shape[-1]), (-2, pictures.shape[-2])):
        start, inner, end = pictures.split([reach, many - block, reach], axis)
        inner = inner.unflatten(axis, (-1, block))
        if axis == -1:  # as one product, not as one for each row of the picture
            inner = (inner.reshape(-1, block) @ matrix.T).reshape(inner.shape)
        else:
            inner = matrix @ inner
        pictures = torch.cat([start, inner.flatten(axis - 1, axis), end], axis)
    return pictures
