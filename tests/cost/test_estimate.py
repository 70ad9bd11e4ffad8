"""Tokens, roofline, memory and money as a user meets them, and the check against timings."""

from __future__ import annotations

import json
import math
import re
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.cli import EXIT_ERROR, main
from hhlab.cost import check_published, estimate, find_machine, machines, parse_size
from hhlab.cost.machines import reached
from hhlab.cost.published import STAGES, window_share
from hhlab.errors import BadArgument, UnknownGpu, UnknownModel

ROOT = Path(__file__).resolve().parents[2]


def cost(**changes):
    asked = {"size": "720p", "seconds": 5, "gpu": "h100"} | changes
    return estimate(asked.pop("model", "horse-15b"), **asked)


def test_tokens_of_five_seconds_at_256p_are_those_of_the_public_relative():
    # 125 pictures = 1 + 31 * 4, so 32 rows of 8 x 14; a token of sound per picture.
    tokens = cost(size=(448, 256)).tokens
    assert tokens.video_grid == (32, 8, 14)
    assert tokens.video + tokens.image == 3584 and tokens.audio == 125 and tokens.text == 640


def test_sides_and_seconds_are_rounded_up_to_whole_patches():
    assert cost(size=(1920, 1080)).tokens == cost(size=(1920, 1088)).tokens
    assert cost(size=(33, 32)).tokens.video_grid[1:] == (1, 2)
    assert cost(seconds=0.001).tokens.video_grid[0] == 1
    assert cost(images=3).tokens.image == 4 * cost().tokens.image


@settings(max_examples=40, deadline=None)
@given(
    seconds=st.floats(0.1, 60), longer=st.floats(1, 3), count=st.sampled_from([1, 2, 4, 8]),
    gpu=st.sampled_from(["h100", "h200", "b200", "a100"]),
)  # fmt: skip
def test_more_clip_never_costs_less_and_more_gpus_never_take_longer(seconds, longer, count, gpu):
    short = cost(seconds=seconds, count=count, gpu=gpu)
    long = cost(seconds=seconds * longer, count=count, gpu=gpu)
    assert long.seconds >= short.seconds and long.flop_per_clip >= short.flop_per_clip
    assert long.memory.peak_bytes >= short.memory.peak_bytes
    alone = cost(seconds=seconds, gpu=gpu)
    assert short.seconds <= alone.seconds
    assert short.seconds * count >= alone.seconds * 0.999  # sharing is never free


def test_steps_guidance_and_price_multiply():
    base = cost(steps=8, guidance=False, price_usd_per_hour=2.0)
    assert cost(steps=16, guidance=False).seconds == pytest.approx(2 * base.seconds)
    assert cost(steps=8, guidance=True).seconds == pytest.approx(2 * base.seconds)
    two = cost(steps=8, guidance=False, price_usd_per_hour=2.0, count=2)
    assert base.price_usd == pytest.approx(base.seconds / 3600 * 2)
    assert two.price_usd == pytest.approx(two.seconds / 3600 * 4)


def test_no_part_is_faster_than_its_operations_or_its_bytes():
    found = cost(count=4)
    rates = reached(found.machine)
    for part in found.parts:
        if part.name != "link":
            assert part.seconds >= part.flop / 4 / rates.matmul_flop_per_s * (1 - 1e-9)
            assert part.seconds >= part.bytes_per_gpu / rates.memory_bytes_per_s * (1 - 1e-9)
    assert 0 < found.peak_share < 1


def test_a_handful_of_tokens_waits_for_the_weights():
    few = cost(size=(32, 32), seconds=0.01, text_tokens=1)
    bound = {part.name: part.bound for part in few.parts}
    assert bound["mlp"] == bound["projections"] == "memory"
    assert {p.name: p.bound for p in cost().parts}["mlp"] == "compute"


def test_what_does_not_fit_says_so():
    assert not cost(gpu="rtx-4090").memory.fits and cost(gpu="h200").memory.fits


def test_a_faster_machine_is_faster():
    slow = find_machine("h100")
    fast = replace(slow, bf16_flop_per_s=2 * slow.bf16_flop_per_s)
    assert cost(gpu=fast).seconds < cost(gpu=slow).seconds
    assert cost(compute_share=0.3).seconds > cost(compute_share=0.6).seconds


def test_every_gpu_states_its_source_and_plausible_peaks():
    for name, machine in machines().items():
        assert machine.source and re.match(r"\d{4}-\d\d", machine.source_date), name
        assert re.match(r"\d{4}-\d\d", machine.price_date) and machine.price_source, name
        assert 1e14 < machine.bf16_flop_per_s < 1e16, name
        assert 2e10 < machine.memory_bytes < 1e12 < 10 * machine.memory_bytes_per_s, name
        assert 1e10 < machine.link_bytes_per_s < machine.memory_bytes_per_s, name
    assert find_machine("RTX 4090") is machines()["rtx-4090"]


def test_results_cannot_be_changed_and_give_a_table():
    found = cost()
    with pytest.raises(FrozenInstanceError):
        found.count = 2
    table = found.to_frame().set_index(["group", "quantity"])["value"]
    assert table["seconds_per_clip", "total"] == pytest.approx(found.seconds)
    parts = table["flop_per_clip"].drop("total")
    assert parts.sum() == pytest.approx(table["flop_per_clip", "total"])


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UnknownModel, match="horse-15b"):
        cost(model="horse-16b")
    with pytest.raises(UnknownGpu, match="h200"):
        cost(gpu="h300")
    with pytest.raises(BadArgument, match="1080p"):
        cost(size="4k")


@pytest.mark.parametrize(
    "size", ["0x5", "5", "", "-1x5", "1920x1080x3", "99999x10", "1e3x5", "٣x٣"]
)
def test_sizes_that_are_none(size):
    with pytest.raises(BadArgument):
        parse_size(size)


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 0}, {"seconds": -1}, {"seconds": math.nan}, {"seconds": math.inf},
        {"seconds": 1e9}, {"seconds": True}, {"count": 0}, {"count": -2}, {"count": 41},
        {"count": 1.5}, {"steps": 0}, {"steps": -1}, {"images": -1}, {"text_tokens": -1},
        {"compute_share": 0}, {"compute_share": 1.1}, {"compute_share": math.nan},
        {"attended_share": 0}, {"price_usd_per_hour": -1}, {"price_usd_per_hour": math.nan},
        {"size": (0, 100)}, {"size": (100, 10**6)},
    ],
    ids=str,
)  # fmt: skip
def test_hostile_values_get_a_named_error(change):
    with pytest.raises(BadArgument):
        cost(**change)


def test_a_window_lets_fewer_pairs_attend():
    # 3 rows of 2 tokens, each row sees its neighbours: 7 of 9 pairs of rows; 4 more see all.
    assert window_share(rows=3, reach=1, video=6, total=10) == pytest.approx((7 * 4 + 64) / 100)
    assert window_share(rows=5, reach=4, video=50, total=70) == 1


def test_published_stages_are_predicted_within_a_sixth():
    ratios = {check.stage.name: check.ratio for check in check_published()}
    assert len(ratios) == len(STAGES) == 3
    assert all(5 / 6 < ratio < 6 / 5 for ratio in ratios.values()), ratios


def test_the_page_states_the_ratios_that_are_computed():
    page = (ROOT / "docs" / "cost.md").read_text()
    for check in check_published():
        row = next(line for line in page.splitlines() if line.startswith(f"| {check.stage.name} "))
        assert f"{check.predicted_s:.1f} s" in row and f"{check.ratio:.2f}" in row


def test_the_command_prints_the_cost_of_a_clip(capsys):
    asked = ["cost", "--model", "horse-15b", "--size", "1920x1080", "--seconds", "15"]
    assert main([*asked, "--gpu", "h200", "--count", "8"]) == 0
    printed = capsys.readouterr().out
    expected = cost(size="1920x1080", seconds=15, gpu="h200", count=8)
    assert f"{expected.tokens.total:,}" in printed and "USD per clip" in printed
    assert f"{expected.seconds:.0f} s" in printed and "fits" in printed
    assert "FORMULAS" not in printed and "N^2" not in printed


def test_the_command_explains_itself(capsys):
    assert main(["cost", "--explain", "--count", "2"]) == 0
    printed = capsys.readouterr().out
    assert "4 N^2 layers q" in printed and "data sheet" in printed and "daVinci" in printed
    assert "link = " in printed and "assum" in printed


def test_the_command_gives_json(capsys):
    assert main(["cost", "--json", "--gpu", "rtx-4090", "--guidance", "off", "--steps", "4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fits"] is False and found["model"]["passes"] == 4
    assert found["price"]["per_clip"] > 0 and found["memory_per_gpu"]["weights"] > 3e10


def test_the_command_overrides_the_price(capsys):
    main(["cost", "--json", "--price-per-hour", "10"])
    ten = json.loads(capsys.readouterr().out)["price"]["per_clip"]
    main(["cost", "--json", "--price-per-hour", "5"])
    assert json.loads(capsys.readouterr().out)["price"]["per_clip"] == pytest.approx(ten / 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gpu", "voodoo"], "UnknownGpu"), (["--model", "mule"], "UnknownModel"),
        (["--seconds", "nan"], "seconds"), (["--count", "-3"], "count"),
        (["--size", "big"], "1080p"), (["--matmul-rate", "1e12"], "--gpu cpu"),
        (["--gpu", "cpu", "--matmul-rate", "-1"], "--matmul-rate"),
    ],
)  # fmt: skip
def test_the_command_names_what_is_wrong(arguments, said, capsys):
    assert main(["cost", *arguments]) == EXIT_ERROR
    assert said in capsys.readouterr().err


def test_the_processor_is_measured_and_a_given_rate_is_taken(capsys):
    asked = [
        "cost",
        "--model",
        "foal",
        "--size",
        "64x64",
        "--seconds",
        "1",
        "--gpu",
        "cpu",
        "--json",
    ]
    assert main([*asked, "--matmul-rate", "1e9"]) == 0
    found = json.loads(capsys.readouterr().out)
    passes, flop = found["model"]["passes"], found["flop_per_forward"]["mlp"]
    assert found["seconds_per_clip"]["mlp"] == pytest.approx(passes * flop / 1e9)
    assert found["price"]["per_clip"] is None
    assert main([*asked, "--count", "2"]) == EXIT_ERROR
