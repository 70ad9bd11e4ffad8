"""An edited clip is drawn along the edges of its source, where that shows the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hhlab.actors.script import Script
from hhlab.actors.take import take
from hhlab.model.edges import along_edges, drawn_over, inverse
from hhlab.model.inputs import Given, fit_pictures
from hhlab.model.mouths import Mouths


@pytest.fixture(scope="module")
def lights() -> dict[str, torch.Tensor]:
    """Renders of one actor in two lights: float (2, 96, 96, 3) in [-1, 1]."""
    script = replace(Script.sample(11), move="static", light="soft")
    out = {}
    for light in ("soft", "cool"):
        made = take(script.edited(light=light), size_px=96, fps=12.5, seconds=0.16)
        out[light] = fit_pictures([frame.rgb for frame in made.clip.frames()], (96, 96))
    return out


def soft(pictures: torch.Tensor) -> torch.Tensor:
    """What a poor codec leaves of pictures (t, h, w, 3)."""
    x = F.avg_pool2d(F.pad(pictures.permute(0, 3, 1, 2), (3,) * 4, mode="replicate"), 7, 1)
    return x.permute(0, 2, 3, 1)


def far(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().mean())


def test_what_was_blurred_gets_the_sources_details_and_keeps_its_own_light(lights):
    made = soft(lights["cool"])
    drawn = along_edges(made, lights["soft"])
    assert far(drawn, lights["cool"]) < 0.9 * far(made, lights["cool"])
    assert far(drawn, lights["cool"]) < 0.9 * far(lights["soft"], lights["cool"])
    again = along_edges(lights["soft"], lights["soft"])
    assert far(again, lights["soft"]) < 0.1 * far(soft(lights["soft"]), lights["soft"])


def test_where_a_source_explains_nothing_what_was_made_stays():
    draw = torch.Generator().manual_seed(0)
    made, source = (2 * torch.rand(2, 64, 64, 3, generator=draw) - 1 for _ in range(2))
    bare = torch.full_like(source, 0.3)  # a wall of one colour
    assert torch.allclose(along_edges(made, bare), made, atol=1e-5)
    # of other noise a window of 81 places explains a little by chance
    assert far(along_edges(made, source), made) < 0.25 * made.std()


def test_what_an_edit_changed_stays_beside_what_it_kept(lights):
    source = lights["soft"]
    draw = torch.Generator().manual_seed(1)
    truth = source.clone()
    truth[:, 48:] = 2 * torch.rand(truth[:, 48:].shape, generator=draw) - 1  # another garment
    made = soft(truth)
    made[:, 48:] = truth[:, 48:]
    drawn = along_edges(made, source)
    reach = 2 * 6  # windows, and their mean, reach so far across the border
    kept, changed = slice(0, 48 - reach), slice(48 + reach, None)
    assert far(drawn[:, kept], truth[:, kept]) < 0.85 * far(made[:, kept], truth[:, kept])
    assert far(drawn[:, changed], made[:, changed]) < 1e-5


def test_pictures_that_are_even_stay_even_and_finite():
    made, source = torch.full((1, 32, 48, 3), -0.4), torch.full((1, 32, 48, 3), 0.7)
    assert torch.allclose(along_edges(made, source), made, atol=1e-6)
    assert along_edges(made.bfloat16(), source).dtype == torch.float32
    tiny = along_edges(torch.rand(1, 16, 16, 3), torch.rand(1, 16, 16, 3))
    assert tiny.shape == (1, 16, 16, 3) and tiny.isfinite().all()


def test_a_mouth_stays_as_it_was_made(lights):
    torch.manual_seed(0)
    mouths = Mouths(clear=False).eval()
    made = soft(lights["cool"])
    share = mouths.around(made)
    assert share.shape == (*made.shape[:3], 1) and share.min() >= 0 and share.max() > 0.99
    drawn = drawn_over(made, lights["soft"], mouths)
    kept = (share > 0.999).expand_as(made)
    assert torch.allclose(drawn[kept], made[kept], atol=2e-3)
    away = (share == 0).expand_as(made)
    assert torch.equal(drawn[away], along_edges(made, lights["soft"])[away])


def test_half_precision_around_it_changes_nothing(lights):
    made = soft(lights["cool"])
    with torch.autocast("cpu", torch.bfloat16):
        drawn = along_edges(made, lights["soft"])
    assert torch.equal(drawn, along_edges(made, lights["soft"]))


def test_inverses_are_those_of_linear_algebra():
    x = torch.randn(7, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x @ x.mT + 0.1 * torch.eye(3)
    torch.testing.assert_close(inverse(x), torch.linalg.inv(x))


def test_a_pipelines_edit_is_drawn_over_its_source_and_nothing_else_is(pipe, monkeypatch):
    rng = np.random.default_rng(0)
    sources = rng.integers(0, 256, (2, 9, 40, 36, 3), dtype=np.uint8)  # not of the canvas' shape
    given, seen = [Given(source=source) for source in sources], []

    def made(given, **more):
        return pipe(
            ["a man", "a woman"], given=given, num_inference_steps=1, guidance_scale=1.0, width=48,
            generator=[torch.Generator().manual_seed(k) for k in (3, 4)], **more,
        ).frames  # fmt: skip

    def plain(latent) -> torch.Tensor:
        return pipe.picture_codec.decode(latent["image"], latent["video"], 4, 6).clamp(-1, 1)

    def darker(clip, source, mouths):
        seen.append(source)
        return clip - 0.5

    monkeypatch.setattr("hhlab.model.retouch.drawn_over", darker)
    for what, offset in ((given, 0.5), ([None, None], 0.0)):
        wanted = (plain(made(what, output_type="latent")) - offset).clamp(-1, 1)
        shown = torch.from_numpy(np.stack(list(made(what)))).float() / 127.5 - 1
        assert (shown - wanted).abs().max() < 0.01
    assert len(seen) == 2
    # a first picture that is given as well stays as it is
    both = [replace(one, first_frame=one.source[0]) for one in given]
    wanted = plain(made(both, output_type="latent"))
    shown = torch.from_numpy(np.stack(list(made(both)))).float() / 127.5 - 1
    assert (shown[:, 0] - wanted[:, 0]).abs().max() < 0.01
    assert (shown[:, 1:] - (wanted[:, 1:] - 0.5).clamp(-1, 1)).abs().max() < 0.01
    del seen[2:]
    for source, frames in zip(seen, sources, strict=True):
        assert torch.equal(source, fit_pictures(frames, (48, 32)))
