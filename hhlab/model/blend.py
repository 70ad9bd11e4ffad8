"""What a noisy token shows of itself is believed as far as it is clear.

The transformer guesses a token from all there is, through fewer channels than a token has, and so
loses detail even where hardly any noise hides it. Its guess is therefore taken as a prior whose
error is about known, and the noisy token as a measurement: the better of both follows from Bayes (a
Kalman gain, channel by channel). Near pure noise that is the guess; near the end it is the token
itself. Karras et al. 2022, "Elucidating the design space of diffusion-based generative models",
section 5, blend the same two by the noise level alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

MISSED = {"image": 1.5, "video": 1.5, "audio": 0.5}  # times a channel's mean variance


def guess_error(name: str, variance: torch.Tensor) -> torch.Tensor:
    """What a guess misses of each channel of a modality, as a variance: float32 (channels,).

    All that is finer than some measure, and as much of what is coarser: a code of limited rate does
    best so (Cover and Thomas, "Elements of information theory", 2006, theorem 10.3.3), and foal's
    own guesses do about that.
    """
    return variance.float().clamp_max(MISSED[name] * float(variance.float().mean()))


def gain(variance: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """How much of what a guess misses of the noisy token is believed.

    Parameters
    ----------
    variance : float (channels,) of the guess's error; 0 where it is not known
    level : float (b, n), s of the tokens ``(1 - s) clean + s noise``

    Returns
    -------
    float32 (b, n, channels), 0 at level 1 and where the variance is 0; times 1 - s it is the share
    of the token in what is found, in [0, 1]
    """
    s = level.float()[..., None]
    variance = variance.float()
    return (1 - s) * variance / ((1 - s).square() * variance + s.square()).clamp_min(1e-9)


class Blend(nn.Module):
    """Joins a transformer's guesses with the noisy tokens they were made from.

    `error_NAME` holds what a guess misses of each of a modality's channels, as a variance; 0 (as
    long as nobody has said it) leaves guesses as they are.
    """

    def __init__(self, channels: Mapping[str, int]) -> None:
        super().__init__()
        for name, count in channels.items():
            self.register_buffer(f"error_{name}", torch.zeros(count))

    def forward(
        self, name: str, guess: torch.Tensor, tokens: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Clean tokens (b, n, channels) of one modality; `tokens` are the noisy ones."""
        believed = gain(self.get_buffer(f"error_{name}"), level)
        missed = tokens - (1 - level.float()[..., None]) * guess
        return (guess + believed * missed).to(guess.dtype)
