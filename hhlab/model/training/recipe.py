"""A training run's settings, as read from YAML."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hhlab.errors import BadArgument
from hhlab.model.config import ModelConfig

COUNTS = ("steps", "worded_first", "relit", "face_steps", "retouch_steps")
SHARES = ("drop_prompt", "worded", "warmup", "decay", "ema")


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training run.

    Attributes
    ----------
    name : of the model
    units, seed : how many units of the actors' world are rendered (two clips and four stills
        each), and from which seed
    relit : units more, between whose clips nothing but the light changes
    watched : units of the test split that the loss is watched on
    steps, batch : updates (0 where only the codec of `start` is to learn), and clips in each
    muon_rate, adam_rate : learning rates of the inner matrices (Muon) and of all else (AdamW)
    warmup, decay : share of the steps in which the rate rises, and in which it falls to nothing
    ema : of the weights that are kept
    picture_shift, sound_shift : how far noise levels lean towards noise
    sampler_shift : the same of the picture's levels when sampling, where most pictures need not
        lean as far as most of training did
    temperature : of the noise that pictures begin with when sampling, above 0 and up to 1
    drop_prompt : share of clips trained without their prompt, for guidance; of those with
        references three times as many
    worded : share of the batches that hold prompts alone, of scripts that nobody rendered
    worded_first : steps at the beginning in which all of them do (of clips that were not rendered
        no scripts are known, and both are nothing)
    save_every, sample_every : steps
    kept : steps whose checkpoints are kept beside the newest, as kept-STEP.safetensors
    precision : "bf16" or "fp32"
    start : the folder of a finished pipeline whose weights and codecs a run begins with, as if
        most of a run lay behind it, and which gets mouths and looks if the sizes have them; nothing
        where it begins with fresh ones
    variant, base, rank : a variant that is to be made of the finished pipeline in the folder
        `base`, and the rank of its differences; see :mod:`hhlab.model.training.variants`
    imitates : the checkpoint whose answers an "early" variant learns
    sampler_steps, guidance, about : of the sampler that a variant is meant for, and what it is
    mouth_steps : in which the picture's codec learns to draw mouths and who is seen, if the model
        says so
    look_steps : in which it learns, before that, to read who is seen
    face_steps : in which it learns, at last, to draw whole faces, or to draw them better where that
        of `start` does so; 0 where it is to draw them as that does, or not
    retouch_steps : in which it learns to draw clips that are edited out of their sources, or to
        do so better; 0 likewise
    quick : the folder of a variant of `start`; the codec learns from its edits, too. Nothing where
        there is none
    model : sizes that differ from ModelConfig's

    Raises
    ------
    BadArgument : a share that is not from 0 to 1, a number of steps or of units `relit` that is no
        count, no `steps` without a `start`
    """

    name: str = "foal"
    units: int = 3000
    seed: int = 1
    relit: int = 0
    watched: int = 64
    steps: int = 4000
    batch: int = 24
    muon_rate: float = 0.004
    adam_rate: float = 0.001
    warmup: float = 0.02
    decay: float = 0.3
    ema: float = 0.998
    picture_shift: float = 5.0
    sound_shift: float = 2.5
    sampler_shift: float = 6.0
    temperature: float = 1.0
    drop_prompt: float = 0.1
    worded: float = 0.0
    worded_first: int = 0
    save_every: int = 200
    sample_every: int = 1000
    kept: tuple[int, ...] = ()
    precision: str = "bf16"
    compile: bool = False
    start: str = ""
    variant: str | None = None
    base: str = "foal"
    rank: int = 16
    imitates: str = ""
    sampler_steps: int = 4
    guidance: float = 1.0
    about: str = ""
    mouth_steps: int = 2400
    look_steps: int = 2800
    face_steps: int = 0
    retouch_steps: int = 0
    quick: str = ""
    model: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in SHARES:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise BadArgument(name, expected="a share from 0 to 1", found=repr(value))
        for name in COUNTS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise BadArgument(name, expected="a count, 0 or more", found=repr(value))
        if not self.steps and not self.start:
            raise BadArgument("steps", expected="1 or more, or a start", found="0 and none")

    def config(self, *, text_vocabulary: int) -> ModelConfig:
        """The sizes of the model."""
        values = {**self.model, "text_vocabulary": text_vocabulary}
        values |= {name: tuple(values[name]) for name in ("rope_pairs", "moves") if name in values}
        return ModelConfig(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, path: str | Path) -> Recipe:
        """Read a recipe.

        Raises
        ------
        BadArgument : settings that do not exist, or that cannot be
        """
        import yaml

        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        known = {f.name for f in fields(cls)}
        if not isinstance(values, dict) or set(values) - known:
            found = ", ".join(sorted(set(values) - known)) if isinstance(values, dict) else "a list"
            raise BadArgument(str(path), expected=f"only {', '.join(sorted(known))}", found=found)
        return cls(**values | {"kept": tuple(values.get("kept", ()))})
