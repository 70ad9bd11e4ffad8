"""Material without codecs: files of a few bytes under neutral names."""

from __future__ import annotations

from pathlib import Path

from hhlab.blind.material import DAMAGE, SAME, Check, Item, Material

NAMES = ("Alpha-1", "Beta-2", "Gamma-3")


def fake_material(folder: Path, *, items: int = 4, names: tuple[str, ...] = NAMES) -> Material:
    """Items that every contender has a clip of, and four test trials."""
    folder.mkdir(parents=True, exist_ok=True)

    def file(name: str) -> str:
        (folder / name).write_bytes(b"\0\1" + name.encode() + b"." * 40)
        return name

    made = [
        Item(f"prompt {k}", "cats" if k % 2 else "people", (file(f"r{k}.png"),), 48,
             {name: file(f"{k}{j}c0ffee.mp4") for j, name in enumerate(names)})
        for k in range(items)
    ]  # fmt: skip
    checks = [
        Check(kind, k % items, (file(f"{kind}{k}a.mp4"), file(f"{kind}{k}b.mp4")))
        for kind in (DAMAGE, SAME) for k in range(2)
    ]  # fmt: skip
    material = Material(folder, "study0", (256, 256), 24.0, tuple(sorted(names)), tuple(made),
                        tuple(checks))  # fmt: skip
    material.save()
    return material
