"""Whom to compare next, and when to stop: each vote is somebody's time."""

from hhlab.arena.pairing.propose import METHODS, Pair, propose
from hhlab.arena.pairing.stopping import Advice, advise

__all__ = ["METHODS", "Advice", "Pair", "advise", "propose"]
