"""Do the numbers say what people say? Agreement of metrics with ratings or votes.

>>> found = hh.agreement(scores, ratings)
>>> found.to_frame()
>>> hh.plots.agreement(found)
"""

from hhlab.agreeing.agreement import agreement
from hhlab.agreeing.combination import Combination, Gain
from hhlab.agreeing.curve import CurvePoint
from hhlab.agreeing.found import Agreement, MetricAgreement
from hhlab.agreeing.redundancy import Redundancy, redundancy

__all__ = ["Agreement", "Combination", "CurvePoint", "Gain", "MetricAgreement", "Redundancy",
           "agreement", "redundancy"]  # fmt: skip
