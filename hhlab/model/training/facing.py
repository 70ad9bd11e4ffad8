"""How the picture codec learns to draw faces: against a critic that is told what they should show.

Where exactly an eye or a lip lies in a blurred picture is not known, and errors of pixels alone
answer that with something in between. A critic that learns to tell drawn faces from rendered ones
has no mercy for that (Goodfellow et al. 2014, "Generative adversarial nets"; hinge loss as in Lim
and Ye 2017, equation 8). It is told who is said to be seen and how the mouth is held, and is also
shown renders of which something else is said (Reed et al. 2016, "Generative adversarial text to
image synthesis", section 4.2): so a face must be sharp, and the one that was asked for. Faces come
from clips that a model has made anew (:mod:`hhlab.model.training.imagining`), and from renders that
only went through the components, beside which little is to be made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from hhlab.errors import BadArgument
from hhlab.model.config import LOOK, MOUTH
from hhlab.model.face import ABOVE, FACE_PX, FACE_SHARE, Face, cut_faces
from hhlab.model.lapped import LappedCodec
from hhlab.model.mouths import CROP_PX, Reader
from hhlab.model.training.imagining import Imagined
from hhlab.model.training.latents import as_floats
from hhlab.model.training.looking import LOOK_NOISE, Portraits
from hhlab.model.training.mouthing import SHAPE_NOISE, blurred, set_rate

ASTRAY = 0.6  # widths of a mouth by which it may be missed; else it is taken where it is
AT_ONCE = 64
BATCH = 32
ALONE, RISING = 0.25, 0.1  # shares of the steps: without a critic, and until it counts in full
LISTENING = 0.6  # share of the former from which it learns: who is heard should know something
WEIGHED = 8  # steps after which it is seen again how hard it pulls
CRITIC_RATE = 5e-4
ADVERSE = 0.5  # how hard the critic pulls, times as hard as errors of pixels do
ALIKE = 0.2  # how much it counts that the critic sees something else
SAID = 0.05  # and that a drawn mouth is read otherwise than it was said
OTHERWISE = 0.5  # and to the critic, that what is said of a render is not so
MOUTH_COUNTS = 3.0  # what a mouth's surroundings count more

Say = Callable[[str], None]


@dataclass(frozen=True)
class Faces:
    """Blurred faces and true ones, float16 (n, 3, FACE_PX, FACE_PX), and what is said of them."""

    blurs: torch.Tensor
    crops: torch.Tensor
    looks: torch.Tensor  # float32 (n, LOOK)
    shapes: torch.Tensor  # float32 (n, MOUTH)

    def __len__(self) -> int:
        return len(self.blurs)


@torch.no_grad()
def faces_of(
    pool: Portraits, codec: LappedCodec, imagined: Imagined | None, *, plain_count: int, seed: int
) -> Faces:
    """Faces as a codec's painter leaves them, and as they are, around the mouth as it is found.

    All pictures that were made anew, and `plain_count` that only went through the components. (What
    was made anew of a camera in a hand stands still where tokens say how it sways, and is left out:
    its render moves.)
    """
    numbers, random = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    parts: list[tuple[torch.Tensor, ...]] = []

    def add(plain: torch.Tensor, clips: np.ndarray, at: np.ndarray) -> None:
        rows = clips[:, None], at
        x = plain.flatten(0, 1).permute(0, 3, 1, 2).contiguous()
        true = as_floats(pool.pictures[rows]).flatten(0, 1).permute(0, 3, 1, 2).contiguous()
        looks = torch.from_numpy(pool.looks[clips]).repeat_interleave(at.shape[1], 0)
        shapes = torch.from_numpy(pool.shapes[rows]).flatten(0, 1)
        there = torch.from_numpy(pool.where[rows]).flatten(0, 1)
        where = codec.mouth_nets.finder(x)
        astray = (where - there)[:, :2].norm(dim=1) > ASTRAY * there[:, 2]
        where = torch.where(astray[:, None], there, where)
        x = x + codec.look_nets.painter(x, looks, where)
        parts.append((cut_faces(x, where).half(), cut_faces(true, where).half(), looks, shapes))

    for _ in range(0, plain_count, AT_ONCE):
        for name, frames in (("video", codec.frames), ("image", 1)):
            clips, at = pool.pick(AT_ONCE // 2 // frames, frames, numbers)
            pictures = as_floats(pool.pictures[clips[:, None], at])
            add(blurred(codec, name, pictures, random), clips, at)
    for shard in range(len(imagined.parts) if imagined is not None else 0):
        for plain, clips, at in imagined.shown(shard, codec, pool):
            alike = ~(pool.shaky[clips] & codec.config.sways)
            add(plain[alike], clips[alike], at[alike])
    return Faces(*(torch.cat(part) for part in zip(*parts, strict=True)))


class Critic(nn.Module):
    """How true each part of a face looks, as that of whom numbers say."""

    def __init__(self, told: int = 96) -> None:
        super().__init__()
        self.tell = nn.Sequential(nn.Linear(LOOK + MOUTH, told), nn.SiLU(), nn.Linear(told, told))
        sizes = ((3, 40, 2), (40, 72, 2), (72, 96, 1), (96, 96, 1))
        self.see = nn.ModuleList(nn.Conv2d(a, b, 3, stride=by, padding=1) for a, b, by in sizes)
        self.place = nn.Parameter(torch.zeros(1, 72, FACE_PX // 4, FACE_PX // 4))
        self.say = nn.Linear(told, 96)
        self.alike = nn.Linear(told, 96)
        self.end = nn.Conv2d(96, 1, 1)

    def forward(
        self, crops: torch.Tensor, looks: torch.Tensor, shapes: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """How true (n, 1, ...) crops (n, 3, FACE_PX, FACE_PX) are, and what is seen in them."""
        told = self.tell(torch.cat([looks, shapes], 1))
        x, seen = crops, []
        for number, layer in enumerate(self.see):
            x = layer(x)
            if number == 1:
                x = x + self.place
            if number == 2:
                x = x + self.say(told)[:, :, None, None]
            x = F.leaky_relu(x, 0.2)
            seen.append(x)
        agrees = (x * self.alike(told)[:, :, None, None]).sum(1, keepdim=True) / 96**0.5
        return self.end(x) + agrees, seen


def counts_at(side: int) -> torch.Tensor:
    """How much places of a face's map count, mean 1: the mouth's more. (side, side)"""
    y = (torch.arange(side) + 0.5) / side - 0.5
    down = (y - ABOVE / FACE_SHARE)[:, None] * FACE_SHARE
    far = (down.square() + (y * FACE_SHARE)[None].square()) / 0.5**2
    counts = 1 + MOUTH_COUNTS * torch.exp(-0.5 * far)
    return counts / counts.mean()


def mouth_in(crops: torch.Tensor) -> torch.Tensor:
    """The mouth's crop (n, 3, CROP_PX, CROP_PX) in faces' (n, 3, FACE_PX, FACE_PX)."""
    top = round(FACE_PX / 2 + ABOVE * FACE_PX / FACE_SHARE - CROP_PX / 2)
    left = (FACE_PX - CROP_PX) // 2
    return crops[:, :, top : top + CROP_PX, left : left + CROP_PX]


def doubts(x: torch.Tensor, most: float, random: torch.Generator) -> torch.Tensor:
    """Numbers (n, k) with noise, of up to `most`: what is said of a clip is never quite right."""
    noise = most * torch.rand(len(x), 1, generator=random)
    return x + noise * torch.randn(x.shape, generator=random)


@dataclass(frozen=True)
class Lesson:
    """Some faces with what is said of them, and how they were drawn."""

    crops: torch.Tensor
    looks: torch.Tensor
    shapes: torch.Tensor
    drawn: torch.Tensor


def critic_missed(
    critic: Critic, lesson: Lesson, counts: torch.Tensor, other: torch.Tensor, *, who: bool
) -> torch.Tensor:
    """How badly a critic tells renders from what was drawn, and from renders of which something
    else is said: of whose face it is (`who`), or how the mouth is held, what `other` (n,) have."""
    looks, shapes = lesson.looks, lesson.shapes
    wrong = (looks[other], shapes) if who else (looks, shapes[other])
    real, _ = critic(lesson.crops, looks, shapes)
    fake, _ = critic(lesson.drawn.detach(), looks, shapes)
    lied, _ = critic(lesson.crops, *wrong)
    real, fake, lied = (x.float() for x in (real, fake, lied))
    missed = F.relu(1 - real) + F.relu(1 + fake) + OTHERWISE * F.relu(1 + lied)
    return (missed * counts).mean()


def criticised(
    critic: Critic, lesson: Lesson, counts: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How untrue a critic finds what was drawn, and how otherwise than the render it looks."""
    found, seen = critic(lesson.drawn, lesson.looks, lesson.shapes)
    with torch.no_grad():
        _, wanted = critic(lesson.crops, lesson.looks, lesson.shapes)
    shares = [
        (a.float() - b.float()).abs().mean() / b.float().abs().mean()
        for a, b in zip(seen, wanted, strict=True)
    ]
    return -(found.float() * counts).mean(), torch.stack(shares).mean()


def fit_face(
    faces: Faces, face: Face, reader: Reader, *, steps: int, rate: float = 1.5e-3, seed: int = 0,
    bf16: bool = True, say: Say = print,
) -> None:  # fmt: skip
    """Teach a network to draw faces; `reader` is a finished one, of mouths.

    Raises
    ------
    BadArgument : no steps
    """
    if steps < 1:
        raise BadArgument("face_steps", expected="1 or more", found=str(steps))
    random = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    critic = Critic()
    face.train().requires_grad_(True)
    ours = torch.optim.AdamW(face.parameters(), lr=rate, betas=(0.8, 0.95), weight_decay=1e-3)
    theirs = torch.optim.AdamW(critic.parameters(), lr=CRITIC_RATE, betas=(0.0, 0.95))
    pixels, patches = counts_at(FACE_PX), counts_at(FACE_PX // 4)
    pull, shown = 0.0, {}
    for step in range(steps):
        set_rate(ours, rate, step, steps)
        set_rate(theirs, CRITIC_RATE, step, steps)
        heard = (step / steps - ALONE) / RISING  # how far a critic is, from 0 to 1
        at = torch.randint(len(faces), (BATCH,), generator=random)
        blurs, crops = faces.blurs[at].float(), faces.crops[at].float()
        looks, shapes = faces.looks[at], faces.shapes[at]
        told = doubts(looks, LOOK_NOISE, random), doubts(shapes, SHAPE_NOISE, random)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            lesson = Lesson(crops, looks, shapes, blurs + face(blurs, *told).float())
            said = reader(mouth_in(lesson.drawn)).float()
        parts = {
            "pixels": ((lesson.drawn - crops).abs() * pixels).mean(),
            "said": SAID * F.mse_loss(said, told[1]),
        }
        if step >= LISTENING * ALONE * steps:
            critic.requires_grad_(True)
            other = torch.randperm(BATCH, generator=random)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                missed = critic_missed(critic, lesson, patches, other, who=step % 2 == 0)
            theirs.zero_grad(set_to_none=True)
            missed.backward()
            theirs.step()
            critic.requires_grad_(False)
            note(shown, "critic", missed)
        if heard >= 0:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                against, unlike = criticised(critic, lesson, patches)
            parts["alike"] = ALIKE * unlike
            if not pull or step % WEIGHED == 0:
                now = as_hard(parts["pixels"], against, face.end.weight)
                pull = now if not pull else 0.9 * pull + 0.1 * now
            parts["untrue"] = min(1.0, heard) * ADVERSE * pull * against
        ours.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        ours.step()
        for name, value in parts.items():
            note(shown, name, value)
        if (step + 1) % 100 == 0 or step + 1 == steps:
            missing = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
            say(f"  faces: step {step + 1} of {steps}, missed: {missing}")
    face.eval().requires_grad_(False)


def as_hard(one: torch.Tensor, other: torch.Tensor, at: torch.Tensor) -> float:
    """Times what `other` pulls at weights as hard as `one` (Esser et al. 2021, equation 7)."""
    a, b = (torch.autograd.grad(x, at, retain_graph=True)[0].norm() for x in (one, other))
    return float((a / b.clamp_min(1e-6)).clamp_max(100))


def note(shown: dict[str, float], name: str, value: torch.Tensor) -> None:
    """Keep a running mean of a value."""
    now = float(value.detach())
    shown[name] = 0.97 * shown.get(name, now) + 0.03 * now
