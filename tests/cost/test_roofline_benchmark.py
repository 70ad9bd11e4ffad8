"""The benchmark that holds the roofline beside the stopwatch."""

from __future__ import annotations

import time

import torch

from eval.benchmarks import roofline
from hhlab.cost import measure_rates


def test_predicted_and_measured_agree_within_an_order_of_magnitude():
    rates = measure_rates(dtype="float32", budget_s=0.05, clock=time.process_time)
    runs = roofline.plain_runs(roofline.CASES[:1], dtype=torch.float32,
                               rates=roofline.halved_memory(rates), device="cpu")  # fmt: skip
    table = roofline.run(runs, budget_s=0.05, clock=time.process_time)
    assert len(table) == 1 and 0.1 < table["ratio"][0] < 10
    assert rates.matmul_flop_per_s > 1e9 and rates.elementwise_bytes_per_s > 1e8


def test_gpu_cases_are_layers_of_horse_15b():
    with torch.device("meta"):
        layer = roofline.PlainModel(roofline.shape_for(roofline.gpu_cases()[0])).layers[0]
    assert sum(p.numel() for p in layer.parameters()) == 63_119_360 + 171_048_960 + 10_496
