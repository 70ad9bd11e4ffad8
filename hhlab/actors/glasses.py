"""Glasses: wire frames in space, drawn over the finished head."""

from __future__ import annotations

import cv2
import numpy as np

from hhlab.actors.face import Layout
from hhlab.actors.identity import Actor
from hhlab.actors.light import Light
from hhlab.actors.pose import Pose, View

FINE = 4  # drawn this much larger, then averaged down
FRONT = 0.93  # depth of the lenses in units: just before the brow


def outlines(actor: Actor, t: Layout) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Points in head space of the two rims, and of bridge and temples, each float64 (n, 3)."""
    angle = np.linspace(0, 2 * np.pi, 49)
    size = 0.85 + 0.3 * actor["glasses_size"]
    power = 2 / (4.2 - 2.2 * actor["glasses_round"])
    rx, ry = 0.205 * size, (0.145 + 0.05 * actor["glasses_round"]) * size
    cos, sin = np.cos(angle), np.sin(angle)
    sx = np.sign(cos) * np.abs(cos) ** power * rx
    sy = np.sign(sin) * np.abs(sin) ** power * ry
    rims, wires = [], []
    for side in (-1.0, 1.0):
        x = side * (t.eye_x + 0.005) + sx
        y = t.eye_y + 0.025 + sy
        rims.append(np.stack([x, y, FRONT - 0.28 * x * x], -1))
        edge = side * (t.eye_x + rx)
        hinge = np.array([edge, t.eye_y - 0.03, FRONT - 0.28 * edge * edge])
        ear = np.array([side * (t.width - 0.01), t.eye_y - 0.01, 0.42])
        wires.append(np.stack([hinge, ear]))
    inner = t.eye_x - rx
    bend = np.linspace(-1, 1, 9)
    bridge = np.stack(
        [bend * inner, t.eye_y - 0.02 - 0.035 * (1 - bend**2), FRONT + 0.03 * (1 - bend**2)], -1
    )
    return rims, [bridge, *wires]


def put_on(
    picture: np.ndarray, actor: Actor, t: Layout, pose: Pose, view: View, light: Light
) -> None:
    """Draw the actor's glasses into a linear-light picture (h, w, 3), in place."""
    presence = float(np.clip((actor["glasses"] - 0.15) / 0.7, 0, 1))
    if presence <= 0:
        return
    rims, wires = outlines(actor, t)
    flat_rims = [view.project(pose.to_camera(rim)) for rim in rims]
    bridge = view.project(pose.to_camera(wires[0]))
    visible = wires[1] if pose.yaw > 0 else wires[2]
    temple = view.project(pose.to_camera(visible))
    every = np.concatenate([*flat_rims, bridge, temple])
    pad = int(0.08 * view.scale) + 3
    height, width = picture.shape[:2]
    x0, y0 = np.maximum(np.floor(every.min(0)).astype(int) - pad, 0)
    x1, y1 = np.minimum(np.ceil(every.max(0)).astype(int) + pad, [width, height])
    if x1 - x0 < 4 or y1 - y0 < 4:
        return
    fine = np.zeros(((y1 - y0) * FINE, (x1 - x0) * FINE), np.uint8)
    glass = np.zeros_like(fine)

    def fixed(points: np.ndarray) -> np.ndarray:
        return np.round(((points - [x0, y0]) * FINE - 0.5) * 16).astype(np.int32)

    bold = 0.016 + 0.022 * actor["glasses_dark"]
    thick = max(1, round(bold * view.scale * FINE))
    for rim in flat_rims:
        cv2.fillPoly(glass, [fixed(rim)], 255, cv2.LINE_8, 4)
        cv2.polylines(fine, [fixed(rim)], True, 255, thick, cv2.LINE_8, 4)
    cv2.polylines(fine, [fixed(bridge)], False, 255, thick, cv2.LINE_8, 4)
    if abs(pose.yaw) > 0.06:
        cv2.polylines(fine, [fixed(temple)], False, 255, max(1, thick * 3 // 4), cv2.LINE_8, 4)
    size = (x1 - x0, y1 - y0)
    frame = cv2.resize(fine, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lens = cv2.resize(glass, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    part = picture[y0:y1, x0:x1]
    # contact shadow on the skin, away from the light
    away = light.direction[:2] * -0.05 * view.scale
    move = np.float32([[1, 0, away[0]], [0, 1, away[1]]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(frame, move, size), (0, 0), 0.022 * view.scale)
    part *= (1 - 0.42 * presence * shadow)[..., None]
    gleam = np.linspace(0.055, 0.0, size[1], dtype=np.float32)[:, None] * lens
    part += (presence * light.level * gleam)[..., None] * light.tint
    wood = np.array([0.16, 0.085, 0.05])
    colour = wood + (np.array([0.012, 0.012, 0.014]) - wood) * actor["glasses_dark"]
    shine = 0.10 * light.level * np.clip(1.2 - np.linspace(0, 2.4, size[1]), 0, 1)[:, None]
    solid = colour * light.level + shine[..., None]
    part += (solid - part) * (presence * frame)[..., None]
