"""Published timings of the open relative, beside what the roofline says of the same work.

Source: the README of daVinci-MagiHuman (Apache-2.0; arXiv 2603.21986; read 2026-11-21): a clip of
5 s on one H100, time by stage. Its base stage makes 448 x 256 in 8 distilled steps without
guidance; a second network of the same shape then refines the enlarged latents in 5 steps without
guidance (as its example configurations set it). At 1080p, 32 of the second network's 40 layers see
only 11 rows of latents to each side. What is comparable is each stage's transformer time. The
total is not: it includes decoding (.4, 1.3 and 5.8 s), which the roofline leaves out, and it is a
refinement of a small clip, not the 32 guided steps at full size of a model without that second
stage. The number of text tokens of the timed runs is not published: 640, the most, is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hhlab.cost.estimate import estimate
from hhlab.cost.shapes import Shape

if TYPE_CHECKING:
    import pandas as pd

RELATIVE = Shape(
    name="daVinci-MagiHuman",
    width=5120,
    layers=40,
    heads=40,
    kv_heads=8,
    head_dim=128,
    mlp_width=13652,
    edge_layers=4,
    modalities=("text", "video", "audio"),
    in_dims={"text": 3584, "video": 192, "audio": 64},
    text_vocabulary=0,
    gates=True,
    conditioning=0,
    video_patch=(4, 32, 32),
    first_frame_alone=True,
    fps=25.0,
    audio_tokens_per_s=25.0,
    text_tokens=640,
    steps=32,
    guidance=True,
)
"""As its public configuration and code have it: the MLP is 8/3 of the width, rounded down to a
multiple of 4; three modalities; no noise level is told. 15.30e9 parameters by our count."""

CLIP_S, GPU = 5.0, "h100"


@dataclass(frozen=True)
class Stage:
    """One published timing of the transformer alone."""

    name: str
    size: tuple[int, int]
    steps: int
    seconds: float
    window_layers: int = 0
    window_rows: int = 0


STAGES = (
    Stage("256p, base", (448, 256), 8, 1.6),
    Stage("540p, refinement", (896, 512), 5, 5.1),
    Stage("1080p, refinement", (1920, 1088), 5, 31.0, window_layers=32, window_rows=11),
)


@dataclass(frozen=True)
class StageCheck:
    """A stage's published and predicted time; `ratio` is predicted over published."""

    stage: Stage
    predicted_s: float
    implied_share: float
    tokens: int

    @property
    def ratio(self) -> float:
        return self.predicted_s / self.stage.seconds


def window_share(*, rows: int, reach: int, video: int, total: int) -> float:
    """Share of pairs of tokens that attend, when a video token sees only nearby rows of video.

    A row is all tokens of one latent picture; a video token sees its own row, `reach` rows to each
    side, and everything that is no video; all else sees everything.
    """
    seen = sum(min(rows - 1, i + reach) - max(0, i - reach) + 1 for i in range(rows))
    near = video * video * seen / rows**2
    return (near + total**2 - video**2) / total**2


def attended_share(stage: Stage, shape: Shape = RELATIVE) -> float:
    """Mean over the layers of the share of pairs that attend, in a published stage."""
    if not stage.window_layers:
        return 1.0
    tokens = estimate(shape, size=stage.size, seconds=CLIP_S, gpu=GPU).tokens
    share = window_share(
        rows=tokens.video_grid[0], reach=stage.window_rows, video=tokens.video, total=tokens.total
    )
    windows = stage.window_layers / shape.layers
    return windows * share + 1 - windows


def check_published() -> tuple[StageCheck, ...]:
    """Each published stage beside the roofline's prediction with the default shares."""
    found = []
    for stage in STAGES:
        cost = estimate(
            RELATIVE, size=stage.size, seconds=CLIP_S, gpu=GPU, steps=stage.steps, guidance=False,
            attended_share=attended_share(stage),
        )  # fmt: skip
        implied = cost.flop_per_clip / stage.seconds / cost.machine.bf16_flop_per_s
        found.append(StageCheck(stage, cost.seconds, implied, cost.tokens.total))
    return tuple(found)


def published_frame() -> pd.DataFrame:
    """:func:`check_published` as a table."""
    import pandas as pd

    return pd.DataFrame(
        {
            "stage": check.stage.name,
            "tokens": check.tokens,
            "steps": check.stage.steps,
            "published_s": check.stage.seconds,
            "predicted_s": check.predicted_s,
            "ratio": check.ratio,
            "implied_share_of_peak": check.implied_share,
        }
        for check in check_published()
    )


def published_text() -> str:
    """:func:`check_published` for people."""
    lines = [
        "CHECK against published stages of daVinci-MagiHuman, 5 s on one H100, transformer only",
        f"  {'stage':<18} {'tokens':>7} {'steps':>5} {'published':>10} {'predicted':>10} "
        f"{'ratio':>6} {'of peak':>8}",
    ]
    for c in check_published():
        lines.append(
            f"  {c.stage.name:<18} {c.tokens:>7,} {c.stage.steps:>5} {c.stage.seconds:>8.1f} s "
            f"{c.predicted_s:>8.2f} s {c.ratio:>6.2f} {c.implied_share:>8.2f}"
        )
    return "\n".join([
        *lines,
        "  The share of the peak (0.6) was set by the first line; the others test it.",
        "  Published totals (2.0, 8.0, 38.4 s) add decoding, and refine a small clip: they are not",
        "  comparable with guided steps at full size.",
    ])  # fmt: skip
