"""Pictures as latent tokens: a lapped orthogonal transform in space, then principal components.

The picture's blocks are not cut apart: a pre-filter across every border between two blocks makes
the functions that a token stands for reach smoothly into its neighbours, so that errors of a token
fade out instead of ending at a border (:mod:`hhlab.model.borders`). A token then holds the leading
principal components of what its block became: of one picture ("image"), or of `frames` pictures
("video"). Everything is one orthonormal linear map, so noise and errors mean the same in tokens as
in pixels, up to the components' scale. What the components leave out of mouths, a token may say in
a few numbers more (:mod:`hhlab.model.mouths`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch.nn import functional as F

from hhlab.errors import BadArgument, BadArray
from hhlab.model.borders import border_filter, filtered
from hhlab.model.codec import KeepsPrecision
from hhlab.model.config import LOOK, SWAY
from hhlab.model.face import Face
from hhlab.model.looks import Looks, settled
from hhlab.model.mouths import SHAPES, Mouths
from hhlab.model.retouch import Retoucher
from hhlab.model.sway import swayed

SCALE_POWER = 0.5  # a component is divided by its standard deviation to this power


class LappedCodec(KeepsPrecision, ModelMixin, ConfigMixin):
    """Encodes clips of 1 + frames k pictures, and pictures alone, in [-1, 1].

    `fit` finds the components; until then nothing can be encoded. With `mouths` the next of a
    token's `image_dim` or `video_dim` numbers, four a picture, say how the mouth is held; with
    `looks` the next, LOOK of them, who is seen, and in what; with `sways` the last, SWAY of them,
    how the camera sways. (A given clip's camera is not looked for: it is said to stand still, and
    how it sways stays in the pictures.) With `faces` whole faces are drawn anew, by what tokens say
    already (:mod:`hhlab.model.face`); with `retouches` edited clips are, out of their sources
    (:mod:`hhlab.model.retouch`). `either` tells which numbers of who is seen can only be one or the
    other, as :func:`hhlab.model.looks.settled` takes it.
    """

    @register_to_config
    def __init__(
        self, block_px: int = 16, frames: int = 4, image_dim: int = 256, video_dim: int = 512,
        mouths: bool = False, looks: bool = False, sways: bool = False, faces: bool = False,
        retouches: bool = False, either: Sequence[tuple[int, float, float]] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        if looks and not mouths:
            raise BadArgument("looks", expected="a codec with mouths", found="one without")
        if sways and not looks:
            raise BadArgument("sways", expected="a codec with looks", found="one without")
        if faces and not looks:
            raise BadArgument("faces", expected="a codec with looks", found="one without")
        if retouches and not looks:
            raise BadArgument("retouches", expected="a codec with looks", found="one without")
        if not all(looks and 0 <= number < LOOK for number, _, _ in either):
            expected = f"numbers below {LOOK}, of a codec with looks"
            raise BadArgument("either", expected=expected, found=str(either))
        self.alike = looks * LOOK + sways * SWAY  # channels that are the same in all of a clip
        image_dim -= mouths * SHAPES + self.alike
        video_dim -= mouths * frames * SHAPES + self.alike
        for name, count, dim in (("image", 1, image_dim), ("video", frames, video_dim)):
            values = 3 * count * block_px**2
            self.register_buffer(f"{name}_mean", torch.zeros(values))
            # in half precision: they are most of the codec's size, and exact to .1% will do
            self.register_buffer(f"{name}_basis", torch.zeros(values, dim, dtype=torch.float16))
            self.register_buffer(f"{name}_scale", torch.ones(dim))
        # a codec is finished but while it is taught; what it encodes needs no gradient
        self.mouth_nets = Mouths(clear=not looks) if mouths else None
        self.look_nets = None
        if looks:
            self.look_nets = Looks(Face() if faces else None, Retoucher() if retouches else None)
        for nets in (self.mouth_nets, self.look_nets):
            if nets is not None:
                nets.eval().requires_grad_(False)
        self._matrices: dict[tuple, torch.Tensor] = {}

    @property
    def frames(self) -> int:
        return self.config.frames

    @wraps(ModelMixin.save_pretrained)  # pipelines look at what it takes
    def save_pretrained(self, save_directory: str | Path, *args: Any, **options: Any) -> None:
        """As diffusers does it, but networks in half precision: exact to .1%, as the basis is."""
        twin = deepcopy(self)
        for nets in (twin.mouth_nets, twin.look_nets):
            if nets is not None:
                nets.half()
        super(LappedCodec, twin).save_pretrained(save_directory, *args, **options)

    def _filter(self, like: torch.Tensor) -> torch.Tensor:
        key = (like.device, like.dtype)
        if key not in self._matrices:
            matrix = border_filter(self.config.block_px // 2)
            self._matrices[key] = torch.tensor(matrix, dtype=like.dtype, device=like.device)
        return self._matrices[key]

    def _blocks(self, pictures: torch.Tensor) -> torch.Tensor:
        """(b, t, h, w, 3) to (b, rows columns, 3 t block block)."""
        b, t, h, w, _ = pictures.shape
        side = self.config.block_px
        if h % side or w % side:
            raise BadArray("pictures", expected=f"sides that divide by {side}", found=f"{w}x{h}")
        x = filtered(pictures.permute(0, 1, 4, 2, 3), self._filter(pictures), side)
        x = x.reshape(b, t, 3, h // side, side, w // side, side)
        return x.permute(0, 3, 5, 1, 4, 6, 2).reshape(b, (h // side) * (w // side), -1)

    def _pictures(self, blocks: torch.Tensor, t: int, rows: int, columns: int) -> torch.Tensor:
        side = self.config.block_px
        x = blocks.reshape(-1, rows, columns, t, side, side, 3).permute(0, 3, 6, 1, 4, 2, 5)
        x = x.reshape(len(x), t, 3, rows * side, columns * side)
        return filtered(x, self._filter(x).T, side).permute(0, 1, 3, 4, 2)

    def encode_image(self, picture: torch.Tensor) -> torch.Tensor:
        """Tokens (b, rows columns, image_dim) of pictures float (b, h, w, 3) in [-1, 1]."""
        pictures = picture[:, None]
        return self._with_looks(self._encoded("image", pictures), pictures)

    def encode_video(self, pictures: torch.Tensor) -> torch.Tensor:
        """Tokens (b, groups rows columns, video_dim) of (b, frames groups, h, w, 3) in [-1, 1]."""
        tokens = self._encoded("video", self._grouped(pictures))
        return self._with_looks(tokens.reshape(len(pictures), -1, tokens.shape[-1]), pictures)

    def _with_looks(self, tokens: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Tokens (b, n, ...) that also say who is seen in pictures (b, t, h, w, 3)."""
        if self.look_nets is None:
            return tokens
        looks = F.pad(self.look_nets.read(pictures), (0, self.alike - LOOK))
        return torch.cat([tokens, looks[:, None].expand(-1, tokens.shape[1], -1).to(tokens)], -1)

    def encode_plain_video(self, pictures: torch.Tensor) -> torch.Tensor:
        """The components alone of :meth:`encode_video`, without mouths."""
        tokens = self.components("video", self._grouped(pictures))
        return tokens.reshape(len(pictures), -1, tokens.shape[-1])

    def _grouped(self, pictures: torch.Tensor) -> torch.Tensor:
        if pictures.shape[1] % self.frames:
            raise BadArray(
                "pictures", expected=f"a multiple of {self.frames}", found=str(pictures.shape[1])
            )
        return pictures.reshape(-1, self.frames, *pictures.shape[2:])

    def _tables(self, name: str) -> tuple[torch.Tensor, ...]:
        return tuple(getattr(self, f"{name}_{what}") for what in ("mean", "basis", "scale"))

    def components(self, name: str, pictures: torch.Tensor) -> torch.Tensor:
        """Components of "image" or "video" tokens alone, (b, rows columns, dim).

        `pictures` is float (b, t, h, w, 3) in [-1, 1], t being 1 or `frames`.
        """
        mean, basis, scale = self._tables(name)
        return (self._blocks(pictures) - mean) @ basis.float() / scale

    def _encoded(self, name: str, pictures: torch.Tensor) -> torch.Tensor:
        tokens = self.components(name, pictures)
        if self.mouth_nets is None:
            return tokens
        return torch.cat([tokens, self.mouth_nets.read(pictures, tokens.shape[1])], -1)

    def plain(self, name: str, tokens: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """Pictures (b, t, h, w, 3) of the components of "image" or "video" tokens alone."""
        mean, basis, scale = self._tables(name)
        blocks = tokens[..., : len(scale)] * scale @ basis.float().T + mean
        return self._pictures(blocks, 1 if name == "image" else self.frames, rows, columns)

    def _decoded(
        self, name: str, tokens: torch.Tensor, looks: torch.Tensor | None, rows: int, columns: int
    ) -> torch.Tensor:
        plain = self.plain(name, tokens, rows, columns)
        if self.mouth_nets is None:
            return plain
        return self.mouth_nets.draw(plain, self.held(name, tokens), self.look_nets, looks)

    def who(self, image: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        """Who is seen, (b, LOOK), as all of a clip's tokens say on average."""
        said = torch.cat([image[..., -self.alike :], video[..., -self.alike :]], 1).float()
        return settled(said[..., :LOOK].mean(1), self.config.either)

    def held(self, name: str, tokens: torch.Tensor) -> torch.Tensor:
        """How mouths are held in pictures, as "image" or "video" tokens say: (b, n, t SHAPES)."""
        shown, pictures = len(getattr(self, f"{name}_scale")), 1 if name == "image" else self.frames
        return tokens[..., shown : shown + pictures * SHAPES]

    def decode(self, image: torch.Tensor, video: torch.Tensor, rows: int, columns: int):
        """Pictures float (b, t, h, w, 3), about [-1, 1], of a clip's image and video tokens.

        Who is seen is what all of a clip's tokens say on average; how the camera sways, what those
        of the video do (a first picture that was given cannot know).
        """
        looks = None if self.look_nets is None else self.who(image, video)
        first = self._decoded("image", image, looks, rows, columns)
        if not video.shape[1]:
            return first
        groups = video.reshape(-1, rows * columns, video.shape[-1])
        if looks is not None:
            looks = looks.repeat_interleave(len(groups) // len(looks), 0)
        rest = self._decoded("video", groups, looks, rows, columns)
        out = torch.cat([first, rest.reshape(len(first), -1, *rest.shape[2:])], dim=1)
        return swayed(out, video[..., -SWAY:].float().mean(1)) if self.config.sways else out

    @torch.no_grad()
    def begin_with(self, codec: LappedCodec) -> None:
        """Take over another codec's components, and its networks where both have the same.

        Raises
        ------
        BadArray : it has more or fewer, or other blocks
        """
        there = dict(codec.named_buffers(recurse=False))
        for name, buffer in self.named_buffers(recurse=False):
            if buffer.shape != there[name].shape:
                raise BadArray(
                    name, expected=str(tuple(buffer.shape)), found=str(tuple(there[name].shape))
                )
            buffer.copy_(there[name])
        if self.mouth_nets is not None and codec.mouth_nets is not None:
            known = self.mouth_nets.state_dict().keys()
            found = codec.mouth_nets.state_dict()
            self.mouth_nets.load_state_dict({n: x for n, x in found.items() if n in known})
        if self.look_nets is not None and codec.look_nets is not None:
            found = dict(codec.look_nets.state_dict())
            fresh = self.look_nets.state_dict()  # where the other draws no faces, or no edits
            found = {name: value for name, value in found.items() if name in fresh}
            self.look_nets.load_state_dict(fresh | found)

    @torch.no_grad()
    def fit(self, name: str, blocks: torch.Tensor, weights: torch.Tensor | None = None) -> None:
        """Set the components of "image" or "video" from blocks float (n, values).

        `weights` (n,) lets places that matter more, such as mouths, count more.
        """
        w = torch.ones(len(blocks)) if weights is None else weights
        w = (w / w.sum()).to(blocks)
        mean = w @ blocks
        centred = blocks - mean
        spread = (centred.T * w) @ centred
        values, vectors = torch.linalg.eigh(spread.double())
        dim = getattr(self, f"{name}_scale").shape[0]
        basis = vectors.flip(1)[:, :dim].float()
        deviation = values.flip(0)[:dim].clamp_min(1e-8).sqrt().float()
        scale = deviation**SCALE_POWER
        scale = scale * ((deviation / scale).square().mean()).sqrt()  # tokens have mean square 1
        for what, value in (("mean", mean), ("basis", basis), ("scale", scale)):
            getattr(self, f"{name}_{what}").copy_(value)
