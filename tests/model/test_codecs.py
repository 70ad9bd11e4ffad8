"""Pictures and sound survive their codecs; borders of blocks do not show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hhlab.errors import BadArray
from hhlab.model import LappedCodec
from hhlab.model.borders import border_filter, filtered
from hhlab.model.mel import mel_matrix
from tests.model.conftest import smooth_pictures


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), half=st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_the_lapped_filter_is_orthonormal_and_keeps_constants(rows, columns, half):
    block, matrix = 2 * half, torch.from_numpy(border_filter(half))
    pictures = torch.randn(2, 3, rows * block, columns * block, dtype=torch.float64)
    there = filtered(pictures, matrix, block)
    assert torch.allclose(there.square().sum((-1, -2)), pictures.square().sum((-1, -2)))
    assert torch.allclose(filtered(there, matrix.T, block), pictures)
    assert torch.allclose(filtered(torch.ones_like(pictures), matrix, block),
                          torch.ones_like(pictures))  # fmt: skip


def test_unseen_pictures_come_back(codecs):
    picture, _ = codecs
    clip = torch.from_numpy(smooth_pictures(9, 32, 77)).float()[None] / 127.5 - 1
    image, video = picture.encode_image(clip[:, 0]), picture.encode_video(clip[:, 1:])
    back = picture.decode(image, video, 4, 4)
    assert back.shape == clip.shape
    assert 10 * np.log10(4 / float((back - clip).square().mean())) > 33


def test_fewer_components_are_the_first_of_all_and_lose_the_least(codecs):
    from eval.training.components import fewer

    full, _ = codecs
    clip = torch.from_numpy(smooth_pictures(9, 32, 78)).float()[None] / 127.5 - 1
    whole, off = full.encode_video(clip[:, 1:]), []
    for image, video in ((48, 64), (24, 32), (6, 8)):
        part = fewer(full, image, video)
        tokens = part.encode_image(clip[:, 0]), part.encode_video(clip[:, 1:])
        assert torch.allclose(tokens[1], whole[..., :video], atol=1e-5)
        off.append(float((part.decode(*tokens, 4, 4) - clip).square().mean()))
    assert off == sorted(off) and off[2] > 2 * off[0]


def test_an_error_in_one_token_fades_out_instead_of_ending_at_its_border(codecs):
    picture, _ = codecs
    zero = torch.zeros(1, 16, 48)
    one = zero.clone()
    one[0, 5, 0] = 1.0  # a token inside the picture: rows and columns 8 to 16
    none = torch.zeros(1, 0, 64)
    bump = (picture.decode(one, none, 4, 4) - picture.decode(zero, none, 4, 4))[0, 0]
    strength = bump.square().sum(-1).sqrt()
    inside = strength[8:16, 8:16].mean()
    assert strength[8:16, 5:8].mean() > 0.05 * inside  # it reaches into its neighbour
    step = (strength[10:14, 8] - strength[10:14, 7]).abs().mean()
    assert step < 0.5 * inside


def test_sides_that_do_not_divide_are_named(codecs):
    with pytest.raises(BadArray, match="divide by 8"):
        codecs[0].encode_image(torch.zeros(1, 20, 32, 3))
    with pytest.raises(BadArray, match="multiple of 4"):
        codecs[0].encode_video(torch.zeros(1, 5, 32, 32, 3))


def test_tokens_have_unit_mean_square(codecs):
    clips = torch.stack(
        [torch.from_numpy(smooth_pictures(9, 32, s)).float() / 127.5 - 1 for s in range(24)]
    )
    assert codecs[0].encode_image(clips[:, 0]).square().mean() == pytest.approx(1, abs=0.15)


def test_mel_filters_cover_all_bins_without_gaps():
    filters = mel_matrix(64, 321, 16000)
    assert np.allclose(filters.sum(1), 1)
    assert (filters[:, 2:-1].sum(0) > 0).all()


def test_a_tone_comes_back_at_its_pitch_and_loudness(codecs):
    _, sound = codecs
    t = np.arange(11520) / 16000
    tone = torch.tensor(0.3 * np.sin(2 * np.pi * 437 * t)).float()[None]
    back = sound.decode(sound.encode(tone))
    assert back.shape == tone.shape
    middle = slice(2000, 9500)
    spectrum = np.abs(np.fft.rfft(back[0, middle].numpy() * np.hanning(7500)))
    assert abs(spectrum.argmax() * 16000 / 7500 - 437) < 40
    assert back[0, middle].std() == pytest.approx(float(tone[0, middle].std()), rel=0.35)


def test_silence_stays_silent_and_nothing_clicks(codecs):
    _, sound = codecs
    quiet = sound.decode(sound.encode(torch.zeros(1, 11520)))
    assert quiet.abs().max() < 0.02


def test_codecs_stay_exact_when_the_pipeline_is_cast(pipe):
    pipe.to(torch.bfloat16)
    assert pipe.picture_codec.image_mean.dtype == torch.float32
    assert pipe.transformer.dtype == torch.bfloat16
    assert isinstance(pipe.picture_codec, LappedCodec)
