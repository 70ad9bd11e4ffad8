"""Who can be asked here and now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hhlab.errors import HhlabError
from hhlab.generate.contenders import contenders as known
from hhlab.generate.protocol import Generator
from hhlab.generate.rendered import RenderedActors
from hhlab.types import Clip, Shot

STAND_INS = ("", "late sound", "waxy skin")
FEW_STEPS = 3


class FewerSteps:
    """A generator with another number of sampling steps than its own, as a contender beside it."""

    def __init__(self, generator: Generator, steps: int) -> None:
        self.generator, self.steps = generator, steps
        self.name = f"{generator.name} in {steps} steps"
        self.modes, self.limits = generator.modes, generator.limits

    @property
    def code(self) -> str:
        """How one has it in a code cell."""
        return f"hh.lab.FewerSteps({code_of(self.generator)}, {self.steps})"

    def price_usd(self, shot: Shot) -> float | None:
        """As of the generator itself."""
        return self.generator.price_usd(shot)

    def generate(
        self,
        shot: Shot,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Clip:
        """Make the clip, in these steps whatever the shot says."""
        fewer = replace(shot, steps=self.steps)
        return self.generator.generate(fewer, on_progress=on_progress, cancel=cancel)


def code_of(generator: Generator) -> str:
    """How one has a generator in a code cell: its own `code`, else by its name."""
    return getattr(generator, "code", None) or f"hh.load({generator.name!r})"


def ready(
    *names: str, at_least: int = 1, load: Callable[[str], Generator] | None = None
) -> tuple[dict[str, Generator], str]:
    """Load those of some contenders that can be had; stand-ins where none can.

    Parameters
    ----------
    names : for :func:`hhlab.load`
    at_least : how many there are to be. Where fewer can be had, the first of them takes part a
        second time, in :data:`FEW_STEPS` steps
    load : what loads one of them

    Returns
    -------
    generators : by name. Where none of `names` can be had these are rendered actors, one faultless
        and two with a known flaw: see :class:`hhlab.generate.rendered.RenderedActors`.
    note : one sentence on what is missing and what stands in for it; "" where nothing is missing
    """
    if load is None:
        from hhlab.generate import load
    found: dict[str, Generator] = {}
    missing: list[str] = []
    for name in names:
        try:
            found[name] = load(name)
        except HhlabError as error:
            row = known().get(name)
            missing.append(f"{name} ({row.status()[0] if row else type(error).__name__})")
    if found:
        note = f"Not to be had here: {', '.join(missing)}." if missing else ""
        if len(found) < at_least:
            weaker = FewerSteps(next(iter(found.values())), FEW_STEPS)
            found[weaker.name] = weaker
            note += f" {weaker.name} takes part instead."
        return found, note
    stand_ins = [RenderedActors(flaw) for flaw in STAND_INS]
    note = (
        f"Not to be had here: {', '.join(missing)}. Rendered actors stand in: drawings, not what a "
        "model makes, some with a flaw that is exactly known."
    )
    return {one.name: one for one in stand_ins}, note
