"""Asking something harmless of a library that would wait for ever, or give up at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from hhlab.errors import ConnectionLost
from hhlab.generate.setting import Setting
from hhlab.generate.starting import PASSING

Answer = TypeVar("Answer")
AGAIN = 4


def timely(call: Callable[[], Answer], *, seconds: float, who: str) -> Answer:
    """The answer, if it comes in time; what is asked must do no harm when it goes on by itself.

    Raises
    ------
    ConnectionLost : it did not come; and whatever `call` raises
    """
    box: queue.SimpleQueue = queue.SimpleQueue()

    def ask() -> None:
        try:
            box.put((call(), None))
        except Exception as error:
            box.put((None, error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer, error = box.get(timeout=seconds)
    except queue.Empty:
        raise ConnectionLost(who, expected=f"an answer in {seconds:g} s", found="none") from None
    if error is not None:
        raise error
    return answer


def patiently(call: Callable[[], Answer], setting: Setting) -> Answer:
    """The answer to the first of a few questions that is not lost to a fault that passes.

    For steps of several questions, which would hardly ever come through in one piece where each
    question is lost now and then.
    """
    for failures in range(1, AGAIN):
        try:
            return call()
        except PASSING:
            chance = setting.clock.chance()
            setting.clock.sleep(setting.patience.wait_s(failures, chance))
    return call()
