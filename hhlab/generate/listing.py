"""The contenders as a table to read."""

from __future__ import annotations

import textwrap

from hhlab.generate.contenders import Contender, contenders
from hhlab.generate.prices import Price, prices_of
from hhlab.generate.protocol import MODES

SHORT = {
    "text-to-video": "text", "image-to-video": "first picture", "reference-to-video": "references",
    "edit": "edit", "picture for a sound": "picture for a sound",
    "sound for a picture": "sound for a picture",
}  # fmt: skip
UNKNOWN = "not published"


def listing(*, facts: bool = False) -> str:
    """Every contender: what it can do, what it costs, how it stands here, and what to do.

    Parameters
    ----------
    facts : add what each row rests on, with source and date
    """
    return "\n\n".join("\n".join(_lines(one, facts)) for one in contenders().values())


def rows() -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "contender": one.name, "label": one.label, "maker": one.maker,
            "status": one.status()[0], "advice": one.status()[1], "licence": one.licence,
            "modes": [mode for mode in MODES if mode in one.modes], "models": dict(one.models),
            "limits": limits_text(one), "prices": [price_text(p) for p in prices_of(one.name)],
            "facts": [vars(fact) for fact in one.facts],
        }
        for one in contenders().values()
    ]  # fmt: skip


def _lines(one: Contender, facts: bool) -> list[str]:
    state, advice = one.status()
    said = [("status", f"{state}: {advice}")]
    if one.limits is not None:
        said += [("modes", ", ".join(SHORT[mode] for mode in MODES if mode in one.modes)),
                 ("limits", limits_text(one))]  # fmt: skip
    if one.offered == "offered":
        said += [("price", "; ".join(map(price_text, prices_of(one.name))) or UNKNOWN)]
    said += [("licence", one.licence or UNKNOWN)]
    if facts:
        said += [("", f"{fact.says} [{fact.source}, read {fact.date}]") for fact in one.facts]
    lines = [f"{one.name}  ({one.label}, {one.maker})"]
    for name, text in said:
        first, *more = textwrap.wrap(text, 88, break_long_words=False) or [""]
        lines += [f"  {name:<8} {first}", *(f"  {'':<8} {line}" for line in more)]
    return lines


def limits_text(one: Contender) -> str:
    """A contender's limits in words."""
    limits = one.limits
    if limits is None:
        return ""
    least, most = limits.seconds
    offered = limits.seconds_on_offer
    whole = bool(offered) and list(offered) == [float(s) for s in range(int(least), int(most) + 1)]
    lengths = f"{least:g} to {most:g} s" + (", whole seconds" if whole else "")
    if offered and not whole:
        lengths = f"{', '.join(f'{s:g}' for s in offered)} s"
    parts = [
        f"{lengths} ({limits.default_seconds:g} unless asked)",
        ", ".join(f"{w}x{h}" for w, h in limits.sizes_px) or "any size",
        f"up to {limits.references} references" if limits.references else "no references",
        "with sound" if limits.sound else "silent",
        "same seed, same clip" if limits.seeds else "a seed promises nothing",
    ]
    if limits.prompt_characters:
        parts.insert(3, f"prompts up to {limits.prompt_characters} characters")
    return "; ".join(parts)


def price_text(price: Price) -> str:
    """A price in words."""
    if price.per_second == 0:
        return "runs here"
    text = f"{price.per_second:g} {price.currency} a second"
    if price.short_side_px:
        text += f" at {price.short_side_px}p"
    if price.modes:
        text += f" for {' and '.join(SHORT[mode] for mode in price.modes)}"
    if price.counts_source:
        text += ", the source's seconds too"
    if price.launch_discount:
        text += (
            f", less {price.launch_discount:.0%} at launch"
            f" ({price.discount_from} to {price.discount_until})"
        )
    return f"{text} ({price.sold_by}, {price.date})"
