"""What prompts ask for, learnt from prompts alone: of scripts that nobody rendered.

A world that is rendered has some thousands of scripts; a language in which a sentence may name
eight colours and five things that have one needs far more to be understood in any order and manner
of speaking. Prompts cost nothing. What can be asked without pictures is what all of them say alike:
where all is noise still, the tokens' best guess of who is to be seen is what the prompt says of it,
and so is what the middle of the transformer knows of the script.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from hhlab.actors.dataset import sample_pair
from hhlab.actors.prompts import words_of_language, write_prompt
from hhlab.actors.script import ATTRIBUTES, Script, split_of
from hhlab.errors import BadArgument
from hhlab.model.config import LOOK, ModelConfig
from hhlab.model.looks import alike
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.training.objective import Batch
from hhlab.model.training.truth import said_look
from hhlab.model.words import encode, full_vocabulary, split

PROMPTS = 48  # in a batch
SIDE = 3  # blocks of the picture that is asked for; its place is all that it has
LEAST = 0.97  # of noise: what the rest would show of a clip cannot be seen
PLAN_WEIGHT = 1.0  # of what the middle does not know of a script, which is most of what there is
WALLS = tuple(place.removesuffix(" studio") for place in ATTRIBUTES["place"])
HUES = tuple(dye for dye in ATTRIBUTES["dye"] if dye in WALLS)  # of garments and walls
MOST_TRIES = 200  # to write a prompt that is short enough


def draw_prompts(count: int, longest: int, seed: int) -> tuple[list[Script], list[str]]:
    """Scripts of the training split, and a prompt of each of at most `longest` words and marks.

    Raises
    ------
    BadArgument : hardly any prompt is so short
    """
    scripts, texts = [], []
    number = 0
    while len(texts) < count:
        if number > MOST_TRIES * count:
            raise BadArgument("text_tokens", expected="room for prompts", found=str(longest))
        script = sample_pair(seed, number, "train")[0]
        if number % 2:
            script = coloured(script, np.random.default_rng([seed, number]))
        text = write_prompt(script, seed + number).text
        number += 1
        if split_of(script) == "train" and len(split(text)) <= longest:
            scripts.append(script)
            texts.append(text)
    return scripts, texts


def coloured(script: Script, rng: np.random.Generator) -> Script:
    """A script with two of the colours that can belong to a garment or to a wall.

    Of plain scripts a seventh can be told wrongly by mixing up what has which colour, where both
    are named; it is what is hardest to read in a prompt.
    """
    wall, dye = rng.permutation(HUES)[:2]
    return replace(script, place=f"{wall} studio", dye=str(dye))


def worded_batch(
    sizes: ModelConfig, grid: Grid, draw: torch.Generator, *, device: torch.device | str = "cpu"
) -> Batch:
    """A batch of PROMPTS prompts, each with one small picture of which nothing is known but whom it
    is to show. `draw` is a generator of the CPU."""
    seed = int(torch.randint(2**40, (), generator=draw))
    scripts, texts = draw_prompts(PROMPTS, sizes.text_tokens, seed)
    vocabulary = full_vocabulary(words_of_language())
    ids = np.stack([encode(text, vocabulary, longest=sizes.text_tokens).ids for text in texts])
    text = torch.from_numpy(ids)
    text = text[:, : int((text != 0).sum(1).max())]
    layout = make_layout(
        replace(grid, rows=SIDE, columns=SIDE, groups=0, audio_tokens=0),
        text_tokens=text.shape[1],
    )
    shape = PROMPTS, SIDE**2, sizes.image_dim
    clean = torch.zeros(shape)
    if sizes.looks:
        look = torch.from_numpy(np.stack([said_look(script) for script in scripts]))
        begin = sizes.image_dim - sizes.alike
        clean[..., begin : begin + LOOK] = look[:, None]
    (noise,) = alike([torch.randn(shape, generator=draw)], sizes.alike)
    level = LEAST + (1 - LEAST) * torch.rand(PROMPTS, 1, generator=draw)
    wanted = [[v.index(getattr(s, name)) for name, v in ATTRIBUTES.items()] for s in scripts]
    none = {name: torch.zeros(PROMPTS, 0, dim) for name, dim in
            (("video", sizes.video_dim), ("audio", sizes.audio_dim))}  # fmt: skip
    mouth = {"image": torch.full((PROMPTS, SIDE**2), SIDE**-2), "video": torch.zeros(PROMPTS, 0)}

    def there(parts: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: part.to(device) for name, part in parts.items()}

    return Batch(
        layout, text.to(device), there({"image": clean, **none}), there({"image": noise, **none}),
        F.pad(level, (0, 2), mode="replicate").to(device), there(mouth), {},
        there({"attributes": torch.tensor(wanted)}), PLAN_WEIGHT, rendered=False,
    )  # fmt: skip
