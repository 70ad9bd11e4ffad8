"""The page of a study: everything it says, gathered, and put into the template."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hhlab import __version__
from hhlab.report import names, words
from hhlab.report.page import environment
from hhlab.report.study import sections
from hhlab.report.study.agreeing import agreement_part
from hhlab.report.study.axis import axis_for
from hhlab.report.study.dossier import Dossier
from hhlab.report.study.gallery import gallery
from hhlab.report.study.method import metrics_used
from hhlab.report.study.missing import missing
from hhlab.report.study.numbers import Number
from hhlab.report.study.people import people
from hhlab.report.study.tables import metrics_board, numbers_of, units_of
from hhlab.report.study.usable import applied, usable
from hhlab.report.study.verdict import call
from hhlab.report.study.worst import leading, worst_cases

MOST_BYTES = 16_000_000
"""What the pictures in a page may weigh by default: it can still be sent by mail."""

SCRIPT = """
(() => {
  const of = (row) => [...row.querySelectorAll("video")];
  const show = (video) => { video.hidden = false; video.previousElementSibling.hidden = true; };
  const pauseAll = () => document.querySelectorAll("video").forEach((video) => video.pause());
  document.querySelectorAll("[data-play]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const video = button.nextElementSibling;
      pauseAll();
      show(video);
      video.muted = false;
      video.focus();
      video.play();
    });
  });
  document.querySelectorAll("[data-together]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const videos = of(button.closest("article"));
      const stop = videos.some((video) => !video.paused);
      pauseAll();
      if (!stop) videos.forEach((video, k) => {
        show(video);
        video.currentTime = 0;
        video.muted = k > 0;  // several voices at once say nothing: the first is heard
        video.play();
      });
    });
  });
  document.querySelectorAll("video").forEach((video) => {
    video.hidden = true;
    video.addEventListener("volumechange", () => {
      if (!video.muted) of(video.closest("article")).forEach((other) => {
        if (other !== video) other.muted = true;
      });
    });
  });
})();
"""


def render(
    dossier: Dossier,
    *,
    most_bytes: int = MOST_BYTES,
    today: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> str:
    """The report as one HTML page that needs no other file and, by its content policy, gets none.

    Parameters
    ----------
    most_bytes : of all pictures and players in it
    today : the date that the page bears, year-month-day; default: now, UTC
    on_progress : called with shots done, and shots in all

    The same dossier and date give the same page.
    """
    numbers, rows = numbers_of(dossier), usable(dossier)
    names = list(dossier.contenders)
    voted, measured = people(dossier), metrics_board(numbers, names)
    shown = gallery(dossier, most_bytes=most_bytes, on_progress=on_progress)
    boards = [board for board in (voted.board, measured) if board is not None]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode("ascii")
    return _templates().get_template("study.html").render(
        d=dossier, names=names, version=__version__,
        today=today or datetime.now(UTC).strftime("%Y-%m-%d"),
        verdict=sections.verdict(dossier, voted, measured, numbers, rows),
        tiles=sections.tiles(dossier, voted, measured, rows),
        boards=[(board, sections.board_axis(board)) for board in boards], voted=voted,
        contenders=sections.contenders(dossier, numbers),
        cards=[(number, sections.number_axis(number, dossier)) for number in numbers
               if any(line.clips for line in number.lines)],
        kinds=sections.by_tag(dossier), costs=rows, applied=applied(dossier), gallery=shown,
        worst=[(number, cases) for number in leading(numbers)
               if (cases := worst_cases(dossier, number))],
        agreement=agreement_part(dossier), gaps=missing(dossier),
        units=units_of(dossier), half=axis_for((), ends=(0.0, 1.0), references=(0.5,)),
        metrics=metrics_used(dossier), script=SCRIPT, script_hash=f"sha256-{digest}",
    )  # fmt: skip


@cache
def _templates() -> Any:
    templates = environment()
    templates.filters |= {
        "about_number": about_number,
        "axis_of": sections.board_axis,
        "board_title": sections.board_title,
        "dollars": dollars,
        "plain_number": _of_number,
        "percent": lambda x: "–" if not math.isfinite(x) else f"{100 * x:.0f}%",
        "range_of": value_range,
        "script_text": _script_text,
        "seconds": seconds,
        "call": call,
        "in_unit": words.in_unit,
        "clock": words.clock,
    }
    return templates


def about_number(number: Number) -> str:
    """What a number is, and which way is better, in one line."""
    better = words.DIRECTIONS[number.direction] or "neither way is better"
    label = names.about(number.metric, number.measure, number.label)
    unit = words.unit_told(number.unit)
    far = "distance from 0" if number.direction == "zero" else ""
    return "; ".join(part for part in (label, far, unit, better) if part)


def _of_number(value: float, number: Number) -> str:
    """A mean, without a sign where distances are shown."""
    text = words.number(value, number.unit)
    return text.removeprefix("+") if number.direction == "zero" else text


def _script_text(text: str) -> object:
    from markupsafe import Markup

    return Markup(text)  # ours, not a word of it from outside


def dollars(usd: float) -> str:
    """An amount in words: nothing, unknown or with cents, or more digits where it is small."""
    if usd != usd:
        return "not known"
    if math.isinf(usd):
        return "nothing usable"
    if usd == 0:
        return "0"
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.2g}"


def seconds(value: float) -> str:
    """A time in seconds or minutes."""
    if value != value:
        return "not known"
    if math.isinf(value):
        return "nothing usable"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"


def value_range(low: float, high: float, unit: str = "") -> str:
    """An interval in as many digits as its ends need; "" where there is none."""
    if low != low or high != high:
        return ""
    plain = unit if unit in ("ms", names.SHARE) else ""
    ends = ["…" if math.isinf(end) else words.number(end, plain).removesuffix(" ms")
            for end in (low, high)]  # fmt: skip
    return " to ".join(ends)
