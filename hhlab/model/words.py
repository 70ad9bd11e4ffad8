"""Text as word numbers: a closed vocabulary, known to the model from its training world."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhlab.errors import BadArgument

PAD, UNKNOWN = "<pad>", "<unknown>"
_PIECES = re.compile(r"[a-z]+(?:['’-][a-z]+)*|\d+|[.,\"?!]", re.UNICODE)
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})


@dataclass(frozen=True)
class Encoded:
    """A prompt as numbers.

    Attributes
    ----------
    ids : int64 (longest,), padded
    unknown : words the model has never seen, in order; they are passed over by number 1
    """

    ids: np.ndarray
    unknown: tuple[str, ...]


def split(text: str) -> list[str]:
    """Words and punctuation marks, in lower case."""
    return _PIECES.findall(text.lower().translate(_QUOTES))


def full_vocabulary(words: Sequence[str]) -> tuple[str, ...]:
    """A language's words with the two special ones before them."""
    return (PAD, UNKNOWN, *sorted(set(words)))


def encode(text: str, vocabulary: Sequence[str], *, longest: int) -> Encoded:
    """Number the words of a prompt.

    Raises
    ------
    BadArgument : there are more than `longest` words and marks
    """
    pieces = split(text)
    if len(pieces) > longest:
        raise BadArgument(
            "prompt", expected=f"at most {longest} words and marks", found=str(len(pieces))
        )
    number = {word: k for k, word in enumerate(vocabulary)}
    ids = np.zeros(longest, np.int64)
    ids[: len(pieces)] = [number.get(piece, 1) for piece in pieces]
    return Encoded(ids, tuple(piece for piece in pieces if piece not in number))
