"""Generators by name: ``hh.load("foal")`` answers with one; it turns a Shot into a Clip."""

from hhlab.generate.load import load, shipped

__all__ = ["load", "shipped"]
