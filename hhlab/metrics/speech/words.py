"""Words: those that a prompt asks to be said, those that were heard, and how they agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# What stands before words that are seen, not heard.
_WRITTEN = re.compile(
    r"(read(s|ing)|writ(ten|ing)|wrote|label(led|ed)|titled|entitled|called|named|sign|poster|"
    r"caption|subtitles?|logo|printed|words? on|letters?)\s*[:,]?\s*$",
    re.IGNORECASE,
)
_QUOTED = (r'"([^"]+)"', r"“([^”]+)”", r"„([^“”]+)[“”]", r"«([^»]+)»", r"‘([^’]+(?:’\w+[^’]*)*)’")
_SINGLE = r"(?:(?<=[\s:,(])|^)'((?:[^']|(?<=\w)'(?=\w))+)'(?=[\s.,;:!?)]|$)"
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
    *(f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")),
)
_TENS = [f"{stem}ty" for stem in ["twen", "thir", "for", "fif", "six", "seven", "eigh", "nine"]]


def asked_words(prompt: str) -> tuple[str, ...]:
    """Words that a prompt asks to be said: what stands in quotation marks, in order.

    What a sign or a poster reads is left out, by the word before the quotation.
    """
    found = {
        match.start(): match[1]
        for pattern in (*_QUOTED, _SINGLE)
        for match in re.finditer(pattern, prompt)
        if not _WRITTEN.search(prompt[: match.start()])
    }
    return tuple(word for _, text in sorted(found.items()) for word in normalised(text))


def normalised(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation; whole numbers below a million are spelled out."""
    text = text.lower().replace("’", "'").replace("%", " percent ").replace("&", " and ")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    words = re.findall(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)*", text)
    return tuple(part for word in words for part in _spelled(word))


def _spelled(word: str) -> list[str]:
    if not word.isdecimal() or len(word) > 6:
        return [word]
    number = int(word)
    if number < 20:
        return [_SMALL[number]]
    if number < 100:
        tens, ones = divmod(number, 10)
        return [_TENS[tens - 2], *([_SMALL[ones]] if ones else [])]
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    many, rest = divmod(number, size)
    return [*_spelled(str(many)), name, *(_spelled(str(rest)) if rest else [])]


@dataclass(frozen=True)
class Agreement:
    """How heard words agree with asked ones.

    Attributes
    ----------
    right, wrong, missing, added : counts; right + wrong + missing is the number asked
    """

    right: int
    wrong: int
    missing: int
    added: int

    @property
    def asked(self) -> int:
        return self.right + self.wrong + self.missing

    @property
    def share_right(self) -> float:
        """Share of the asked words that were heard in their place; nan where none were asked."""
        return self.right / self.asked if self.asked else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the share that is right (Wilson 1927); nan where none were asked."""
        n, z = self.asked, 1.959964
        if not n:
            return float("nan"), float("nan")
        share = self.right / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return float(max(0, min(share, middle - half))), float(min(1, max(share, middle + half)))

    @property
    def error_rate(self) -> float:
        """Word error rate: wrong, missing and added words per asked word; may exceed 1."""
        errors = self.wrong + self.missing + self.added
        return errors / self.asked if self.asked else float("nan")


def compare(asked: Sequence[str], heard: Sequence[str]) -> Agreement:
    """Align two word sequences with the fewest edits (Levenshtein 1966), most right words first.

    A word that was heard as two, or two as one ("book shelf"), counts as right.
    """
    rows, columns = len(asked) + 1, len(heard) + 1
    cost = np.full((rows, columns, 2), 10**9)  # edits, and minus the words that are right
    step = np.zeros((rows, columns), object)
    cost[0, 0] = 0
    for i in range(rows):
        for j in range(columns):
            for di, dj, edits, right in _moves(asked, heard, i, j):
                new = cost[i - di, j - dj] + (edits, -right)
                if tuple(new) < tuple(cost[i, j]):
                    cost[i, j], step[i, j] = new, (di, dj, edits, right)
    counts = dict.fromkeys(("right", "wrong", "missing", "added"), 0)
    i, j = rows - 1, columns - 1
    while i or j:
        di, dj, edits, right = step[i, j]
        counts["right"] += right
        counts["wrong"] += int(edits and di and dj)
        counts["missing"] += int(edits and not dj)
        counts["added"] += int(edits and not di)
        i, j = i - di, j - dj
    return Agreement(**counts)


def _moves(asked: Sequence[str], heard: Sequence[str], i: int, j: int):
    """Ways to the cell (i, j): asked and heard words used up, edits, asked words right."""
    if i and j:
        same = asked[i - 1] == heard[j - 1]
        yield 1, 1, int(not same), int(same)
    if i > 1 and j and asked[i - 2] + asked[i - 1] == heard[j - 1]:
        yield 2, 1, 0, 2
    if i and j > 1 and asked[i - 1] == heard[j - 2] + heard[j - 1]:
        yield 1, 2, 0, 1
    if i:
        yield 1, 0, 1, 0
    if j:
        yield 0, 1, 1, 0


def syllables(word: str) -> int:
    """How many syllables an English word has, by its spelling: groups of vowels, less silent e."""
    word = re.sub(r"[^a-z]", "", word.lower())
    if not word:
        return 0
    count = len(re.findall(r"[aeiouy]+", word))
    count += len(re.findall(r"(?<![cgt])i(?:a(?!ge)|o(?!us)|u)|(?<!q)ua|eo|ying", word))
    if re.search(r"[^aeiou]e$|[^aeiouyds]es$|[^aeioudt]ed$", word) and not re.search(
        r"[^aeiou]le$|(?:[sxz]|ch|sh|[cg])es$", word
    ):
        count -= 1
    return max(1, count)
