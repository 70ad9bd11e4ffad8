"""A rater's page outside Jupyter: finds out who opened it, and shows that rater's comparison."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs

from hhlab.blind.raters import rater_of
from hhlab.blind.serve import SETTINGS, Booth
from hhlab.errors import BadArgument, HhlabError
from hhlab.widgets.pair import BlindPair


def booth() -> Any:
    """The blind pair of the rater whose token is in the page's address; see ``hhlab arena serve``.

    Where it cannot be shown, a sentence that names no clip and no place.
    """
    from IPython.display import HTML

    try:
        return pair_for(os.environ.get("QUERY_STRING", ""), os.environ[SETTINGS])
    except (HhlabError, KeyError) as error:
        return HTML(
            '<div role="alert" style="font:16px/1.5 system-ui,sans-serif;text-align:center;'
            'padding:20vh 2rem;color:var(--jp-ui-font-color1)"><h1 style="font-size:1.5rem">'
            "The comparison cannot be opened</h1><p>Please tell whoever sent you the link: "
            f"{type(error).__name__}.</p></div>"
        )


def pair_for(query: str, settings: str) -> BlindPair:
    """The pair of the rater named by the token in a query string.

    Raises BadArgument for a token that is not known, and what opening a session raises.
    """
    place = Booth.from_json(settings)
    voter = rater_of(place.material, parse_qs(query).get("rater", [""])[0])
    if voter is None:
        raise BadArgument("rater", expected="a token that was given out")
    return BlindPair(
        place.material, ledger=place.ledger, voter=voter, trials=place.trials, checks=place.checks,
        dimensions=place.dimensions, reveal=place.reveal,
    )  # fmt: skip
