"""Sound as latent tokens, and back: log-mel spectra, principal components, phase by iteration."""

from __future__ import annotations

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

from hhlab.model.codec import KeepsPrecision

FLOOR = 1e-4  # of a spectrum's amplitude: what is softer is silence


def mel_matrix(bands: int, bins: int, sample_rate: int) -> np.ndarray:
    """Triangular filters, float64 (bands, bins), evenly spaced in mel (2595 log10(1 + f / 700))."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    f = np.linspace(0, sample_rate / 2, bins)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise, fall = (f - left) / (middle - left), (right - f) / (right - middle)
    filters = np.maximum(0, np.minimum(rise, fall))
    thin = filters.sum(1) < 1e-9  # the lowest filters may fall between two bins
    filters[thin, np.abs(f[None] - middle[thin]).argmin(1)] = 1
    return filters / filters.sum(1, keepdims=True)


class MelCodec(KeepsPrecision, ModelMixin, ConfigMixin):
    """Encodes mono sound as tokens of `hops` spectra, and makes sound of them again."""

    @register_to_config
    def __init__(
        self, sample_rate: int = 16000, hop: int = 160, window: int = 640, bands: int = 64,
        hops: int = 4, audio_dim: int = 96,
    ) -> None:  # fmt: skip
        super().__init__()
        values = bands * hops
        filters = torch.tensor(mel_matrix(bands, window // 2 + 1, sample_rate)).float()
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("spread", torch.linalg.pinv(filters), persistent=False)
        self.register_buffer("taper", torch.hann_window(window), persistent=False)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("basis", torch.zeros(values, audio_dim))
        self.register_buffer("scale", torch.ones(audio_dim))

    @property
    def token_s(self) -> float:
        """How long a token lasts."""
        return self.config.hop * self.config.hops / self.config.sample_rate

    def _spectra(self, samples: torch.Tensor) -> torch.Tensor:
        """Complex (b, bins, n) of samples (b, hop n); spectrum k is centred in its own hop."""
        hop, width = self.config.hop, self.config.window
        margin = (width - hop) // 2
        padded = torch.nn.functional.pad(samples, (margin, margin))
        return torch.stft(padded, width, hop, window=self.taper, center=False, return_complex=True)

    def _samples(self, spectra: torch.Tensor) -> torch.Tensor:
        """Invert `_spectra` in the least-squares sense (Griffin and Lim 1984, equation 6)."""
        hop, width = self.config.hop, self.config.window
        margin = (width - hop) // 2
        pieces = torch.fft.irfft(spectra, n=width, dim=1) * self.taper[:, None]
        n = spectra.shape[-1]
        total = hop * (n - 1) + width
        fold = {"output_size": (1, total), "kernel_size": (1, width), "stride": (1, hop)}
        samples = torch.nn.functional.fold(pieces, **fold)[:, 0, 0]
        weight = self.taper.square()[:, None].expand(-1, n)[None]
        weight = torch.nn.functional.fold(weight, **fold)[:, 0, 0]
        return (samples / weight.clamp_min(1e-3))[:, margin : total - margin]

    def log_mel(self, samples: torch.Tensor) -> torch.Tensor:
        """Log-mel spectra, float (b, n, bands), of samples (b, hop n) in [-1, 1]."""
        amplitude = self._spectra(samples).abs() * (2 / self.config.window)
        return torch.log10((self.filters @ amplitude).clamp_min(FLOOR)).transpose(1, 2) / 2 + 1

    def encode(self, samples: torch.Tensor) -> torch.Tensor:
        """Tokens (b, n, audio_dim) of samples (b, n hop hops)."""
        mel = self.log_mel(samples)
        mel = mel.reshape(len(mel), -1, self.config.hops * self.config.bands)
        return (mel - self.mean) @ self.basis / self.scale

    def decode_mel(self, tokens: torch.Tensor) -> torch.Tensor:
        """Log-mel spectra, float (b, n, bands), of tokens."""
        mel = tokens * self.scale @ self.basis.T + self.mean
        return mel.reshape(len(mel), -1, self.config.bands)

    @torch.no_grad()
    def decode(self, tokens: torch.Tensor, *, seed: int = 0, rounds: int = 40) -> torch.Tensor:
        """Samples (b, n hop hops) in [-1, 1] whose spectra come closest to those of the tokens.

        Phases are found by fast Griffin-Lim (Perraudin, Balazs and Soendergaard 2013, algorithm 2,
        with momentum .99).
        """
        mel = self.decode_mel(tokens.float()).clamp(max=1.0)
        amplitude = torch.pow(10.0, (mel.transpose(1, 2) - 1) * 2)
        amplitude = torch.where(amplitude <= FLOOR * 1.5, 0.0, amplitude)
        amplitude = (self.spread @ amplitude).clamp_min(0) * (self.config.window / 2)
        draw = torch.Generator().manual_seed(seed)
        turn = torch.rand(amplitude.shape, generator=draw).to(amplitude) * 2 * torch.pi
        guess = torch.polar(amplitude, turn)
        before = torch.zeros_like(guess)
        for _ in range(rounds):
            consistent = self._spectra(self._samples(guess))
            ahead = consistent + 0.99 * (consistent - before)
            before = consistent
            guess = torch.polar(amplitude, torch.angle(ahead))
        return self._samples(guess).clamp(-1, 1)

    @torch.no_grad()
    def fit(self, samples: torch.Tensor, power: float = 0.5) -> None:
        """Set the components from sound (b, n hop hops)."""
        mel = self.log_mel(samples).reshape(-1, self.config.hops * self.config.bands)
        mean = mel.mean(0)
        centred = (mel - mean).double()
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        dim = self.config.audio_dim
        deviation = values.flip(0)[:dim].clamp_min(1e-8).sqrt().float()
        scale = deviation**power
        self.mean.copy_(mean)
        self.basis.copy_(vectors.flip(1)[:, :dim].float())
        self.scale.copy_(scale * ((deviation / scale).square().mean()).sqrt())
