"""Run by two processes: the same forward pass, its sequence cut in two, must answer the same."""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
import torch.distributed as dist
from diffusers import ContextParallelConfig
from torch.distributed.device_mesh import init_device_mesh

from hhlab.model import HorseTransformer, LappedCodec
from hhlab.model.sequence import make_layout
from hhlab.model.transformer import FROM_NOTHING
from tests.model.conftest import TINY
from tests.model.test_sway import SIZES
from tests.model.test_transformer import GRID

# all that ships: words that hear their neighbours, and every way past the layers
EVERY = replace(SIZES, near_words=2, relights=True, recalls=True, traces=True)


def example() -> dict:
    """An edit of two clips, somebody in a reference beside their sources."""
    layout = make_layout(GRID, text_tokens=8, references=1, source=True)
    dims = EVERY.image_dim, EVERY.video_dim, EVERY.audio_dim
    tokens = [torch.randn(2, n, dim) for n, dim in zip(layout.sizes[1:], dims, strict=True)]
    return {
        "text": torch.randint(0, TINY.text_vocabulary, (2, 8)),
        **dict(zip(("image", "video", "audio"), tokens, strict=True)),
        "levels": torch.tensor([[0.7, 0.7, 0.4], [0.2, 0.2, 0.9]]),
        "layout": layout,
    }


def main(rendezvous: str, rank: int) -> None:
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    torch.manual_seed(0)
    codec = LappedCodec(
        block_px=8, frames=4, image_dim=EVERY.image_dim, video_dim=EVERY.video_dim,
        mouths=True, looks=True, sways=True,
    )  # fmt: skip
    torch.nn.init.normal_(codec.image_basis, std=0.1)
    torch.nn.init.normal_(codec.video_basis, std=0.1)
    model = HorseTransformer.of(EVERY).eval().carry_with(codec)
    for name, parameter in model.named_parameters():
        if "heads" in name or name.startswith(FROM_NOTHING):
            torch.nn.init.normal_(parameter, std=0.1)
    inputs = example()
    with torch.no_grad():
        whole = model(**inputs)
        # diffusers counts accelerators even where, as here, the mesh is of processes on the CPU
        torch.accelerator.device_count = lambda: 1
        # (rings need a back end that also returns its log-sum-exp, which the CPU's does not)
        mesh = init_device_mesh("cpu", (1, 2), mesh_dim_names=("ring", "ulysses"))
        model.enable_parallelism(config=ContextParallelConfig(ulysses_degree=2, mesh=mesh))
        cut = model(**inputs)
    for name in ("image", "video", "audio"):
        worst = (whole[name] - cut[name]).abs().max().item()
        assert whole[name].shape == cut[name].shape, name
        assert worst < 1e-4, (name, worst)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
