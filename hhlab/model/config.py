"""Sizes of the unified model: the one that ships and the published shape at full size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MODALITIES = ("text", "image", "video", "audio")
MOUTH = 4  # numbers that say how a mouth is held in a picture
LOOK = 57  # numbers that say who is seen in a clip, and in what
WORN = 4  # the last of these: which of the garments
SWAY = 40  # numbers that say how a clip's camera sways in a hand


@dataclass(frozen=True)
class ModelConfig:
    """Everything that fixes the transformer's weights.

    Attributes
    ----------
    width : channels of a token inside the model
    layers : of which the first and the last `edge_layers` have weights of their own for each
        modality; those in the middle are shared by all
    heads, kv_heads, head_dim : of the attention; fewer `kv_heads` share keys and values
    mlp_width : hidden channels of the gated feed-forward part (three matrices)
    image_dim, video_dim, audio_dim : channels of a latent token, as its codec gives it
    text_vocabulary : number of words with an embedding; 0 when text comes as vectors
    text_dim : length of such a vector, or of a word's embedding
    text_tokens : longest prompt
    rope_pairs : how many rotary pairs of a head tell time (s), row, column and index
    gates : one sigmoid gate a head on what attention returns
    places : whether tokens are told where in the picture and when in the clip they lie, beside what
        rotary positions say of two tokens' distance
    copies : whether a token of a clip that is edited may be taken over from its source
    relights : whether, beside that, each number of it may be by a factor of its own, so that what
        is seen stays while the light on it changes
    recalls : whether who is seen in what is given (references, a source, a first picture) may be
        said again number by number, by a way past the layers
    traces : whether a token of a clip that is edited begins with its source's beside its own
    near_words : how many words on either side a word of the prompt hears before the layers, see
        :class:`hhlab.model.near.Near`; 0: it is heard alone
    moves : where the first picture may be carried along through the clip, the pictures that a video
        token stands for, the parts along a block's side that move each by itself, and (all where
        that is left out) how many of a video token's leading channels are carried, the others
        saying how the mouth is held and who is seen; else empty
    """

    width: int = 256
    layers: int = 8
    edge_layers: int = 1
    heads: int = 4
    kv_heads: int = 4
    head_dim: int = 64
    mlp_width: int = 704
    image_dim: int = 256
    video_dim: int = 512
    audio_dim: int = 96
    text_vocabulary: int = 512
    text_dim: int = 256
    text_tokens: int = 80
    rope_pairs: tuple[int, int, int, int] = (12, 8, 8, 4)
    gates: bool = True
    places: bool = True
    copies: bool = True
    moves: tuple[int, ...] = ()
    near_words: int = 0
    relights: bool = False
    recalls: bool = False
    traces: bool = False

    def __post_init__(self) -> None:
        if sum(self.rope_pairs) * 2 != self.head_dim:
            raise ValueError(
                f"rope_pairs {self.rope_pairs} fill {sum(self.rope_pairs) * 2} channels of a head, "
                f"head_dim is {self.head_dim}"
            )
        if self.heads % self.kv_heads or 2 * self.edge_layers > self.layers:
            raise ValueError("heads must divide by kv_heads, and edge layers fit into the layers")
        if self.relights and not self.copies:
            raise ValueError("what is not taken over (copies) cannot be relit (relights)")
        if self.recalls and not self.looks:
            raise ValueError(
                "tokens that do not say who is seen have nothing to say again (recalls)"
            )
        if self.moves:
            # three numbers of `moves` leave the rest of a token to the mouth, four a picture
            said, mouths = self.video_dim - self.carried, MOUTH * self.moves[0]
            whole = (0, mouths, mouths + LOOK, mouths + LOOK + SWAY)
            if said not in whole or not self.shown("image") > 0:
                raise ValueError(
                    f"moves {self.moves} carry {self.carried} of {self.video_dim} channels; the "
                    f"others must be {MOUTH} for each picture's mouth, these and {LOOK} for who is "
                    f"seen, these and {SWAY} for how the camera sways, or none, and so must those "
                    "of an image"
                )

    @property
    def carried(self) -> int:
        """How many of a video token's channels the first picture can be carried along to."""
        return 0 if not self.moves else self.moves[2] if len(self.moves) > 2 else self.video_dim

    def shown(self, name: str) -> int:
        """How many leading channels of a modality's tokens stand for what is seen or heard there.

        The others, of pictures, say how the mouth is held, the same in every token of a moment,
        and who is seen and how the camera sways, the same in every token of a clip.
        """
        dim = getattr(self, f"{name}_dim")
        if not self.moves or name == "audio":
            return dim
        pictures = self.moves[0] if name == "video" else 1
        return dim - self.mouths * MOUTH * pictures - self.alike

    def taken(self, name: str) -> int:
        """How many numbers of a token say how its source is taken over."""
        return self.copies + self.relights * self.shown(name)

    @property
    def mouths(self) -> bool:
        """Whether a picture's tokens say, after what is seen there, how the mouth is held."""
        return bool(self.moves) and self.video_dim > self.carried

    @property
    def looks(self) -> bool:
        """Whether they say, after that, who is seen and in what."""
        return self.mouths and self.video_dim > self.carried + MOUTH * self.moves[0]

    @property
    def sways(self) -> bool:
        """Whether they say, after that, how the camera sways."""
        return self.looks and self.video_dim > self.carried + MOUTH * self.moves[0] + LOOK

    @property
    def alike(self) -> int:
        """How many of a picture token's last channels are the same in all of a clip."""
        return LOOK * self.looks + SWAY * self.sways

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a model's config file."""
        return asdict(self)


FOAL = ModelConfig(
    image_dim=52 + LOOK + SWAY, video_dim=112 + LOOK + SWAY, moves=(4, 4, 96), near_words=3,
    relights=True, recalls=True, traces=True,
)  # fmt: skip

# 40 layers, width 5120, heads of 128, 8 key-value groups, modality-specific first and last four
# layers, latents of 48 channels in 1x2x2 patches, sound of 64 channels, text vectors of 3584.
HORSE_15B = ModelConfig(
    width=5120, layers=40, edge_layers=4, heads=40, kv_heads=8, head_dim=128, mlp_width=11136,
    image_dim=192, video_dim=192, audio_dim=64, text_vocabulary=0, text_dim=3584, text_tokens=640,
    rope_pairs=(20, 20, 20, 4),
)  # fmt: skip


@dataclass(frozen=True)
class ClipConfig:
    """The clips that foal is trained on and makes, and the tokens they become.

    Attributes
    ----------
    size_px, fps, seconds : of the square picture, and how long a clip lasts
    block_px, group : side of the square, and the pictures, that a video token stands for; the
        first picture has tokens of its own
    audio_tokens_per_s : of the sound
    """

    size_px: int = 96
    fps: float = 12.5
    seconds: float = 2.0
    block_px: int = 16
    group: int = 4
    audio_tokens_per_s: float = 25.0


CLIP = ClipConfig()

PRESETS = {"foal": FOAL, "horse-15b": HORSE_15B}
