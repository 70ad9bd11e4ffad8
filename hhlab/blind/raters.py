"""Who may vote from elsewhere: one secret link per rater, the same after a restart."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from hhlab.arena.ledger.events import identity
from hhlab.errors import BadArgument, as_subject
from hhlab.files import write_atomic

LIST = "raters.json"


def tokens(folder: str | Path, names: Sequence[str] = ()) -> dict[str, str]:
    """Rater -> token, of those known in this folder and those named, who get one.

    The list is kept in the folder, readable by its owner only. Raises :class:`BadArgument`.
    """
    path = Path(folder) / LIST
    known = _read(path)
    new = [identity("rater", name) for name in names if name not in known]
    if new:
        known.update({name: secrets.token_urlsafe(18) for name in new})
        write_atomic(path, json.dumps(known, indent=1).encode())
        path.chmod(0o600)
    return known


def rater_of(folder: str | Path, token: str) -> str | None:
    """Whose token this is, or None."""
    found = None
    for name, known in _read(Path(folder) / LIST).items():
        if hmac.compare_digest(known.encode(), token.encode()):
            found = name  # and on to the end, so that the time taken does not tell
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadArgument(as_subject(path), expected="a list of raters", found=str(error)) from None
    if not isinstance(known, dict) or not all(isinstance(v, str) for v in known.values()):
        raise BadArgument(as_subject(path), expected="a list of raters", found="something else")
    return known
