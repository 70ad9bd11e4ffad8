"""The metrics, and how each takes part in the one pass over a clip.

:data:`METRICS` is the whole list. Each entry starts a *task*: something that may look at every
frame (with the faces in it) and at the end turns what it kept into a Score. The measuring itself is
in ``hhlab/metrics``, in functions on arrays; here they only meet clips, faces and networks.
"""

from hhlab.tasks.asked import instruction
from hhlab.tasks.people import identity, light, texture
from hhlab.tasks.picture import camera, flicker, lpips, motion
from hhlab.tasks.sharing import once
from hhlab.tasks.sound import lip_sync, sound_picture, speech
from hhlab.tasks.task import WITHOUT_FACES, MetricKind, Task

__all__ = ["METRICS", "WITHOUT_FACES", "MetricKind", "Task"]

METRICS: tuple[MetricKind, ...] = tuple(once(kind) for kind in (
    MetricKind("identity", "2", "does the face stay the same person's", identity),
    MetricKind("lip_sync", "1", "does the sound come with the lips", lip_sync),
    MetricKind("texture", "2", "does skin look like skin, and edges like edges", texture),
    MetricKind("flicker", "2", "does brightness jump from frame to frame", flicker),
    MetricKind("motion", "4", "do things move as one expects", motion),
    MetricKind("camera", "3", "how does the camera move", camera),
    MetricKind("light", "1", "from where light comes, how warm and strong it is", light),
    MetricKind("speech", "2", "are the words right, and does the voice sound well", speech),
    MetricKind("sound_picture", "1", "do sounds begin with what is seen", sound_picture),
    MetricKind("instruction", "1", "is what the prompt asks for there, clause by clause",
               lambda context: instruction(context, METRICS)),
    MetricKind("lpips", "1", "how different does it look from another clip, or frame to frame",
               lpips, by_default=False),
))  # fmt: skip
