"""What is given leaves by ways past the layers: a source in another light, and who is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hhlab.model import HorseTransformer
from hhlab.model.config import LOOK, SWAY
from hhlab.model.guidance import LOOKS_LED, MADE, READ_LED, guided_targets, targets
from hhlab.model.sequence import Grid, make_layout
from hhlab.model.training.growing import grown, may_grow
from hhlab.model.ways_out import QUICK, copied, looks_given
from tests.model.test_sway import SIZES as BEFORE
from tests.model.test_sway import swaying

SIZES = replace(BEFORE, relights=True, recalls=True)
ALIKE = LOOK + SWAY


@pytest.fixture(scope="module")
def model(codecs) -> HorseTransformer:
    codec = swaying(codecs)
    torch.manual_seed(0)
    return HorseTransformer.of(SIZES).eval().carry_with(codec)


def asked(seed: int = 0, **given):
    """What a forward pass takes, of one clip of two groups."""
    torch.manual_seed(seed)
    layout = make_layout(Grid(4, 4, 1, 0.32, 4, 0.04), text_tokens=4, **given)
    dims = SIZES.image_dim, SIZES.video_dim, SIZES.audio_dim
    tokens = [torch.randn(1, k, d) for k, d in zip(layout.sizes[1:], dims, strict=True)]
    return [torch.tensor([[3, 4, 2, 0]]), *tokens, torch.full((1, 3), 0.6), layout]


def looks_of(tokens: torch.Tensor) -> torch.Tensor:
    return tokens[..., -ALIKE : tokens.shape[-1] - SWAY]


def test_a_source_is_taken_over_number_by_number_and_no_further_than_what_is_seen():
    layout = make_layout(Grid(2, 2, 1, 0.32, 4, 0.04), text_tokens=2, source=True)
    count, shown = layout.sizes[2], 8
    factors = torch.linspace(-0.5, 1.2, shown)
    guess = torch.cat(
        [torch.randn(1, count, 12), torch.full((1, count, 1), -50.0), factors.expand(1, count, -1)],
        -1,
    )
    tokens = torch.randn(1, count, 12)
    out = copied("video", guess, tokens, layout, shown, 1 + shown)
    to, of = layout.where("video", "target"), layout.where("video", "source")
    wanted = guess[:, to, :shown] + factors * tokens[:, of, :shown]  # nothing is taken as it is
    torch.testing.assert_close(out[:, to, :shown], wanted)
    assert torch.equal(out[:, to, shown:], guess[:, to, shown:12])
    guess[..., 12] = 0.0  # half of it is
    half = copied("video", guess, tokens, layout, shown, 1 + shown)[:, to, :shown]
    torch.testing.assert_close(
        half, 0.5 * guess[:, to, :shown] + (0.5 + factors) * tokens[:, of, :shown]
    )


@pytest.mark.parametrize(
    "given", [{"references": 2}, {"source": True}, {"first_frame": True}], ids=str
)
@torch.no_grad()
def test_who_is_seen_in_what_is_given_is_said_again_as_far_as_that_is_trusted(model, given):
    rest = asked(**given)
    layout = rest[-1]
    known = []
    for name, tokens in (("image", rest[1]), ("video", rest[2])):
        clean = layout.noisy(name, tokens.device) == 0
        known.append(looks_of(tokens)[:, clean])
    known = torch.cat(known, 1).mean(1)
    fresh = model(*rest)
    for part in model.part.recall.values():
        part.bias.copy_(torch.linspace(0, 1, LOOK) / QUICK)
    try:
        out = model(*rest)
    finally:
        for part in model.part.recall.values():
            part.bias.zero_()
    at = layout.where("video", "target")
    before, after = looks_of(fresh.video[:, at]), looks_of(out.video[:, at])
    trust = torch.linspace(0, 1, LOOK)
    torch.testing.assert_close(after, before + trust * (known[:, None] - before))
    at = layout.where("image", "target")
    before, after = looks_of(fresh.image[:, at]), looks_of(out.image[:, at])
    torch.testing.assert_close(after, before + trust * (known[:, None] - before))
    # all else is as it was
    assert torch.equal(out.video[..., :-ALIKE], fresh.video[..., :-ALIKE])
    assert torch.equal(out.video[..., -SWAY:], fresh.video[..., -SWAY:])
    assert torch.equal(out.audio, fresh.audio)


@torch.no_grad()
def test_where_nothing_is_given_nothing_is_said_again(model):
    rest = asked()
    fresh = model(*rest)
    for part in model.part.recall.values():
        part.bias.fill_(1.0)
    try:
        out = model(*rest)
    finally:
        for part in model.part.recall.values():
            part.bias.zero_()
    assert torch.equal(out.video, fresh.video) and torch.equal(out.image, fresh.image)


@pytest.mark.parametrize("given", [{}, {"references": 1}, {"source": True}], ids=str)
@torch.no_grad()
def test_a_model_grows_these_ways_and_does_at_first_as_it_did(model, given):
    torch.manual_seed(3)
    old = HorseTransformer.of(BEFORE).eval().carry_with(model.codec)
    for head in old.part.heads.values():
        head.weight.normal_(std=0.1)
    new = grown(old, SIZES).carry_with(model.codec)
    rest = asked(1, **given)
    for one, other in zip(
        old(*rest, return_dict=False), new(*rest, return_dict=False), strict=True
    ):
        torch.testing.assert_close(one, other)
    assert may_grow(BEFORE, SIZES) and not may_grow(SIZES, BEFORE)


@pytest.mark.parametrize(
    ("sizes", "what"),
    [({"copies": False}, "copies"), ({"image_dim": 52, "video_dim": 80}, "who is seen")],
)
def test_ways_that_lead_from_nothing_are_refused(sizes, what):
    with pytest.raises(ValueError, match=what):
        replace(SIZES, **sizes)


def test_a_reference_counts_as_much_as_a_source_however_many_tokens_that_has():
    layout = make_layout(Grid(4, 4, 1, 0.32, 4, 0.04), text_tokens=4, references=1, source=True)
    image, video = (torch.zeros(1, layout.sizes[k], 2 * ALIKE) for k in (1, 2))
    image[:, layout.where("image", "reference")] = 3.0
    assert torch.allclose(looks_given(image, video, layout, ALIKE), torch.tensor(1.0))


@pytest.mark.parametrize(
    ("given", "led"), [({"references": 2}, READ_LED), ({"first_frame": True}, LOOKS_LED)], ids=str
)
@torch.no_grad()
def test_who_is_seen_is_led_less_far_where_references_say_it(model, given, led):
    text, image, video, audio, levels, layout = asked(2, **given)
    tokens = dict(zip(MADE, (image, video, audio), strict=True))
    torch.manual_seed(4)
    heads = list(model.part.heads.values())
    for head in heads:
        head.weight.normal_(std=0.1)
    bare = layout.without("reference")
    alone = tokens | {"image": image[:, layout.where("image", "reference").stop :]}
    to = targets(model, text, tokens, levels, layout)["video"]
    away = targets(model, 0 * text, alone, levels, bare)["video"]
    out = guided_targets(model, text, 0 * text, tokens, levels, layout, 3.0)["video"]
    for head in heads:
        head.weight.zero_()
    torch.testing.assert_close(
        looks_of(out), looks_of(to + 2.0 * led * (to - away)), rtol=1e-3, atol=1e-4
    )


def test_who_is_given_is_found_by_the_layout_alone():
    layout = make_layout(Grid(4, 4, 1, 0.32, 4, 0.04), text_tokens=4, references=1, source=True)
    # on a device without numbers, and so when compiled, nothing could be looked up in them
    image, video = (torch.zeros(2, layout.sizes[k], ALIKE, device="meta") for k in (1, 2))
    assert looks_given(image, video, layout, ALIKE).shape == (2, 1, LOOK)
    bare = make_layout(Grid(4, 4, 1, 0.32, 4, 0.04), text_tokens=4)
    image, video = (torch.zeros(2, bare.sizes[k], ALIKE) for k in (1, 2))
    assert looks_given(image, video, bare, ALIKE).shape == (2, 0, LOOK)


@pytest.mark.parametrize("name", MADE)
@torch.no_grad()
def test_what_a_source_is_made_of_is_relit_and_nothing_is_where_there_is_none(model, name):
    with_source, without = asked(3, source=True), asked(3)
    fresh, alone = model(*with_source), model(*without)
    bias, shown = model.part.relight[name].bias, SIZES.shown(name)
    bias.copy_(torch.linspace(0, 0.2, shown))
    try:
        out, still = model(*with_source), model(*without)
        factors = QUICK * bias.clone()
    finally:
        bias.zero_()
    layout, tokens = with_source[-1], with_source[1 + MADE.index(name)]
    to, of = layout.where(name, "target"), layout.where(name, "source")
    torch.testing.assert_close(
        out[name][:, to, :shown], fresh[name][:, to, :shown] + factors * tokens[:, of, :shown]
    )
    assert torch.equal(out[name][:, to, shown:], fresh[name][:, to, shown:])
    assert torch.equal(still[name], alone[name])
