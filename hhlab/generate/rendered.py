"""A generator that draws: the actor whom a prompt describes, rendered instead of imagined.

It needs no weights and knows exactly what is in each clip, so that it can stand in where a model is
missing, and be a yardstick beside one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hhlab.actors.clip import render_clip
from hhlab.actors.identity import Actor
from hhlab.actors.prompts import parse
from hhlab.actors.script import Script
from hhlab.actors.voice import speak
from hhlab.damage import sound, texture
from hhlab.errors import BadArgument, Cancelled
from hhlab.generate.protocol import Limits, check_shot
from hhlab.types import Clip, Shot

LATE_MS, WAX, SHEEN = 160.0, 0.9, 0.7
FLAWS = ("", "late sound", "waxy skin", "oily skin", "drifting face")


class RenderedActors:
    """Renders what a prompt names; what it leaves open follows from the seed.

    Parameters
    ----------
    flaw : one of :data:`FLAWS`: what is wrong with every clip, exactly known
    fps : frames per second

    Attributes
    ----------
    name, modes, limits : see :class:`hhlab.generate.protocol.Generator`
    """

    modes = frozenset({"text-to-video"})
    limits = Limits(
        seconds=(0.5, 20.0), default_seconds=2.0, references=0,
        sizes_px=((192, 192), (96, 96), (256, 256), (384, 384)),
    )  # fmt: skip

    def __init__(self, flaw: str = "", *, fps: float = 12.5) -> None:
        if flaw not in FLAWS:
            raise BadArgument("flaw", expected=f"one of {FLAWS}", found=repr(flaw))
        self.flaw, self.fps = flaw, fps
        self.name = f"rendered, {flaw}" if flaw else "rendered"

    @property
    def code(self) -> str:
        """How one has it in a code cell."""
        return f"hh.lab.RenderedActors({self.flaw!r})"

    def price_usd(self, shot: Shot) -> float:
        """Nothing: it runs here."""
        return 0.0

    def generate(
        self,
        shot: Shot,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Clip:
        """Render the clip.

        Raises
        ------
        UnsupportedShot : another mode, length or size
        BadArgument : no prompt, or one that contradicts itself (a bald woman)
        Cancelled : on request, between the steps
        """
        check_shot(shot, name=self.name, modes=self.modes, limits=self.limits)
        if not shot.prompt.strip():
            raise BadArgument("prompt", expected="some words", found=repr(shot.prompt))
        size_px = (shot.size_px or self.limits.sizes_px[0])[0]
        seconds = shot.seconds or self.limits.default_seconds

        def reached(done: int) -> None:
            if cancel is not None and cancel():
                raise Cancelled("rendering", expected="to be finished", found="stopped")
            if on_progress is not None:
                on_progress(done, 3)

        reached(0)
        script, text = _script(shot)
        speech = speak(text, **script.speaking())
        reached(1)

        def rendered(actor: Actor) -> Clip:
            return render_clip(
                actor, text, seed=script.seed, size_px=size_px, fps=self.fps, seconds=seconds,
                scene=script.scene, speech=speech,
            ).clip  # fmt: skip

        made = rendered(script.actor)
        reached(2)
        frames, audio = np.stack([frame.rgb for frame in made.frames()]), made.audio()
        if self.flaw == "late sound":
            audio = sound.shift(audio, offset_ms=LATE_MS)
        elif self.flaw == "waxy skin":
            frames = np.stack([texture.wax(rgb, WAX) for rgb in frames])
        elif self.flaw == "oily skin":
            frames = np.stack([texture.sheen(rgb, SHEEN) for rgb in frames])
        elif self.flaw == "drifting face":
            other = rendered(_script(replace(shot, seed=shot.seed + 1))[0].actor)
            frames = drifted(frames, np.stack([frame.rgb for frame in other.frames()]))
        reached(3)
        provenance = {
            "generator": self.name, "mode": shot.mode, "prompt": shot.prompt, "seed": shot.seed,
            "actor": script.actor.describe(), "text": text,
        }  # fmt: skip
        return Clip.from_arrays(
            frames, fps=self.fps, audio=audio, name=f"{self.name}-{shot.seed}",
            provenance=provenance,
        )  # fmt: skip


def drifted(frames: np.ndarray, other: np.ndarray) -> np.ndarray:
    """uint8 (t, h, w, 3) frames that become other ones evenly, from the first to the last."""
    share = np.linspace(0, 1, len(frames))[:, None, None, None]
    return np.rint((1 - share) * frames + share * other).astype(np.uint8)


def _script(shot: Shot) -> tuple[Script, str]:
    """Who is seen, where and how; and what is said."""
    named = parse(shot.prompt)
    text = named.pop("words", "")
    if named.get("hair") == "bald":
        named.pop("hair_colour", None)
    script = Script.sample(shot.seed, **named)
    return script, text or script.sentence
