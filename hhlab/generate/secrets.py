"""Keys: from the environment only, and never into anything that is written or shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import quote

from hhlab.errors import BadKey, KeyMissing

HIDDEN = "<key>"


class Secret:
    """A key that shows itself only when asked to: not in a repr, a log, a pickle or a copy."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key, for the one call that needs it."""
        return self._value

    def hide(self, text: object) -> str:
        """The text without the key, in whatever form addresses or JSON may have given it."""
        said = str(text)
        for form in {self._value, quote(self._value, safe=""), ascii(self._value)[1:-1]}:
            said = said.replace(form, HIDDEN)
        return said

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written anywhere")


def from_environment(names: Sequence[str], *, who: str) -> Secret:
    """The key in the first of these variables that is set.

    Raises
    ------
    KeyMissing : none is set; BadKey : what is set cannot be a key (it is not shown)
    """
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            # An HTTP library would repeat a key with a line break in it in its error.
            if not (value.isascii() and value.isprintable() and " " not in value):
                raise BadKey(who, expected=f"a key in {name}", found="characters no key has")
            return Secret(value)
    raise KeyMissing(who, expected=f"a key in {' or '.join(names)}", found="none")
