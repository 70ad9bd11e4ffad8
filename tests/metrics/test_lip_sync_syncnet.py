"""SyncNet: shapes and invariants on random weights, and its place beside the other estimators."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hhlab.errors import UnknownWeights, WeightsError
from hhlab.metrics.lip_sync import SHIFTS_MS, Evidence, judge_offset, load
from hhlab.metrics.lip_sync.syncnet import (
    SyncNet,
    SyncNetEstimator,
    distances,
    load_network,
    summarise,
)
from hhlab.types import Audio
from tests.metrics.test_lip_sync_network import a_track


@pytest.fixture(scope="module")
def syncnet() -> SyncNet:
    torch.manual_seed(0)
    return SyncNet().eval()


def test_syncnet_takes_weights_under_their_published_names(syncnet):
    state = {n: a for n, a in syncnet.state_dict().items() if "num_batches" not in n}
    assert {"netcnnaud.0.weight", "netcnnlip.0.weight", "netfcaud.3.weight"} <= set(state)
    assert state["netcnnlip.0.weight"].shape == (96, 3, 5, 7, 7)
    assert state["netfclip.3.weight"].shape == (1024, 512)
    load_network(state)
    state["netfcaud.0.weight"] = torch.zeros(4, 4)
    with pytest.raises(WeightsError, match="netfcaud"):
        load_network(state)


def test_syncnet_embeds_five_frames_and_a_fifth_of_a_second(syncnet):
    assert syncnet.hear(torch.zeros(2, 1, 13, 20)).shape == (2, 1024)
    assert syncnet.see(torch.zeros(1, 3, 5, 224, 224)).shape == (1, 1024)


@pytest.mark.parametrize("late_frames", [-9, 0, 4])
def test_distances_find_an_injected_shift_and_mask_what_is_missing(late_frames):
    rng = np.random.default_rng(7)
    heard = rng.normal(size=(80, 32))
    seen = heard[20:60] + 0.3 * rng.normal(size=(40, 32))
    far = distances(seen, heard, lead_frames=20 - late_frames)
    assert summarise(far).offset_frames == late_frames
    assert summarise(far).lse_c > 1
    beside = distances(seen, heard[20:60])  # nothing beyond the pictures
    assert np.isnan(beside[0, :15]).all() and np.isnan(beside[-1, 16:]).all()
    assert np.isfinite(beside[:, 15]).all()


def test_masked_padding_does_not_bias_a_short_clip():
    """Filling up with silence raises LSE-D of a short clip; leaving it out does not."""
    rng = np.random.default_rng(8)
    heard = rng.normal(size=(400, 32))
    seen = heard + 0.5 * rng.normal(size=heard.shape)
    long, short = (summarise(distances(seen[:n], heard[:n])) for n in (400, 20))
    assert short.lse_d == pytest.approx(long.lse_d, rel=0.1)


@pytest.mark.slow
def test_syncnet_estimator_speaks_the_common_language(syncnet):
    track, _ = a_track(np.arange(30) / 25)
    rng = np.random.default_rng(9)
    audio = Audio((0.1 * rng.standard_normal((1, 24_000))).astype(np.float32), 16_000)
    shifts_ms = np.arange(-200.0, 201, 20)
    evidence = SyncNetEstimator(syncnet).evidence(track, audio, shifts_ms=shifts_ms)
    assert evidence.scores.shape == (26, 21)
    assert np.nanmax(evidence.scores) > 0 > np.nanmin(evidence.scores)
    assert np.isnan(evidence.scores[0, 0]) and np.isfinite(evidence.scores[13]).all()
    assert evidence.lse_d > 0 and evidence.lse_c >= 0


def syncnet_at(monkeypatch, here) -> None:
    """Let `weights.path` know SyncNet's file `here`, or nowhere."""
    from hhlab import weights

    usual = weights.path

    def path(name: str):
        if name != "syncnet":
            return usual(name)
        if here is None:
            raise UnknownWeights("syncnet", expected="a listed name", found="syncnet")
        return here

    monkeypatch.setattr(weights, "path", path)


def test_syncnet_is_loaded_where_its_weights_are_and_left_out_elsewhere(
    syncnet, monkeypatch, tmp_path
):
    syncnet_at(monkeypatch, None)
    assert "syncnet" not in [one.name for one in load()]
    file = tmp_path / "syncnet.safetensors"
    save_file(syncnet.state_dict(), file)
    syncnet_at(monkeypatch, file)
    loaded = load()
    assert loaded[0].name == "articulation" and loaded[-1].name == "syncnet"
    sound = torch.randn(1, 1, 13, 20, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded[-1].network.hear(sound), syncnet.hear(sound))
    save_file({"netcnnaud.0.weight": torch.zeros(1)}, file)
    with pytest.raises(WeightsError, match="syncnet"):
        load()


def test_syncnet_adds_its_figures_and_cannot_overrule():
    """However loudly it speaks for -400 ms, offset and confidence stay as they were."""
    times_s = np.arange(0.5, 9, 0.5)
    about = (np.ones(len(times_s)), 0)
    near = np.exp(-0.5 * ((SHIFTS_MS - 100) / 60) ** 2) * 6 - 1.5
    mouth = Evidence(times_s, 0.5, SHIFTS_MS, np.tile(near, (17, 1)), *about, "articulation")
    far = np.where(SHIFTS_MS == -400, 1000.0, -1000.0)
    loud = Evidence(times_s, 0.5, SHIFTS_MS, np.tile(far, (17, 1)), *about, "syncnet",
                    lse_d=7.5, lse_c=6.2)  # fmt: skip
    alone, both = judge_offset([mouth]), judge_offset([mouth, loud])
    assert both.offset_ms == alone.offset_ms and both.confidence == alone.confidence
    assert both.status == alone.status == "ok"
    score = both.to_score()
    assert (score["lse_c"].value, score["lse_c"].direction) == (6.2, "higher")
    assert (score["lse_d"].value, score["lse_d"].direction) == (7.5, "lower")
    assert "lse_c" not in [measure.name for measure in alone.to_score().measures]
    only = judge_offset([loud])
    assert only.status == "undetermined" and only.lse_d == 7.5
