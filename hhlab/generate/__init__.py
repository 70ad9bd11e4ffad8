"""Generators by name: ``hh.load("foal")`` answers with one; it turns a Shot into a Clip."""

from hhlab.generate.budget import Budget, cost_per_usable_second
from hhlab.generate.load import load, open_generator
from hhlab.generate.many import Made, make_many
from hhlab.generate.setting import Setting
from hhlab.generate.shipped import shipped
from hhlab.generate.suite import Suite

__all__ = [
    "Budget",
    "Made",
    "Setting",
    "Suite",
    "cost_per_usable_second",
    "load",
    "make_many",
    "open_generator",
    "shipped",
]
