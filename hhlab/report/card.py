"""The notebook's view of scores: a player, and per metric a sentence and a time line."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hhlab.report.preview import playable
from hhlab.report.timeline import timeline_svg
from hhlab.report.words import headline, labelled, title
from hhlab.types import Clip, ClipInfo, Score

CARD_BYTES = 3_000_000
"""A notebook is not a video store: larger players are left out of its output."""

_STYLE = (
    "display:grid;grid-template-columns:minmax(180px,320px) minmax(320px,1fr);gap:16px;"
    "font:13px/1.45 system-ui,sans-serif;align-items:start;"
    "--rule:var(--jp-border-color2,#ccc);--faint:var(--jp-ui-font-color2,#777)"
)


def card(info: ClipInfo, scores: Sequence[Score], clip: Clip | None = None) -> str:
    """Return one HTML fragment without scripts; every text from outside is escaped."""
    source = playable(clip, most_bytes=CARD_BYTES) if clip is not None else None
    player = (
        f'<video controls loop style="width:100%;border-radius:6px" src="{source}"></video>'
        if source
        else ""
    )
    facts = f"{info.width_px}×{info.height_px}, {info.fps:.3g} fps, {info.duration_s:.2f} s"
    rows = "".join(_row(score, info.duration_s) for score in scores)
    return (
        f'<div class="hhlab-card" style="{_STYLE}"><div>{player}'
        f"<div><b>{escape(info.name)}</b><br>{escape(facts)}</div></div><div>{rows}</div></div>"
    )


def _row(score: Score, duration_s: float) -> str:
    line = ""
    if score.series:
        first = labelled(score.metric, score.series[0])
        moments = [m for m in score.moments if m.series == first.name]
        line = timeline_svg(first, duration_s=duration_s, moments=moments, height=72)
    tone = "opacity:.65" if score.status != "ok" else ""
    return (
        f'<div style="margin-bottom:10px;{tone}"><b>{escape(title(score.metric))}</b> '
        f"<code>{escape(headline(score))}</code><br>{escape(score.sentence)}{line}</div>"
    )
