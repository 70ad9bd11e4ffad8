"""The study's arithmetic: its measures, its table, and that it goes on where it stopped."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from eval.validity import foal_measures as measures
from eval.validity import foal_table as tables
from eval.validity.foal_page import page
from hhlab.readout.decoding import collapse, word_errors


def test_blocks_are_seen_where_their_borders_are():
    rng = np.random.default_rng(0)
    clean = rng.integers(100, 110, (8, 96, 96, 3)).astype(np.uint8)
    tiles = np.kron(rng.integers(-40, 41, (6, 6)), np.ones((16, 16)))[None, :, :, None]
    blocky = (clean + tiles).clip(0, 255).astype(np.uint8)
    shifted = np.roll(blocky, 5, axis=(1, 2))
    assert measures.blockiness(clean) == pytest.approx(1, abs=0.08)
    assert measures.blockiness(blocky) > 2
    assert measures.blockiness(shifted) < 1


def test_frechet_of_known_gaussians():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(20_000, 4))
    b = 2 * rng.normal(size=(20_000, 4)) + np.array([3, 0, 0, 0])
    # |m|^2 + sum of (sigma_a - sigma_b)^2 = 9 + 4
    assert measures.frechet(a, b) == pytest.approx(13, rel=0.03)
    assert measures.frechet(a, a) == pytest.approx(0, abs=1e-6)


def test_wilson_golden_values():
    # R: prop.test(9, 10, correct = FALSE), prop.test(0, 20, correct = FALSE)
    assert measures.wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=5e-4)
    assert measures.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-4)
    assert all(math.isnan(x) for x in measures.wilson(0, 0))


def test_identity_drift_and_psnr():
    same = np.tile([[1.0, 0.0]], (9, 1))
    turned = np.concatenate([same[:6], np.tile([[0.0, 1.0]], (3, 1))])
    assert measures.identity_drift(same) == pytest.approx(0)
    assert measures.identity_drift(turned) == pytest.approx(1)
    grey = np.full((4, 4, 3), 100, np.uint8)
    assert measures.psnr(grey, grey + 10) == pytest.approx(28.13, abs=0.01)


def test_words_from_chances():
    chances = np.eye(4)[[0, 2, 2, 0, 2, 3, 3, 0, 1]]
    assert collapse(chances) == (2, 2, 3, 1)
    assert word_errors(("a", "b", "c"), ("a", "c", "d")) == 2
    assert word_errors((), ("a", "b")) == 2


def record(mode: str, number: int, **given) -> dict:
    right = dict.fromkeys(tables.ATTRIBUTES, True)
    return {
        "key": f"{mode}/{number}", "named": ["dye", "move", "words"], "right": right,
        "word_errors": 0, "words": 4, "offset_ms": 10.0, "drift_ms_per_s": 2.0, "opening": 0.8,
        "identity_drift": 0.01, "blockiness": 1.0, "own": 0.8, "nearest": True, "psnr_db": 30.0,
        "changed": {"dye": True}, "kept": {"move": True}, "motion_kept": True, "sound_kept": None,
        "features": np.random.default_rng(number).normal(size=(5, 4)).tolist(),
    } | given  # fmt: skip


def all_records(**given) -> dict[str, dict]:
    modes = ("text", "first frame", "1 reference", "3 references", "edit", "lips", "voice")
    return {f"{mode}/{k}": record(mode, k, **given) for mode in modes for k in range(12)}


def find(table, contender: str, figure: str):
    rows = table[(table["contender"] == contender) & (table["figure"] == figure)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_table_says_what_is_met_and_what_is_not():
    good, bad = all_records(), all_records()
    for k in range(3):
        wrong = dict(bad[f"text/{k}"]["right"], dye=False)
        bad[f"text/{k}"] |= {"right": wrong, "word_errors": 2, "opening": 0.1, "offset_ms": 200.0}
        bad[f"first frame/{k}"]["psnr_db"] = 0.0
    others = np.random.default_rng(99).normal(size=(60, 4))
    found = tables.table({"renders": good, "bad": bad}, good, others)
    assert find(found, "renders", "dye")["met"] == "yes"
    dye = find(found, "bad", "dye")
    assert (dye["value"], dye["met"], dye["count"]) == (0.75, "no", 12)
    assert find(found, "bad", "camera move")["met"] == "yes"
    assert find(found, "bad", "all named attributes")["value"] == pytest.approx(21 / 24)
    assert find(found, "bad", "spoken words")["value"] == pytest.approx(42 / 48)
    assert find(found, "bad", "offset within one frame")["value"] == 0.75
    share = find(found, "bad", "the same, as a share of renders'")["value"]
    assert share == pytest.approx((9 * 0.8 + 3 * 0.1) / (12 * 0.8))
    assert find(found, "bad", "PSNR, dB")["met"] == "no"
    assert find(found, "bad", "sound kept")["met"] == ""
    late = tables.table({"late": all_records(drift_ms_per_s=12.0)}, good, others)
    drift = find(late, "late", "drift, ms per second, less renders'")
    assert (drift["value"], drift["met"]) == (10.0, "no")
    assert find(found, "renders", "person")["text"] == "–"  # named by no prompt here


def test_a_mouth_that_never_moves_does_not_help():
    good, still = all_records(), all_records(opening=float("nan"), offset_ms=float("nan"))
    found = tables.table({"still": still}, good, np.zeros((0, 4)))
    assert find(found, "still", "the same, as a share of renders'")["value"] == 0
    assert find(found, "still", "offset within one frame")["value"] == 0


def test_the_page_names_what_is_missed():
    good = all_records()
    found = tables.table({"renders": good, "m": all_records(psnr_db=10.0)}, good, np.zeros((0, 4)))
    text = page(found, {"m": {"clip_s": 5.0, "mfu": 0.2}}, wishes=[], seed=3)
    said = next(line for line in text.splitlines() if line.startswith("**m**"))
    assert "PSNR, dB" in said.split("missed: ")[1] and "camera move" not in said
    assert "5.00 ✓" in text and "0.20 ✗" in text


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    from eval.validity import foal

    class Ask:
        def __init__(self, number: int) -> None:
            self.mode, self.key = "text", f"text/{number}"

    made = []

    def maker(wishes):
        made.extend(w.key for w in wishes)
        return [(None, None)] * len(wishes)

    monkeypatch.setattr(foal, "measure", lambda wish, *_: {"key": wish.key})
    common = {"mark": "x", "keep": tmp_path, "gallery": np.zeros((0, 64))}
    foal.records_of("a model", [Ask(0), Ask(1)], maker, **common)
    file = tmp_path / "a-model.jsonl"
    file.write_text(file.read_text("utf-8") + '{"key": "text/2", "ma', "utf-8")  # killed here
    found = foal.records_of("a model", [Ask(k) for k in range(3)], maker, **common)
    assert made == ["text/0", "text/1", "text/2"] and set(found) == set(made)
    foal.records_of("a model", [Ask(0)], maker, **common | {"mark": "other weights"})
    assert made[3:] == ["text/0"]
    assert all(json.loads(line) for line in file.read_text("utf-8").splitlines() if line[-1] == "}")
