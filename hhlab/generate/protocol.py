"""What every generator is, whoever runs it: a name, what it can do, and ``generate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from hhlab.types import Clip, Shot
from hhlab.types.limits import MODES, Limits, UnsupportedShot, check_shot

__all__ = ["MODES", "Generator", "Limits", "UnsupportedShot", "check_shot"]


@runtime_checkable
class Generator(Protocol):
    """Anything that turns a shot into a clip.

    Attributes
    ----------
    name : of the contender, as in ``hh.load(name)``
    modes : those of MODES that it can do
    limits : what it accepts in them
    """

    name: str
    modes: frozenset[str]
    limits: Limits

    def price_usd(self, shot: Shot) -> float | None:
        """What the shot's clip costs in US dollars; 0 where it runs here, None where no price is
        published."""
        ...

    def generate(
        self,
        shot: Shot,
        *,
        on_progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Clip:
        """Make the clip.

        Parameters
        ----------
        on_progress : called as ``(done, in all)``, in units of the generator's choice
        cancel : asked now and then; true stops and raises :class:`hhlab.errors.Cancelled`
        """
        ...
