"""Pictures of a clip as its first picture, carried along by a motion field.

Most of what a clip shows was there in its first picture: a face that turns, a wall that the camera
passes. So the transformer says where each part of the first picture went, and how far to believe
that, beside what it draws anew (Wang et al. 2018, "Video-to-video synthesis", equation 4: a warped
picture and a hallucinated one, joined by a mask). Whatever detail the first picture has, given or
made, then stays in the clip, and costs nothing to learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from hhlab.model.lapped import LappedCodec

REACH = 0.5  # of a block: how far a motion of 1 moves
GROUPS_AT_ONCE = 2  # whose pictures stay in a processor's cache, where all of a clip's do not


def warp(picture: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    """A picture as it looks when every place shows what lies a motion away from it.

    Parameters
    ----------
    picture : float (b, 3, h, w)
    motion : float (b, t, 2, rows, columns), x and y in pixels, of evenly spaced cells; between
        their middles it changes evenly

    Returns
    -------
    float (b, t, h, w, 3); beyond its border the picture goes on as its border is
    """
    b, t = motion.shape[:2]
    h, w = picture.shape[2:]
    like = {"device": picture.device, "dtype": picture.dtype}
    motion = motion * (2 / torch.tensor([w, h], **like)[:, None, None])  # -1 to 1: all of it
    motion = F.interpolate(motion.flatten(0, 1), (h, w), mode="bilinear", align_corners=False)
    x, y = (2 * torch.arange(k, **like) + 1 for k in (w, h))
    still = torch.stack([(x / w - 1).expand(h, w), (y / h - 1)[:, None].expand(h, w)], -1)
    at = motion.unflatten(0, (b, t)).permute(0, 1, 3, 4, 2) + still
    moved = F.grid_sample(
        picture, at.flatten(1, 2), mode="bilinear", padding_mode="border", align_corners=False
    )
    return moved.unflatten(2, (t, h)).permute(0, 2, 3, 4, 1)


def carry(
    codec: LappedCodec, image: torch.Tensor, motion: torch.Tensor, rows: int, columns: int,
    cells: int,
) -> torch.Tensor:  # fmt: skip
    """Video tokens of a first picture that is carried along, (b, groups rows columns, channels).

    The channels are those of the codec's components; how mouths are held is not carried.

    Parameters
    ----------
    codec : of the tokens
    image : float (b, rows columns, image_dim), the first picture's tokens
    motion : float (b, groups rows columns, frames cells cells 2): where each of a token's
        pictures, in cells x cells parts, shows the first picture: x and y in blocks, times REACH
    """
    device, dtype = image.device, image.dtype  # the encoding is as exact as the tokens are
    there = codec.image_mean.device
    with torch.autocast(there.type, enabled=False):
        image, motion = image.to(there).float(), motion.to(there).float()
        picture = codec.plain("image", image, rows, columns)[:, 0].permute(0, 3, 1, 2)
        b, frames = len(image), codec.frames
        field = motion.reshape(b, -1, rows, columns, frames, cells, cells, 2)
        field = field.permute(0, 1, 4, 7, 2, 5, 3, 6)  # b, groups, frames, 2, rows, cells, ...
        field = field.reshape(b, -1, 2, rows * cells, columns * cells)
        field = field * (REACH * codec.config.block_px)
        fields = field.split(GROUPS_AT_ONCE * frames, 1) if there.type == "cpu" else [field]
    out = []
    for field in fields:
        with torch.autocast(there.type, enabled=False):
            moved = warp(picture, field)
        with torch.autocast(there.type, dtype=dtype, enabled=dtype != torch.float32):
            out.append(codec.encode_plain_video(moved))
    return torch.cat(out, 1).to(device, dtype)
