"""The self-contained HTML page of one clip."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hhlab import __version__
from hhlab.files import write_atomic
from hhlab.report import names, words
from hhlab.report.preview import playable, stills
from hhlab.report.timeline import timeline_svg
from hhlab.types import Clip, ClipInfo, Score


def write_page(
    path: Path, info: ClipInfo, scores: Sequence[Score], clip: Clip | None = None
) -> Path:
    """Write one clip's page: player, sentences, values, time lines, worst moments.

    The page needs no other file and, by its content policy, cannot load one. All text that came
    from outside (names, reasons) is escaped.
    """
    write_atomic(path, render_page(info, scores, clip).encode("utf-8"))
    return path


def render_page(info: ClipInfo, scores: Sequence[Score], clip: Clip | None = None) -> str:
    """Return the page of :func:`write_page` as text."""
    pictures: Mapping[float, str] = {}
    if clip is not None:
        pictures = stills(clip, [m.time_s for score in scores for m in score.moments])
    return environment().get_template("page.html").render(
        info=info,
        facts=facts(info),
        scores=scores,
        video=playable(clip) if clip is not None else None,
        plots={score.metric: _plots(score, info.duration_s, pictures) for score in scores},
        nonce=secrets.token_urlsafe(12),
        version=__version__,
    )  # fmt: skip


def facts(info: ClipInfo) -> list[str]:
    """What there is to say about the file, as short phrases."""
    rate = f"{info.fps:.4g} fps" + (" (variable)" if info.is_vfr else "")
    found = [f"{info.width_px}×{info.height_px}", rate, f"{info.duration_s:.2f} s"]
    if info.video_codec:
        found.append(f"{info.video_codec} {info.bit_depth} bit in {info.container}")
    if info.has_audio:
        layout = {1: "mono", 2: "stereo"}.get(info.channels, f"{info.channels} channels")
        found.append(f"{info.audio_codec or 'sound'} {layout} {info.sample_rate / 1000:g} kHz")
    else:
        found.append("no sound")
    return [*found, *info.notes]


def _plots(
    score: Score, duration_s: float, pictures: Mapping[float, str]
) -> list[dict[str, object]]:
    found = []
    for series in score.series:
        moments = [moment for moment in score.moments if moment.series == series.name]
        series = words.labelled(score.metric, series)
        short = series.unit not in ("", "1") and len(series.unit) <= words.SHORT_UNIT
        unit = f" ({series.unit})" if short else ""
        scale = words.meaning(series.unit, series.direction)
        found.append({
            "caption": f"{series.label}{unit}" + (f": {scale}" if scale else ""),
            "svg": _markup(timeline_svg(series, duration_s=duration_s, moments=moments)),
            "stills": [
                {
                    "count": count, "time_s": moment.time_s, "clock": words.clock(moment.time_s),
                    "value": words.number(moment.value, series.unit), "why": moment.why,
                    "picture": pictures.get(moment.time_s),
                }
                for count, moment in enumerate(moments, start=1)
            ],
        })  # fmt: skip
    return found


def _markup(svg: str) -> object:
    from markupsafe import Markup

    return Markup(svg)  # made by timeline_svg, which escapes what it is given


@cache
def environment() -> Any:
    """The templates, with every inserted text escaped and the words of words.py as filters."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    templates.filters |= {
        "title_of": words.title,
        "heading_of": words.heading,
        "about_of": names.about,
        "unit_of": words.unit_of,
        "headline": words.headline,
        "interval": words.interval,
        "number": words.number,
        "meaning": words.meaning,
        "json_of": lambda value: json.dumps(value, sort_keys=True, default=str),
    }
    return templates
