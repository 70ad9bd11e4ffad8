"""Run by two processes: the same forward pass, its sequence cut in two, must answer the same."""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist
from diffusers import ContextParallelConfig
from torch.distributed.device_mesh import init_device_mesh

from hhlab.model import HorseTransformer, LappedCodec
from tests.model.conftest import TINY
from tests.model.test_transformer import example


def main(rendezvous: str, rank: int) -> None:
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    torch.manual_seed(0)
    codec = LappedCodec(block_px=8, frames=4, image_dim=48, video_dim=64)
    torch.nn.init.normal_(codec.image_basis, std=0.1)
    torch.nn.init.normal_(codec.video_basis, std=0.1)
    model = HorseTransformer.of(TINY).eval().carry_with(codec)
    for head in model.part.heads.values():
        torch.nn.init.normal_(head.weight, std=0.1)
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
