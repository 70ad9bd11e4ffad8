"""What the actors of the small world say: forty short words, and the sentences they may form.

The words are easy to tell apart by ear, and more than half of them hold a sound for which the lips
meet (p, b, m) or round, so that speech can be seen.
"""

from __future__ import annotations

import numpy as np

WORDS: dict[str, tuple[str, ...]] = {
    "who": ("we", "you", "they"),
    "verb": ("make", "buy", "want", "bring", "see", "love", "move", "keep"),
    "which": ("my", "this", "more"),
    "adjective": ("big", "blue", "warm", "small", "happy"),
    "noun": (
        "boat", "bread", "map", "apple", "book", "moon", "ball", "fish", "tomato", "lamp",
        "piano", "window",
    ),
    "name": ("mama", "papa", "bob"),
    "greeting": ("hello", "goodbye"),
    "maybe": ("maybe",), "never": ("never",), "please": ("please",), "today": ("today",),
}  # fmt: skip
VOCABULARY: tuple[str, ...] = tuple(sorted(word for group in WORDS.values() for word in group))

# Each sentence is a row of word classes; the number says how often it is drawn.
SENTENCES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (3, ("which", "adjective", "noun")),
    (2, ("adjective", "noun", "today")),
    (4, ("who", "verb", "which", "noun")),
    (3, ("who", "verb", "which", "adjective", "noun")),
    (2, ("who", "never", "verb", "which", "noun")),
    (2, ("maybe", "who", "verb", "which", "noun")),
    (2, ("verb", "which", "noun", "please")),
    (2, ("name", "verb", "which", "noun")),
    (2, ("which", "noun", "please", "name")),
    (1, ("greeting", "name")),
    (1, ("greeting", "adjective", "name")),
    (1, ("greeting", "which", "adjective", "noun")),
)
CLASS_OF = {word: name for name, group in WORDS.items() for word in group}


def sample_sentence(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw a sentence of two to five words."""
    weights = np.array([weight for weight, _ in SENTENCES], np.float64)
    _, classes = SENTENCES[int(rng.choice(len(SENTENCES), p=weights / weights.sum()))]
    return tuple(str(rng.choice(WORDS[name])) for name in classes)


def is_sentence(words: tuple[str, ...]) -> bool:
    """Whether `words` could have been drawn by :func:`sample_sentence`."""
    classes = tuple(CLASS_OF.get(word) for word in words)
    return any(classes == row for _, row in SENTENCES)
