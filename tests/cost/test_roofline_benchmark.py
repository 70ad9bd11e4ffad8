"""The benchmark that holds the roofline beside the stopwatch."""

from __future__ import annotations

import itertools
import time

import pytest
import torch

from eval.benchmarks import roofline
from hhlab.cost import measure_rates


@pytest.fixture(scope="module")
def rates():
    return measure_rates(dtype="float32", budget_s=0.02, clock=time.process_time)


def test_every_case_is_predicted_and_measured(rates):
    runs = roofline.plain_runs(roofline.CASES[:1], dtype=torch.float32,
                               rates=roofline.halved_memory(rates), device="cpu")  # fmt: skip
    (row,) = roofline.run(runs, budget_s=0.02, clock=time.process_time).to_dict("records")
    # how near they come depends on what else the machine does, and is for the benchmark to say
    assert row["measured_ms"] > 0
    assert row["ratio"] == pytest.approx(row["predicted_ms"] / row["measured_ms"])
    assert rates.matmul_flop_per_s > 0 and rates.elementwise_bytes_per_s > 0


def test_gpu_cases_are_layers_of_horse_15b():
    with torch.device("meta"):
        layer = roofline.PlainModel(roofline.shape_for(roofline.gpu_cases()[0])).layers[0]
    assert sum(p.numel() for p in layer.parameters()) == 63_119_360 + 171_048_960 + 10_496


def test_the_foal_as_it_ships_can_be_timed(rates):
    runs = itertools.islice(roofline.foal_runs(dtype=torch.float32, rates=rates), 1)
    (row,) = roofline.run(runs, budget_s=0.02, clock=time.process_time).to_dict("records")
    assert row["measured_ms"] > 0 and row["predicted_ms"] > 0
