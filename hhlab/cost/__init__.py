"""What a clip costs: tokens, operations, memory, seconds and money, by a roofline model."""

from hhlab.cost.arithmetic import Work, forward_work, parameters
from hhlab.cost.estimate import Cost, Memory, Part, estimate
from hhlab.cost.machines import Machine, Rates, find_machine, machines, reached
from hhlab.cost.probe import measure_rates, measure_this_machine, this_machine
from hhlab.cost.published import check_published, published_frame
from hhlab.cost.shapes import Shape, find_shape, models, shape_of
from hhlab.cost.tokens import Tokens, count_tokens, parse_size
from hhlab.cost.words import as_json, as_text, explain

__all__ = [
    "Cost",
    "Machine",
    "Memory",
    "Part",
    "Rates",
    "Shape",
    "Tokens",
    "Work",
    "as_json",
    "as_text",
    "check_published",
    "count_tokens",
    "estimate",
    "explain",
    "find_machine",
    "find_shape",
    "forward_work",
    "machines",
    "measure_rates",
    "measure_this_machine",
    "models",
    "parameters",
    "parse_size",
    "published_frame",
    "reached",
    "shape_of",
    "this_machine",
]
