"""The networks that listen: who speaks when, which words, and how good it sounds.

Each class wraps a runtime's session and gives plain numbers; the ``load_*`` functions are the only
ones that ask for files. All three take mono sound of SAMPLE_RATE.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hhlab import weights
from hhlab.errors import PackageMissing

if TYPE_CHECKING:
    from pathlib import Path

    import onnxruntime

SAMPLE_RATE = 16_000
LOOPS = 2.4
"""Text that packs better than this repeats itself: the recogniser makes it up (Radford 2022)."""


@dataclass(frozen=True)
class Heard:
    """What a recogniser made out.

    Attributes
    ----------
    text : as written; "" where nothing was made out
    confidence : mean probability of a token, in [0, 1]
    loops : whether the text repeats itself, as it does where nothing can be made out
    by : name of the recogniser
    """

    text: str
    confidence: float
    loops: bool
    by: str


class SpeechDetector:
    """Silero VAD: the probability that somebody speaks, for each STEP samples."""

    name = "silero_vad 6"
    STEP, BEFORE = 512, 64  # samples a step, and of the sound before it that the network sees again

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @property
    def step_s(self) -> float:
        return self.STEP / SAMPLE_RATE

    def probabilities(self, samples: np.ndarray) -> np.ndarray:
        """float32 (n,) for samples float32 (m,); the last, incomplete step is filled with zeros."""
        state = np.zeros((2, 1, 128), np.float32)
        padded = np.pad(samples.astype(np.float32), (self.BEFORE, -len(samples) % self.STEP))
        found = []
        for start in range(0, len(padded) - self.BEFORE, self.STEP):
            part = padded[start : start + self.BEFORE + self.STEP]
            answer, state = self._session.run(
                None, {"input": part[None], "state": state, "sr": np.array(SAMPLE_RATE)}
            )
            found.append(answer[0, 0])
        return np.array(found, np.float32)


class QualityJudge:
    """DNSMOS P.835 (Reddy et al. 2022): how people would rate the sound, 1 (bad) to 5."""

    name = "dnsmos p835"
    SPAN_S = 9.01  # what the network hears at once; shorter sound is repeated, as its makers do
    # Its makers' polynomials from the network's output to ratings, highest power first.
    SIGNAL = (-0.08397278, 1.22083953, 0.0052439)
    BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)
    OVERALL = (-0.06766283, 1.11546468, 0.04602535)

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        (self._input,) = (item.name for item in session.get_inputs())

    def rate(self, samples: np.ndarray) -> tuple[float, float, float]:
        """Speech itself, what is behind it, and both together, of samples float32 (n,)."""
        span = int(self.SPAN_S * SAMPLE_RATE)
        if not len(samples):
            return (math.nan,) * 3
        repeats = math.ceil(span / len(samples))
        sound = np.tile(samples.astype(np.float32), repeats)
        # Every whole second of long sound, each judged with what follows; at most a dozen of them.
        starts = np.arange(0, len(sound) - span + 1, SAMPLE_RATE) if repeats == 1 else [0]
        starts = starts[:: math.ceil(len(starts) / 12)]
        raw = np.array([
            self._session.run(None, {self._input: sound[start : start + span][None]})[0][0]
            for start in starts
        ])  # fmt: skip
        fits = (self.SIGNAL, self.BACKGROUND, self.OVERALL)
        return tuple(
            float(np.polyval(fit, column).mean()) for fit, column in zip(fits, raw.T, strict=True)
        )


class Recogniser:
    """Whisper tiny.en (Radford et al. 2022) run by faster-whisper: English words."""

    name = "whisper tiny.en"

    def __init__(self, model: Path, tokens: Path) -> None:
        self._files = model, tokens

    @cached_property
    def _network(self) -> Any:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise PackageMissing(
                "faster-whisper", expected="`pip install faster-whisper`", found="not installed"
            ) from error
        model, tokens = self._files
        tokenizer = tokens.read_bytes()
        files = {
            "model.bin": io.BytesIO(model.read_bytes()),
            "config.json": io.BytesIO(json.dumps(_config()).encode()),
            "vocabulary.json": io.BytesIO(json.dumps(_vocabulary(tokenizer)).encode()),
            "tokenizer.json": tokenizer,
        }
        return WhisperModel("tiny.en", files=files, device="cpu", compute_type="int8",
                            cpu_threads=1, local_files_only=True)  # fmt: skip

    def hear(self, samples: np.ndarray) -> Heard:
        """The words in samples float32 (n,): the likeliest text, without chance in the search."""
        found, _ = self._network.transcribe(
            samples.astype(np.float32), language="en", temperature=0.0, beam_size=5,
            condition_on_previous_text=False, without_timestamps=True,
        )  # fmt: skip
        parts = list(found)
        if not parts:
            return Heard("", 0.0, False, self.name)
        return Heard(
            " ".join(part.text.strip() for part in parts),
            float(np.exp(np.mean([part.avg_logprob for part in parts]))),
            max(part.compression_ratio for part in parts) > LOOPS,
            self.name,
        )


def _config() -> dict[str, Any]:
    """What the runtime wants to know beside the numbers: tokens that are not to be written."""
    return {"suppress_ids": list(range(50357, 50363)), "suppress_ids_begin": [220, 50256]}


def _vocabulary(tokenizer: bytes) -> list[str]:
    """Tokens in the order of their numbers; last come the times, which no tokenizer lists."""
    table = json.loads(tokenizer)
    numbers = dict(table["model"]["vocab"])
    numbers.update({extra["content"]: extra["id"] for extra in table["added_tokens"]})
    times = [f"<|{k / 50:.2f}|>" for k in range(1501)]
    return [*sorted(numbers, key=numbers.__getitem__), *times]


def load_detector() -> SpeechDetector:
    """Raises :class:`hhlab.errors.WeightsMissing`, which names the command that fetches it."""
    return SpeechDetector(_session(weights.path("silero_vad")))


def load_judge() -> QualityJudge:
    """Raises :class:`hhlab.errors.WeightsMissing`, which names the command that fetches it."""
    return QualityJudge(_session(weights.path("dnsmos")))


def load_recogniser() -> Recogniser:
    """Raises WeightsMissing; PackageMissing comes when it is first asked to hear something."""
    return Recogniser(weights.path("whisper_tiny_en"), weights.path("whisper_tokens"))


def _session(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
