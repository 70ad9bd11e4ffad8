"""How long to wait before trying again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that tests need neither.

    Attributes
    ----------
    now : seconds since 1970
    sleep : waits so many seconds
    chance : a number in [0, 1)
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    Attributes
    ----------
    tries : requests in a row that may fail for reasons that pass
    first_s, longest_s : the wait after the first failure doubles with each, up to the longest
    poll_s, longest_poll_s : between two looks at a running task, growing by a half
    task_s : longest wait for a task; it goes on without us and is found again next time
    settle_s : a request whose outcome is unknown counts as not taken when the service, asked this
        long after, still lists no such task
    answer_s : longest wait for the answer to a request that starts a task
    """

    tries: int = 8
    first_s: float = 2.0
    longest_s: float = 60.0
    poll_s: float = 5.0
    longest_poll_s: float = 30.0
    task_s: float = 3600.0
    settle_s: float = 60.0
    answer_s: float = 120.0

    def wait_s(self, failures: int, chance: float) -> float:
        """After so many failures in a row (from 1): half of it sure, half of it by chance.

        The chance keeps many clients from coming back at the same moment.
        """
        full = min(self.longest_s, self.first_s * 2.0 ** (failures - 1))
        return full * (0.5 + 0.5 * chance)

    def poll_wait_s(self, looks: int, chance: float) -> float:
        """After so many looks at a running task (from 1)."""
        full = min(self.longest_poll_s, self.poll_s * 1.5 ** (looks - 1))
        return full * (0.75 + 0.25 * chance)
