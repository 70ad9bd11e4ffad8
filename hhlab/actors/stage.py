"""One frame: background, hair behind, body, head, glasses, put together and developed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from hhlab.actors import body, glasses
from hhlab.actors.animate import Animator
from hhlab.actors.camera import Shot
from hhlab.actors.head import Head, build_head
from hhlab.actors.identity import Actor
from hhlab.actors.light import Light, display, shade
from hhlab.actors.pose import Pose, View
from hhlab.actors.render import Layer, draw_head

FRAMING = 0.285  # pixels per unit, as a share of the picture's shorter side
MIDDLE = (0.5, 0.445)  # where the eyes' level lies in the picture
OVERSAMPLE = 1.5  # rays a pixel, along each side, that the head is traced with
FAR = 0.45  # how much of the camera's move the background shows


@dataclass
class Built:
    """Everything about an actor in certain clothes that does not change between frames."""

    animator: Animator
    body: body.Sheet
    hanging: body.Sheet | None

    @property
    def head(self) -> Head:
        return self.animator.head


def table_size(size_px: int) -> int:
    """Texels a side that a head needs to look crisp in a picture of `size_px`."""
    return int(np.clip(round(1.42 * size_px / 16) * 16, 192, 1104))


def build(actor: Actor, clothes: body.Clothes, size_px: int, *, remember: bool = False) -> Built:
    """Build an actor for pictures whose shorter side is `size_px`.

    `remember` keeps the tables of each moment drawn, for showing one performance more than once.
    """
    per_unit = FRAMING * size_px * 1.1
    return Built(
        Animator(build_head(actor, table_size(size_px)), remember=remember),
        body.body_sheet(actor, clothes, per_unit),
        body.hanging_sheet(actor, per_unit),
    )


def dress(built: Built, clothes: body.Clothes, size_px: int) -> Built:
    """Change an actor's clothes; the head, its working tables and the hair are shared."""
    sheet = body.body_sheet(built.head.actor, clothes, FRAMING * size_px * 1.1)
    return replace(built, body=sheet)


def view_of(shot: Shot, width: int, height: int) -> View:
    """Where the actor stands in the picture for one moment of the camera."""
    side = min(width, height)
    centre = (width * MIDDLE[0] + shot.x * side, height * MIDDLE[1] + shot.y * side)
    return View(float(FRAMING * side * shot.zoom), (float(centre[0]), float(centre[1])))


def draw(
    built: Built, scene: np.ndarray, pose: Pose, shot: Shot, light: Light, width: int, height: int
) -> np.ndarray:
    """Draw one frame, uint8 (h, w, 3). `scene` is what `background.draw_background` gave."""
    view = view_of(shot, width, height)
    pose = replace(pose, yaw=pose.yaw + shot.orbit)
    picture = _behind(scene, shot, light, width, height)
    built.animator.update(pose, float(light.direction[0]))
    head = draw_head(built.animator, pose, view, light, OVERSAMPLE)

    foot = (0.45 * pose.shift[0], 0.5 * pose.shift[1])
    neck = pose.to_camera(np.array([0.0, 0.95, -0.1])) - np.array([0.0, 0.95, -0.1])
    follow = (float(neck[0]) - foot[0], float(neck[1]) - foot[1])
    shade_of_head = _drop_shadow(head, view, light, width, height)
    mane = None
    if built.hanging is not None:
        swing = (follow[0] + 0.10 * float(np.sin(pose.yaw)), follow[1])
        mane = _shaded(built.hanging, view, light, foot, swing, shade_of_head, hair=True)
        _lay(picture, *mane)
    _lay(picture, *_shaded(built.body, view, light, foot, follow, shade_of_head, hair=False))
    if mane is not None:
        # only the locks at the sides fall in front of the shoulders
        columns = (np.arange(width, dtype=np.float32) - view.centre[0]) / view.scale - swing[0]
        aside = np.clip((np.abs(columns) - 0.50) / 0.14, 0, 1).astype(np.float32)
        colour, cover, rows = mane
        _lay(picture, colour, cover * aside[None, :], rows)
    _over(picture, head)
    glasses.put_on(picture, built.head.actor, built.head.layout, pose, view, light)
    return display(picture).astype(np.uint8)


def _behind(scene: np.ndarray, shot: Shot, light: Light, width: int, height: int) -> np.ndarray:
    """The background as the camera sees it, lit."""
    side = min(width, height)
    zoom = 1 + (shot.zoom - 1) * 0.6
    dx = (shot.x * FAR - shot.orbit * 0.35) * side
    dy = shot.y * FAR * side
    rows, columns = scene.shape[:2]
    matrix = np.array(
        [[1 / zoom, 0, columns / 2 - (width / 2 + dx) / zoom],
         [0, 1 / zoom, rows / 2 - (height / 2 + dy) / zoom]]
    )  # fmt: skip
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(
        scene, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return seen * (0.78 * light.level * (0.5 + 0.5 * light.tint)).astype(np.float32)


def _over(picture: np.ndarray, layer: Layer) -> None:
    """Composite a layer over a picture, in place."""
    height, width = picture.shape[:2]
    y0, x0 = max(layer.y, 0), max(layer.x, 0)
    y1 = min(layer.y + layer.rgba.shape[0], height)
    x1 = min(layer.x + layer.rgba.shape[1], width)
    if y1 <= y0 or x1 <= x0:
        return
    part = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
    target = picture[y0:y1, x0:x1]
    *colour, alpha = cv2.split(part)
    target *= cv2.merge([1 - alpha] * len(colour)).reshape(target.shape)
    target += cv2.merge(colour).reshape(target.shape)


def _drop_shadow(head: Layer, view: View, light: Light, width: int, height: int) -> np.ndarray:
    """How much of the light the head leaves to what lies below it, float32 (h, w) in [0, 1]."""
    alpha = head.rgba[..., 3]
    cover = np.zeros((height, width, 1), np.float32)
    _over(cover, Layer(head.x, head.y, np.dstack([alpha, alpha])))
    small = cv2.resize(cover[..., 0], (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    scale = view.scale / 4
    away = -light.direction[:2] / max(light.direction[2], 0.35)
    near = np.float32([[1, 0, 0.12 * away[0] * scale], [0, 1, (0.10 + 0.10 * away[1]) * scale]])
    far = np.float32([[1, 0, 0.35 * away[0] * scale], [0, 1, (0.16 + 0.30 * away[1]) * scale]])
    size = small.shape[::-1]
    contact = cv2.GaussianBlur(cv2.warpAffine(small, near, size), (0, 0), 0.07 * scale)
    cast = cv2.GaussianBlur(cv2.warpAffine(small, far, size), (0, 0), 0.16 * scale)
    dark = np.clip(0.55 * contact + 0.45 * cast * (1 - 0.5 * light.softness), 0, 0.85)
    return 1 - cv2.resize(dark, (width, height), interpolation=cv2.INTER_LINEAR)


def _shaded(
    sheet: body.Sheet, view: View, light: Light, foot: tuple, follow: tuple,
    shadow: np.ndarray, *, hair: bool,
) -> tuple[np.ndarray, np.ndarray, slice]:  # fmt: skip
    """Colour and cover of a sheet in the picture's rows that it can touch."""
    height, width = shadow.shape
    surface, shape, first = body.place_sheet(sheet, view, width, height, foot, follow=follow)
    grow = np.array([0.0, 0.96, 0.28]) if hair else None
    lit = shadow[first:]
    *albedo, gloss = cv2.split(surface)
    *normal, cover = cv2.split(shape)
    dim = 0.35 + 0.65 * lit
    colour = [plane * dim for plane in shade(albedo, gloss, normal, lit, light, grow)]
    return cv2.merge(colour), cover, slice(first, height)


def _lay(picture: np.ndarray, colour: np.ndarray, cover: np.ndarray, rows: slice) -> None:
    """Put a shaded sheet over the picture, in place."""
    target = picture[rows]
    target += (colour - target) * cv2.merge([cover] * 3)
