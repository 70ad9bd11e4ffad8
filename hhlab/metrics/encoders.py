"""Encoders: pictures in, unit vectors out, whose cosine says how alike two pictures are.

An encoder is any object with ``name``, ``input_px``, ``sees`` and ``embed``. Two are here: SFace
for faces, and every image tower that ``open_clip`` knows for subjects without a face.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from hhlab.errors import BadArgument, BadArray, WeightsMissing


class Encoder(Protocol):
    """What the identity metric asks of an encoder.

    Attributes
    ----------
    name : which network and weights
    input_px : side of the square picture it looks at
    sees : "face": an aligned face of ``input_px``; "picture": any picture, resized by `embed`
    """

    name: str
    input_px: int
    sees: Literal["face", "picture"]

    def embed(self, crops: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """uint8 (n, h, w, 3) RGB -> float32 (n, d), each row of length 1."""
        ...


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale the rows, float (..., d), to length 1; float32. A zero row stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(length, 1e-12)).astype(np.float32)


def check_crops(crops: np.ndarray, *, side_px: int | None = None) -> np.ndarray:
    """Return `crops` as an array, or raise :class:`BadArray`."""
    crops = np.asarray(crops)
    right = crops.ndim == 4 and crops.shape[-1] == 3 and crops.dtype == np.uint8
    if not right or (side_px is not None and crops.shape[1:3] != (side_px, side_px)):
        side = side_px or "any"
        raise BadArray("crops", expected=f"uint8 (n, {side}, {side}, 3)",
                       found=f"{crops.dtype} {crops.shape}")  # fmt: skip
    return crops


class SFaceEncoder:
    """SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss", IEEE TIP 2021), 128 wide.

    Each face is seen as it is and mirrored, and the two vectors are averaged: that halves the part
    of the distance that comes from turning the head a little to one side or the other.

    Parameters
    ----------
    path : the ONNX file (FP32)
    """

    name = "sface"
    input_px = 112
    sees: Literal["face", "picture"] = "face"

    def __init__(self, path: Path | str) -> None:
        import cv2

        self._cv2 = cv2
        self._net = cv2.dnn.readNetFromONNX(str(path))

    def embed(self, crops: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Aligned faces, uint8 (n, 112, 112, 3) RGB -> float32 (n, 128), rows of length 1."""
        if not len(crops):
            return np.zeros((0, 128), np.float32)
        crops = check_crops(crops, side_px=self.input_px)
        rows = []
        for start in range(0, len(crops), 16):
            batch = crops[start : start + 16]
            both = np.concatenate([batch, batch[:, :, ::-1]]).transpose(0, 3, 1, 2)
            self._net.setInput(np.ascontiguousarray(both, dtype=np.float32))
            out = unit(np.array(self._net.forward()))
            rows.append(unit(out[: len(batch)] + out[len(batch) :]))
        return np.concatenate(rows)


class OpenClipEncoder:
    """Any image tower of ``open_clip``, for subjects that have no face.

    Parameters
    ----------
    architecture : as in ``open_clip.list_models()``, such as "ViT-B-32"
    pretrained : a tag of ``open_clip.list_pretrained()``, such as "laion2b_s34b_b79k" (fetched by
        open_clip), or the path of a safetensors file
    device : "cpu", "cuda"

    Raises
    ------
    BadArgument : no such architecture, or a file that is not safetensors
    WeightsMissing : the weights could not be fetched
    """

    sees: Literal["face", "picture"] = "picture"

    def __init__(self, architecture: str, *, pretrained: str, device: str = "cpu") -> None:
        import open_clip
        import torch

        if architecture not in open_clip.list_models():
            raise BadArgument("architecture", expected="one of open_clip.list_models()",
                              found=repr(architecture))  # fmt: skip
        is_file = Path(pretrained).suffix != "" or Path(pretrained).exists()
        if is_file and (Path(pretrained).suffix != ".safetensors" or not Path(pretrained).exists()):
            raise BadArgument("pretrained", expected="a tag, or an existing .safetensors file",
                              found=repr(pretrained))  # fmt: skip
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        if not is_file and pretrained not in tags:
            raise BadArgument("pretrained", expected=f"one of {tags} or a .safetensors file",
                              found=repr(pretrained))  # fmt: skip
        try:
            model = open_clip.create_model(architecture, pretrained=pretrained, device=device)
        except Exception as error:  # open_clip and its hub raise many kinds when offline
            raise WeightsMissing(
                f"{architecture}/{pretrained}",
                expected="weights that open_clip can fetch or that lie at the path given",
                found=f"{type(error).__name__}: {error}"[:200],
            ) from error
        self._model, self._architecture = model.eval(), architecture
        self._torch, self._device = torch, device
        visual = model.visual
        size = visual.image_size
        self.input_px = int(size[0] if isinstance(size, tuple | list) else size)
        self._mean = self._row(getattr(visual, "image_mean", None), open_clip.OPENAI_DATASET_MEAN)
        self._std = self._row(getattr(visual, "image_std", None), open_clip.OPENAI_DATASET_STD)
        tag = Path(pretrained).stem if is_file else pretrained
        self.name = f"open_clip {architecture} {tag}"

    def _row(self, values: Sequence[float] | None, default: Sequence[float]):
        return self._torch.tensor(values or default, device=self._device).view(1, 3, 1, 1)

    def embed(self, crops: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Pictures, uint8 (n, h, w, 3) RGB of any size -> float32 (n, d), rows of length 1.

        The whole picture is resized to a square, so nothing at its edge is lost.
        """
        torch, rows = self._torch, []
        if not len(crops):
            return np.zeros((0, 1), np.float32)
        crops = check_crops(crops)
        for start in range(0, len(crops), 8):
            batch = torch.from_numpy(np.ascontiguousarray(crops[start : start + 8]))
            batch = batch.to(self._device).permute(0, 3, 1, 2).float() / 255
            batch = torch.nn.functional.interpolate(
                batch, size=(self.input_px, self.input_px), mode="bicubic", antialias=True
            ).clamp(0, 1)
            with torch.inference_mode():
                out = self._model.encode_image((batch - self._mean) / self._std)
            rows.append(out.float().cpu().numpy())
        return unit(np.concatenate(rows))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Sentences, of which each architecture reads the first words only (77 tokens, mostly) ->
        float32 (n, d), rows of length 1, to be compared with those of pictures."""
        import open_clip

        tokens = open_clip.get_tokenizer(self._architecture)(list(texts)).to(self._device)
        with self._torch.inference_mode():
            return unit(self._model.encode_text(tokens).float().cpu().numpy())


def load_face_encoder() -> SFaceEncoder:
    """SFace with its cached weights; raises :class:`hhlab.errors.WeightsMissing`."""
    from hhlab import weights

    return SFaceEncoder(weights.path("sface"))
