"""Offsets and drifts on their grids: long clips, intervals, speed and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.metrics.lip_sync import SHIFTS_MS, Evidence, judge_offset
from hhlab.metrics.lip_sync.posterior import drift_grid, interval


def evidence(seconds: float, *, drift: float, seed: int = 0) -> Evidence:
    """A good estimator's evidence of an offset of 60 ms in mid clip, growing by `drift` ms/s."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(0.25, seconds, 0.5)
    true_ms = 60 + drift * (times_s - times_s.mean())
    scores = -2 + rng.standard_normal((len(times_s), len(SHIFTS_MS)))
    scores += 6 * np.exp(-0.5 * ((SHIFTS_MS[None] - true_ms[:, None]) / 50) ** 2)
    return Evidence(times_s, 0.5, SHIFTS_MS, scores, np.ones(len(times_s)), 0, "made")


def judge(given_evidence: Evidence):
    return judge_offset(given_evidence, calibrations={"made": (1.0, 0.0)})


@pytest.mark.parametrize("drift", [-0.6, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("seconds", [10, 60, 300, 600])
def test_a_slow_drift_is_followed_however_long_the_clip(seconds, drift):
    """1 ms/s over ten minutes moves the sound by 0.6 s: a coarse grid of drifts loses it."""
    found = judge(evidence(seconds, drift=drift))
    assert found.status == "ok" and found.confidence > 0.99
    assert found.offset_ms == pytest.approx(60, abs=10)
    error_at_the_ends_ms = abs(found.drift_ms_per_s - drift) * seconds / 2
    assert error_at_the_ends_ms < 20
    slack = 5 / seconds  # a quarter of a step of either grid
    assert found.drift_low - slack <= drift <= found.drift_high + slack


def test_grid_of_drifts_holds_zero_is_even_and_bounded():
    for span_s in (1.0, 3.0, 10.0, 27.0, 60.0, 600.0, 7200.0):
        grid = drift_grid(span_s)
        assert len(grid) <= 161 and 0.0 in grid
        np.testing.assert_allclose(grid, -grid[::-1])
        if len(grid) > 1:
            assert (grid[1] - grid[0]) * span_s <= 20 + 1e-6 or span_s > 10
            assert (grid[1] - grid[0]) <= 2 and grid[-1] <= 60


def test_ten_minutes_take_little_memory():
    long = evidence(600, drift=1.0)
    tracemalloc.start()
    judge(long)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


# --- intervals ---------------------------------------------------------------------------------
@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30), st.floats(0.01, 1))
def test_even_mass_gives_an_even_interval(half, top):
    mass = np.array([*half, top, *half[::-1]])
    values = 20.0 * np.arange(-len(half), len(half) + 1)
    low, high = interval(values, mass, 0.0)
    assert low == pytest.approx(-high, abs=1e-6)
    assert values[0] - 10 <= low < high <= values[-1] + 10


def test_all_mass_in_one_place_is_that_cell():
    mass = (SHIFTS_MS == 0).astype(float)
    assert interval(SHIFTS_MS, mass, 0.0) == pytest.approx((-9.5, 9.5))


@settings(max_examples=50)
@given(st.floats(-300, 300), st.floats(20, 150))
def test_gaussian_mass_gives_its_quantiles(mean, sd):
    mass = np.exp(-0.5 * ((SHIFTS_MS - mean) / sd) ** 2)
    low, high = interval(SHIFTS_MS, mass, mean)
    assert low == pytest.approx(mean - 1.96 * sd, abs=10)
    assert high == pytest.approx(mean + 1.96 * sd, abs=10)
