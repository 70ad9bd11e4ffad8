"""Real networks take the actors for people, and see their mouths move as they truly do."""

import numpy as np
import pytest

from hhlab.actors import Actor, Clothes, background, stage
from hhlab.actors.camera import Shot
from hhlab.actors.clip import landmarks
from hhlab.actors.light import light_of
from hhlab.actors.pose import Pose

pytestmark = pytest.mark.weights
NAMES = ("right_eye", "left_eye", "nose_tip", "right_mouth", "left_mouth")


@pytest.mark.parametrize(
    ("seed", "light", "yaw"),
    [(4, "soft", 0.0), (9, "side", 0.25), (13, "warm", -0.2), (17, "dim", 0.1)],
)
def test_the_detector_finds_the_face_and_its_key_points(seed, light, yaw, face_tools):
    detector, _ = face_tools
    built = stage.build(Actor.sample(seed), Clothes(), 256)
    scene = background.draw_background("park", seed, 256, 256)
    pose = Pose(yaw=yaw, mouth=np.array([0.3, 0.5, 0.0, 0.3]))
    picture = stage.draw(built, scene, pose, Shot(), light_of(light), 256, 256)
    found = detector.find(picture)
    assert len(found) == 1 and found[0].score > 0.8
    true = landmarks(built.animator, pose, stage.view_of(Shot(), 256, 256))
    apart = np.linalg.norm(true["right_eye"] - true["left_eye"])
    for name, seen in zip(NAMES, found[0].keypoints_px, strict=True):
        assert np.linalg.norm(seen - true[name]) < 0.35 * apart, name


def test_the_landmark_network_follows_the_lips(talk, face_tools):
    detector, model = face_tools
    seen = []
    for frame in talk.clip.frames():
        (face,) = detector.find(frame.rgb)
        points = model.from_box(frame.rgb, face.box_px, face.keypoints_px).points_px
        seen.append(np.linalg.norm(points[13, :2] - points[14, :2]))
    assert np.corrcoef(seen, talk.truth.aperture_px)[0, 1] > 0.8
